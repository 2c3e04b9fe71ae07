"""Every method on every shared instance that it takes: exact ones meet the optimum, baselines never beat it."""

from __future__ import annotations

import pytest

import optsplit as osp
from optsplit import Status
from optsplit.table import known
from tests.conformance.shared import CASES, Case

METHODS = [name for problem, name in known() if problem == "Partition"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", METHODS)
def test_method(case: Case, name: str) -> None:
    method = known()["Partition", name]
    if reason := method.mismatch(case.problem):
        with pytest.raises(osp.errors.MethodMismatch, match="cannot solve"):
            osp.solve(case.problem, name)
        pytest.skip(reason)
    result = osp.solve(case.problem, name)
    if method.exact:
        assert result.status is (Status.INFEASIBLE if case.optimum is None else Status.OPTIMAL)
        assert result.objective == case.optimum
        assert result.bound == case.optimum
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
def test_every_case_has_two_independent_proofs(case: Case) -> None:
    assert sum(method.exact for method in osp.methods(case.problem)) >= 3


def test_conflicting_limits_are_named() -> None:
    case = next(c for c in CASES if c.name == "conflicting limits")
    result = osp.solve(case.problem)
    assert {c.metric: (c.limit, c.best) for c in result.conflicts} == {"energy": (5, 6), "server_seconds": (1, 2)}
    assert "energy" in str(result)


def test_pins_conflict_without_limits() -> None:
    case = next(c for c in CASES if c.name == "pins against links")
    assert osp.solve(case.problem.but(limits={"latency": 99})).conflicts == ()
