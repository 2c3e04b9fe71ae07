"""The border where seconds, joules and bytes become integers: each metric by hand."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from optsplit import Connection, Device, Layer, LayerGraph, Link, Partition, Profile, Tensor, Timing, links
from optsplit.errors import InvalidInput
from optsplit.hardware import MBIT

UP, DOWN = ("device", "server"), ("server", "device")


def network(size: tuple[int, int, int] = (1000, 200, 40)) -> LayerGraph:
    """input -> conv -> fc; conv has 50 bytes of weights, fc 7 and shares conv's."""
    return LayerGraph(
        "net",
        (Layer("input", "input"), Layer("conv", "conv", weights=("w",)), Layer("fc", "linear", weights=("w", "b"))),
        (Tensor("x", 0, (1,), size[0]), Tensor("y", 1, (2,), size[1]), Tensor("z", 2, (), size[2])),
        ("z",),
        {"w": 50, "b": 7},
    )


def profile(**places: Any) -> Profile:
    places = places or {"device": (0.0, 0.010, 0.020), "server": (0.0, 0.001, 0.002)}
    return Profile(network(), {p: t if isinstance(t, Timing) else Timing(t) for p, t in places.items()})


# 1000 bytes/s up and 2000 down; 1 ms for each message
SLOW = Connection("slow", Link(1000.0, 0.001, transmit_watts=3.0), Link(2000.0, 0.001, receive_watts=0.5))


def refused(message: str) -> Any:
    return pytest.raises(InvalidInput, match=re.escape(message))


def test_seconds_are_rounded_to_the_nearest_nanosecond() -> None:
    problem = Partition.from_profile(profile(device=(0.0, 1.4e-9, 1.6e-9), server=(0.0, 0.4e-9, 3.0000000009)), SLOW)
    assert problem.costs("latency").compute.tolist() == [[0, 0], [1, 0], [2, 3_000_000_001]]
    # 1000 bytes at 3e9 bytes/s are 333.3 ns, 200 are 66.7
    thin = Partition.from_profile(profile(), {UP: Link(3e9)})
    assert thin.costs("latency").transfer[0, 1].tolist() == [333, 67, 13]


def test_every_metric_by_hand() -> None:
    problem = Partition.from_profile(profile(), SLOW, device=Device("d", compute_watts=2.0, idle_watts=1.0))
    # input and conv here, fc there: y up takes 1 ms + 200 / 1000 s, z down 1 ms + 40 / 2000 s
    priced = problem.evaluate(problem.plan([0, 0, 1]))
    assert priced.violations == ()
    assert priced.metrics == {
        "latency": 10_000_000 + 2_000_000 + 201_000_000 + 21_000_000,
        "fixed_latency": 10_000_000 + 2_000_000 + 1_000_000 + 1_000_000,
        # a byte up counts twice: the link is half as fast
        "traffic": 2 * 200 + 40,
        "bytes": 240,
        "device_seconds": 10_000_000,
        "server_seconds": 2_000_000,
        "device_server_seconds": 201_000_000,
        "server_device_seconds": 21_000_000,
        # 2 W while computing, 1 W while waiting, 1 + 3 W while sending, 1 + 0.5 W while receiving
        "energy": 20_000_000 + 2_000_000 + 804_000_000 + 31_500_000,
        # the shared weight is charged to each of its readers
        "device_memory": 50,
        "server_memory": 57,
    }
    assert problem.pins == {"input": "device"}
    assert problem.name == "net"
    assert {name: problem.metrics[name].unit for name in ("latency", "energy", "bytes")} == {
        "latency": "ns", "energy": "nJ", "bytes": "B",
    }  # fmt: skip


def test_measured_joules_stand_in_for_power_unless_the_device_is_loaded() -> None:
    measured = profile(device=Timing((0.0, 0.010, 0.020), joules=(0.0, 0.5, 0.25)), server=(0.0, 0.001, 0.002))
    power = Device("d", compute_watts=2.0)
    energy = Partition.from_profile(measured, SLOW, device=power).costs("energy").compute
    assert energy[:, 0].tolist() == [0, 500_000_000, 250_000_000]
    loaded = Partition.from_profile(measured, SLOW, device=power, load={"device": 3.0}).costs("energy").compute
    assert loaded[:, 0].tolist() == [0, 60_000_000, 120_000_000]


def test_load_slows_the_layers_of_its_place_alone() -> None:
    problem = Partition.from_profile(profile(), SLOW, load={"server": 2.5})
    assert problem.costs("latency").compute.tolist() == [[0, 0], [10_000_000, 2_500_000], [20_000_000, 5_000_000]]
    assert problem.costs("server_seconds").compute[:, 1].tolist() == [0, 2_500_000, 5_000_000]
    with refused("load of place 'server' is 0; give a positive finite number"):
        Partition.from_profile(profile(), SLOW, load={"server": 0})
    with refused("load: unknown place 'cloud'; known: device, server"):
        Partition.from_profile(profile(), SLOW, load={"cloud": 2})


def test_limits_are_given_in_seconds_joules_and_bytes() -> None:
    limits = {"latency": 0.5, "energy": 0.8, "bytes": 300, "traffic": 400, "device_memory": 60.4}
    problem = Partition.from_profile(profile(), SLOW, device=Device("d", 2.0), limits=limits)
    assert problem.limits == {
        "latency": 500_000_000, "energy": 800_000_000, "bytes": 300, "traffic": 400, "device_memory": 60,
    }  # fmt: skip
    with refused("limit on 'bytes' is -1; give a finite number, 0 or more"):
        Partition.from_profile(profile(), SLOW, limits={"bytes": -1})
    with refused("limit on 'latency' is nan; give a finite number, 0 or more"):
        Partition.from_profile(profile(), SLOW, limits={"latency": float("nan")})


