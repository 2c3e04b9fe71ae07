"""Cuts for schedules that decide what runs where before they look at the machines."""

from __future__ import annotations

from optsplit.algorithms import mincut
from optsplit.baselines import local_search, trivial
from optsplit.method import Answer, Options
from optsplit.problems.partition import PLACES, TOGETHER, Partition, PartitionPlan
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import LATENCY


def least_latency(job: Partition, options: Options) -> PartitionPlan | None:
    """The cut of least latency, all its operations one after the other; by moves where no minimum cut gives it."""
    alone = job.but(minimize=LATENCY)
    answer: Answer = (local_search if alone.features & {PLACES, TOGETHER} else mincut).solve(alone, options)
    plan: PartitionPlan | None = answer.plan
    return plan


def single_place(job: Partition, place: str, options: Options) -> PartitionPlan | None:
    """Every layer that may at the first place, or at the last, where that obeys the rules."""
    policy = trivial.device_only if place == job.places[0] else trivial.server_only
    plan: PartitionPlan | None = policy(job.but(minimize=LATENCY), options).plan
    return plan


def cuts(problem: Schedule, options: Options) -> list[PartitionPlan] | None:
    """The given cuts, or that of least latency for each job; None where a job has none."""
    if problem.cuts is not None:
        return list(problem.cuts)
    found = {kind: least_latency(problem.jobs[kind], options) for kind in set(problem.kinds)}
    chosen = [plan for kind in problem.kinds if (plan := found[kind]) is not None]
    return chosen if len(chosen) == len(problem.jobs) else None
