"""What must hold for every schedule, against enumeration of cuts and orders, on random instances."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.algorithms import schedule_brute
from optsplit.formulation import load
from optsplit.method import Options
from optsplit.problems import schedule_text
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.schedule import Schedule
from optsplit.table.schedule import METHODS
from tests.schedule_instances import random_passages, random_schedule

many = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
few = settings(many, max_examples=25)

EXACT = ("series", "cpsat", "milp")


@st.composite
def schedules(draw: st.DrawFn, jobs: int = 3, layers: int = 4, objective: str | None = None) -> Schedule:
    """A problem that enumeration can walk, its cuts free or given."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    problem = random_schedule(rng, rng.randint(1, layers), rng.randint(1, jobs), objective)
    if rng.random() < 0.3:
        cuts = [next(iter(_valid(job)), None) for job in problem.jobs]
        if all(cut is not None for cut in cuts):
            problem = problem.but(cuts=cuts)
    operations = sum(len(job.layers) for job in problem.jobs)
    assume(operations <= 8 and schedule_brute.refuses(problem) is None)
    return problem


def _valid(job: Partition) -> list[PartitionPlan]:
    shape = (len(job.places),) * len(job.layers)
    plans = [job.plan(list(np.unravel_index(k, shape))) for k in range(min(len(job.places) ** len(job.layers), 300))]
    return [plan for plan in plans if not job.evaluate(plan).violations]


def enumerated(problem: Schedule) -> int | None:
    answer = schedule_brute.solve(problem, Options())
    return answer.objective


@many
@given(schedules())
def test_every_method_against_enumeration(problem: Schedule) -> None:
    optimum = enumerated(problem)
    for method in METHODS:
        if method.mismatch(problem) is not None:
            continue
        result = osp.solve(problem, method.name)
        if not method.exact:
            assert result.objective is None or result.objective >= optimum, method.name
            continue
        assert result.objective == optimum, method.name
        assert result.status is (Status.INFEASIBLE if optimum is None else Status.OPTIMAL), method.name
        for name, bound in result.bounds.items():
            assert optimum is None or bound <= optimum, (method.name, name)


@many
@given(schedules(jobs=1, layers=6))
def test_series_points_lose_nothing(problem: Schedule) -> None:
    assume(problem.objective != "period")
    series, plain = (load(file).solve(problem, Options()) for file in ("schedule_series", "schedule_cpsat"))
    assert (series.objective, series.infeasible) == (plain.objective, plain.infeasible)


@many
@given(st.integers(0, 2**32))
def test_layers_without_length_need_not_be_separated(seed: int) -> None:
    problem = random_passages(random.Random(seed))
    cpsat, contract = load("schedule_cpsat"), load("schedule_contract")
    smaller = contract.contracted(problem)
    assume(smaller is not problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpsat, "contracted", lambda given: given)
        plain = cpsat.solve(problem, Options())
    assert cpsat.solve(problem, Options()).objective == plain.objective
    moved = contract.carried(problem, plain.plan)
    found = smaller.evaluate(moved)
    assert found.violations == ()
    assert found.objective <= plain.objective


def changed(problem: Schedule, change) -> Schedule:
    """The same problem, its jobs changed; equal frames stay equal."""
    found = {kind: change(problem.jobs[kind]) for kind in set(problem.kinds)}
    return problem.but(jobs=[found[kind] for kind in problem.kinds])


def scaled(job: Partition, factor: int) -> Partition:
    costs = job.costs("latency")
    arcs = {(p, q): costs.transfer[job.places.index(p), job.places.index(q)] * factor for p, q in job.links}
    return job.but(metrics={"latency": Metric(costs.compute * factor, arcs)})


@few
@given(schedules())
def test_scaling_all_times_scales_the_optimum(problem: Schedule) -> None:
    assume(problem.objective != "lateness")
    times = changed(problem, lambda job: scaled(job, 7)).but(release=[7 * r for r in problem.release])
    least, larger = (osp.solve(p, "cpsat").objective for p in (problem, times))
    assert larger == (None if least is None else 7 * least)


@few
@given(schedules(), st.integers(0, 2**16))
def test_a_faster_link_or_place_never_hurts(problem: Schedule, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def faster(job: Partition) -> Partition:
        costs = job.costs("latency")
        less = costs.transfer // rng.integers(1, 4)
        arcs = {(p, q): less[job.places.index(p), job.places.index(q)] for p, q in job.links}
        return job.but(metrics={"latency": Metric(costs.compute // rng.integers(1, 3), arcs)})

    before, after = (osp.solve(p, "cpsat").objective for p in (problem, changed(problem, faster)))
    assert (before is None) == (after is None)
    assert before is None or after <= before


@few
@given(schedules())
def test_names_and_the_order_of_frames_change_nothing(problem: Schedule) -> None:
    turned = list(range(len(problem.jobs)))[::-1]
    jobs = {kind: renamed(problem.jobs[kind]) for kind in set(problem.kinds)}
    other = Schedule(
        [jobs[problem.kinds[j]] for j in turned], [problem.release[j] for j in turned],
        None if problem.due is None else [problem.due[j] for j in turned], objective=problem.objective,
    )  # fmt: skip
    assert osp.solve(other, "cpsat").objective == osp.solve(problem.but(cuts=None), "cpsat").objective


def renamed(job: Partition) -> Partition:
    return job.but(
        layers=[f"x{name}" for name in job.layers], pins={f"x{layer}": place for layer, place in job.pins.items()},
        together=[[f"x{layer}" for layer in group] for group in job.together],
    )  # fmt: skip


@few
@given(schedules())
def test_plans_survive_text_and_machines_never_overlap(problem: Schedule) -> None:
    plan = osp.solve(problem, "cpsat").plan
    assume(plan is not None)
    assert schedule_text.parse(schedule_text.write(plan)) == plan
    for machine in problem.machines:
        busy = sorted((o.start, o.end) for o in plan.on(machine) if o.end > o.start)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(busy))


@few
@given(schedules())
def test_free_cuts_are_no_worse_than_given_ones(problem: Schedule) -> None:
    assume(problem.cuts is not None)
    assert osp.solve(problem.but(cuts=None), "cpsat").objective <= osp.solve(problem, "cpsat").objective
