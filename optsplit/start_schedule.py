"""Exact schedules with a plan to start from, and with every plan as early as its order allows."""

from __future__ import annotations

import time
from dataclasses import replace
from types import ModuleType

from optsplit import formulation
from optsplit.algorithms import schedule_semi_active
from optsplit.baselines import schedule_johnson, schedule_lists
from optsplit.method import Answer, Options
from optsplit.problems.schedule import Schedule, SchedulePlan

STARTS = (
    schedule_lists.partition, schedule_lists.device_only, schedule_lists.server_only, schedule_lists.fcfs,
    schedule_lists.topological_list, schedule_johnson.solve,
)  # fmt: skip


def start(problem: Schedule, options: Options) -> SchedulePlan | None:
    """The best plan of the list schedules, and of the caller's hint."""
    quick = replace(options, time_limit=None if options.time_limit is None else 0.05 * options.time_limit, hint=None)
    # with given cuts, those that choose their own are no plans
    runs = [run for run in STARTS if problem.cuts is None or run not in STARTS[1:3]]
    plans = [options.hint, *(run(problem, quick).plan for run in runs)]
    priced = [(plan, problem.evaluate(plan)) for plan in plans if plan is not None]
    # a hint that breaks a rule helps nobody
    valid = [(plan, found.objective) for plan, found in priced if not found.violations]
    return min(valid, key=lambda pair: pair[1])[0] if valid else None


def _run(module: ModuleType, problem: Schedule, options: Options) -> Answer:
    begun = time.perf_counter()
    best = start(problem, options)
    spent = time.perf_counter() - begun
    left = None if options.time_limit is None else max(options.time_limit - spent, 1e-9)
    answer: Answer = module.solve(problem, replace(options, hint=best, time_limit=left))
    answer = replace(answer, build_seconds=answer.build_seconds + spent)
    if answer.infeasible:
        return answer
    plans = [plan for plan in (answer.plan, best) if plan is not None]
    if not plans:
        return answer
    shifted = [shift(problem, plan) for plan in plans]
    plan = min(shifted, key=lambda plan: problem.evaluate(plan).objective)
    return replace(answer, plan=plan, objective=problem.evaluate(plan).objective)


def shift(problem: Schedule, plan: SchedulePlan) -> SchedulePlan:
    """The plan with the same cuts and orders, every operation as early as it then can be."""
    return schedule_semi_active.plan(problem, plan.assignments, schedule_semi_active.starts_of(problem, plan))


def series(problem: Schedule, options: Options) -> Answer:
    """`formulations/schedule_series.py`, started from the list schedules."""
    return _run(formulation.load("schedule_series"), problem, options)


def cpsat(problem: Schedule, options: Options) -> Answer:
    """`formulations/schedule_cpsat.py`, started from the list schedules."""
    return _run(formulation.load("schedule_cpsat"), problem, options)
