"""A chain over many places under any limits, or with the largest of several metrics: paths with labels.

The layered graph of `chain`, where a path to (layer, place) carries one number for each metric that is minimised or
limited. Of two labels at one node, one that is nowhere larger makes the other superfluous (label setting: Martins 1984;
Desrochers and Soumis 1988). A label is closed when its numbers and the least completion of each metric, a shortest
path of its own, break a limit or reach the best plan known. Where a metric can no longer bind, it is raised to the
value from which it would: the memory of a place that a one-way path has left, or a load that no completion makes the
largest. So labels that differ there alone become equal.

A first pass keeps few labels at each node and only looks for a plan; the last one keeps all, and is the proof.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.chain import steps
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.result import Limit

_NO_WAY = np.iinfo(np.int64).max // 8
_WIDTHS = (8, 256, 2**62)  # labels kept at each node, pass by pass


@dataclass
class _Layer:
    """The labels of one layer: `value` (L, M), its `place`, and the label of the layer before that it `came` from."""

    value: IntArray
    place: IntArray
    came: IntArray


class _Graph:
    """The layered graph with every metric's costs, and its least and largest completions."""

    def __init__(self, problem: Partition) -> None:
        order = np.array(problem.chain)
        names = list(dict.fromkeys([*problem.objectives, *problem.limits]))
        self.objectives = len(problem.objectives)
        self.limit = np.array([problem.limits.get(name, _NO_WAY) for name in names], dtype=np.int64)
        self.n, self.places, self.metrics = len(order), len(problem.places), len(names)
        compute = np.stack([problem.costs(name).compute[order] for name in names], axis=2)
        fixed = problem.fixed[order]
        self.shut = (fixed[:, None] >= 0) & (fixed[:, None] != np.arange(self.places))
        base = steps(problem, None, order)
        self.closed = base > 0
        paid = [problem.costs(m).transfers or problem.costs(m).ends for m in names]
        step = np.stack([steps(problem, m, order) if p else base for m, p in zip(names, paid)], axis=3)
        step[self.closed] = 0
        # a step pays what lies behind it: the way, then the layer that it leads to
        self.step = step[:-1] + compute[1:, None, :, :]
        self.first = compute[0]
        here = np.arange(self.places)
        self.last, self.ends = step[-1][here, here], ~self.closed[-1][here, here]
        self.least, self.most = self._completions()

    def _completions(self) -> tuple[IntArray, IntArray]:
        """Shape (n, P, M) both: the least and the largest that each metric can still add; _NO_WAY where nothing can."""
        least = np.full((self.n, self.places, self.metrics), _NO_WAY, dtype=np.int64)
        most = np.full_like(least, -_NO_WAY)
        least[-1][self.ends], most[-1][self.ends] = self.last[self.ends], self.last[self.ends]
        for i in range(self.n - 2, -1, -1):
            off = (self.closed[i] | self.shut[i + 1][None, :])[:, :, None]
            least[i] = np.minimum(np.where(off, _NO_WAY, self.step[i] + least[i + 1]).min(axis=1), _NO_WAY)
            most[i] = np.maximum(np.where(off, -_NO_WAY, self.step[i] + most[i + 1]).max(axis=1), -_NO_WAY)
        return least, most

    def root(self) -> int:
        """No plan costs less than this, nor than what its cheapest paths do."""
        worth = self.worth(self.first[~self.shut[0]], self.least[0][~self.shut[0]])
        return max(0, int(worth.min())) if len(worth) else _NO_WAY

    def worth(self, value: IntArray, least: IntArray) -> IntArray:
        """The least objective that each label can still reach."""
        reach: IntArray = (value + least)[:, : self.objectives].max(axis=1)
        return reach


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan of a chain under any limits, by labels; stopped early, the best plan and a valid bound."""
    start = time.perf_counter()
    graph = _Graph(problem)
    built = time.perf_counter()
    deadline = math.inf if options.time_limit is None else start + options.time_limit
    best, at, limit = _NO_WAY, None, Limit.NONE
    bound = graph.root()
    try:
        for width in _WIDTHS:
            found = _Pass(graph, best, bound, width, deadline)
            found.run()
            if found.at is not None:
                best, at = found.best, found.at
            bound = max(bound, min(found.bound, best))
            if not found.cut or found.late:
                limit = Limit.TIME if found.late else Limit.NONE
                break
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    plan = None
    if at is not None:
        placed = np.empty(graph.n, dtype=np.int64)
        placed[np.array(problem.chain)] = at
        plan = problem.plan(placed)
    proven = limit is Limit.NONE
    return Answer(
        plan=plan, objective=None if plan is None else best,
        bound=(None if plan is None else best) if proven else min(bound, best) if bound < _NO_WAY else None,
        infeasible=plan is None and proven, limit=limit, build_seconds=built - start,
        solve_seconds=time.perf_counter() - built, raw_status="" if plan is not None else "no path obeys the limits",
    )  # fmt: skip


class _Pass:
    """One sweep from the first layer to the last, with at most `width` labels at each node."""

    def __init__(self, graph: _Graph, best: int, bound: int, width: int, deadline: float) -> None:
        self.graph, self.best, self.width, self.deadline = graph, best, width, deadline
        self.floor = bound
        self.bound = _NO_WAY  # of what the labels can reach; of no label at all: nothing better exists
        self.cut = self.late = False
        self.at: IntArray | None = None

    def run(self) -> None:
        graph = self.graph
        places = np.nonzero(~graph.shut[0])[0]
        layers = [self._kept(0, _Layer(graph.first[places], places, np.full(len(places), -1, dtype=np.int64)))]
        for i in range(graph.n - 1):
            following = self._next(i, layers[-1])
            if following is None:
                self.late = True
                break
            layers.append(following)
        last = layers[-1]
        reach = graph.worth(last.value, graph.least[len(layers) - 1][last.place])
        if not self.cut:
            self.bound = min(self.best, int(reach.min())) if len(reach) else self.best
        else:
            self.bound = self.floor
        if self.late or not len(reach):
            return
        k = int(reach.argmin())
        self.best, self.at = int(reach[k]), np.empty(graph.n, dtype=np.int64)
        for i in range(graph.n - 1, -1, -1):
            self.at[i] = layers[i].place[k]
            k = int(layers[i].came[k])

    def _next(self, i: int, layer: _Layer) -> _Layer | None:
        """The labels of layer i + 1, or None where the time is over first."""
        graph = self.graph
        parts = []
        for q in np.nonzero(~graph.shut[i + 1])[0].tolist():
            if time.perf_counter() > self.deadline:
                return None
            came = np.nonzero(~graph.closed[i][layer.place, q])[0]
            value = layer.value[came] + graph.step[i][layer.place[came], q]
            parts.append(self._kept(i + 1, _Layer(value, np.full(len(came), q, dtype=np.int64), came)))
        return _Layer(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("value", "place", "came")))

    def _kept(self, i: int, layer: _Layer) -> _Layer:
        """The labels at nodes of layer i that can still be of use; all at one node unless i is 0."""
        graph = self.graph
        least, most = graph.least[i][layer.place], graph.most[i][layer.place]
        useful = (layer.value + least <= graph.limit).all(axis=1) & (graph.worth(layer.value, least) < self.best)
        keep = np.nonzero(useful)[0]
        if i and len(keep):
            value = layer.value[keep]
            binds = graph.limit[None, :] - most[keep]
            # an objective alone is compared as it is; of several, one below the bound in every completion is not
            binds[:, : graph.objectives] = -1 if graph.objectives == 1 else np.minimum(
                binds[:, : graph.objectives], self.floor - most[keep][:, : graph.objectives]
            )  # fmt: skip
            keep = keep[_front(np.maximum(value, binds))]
            if len(keep) > self.width:
                self.cut = True
                reach = graph.worth(layer.value[keep], least[keep])
                keep = np.sort(keep[np.argsort(reach, kind="stable")[: self.width]])
        return _Layer(layer.value[keep], layer.place[keep], layer.came[keep])


def _front(value: IntArray) -> IntArray:
    """Rows that no other row dominates, one of equal ones."""
    value = value[:, (value != value[0]).any(axis=0)]
    if not value.shape[1]:
        return np.zeros(1, dtype=np.int64)
    order = np.lexsort(value.T[::-1])
    ranked = value[order]
    if value.shape[1] <= 2:
        second = ranked[:, -1]
        before = np.concatenate([[np.iinfo(np.int64).max], np.minimum.accumulate(second)[:-1]])
        kept = second < before if value.shape[1] == 2 else np.arange(len(order)) == 0
        found: IntArray = order[kept]
        return found
    left: NDArray[np.int64] = np.arange(len(order))
    front = []
    while len(left):
        first = left[0]
        front.append(order[first])
        left = left[1:][(ranked[left[1:]] < ranked[first]).any(axis=1)]
    return np.array(front, dtype=np.int64)
