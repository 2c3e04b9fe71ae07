"""Enumeration, and what it returns when it is stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import optsplit as osp
from optsplit import Limit, Metric, Partition, PartitionPlan, Status
from optsplit.algorithms import brute
from optsplit.problems.evaluation import Evaluation

# plans in the order of enumeration: dd 12, ds 8, sd 10, ss 6 (nothing to send)
PROBLEM = Partition(["a", "b"], [(0, 1)], metrics={"latency": Metric([[7, 5], [5, 1]])})


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Press Ctrl-C once, in place of the n-th pricing of a plan."""
    evaluate = Partition.evaluate

    def press(at: int) -> None:
        left = [at]

        def pressed(self: Partition, plan: PartitionPlan) -> Evaluation:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return evaluate(self, plan)

        monkeypatch.setattr(Partition, "evaluate", pressed)

    return press


@pytest.mark.parametrize(
    ("at", "status", "objective", "bound"),
    [(1, Status.NO_SOLUTION, None, 0), (2, Status.FEASIBLE, 12, 0), (4, Status.FEASIBLE, 8, 0)],
)
def test_an_interrupt_keeps_the_best_so_far(
    interrupt: Callable[[int], None], at: int, status: Status, objective: int | None, bound: int
) -> None:
    interrupt(at)
    result = osp.solve(PROBLEM, "brute")
    assert (result.status, result.limit) == (status, Limit.INTERRUPT)
    assert (result.objective, result.bound) == (objective, bound)


def test_a_plan_that_costs_nothing_is_optimal_even_when_stopped(interrupt: Callable[[int], None]) -> None:
    interrupt(2)
    result = osp.solve(Partition(["a"], metrics={"latency": Metric([[0, 1]])}), "brute")
    assert (result.status, result.limit, result.objective) == (Status.OPTIMAL, Limit.NONE, 0)


def test_no_time_no_plan() -> None:
    result = osp.solve(PROBLEM, "brute", time_limit=1e-9)
    assert (result.status, result.limit, result.bound) == (Status.NO_SOLUTION, Limit.TIME, 0)


def test_pins_shorten_the_list() -> None:
    pinned = PROBLEM.but(pins={"a": "device", "b": "device"})
    assert osp.solve(pinned, "brute").objective == 12
    assert osp.solve(pinned.but(limits={"latency": 11}), "brute").status is Status.INFEASIBLE
    assert osp.solve(PROBLEM, "brute").plan.at("server") == ["a", "b"]


def test_it_stops_at_two_to_the_sixteenth_and_pins_do_not_count() -> None:
    def line(layers: int, **changes: object) -> Partition:
        names = [f"l{i}" for i in range(layers)]
        return Partition(names, metrics={"latency": Metric([[1, 1]] * layers)}, **changes)  # type: ignore[arg-type]

    assert brute.refuses(line(16)) is None
    assert "here 2^17" in str(brute.refuses(line(17)))
    assert brute.refuses(line(18, pins={"l0": "device", "l1": "server"})) is None
