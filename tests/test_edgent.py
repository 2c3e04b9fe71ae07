"""Edgent: the formula as printed, and what repairing it changes."""

from __future__ import annotations

from typing import Any

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.baselines import edgent

UP, DOWN = ("device", "server"), ("server", "device")
# in -> a -> b, and an exit behind each; in takes 4, a 1, b 1. Device 8 and 8, edge 1 and 1.
# Exit b: p = 1 (all here) 16, printed 20; p = 2 (a at the edge) 4 + 1 + 1 + 8 = 14; all at the edge 4 + 1 + 1 + 1 = 7.
# Exit a: p = 1 8, printed 12; all at the edge 4 + 1 + 1 = 6.
CHAIN = Partition(
    ["in", "a", "b"],
    [("in", "a"), ("a", "b")],
    metrics={"latency": Metric([[0, 0], [8, 1], [8, 1]], {UP: [4, 1, 1], DOWN: [4, 1, 1]})},
    pins={"in": "device"},
    exits={"a": 0.7, "b": 0.9},
    maximize="accuracy",
)


def test_the_printed_formula() -> None:
    assert edgent.printed(CHAIN.at_exit("b")) == [20, 14]
    assert edgent.printed(CHAIN.at_exit("a")) == [12]


@pytest.mark.parametrize(
    ("deadline", "printed", "repaired", "exact"),
    [
        (20, "b", "b", "b"),
        (14, "b", "b", "b"),
        # all at the edge: no p of the paper's says so
        (13, "a", "b", "b"),
        (7, None, "b", "b"),
        (6, None, "a", "a"),
        (5, None, None, None),
    ],
)
def test_exits_that_are_found(deadline: int, printed: str | None, repaired: str | None, exact: str | None) -> None:
    problem = CHAIN.but(limits={"latency": deadline})
    for method, exit in (("edgent", printed), ("edgent-repaired", repaired), ("exits", exact)):
        plan = osp.solve(problem, method).plan
        assert (plan and plan.exit) == exit, method


def test_the_device_first_is_not_among_its_points() -> None:
    # a is fast here, b there: only the exact method sends what a makes
    problem = CHAIN.but(
        metrics={"latency": Metric([[0, 0], [1, 8], [8, 1]], {UP: [9, 1, 1], DOWN: [9, 1, 1]})}, limits={"latency": 4}
    )
    assert osp.solve(problem, "exits").plan.exit == "b"
    assert osp.solve(problem, "edgent-repaired").plan.exit == "a"


def test_accuracy_that_does_not_grow_misleads_the_printed_order() -> None:
    problem = CHAIN.but(exits={"a": 0.9, "b": 0.7}, limits={"latency": 100})
    assert osp.solve(problem, "edgent").plan.exit == "b"
    assert osp.solve(problem, "edgent-repaired").plan.exit == "a"


@pytest.mark.parametrize("changes", [{"minimize": "latency"}, {"limits": {}}, {"exits": None}])
def test_other_questions_are_refused(changes: dict[str, Any]) -> None:
    problem = CHAIN.but(limits={"latency": 9}).but(**changes)
    assert not {"edgent", "edgent-repaired"} & {method.name for method in osp.methods(problem)}


def test_another_limit_can_end_it_without_a_plan() -> None:
    bytes_ = Metric([[0, 0]] * 3, {UP: [4, 1, 1], DOWN: [4, 1, 1]}, unit="B")
    problem = CHAIN.but(metrics={**CHAIN.metrics, "bytes": bytes_}, limits={"latency": 14, "bytes": 0})
    result = osp.solve(problem, "edgent")
    assert (result.status, result.plan) == (Status.NO_SOLUTION, None)
    assert "bytes" in result.raw_status
    assert osp.solve(problem, "edgent-repaired").plan.exit == "a"
