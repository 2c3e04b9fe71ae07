"""Ctrl-C, and no time at all, anywhere inside an exact method: the best so far, and a bound that holds."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

import optsplit as osp
from optsplit import Limit, Partition, Status
from optsplit.algorithms import (
    exits,
    labels,
    lagrangian,
    schedule_brute,
    thresholds,
    upload_cut,
    upload_intervals,
)  # fmt: skip
from optsplit.method import Answer, Options, Problem
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.upload_order import LOST, UploadOrder
from tests.choices import random_exits, random_precisions
from tests.instances import random_partition
from tests.schedule_instances import random_schedule
from tests.test_exits import SURE
from tests.test_lagrangian import HARD, instance
from tests.test_tiers import additive
from tests.upload_instances import random_upload

FLOW_SHOP = FlowShop([[4, 3, 5], [2, 6, 1], [5, 2, 4], [3, 3, 3]])
SCHEDULE = random_schedule(random.Random(7), layers=3, jobs=2, objective="makespan")
CHAINED = random_upload(random.Random(2), layers=6, chain=True)
UPLOAD = random_upload(random.Random(3), layers=6)
LOSING = random_upload(random.Random(3), layers=6, objective=LOST)
LIMITED = random_partition(random.Random(5), layers=7, places=3, limits=2, chain=True, pins=0.0)
CROSSING, PRECISE = (instance(seed, **{**HARD, "layers": 10}) for seed in (0, 3))
PRECISE = PRECISE.but(precisions=random_precisions(random.Random(1), PRECISE))


@dataclass(frozen=True)
class Seam:
    """A method and something that it calls again and again."""

    method: str
    problem: Problem
    owner: Any
    name: str


SEAMS = [
    Seam("brute", FLOW_SHOP, FlowShop, "ends"),
    Seam("brute", SCHEDULE, schedule_brute._Search, "start"),
    Seam("brute", UPLOAD, UploadOrder, "latency"),
    Seam("brute", LOSING, UploadOrder, "latency"),
    Seam("subset-dp", UPLOAD, upload_cut.Network, "least"),
    Seam("interval-dp", CHAINED, upload_intervals.Runs, "find"),
    Seam("tiers", additive(random.Random(7)), thresholds.ThresholdNetwork, "cut"),
    Seam("labels", LIMITED, labels._Pass, "_next"),
    Seam("lagrangian", CROSSING, lagrangian._Search, "branch"),
    Seam("lagrangian", PRECISE, lagrangian._Search, "branch"),
    Seam("exits", SURE, exits._Search, "one"),
    Seam("exits", SURE, exits._Search, "bound"),
]  # fmt: skip


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: f"{seam.method}-{seam.name}")
def test_an_interrupt_anywhere_keeps_the_best_and_a_valid_bound(seam: Seam, monkeypatch: pytest.MonkeyPatch) -> None:
    optimum = osp.solve(seam.problem, seam.method).require_optimal().objective
    original, left = getattr(seam.owner, seam.name), [0]

    def pressed(*given: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return original(*given, **more)

    monkeypatch.setattr(seam.owner, seam.name, pressed)
    limits = set()
    for at in (1, 2, 3, 5, 8, 13, 40):
        left[0] = at
        try:
            result = osp.solve(seam.problem, seam.method)
        except KeyboardInterrupt:
            continue  # before the method begins, or while its answer is checked
        limits.add(result.limit)
        assert result.bound is None or 0 <= result.bound <= optimum
        assert result.objective is None or result.objective >= optimum
        assert result.status is not Status.INFEASIBLE
    assert Limit.INTERRUPT in limits


@pytest.mark.parametrize(
    ("method", "problem"), [("brute", SCHEDULE), ("interval-dp", CHAINED), ("brute", FLOW_SHOP), ("labels", LIMITED)]
)
def test_no_time_at_all(method: str, problem: Problem) -> None:
    optimum = osp.solve(problem, method).require_optimal().objective
    result = osp.solve(problem, method, time_limit=1e-9)
    assert (result.status, result.limit) == (Status.NO_SOLUTION, Limit.TIME)
    assert result.bound is None or result.bound <= optimum
    if isinstance(problem, UploadOrder):
        assert result.bound == problem.least * problem.horizon


def test_time_that_ends_among_schedules_leaves_the_best_one(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_schedule(random.Random(24), layers=3, jobs=2, objective="makespan")
    optimum, now = osp.solve(problem, "brute").objective, [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(schedule_brute, "time", SimpleNamespace(perf_counter=clock))
    results = [osp.solve(problem, "brute", time_limit=limit) for limit in range(1, 200, 5)]
    assert {result.limit for result in results} == {Limit.TIME, Limit.NONE}
    assert any(result.limit is Limit.TIME and result.objective is not None for result in results)
    # the first cut alone has an order by then: it stays, although the cut is not done
    assert results[1].objective is not None
    for result in results:
        assert result.objective is None or result.objective >= optimum
        assert result.limit is Limit.TIME or result.objective == optimum


@pytest.mark.parametrize("seed", range(12))
def test_a_routing_that_its_solver_leaves_open_keeps_its_bound(seed: int) -> None:
    rng = random.Random(seed)
    base = random_partition(rng, layers=6)
    problem = base.but(exits=random_exits(rng, base, confidence=seed % 2 == 1))
    optimum = osp.solve(problem, "exits").objective
    calls = 0

    def tired(plain: Partition, options: Options) -> Answer:
        nonlocal calls
        calls += 1
        answer = lagrangian.solve(plain, options)
        return answer if calls > 1 else Answer(bound=answer.bound, limit=Limit.TIME)

    answer = exits.solve(problem, Options(), tired)
    assert answer.bound is not None
    assert answer.bound <= optimum <= (answer.objective or optimum)
    # whatever is proved in spite of it is the optimum
    assert answer.limit is Limit.TIME or answer.objective == optimum


def test_a_wide_gap_ends_the_search_among_exits() -> None:
    rng = random.Random(144)
    base = random_partition(rng, layers=7, limits=2, tightness=(0.3, 0.8))
    problem = base.but(exits=random_exits(rng, base, confidence=True))
    result = osp.solve(problem, "exits", gap=0.9)
    assert (result.status, result.limit) == (Status.FEASIBLE, Limit.GAP)
    assert result.bound <= osp.solve(problem, "exits").objective <= result.objective


@pytest.mark.parametrize(
    ("method", "problem"),
    [("tiers", additive(random.Random(7))), ("exits", SURE), ("lagrangian", CROSSING), ("sidney", UPLOAD),
     ("branching", FLOW_SHOP)],
)  # fmt: skip
def test_progress_is_the_trace_and_never_says_a_thing_twice(method: str, problem: Problem) -> None:
    seen: list[osp.TracePoint] = []
    result = osp.solve(problem, method, progress=seen.append)
    assert seen == list(result.trace)
    assert (seen[-1].objective, seen[-1].bound) == (result.objective, result.bound)
    said = [(point.objective, point.bound) for point in seen]
    assert all(one != other for one, other in itertools.pairwise(said))
