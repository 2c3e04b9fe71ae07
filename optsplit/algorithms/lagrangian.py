"""Partition between two places under limits, or with the largest of several metrics: cuts inside a branch and bound.

minimise max_k m_k(x) subject to m_j(x) <= L_j. For any weights w_k >= 0 with sum W > 0 and multipliers l_j >= 0,

    W * max_k m_k(x) >= sum_k w_k m_k(x) + sum_j l_j (m_j(x) - L_j) >= cut(w, l) - sum_j l_j L_j,

where cut(w, l) is one minimum cut with the weighted costs. With integer weights the cut is exact, so the bound is a
certificate free of any tolerance. Without limits the cut polytope is integral, so the best weights give the bound of
the linear relaxation; they are found by column generation: a small linear programme over the convex hull of the cuts
seen so far proposes weights, the cut at these weights either is a new column or proves the bound (Dantzig and Wolfe
1960; Geoffrion 1974). The gap that is left is closed by branching on the place of one layer.

Precisions fit in: for fixed weights each tensor crosses by its cheapest variant, so a column is a cut with variants,
found by the same cut. Where the columns agree on every place, branching goes on over the variants of one tensor.
"""

from __future__ import annotations

import heapq
import itertools
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.crossings import BoolArray, Crossings
from optsplit.algorithms.hull import Column, Hull, Proposal
from optsplit.algorithms.mincut import CutNetwork
from optsplit.algorithms.propagate import propagate
from optsplit.backends import maxflow
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.result import Limit, TracePoint

_LARGEST_SUM = 2**61
_AGREED = 1e-6


@dataclass
class _Node:
    bound: int
    fixed: IntArray
    columns: list[Column]
    allowed: BoolArray


class _Search:
    def __init__(self, problem: Partition, options: Options) -> None:
        self.problem, self.options = problem, options
        self.start = time.perf_counter()
        self.objectives = list(problem.objectives)
        self.limits = dict(problem.limits)
        names = self.objectives + list(self.limits)
        self.crossings = Crossings(problem, names)
        self.totals = self.crossings.totals
        self.k = len(self.objectives)
        # no plan costs more than the total, nor less than 0: wider limits mean the same
        self.right = np.array(
            [max(-1, min(limit, total)) for limit, total in zip(self.limits.values(), self.totals[self.k :])],
            dtype=np.int64,
        )
        # each metric by its size, so that the linear programme sees numbers near 1
        self.size = np.array([max(total, 1) for total in self.totals], dtype=float)
        self.best: int | None = None
        self.best_column: Column | None = None
        self.bound: int | None = None
        self.trace: list[TracePoint] = []
        self.nodes = self.cuts = 0

    # --- bookkeeping ------------------------------------------------------------------------------------------

    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def late(self) -> bool:
        return self.options.time_limit is not None and self.seconds() >= self.options.time_limit

    def note(self) -> None:
        point = TracePoint(self.seconds(), self.best, self.bound)
        if self.trace and (self.trace[-1].objective, self.trace[-1].bound) == (point.objective, point.bound):
            return
        self.trace.append(point)
        if self.options.progress is not None:
            self.options.progress(point)

    def offer(self, column: Column) -> None:
        """Keep the column as incumbent when it obeys the limits and is better."""
        if (column.values[self.k :] > self.right).any() or not self.crossings.agrees(column.variant):
            return
        value = int(column.values[: self.k].max())
        if self.best is None or value < self.best:
            self.best, self.best_column = value, column
            self.note()

    # --- bounds -----------------------------------------------------------------------------------------------

    def integral(self, multipliers: NDArray[np.float64]) -> IntArray:
        """The multipliers as integers, as fine as exact 64-bit sums allow."""
        multipliers = np.maximum(multipliers, 0.0)
        reach = float(sum(m * max(total, 1) for m, total in zip(multipliers, self.totals)))
        reach += float((multipliers[self.k :] * self.right).sum())
        largest = float(multipliers.max())
        if largest <= 0.0:
            return np.zeros(len(multipliers), dtype=np.int64)
        scale = min(_LARGEST_SUM / max(reach, 1e-300), 2**40 / max(largest, 1e-300))
        return np.floor(multipliers * scale * 0.5).astype(np.int64)

    def relax(self, node: _Node) -> Proposal | None:
        """Raise the node's bound to that of its relaxation.

        Returns what the columns say, to branch on, or None when the node is settled: no plan in it obeys the limits,
        or none is better than the incumbent.
        """
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
        hull = Hull(node.columns, self.k, self.right, self.size)
        while True:
            proposal = hull.solve()
            weights = self.integral(proposal.multipliers)
            if not weights.any():
                return proposal
            costs, cheapest = self.crossings.weighted(weights, node.allowed)
            cut = network.cut(costs)
            self.cuts += 1
            if cut.at is None:
                return None
            value = cut.value - sum(int(w) * int(r) for w, r in zip(weights[self.k :], self.right))
            norm = int(weights[: self.k].sum())
            if norm:
                node.bound = max(node.bound, -(-value // norm))
            elif value > 0:
                return None  # every plan of the node breaks this combination of limits
            variant = self.crossings.variant(cut.at, cheapest, weights, node.allowed)
            column = Column(cut.at, self.crossings.values(cut.at, variant), variant)
            self.offer(column)
            if self.best is not None and node.bound >= self.best:
                return None
            if not hull.add(column) or self.late() or proposal.theta - node.bound < 0.5:
                return proposal

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
            children.append(_Node(node.bound, fixed, columns, node.allowed))
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
        return _Node(node.bound, fixed.copy(), columns, allowed)

    # --- the search -------------------------------------------------------------------------------------------

    def run(self) -> Limit:
        """Best bound first, until every node is settled or a limit ends it."""
        serial = itertools.count()
        heap = [(0, next(serial), _Node(0, self.problem.fixed.copy(), [], self.crossings.there))]
        while heap:
            self.bound = heap[0][0] if self.best is None else min(heap[0][0], self.best)
            self.note()
            if self.best is not None and self.best - self.bound <= self.options.gap * max(abs(self.best), 1):
                return Limit.GAP if self.best > self.bound else Limit.NONE
            if self.late():
                return Limit.TIME
            _, _, node = heapq.heappop(heap)
            self.nodes += 1
            held = (node.bound, next(serial), node)
            try:
                proposal = self.relax(node)
            except KeyboardInterrupt:
                heapq.heappush(heap, held)
                return Limit.INTERRUPT
            if proposal is None:
                continue
            if self.late():
                heapq.heappush(heap, (node.bound, next(serial), node))
                continue
            for child in self.branch(node, proposal):
                heapq.heappush(heap, (child.bound, next(serial), child))
        self.bound = self.best
        self.note()
        return Limit.NONE


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan over two places under any limits and for the largest of any metrics, proven in integers."""
    search = _Search(problem, options)
    built = search.seconds()
    try:
        limit = search.run()
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    answer = Answer(
        bound=search.bound,
        limit=limit,
        build_seconds=built,
        solve_seconds=search.seconds() - built,
        trace=tuple(search.trace),
        solver="minimum cuts and GLOP",
        versions=maxflow.VERSIONS,
        raw_status=f"{search.nodes} nodes, {search.cuts} cuts",
    )
    if search.best_column is None:
        return replace(answer, infeasible=limit is Limit.NONE)
    best = search.best_column
    return replace(answer, plan=problem.plan(best.at, np.maximum(best.variant, 0)), objective=search.best)
