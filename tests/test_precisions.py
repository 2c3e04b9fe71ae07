"""Precisions: what crosses with how many bits, its price and its error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optsplit as osp
from optsplit import Metric, Partition, PartitionPlan
from optsplit.algorithms.crossings import Crossings
from optsplit.errors import InvalidInput
from optsplit.problems.precision import Precision, Sending

UP, DOWN = ("device", "server"), ("server", "device")


def packed(bits: int, drop: int, way: int, work: int) -> Precision:
    """Packing and unpacking take `work` each, the way takes `way`."""
    ways = {UP: way, DOWN: way}
    ends = {"device": work, "server": work}
    return Precision(bits, drop, {"latency": Sending(ways, ends, ends), "bytes": Sending(ways)})


# in -> a -> b; here 9 each, there 1. in takes 20 as it is, 8 bits 5 + 1 + 1, 4 bits 2 + 1 + 1.
# All here 18. Sent at in: 32 bits 20 + 1 + 1 + 1 = 23, 8 bits 7 + 3 = 10, 4 bits 4 + 3 = 7. After a: 9 + 6 + 2 = 17,
# with 8 bits 9 + (2 + 1 + 1) + 1 + 1 = 15.
PACKED = Partition(
    ["in", "a", "b"],
    [("in", "a"), ("a", "b")],
    metrics={
        "latency": Metric([[0, 0], [9, 1], [9, 1]], {UP: [20, 6, 1], DOWN: [20, 6, 1]}),
        "bytes": Metric([[0, 0]] * 3, {UP: [20, 6, 1], DOWN: [20, 6, 1]}, unit="B"),
    },
    pins={"in": "device"},
    precisions={
        "in": (Precision(32), packed(8, 20_000, 5, 1), packed(4, 90_000, 2, 1)),
        "a": (Precision(32), packed(8, 10_000, 2, 1)),
    },
)


@pytest.mark.parametrize("method", ["auto", "lagrangian", "milp", "cpsat", "brute"])
@pytest.mark.parametrize(
    ("changes", "objective", "bits"),
    [
        ({}, 7, {"in": 4}),
        ({"at_least": {"accuracy": 0.95}}, 10, {"in": 8}),
        ({"at_least": {"accuracy": 0.985}}, 15, {"a": 8}),
        ({"at_least": {"accuracy": 1.0}}, 17, {"a": 32}),
        ({"maximize": "accuracy", "limits": {"latency": 16}}, 10_000, {"a": 8}),
        # a with 8 bits and the result are 3 bytes; with fewer everything stays here
        ({"maximize": "accuracy", "limits": {"latency": 16, "bytes": 3}}, 10_000, {"a": 8}),
        ({"limits": {"bytes": 2}}, 18, {}),
    ],
)
def test_the_optimum_by_hand(method: str, changes: dict[str, Any], objective: int, bits: dict[str, int]) -> None:
    result = osp.solve(PACKED.but(**changes), method).require_optimal()
    assert (result.objective, result.plan.bits) == (objective, bits)


def test_a_plan_is_priced_by_its_bits() -> None:
    here, there = {"in": "device", "a": "device", "b": "device"}, {"in": "device", "a": "server", "b": "server"}
    for plan, latency, size, error in (
        (PartitionPlan(here), 18, 0, 0),
        (PartitionPlan(there, bits={"in": 32}), 23, 21, 0),
        (PartitionPlan(there, bits={"in": 8}), 10, 6, 20_000),
    ):
        assert dict(PACKED.evaluate(plan).metrics) == {"latency": latency, "bytes": size, "error": error}


def test_tensors_with_the_same_bits_agree() -> None:
    # a runs here, b there, c here: two crossings, cheapest with 8 and 4 bits; together 4 + 6 = 10 or 3 + 8 = 11
    choice = {
        "a": (packed(8, 0, 4, 0), packed(4, 0, 8, 0)),
        "b": (packed(8, 0, 6, 0), packed(4, 0, 3, 0)),
    }
    problem = Partition(
        ["a", "b", "c"],
        [("a", "b"), ("b", "c")],
        metrics={"latency": Metric([[0, 0]] * 3), "bytes": Metric([[0, 0]] * 3, unit="B")},
        pins={"a": "device", "b": "server", "c": "device"},
        precisions=choice,
    )
    joined = problem.but(precisions=choice, same_bits=[("a", "b")])
    for method in ("lagrangian", "milp", "cpsat", "brute"):
        assert osp.solve(problem, method).require_optimal().objective == 7
        assert osp.solve(joined, method).require_optimal().plan.bits == {"a": 8, "b": 8}
    apart = PartitionPlan({"a": "device", "b": "server", "c": "device"}, bits={"a": 8, "b": 4})
    assert "must have the same" in joined.evaluate(apart).violations[0]


@pytest.mark.parametrize(
    ("method", "changes", "objective"),
    [
        # one precision for the whole cut, the device first: 4 bits at in; the result has no choice
        ("dyno", {}, 7),
        ("dyno", {"at_least": {"accuracy": 0.985}}, 15),
        ("float32", {}, 17),
        ("float32", {"at_least": {"accuracy": 0.9}}, 17),
    ],
)
def test_baselines(method: str, changes: dict[str, Any], objective: int) -> None:
    assert osp.solve(PACKED.but(**changes), method).objective == objective


def test_dyno_cannot_mix_precisions() -> None:
    # two tensors cross; only one may lose accuracy: 4 + 9 or 9 + 4 mixed, 9 + 9 with one precision
    two = {tensor: (packed(32, 0, 9, 0), packed(8, 10_000, 4, 0)) for tensor in ("x", "y")}
    problem = Partition(
        ["x", "y", "z"],
        [("x", "z"), ("y", "z")],
        metrics={"latency": Metric([[0, 0], [0, 0], [90, 0]]), "bytes": Metric([[0, 0]] * 3, unit="B")},
        pins={"x": "device", "y": "device"},
        result_at=None,
        precisions=two,
        at_least={"accuracy": 0.99},
    )
    assert osp.solve(problem, "dyno").objective == 18
    assert osp.solve(problem).require_optimal().objective == 13


def test_files_keep_precisions(tmp_path: Path) -> None:
    problem = PACKED.but(at_least={"accuracy": 0.95})
    problem.save(tmp_path / "packed.json")
    again = Partition.load(tmp_path / "packed.json")
    result = osp.solve(problem)
    assert osp.solve(again).plan == result.plan
    assert again.evaluate(result.plan) == problem.evaluate(result.plan)
    result.save(tmp_path / "result.json")
    assert osp.Result.load(tmp_path / "result.json").plan == result.plan


@pytest.mark.parametrize(
    ("precisions", "message"),
    [
        ({"c": (Precision(32),)}, r"unknown tensor 'c'"),
        ({"in": ()}, r"tensor 'in': none is given, so it cannot cross"),
        ({"in": (Precision(8), Precision(8))}, r"8 bits; give each positive number once"),
        ({"in": (Precision(0),)}, r"0 bits; give each positive number once"),
        ({"in": (Precision(8, -1),)}, r"drop at 8 bits is -1; give ppm, 0 or more"),
        ({"in": (Precision(8, 0, {"energy": Sending()}),)}, r"unknown metric 'energy'"),
        ({"in": (Precision(8, 0, {"latency": Sending({("device", "moon"): 1})}),)}, r"unknown place 'moon'"),
        ({"in": (Precision(8, 0, {"latency": Sending({UP: 1.5})}),)}, r"latency at 8 bits is 1.5"),  # type: ignore[dict-item]
    ],
)
def test_bad_precisions_are_refused(precisions: dict[str, tuple[Precision, ...]], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        PACKED.but(precisions=precisions)


def test_tensors_with_the_same_bits_need_the_same_choice() -> None:
    with pytest.raises(InvalidInput, match=r"same_bits: tensor 'a' has the precisions \(32, 8\), 'in' has"):
        PACKED.but(precisions={"in": (Precision(32),), "a": (Precision(32), Precision(8))}, same_bits=[("in", "a")])


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ({}, r"tensor 'in' crosses; give its bits, one of \(32, 8, 4\)"),
        ({"in": 16}, r"tensor 'in' with 16 bits; it has \(32, 8, 4\)"),
        ({"b": 8, "in": 8}, r"tensor 'b' with 8 bits; it has no choice"),
        ({"moon": 8}, r"unknown tensor 'moon'"),
    ],
)
def test_plans_with_strange_bits_are_refused(bits: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        PACKED.evaluate(PartitionPlan({"in": "device", "a": "server", "b": "server"}, bits=bits))


def test_files_leave_out_what_a_metric_cost_that_is_gone(tmp_path: Path) -> None:
    metrics = {"latency": Metric([[0, 0], [9, 1]]), "energy": Metric([[0, 0], [1, 1]])}
    packed = [Precision(8, 5, {metric: Sending({}, {"device": 3}) for metric in metrics})]
    problem = Partition(["a", "b"], [(0, 1)], metrics=metrics, minimize="latency", precisions={"a": packed})
    lean = problem.but(metrics={name: problem.metrics[name] for name in ("latency", "error")})
    lean.save(tmp_path / "lean.json")
    again = Partition.load(tmp_path / "lean.json")
    plan = osp.solve(problem).plan
    assert again.evaluate(plan).metrics == lean.evaluate(plan).metrics


def test_what_is_no_precision_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"tensor 'in': 8; give an optsplit.Precision"):
        PACKED.but(precisions={"in": (8,)})
    with pytest.raises(InvalidInput, match=r"same_bits: unknown tensor 'moon'"):
        PACKED.but(precisions={"in": (Precision(32), packed(8, 0, 5, 1))}, same_bits=[("in", "moon")])
    largest = Precision(8, 0, {"latency": Sending({UP: 2**52, DOWN: 2**52})})
    with pytest.raises(InvalidInput, match=r"all costs in 'latency' are about 9.01e\+15, above 2\*\*53"):
        PACKED.but(precisions={"in": (largest,)})


def test_a_plan_from_positions_alone_sends_by_the_first_precision() -> None:
    assert PACKED.plan([0, 1, 1]).bits == {"in": 32}


def test_bits_are_checked_once_an_exit_is_chosen() -> None:
    early = PACKED.but(exits={"a": 0.9, "b": 0.95})
    with pytest.raises(InvalidInput, match=r"unknown tensor 'moon'"):
        early.evaluate(PartitionPlan({"in": "device", "a": "device"}, "a", {"moon": 8}))


def test_places_may_differ_in_what_packing_costs_there() -> None:
    given = PACKED.but(pins={}, result_at=None)
    assert given.equal == ()
    with pytest.raises(InvalidInput, match=r"not interchangeable: precisions are given"):
        given.but(equal=[("device", "server")])


def test_files_keep_tensors_with_the_same_bits(tmp_path: Path) -> None:
    choice = (Precision(32), packed(8, 10_000, 5, 1))
    problem = PACKED.but(precisions={"in": choice, "a": choice}, same_bits=[("in", "a")])
    problem.save(tmp_path / "same.json")
    again = Partition.load(tmp_path / "same.json")
    assert again.variants is not None
    assert again.variants.groups == problem.variants.groups == ((0, 1),)
    assert json.loads((tmp_path / "same.json").read_text())["content"]["same_bits"] == [["in", "a"]]


def test_tensors_that_must_agree_do_so_where_it_costs_nothing() -> None:
    # up and back: in costs 5 with either, a costs 7 or 5; alone each takes its first cheapest, together both the second
    def way(bits: int, cost: int) -> Precision:
        return Precision(bits, 0, {"latency": Sending({UP: cost, DOWN: cost})})

    there = {"in": "device", "a": "server", "b": "device"}
    problem = PACKED.but(
        pins=there, precisions={"in": (way(8, 5), way(4, 5)), "a": (way(8, 7), way(4, 5))}, same_bits=[("in", "a")]
    )
    crossings, allowed = Crossings(problem, ("latency",)), np.ones((2, 3), dtype=bool)
    _, cheapest = crossings.weighted(np.array([1]), allowed)
    assert crossings.variant(np.array([0, 1, 0]), cheapest, np.array([1]), allowed).tolist() == [1, 1, -1]
    result = osp.solve(problem, "lagrangian").require_optimal()
    assert (result.objective, result.plan.bits) == (5 + 1 + 5 + 9, {"in": 4, "a": 4})
    assert result.raw_status.startswith("1 nodes")


def test_costs_of_precisions_are_none_below_zero() -> None:
    for sending in (Sending({UP: -1}), Sending(send={"device": -1}), Sending(receive={"server": -1})):
        with pytest.raises(InvalidInput, match=r"latency at 8 bits is -1; give integers from 0"):
            PACKED.but(precisions={"in": (Precision(8, 0, {"latency": sending}),)})
