"""The threshold network of `tiers`: its arcs, and its minimum cut, for a box of places."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence

import numpy as np

from optsplit.algorithms.intervals import Side, ways
from optsplit.backends import maxflow
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition

_FITS = 2**62


class ThresholdNetwork:
    """The minimum cut of one metric for any box low[v] <= x_v <= high[v]; default the one that is minimised."""

    def __init__(self, problem: Partition, metric: str | None = None) -> None:
        self.problem = problem
        self.places, self.n = len(problem.places), len(problem.layers)
        costs = problem.costs(problem.objectives[0] if metric is None else metric)
        self._price(costs, *ways(problem, costs))
        # the place where outputs must end is one more reader of them, which stands still
        self.result = problem.result_place
        outputs = set(problem.outputs) if self.result >= 0 else set()
        self.readers = [sorted(set(readers)) for _, readers in problem.tensors]
        self.ends = [[*r, *([self.n] if t in outputs else [])] for t, r in enumerate(self.readers)]
        self.is_output = [t in outputs for t in range(len(self.ends))]
        self.sources = problem.sources.tolist()
        self.together = [[problem.index[layer] for layer in group] for group in problem.together]

    def _price(self, costs: Costs, forward: Side, backward: Side) -> None:
        self.costs, self.forward, self.backward = costs, forward, backward
        self.way = costs.transfer + costs.receive[None, :, :]
        self.send = costs.send
        # no plan costs more than `total`, so an arc of more than that is never worth cutting
        self.endless = costs.total + 1

    def priced(self, costs: Costs, forward: Side, backward: Side) -> ThresholdNetwork:
        """The same network at other costs, whose ways are written as these intervals."""
        found = copy.copy(self)
        found._price(costs, forward, backward)
        return found

    def domains(self) -> tuple[IntArray, IntArray]:
        """The first box: pinned layers at their place, the others anywhere."""
        fixed = self.problem.fixed
        return np.where(fixed >= 0, fixed, 0), np.where(fixed >= 0, fixed, self.places - 1)

    def obeys(self, at: IntArray) -> bool:
        """Whether every way of a plan exists; the cut itself sees to the other rules."""
        tensor, to = self.problem.ways(at)
        return bool(self.problem.allowed[at[self.problem.sources[tensor]], to].all())

    def tightened(self, low: IntArray, high: IntArray) -> tuple[list[int], list[int]] | None:
        """The box as lists with the result's place at the end, narrowed by `one_way`; None when it is empty."""
        lows, highs = [*low.tolist(), self.result], [*high.tolist(), self.result]
        arcs: list[list[int]] = [[] for _ in range(self.n)]
        if self.problem.one_way:
            for t, readers in enumerate(self.readers):
                arcs[self.sources[t]] += readers
        # layers of a group have one range, which `one_way` may narrow for one of them: again until nothing moves
        while True:
            before = lows[:], highs[:]
            for group in self.together:
                for v in group:
                    lows[v], highs[v] = max(lows[w] for w in group), min(highs[w] for w in group)
            for u in self.problem.order:
                for v in arcs[u]:
                    lows[v] = max(lows[v], lows[u])
            for u in reversed(self.problem.order):
                highs[u] = min([highs[u], *(highs[v] for v in arcs[u])])
            if not self.together or (lows, highs) == before:
                break
        return None if any(a > b for a, b in zip(lows, highs)) else (lows, highs)

    def cut(self, low: IntArray, high: IntArray) -> tuple[int, IntArray] | None:
        """(flow value with constants, the place of each layer), or None where every plan of the box is excluded."""
        box = self.tightened(low, high)
        if box is None:
            return None
        return _Arcs(self, *box).solve()

    def groups(self, t: int, lows: Sequence[int], highs: Sequence[int]) -> list[list[int]]:
        """The ends of a tensor, apart where their ranges of places do not meet."""
        found: list[list[int]] = []
        reach = -1
        for end in sorted(self.ends[t], key=lambda v: lows[v]):
            if found and lows[end] <= reach:
                found[-1].append(end)
            else:
                found.append([end])
            reach = max(reach, highs[end])
        return found

    def split(self, at: IntArray, low: IntArray, high: IntArray) -> tuple[int, int]:
        """(layer, place): the branching x <= place, or above, on the tensor that the flow undercharges most."""
        box = self.tightened(low, high)
        assert box is not None
        lows, highs = box
        x = [*at.tolist(), self.result]
        worst, choice = 0, (-1, -1)
        for t in np.unique(self.problem.ways(at)[0]).tolist():
            u = self.sources[t]
            p = x[u]
            missing = 0
            pair: tuple[int, int] | None = None
            for group in self.groups(t, lows, highs):
                there = sorted({x[v] for v in group} - {p})
                skipped = [q for q in there if not (q == there[-1] and q > p) and not (q == there[0] and q < p)]
                if skipped:
                    missing += sum(int(self.way[p, q, t]) for q in skipped)
                    movable = [v for v in group if lows[v] < highs[v]]
                    pair = pair or _between(movable, x, lows, highs)
            apart = any(highs[v] < lows[u] or lows[v] > highs[u] for v in self.ends[t])
            if self.send[p, t] and not apart:
                missing += int(self.send[p, t])
                away = [v for v in self.ends[t] if x[v] != p]
                pair = pair or _between([*away, u], x, lows, highs)
            if pair is not None and missing >= worst:
                worst, choice = missing + 1, pair
        assert choice[0] >= 0, "the flow is below the price of its plan, yet no tensor is undercharged"
        return choice