@pytest.mark.parametrize(
    ("connection", "weight"),
    [(links["lte"], 6), (links["4g"], 1), (Connection.mbit(5.85, 18.88), 585), (Connection.mbit(300, 7), 7)],
)
def test_latency_is_what_is_fixed_and_what_grows_with_bytes(connection: Connection, weight: int) -> None:
    problem = Partition.from_profile(profile(), connection)
    fastest = max(connection.up.rate, connection.down.rate)
    for at in itertools.product((0, 1), repeat=3):
        priced = problem.evaluate(problem.plan(at)).metrics
        crossing = len(problem.ways(np.array(at))[0])
        growing = priced["traffic"] * 1e9 / (weight * fastest)
        assert abs(priced["latency"] - priced["fixed_latency"] - growing) <= 0.5 * crossing + 1e-3


SIX = [80, 5.85, 18.88, 1.1, 6.01, 13.37]
THREE_PLACES: Mapping[tuple[str, str], Link] = {
    arc: Link(rate * MBIT) for arc, rate in zip(itertools.permutations(("device", "edge", "cloud"), 2), SIX)
}


def test_links_of_many_rates_keep_traffic_within_its_integers() -> None:
    three = profile(device=(0.0, 0.1, 0.1), edge=(0.0, 0.05, 0.05), cloud=(0.0, 0.01, 0.01))
    three = Profile(network((100_000_000, 10_000_000, 4000)), three.timings)
    problem = Partition.from_profile(three, THREE_PLACES)
    traffic = problem.costs("traffic").transfer[:, :, 0]
    fast = traffic[0, 1]
    for (p, q), rate in zip(itertools.permutations(range(3), 2), SIX):
        assert traffic[p, q] / fast == pytest.approx(80 / rate, rel=1e-3)


def test_inputs_are_pinned_to_the_first_place() -> None:
    problem = Partition.from_profile(profile(), SLOW, pins={"fc": "server", "input": "device"})
    assert problem.pins == {"input": "device", "fc": "server"}
    with refused("pin of layer 'input' to 'server': it is an input, which 'device' holds"):
        Partition.from_profile(profile(), SLOW, pins={"input": "server"})
    with refused("pin of unknown layer 'fd'; known: input, conv, fc"):
        Partition.from_profile(profile(), SLOW, pins={"fd": "server"})


def test_metrics_that_are_not_there() -> None:
    with refused("metric 'energy' needs the device's power; give device=optsplit.devices[...]"):
        Partition.from_profile(profile(), SLOW, minimize="energy")
    with refused("metric 'energy' needs the device's power; give device=optsplit.devices[...]"):
        Partition.from_profile(profile(), SLOW, limits={"energy": 1.0})
    with refused("unknown metric 'latenzy'; did you mean 'latency' or 'fixed_latency'? known: latency, "):
        Partition.from_profile(profile(), SLOW, minimize=("latency", "latenzy"))


def test_places_and_links_must_fit() -> None:
    one = profile(device=(0.0, 0.1, 0.1))
    with refused("profile of 'net' has the one place 'device'; merge it with a server's by Profile.merged"):
        Partition.from_profile(one, SLOW)
    three = profile(device=(0.0, 0.1, 0.1), edge=(0.0, 0.1, 0.1), cloud=(0.0, 0.1, 0.1))
    with refused("one connection for the places ('device', 'edge', 'cloud'); give a Link for each arc (from, to)"):
        Partition.from_profile(three, SLOW)
    with refused("link ('device', 'moon'): unknown place 'moon'; known: device, server"):
        Partition.from_profile(profile(), {("device", "moon"): Link(1.0)})
    with refused(
        "no link between the places ('device', 'server'); give a Connection, or a Link for each arc (from, to)"
    ):
        Partition.from_profile(profile(), {})
    with refused("link ('device', 'server') is a float; give an optsplit.Link"):
        Partition.from_profile(profile(), {UP: 1e6})  # type: ignore[dict-item]
    with refused("links are a str; give a Connection, or a Link for each arc (from, to)"):
        Partition.from_profile(profile(), "4g")  # type: ignore[arg-type]


def test_a_link_for_each_arc() -> None:
    problem = Partition.from_profile(profile(), {UP: Link(1000.0)}, result_at="server", one_way=True)
    assert problem.links == {UP}
    assert problem.costs("latency").transfer[0, 1].tolist() == [10**9, 2 * 10**8, 4 * 10**7]
    assert problem.costs("latency").transfer[1, 0].tolist() == [0, 0, 0]
    assert (problem.result_at, problem.one_way) == ("server", True)
    assert "server_device_seconds" not in problem.metrics


def test_times_beyond_the_integers_are_named() -> None:
    # 1000 bytes at 1e-6 bytes/s: 1e18 ns
    with refused("metric 'latency' transfer ('device', 'server')['input'] is 1e+18, at or above 2**53"):
        Partition.from_profile(profile(), {UP: Link(1e-6)})
    with refused("metric 'latency' compute['fc', 1] is 1e+30, at or above 2**53"):
        Partition.from_profile(profile(device=(0.0, 0.1, 0.1), server=(0.0, 0.1, 1e21)), SLOW)


def test_rates_too_far_apart_are_named() -> None:
    apart = Connection("apart", Link(1e-11), Link(1e9))
    with pytest.raises(InvalidInput, match=r"1e\+20 times as slow as the fastest link; .* give a faster link"):
        Partition.from_profile(profile(device=(0.0, 0.1, 0.1), server=(0.0, 0.05, 0.05)), apart)
