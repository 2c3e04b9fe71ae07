"""Every plan, one by one, priced by the problem itself: the yardstick of all other exact methods."""

from __future__ import annotations

import itertools

from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition


def solve(problem: Partition, options: Options) -> Answer:
    """Enumerate the places of every layer that is not pinned."""
    choices = [[int(p)] if p >= 0 else range(len(problem.places)) for p in problem.fixed]
    best, best_plan = None, None
    for assignment in itertools.product(*choices):
        plan = problem.plan(assignment)
        evaluation = problem.evaluate(plan)
        if not evaluation.violations and (best is None or evaluation.objective < best):
            best, best_plan = evaluation.objective, plan
    if best is None:
        return Answer(infeasible=True, raw_status="no plan obeys the rules")
    return Answer(best_plan, best, best)
