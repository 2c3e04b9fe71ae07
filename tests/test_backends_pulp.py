"""HiGHS through PuLP: every way to end, on purpose."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import Any

import pulp
import pytest

from optsplit.backends.outcome import Outcome
from optsplit.backends.pulp import INTEGRALITY, minimise, scale_to
from optsplit.backends.safe_bound import LinearProgram
from optsplit.backends.watch import Watch
from optsplit.errors import SolverError
from optsplit.method import Options
from optsplit.result import Limit, TracePoint

Model = tuple[pulp.LpProblem, list[pulp.LpVariable]]


def knapsack(items: int = 60, rows: int = 5, seed: int = 1, least: float = 0.0) -> Model:
    """Maximise profit under several capacities; with `least`, also a value so high that no plan is found for long."""
    rng = random.Random(seed)
    model = pulp.LpProblem("knapsack", pulp.LpMinimize)
    xs = [model.add_variable(f"x_{i}", 0, 1, pulp.LpInteger) for i in range(items)]
    profit = [rng.randint(1000, 2000) for _ in xs]
    model += pulp.LpAffineExpression({x: -p for x, p in zip(xs, profit)})
    for k in range(rows):
        weight = [rng.randint(500, 1500) for _ in xs]
        model += pulp.LpAffineExpression(dict(zip(xs, weight))) <= sum(weight) // 3, f"capacity_{k}"
    if least:
        model += pulp.LpAffineExpression(dict(zip(xs, profit))) >= int(least * sum(profit)), "least"
    return model, xs


def market_split(items: int = 40, rows: int = 5, seed: int = 1) -> Model:
    """Equations of random integers, halved sums: a relaxation at once, a plan hardly ever (Cornuejols, Dawande)."""
    rng = random.Random(seed)
    model = pulp.LpProblem("market", pulp.LpMinimize)
    xs = [model.add_variable(f"x_{i}", 0, 1, pulp.LpInteger) for i in range(items)]
    model += pulp.LpAffineExpression({x: i + 1 for i, x in enumerate(xs)})
    for k in range(rows):
        weight = [rng.randint(0, 99) for _ in xs]
        model += pulp.LpAffineExpression(dict(zip(xs, weight))) == sum(weight) // 2, f"market_{k}"
    return model, xs


def run(model: pulp.LpProblem, **options: Any) -> Outcome:
    return minimise(model, Watch(Options(**options)))


def test_optimal() -> None:
    # x + y >= 3 with 2 x + 3 y: x = 2 is the most, so 2 * 2 + 3 = 7
    model = pulp.LpProblem("small", pulp.LpMinimize)
    x, y = model.add_variable("x", 0, 2, pulp.LpInteger), model.add_variable("y", 0, 9, pulp.LpInteger)
    model += 2 * x + 3 * y
    model += x + y >= 3
    outcome = minimise(model, Watch(Options()), scale=4, offset=5)
    assert outcome.value is not None
    assert (outcome.value(x), outcome.value(y), outcome.bound, outcome.limit) == (2, 1, 4 * 7 + 5, Limit.NONE)
    assert set(outcome.versions) == {"pulp", "highspy"}
    answer = outcome.answer("plan", 33)
    assert answer.build_seconds >= 0
    assert answer.solve_seconds > 0
    assert answer.solver == "HiGHS"


def test_optimal_by_search() -> None:
    model, xs = knapsack(25, 2)
    outcome = run(model)
    assert outcome.value is not None
    assert outcome.bound == round(sum(model.objective.get(x, 0) * outcome.value(x) for x in xs))


def test_infeasible() -> None:
    model = pulp.LpProblem("none", pulp.LpMinimize)
    x, y = model.add_variable("x", 0, 1, pulp.LpInteger), model.add_variable("y", 0, 1, pulp.LpInteger)
    model += x + y
    model += 2 * x + 2 * y == 1
    outcome = run(model)
    assert outcome.infeasible
    assert outcome.value is None
    assert outcome.bound is None
    assert outcome.limit is Limit.NONE


def test_time_limit_with_a_plan() -> None:
    model, xs = knapsack(200, 30)
    start = time.perf_counter()
    outcome = run(model, time_limit=1.0)
    assert time.perf_counter() - start < 2.0
    assert outcome.limit is Limit.TIME
    assert outcome.value is not None
    objective = round(sum(model.objective.get(x, 0) * outcome.value(x) for x in xs))
    assert outcome.bound is not None
    assert outcome.bound < objective == outcome.watch.trace[-1].objective


def test_time_limit_without_a_plan_keeps_the_bound() -> None:
    model, _ = market_split()
    outcome = run(model, time_limit=0.6)
    assert outcome.limit is Limit.TIME
    assert outcome.value is None
    assert outcome.bound is not None
    assert outcome.bound > 0


def test_time_limit_spent_while_building() -> None:
    model, _ = knapsack()
    watch = Watch(Options(time_limit=0.01))
    time.sleep(0.02)
    outcome = minimise(model, watch)
    assert (outcome.value, outcome.bound, outcome.limit) == (None, None, Limit.TIME)
    assert watch.build_seconds >= 0.02


def test_time_limit_during_the_relaxation() -> None:
    model, _ = knapsack(3000, 400)
    outcome = run(model, time_limit=0.05)
    assert outcome.limit is Limit.TIME
    assert outcome.value is None
    assert outcome.bound is None


def test_gap_limit() -> None:
    model, xs = knapsack(200, 30)
    outcome = run(model, gap=0.05, time_limit=60)
    assert outcome.limit is Limit.GAP
    assert outcome.value is not None
    assert outcome.bound is not None
    objective = round(sum(model.objective.get(x, 0) * outcome.value(x) for x in xs))
    assert 0 < objective - outcome.bound <= 0.05 * abs(objective)


def interrupt_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_returns_the_best_so_far(workers: int) -> None:
    def mine(number: int, frame: Any) -> None:
        raise AssertionError("the caller's handler must not be called")

    before = signal.signal(signal.SIGINT, mine)
    try:
        model, _ = knapsack(200, 30)
        timer = interrupt_after(1.0)
        start = time.perf_counter()
        outcome = run(model, time_limit=30, workers=workers)
        timer.join()
        assert time.perf_counter() - start < 10
        assert outcome.limit is Limit.INTERRUPT
        assert outcome.value is not None
        assert outcome.bound is not None
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_works_outside_the_main_thread() -> None:
    found: list[Outcome] = []
    model, _ = knapsack(25, 2)
    thread = threading.Thread(target=lambda: found.append(run(model)))
    thread.start()
    thread.join()
    assert found[0].value is not None
    assert found[0].limit is Limit.NONE


def test_progress_improves_and_stays_valid() -> None:
    seen: list[TracePoint] = []
    model, xs = knapsack(40, 5)
    outcome = run(model, progress=seen.append)
    assert seen == outcome.watch.trace
    assert outcome.value is not None
    best = round(sum(model.objective.get(x, 0) * outcome.value(x) for x in xs))
    assert all(p.bound is None or p.bound <= best for p in seen)
    assert all(p.objective is None or p.objective >= best for p in seen)
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_exception_of_progress_reaches_the_caller() -> None:
    def fail(point: TracePoint) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run(knapsack()[0], progress=fail)


def test_other_thread_counts_in_one_process() -> None:
    values = {run(knapsack(25, 2)[0], workers=workers).bound for workers in (1, 2, 1, 3)}
    assert len(values) == 1


def test_one_worker_is_deterministic() -> None:
    plans = []
    for _ in range(3):
        model, xs = knapsack(30, 3)
        outcome = run(model, seed=7)
        assert outcome.value is not None
        plans.append([outcome.value(x) for x in xs])
    assert plans[0] == plans[1] == plans[2]


def test_abnormal_end_says_what_the_solver_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.HiGHS, "createAndConfigureSolver", _no_iterations(pulp.HiGHS.createAndConfigureSolver))
    with pytest.raises(SolverError, match="teration limit"):
        run(knapsack()[0])


def _no_iterations(configure: Any) -> Any:
    def changed(self: Any, model: pulp.LpProblem) -> None:
        configure(self, model)
        model.solverModel.setOptionValue("simplex_iteration_limit", 0)

    return changed


def test_a_variable_without_bounds_is_named() -> None:
    model = pulp.LpProblem("loose", pulp.LpMinimize)
    model += model.add_variable("free", 0)
    with pytest.raises(ValueError, match="'free' has no finite bounds"):
        run(model)


def test_scale_is_a_power_of_two() -> None:
    assert [scale_to(total, 2**20) for total in (0, 1, 2**20 - 1, 2**20, 10**11)] == [1, 1, 1, 2, 2**17]


@pytest.mark.parametrize("seed", range(20))
def test_any_duals_give_a_valid_bound(seed: int) -> None:
    # by weak duality every vector of multipliers bounds the optimum from below, however wrong it is
    rng = random.Random(seed)
    model, _xs = knapsack(12, 3, seed)
    exact = LinearProgram.of(model, 1, 0)
    outcome = run(model)
    best = outcome.bound
    assert best is not None
    assert outcome.value is not None
    assert exact.objective([outcome.value(x) for x in model.variables()]) == best
    for _ in range(20):
        assert exact.bound([rng.uniform(-5, 5) for _ in range(3)]) <= best


def scaled(model: pulp.LpProblem, factor: int) -> pulp.LpProblem:
    model.setObjective(pulp.LpAffineExpression({x: c * factor for x, c in model.objective.items()}))
    return model


@pytest.mark.parametrize("seed", range(5))
def test_search_is_proven_to_the_last_tick_at_nanoseconds(seed: int) -> None:
    # costs of 10^10 and an optimum of about 10^11: HiGHS's tolerance is worth hundreds of ticks, the proof none
    model, xs = knapsack(15, 2, seed)
    small = run(model).bound
    big, _ = knapsack(15, 2, seed)
    outcome = minimise(scaled(big, 10**7 // 2**14), Watch(Options()), scale=2**14)
    assert small is not None
    assert outcome.bound == small * (10**7 // 2**14) * 2**14
    assert len(xs) == 15


def test_a_proof_given_up_leaves_a_valid_gap_of_some_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optsplit.backends.proof.EFFORT", 0)
    model, xs = knapsack(60, 5)
    outcome = minimise(scaled(model, 10**7 // 2**14), Watch(Options()), scale=2**14)
    assert outcome.value is not None
    objective = round(sum(model.objective.get(x, 0) * outcome.value(x) for x in xs)) * 2**14
    assert outcome.bound is not None
    # what HiGHS's tolerance is worth, and no more
    assert 0 < objective - outcome.bound < 10 * INTEGRALITY * abs(objective)
    assert outcome.limit is Limit.NONE
    assert "given up" in outcome.raw_status


def test_reduced_costs_and_rays_are_exact() -> None:
    # min 3 x + 5 y with x + y >= 1: the dual 3 proves 3, and y would pay 2 more
    model = pulp.LpProblem("two", pulp.LpMinimize)
    x, y = model.add_variable("x", 0, 1), model.add_variable("y", 0, 1)
    model += 3 * x + 5 * y
    model += x + y >= 1
    exact = LinearProgram.of(model, 1, 0)
    bound, reduced = exact.prove([3.0], exact.lower, exact.upper)
    assert (bound, [r // exact.grain for r in reduced]) == (3, [0, 2])
    # with both at 0 the row is out of reach, and its own multiplier 1 says so; at 1 nothing is excluded
    assert exact.excludes([1.0], [0, 0], [0, 0])
    assert not exact.excludes([1.0], [0, 0], [1, 1])