def _between(layers: Sequence[int], x: Sequence[int], lows: Sequence[int], highs: Sequence[int]) -> tuple[int, int]:
    """A branching that parts the places of these layers: on the one with the widest range."""
    layer = max(layers, key=lambda v: highs[v] - lows[v])
    others = [x[v] for v in layers if x[v] != x[layer]]
    if lows[layer] <= x[layer] - 1 and any(q < x[layer] for q in others):
        return layer, x[layer] - 1
    return (layer, x[layer]) if x[layer] < highs[layer] else (layer, x[layer] - 1)


class _Arcs:
    """The arcs for one box."""

    def __init__(self, network: ThresholdNetwork, lows: list[int], highs: list[int]) -> None:
        self.network, self.lows, self.highs = network, lows, highs
        n, places = network.n, network.places
        self.s, self.t = 0, 1
        self.first = [0] * (n + 1)
        self.nodes = 2
        for v in range(n):
            self.first[v] = self.nodes - lows[v] - 1
            self.nodes += highs[v] - lows[v]
        self.tails: list[int] = []
        self.heads: list[int] = []
        self.caps: list[int] = []
        self.single = network.costs.compute.tolist()
        self.wide = range(places)
        for t in range(len(network.ends)):
            if network.ends[t]:
                self.tensor(t)
        for group in network.together:
            for v, w in itertools.pairwise([*group, group[0]]):
                for k in range(lows[v] + 1, highs[v] + 1):
                    self.arc(self.node(v, k), self.node(w, k), network.endless)
        self.constant = 0
        for v in range(n):
            self.layer(v)

    def node(self, v: int, k: int) -> int:
        """N(v, k): on the sink side where x_v >= k."""
        return self.t if k <= self.lows[v] else self.s if k > self.highs[v] else self.first[v] + k

    def arc(self, tail: int, head: int, capacity: int) -> None:
        if capacity and tail != head and head != self.s and tail != self.t:
            self.tails.append(tail)
            self.heads.append(head)
            self.caps.append(capacity)

    def layer(self, v: int) -> None:
        low, high = self.lows[v], self.highs[v]
        values = self.single[v]
        least = min(values[low : high + 1])
        self.constant += least
        for p in range(low, high + 1):
            self.arc(self.node(v, p + 1), self.node(v, p), min(values[p] - least, self.network.endless))
        for k in range(low + 1, high):
            self.arc(self.node(v, k), self.node(v, k + 1), self.network.endless)

    def tensor(self, t: int) -> None:
        network, lows, highs = self.network, self.lows, self.highs
        u = network.sources[t]
        if network.problem.one_way:
            for v in network.readers[t]:
                for k in range(lows[u] + 1, highs[u] + 1):
                    self.arc(self.node(v, k), self.node(u, k), network.endless)
        for group in network.groups(t, lows, highs):
            bottom, top = lows[group[0]], max(highs[v] for v in group)
            if bottom == top:
                for p in range(lows[u], highs[u] + 1):
                    self.single[u][p] += self.certain(t, p, bottom)
                continue
            self.right(u, group, t, network.forward)
            if not network.problem.one_way:
                self.left(u, group, t, network.backward)
            elif network.n in group:
                # past the place of the result no reader can be there to share its way
                for p in range(max(network.result + 1, lows[u]), highs[u] + 1):
                    self.single[u][p] += self.certain(t, p, network.result)
        self.leave(t, u)

    def certain(self, t: int, p: int, q: int) -> int:
        if p == q:
            return 0
        return int(self.network.way[p, q, t]) if self.network.problem.allowed[p, q] else self.network.endless

    def leave(self, t: int, u: int) -> None:
        """What the tensor pays once when it leaves: exact where that is certain, or at an end of its source's range."""
        network, lows, highs = self.network, self.lows, self.highs
        send = network.send[:, t].tolist()
        low, high, ends = lows[u], highs[u], network.ends[t]
        if not any(send):
            return
        if any(highs[v] < low or lows[v] > high for v in ends):
            certain = set(range(low, high + 1))
        else:
            certain = set(range(low, high + 1)) - {network.result} if network.is_output[t] else set()
        for p in certain:
            self.single[u][p] += send[p]
        rises = low not in certain and any(highs[v] > low for v in ends)
        if rises:
            self.paid(self.node(u, low + 1), [self.node(v, low + 1) for v in ends], send[low])
        if high not in certain and not (rises and low == high):
            self.paid([self.node(v, high) for v in ends], self.node(u, high), send[high])

    def right(self, u: int, ends: Sequence[int], t: int, ways: Side) -> None:
        top = max(self.highs[v] for v in ends)
        for i in range(self.lows[u], top):
            for j in range(i + 1, top + 1):
                value = int(ways.weight[i, j, t]) if ways.open[i, j] else self.network.endless
                if value:
                    self.paid(self.node(u, i + 1), [self.node(v, j) for v in ends], value)

    def left(self, u: int, ends: Sequence[int], t: int, ways: Side) -> None:
        last, bottom = self.network.places - 1, min(self.lows[v] for v in ends)
        for j in range(bottom + 1, self.highs[u] + 1):
            for i in range(bottom, j):
                mirrored = last - j, last - i
                value = int(ways.weight[(*mirrored, t)]) if ways.open[mirrored] else self.network.endless
                if value:
                    self.paid([self.node(v, i + 1) for v in ends], self.node(u, j), value)

    def paid(self, tail: int | list[int], head: int | list[int], value: int) -> None:
        """One payment between a node and any of several: through an auxiliary node where there are several."""
        if isinstance(head, list):
            assert isinstance(tail, int)
            some = [self.t] if self.t in head else [h for h in head if h != self.s]
            if tail == self.t or not some:
                return
            if len(some) == 1:
                self.arc(tail, some[0], value)
                return
            self.arc(tail, self.nodes, value)
            for h in some:
                self.arc(self.nodes, h, self.network.endless)
        else:
            assert isinstance(tail, list)
            some = [self.s] if self.s in tail else [x for x in tail if x != self.t]
            if head == self.s or not some:
                return
            if len(some) == 1:
                self.arc(some[0], head, value)
                return
            self.arc(self.nodes, head, value)
            for x in some:
                self.arc(x, self.nodes, self.network.endless)
        self.nodes += 1

    def solve(self) -> tuple[int, IntArray] | None:
        endless = self.network.endless
        if self.constant >= endless:
            return None
        tails, heads, caps = (np.array(x, dtype=np.int64) for x in (self.tails, self.heads, self.caps))
        source = self.s
        if len(caps) and caps[tails == source].sum(dtype=np.float64) >= _FITS:
            # endless arcs side by side could carry more than 64 bits: a source before s lets one through
            source = self.nodes
            tails, heads, caps = np.append(tails, source), np.append(heads, self.s), np.append(caps, endless)
        value, reached = maxflow.minimum_cut(tails, heads, caps, source, self.t)
        if value + self.constant >= endless:
            return None
        near = np.zeros(self.nodes + 1, dtype=bool)
        near[reached] = True
        at = np.array(self.lows[:-1], dtype=np.int64)
        for v in range(self.network.n):
            at[v] += sum(not near[self.first[v] + k] for k in range(self.lows[v] + 1, self.highs[v] + 1))
        return value + self.constant, at
