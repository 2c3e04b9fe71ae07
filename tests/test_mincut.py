"""The minimum cut: ties, closed ways, endless arcs beside costs near the largest integers."""

from __future__ import annotations

import numpy as np
import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.algorithms.mincut import CutNetwork

UP, DOWN = ("device", "server"), ("server", "device")


def test_of_several_least_plans_that_with_most_layers_at_the_second_place() -> None:
    problem = Partition(
        ["a", "b", "c"], [(0, 1), (1, 2)], metrics={"latency": Metric([[2, 2]] * 3, {UP: [1, 0, 0]})}, result_at=None
    )
    # anything but a cut after a costs 6
    assert osp.solve(problem, "mincut").plan.assignment == dict.fromkeys("abc", "server")
    held = problem.but(pins={"a": "device"})
    # here a's tensor stays: the cut comes after b, or not at all; the least source side has a alone, which pays 1
    assert osp.solve(held, "mincut").plan.assignment == {"a": "device", "b": "device", "c": "server"}


def test_the_cut_of_a_part_that_is_fixed() -> None:
    problem = Partition(["a", "b"], [(0, 1)], metrics={"latency": Metric([[1, 5], [9, 2]], {UP: [4, 0], DOWN: [0, 3]})})
    costs = problem.costs("latency")
    # 1 + 9, 1 + 4 + 2 + 3, 5 + 0 + 9, 5 + 2 + 3
    for fixed, value in (([0, 0], 10), ([0, 1], 10), ([1, 0], 14), ([1, 1], 10), ([-1, 0], 10), ([1, -1], 10)):
        cut = CutNetwork(problem, np.array(fixed)).cut(costs)
        assert cut.value == value == problem.price(cut.at, costs)
        assert all(f in (-1, p) for f, p in zip(fixed, cut.at))


def test_one_network_prices_many_metrics() -> None:
    problem = Partition(
        ["a", "b"], [(0, 1)],
        metrics={
            "latency": Metric([[1, 5], [9, 2]], {UP: [4, 0]}),
            "energy": Metric([[3, 0], [3, 0]], {UP: [9, 9]}, unit="nJ"),
        },
        result_at=None,
    )  # fmt: skip
    network = CutNetwork(problem)
    assert [network.cut(problem.costs(name)).value for name in ("latency", "energy", "latency")] == [7, 0, 7]


@pytest.mark.parametrize(
    "changes",
    [
        {"pins": {"a": "device", "b": "server"}, "links": [DOWN]},
        {"pins": {"a": "server", "b": "device"}, "links": [UP]},
        {"pins": {"a": "server", "b": "device"}, "one_way": True},
        {"pins": {"a": "server", "b": "server"}, "links": [UP]},
    ],
)
def test_pins_links_and_one_way_can_exclude_every_plan(changes: dict[str, object]) -> None:
    problem = Partition(["a", "b"], [(0, 1)], metrics={"latency": Metric([[1, 1], [1, 1]])})
    result = osp.solve(problem.but(**changes), "mincut")
    assert (result.status, result.plan, result.bound) == (Status.INFEASIBLE, None, None)


@pytest.mark.parametrize("layers", [3, 5000])
def test_endless_arcs_side_by_side_do_not_overflow(layers: int) -> None:
    # every layer but the last reads nothing, is pinned here and read there, where no link goes: endless arcs to the
    # sink, of 2**52 each
    problem = Partition(
        [str(i) for i in range(layers)],
        [(i, layers - 1) for i in range(layers - 1)],
        metrics={"latency": Metric([[0, 0]] * (layers - 1) + [[0, 2**52]])},
        pins={str(i): "device" for i in range(layers - 1)} | {str(layers - 1): "server"},
        links=[DOWN],
    )
    assert osp.solve(problem, "mincut").status is Status.INFEASIBLE
    free = problem.but(pins={str(i): "device" for i in range(layers - 1)})
    assert osp.solve(free, "mincut").objective == 0


def test_magnitudes_near_the_largest_are_exact() -> None:
    large = 2**51
    problem = Partition(
        ["a", "b"], [(0, 1)],
        metrics={"latency": Metric([[large + 1, large], [0, large - 1]], {UP: [1, 0], DOWN: [1, 0]})},
    )  # fmt: skip
    # here 2**51 + 1; a there, b here: 2**51 + 1 as well; both there nearly 2**52
    assert osp.solve(problem, "mincut").objective == large + 1
    dearer = Metric([[large + 2, large], [0, large - 1]], {UP: [1, 0], DOWN: [1, 0]})
    result = osp.solve(problem.but(metrics={"latency": dearer}), "mincut")
    assert (result.objective, result.plan.at("server")) == (large + 1, ["a"])
