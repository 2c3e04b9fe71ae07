"""What must hold for every upload problem: models and baselines against enumeration, queries against closed forms."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import HealthCheck, given, settings

from optsplit import formulation
from optsplit.algorithms.upload_frontier import hull, hull_at
from optsplit.baselines import upload_local_search
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.problems.upload_queries import back_to_back, periodic, simulate
from optsplit.problems.upload_replan import continued, replan
from optsplit.problems.upload_units import needed
from optsplit.table.upload_order import METHODS
from tests.upload_instances import least_by_enumeration, uploads

many = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
few = settings(many, max_examples=25)


def lost(problem: UploadOrder) -> UploadOrder:
    """The same problem, losing fewest queries."""
    upload = {name: (p, layers) for name, p, layers in zip(problem.names, problem.times, problem.holders)}
    return UploadOrder(problem.partition, upload, problem.present, objective="lost_queries")


@many
@given(uploads(max_layers=6))
def test_every_exact_method_meets_enumeration(problem: UploadOrder) -> None:
    optimum = least_by_enumeration(problem)
    for method in METHODS:
        if method.mismatch(problem) is None and method.exact:
            answer = method.load()(problem, Options())
            priced = problem.evaluate(answer.plan)
            assert not priced.violations, method.name
            bound = max(b for b in (answer.bound, *answer.bounds.values()) if b is not None)
            assert (priced.objective, bound) == (optimum, optimum), method.name


@many
@given(uploads())
def test_no_baseline_beats_the_optimum(problem: UploadOrder) -> None:
    optimum = least_by_enumeration(problem)
    for method in METHODS:
        if method.mismatch(problem) is None and not method.exact:
            answer = method.load()(problem, Options())
            priced = problem.evaluate(answer.plan)
            assert not priced.violations, method.name
            assert priced.objective >= optimum, method.name
            assert answer.bound is None


@many
@given(uploads())
def test_the_hull_bounds_the_queries_of_every_order(problem: UploadOrder) -> None:
    if problem.least == 0:
        return
    lossy = lost(problem)
    optimum = least_by_enumeration(lossy)
    answer = upload_local_search.solve(lossy, Options())
    assert 0 <= answer.bound <= optimum <= lossy.evaluate(answer.plan).objective


@many
@given(uploads())
def test_the_hull_lies_below_every_set(problem: UploadOrder) -> None:
    corners = hull(problem)
    slopes = [Fraction(b[1] - a[1], b[0] - a[0]) for a, b in itertools.pairwise(corners)]
    assert slopes == sorted(set(slopes))
    units = needed(problem)
    for size in range(len(units) + 1):
        for chosen in itertools.combinations(units, size):
            time, latency = sum(problem.times[k] for k in chosen), problem.latency(sum(1 << k for k in chosen))
            assert latency >= hull_at(corners, time)


@few
@given(uploads(max_layers=6))
def test_the_bound_of_any_grid_is_valid(problem: UploadOrder) -> None:
    optimum = least_by_enumeration(problem)
    model = formulation.load("upload_time_indexed")
    network = formulation.load("upload_copies").Network(problem)
    for slots in (1, 3) if network.units else ():
        outcome, _ = model.solve_on(network, model.grid(problem.horizon, slots), {}, model.Watch(Options()))
        assert outcome.bound <= optimum
        answer = model.solve(problem, Options(extra={"slots": slots}))
        assert problem.evaluate(answer.plan).objective == answer.bound == optimum


@many
@given(uploads())
def test_needed_units_are_the_least_of_those_that_reach_the_least_latency(problem: UploadOrder) -> None:
    units = needed(problem)
    everything = range(len(problem.names))
    free = [k for k in everything if not problem.there >> k & 1]
    reaching = [
        chosen
        for size in range(len(free) + 1)
        for chosen in itertools.combinations(free, size)
        if problem.latency(sum(1 << k for k in chosen)) == problem.least
    ]
    assert sorted(units) in [list(chosen) for chosen in reaching]
    assert all(set(units) <= set(chosen) for chosen in reaching)
    assert sum(problem.times[k] for k in units) == problem.horizon


@many
@given(uploads())
def test_a_query_at_every_tick_adds_up_to_the_integral(problem: UploadOrder) -> None:
    for order in itertools.islice(itertools.permutations(needed(problem)), 6):
        plan = problem.plan(order)
        priced = problem.evaluate(plan)
        followed = simulate(problem, plan, periodic(1), waiting=False)
        assert sum(query.latency for query in followed.queries) == priced.metrics["integral"]


@many
@given(uploads())
def test_queries_back_to_back_are_those_of_the_closed_form(problem: UploadOrder) -> None:
    if problem.least == 0:
        return
    lossy = lost(problem)
    for order in itertools.islice(itertools.permutations(needed(lossy)), 6):
        plan = lossy.plan(order)
        objective = lossy.evaluate(plan).objective
        assert back_to_back(lossy, plan).finished == lossy.horizon // lossy.least - objective


@many
@given(uploads())
def test_what_remains_is_no_worse_than_going_on(problem: UploadOrder) -> None:
    """Planning again at any moment on the same link: the old order is a plan of what remains, with the same rest."""
    plan = problem.plan(needed(problem))
    whole = problem.evaluate(plan)
    for at in {0, problem.horizon // 3, problem.horizon // 2, problem.horizon}:
        left = replan(problem, plan, at)
        going_on = left.evaluate(continued(left, plan))
        assert not going_on.violations
        # the integral splits at `at`, and what remains counts from there
        start = simulate(problem, plan, periodic(1), waiting=False, horizon=at)
        assert sum(q.latency for q in start.queries) + going_on.objective == whole.objective
        assert least_by_enumeration(left) <= going_on.objective
