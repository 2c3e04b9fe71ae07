"""Limits finer than HiGHS's tolerances: what it calls infeasible is infeasible only when integers prove it."""

from __future__ import annotations

import random
from pathlib import Path
from unittest import mock

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.backends.safe_bound import LinearProgram

B = 2**40
UP, DOWN = ("device", "server"), ("server", "device")

# l2 alone at the server: l0 B + l1 (B + 1) + up 0 + l2 0 + down (B - 1) + l3 0 = 3 B; all on the device is 3 B + 2
AT_ITS_LIMIT = Partition(
    ["l0", "l1", "l2", "l3"], [(0, 1), (0, 2), (1, 3)],
    metrics={"latency": Metric([[B, B], [B + 1, B], [B + 1, 0], [0, B]],
                               {UP: [0, B + 1, B, B - 1], DOWN: [B + 1, B, B - 1, B + 1]})},
    pins={"l0": "device"}, limits={"latency": 3 * B},
)  # fmt: skip

# all on the device: m0 is 0 + B + (B - 1), m1 is (B + 1) + B + 0, m2 is 0 + (B + 1) + 0, each at its limit, and with
# l1 or l2 at the server m1 is at least 3 B
THREE_LIMITS = Partition(
    ["l0", "l1", "l2"], [(0, 1), (0, 2)],
    metrics={
        "m0": Metric([[0, B - 1], [B, 0], [B - 1, B + 1]], {UP: [B, B, B + 1], DOWN: [B - 1, 0, 0]}),
        "m1": Metric([[B + 1, B - 1], [B, B], [0, B + 1]], {UP: [B - 1, B, B], DOWN: [B, 0, B - 1]}),
        "m2": Metric([[0, 0], [B + 1, B - 1], [0, B + 1]], {UP: [0, B + 1, B + 1], DOWN: [B, B + 1, B - 1]}),
    },
    minimize=("m0", "m1", "m2"), pins={"l0": "device"}, limits={"m0": 2 * B - 1, "m1": 2 * B + 1, "m2": B + 1},
)  # fmt: skip


@pytest.mark.parametrize(("problem", "optimum"), [(AT_ITS_LIMIT, 3 * B), (THREE_LIMITS, 2 * B + 1)])
def test_a_plan_at_its_limit_is_found(problem: Partition, optimum: int) -> None:
    found = osp.solve(problem, "milp")
    assert osp.solve(problem, "brute").objective == found.objective == optimum
    # some ticks of 1e12 may stay unproven
    assert optimum - 8 <= found.bound <= optimum


def random_huge(seed: int) -> Partition:
    """A few layers whose costs differ by single ticks, limited to what a best plan takes, or to one tick less."""
    rng = random.Random(seed)
    n, size = rng.randint(2, 5), rng.choice([B, 10**12])

    def costs(count: int) -> list[int]:
        return [rng.choice([0, size, size + 1, size - 1]) for _ in range(count)]

    names = [f"m{k}" for k in range(rng.choice([1, 2, 3]))]
    problem = Partition(
        [f"l{v}" for v in range(n)],
        [(u, v) for v in range(1, n) for u in {rng.randrange(v), rng.randrange(v)}],
        metrics={m: Metric([costs(2) for _ in range(n)], {UP: costs(n), DOWN: costs(n)}) for m in names},
        minimize=names,
        pins={"l0": "device"},
    )
    best = osp.solve(problem, "brute")
    return problem.but(limits={m: max(0, value - rng.choice([0, 0, 1])) for m, value in best.metrics.items()})


@pytest.mark.parametrize("seed", range(60))
def test_limits_in_single_ticks(seed: int) -> None:
    problem = random_huge(seed)
    expected, found = osp.solve(problem, "brute"), osp.solve(problem, "milp")
    assert found.objective == expected.objective
    assert (found.status is Status.INFEASIBLE) == (expected.status is Status.INFEASIBLE)
    if expected.objective is not None:
        assert found.bound <= expected.objective


def test_what_is_not_proven_infeasible_is_not_called_so() -> None:
    nothing = AT_ITS_LIMIT.but(limits={"latency": 2 * B})
    assert osp.solve(nothing, "milp").status is Status.INFEASIBLE
    with mock.patch.object(LinearProgram, "excludes", return_value=False):
        found = osp.solve(nothing, "milp")
    assert found.status is Status.NO_SOLUTION
    assert "the exact proof was given up" in found.raw_status


def test_a_search_that_misses_its_own_tolerance_is_repeated() -> None:
    # HiGHS 1.12, with presolve or without: optimal "but with primal infeasibilities 1e-08", so "Solve error"
    problem = Partition.load(Path(__file__).parents[1] / "data" / "highs_solve_error.json")
    found = osp.solve(problem, "milp")
    assert found.objective == found.bound == osp.solve(problem, "cpsat").objective == 31


def test_presolve_loses_no_optimum_of_fine_numbers() -> None:
    # with its presolve HiGHS 1.12 calls 291071093405 optimal, and proves a bound above the optimum
    problem = Partition.load(Path(__file__).parents[1] / "data" / "highs_presolve_fine.json")
    found = osp.solve(problem, "milp")
    assert found.objective == found.bound == osp.solve(problem, "brute").objective == 230_626_708_653
