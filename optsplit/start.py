"""A plan to start from: for a balance over several places a solver proves faster than it finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optsplit.algorithms import ideals
from optsplit.baselines import greedy, linearised, local_search, trivial
from optsplit.method import Options
from optsplit.problems.partition import LARGEST, PLACES, Partition

_SHARE = 0.05  # of the time limit, at most, for moves


def started(problem: Partition, options: Options) -> Options:
    """The options with the best baseline's plan as hint, where the largest of several metrics over places is least."""
    if options.hint is not None or not problem.features >= {LARGEST, PLACES}:
        return options
    quick = replace(options, time_limit=None if options.time_limit is None else _SHARE * options.time_limit)
    plans: list[Any] = [
        run(problem, quick).plan
        for run in (trivial.best_single_place, greedy.balance, linearised.solve, local_search.solve)
    ]
    # a balance that goes one way is a balance, and often the best one that a narrow network has
    forward = problem.but(one_way=True)
    if not problem.together and ideals.refuses(forward) is None:
        plans.append(ideals.solve(forward, quick).plan)
    valid = [plan for plan in plans if plan is not None]
    best = min(valid, key=lambda plan: problem.evaluate(plan).objective, default=None)
    left = None if options.time_limit is None else options.time_limit * (1 - _SHARE)
    return replace(options, hint=best, time_limit=left)
