"""The policies that decide nothing."""

from __future__ import annotations

import optsplit as osp
from optsplit import Metric, Partition, Status

UP, DOWN = ("device", "server"), ("server", "device")

PROBLEM = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics={"latency": Metric([[0, 0], [9, 1], [9, 1]], {UP: [5, 2, 0], DOWN: [0, 3, 4]})},
    pins={"input": "device"},
)


def test_everything_here_or_there() -> None:
    assert osp.solve(PROBLEM, "device-only").objective == 9 + 9
    # the input is sent, the result comes back
    assert osp.solve(PROBLEM, "server-only").objective == 5 + 1 + 1 + 4


def test_pinned_layers_stay_where_they_are() -> None:
    there = PROBLEM.but(pins={"input": "device", "a": "server"})
    assert osp.solve(there, "device-only").objective == 5 + 1 + 3 + 9
    here = PROBLEM.but(pins={"input": "device", "a": "device"})
    assert osp.solve(here, "server-only").objective == 9 + 2 + 1 + 4


def test_device_only_with_several_places() -> None:
    problem = Partition(["a", "b"], [(0, 1)], ("x", "y", "z"), {"latency": Metric([[1, 0, 0], [2, 0, 0]])})
    assert osp.solve(problem, "device-only").objective == 3


def test_a_rule_in_the_way_is_the_reason() -> None:
    result = osp.solve(PROBLEM.but(links=[DOWN]), "server-only")
    assert (result.status, result.bound) == (Status.NO_SOLUTION, None)
    assert result.raw_status.startswith("its plan breaks a rule: tensor 'input' is sent over ('device', 'server')")
