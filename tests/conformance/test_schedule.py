"""Every method of the schedule on the smallest problem that shows each feature, its optimum derived by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.problems.schedule import Schedule
from optsplit.table.schedule import METHODS
from tests.test_schedule import net
from tests.test_schedule_baselines import three_stages

UP, DOWN = ("device", "server"), ("server", "device")


@dataclass(frozen=True)
class Case:
    """`optimum` is the least objective; None where no plan obeys the rules."""

    name: str
    problem: Schedule
    optimum: int | None


def _alone(length: int) -> Partition:
    """One layer that only the device can run."""
    return Partition(["x"], metrics={"latency": Metric([[length, 0]])}, pins={"x": "device"})


def _either() -> Partition:
    """One layer that takes 3 anywhere; its input takes 1 to send."""
    return Partition(
        ["in", "x"], [(0, 1)], metrics={"latency": Metric([[0, 0], [3, 3]], {UP: [1, 0]})}, pins={"in": "device"},
        result_at=None,
    )  # fmt: skip


# device 9; edge 1 + 4 = 5; cloud 6 + 1 = 7
_THREE = Partition(
    ["in", "x"], [(0, 1)], ("device", "edge", "cloud"),
    {"latency": Metric([[0, 0, 0], [9, 4, 1]], {("device", "edge"): [1, 0], ("device", "cloud"): [6, 0]})},
    pins={"in": "device"}, result_at=None,
)  # fmt: skip

# a chain overlaps nothing: input (5 to send) -> a -> b, 9 each here, 1 there, result 1: 5 + 1 + 1 + 1 = 8
_CHAIN = Partition(
    ["in", "a", "b"], [(0, 1), (1, 2)], pins={"in": "device"},
    metrics={"latency": Metric([[0, 0], [9, 1], [9, 1]], {UP: [5, 2, 1], DOWN: [5, 2, 1]})},
)  # fmt: skip

_TWO = _either()

CASES = (
    Case("a chain", Schedule([_CHAIN]), 8),
    # one branch on each side: a here 0-4, meanwhile the input up 0-2, b 2-3, back 3-4; c at 4. A branch that stays
    # needs 4; with both there 2 + 1 + 1 and 1 for the way back are 5, which is what the least latency would choose
    Case("branches at once", Schedule([net()]), 4),
    # the same without the other direction: both here 8, both there 5, and b alone cannot come back to c here
    Case("one way", Schedule([net().but(one_way=True)]), 5),
    Case("branches together", Schedule([net().but(together=[("a", "b")])]), 5),
    Case("a given cut", Schedule([net()], cuts=[net().plan([0, 0, 0, 0])]), 8),
    # slides of Duan and Wu: 18, and the device alone needs 3 + 3 + 4 + 4 = 14, then at least 2 + 2
    Case("three stages", three_stages([(3, 2, 5), (3, 2, 2), (4, 3, 3), (4, 2, 3)]), 18),
    # one frame here 0-3, one there 1-4
    Case("two frames", Schedule([_TWO, _TWO]), 4),
    # here 0-3 and there 1-4: 3 + 4; both here 3 + 6
    Case("total completion", Schedule([_TWO, _TWO], objective="total_completion"), 7),
    # 3 here and 3 there, 1 on the link
    Case("a period", Schedule([_TWO, _TWO], objective="period"), 3),
    # shortest first: 1 + 4
    Case("shortest first", Schedule([_alone(3), _alone(1)], objective="total_completion"), 5),
    # earliest due date first: 3 - 3 and 4 - 5
    Case("due dates", Schedule([_alone(3), _alone(1)], due=[3, 5], objective="lateness"), 0),
    # the last of the two ends at 4
    Case("early enough", Schedule([_alone(3), _alone(1)], due=[10, 10], objective="lateness"), -6),
    # the job of 3 fits in before the release at 5
    Case("a release", Schedule([_alone(1), _alone(3)], [5, 0]), 6),
    Case("three places", Schedule([_THREE]), 5),
    # the second frame: edge after the first 1 + 4 + 4 = 9, cloud 6 + 1 = 7
    Case("three places, two frames", Schedule([_THREE, _THREE]), 7),
    Case(
        "no way there", Schedule([net().but(links=[("server", "device")], pins={"in": "device", "b": "server"})]), None
    ),
    Case("nothing takes time", Schedule([_alone(0)]), 0),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_method(case: Case, method: osp.Method) -> None:
    if reason := method.mismatch(case.problem):
        with pytest.raises(osp.errors.MethodMismatch, match="cannot solve"):
            osp.solve(case.problem, method.name)
        pytest.skip(reason)
    result = osp.solve(case.problem, method.name)
    if method.exact:
        assert result.status is (Status.INFEASIBLE if case.optimum is None else Status.OPTIMAL)
        assert result.objective == case.optimum
        assert all(bound <= case.optimum for bound in result.bounds.values() if case.optimum is not None)
    else:
        assert result.bound is None
        if result.plan is None:
            assert result.status is Status.NO_SOLUTION
            assert result.raw_status
        else:
            assert case.optimum is not None
            assert result.objective >= case.optimum
    if result.plan is not None:
        assert not case.problem.evaluate(result.plan).violations


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_has_independent_proofs(case: Case) -> None:
    assert {"cpsat", "milp", "brute"} <= {method.name for method in METHODS if method.mismatch(case.problem) is None}
