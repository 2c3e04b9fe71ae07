"""Local search: move one layer to another place as long as that helps; seeded.

The usual last baseline of papers on device placement (among them Tarnawski et al., NeurIPS 2020). It starts from the
greedy balance, and from every layer at one place, and goes on from the best of them. Layers that must share a
place move together.
"""

from __future__ import annotations

import math
import random
import time

import numpy as np

from optsplit.baselines.greedy import assignment
from optsplit.baselines.trivial import offer
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

_LOOKS = 20_000  # plans priced at most: the same seed gives the same plan, whatever the machine's speed


def solve(problem: Partition, options: Options) -> Answer:
    """First improvement over moves in random order, until a whole round finds none, or the budget ends."""
    rng = random.Random(options.seed)
    deadline = math.inf if options.time_limit is None else time.perf_counter() + options.time_limit
    places = range(len(problem.places))
    starts = [np.where(problem.fixed >= 0, problem.fixed, p) for p in places]
    at = min([assignment(problem), *starts], key=lambda x: _key(problem, x))
    key = _key(problem, at)
    joined = [[problem.index[layer] for layer in group] for group in problem.together]
    grouped = {v for group in joined for v in group}
    units = joined + [[v] for v in range(len(problem.layers)) if v not in grouped]
    units = [unit for unit in units if (problem.fixed[unit] < 0).all()]
    moves = [(unit, q) for unit in units for q in places]
    looks, improved = 0, True
    while improved and looks < _LOOKS and time.perf_counter() < deadline:
        improved = False
        rng.shuffle(moves)
        for unit, q in moves:
            if (at[unit] == q).all():
                continue
            if looks >= _LOOKS or time.perf_counter() >= deadline:
                break
            looks += 1
            tried = at.copy()
            tried[unit] = q
            if (found := _key(problem, tried)) < key:
                at, key, improved = tried, found, True
    return offer(problem, at)


def _key(problem: Partition, at: IntArray) -> tuple[int, int, int, int]:
    """What is compared: broken rules, then what exceeds the limits, then the objective, then the sum of several."""
    found = problem.evaluate(problem.plan(at))
    excess = sum(max(0, found.metrics[name] - limit) for name, limit in problem.limits.items())
    return len(found.violations), excess, found.objective, sum(found.metrics[name] for name in problem.objectives)
