"""Every method on every upload case that it takes: exact ones meet the optimum, baselines never beat it."""

from __future__ import annotations

import pytest

import optsplit as osp
from optsplit import Status
from optsplit.baselines import upload_order
from optsplit.method import Method, Options
from optsplit.problems.upload_queries import back_to_back
from optsplit.table.upload_order import METHODS
from tests.conformance.upload_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_method(case: Case, method: Method) -> None:
    if reason := method.mismatch(case.problem):
        with pytest.raises(osp.errors.MethodMismatch, match="cannot solve"):
            osp.solve(case.problem, method.name)
        pytest.skip(reason)
    result = osp.solve(case.problem, method.name)
    assert not case.problem.evaluate(result.plan).violations
    if method.exact:
        assert result.status is Status.OPTIMAL
        assert result.objective == case.optimum
        if case.order is not None:
            assert result.plan.order == case.order
    else:
        # local search brings the bound of the hull where it minimises lost queries
        assert result.bound is None or (method.name == "local-search" and result.bound <= case.optimum)
        assert result.objective >= case.optimum


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_has_two_independent_proofs(case: Case) -> None:
    wanted = 1 if "queries objective" in case.problem.features else 2
    assert sum(method.exact for method in osp.methods(case.problem)) >= wanted


def test_the_queries_of_the_case_are_those_of_its_comment() -> None:
    case = next(case for case in CASES if case.name == "queries")
    front = upload_order.in_order(case.problem, Options()).plan
    back = case.problem.plan([1, 0])
    assert [q.end for q in back_to_back(case.problem, front).queries] == [20, 40, 56, 72]
    assert [q.end for q in back_to_back(case.problem, back).queries] == [20, 40, 54, 68, 82]
