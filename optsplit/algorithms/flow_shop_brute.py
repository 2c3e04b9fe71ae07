"""Every sequence, one by one, priced by the problem itself: the yardstick of the flow shop's other exact methods."""

from __future__ import annotations

import itertools
import math
import time

from optsplit.method import Answer, Options
from optsplit.problems.flow_shop import FlowShop, FlowShopPlan
from optsplit.problems.flow_shop_bounds import named
from optsplit.result import Limit

_JOBS = 8


def refuses(problem: FlowShop) -> str | None:
    """Too many sequences to try."""
    return None if problem.jobs <= _JOBS else f"it tries every sequence of at most {_JOBS} jobs, here {problem.jobs}"


def solve(problem: FlowShop, options: Options) -> Answer:
    """Enumerate the sequences; stopped early, keep the best plan."""
    deadline = math.inf if options.time_limit is None else time.perf_counter() + options.time_limit
    best: int | None = None
    best_plan: FlowShopPlan | None = None
    limit = Limit.NONE
    try:
        for sequence in itertools.permutations(range(problem.jobs)):
            if time.perf_counter() > deadline:
                limit = Limit.TIME
                break
            plan = FlowShopPlan(sequence)
            objective = problem.evaluate(plan).objective
            if best is None or objective < best:
                best, best_plan = objective, plan
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    bounds = {} if limit is Limit.NONE else named(problem)
    return Answer(best_plan, best, best if limit is Limit.NONE else None, limit=limit, bounds=bounds)
