"""Branch and bound for the permutation flow shop, from both ends of the sequence.

A node has a prefix and a suffix. Its children put one free job next, or one last; of the two families the one with
fewer children that survive is taken, and of equal ones that with the larger sum of bounds (Gmys et al., EJOR 284,
2020). Children meet the one-machine bound when they are made, and the two-machine bound with lags when their turn
comes. Nodes are taken deepest first, best bound first among equals, a thousand at a time: so the first descent is a
beam search, and narrower ones before it give it a good makespan to beat. Where many machines or late jobs make the
bounds of partial sequences weak, iterated greedy beside the search finds better ones.
"""

from __future__ import annotations

import numpy as np

from optsplit.algorithms import flow_shop_insertion as insertion
from optsplit.algorithms.flow_shop_greedy import IteratedGreedy
from optsplit.algorithms.flow_shop_nodes import Array, Bounding, Nodes
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems import flow_shop_bounds
from optsplit.problems.flow_shop import FlowShop
from optsplit.result import Limit

_BATCH = 1024
_BEAMS = (1, 8, 64)
"""Widths of the descents before the search; together they cost less than the first descent of the search itself."""
_STEPS = 24
"""Batches branched on between two steps of the iterated greedy: the search keeps most of the time."""
_STALE = 300
"""Steps of the iterated greedy without a better sequence after which it ends."""


class _Family:
    """Children of one batch of nodes, best bound first; they become nodes when their turn comes.

    A child is a few bytes until then, so a thousand families of fifty thousand children fit into memory.
    """

    def __init__(self, parents: Nodes, which: Array, job: Array, forward: Array, bound: Array) -> None:
        order = np.argsort(bound, kind="stable")
        self.parents, self.taken = parents, 0
        self.which, self.job = which[order].astype(np.int32), job[order].astype(np.int32)
        self.forward, self.bounds = forward[order], bound[order]

    @property
    def bound(self) -> int:
        return int(self.bounds[self.taken])

    def next(self, bounding: Bounding, count: int, below: int) -> Nodes:
        """The next children, as nodes; those whose bound is not `below` are dropped for good."""
        end = min(self.taken + count, int(np.searchsorted(self.bounds, below)))
        part = slice(self.taken, end)
        self.taken = len(self.bounds) if end == int(np.searchsorted(self.bounds, below)) else end
        return bounding.extended(self.parents, self.which[part], self.job[part], self.forward[part], self.bounds[part])

    @property
    def empty(self) -> bool:
        return self.taken == len(self.bounds)


class Search:
    """The open families, shallow ones first, and the best sequence so far."""

    def __init__(self, bounding: Bounding, sequence: Array, makespan: int, batch: int = _BATCH) -> None:
        self.bounding, self.batch = bounding, batch
        self.best, self.sequence = makespan, sequence
        self.stack: list[_Family] = []
        self.nodes = 0
        self._branch(bounding.root())

    @property
    def bound(self) -> int:
        """What no schedule beats: the least bound of an open node, or the best makespan."""
        return min([self.best, *(family.bound for family in self.stack)])

    def step(self) -> None:
        """Branch on one batch of the deepest nodes."""
        family = self.stack[-1]
        nodes = family.next(self.bounding, self.batch, self.best)
        if family.empty:
            self.stack.pop()
        if not len(nodes):
            return
        if not nodes.free[0].any():
            self._offer(nodes.sequence)
            return
        nodes.bound[:] = self.bounding.two_machine(nodes)
        self._branch(nodes.take(nodes.bound < self.best))

    def _branch(self, nodes: Nodes) -> None:
        self.nodes += len(nodes)
        if not len(nodes):
            return
        first, last = self.bounding.children(nodes)
        bound = nodes.bound[:, None]
        np.maximum(first, bound, out=first)
        np.maximum(last, bound, out=last)
        allowed = self.bounding.allowed(nodes)
        alive = [mask & (value < self.best) for mask, value in zip(allowed, (first, last))]
        counts = [a.sum(axis=1) for a in alive]
        sums = [np.where(mask, value, 0).sum(axis=1, dtype=np.int64) for mask, value in zip(allowed, (first, last))]
        forward = (counts[0] < counts[1]) | ((counts[0] == counts[1]) & (sums[0] >= sums[1]))
        which, job = np.nonzero(np.where(forward[:, None], alive[0], alive[1]))
        if len(which):
            bounds = np.where(forward[which], first[which, job], last[which, job])
            self.stack.append(_Family(nodes, which, job, forward[which], bounds))

    def _offer(self, sequences: Array) -> None:
        values = self.bounding.makespans(sequences)
        i = int(values.argmin())
        if values[i] < self.best:
            self.best, self.sequence = int(values[i]), sequences[i].copy()

    def descend(self) -> None:
        """One step of a beam search: what the batch leaves is dropped, so that no bound follows from it."""
        self.step()
        del self.stack[:-1]


def solve(problem: FlowShop, options: Options) -> Answer:
    """The optimum, or at a limit the best sequence and what the open nodes leave possible."""
    watch = Watch(options)
    bounds = flow_shop_bounds.named(problem)
    bounding = Bounding(problem)
    starts = [insertion.sequence(problem), *([] if options.hint is None else [list(options.hint.sequence)])]
    start = min(starts, key=lambda sequence: problem.evaluate(problem.plan(sequence)).objective)
    best = problem.evaluate(problem.plan(start)).objective
    watch.built()
    watch.report(best, max(bounds.values()))
    search = Search(bounding, np.array(start), best)

    def work() -> bool:
        """Whether the search came to its end."""
        root = max(bounds.values())
        for width in _BEAMS:
            beam = Search(bounding, search.sequence, search.best, width)
            while beam.stack and search.best > root:
                if _stopped(watch, search.best, root):
                    return False
                beam.descend()
                search.best, search.sequence = beam.best, beam.sequence
        walk = IteratedGreedy(problem, search.sequence.tolist(), options.seed, lambda: _out_of_time(watch))
        steps = stale = 0
        while search.stack and search.best > root:
            if _stopped(watch, search.best, search.bound):
                return False
            if steps % _STEPS == 0 and stale < _STALE:
                walk.step()
                stale += 1
                if walk.best < search.best:
                    search.best, search.sequence, stale = walk.best, np.array(walk.sequence), 0
            search.step()
            steps += 1
        return True

    done = watch.run(work)
    limit = Limit.NONE if done else watch.stopped_by if watch.stopped_by is not Limit.NONE else Limit.TIME
    if not done or search.best > max(bounds.values()):
        bounds["search"] = search.bound
    watch.report(search.best, max(bounds.values()))
    return Answer(
        problem.plan(search.sequence.tolist()), search.best, limit=limit, build_seconds=watch.build_seconds,
        solve_seconds=watch.solve_seconds, trace=tuple(watch.trace), solver="branch and bound",
        versions={"numpy": np.__version__}, raw_status=f"{search.nodes} nodes", bounds=bounds,
    )  # fmt: skip


def _stopped(watch: Watch, best: int, bound: int) -> bool:
    return watch.report(best, bound) or _out_of_time(watch)


def _out_of_time(watch: Watch) -> bool:
    return watch.stopped_by is not Limit.NONE or watch.left() == 0.0
