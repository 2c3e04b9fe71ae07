"""Lower bounds on the makespan of a flow shop, each by its own name.

A job's head on machine k is the earliest that it can start there, its tail what it needs after it there.

- "load": one machine. All its work, after the head of the first job and before the tail of the last; also the jobs in
  the order of their heads, before the least tail, and the mirror image.
- "johnson": two machines, what lies between them taken as a lag of unlimited capacity (Lageweg, Lenstra and
  Rinnooy Kan, "A general bounding scheme for the permutation flow-shop problem", Operations Research 26, 1978).

Both hold for schedules whose order differs from machine to machine, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from optsplit.problems import two_machines
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.metric import IntArray


def heads(problem: FlowShop) -> IntArray:
    """Shape (jobs, machines): release and all times before each machine."""
    sums = np.cumsum(problem.times, axis=1)
    head: IntArray = problem.release[:, None] + sums - problem.times
    return head


def tails(problem: FlowShop) -> IntArray:
    """Shape (jobs, machines): all times after each machine."""
    tail: IntArray = problem.times.sum(axis=1, keepdims=True) - np.cumsum(problem.times, axis=1)
    return tail


def ends(head: Sequence[int], tail: Sequence[int]) -> int:
    """Least head plus tail, of two different jobs unless there is only one."""
    if len(head) == 1:
        return int(head[0] + tail[0])
    first = np.argsort(head, kind="stable")[:2].tolist()
    last = np.argsort(tail, kind="stable")[:2].tolist()
    return int(min(head[i] + tail[j] for i, j in itertools.product(first, last) if i != j))


def load(problem: FlowShop) -> int:
    """The largest one-machine bound."""
    head, tail, bounds = heads(problem), tails(problem), []
    for k in range(problem.machines):
        p, h, t = problem.times[:, k], head[:, k], tail[:, k]
        bounds += [int(p.sum()) + ends(h.tolist(), t.tolist()), _one_by_one(p, h) + int(t.min()),
                   _one_by_one(p, t) + int(h.min())]  # fmt: skip
    return max(bounds)


def _one_by_one(p: IntArray, head: IntArray) -> int:
    """When one machine ends the jobs if it takes them in the order of their heads: no order is better."""
    now = 0
    for j in np.argsort(head, kind="stable").tolist():
        now = max(now, int(head[j])) + int(p[j])
    return now


def johnson(problem: FlowShop) -> int | None:
    """The largest two-machine bound; None with one machine."""
    head, tail = heads(problem), tails(problem)
    bounds = []
    for k, after in itertools.combinations(range(problem.machines), 2):
        a, b = problem.times[:, k].tolist(), problem.times[:, after].tolist()
        lags = problem.times[:, k + 1 : after].sum(axis=1).tolist()
        best = two_machines.makespan(two_machines.order(a, b, lags), a, b, lags)
        bounds.append(best + ends(head[:, k].tolist(), tail[:, after].tolist()))
    return max(bounds, default=None)


def named(problem: FlowShop) -> dict[str, int]:
    """Every bound by its name."""
    pairs = johnson(problem)
    return {"load": load(problem)} | ({} if pairs is None else {"johnson": pairs})
