"""Branch and bound over cuts: larger problems against CP-SAT, and what is true when it is stopped."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import optsplit as osp
from optsplit import Limit, Metric, Partition, Status, TracePoint
from optsplit.algorithms import lagrangian
from optsplit.algorithms.mincut import Cut, CutNetwork
from tests.instances import random_partition

UP, DOWN = ("device", "server"), ("server", "device")


def instance(seed: int, **changes: Any) -> Partition:
    rng = random.Random(seed)
    given: dict[str, Any] = {
        "layers": rng.randint(15, 25),
        "limits": rng.choice((0, 1, 2, 3)),
        "minmax": rng.choice((1, 2, 3)),
        "one_way": rng.random() < 0.3,
        "magnitude": rng.choice((3, 1000, 10**9)),
        "missing_links": rng.choice((0.0, 0.0, 0.5)),
        "tightness": (0.3, 0.7),
    }
    return random_partition(rng, **(given | changes))


HARD = {"limits": 2, "minmax": 2, "magnitude": 1000, "one_way": False, "missing_links": 0.0, "layers": 18}


@pytest.mark.parametrize("seed", range(40))
def test_the_optimum_of_cp_sat(seed: int) -> None:
    problem = instance(seed)
    mine, exact = osp.solve(problem, "lagrangian"), osp.solve(problem, "cpsat")
    assert (mine.status, mine.objective, mine.bound) == (exact.status, exact.objective, exact.bound)
    assert mine.limit is Limit.NONE


@pytest.mark.parametrize("seed", range(12))
def test_every_early_stop_keeps_a_valid_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = instance(seed, **HARD)
    optimum = osp.solve(problem, "cpsat").objective
    clock = [0]

    def late(self: Any) -> bool:
        clock[0] -= 1
        return clock[0] < 0

    monkeypatch.setattr(lagrangian._Search, "late", late)
    bounds = []
    for checks in range(60):
        clock[0] = checks
        result = osp.solve(problem, "lagrangian")
        bounds.append(result.bound)
        if optimum is None:
            assert result.plan is None
            assert (result.status, result.limit) in ((Status.INFEASIBLE, Limit.NONE), (Status.NO_SOLUTION, Limit.TIME))
            continue
        assert result.bound <= optimum
        if result.plan is None:
            assert (result.status, result.limit) == (Status.NO_SOLUTION, Limit.TIME)
        elif result.objective == result.bound:
            assert (result.status, result.limit) == (Status.OPTIMAL, Limit.NONE)
        else:
            assert result.objective >= optimum
            assert (result.status, result.limit) == (Status.FEASIBLE, Limit.TIME)
    if optimum is not None:
        assert bounds == sorted(bounds)
        # the first cuts are worth something
        assert bounds[20] > 0


@pytest.mark.parametrize("seed", range(60))
def test_the_bound_of_the_root_is_below_the_optimum_and_tight_for_one_metric(seed: int) -> None:
    # small costs: a bound that is off by one would exceed the optimum of many of these
    plain = seed % 3 == 0
    problem = instance(seed, layers=8, magnitude=3, limits=0 if plain else 2, minmax=1 if plain else 2)
    optimum = osp.solve(problem, "brute").objective
    search = lagrangian._Search(problem, osp.Options())
    root = search.root()
    search.relax(root)
    if optimum is not None:
        assert root.bound <= optimum
        assert root.bound == optimum or not plain


def test_a_time_limit_before_the_first_cut() -> None:
    result = osp.solve(instance(1, **HARD), "lagrangian", time_limit=1e-9)
    assert (result.status, result.limit, result.plan, result.bound) == (Status.NO_SOLUTION, Limit.TIME, None, 0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("gap", [0.3, 0.02])
def test_a_gap_is_kept_and_told(seed: int, gap: float) -> None:
    problem = instance(seed, **HARD)
    optimum = osp.solve(problem, "lagrangian").objective
    result = osp.solve(problem, "lagrangian", gap=gap)
    if optimum is None:
        assert result.status is Status.INFEASIBLE
        return
    assert result.bound <= optimum <= result.objective
    assert result.gap <= gap
    optimal = result.bound == result.objective
    assert (result.status, result.limit) == ((Status.OPTIMAL, Limit.NONE) if optimal else (Status.FEASIBLE, Limit.GAP))


def test_a_wide_gap_stops_it_early() -> None:
    results = [osp.solve(instance(seed, **HARD), "lagrangian", gap=0.3) for seed in range(12)]
    assert Limit.GAP in {result.limit for result in results}


def interrupted(monkeypatch: pytest.MonkeyPatch, problem: Partition, at: int) -> osp.Result:
    """Ctrl-C in the middle of the at-th cut."""
    cut = CutNetwork.cut
    left = [at]

    def pressed(self: CutNetwork, costs: Any) -> Cut:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return cut(self, costs)

    monkeypatch.setattr(CutNetwork, "cut", pressed)
    result = osp.solve(problem, "lagrangian")
    monkeypatch.setattr(CutNetwork, "cut", cut)
    return result


@pytest.mark.parametrize("seed", range(6))
def test_an_interrupt_gives_the_best_so_far_and_no_exception(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = instance(seed, **HARD)
    full = osp.solve(problem, "lagrangian")
    for at in (1, 2, 5, 10, 20, 40):
        result = interrupted(monkeypatch, problem, at)
        if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
            assert (result.status, result.objective) == (full.status, full.objective)
            continue
        assert result.limit is Limit.INTERRUPT
        assert result.status is (Status.NO_SOLUTION if result.plan is None else Status.FEASIBLE)
        if full.objective is not None:
            assert result.bound <= full.objective
    assert interrupted(monkeypatch, problem, 1).status is Status.NO_SOLUTION


def test_an_interrupt_while_progress_is_shown() -> None:
    problem = instance(1, **HARD)
    optimum = osp.solve(problem).objective

    def stop(point: TracePoint) -> None:
        if point.objective is not None:
            raise KeyboardInterrupt

    result = osp.solve(problem, "lagrangian", progress=stop)
    assert (result.status, result.limit) == (Status.FEASIBLE, Limit.INTERRUPT)
    assert result.bound <= optimum <= result.objective


@pytest.mark.parametrize("seed", range(6))
def test_the_trace_closes_from_both_sides(seed: int) -> None:
    seen: list[TracePoint] = []
    result = osp.solve(instance(seed, **HARD), "lagrangian", progress=seen.append)
    assert tuple(seen) == result.trace
    for a, b in pairwise(seen):
        assert a.seconds <= b.seconds
        assert a.objective is None or b.objective <= a.objective
        assert a.bound is None or b.bound is None or b.bound >= a.bound
    assert (seen[-1].objective, seen[-1].bound) == (result.objective, result.bound)


def test_limits_on_a_problem_that_costs_nothing() -> None:
    # the multipliers of the master are all zero once the limits hold
    held = Metric([[0, 0]] + [[3, 0]] * 4, unit="B")
    there = Metric([[0, 0]] + [[0, 3]] * 4)
    problem = Partition(
        list("abcde"),
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        metrics={"latency": Metric([[0, 0]] * 5), "memory": held, "server": there},
        limits={"memory": 6, "server": 6},
        pins={"a": "device"},
    )
    assert osp.solve(problem, "lagrangian").objective == 0
    narrow = osp.solve(problem.but(limits={"memory": 6, "server": 5}), "lagrangian")
    assert narrow.status is Status.INFEASIBLE
    assert {c.metric: c.best for c in narrow.conflicts} == {"memory": 9, "server": 6}


def test_multipliers_that_are_all_zero_propose_no_cut() -> None:
    search = lagrangian._Search(instance(1, **HARD), osp.Options())
    assert not search.integral(np.zeros(len(search.totals))).any()
    tiny = search.integral(np.full(len(search.totals), 1e-30))
    assert (tiny > 0).all()


@pytest.mark.parametrize(("limit", "objective"), [(10**30, 0), (2**63, 0), (5, 3), (-1, None), (-(10**30), None)])
def test_limits_of_any_size(limit: int, objective: int | None) -> None:
    # here it holds 3 bytes a layer and takes no time; there it takes 3
    problem = Partition(
        ["a", "b"],
        [(0, 1)],
        metrics={"latency": Metric([[0, 3], [0, 3]]), "memory": Metric([[3, 0], [3, 0]], unit="B")},
        limits={"memory": limit},
    )
    assert osp.solve(problem, "lagrangian").objective == objective


def test_ways_that_are_closed_do_not_overflow_at_any_magnitude() -> None:
    # weighted sums come near 2**61, and a closed way is dearer than all of them: eight side by side leave 64 bits
    n = 12
    problem = Partition(
        [str(i) for i in range(n)],
        [(i, n - 1) for i in range(n - 1)],
        metrics={"latency": Metric([[10**12, 0]] * n), "memory": Metric([[0, 10**12]] * n, unit="B")},
        minimize=("latency", "memory"),
        pins={str(i): "device" for i in range(n - 1)} | {str(n - 1): "server"},
        links=[DOWN],
    )
    assert osp.solve(problem, "lagrangian").status is Status.INFEASIBLE
    # the last layer here: latency 12e12; no other plan
    assert osp.solve(problem.but(pins={str(i): "device" for i in range(n - 1)}), "lagrangian").objective == 12 * 10**12
