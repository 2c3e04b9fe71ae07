"""What must hold with exits, exits by confidence and precisions, against enumeration."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

import optsplit as osp
from optsplit import Partition
from tests.choices import choices

some = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def same_as_enumeration(problem: Partition) -> None:
    expected = osp.solve(problem, "brute")
    for method in osp.methods(problem):
        result = osp.solve(problem, method.name)
        if method.exact:
            found = (result.status, result.objective, result.bound)
            assert found == (expected.status, expected.objective, expected.bound), method.name
        elif result.objective is not None:
            assert expected.objective <= result.objective


@some
@given(choices(precisions=False, together=1, contiguous=True))
def test_one_exit(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(exits=False, max_layers=4))
def test_precisions(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(max_layers=4))
def test_one_exit_and_precisions(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(confidence=True, precisions=False, together=1, contiguous=True))
def test_exits_by_confidence(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(confidence=True, max_layers=4))
def test_exits_by_confidence_and_precisions(problem: Partition) -> None:
    same_as_enumeration(problem)
