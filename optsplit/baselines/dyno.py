"""DynO (Almeida, Laskaridis, Venieris, Leontiadis, Lane, ACM TECS 2022): one split and one precision for what crosses.

For each split of the topological order, the device first, every precision is tried for the whole cut, and of those
that obey the limits the best split wins. The paper's own formulas could not be obtained: this is its decision space
on this package's costs. A crossing tensor that has not these bits is sent with the most that it has.

`as_they_are` packs nothing: the exact partition whose tensors all cross with 32 bits.
"""

from __future__ import annotations

import numpy as np

from optsplit.baselines.neurosurgeon import inputs, prefix
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

RAW = 32


def refuses(problem: Partition) -> str | None:
    """Why there is no precision to choose, or None."""
    return None if problem.variants is not None else "it chooses a precision, and this problem has none"


def with_bits(problem: Partition, bits: int) -> IntArray:
    """Shape (T,): the variant of each tensor with these bits; where it has none, that with the most."""
    assert problem.variants is not None
    choice = problem.variants.bits
    return np.array(
        [mine.index(bits) if bits in mine else int(np.argmax(mine)) if mine else 0 for mine in choice], dtype=np.int64
    )


def solve(problem: Partition, options: Options) -> Answer:
    """The best of all splits of the topological order, each with one precision."""
    assert problem.variants is not None
    used = {*problem.objectives, *problem.limits}
    lean = problem.but(metrics={name: metric for name, metric in problem.metrics.items() if name in used})
    widths = sorted({bits for mine in problem.variants.bits for bits in mine}, reverse=True)
    variants = [with_bits(problem, bits) for bits in widths]
    best: tuple[int, Answer] | None = None
    reason = ""
    for j in range(inputs(problem), len(problem.layers) + 1):
        at = prefix(problem, j)
        for variant in variants:
            plan = lean.plan(at, variant)
            found = lean.evaluate(plan)
            if found.violations:
                reason = reason or found.violations[0]
            elif best is None or found.objective < best[0]:
                best = found.objective, Answer(plan)
    if best is None:
        return Answer(raw_status=f"no split with one precision obeys the rules; of the first, {reason}")
    return best[1]


def as_they_are(problem: Partition, options: Options) -> Answer:
    """The best partition that packs nothing."""
    from optsplit.algorithms import lagrangian  # loads a solver

    found = lagrangian.solve(problem.but(precisions=None), options)
    if found.plan is None:
        return Answer(raw_status=f"no plan without packing: {found.raw_status}", limit=found.limit)
    at = problem.positions(found.plan)
    variant = with_bits(problem, RAW)
    plan = problem.plan(at, variant)
    packed = [tensor for tensor, bits in plan.bits.items() if bits != RAW]
    if packed:
        return Answer(raw_status=f"tensor {packed[0]!r} cannot be sent as it is")
    return Answer(plan, limit=found.limit)
