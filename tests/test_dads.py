"""DADS' light cut as printed: what it gets right, and its two published defects."""

from __future__ import annotations

import optsplit as osp
from optsplit import Metric, Partition, Status

UP, DOWN = ("device", "server"), ("server", "device")


def test_a_shared_tensor_is_paid_once_by_its_auxiliary_node() -> None:
    # here 1 + 5 + 5 = 11; a here, b and c there: 1 + 6 + 1 + 1 = 9; paid twice it would be 15. a there would cost 50.
    problem = Partition(
        ["a", "b", "c"],
        [(0, 1), (0, 2)],
        metrics={"latency": Metric([[1, 50], [5, 1], [5, 1]], {UP: [6, 0, 0]})},
        result_at=None,
    )
    result = osp.solve(problem, "dads-light")
    assert (result.status, result.objective, result.plan.at("device")) == (Status.HEURISTIC, 9, ["a"])


def test_defect_all_in_the_cloud_uploads_nothing() -> None:
    # as printed all in the cloud costs 1; in truth the input (100) must get there: 101, against 5 here
    problem = Partition(
        ["input", "a"],
        [(0, 1)],
        metrics={"latency": Metric([[0, 0], [5, 1]], {UP: [100, 0], DOWN: [0, 0]})},
        pins={"input": "device"},
    )
    assert osp.solve(problem, "dads-light").objective == 101
    assert osp.solve(problem).objective == 5


def test_defect_data_come_back_from_the_cloud_for_nothing() -> None:
    # a is fast there, b is fast here. As printed a there and b here: 1 + 1 = 2 (no way back, input there);
    # in truth 3 (input) + 1 + 50 (back) + 1 = 55, against 10 + 1 here
    problem = Partition(
        ["input", "a", "b"],
        [(0, 1), (1, 2)],
        metrics={"latency": Metric([[0, 0], [10, 1], [1, 9]], {UP: [3, 0, 0], DOWN: [0, 50, 0]})},
        pins={"input": "device"},
    )
    result = osp.solve(problem, "dads-light")
    assert (result.objective, result.plan.at("server")) == (55, ["a"])
    assert osp.solve(problem).objective == 11


def test_a_plan_that_breaks_a_rule_is_not_given() -> None:
    problem = Partition(["a"], metrics={"latency": Metric([[5, 1]])}, links=[UP])
    result = osp.solve(problem, "dads-light")
    assert (result.status, result.plan) == (Status.NO_SOLUTION, None)
    assert result.raw_status == (
        "its plan breaks a rule: tensor 'a' is sent over ('server', 'device'), where there is no link"
    )
