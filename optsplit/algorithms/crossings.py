"""What tensors pay between two places, by each of their precisions: the cheapest for given weights, and the price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition

BoolArray = NDArray[np.bool_]
_NEVER = 2**62


class Crossings:
    """M metrics of a two-place problem over K variants and T tensors; K = 1 where there are no precisions.

    For fixed weights of the metrics the cheapest variant of a tensor does not depend on the rest of the plan: weights
    and variants leave an ordinary cut. Only tensors that must have the same bits may disagree; their own cheapest
    variants then bound the plan from below, and are no plan.
    """

    def __init__(self, problem: Partition, names: Sequence[str]) -> None:
        self.problem = problem
        variants = problem.variants
        self.costs = [problem.costs(name) for name in names]
        self.there: BoolArray = np.ones((1, len(problem.sources)), dtype=bool) if variants is None else variants.there
        self.groups = () if variants is None else variants.groups
        by_variant = []
        for name, base in zip(names, self.costs, strict=True):
            each = [base]
            if variants is not None:
                last = variants.count - 1
                each = [variants.chosen(base, name, np.minimum(k, last)) for k in range(variants.most)]
            by_variant.append([[c.crossing(0, 1), c.crossing(1, 0)] for c in each])
        shape = (len(names), len(self.there), 2, len(problem.sources))
        self.paid: IntArray = np.array(by_variant, dtype=np.int64).reshape(shape)
        self.computes = np.array([c.compute for c in self.costs])
        most = np.where(self.there[:, None], self.paid, 0).max(axis=1)
        self.totals = [int(c.compute.sum()) + int(part.sum()) for c, part in zip(self.costs, most, strict=True)]

    def _costs(self, compute: IntArray, paid: IntArray) -> Costs:
        tensors = paid.shape[-1]
        transfer = np.zeros((2, 2, tensors), dtype=np.int64)
        transfer[0, 1], transfer[1, 0] = paid
        nothing = np.broadcast_to(np.int64(0), (2, tensors))
        return Costs(compute, transfer, nothing, nothing, "")

    def weighted(self, weights: IntArray, allowed: BoolArray) -> tuple[Costs, IntArray]:
        """The weighted sum of the metrics by the cheapest allowed variants, and those: shape (2, T), up and down."""
        paid = np.tensordot(weights, self.paid, axes=1)
        paid = np.where(allowed[:, None], paid, _NEVER)
        cheapest = paid.argmin(axis=0)
        return self._costs(np.tensordot(weights, self.computes, axes=1), paid.min(axis=0)), cheapest

    def least(self, allowed: BoolArray) -> list[Costs]:
        """Each metric where every crossing costs the least of the allowed variants."""
        if len(self.there) == 1:
            return self.costs
        paid = np.where(allowed[None, :, None], self.paid, _NEVER).min(axis=1)
        return [self._costs(c.compute, part) for c, part in zip(self.costs, paid, strict=True)]

    def variant(self, at: IntArray, cheapest: IntArray, weights: IntArray, allowed: BoolArray) -> IntArray:
        """Shape (T,): the variant of each tensor that crosses under `at`, -1 for the others.

        Tensors with the same bits agree where that costs no more than their own cheapest variants.
        """
        sent, to = self.problem.ways(at)
        variant = np.full(len(self.problem.sources), -1, dtype=np.int64)
        variant[sent] = cheapest[1 - to, sent]
        for group in self.groups:
            members = [t for t in group if variant[t] >= 0]
            if len({int(variant[t]) for t in members}) < 2:
                continue
            way = {t: int(1 - q) for t, q in zip(sent.tolist(), to.tolist(), strict=True)}
            paid = np.array([weights @ self.paid[:, :, way[t], t] for t in members])  # (members, K)
            together = np.where(allowed[:, members].all(axis=1), paid.sum(axis=0), _NEVER)
            own = sum(int(paid[i, variant[t]]) for i, t in enumerate(members))
            if int(together.min()) == own:
                variant[members] = int(together.argmin())
        return variant

    def values(self, at: IntArray, variant: IntArray) -> IntArray:
        """Shape (M,): the metrics of a cut."""
        sent, to = self.problem.ways(at)
        compute = self.computes[:, np.arange(len(at)), at].sum(axis=1)
        values: IntArray = compute + self.paid[:, variant[sent], 1 - to, sent].sum(axis=1)
        return values

    def agrees(self, variant: IntArray) -> bool:
        """Whether all that must have the same bits have."""
        return all(len(set(variant[list(group)].tolist()) - {-1}) < 2 for group in self.groups if len(group) > 1)
