"""Results, envelopes and fronts whose pictures are hard: long, wide, crowded, or with almost nothing to show."""

from __future__ import annotations

from functools import cache
from typing import Any

import optsplit as osp
from optsplit.result import Limit, Result, Status, TracePoint

PHONE = {"device": 12.0}


def partition(network: str, link: str = "4g", **options: Any) -> osp.Partition:
    return osp.Partition.from_profile(osp.bundled(network), osp.links[link], load=PHONE, **options)


def _three_places() -> Result:
    profile = osp.bundled("googlenet")
    times = profile.timings
    tiers = osp.Profile(profile.graph, {"device": times["device"], "edge": times["server"], "cloud": times["server"]})
    near, far = osp.Connection.mbit(100), osp.Connection.mbit(500)
    links = {
        ("device", "edge"): near.up, ("edge", "device"): near.down, ("edge", "cloud"): far.up,
        ("cloud", "edge"): far.down,
    }  # fmt: skip
    load = {"device": 30.0, "edge": 5.0}
    return osp.solve(osp.Partition.from_profile(tiers, links, load=load))


def _upload(network: str, **options: Any) -> Result:
    return osp.solve(
        osp.UploadOrder.from_profile(osp.bundled(network), osp.Connection.mbit(200), load=PHONE, **options)
    )


def _schedule(network: str, frames: int, link: osp.Connection, method: str, one_way: bool = True) -> Result:
    problem = osp.Schedule.from_profile(osp.bundled(network), link, frames, load=PHONE, one_way=one_way)
    return osp.solve(problem, method)


def _returning() -> Result:
    """Layers that go to the server and come back, so that both links carry a job twice."""
    ways = {("device", "server"): [2, 2, 2, 2], ("server", "device"): [1, 1, 1, 1]}
    costs = osp.Metric([[0, 0], [9, 1], [1, 9], [9, 1]], ways)
    net = osp.Partition(["input", "a", "b", "c"], [(0, 1), (1, 2), (2, 3)], metrics={"latency": costs})
    return osp.solve(osp.Schedule([net, net]))


def _trace() -> Result:
    points = (TracePoint(0.1, None, 10**6), TracePoint(0.2, 5 * 10**6, 10**6), TracePoint(0.4, 3 * 10**6, 2 * 10**6))
    return Result(
        "milp", Status.FEASIBLE, Limit.TIME, objective=3 * 10**6, bound=2 * 10**6, trace=points, solve_seconds=1.0,
        minimize=("latency",), units={"latency": "ns"},
    )  # fmt: skip


@cache
def drawn(name: str) -> Any:
    """What is drawn, made on first use: something with `plot(ax=)`."""
    return CASES[name]()


def confident(**options: Any) -> osp.Partition:
    limits = {"latency": 0.3}
    return partition("branchy_digits", "3g", exits="confidence", maximize="accuracy", limits=limits, **options)


CASES: dict[str, Any] = {
    "chain with bows": lambda: osp.solve(partition("alexnet")),
    "branches": lambda: osp.solve(partition("googlenet", "wifi").but(limits={"bytes": 100_000})),
    "708 layers": lambda: osp.solve(partition("densenet201")),
    "three places": _three_places,
    "throughput": lambda: osp.solve(
        partition("googlenet").but(minimize=("device_seconds", "device_server_seconds", "server_seconds"))
    ),
    "one exit": lambda: osp.solve(
        partition("branchy_digits", "3g", exits="one", maximize="accuracy", limits={"latency": 0.01})
    ),
    "confidence": lambda: osp.solve(confident()),
    "bits": lambda: osp.solve(
        partition("branchy_digits", "3g", precisions=(32, 16, 8, 4, 2), at_least={"accuracy": 0.93}, minimize="latency")
    ),
    "upload": lambda: _upload("googlenet"),
    "upload of few": lambda: _upload("alexnet"),
    "four frames": lambda: _schedule("alexnet", 4, osp.links["4g"], "extended-johnson"),
    "ten frames": lambda: _schedule("resnet18", 10, osp.links["wifi"], "partition"),
    "100 frames": lambda: _schedule("alexnet", 100, osp.links["wifi"], "partition"),
    "returning": _returning,
    "four jobs": lambda: osp.solve(osp.FlowShop([[3, 2, 5], [3, 2, 2], [4, 3, 3], [4, 2, 3]])),
    "fifty jobs": lambda: osp.solve(osp.FlowShop.taillard(50, 5, 1328042058), "neh"),
    "envelope": lambda: osp.envelope(partition("densenet201")),
    "envelope of one breakpoint": lambda: osp.envelope(partition("googlenet")),
    "front": lambda: osp.front(partition("googlenet", "wifi"), ("latency", "server_seconds"), eps=0.05),
    "front of many": lambda: osp.front(partition("googlenet", "wifi"), ("latency", "server_seconds")),
    "front of three": lambda: osp.front(
        partition("alexnet", "wifi", device=osp.devices["odroid-xu4"]), ("latency", "energy", "server_seconds")
    ),
    "decisions": lambda: osp.decision_table(partition("branchy_digits", "3g", exits="one")),
}

PROGRESS = {"progress": _trace, "progress of exits": lambda: drawn("bits")}
ENVELOPES = {"where a result stands": lambda: drawn("708 layers")}
