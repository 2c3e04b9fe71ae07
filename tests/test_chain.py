"""The shortest path of a chain, by hand."""

from __future__ import annotations

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status

DEVICE, EDGE, CLOUD = "device", "edge", "cloud"

# a is pinned here (1). b: 20, 4, 2. c: 20, 9, 1. A hop costs 3, device-cloud 10 (or nothing better: no relay).
# b at edge, c at cloud: 1 + 3 + 4 + 3 + 1, result back from the cloud 10: 22; b and c at edge: 1 + 3 + 4 + 9 + 3 = 20;
# both at the cloud: 1 + 10 + 2 + 1 + 10 = 24; all here 41.
HOPS = {
    (DEVICE, EDGE): [3] * 3, (EDGE, CLOUD): [3] * 3, (CLOUD, EDGE): [3] * 3, (EDGE, DEVICE): [3] * 3,
    (DEVICE, CLOUD): [10] * 3, (CLOUD, DEVICE): [10] * 3,
}  # fmt: skip
TIERS = Partition(
    ["a", "b", "c"],
    [(0, 1), (1, 2)],
    (DEVICE, EDGE, CLOUD),
    {"latency": Metric([[1, 9, 9], [20, 4, 2], [20, 9, 1]], HOPS)},
    pins={"a": DEVICE},
)


@pytest.mark.parametrize(
    ("changes", "objective", "places"),
    [
        ({}, 20, [DEVICE, EDGE, EDGE]),
        # the result may stay: 1 + 3 + 4 + 3 + 1
        ({"result_at": None}, 12, [DEVICE, EDGE, CLOUD]),
        # the result goes to the edge: 12 + 3 against 1 + 3 + 4 + 9 = 17
        ({"result_at": EDGE}, 15, [DEVICE, EDGE, CLOUD]),
        # c pinned here: b at the edge 1 + 3 + 4 + 3 + 20
        ({"pins": {"a": DEVICE, "c": DEVICE}}, 31, [DEVICE, EDGE, DEVICE]),
        # one way: b may not leave the device then
        ({"pins": {"a": DEVICE, "c": DEVICE}, "one_way": True}, 41, [DEVICE, DEVICE, DEVICE]),
        # no way to the edge: 24
        ({"links": [(DEVICE, CLOUD), (CLOUD, DEVICE)]}, 24, [DEVICE, CLOUD, CLOUD]),
        # a's tensor is an output, too: 3 more for it to reach the edge, where b reads it anyway; c's goes 3
        ({"result_at": EDGE, "outputs": [0, 2]}, 15, [DEVICE, EDGE, CLOUD]),
    ],
)
def test_by_hand(changes: dict[str, object], objective: int, places: list[str]) -> None:
    problem = TIERS.but(**changes)
    result = osp.solve(problem, "chain")
    assert (result.status, result.objective, result.bound) == (Status.OPTIMAL, objective, objective)
    assert list(result.plan.assignment.values()) == places
    assert osp.solve(problem, "brute").objective == objective


@pytest.mark.parametrize(
    "changes",
    [
        {"pins": {"a": DEVICE, "b": CLOUD}, "links": [(DEVICE, EDGE), (EDGE, CLOUD)]},
        {"pins": {"a": CLOUD, "b": EDGE}, "one_way": True},
        {"pins": {"c": CLOUD}, "links": [(DEVICE, CLOUD)]},
    ],
)
def test_closed_ways(changes: dict[str, object]) -> None:
    assert osp.solve(TIERS.but(**changes), "chain").status is Status.INFEASIBLE


def test_layers_in_any_order_and_layers_that_nobody_reads() -> None:
    problem = Partition(
        ["c", "b", "a", "alone"],
        [(2, 1), (1, 0)],
        metrics={"latency": Metric([[9, 1], [9, 1], [0, 0], [5, 4]], {("device", "server"): [0, 2, 5, 0]})},
        result_at=None,
        pins={"a": "device"},
    )
    assert problem.is_chain
    assert osp.solve(problem, "chain").objective == 5 + 1 + 1 + 4 == osp.solve(problem, "brute").objective


def test_many_closed_ways_and_large_costs_do_not_overflow() -> None:
    n, large = 400, 2**53 // 1000
    problem = Partition(
        [str(i) for i in range(n)],
        [(i, i + 1) for i in range(n - 1)],
        metrics={"latency": Metric([[large, large + 1]] * n)},
        pins={str(i): "device" if i % 2 else "server" for i in range(n)},
        links=[("device", "server")],
    )
    assert osp.solve(problem, "chain").status is Status.INFEASIBLE
    assert osp.solve(problem.but(pins={}), "chain").objective == n * large
