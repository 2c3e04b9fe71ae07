"""Branch and bound over weighted sums of metrics: for any problem whose weighted sum has a fast exact answer.

minimise max_k m_k(x) subject to m_j(x) <= L_j. For any weights w_k >= 0 with sum W > 0 and multipliers l_j >= 0,

    W * max_k m_k(x) >= sum_k w_k m_k(x) + sum_j l_j (m_j(x) - L_j) >= cut(w, l) - sum_j l_j L_j,

where cut(w, l) is the least weighted sum, or a lower bound on it. With integer weights it is exact, so the bound is a
certificate free of any tolerance. The best weights are found by column generation: a small linear programme over the
convex hull of the plans seen so far proposes weights, the cut at these weights either is a new column or proves the
bound (Dantzig and Wolfe 1960; Geoffrion 1974). The gap that is left is closed by branching.
"""

from __future__ import annotations

import heapq
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.hull import Column, Hull, Proposal
from optsplit.backends import maxflow
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.result import Limit, TracePoint

_LARGEST_SUM = 2**61


@dataclass
class Node:
    """A part of the plans: a lower bound on them, and the columns that lie in it."""

    bound: int
    columns: list[Column]


N = TypeVar("N", bound=Node)
Cut = Callable[[IntArray], tuple[int, Column] | None]


class Search(ABC, Generic[N]):
    """The search, best bound first.

    Parameters
    ----------
    problem, options
        What is asked.
    names
        Metrics in use: those minimised first, then those with limits.
    totals
        A number that no plan exceeds, for each.
    """

    def __init__(self, problem: Partition, options: Options, names: Sequence[str], totals: Sequence[int]) -> None:
        self.problem, self.options = problem, options
        self.start = time.perf_counter()
        self.totals = totals
        self.k = len(problem.objectives)
        # no plan costs more than the total, nor less than 0: wider limits mean the same
        self.right = np.array(
            [max(-1, min(limit, total)) for limit, total in zip(problem.limits.values(), totals[self.k :])],
            dtype=np.int64,
        )
        assert list(names[self.k :]) == list(problem.limits)
        # each metric by its size, so that the linear programme sees numbers near 1
        self.size = np.array([max(total, 1) for total in totals], dtype=float)
        self.best: int | None = None
        self.best_column: Column | None = None
        self.bound: int | None = None
        self.trace: list[TracePoint] = []
        self.nodes = self.cuts = 0

    # --- what differs between problems ------------------------------------------------------------------------

    @abstractmethod
    def root(self) -> N:
        """All plans."""

    @abstractmethod
    def opened(self, node: N) -> Cut | None:
        """The function from weights to (least weighted sum, a plan of it) in a node, None where that has no plan.

        None instead when no plan of the node is worth finding. What the limits decide may narrow the node.
        """

    @abstractmethod
    def branch(self, node: N, proposal: Proposal) -> list[N]:
        """Parts of a node that hold all its plans but those of its columns."""

    def obeys(self, column: Column) -> bool:
        """Whether a column is a plan, its limits aside."""
        return True

    # --- bookkeeping ------------------------------------------------------------------------------------------

    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self.start

    def late(self) -> bool:
        """Whether the time limit has come."""
        return self.options.time_limit is not None and self.seconds() >= self.options.time_limit

    def note(self) -> None:
        """Report incumbent and bound where one of them changed."""
        point = TracePoint(self.seconds(), self.best, self.bound)
        if self.trace and (self.trace[-1].objective, self.trace[-1].bound) == (point.objective, point.bound):
            return
        self.trace.append(point)
        if self.options.progress is not None:
            self.options.progress(point)

    def offer(self, column: Column) -> None:
        """Keep the column as incumbent when it obeys the limits and is better."""
        if (column.values[self.k :] > self.right).any() or not self.obeys(column):
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

    def relax(self, node: N) -> Proposal | None:
        """Raise the node's bound to that of its relaxation.

        Returns what the columns say, to branch on, or None when the node is settled: no plan in it obeys the limits,
        or none is better than the incumbent.
        """
        cut = self.opened(node)
        if cut is None:
            return None
        hull = Hull(node.columns, self.k, self.right, self.size)
        while True:
            proposal = hull.solve()
            weights = self.integral(proposal.multipliers)
            if not weights.any():
                return proposal
            found = cut(weights)
            self.cuts += 1
            if found is None:
                return None
            least, column = found
            value = least - sum(int(w) * int(r) for w, r in zip(weights[self.k :], self.right))
            norm = int(weights[: self.k].sum())
            if norm:
                node.bound = max(node.bound, -(-value // norm))
            elif value > 0:
                return None  # every plan of the node breaks this combination of limits
            self.offer(column)
            if self.best is not None and node.bound >= self.best:
                return None
            if not hull.add(column) or self.late() or proposal.theta - node.bound < 0.5:
                return proposal

    # --- the search -------------------------------------------------------------------------------------------

    def run(self) -> Limit:
        """Best bound first, until every node is settled or a limit ends it."""
        serial = itertools.count()
        heap = [(0, next(serial), self.root())]
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

    def answer(self) -> Answer:
        """Run, and say what was found."""
        built = self.seconds()
        try:
            limit = self.run()
        except KeyboardInterrupt:
            limit = Limit.INTERRUPT
        answer = Answer(
            bound=self.bound,
            limit=limit,
            build_seconds=built,
            solve_seconds=self.seconds() - built,
            trace=tuple(self.trace),
            solver="minimum cuts and GLOP",
            versions=maxflow.VERSIONS,
            raw_status=f"{self.nodes} nodes, {self.cuts} cuts",
        )
        if self.best_column is None:
            return replace(answer, infeasible=limit is Limit.NONE)
        best = self.best_column
        return replace(answer, plan=self.problem.plan(best.at, np.maximum(best.variant, 0)), objective=self.best)
