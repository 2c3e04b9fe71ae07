"""Exits and precisions of a profile: each cost by hand, and what the command line makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import optsplit as osp
from optsplit import Connection, Device, Layer, LayerGraph, Link, Partition, Profile, Tensor, Timing
from optsplit.cli import main
from optsplit.errors import InvalidInput
from optsplit.profiling.quality import ExitPattern, ExitTable, Packing

# 1000 bytes/s up and 2000 down; 1 ms for each message
SLOW = Connection("slow", Link(1000.0, 0.001, transmit_watts=3.0), Link(2000.0, 0.001, receive_watts=0.5))


def branchy() -> Profile:
    """input -> a -> first, a -> last; input and a can be packed with 8 bits."""
    graph = LayerGraph(
        "net",
        (Layer("input", "input"), Layer("a", "conv"), Layer("first", "linear"), Layer("last", "linear")),
        (Tensor("x", 0, (1,), 1000), Tensor("y", 1, (2, 3), 200), Tensor("z1", 2, (), 40), Tensor("z2", 3, (), 40)),
        ("z1", "z2"),
    )
    both = {"device": 0.002, "server": 0.001}
    return Profile(
        graph,
        {"device": Timing((0.0, 0.5, 0.1, 0.9)), "server": Timing((0.0, 0.05, 0.01, 0.09))},
        packings={"x": (Packing(8, 250, both, both, 0.01),), "y": (Packing(8, 50, both, both, 0.02),)},
        exits=ExitTable(
            ("first", "last"), (0.8, 0.9), (0.5,),
            (ExitPattern((1, 1), (True, True), 7), ExitPattern((0, 1), (False, True), 3)),
        ),
    )  # fmt: skip


def test_exits_are_chosen_once_unless_asked_otherwise() -> None:
    one = Partition.from_profile(branchy(), SLOW)
    assert one.exits is not None
    assert (one.exits.layers, one.exits.errors, one.exits.by_confidence) == (
        ("first", "last"),
        (200_000, 100_000),
        False,
    )
    sure = Partition.from_profile(branchy(), SLOW, exits="confidence")
    assert sure.exits is not None
    assert (sure.exits.samples, sure.exits.thresholds) == (10, (0.5,))
    assert set(sure.exits.held) == {"device_memory", "server_memory"}
    assert Partition.from_profile(branchy(), SLOW, exits="none").exits is None
    own = Partition.from_profile(branchy(), SLOW, exits={"last": 0.5})
    assert own.exits is not None
    assert own.exits.errors == (500_000,)


def test_a_packing_costs_its_bytes_and_the_work_at_both_ends() -> None:
    problem = Partition.from_profile(
        branchy(), SLOW, exits="none", precisions=(32, 8), device=Device("d", 7.0, 4.0), load={"device": 2.0}
    )
    plan = osp.PartitionPlan(
        {"input": "device", "a": "server", "first": "server", "last": "server"},
        bits={"input": 8, "first": 32, "last": 32},
    )
    packed = problem.evaluate(plan).metrics
    raw = problem.evaluate(replace_bits(plan, {"input": 32})).metrics
    # 1000 bytes take 1.001 s, 250 take 0.251 s, 4 ms of packing on the loaded device and 1 ms of unpacking
    assert raw["latency"] - packed["latency"] == 1_001_000_000 - 251_000_000 - 4_000_000 - 1_000_000
    assert packed["bytes"] == 250 + 40 + 40
    assert packed["device_seconds"] == 4_000_000
    assert packed["server_seconds"] == raw["server_seconds"] + 1_000_000
    assert packed["device_server_seconds"] == 251_000_000
    assert packed["error"] == 10_000
    # sending at 4 + 3 W, packing at 7 W, waiting at 4 W
    assert raw["energy"] - packed["energy"] == 7 * 750_000_000 - 7 * 4_000_000 - 4 * 1_000_000


def replace_bits(plan: osp.PartitionPlan, bits: dict[str, int]) -> osp.PartitionPlan:
    return osp.PartitionPlan(plan.assignment, plan.exit, {**plan.bits, **bits}, plan.thresholds)


def test_a_packing_that_a_place_cannot_undo_is_left_out() -> None:
    profile = branchy()
    only_here = replace(profile.packings["y"][0], unpack_seconds={"device": 0.001})
    profile = replace(profile, packings={**profile.packings, "y": (only_here,)})
    problem = Partition.from_profile(profile, SLOW, precisions=(32, 8))
    assert problem.variants is not None
    assert dict(zip(problem.tensor_names, problem.variants.bits, strict=True))["a"] == (32,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"exits": "some"}, r"exits: unknown way 'some'"),
        ({"precisions": ()}, r"precisions: no bits"),
        ({"precisions": (8,)}, r"tensor 'z1' can cross and has no such packing \(it has none\); add 32"),
    ],
)
def test_what_the_profile_does_not_know_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Partition.from_profile(branchy(), SLOW, **given)


def test_exits_that_were_not_measured_are_refused() -> None:
    plain = replace(branchy(), exits=None)
    assert Partition.from_profile(plain, SLOW).exits is None
    with pytest.raises(InvalidInput, match="has no exits"):
        Partition.from_profile(plain, SLOW, exits="one")
    unsure = replace(branchy(), exits=ExitTable(("first", "last"), (0.8, 0.9)))
    with pytest.raises(InvalidInput, match="knows no confidences"):
        Partition.from_profile(unsure, SLOW, exits="confidence")


# --- the command line -----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> str:
    branchy().save(tmp_path / "branchy.json")
    return str(tmp_path / "branchy.json")


def run(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(main, ["plan", *arguments], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result


def plan(*arguments: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)["content"]
    return content


# latencies here: first 0.6 s, last 1.4 s; at 8 Mbit/s a byte takes a microsecond: sent at the input first 0.06 s
# and 1 ms of bytes, last 0.14 s
def test_the_most_accurate_exit_under_a_deadline(file: str) -> None:
    assert plan(file, "--link", "8mbit", "--deadline", "0.2", "--maximize", "accuracy")["plan"]["exit"] == "last"
    assert plan(file, "--link", "8mbit", "--deadline", "0.1", "--maximize", "accuracy")["plan"]["exit"] == "first"


def test_a_reader_sees_exit_bits_and_accuracy(file: str) -> None:
    text = run(file, "--link", "0.1mbit", "--min-accuracy", "0.85", "--precisions", "32,8").stdout
    assert "exit" in text
    assert "last" in text
    assert "input 8" in text
    assert "accuracy   89 %" in text


def test_thresholds_are_part_of_the_plan(file: str) -> None:
    found = plan(file, "--link", "8mbit", "--exits", "confidence", "--min-accuracy", "1")
    assert found["plan"]["thresholds"] == {"first": 0.5}
    assert found["plan"]["exit"] is None
    assert found["metrics"]["error"] == 0


def test_a_deadline_that_nothing_meets_says_the_least_latency(file: str) -> None:
    result = run(file, "--link", "8mbit", "--deadline", "0.01", "--maximize", "accuracy", status=3)
    assert "latency <= 10 ms (at least 61." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--deadline", "1", "--limit", "latency=1"), "are the same"),
        (("--precisions", "many"), "--precisions 'many'; give bits such as"),
        (("--precisions", "8"), "has no such packing"),
        (("--min-accuracy", "1.5"), "at_least accuracy is 1.5"),
        (("--maximize", "accuracy", "--minimize", "latency"), "exclude each other"),
        (("--exits", "all"), "--exits"),
    ],
)
def test_wrong_words_are_refused(file: str, arguments: tuple[str, ...], message: str) -> None:
    assert message in run(file, "--link", "8mbit", *arguments, status=2).stderr


def test_a_picture_of_the_layers_that_are_on(file: str, tmp_path: Path) -> None:
    run(file, "--link", "8mbit", "--deadline", "0.1", "--maximize", "accuracy", "--plot", str(tmp_path / "plan.png"))
    assert (tmp_path / "plan.png").stat().st_size > 1000


def test_a_tensor_that_nobody_needs_has_no_precisions() -> None:
    profile = branchy()
    graph = replace(profile.graph, outputs=("z2",))
    problem = Partition.from_profile(replace(profile, graph=graph, exits=None), SLOW, precisions=(32, 8))
    assert problem.variants is not None
    bits = dict(zip(problem.tensor_names, problem.variants.bits, strict=True))
    assert (bits["first"], bits["last"]) == ((), (32,))


def test_packing_counts_where_a_link_begins_and_unpacking_where_one_ends() -> None:
    one_way = {("device", "server"): SLOW.up}
    problem = Partition.from_profile(branchy(), one_way, exits="none", precisions=(32, 8), result_at=None)
    at = {"input": "device", "a": "server", "first": "server", "last": "server"}
    packed = problem.evaluate(osp.PartitionPlan(at, bits={"input": 8})).metrics
    # 2 ms of packing, 251 ms for 250 bytes, 1 ms of unpacking, then 50, 10 and 90 ms on the server
    assert packed["latency"] == 2_000_000 + 251_000_000 + 1_000_000 + 150_000_000
