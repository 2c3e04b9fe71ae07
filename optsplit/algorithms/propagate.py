"""What limits alone decide: layers whose place is forced, tensors that no plan within the limits can send.

For each limited metric: the layers and crossings that are already decided, and the cheaper place of each other layer,
leave a rest of the limit. A layer that costs more than the rest at one place runs at the other; a tensor that costs
more than the rest to send stays where it is written, with all that read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition

BoolArray = NDArray[np.bool_]

_ROUNDS = 100  # each round is valid by itself; a long chain of consequences is left to the cuts


@dataclass(frozen=True)
class Forced:
    """`fixed` (n,): place of each decided layer, else -1; `up`, `down` (T,): tensors that cannot be sent that way."""

    fixed: IntArray
    up: BoolArray
    down: BoolArray

    def keeps(self, problem: Partition, at: IntArray) -> bool:
        """Whether the plan that puts layer i at place at[i] is among those that are left."""
        sent, to = problem.ways(at)
        shut = np.where(to == 1, self.up[sent], self.down[sent])
        return not shut.any() and bool(((self.fixed < 0) | (self.fixed == at)).all())


def propagate(problem: Partition, fixed: IntArray, metrics: Sequence[Costs], limits: Sequence[int]) -> Forced | None:
    """The consequences of `limits` (one for each of `metrics`) for the layers not in `fixed`, over two places.

    Returns None when they exclude every plan.
    """
    fixed = fixed.copy()
    tensor, reader = problem.reads
    sources, tensors = problem.sources, len(problem.sources)
    up = np.full(tensors, not problem.allowed[0, 1])
    down = np.full(tensors, not problem.allowed[1, 0])
    outputs = np.zeros((2, tensors), dtype=bool)
    if problem.result_place >= 0:
        outputs[problem.result_place, list(problem.outputs)] = True
    cross = [(costs.crossing(0, 1), costs.crossing(1, 0)) for costs in metrics]
    for _ in range(_ROUNDS):
        before = int((fixed < 0).sum()), int(up.sum() + down.sum())
        origin = fixed[sources]
        read_at = [outputs[p] | _any(tensor, fixed[reader] == p, tensors) for p in (0, 1)]
        goes_up, goes_down = (origin == 0) & read_at[1], (origin == 1) & read_at[0]
        if (goes_up & up).any() or (goes_down & down).any():
            return None
        free = fixed < 0
        for costs, (cost_up, cost_down), limit in zip(metrics, cross, limits):
            compute = costs.compute
            least = np.where(free, compute.min(axis=1), compute[np.arange(len(fixed)), np.maximum(fixed, 0)])
            rest = limit - int(least.sum()) - int(cost_up[goes_up].sum()) - int(cost_down[goes_down].sum())
            if rest < 0:
                return None
            dear = free[:, None] & (compute - least[:, None] > rest)  # never at both places: one costs the least
            fixed[dear[:, 0]] = 1
            fixed[dear[:, 1]] = 0
            up |= (cost_up > rest) & ~goes_up
            down |= (cost_down > rest) & ~goes_down
        # a tensor that cannot be sent keeps its source and its readers together
        stay_up, stay_down = up[tensor], down[tensor]
        if problem.one_way:
            stay_down = np.ones_like(stay_down)
        at_source, at_reader = fixed[sources[tensor]], fixed[reader]
        if not (
            _fix(fixed, reader[stay_up & (at_source == 0)], 0)
            and _fix(fixed, sources[tensor[stay_up & (at_reader == 1)]], 1)
            and _fix(fixed, reader[stay_down & (at_source == 1)], 1)
            and _fix(fixed, sources[tensor[stay_down & (at_reader == 0)]], 0)
            and _fix(fixed, sources[up & outputs[1]], 1)
            and _fix(fixed, sources[down & outputs[0]], 0)
        ):
            return None
        if before == (int((fixed < 0).sum()), int(up.sum() + down.sum())):
            break
    return Forced(fixed, up, down)


def _any(tensor: IntArray, which: BoolArray, tensors: int) -> BoolArray:
    found = np.zeros(tensors, dtype=bool)
    found[tensor[which]] = True
    return found


def _fix(fixed: IntArray, layers: IntArray, place: int) -> bool:
    """Put layers at a place; False when one of them is fixed elsewhere."""
    if (fixed[layers] == 1 - place).any():
        return False
    fixed[layers] = place
    return True
