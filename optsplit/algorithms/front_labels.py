"""The complete front of a narrow network in one sweep: labels over the layers, states of the tensors still to be read.

Layers are placed one by one in a topological order that keeps few tensors alive. What the rest of the network can see
of a partial plan is where each living tensor was written and which places hold it already: its state. Two partial
plans in one state have the same completions at the same further costs, so of two where one is nowhere better it can
go (Bellman's principle for several metrics; Brumbaugh-Smith and Shier 1989). After the last layer one state is left,
and its labels are the front. A limit is one more metric of the labels, which are closed above it: costs are never
negative.

States grow with the number of living tensors, and labels with the front: both are counted, and the sweep gives up
where they pass their budget. A dense block is too wide, a residual or an inception block is not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import IntArray
from optsplit.problems.partition import BRANCHES, LARGEST, LIMITS, PLACES, Partition

TAKES = frozenset({BRANCHES, LARGEST, LIMITS, PLACES})
"""Features of the problems it takes; which metric they minimise does not matter here."""

WIDEST = 16
"""Living tensors, times bits for each: beyond this the states are too many."""

BUDGET = 20_000_000
"""Labels kept over all layers, five bytes each."""

_BLOCK = 256


@dataclass(frozen=True)
class Labels:
    """The front: `values` (N, k) in ascending order, and for each row the places of the layers, `at` (N, n)."""

    values: IntArray
    at: NDArray[np.int8]


def narrow_order(problem: Partition) -> list[int]:
    """A topological order that keeps few tensors alive: greedy, the newest of equal layers first."""
    readers = [set(vs) for _, vs in problem.tensors]
    inputs: list[set[int]] = [set() for _ in problem.layers]
    writes: list[list[int]] = [[] for _ in problem.layers]
    for t, (u, vs) in enumerate(problem.tensors):
        writes[u].append(t)
        for v in vs:
            inputs[v].add(t)
    waits = [len(ts) for ts in inputs]
    ready = {v: 0 for v in problem.order if not waits[v]}
    order: list[int] = []
    while ready:

        def growth(v: int) -> tuple[int, int]:
            return sum(bool(readers[t]) for t in writes[v]) - sum(readers[t] == {v} for t in inputs[v]), -ready[v]

        v = min(ready, key=growth)
        del ready[v]
        order.append(v)
        for t in inputs[v]:
            readers[t].discard(v)
        for t in writes[v]:
            for w in set(problem.tensors[t][1]):
                waits[w] -= 1
                if not waits[w]:
                    ready[w] = len(order)
    return order


def width(problem: Partition, order: Sequence[int]) -> int:
    """The most tensors that are alive between two layers of the order."""
    when = {v: i for i, v in enumerate(order)}
    change = [0] * (len(order) + 1)
    for u, vs in problem.tensors:
        if vs:
            change[when[u]] += 1
            change[max(when[v] for v in vs)] -= 1
    return int(np.cumsum(change).max())


def sweep(problem: Partition, names: Sequence[str], deadline: float = math.inf) -> Labels | None:
    """The front of the metrics `names`; None where the network is too wide, the labels too many or the time over.

    `deadline` is on the clock of `time.perf_counter`. No rows: no plan obeys the rules.
    """
    order = narrow_order(problem)
    if width(problem, order) * len(problem.places) > 2 * WIDEST:
        return None
    return _Sweep(problem, names, order, deadline).run()


class _Sweep:
    def __init__(self, problem: Partition, names: Sequence[str], order: list[int], deadline: float) -> None:
        self.problem, self.order, self.deadline, self.k = problem, order, deadline, len(names)
        self.metrics = [*names, *(name for name in problem.limits if name not in names)]
        self.limit = np.array([problem.limits.get(name, np.iinfo(np.int64).max) for name in self.metrics])
        costs = [problem.costs(name) for name in self.metrics]
        self.compute = np.stack([c.compute for c in costs], axis=-1)
        # what t costs on its way from p to q, and in addition when it leaves p for the first time
        self.way = np.stack([c.transfer + c.receive[None] for c in costs], axis=-1)
        self.leave = np.stack([c.send for c in costs], axis=-1)
        when = {v: i for i, v in enumerate(order)}
        self.last = [max((when[v] for v in vs), default=-1) for _, vs in problem.tensors]
        self.inputs: list[list[int]] = [[] for _ in problem.layers]
        self.writes: list[list[int]] = [[] for _ in problem.layers]
        for t, (u, vs) in enumerate(problem.tensors):
            self.writes[u].append(t)
            for v in set(vs):
                self.inputs[v].append(t)
        self.outputs = set(problem.outputs)
        # a state: for each living tensor the place of its source, and the places that hold it as bits
        self.live: list[int] = []

    def run(self) -> Labels | None:
        start = np.zeros((1, len(self.metrics)), dtype=np.int64)
        states: dict[tuple[tuple[int, int], ...], tuple[IntArray, IntArray]] = {
            (): (start, np.zeros(1, dtype=np.int64))
        }
        came: list[NDArray[np.int32]] = []
        chosen: list[NDArray[np.int8]] = []
        kept = 0
        for i, v in enumerate(self.order):
            found = self._place(v, i, states)
            if found is None:
                return None
            states, number = {}, 0
            came_parts, chosen_parts = [], []
            for key, parts in found.items():
                if time.perf_counter() > self.deadline:
                    return None
                values = np.concatenate([values for values, _, _ in parts])
                rows = pareto(values, self.limit)
                if not len(rows):
                    continue
                before = np.concatenate([ids for _, ids, _ in parts])
                places = np.repeat([q for _, _, q in parts], [len(ids) for _, ids, _ in parts])
                came_parts.append(before[rows].astype(np.int32))
                chosen_parts.append(places[rows].astype(np.int8))
                states[key] = values[rows], np.arange(number, number + len(rows))
                number += len(rows)
            kept += number
            if kept > BUDGET:
                return None
            if not states:
                return Labels(np.zeros((0, self.k), dtype=np.int64), np.zeros((0, len(self.order)), dtype=np.int8))
            came.append(np.concatenate(came_parts))
            chosen.append(np.concatenate(chosen_parts))
        ((values, ids),) = states.values()
        rows = pareto(values[:, : self.k], self.limit[: self.k])
        rows = rows[np.lexsort(values[rows, : self.k].T[::-1])]
        at = np.empty((len(rows), len(self.order)), dtype=np.int8)
        label: NDArray[Any] = ids[rows]
        for i in range(len(self.order) - 1, -1, -1):
            at[:, self.order[i]] = chosen[i][label]
            label = came[i][label]
        return Labels(values[rows, : self.k], at)

    def _place(
        self, v: int, i: int, states: dict[tuple[tuple[int, int], ...], tuple[IntArray, IntArray]]
    ) -> dict[tuple[tuple[int, int], ...], list[tuple[IntArray, IntArray, int]]] | None:
        """Every state with layer v at every place that the rules allow; None where the time is over."""
        problem = self.problem
        fixed = int(problem.fixed[v])
        places = range(len(problem.places)) if fixed < 0 else [fixed]
        after = [t for t in [*self.live, *self.writes[v]] if self.last[t] > i]
        found: dict[tuple[tuple[int, int], ...], list[tuple[IntArray, IntArray, int]]] = {}
        for key, (values, ids) in states.items():
            if time.perf_counter() > self.deadline:
                return None
            for q in places:
                held = dict(zip(self.live, key, strict=True))
                cost = self._cost(v, q, held)
                if cost is not None:
                    found.setdefault(tuple(held[t] for t in after), []).append((values + cost, ids, q))
        self.live = after
        return found

    def _cost(self, v: int, q: int, held: dict[int, tuple[int, int]]) -> IntArray | None:
        """What layer v adds at place q, with `held` brought up to date; None where a rule forbids it."""
        problem = self.problem
        cost: IntArray = self.compute[v, q].copy()
        for t in self.inputs[v]:
            if problem.one_way and q < held[t][0]:
                return None
            if not self._send(t, q, held, cost):
                return None
        for t in self.writes[v]:
            held[t] = q, 1 << q
            if t in self.outputs and problem.result_place >= 0 and not self._send(t, problem.result_place, held, cost):
                return None
        return cost

    def _send(self, t: int, q: int, held: dict[int, tuple[int, int]], cost: IntArray) -> bool:
        """Add what it costs that place q holds tensor t; False where there is no link."""
        p, mask = held[t]
        if mask >> q & 1:
            return True
        if not self.problem.allowed[p, q]:
            return False
        cost += self.way[p, q, t]
        if mask == 1 << p:
            cost += self.leave[p, t]
        held[t] = p, mask | 1 << q
        return True


def pareto(values: IntArray, limit: IntArray) -> IntArray:
    """Rows within the limits that no other such row dominates, one of equal ones."""
    inside = np.nonzero((values <= limit).all(axis=1))[0]
    order = inside[np.lexsort(values[inside].T[::-1])]
    ranked = values[order]
    if not len(order):
        return order
    if values.shape[1] == 2:
        second = ranked[:, 1]
        before = np.concatenate([[np.iinfo(np.int64).max], np.minimum.accumulate(second)[:-1]])
        return order[second < before]
    # nothing dominates what stands before it, and the first metric needs no comparison behind it
    front, rows = ranked[:0, 1:], []
    for start in range(0, len(order), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(order)))
        block = block[~_dominated(ranked[block, 1:], front)]
        own = ranked[block, 1:]
        block = block[~np.tril(_below(own, own), -1).any(axis=1)]
        front = np.concatenate([front, ranked[block, 1:]])
        rows.append(order[block])
    return np.concatenate(rows)


def _below(by: IntArray, values: IntArray) -> NDArray[np.bool_]:
    """Shape (values, by): which row of `by` is nowhere above which row of `values`."""
    found = np.ones((len(values), len(by)), dtype=np.bool_)
    for column in range(values.shape[1]):
        found &= by[None, :, column] <= values[:, None, column]
    return found


def _dominated(values: IntArray, by: IntArray) -> NDArray[np.bool_]:
    """Which rows have a row of `by` nowhere above them."""
    if values.shape[1] == 2 and len(by):
        # the least second value among rows of `by` whose first is not above
        rank = np.argsort(by[:, 0], kind="stable")
        least = np.minimum.accumulate(by[rank, 1])
        place = np.searchsorted(by[rank, 0], values[:, 0], side="right") - 1
        below: NDArray[np.bool_] = (place >= 0) & (least[place] <= values[:, 1])
        return below
    found = np.zeros(len(values), dtype=np.bool_)
    for start in range(0, len(by), 4 * _BLOCK):
        found |= _below(by[start : start + 4 * _BLOCK], values).any(axis=1)
    return found
