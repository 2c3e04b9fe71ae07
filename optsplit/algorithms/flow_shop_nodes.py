"""Partial sequences of a flow shop, many at a time: a prefix and a suffix fixed, the jobs between them free.

Everything is an array over nodes, so that numpy does the work of a compiled branch and bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optsplit.problems import two_machines
from optsplit.problems.flow_shop import FlowShop

Array = NDArray[Any]

_NARROW = 2**30
"""Totals below this are kept in 32 bits, which doubles what a processor compares at once."""


@dataclass(frozen=True)
class Nodes:
    """B partial sequences.

    Attributes
    ----------
    front, back
        Shape (B, machines): when the prefix leaves each machine, and what the suffix needs from there to the end.
    rest
        Shape (B, machines): work of the free jobs.
    free
        Shape (B, jobs): neither in the prefix nor in the suffix.
    sequence
        Shape (B, jobs): the prefix from the left, the suffix from the right; what lies between has no meaning.
    prefix, suffix
        Shape (B,): their lengths.
    bound
        Shape (B,): no completion ends earlier.
    """

    front: Array
    back: Array
    rest: Array
    free: Array
    sequence: Array
    prefix: Array
    suffix: Array
    bound: Array

    def __len__(self) -> int:
        return len(self.bound)

    def take(self, which: Array | slice) -> Nodes:
        """Some of them."""
        return Nodes(*(getattr(self, f.name)[which] for f in fields(self)))


class Bounding:
    """One flow shop's data as nodes need them.

    The one-machine bound follows Lageweg et al. (1978) as in Gmys, Mezmaz, Melab and Tuyttens, "A computationally
    efficient Branch-and-Bound algorithm for the permutation flow-shop scheduling problem", EJOR 284, 2020.
    """

    def __init__(self, problem: FlowShop) -> None:
        total = int(problem.times.sum()) + int(problem.release.max())
        dtype = np.int32 if total < _NARROW else np.int64
        self.n, self.m = problem.jobs, problem.machines
        self.times: Array = problem.times.astype(dtype)
        self.release: Array = problem.release.astype(dtype)
        self.released = bool(problem.release.any())
        # least work of a job on machines k .. l-1, what lies between reaching k and reaching l at least
        reach = np.concatenate([np.zeros((self.n, 1), dtype), np.cumsum(self.times, axis=1, dtype=dtype)], axis=1)
        self.least = np.array([[max(0, int((reach[:, hi] - reach[:, lo]).min())) for hi in range(self.m + 1)]
                               for lo in range(self.m + 1)], dtype=dtype)  # fmt: skip
        self.earlier, self.later = _alike(problem)
        self.pairs = list(itertools.combinations(range(self.m), 2))
        lags = [reach[:, after] - reach[:, k + 1] for k, after in self.pairs]
        orders = [two_machines.order(self.times[:, k].tolist(), self.times[:, after].tolist(), lag.tolist())
                  for (k, after), lag in zip(self.pairs, lags)]  # fmt: skip
        # shape (jobs, pairs): the i-th job of each pair's order, and its times
        self.orders = np.array(orders, dtype=np.intp).T if orders else np.zeros((self.n, 0), dtype=np.intp)
        self.ones = self._along([k for k, _ in self.pairs])
        self.twos = self._along([after for _, after in self.pairs])
        columns = [lag[order] for lag, order in zip(lags, orders)]
        self.lags = np.stack(columns, axis=1) if columns else np.zeros((self.n, 0), dtype)

    def _along(self, machines: Sequence[int]) -> Array:
        return np.take_along_axis(self.times[:, list(machines)], self.orders, axis=0)

    def allowed(self, nodes: Nodes) -> tuple[Array, Array]:
        """Two masks (B, jobs): free jobs that may come next, and last: of equal jobs the first, and the last."""
        none = np.zeros((len(nodes), 1), dtype=bool)
        free = np.concatenate([nodes.free, none], axis=1)
        return nodes.free & ~free[:, self.earlier], nodes.free & ~free[:, self.later]

    def root(self) -> Nodes:
        """Nothing fixed."""
        dtype, n, m = self.times.dtype, self.n, self.m
        none = np.zeros(1, dtype=np.int32)
        return Nodes(
            np.zeros((1, m), dtype), np.zeros((1, m), dtype), self.times.sum(axis=0, keepdims=True, dtype=dtype),
            np.ones((1, n), dtype=bool), np.zeros((1, n), dtype=np.int32), none, none, np.zeros(1, dtype),
        )  # fmt: skip

    def reached(self, nodes: Nodes) -> tuple[Array, Array]:
        """Two arrays (B, machines): head and tail that a free job has on each machine at least."""
        head, tail = nodes.front.copy(), nodes.back.copy()
        for k in range(1, self.m):
            for before in range(k):
                np.maximum(head[:, k], nodes.front[:, before] + self.least[before, k], out=head[:, k])
        for k in range(self.m - 1):
            for after in range(k + 1, self.m):
                np.maximum(tail[:, k], nodes.back[:, after] + self.least[k + 1, after + 1], out=tail[:, k])
        return head, tail

    def children(self, nodes: Nodes) -> tuple[Array, Array]:
        """Two arrays (B, jobs): one-machine bounds with each job put next, and put last; fixed jobs have no meaning."""
        head, tail = self.reached(nodes)
        p, first, last = self.times, None, None
        after = nodes.rest + tail
        for k in range(self.m):
            start = nodes.front[:, k : k + 1]
            if k == 0:
                now = np.maximum(start, self.release) + p[:, 0] if self.released else start + p[:, 0]
            else:
                now = np.maximum(now, start) + p[:, k]
            value = now + (after[:, k : k + 1] - p[:, k])
            first = value if first is None else np.maximum(first, value, out=first)
        before = nodes.rest + head
        for k in reversed(range(self.m)):
            start = nodes.back[:, k : k + 1]
            now = start + p[:, k] if k == self.m - 1 else np.maximum(now, start) + p[:, k]
            value = now + (before[:, k : k + 1] - p[:, k])
            last = value if last is None else np.maximum(last, value, out=last)
        assert first is not None
        assert last is not None
        return first, last

    def extended(self, nodes: Nodes, which: Array, job: Array, forward: Array, bound: Array) -> Nodes:
        """Children: node `which[i]` with `job[i]` put next where `forward[i]`, last elsewhere."""
        child = nodes.take(which)
        p, rows = self.times[job], np.arange(len(job))
        child.free[rows, job] = False
        rest = child.rest - p
        now = np.maximum(child.front[:, 0], self.release[job])
        front, back = np.empty_like(child.front), np.empty_like(child.back)
        for k in range(self.m):
            now = np.maximum(now, child.front[:, k]) + p[:, k]
            front[:, k] = now
        now = child.back[:, -1]
        for k in reversed(range(self.m)):
            now = np.maximum(now, child.back[:, k]) + p[:, k]
            back[:, k] = now
        f = forward[:, None]
        child.sequence[rows, np.where(forward, child.prefix, self.n - 1 - child.suffix)] = job
        return Nodes(
            np.where(f, front, child.front), np.where(f, child.back, back), rest, child.free, child.sequence,
            child.prefix + forward, child.suffix + ~forward, np.maximum(bound, child.bound),
        )  # fmt: skip

    def two_machine(self, nodes: Nodes) -> Array:
        """Shape (B,): the largest two-machine bound with lags, over all pairs; every node has a free job."""
        if not self.pairs:
            return nodes.bound
        head, tail = self.reached(nodes)
        ahead, behind = [k for k, _ in self.pairs], [after for _, after in self.pairs]
        one, two = head[:, ahead], head[:, behind]
        for order, a, b, lag in zip(self.orders, self.ones, self.twos, self.lags):
            free = nodes.free[:, order]
            one = one + np.where(free, a, 0)
            two = np.where(free, np.maximum(two, one + lag) + b, two)
        return np.asarray(np.maximum(nodes.bound, (two + tail[:, behind]).max(axis=1)))

    def makespans(self, sequences: Array) -> Array:
        """Shape (B,): of complete sequences, shape (B, jobs)."""
        ends = np.zeros((len(sequences), self.m), dtype=self.times.dtype)
        for column in sequences.T:
            now, p = self.release[column], self.times[column]
            for k in range(self.m):
                now = np.maximum(now, ends[:, k]) + p[:, k]
                ends[:, k] = now
        last: Array = ends[:, -1]
        return last


def _alike(problem: FlowShop) -> tuple[Array, Array]:
    """Two arrays (jobs,): the equal job before each, and after it; the number of jobs where there is none."""
    earlier, later = np.full(problem.jobs, problem.jobs), np.full(problem.jobs, problem.jobs)
    last: dict[tuple[int, ...], int] = {}
    for j, row in enumerate(np.column_stack([problem.release, problem.times]).tolist()):
        if tuple(row) in last:
            earlier[j], later[last[tuple(row)]] = last[tuple(row)], j
        last[tuple(row)] = j
    return earlier, later
