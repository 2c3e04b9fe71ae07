"""Every method on the smallest flow shops of each feature: exact ones meet the optimum, baselines never beat it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import optsplit as osp
from optsplit import Status
from optsplit.problems.flow_shop import FlowShop
from optsplit.table.flow_shop import METHODS


@dataclass(frozen=True)
class Case:
    """`optimum` is the least makespan."""

    name: str
    problem: FlowShop
    optimum: int


CASES = [
    Case("one job", FlowShop([[3, 4, 5]]), 12),
    # one machine never waits: 3 + 4 + 5
    Case("one machine", FlowShop([[3], [4], [5]]), 12),
    # job 1 first: 1 + max(5, 4) ..: machine two starts at 1, works 5 + 1 without a gap: 7; job 0 first: 4 + 1 + 5 = 10
    Case("two machines", FlowShop([[4, 1], [1, 5]]), 7),
    # the slides: machine three works 5 + 2 + 3 + 3 = 13 and cannot start before 3 + 2 = 5
    Case("three machines", FlowShop([[3, 2, 5], [3, 2, 2], [4, 3, 3], [4, 2, 3]]), 18),
    # machine two works 14 + 12 + 9 + 1 + 15 = 51 from time 0 on; it can: 2, 3, 0, ... while job 3 is on machine one
    Case("middle machine", FlowShop([[0, 14, 0], [0, 12, 0], [0, 9, 0], [18, 1, 20], [0, 15, 16]]), 51),
    # each order of the two jobs: (1, 2, 1, 9) first ends 13, then 9 + 1 after it on the last machine: 13 + 1;
    # the other first: 1 + 9 + 1 + 1 = 12, machine two busy until 10, then 2 + 1 + 9 = 22
    Case("four machines", FlowShop([[1, 2, 1, 9], [1, 9, 1, 1]]), 14),
    # job 0 arrives at 10 and needs 2 + 3; job 1 is done by then
    Case("release", FlowShop([[2, 3], [4, 1]], release=[10, 0]), 15),
    # waiting for job 1, which arrives at 1: 1 + 1 + 9 + 1 = 12; job 0 first: machine one until 5, 6 + 9 = 15
    Case("worth waiting for", FlowShop([[5, 1], [1, 9]], release=[0, 1]), 12),
    Case("one machine, release", FlowShop([[3], [4]], release=[5, 0]), 8),
    # machine one hands over every 2, machine two needs 1: 2 * 4 + 1
    Case("equal jobs", FlowShop([[2, 1]] * 4), 9),
    Case("equal jobs, three machines", FlowShop([[1, 2, 1]] * 4), 10),
    Case("no time at all", FlowShop([[0, 0, 0]] * 3), 0),
    # nanoseconds: the toy of the slides in milliseconds, and one tick more
    Case("large times", FlowShop([[3 * 10**9 + 1, 2 * 10**9, 5 * 10**9], [10**9, 0, 0]]), 10 * 10**9 + 1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_method(case: Case, method: osp.Method) -> None:
    if reason := method.mismatch(case.problem):
        with pytest.raises(osp.errors.MethodMismatch, match="cannot solve"):
            osp.solve(case.problem, method.name)
        pytest.skip(reason)
    result = osp.solve(case.problem, method.name)
    if method.exact:
        assert result.status is Status.OPTIMAL
        assert result.objective == result.bound == case.optimum
        assert all(bound <= case.optimum for bound in result.bounds.values())
    else:
        assert result.bound is None
        assert result.objective >= case.optimum


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_has_three_independent_proofs(case: Case) -> None:
    assert sum(method.exact for method in osp.methods(case.problem)) >= 3


@pytest.mark.parametrize(
    ("problem", "method"),
    [
        (FlowShop([[4, 1], [1, 5]]), "johnson"),
        (FlowShop([[4, 1], [1, 5]], release=[1, 0]), "branching"),
        (FlowShop([[1, 2, 3]]), "branching"),
    ],
)
def test_auto_takes_the_fastest(problem: FlowShop, method: str) -> None:
    assert osp.solve(problem).method == method
