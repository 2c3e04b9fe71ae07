"""Every plan, one by one, priced by the problem itself: the yardstick of all other exact methods."""

from __future__ import annotations

import itertools
import math
import time

from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.result import Limit


def solve(problem: Partition, options: Options) -> Answer:
    """Enumerate the places of every layer that is not pinned; stopped early, keep the best plan."""
    choices = [[int(p)] if p >= 0 else range(len(problem.places)) for p in problem.fixed]
    deadline = math.inf if options.time_limit is None else time.perf_counter() + options.time_limit
    best: int | None = None
    best_plan: PartitionPlan | None = None
    limit = Limit.NONE
    try:
        for assignment in itertools.product(*choices):
            if time.perf_counter() > deadline:
                limit = Limit.TIME
                break
            plan = problem.plan(assignment)
            evaluation = problem.evaluate(plan)
            if not evaluation.violations and (best is None or evaluation.objective < best):
                best, best_plan = evaluation.objective, plan
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    if limit is not Limit.NONE:
        return Answer(best_plan, best, 0, limit=limit)  # costs are never negative
    if best is None:
        return Answer(infeasible=True, raw_status="no plan obeys the rules")
    return Answer(best_plan, best, best)
