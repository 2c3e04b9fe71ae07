"""Every plan, one by one, priced by the problem itself: the yardstick of all other exact methods."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np

from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.result import Limit

MOST = 2**16


def refuses(problem: Partition) -> str | None:
    """Why there are too many plans to look at, or None."""
    free = int((problem.fixed < 0).sum())
    count = math.log2(len(problem.places)) * free
    if problem.variants is not None:
        count += sum(math.log2(len(problem.variants.bits[group[0]])) for group in problem.variants.groups)
    if problem.exits is not None:
        count += math.log2(len(problem.exits.routings()))
    if count <= math.log2(MOST) + 1e-9:
        return None
    return f"it enumerates every plan, here 2^{count:.0f}, and stops at 2^16"


def plans(problem: Partition) -> Iterator[PartitionPlan]:
    """Every exit or choice of thresholds, every place of every layer that is not pinned, all bits of what crosses."""
    if problem.exits is None:
        yield from _plain(problem)
        return
    exits = problem.exits
    routings = map(exits.by_thresholds, exits.settings()) if exits.by_confidence else map(exits.alone, exits.layers)
    for routing in routings:
        routed = problem.routed(routing)
        yield from map(routed.outer, _plain(routed.problem))


def _plain(problem: Partition) -> Iterator[PartitionPlan]:
    choices = [[int(p)] if p >= 0 else range(len(problem.places)) for p in problem.fixed]
    variants = problem.variants
    for assignment in itertools.product(*choices):
        if variants is None:
            yield problem.plan(assignment)
            continue
        sent = set(problem.ways(np.array(assignment))[0].tolist())
        crossing = [group for group in variants.groups if sent.intersection(group)]
        for chosen in itertools.product(*(range(len(variants.bits[group[0]])) for group in crossing)):
            variant = np.zeros(len(problem.sources), dtype=np.int64)
            for group, k in zip(crossing, chosen, strict=True):
                variant[list(group)] = k
            yield problem.plan(assignment, variant)


def solve(problem: Partition, options: Options) -> Answer:
    """Price every plan; stopped early, keep the best."""
    deadline = math.inf if options.time_limit is None else time.perf_counter() + options.time_limit
    best: int | None = None
    best_plan: PartitionPlan | None = None
    limit = Limit.NONE
    try:
        for plan in plans(problem):
            if time.perf_counter() > deadline:
                limit = Limit.TIME
                break
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
