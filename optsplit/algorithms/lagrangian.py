"""Partition between two places under limits, or with the largest of several metrics: cuts inside a branch and bound.

The weighted sum of metrics is one minimum cut (`optsplit.algorithms.weighted`). Without limits the cut polytope is
integral, so the best weights give the bound of the linear relaxation. What is left is closed by branching on the place
of one layer.

Precisions fit in: for fixed weights each tensor crosses by its cheapest variant, so a column is a cut with variants,
found by the same cut. Where the columns agree on every place, branching goes on over the variants of one tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.crossings import BoolArray, Crossings
from optsplit.algorithms.hull import Column, Proposal
from optsplit.algorithms.mincut import CutNetwork
from optsplit.algorithms.propagate import propagate
from optsplit.algorithms.weighted import Cut, Node, Search
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

_AGREED = 1e-6


@dataclass
class _Node(Node):
    fixed: IntArray
    allowed: BoolArray


class _Search(Search[_Node]):
    def __init__(self, problem: Partition, options: Options) -> None:
        names = [*problem.objectives, *problem.limits]
        self.crossings = Crossings(problem, names)
        super().__init__(problem, options, names, self.crossings.totals)

    def root(self) -> _Node:
        return _Node(0, [], self.problem.fixed.copy(), self.crossings.there)

    def obeys(self, column: Column) -> bool:
        return self.crossings.agrees(column.variant)

    def opened(self, node: _Node) -> Cut | None:
        # a plan worth finding is better than the incumbent in every metric that is minimised
        tops = [] if self.best is None else [self.best - 1] * self.k
        forced = propagate(
            self.problem,
            node.fixed,
            self.crossings.least(node.allowed)[self.k - len(tops) :],
            [*tops, *(int(r) for r in self.right)],
        )
        if forced is None:
            return None
        node.fixed = forced.fixed
        node.columns = [column for column in node.columns if forced.keeps(self.problem, column.at)]
        network = CutNetwork(self.problem, forced.fixed, (forced.up, forced.down))

        def cut(weights: IntArray) -> tuple[int, Column] | None:
            costs, cheapest = self.crossings.weighted(weights, node.allowed)
            found = network.cut(costs)
            if found.at is None:
                return None
            variant = self.crossings.variant(found.at, cheapest, weights, node.allowed)
            return found.value, Column(found.at, self.crossings.values(found.at, variant), variant)

        return cut

    def branch(self, node: _Node, proposal: Proposal) -> list[_Node]:
        """Two nodes: the layer on whose place the columns disagree most, here and there; else one variant, or not."""
        free = node.fixed < 0
        undecided = np.where(free, np.minimum(proposal.mix, 1 - proposal.mix), -1.0)
        open_ = self._variant(node, proposal.shares)
        if open_ is not None and undecided.max(initial=-1.0) < _AGREED:
            group, k = open_
            only, others = np.zeros(len(node.allowed), dtype=bool), np.ones(len(node.allowed), dtype=bool)
            only[k], others[k] = True, False
            return [self._child(node, node.fixed, group, mask) for mask in (only, others)]
        if not free.any():
            return []
        # among equals the layer with the most at stake
        stake = sum(
            (np.abs(c[:, 0] - c[:, 1]) / s for c, s in zip(self.crossings.computes, self.size)),
            np.zeros(len(undecided)),
        )
        layer = int(np.lexsort((stake, undecided.round(6)))[-1])
        children = []
        for place in (0, 1):
            fixed = node.fixed.copy()
            fixed[layer] = place
            columns = [c for c in node.columns if c.at[layer] == place]
            children.append(_Node(node.bound, columns, fixed, node.allowed))
        return children

    def _variant(self, node: _Node, shares: NDArray[np.float64]) -> tuple[list[int], int] | None:
        """The tensors with the same bits on whose variant the columns disagree most, and the one most use."""
        used = [(share, column) for share, column in zip(shares, node.columns) if share > _AGREED]
        best, found = -1.0, None
        for group in map(list, self.crossings.groups):
            if node.allowed[:, group].all(axis=1).sum() < 2:
                continue
            use = np.zeros(len(node.allowed))
            for share, column in used:
                taken = column.variant[group]
                np.add.at(use, taken[taken >= 0], share)
            if use.sum() - use.max() > best:
                mine = np.where(node.allowed[:, group].all(axis=1), use, -1.0)
                best, found = float(use.sum() - use.max()), (group, int(mine.argmax()))
        return found

    def _child(self, node: _Node, fixed: IntArray, group: list[int], mask: BoolArray) -> _Node:
        allowed = node.allowed.copy()
        allowed[:, group] &= mask[:, None]
        columns = [c for c in node.columns if all(c.variant[t] < 0 or allowed[c.variant[t], t] for t in group)]
        return _Node(node.bound, columns, fixed.copy(), allowed)


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan over two places under any limits and for the largest of any metrics, proven in integers."""
    return _Search(problem, options).answer()
