"""A chain over places in a line, each of which holds one run of layers: a dynamic programme over (layers done, place).

With `one_way` a chain visits the places in their order and never twice, so a plan is a list of runs. Let D[k, q] be
the least objective of the first k layers when the last of them runs at q. Then

    A[j, q] = min over p < q of D[j, p] (+) what layer j's tensors pay from p to q,
    D[k, q] = min over j < k of A[j, q] (+) what layers j + 1 .. k pay at q,

where (+) is the sum for one metric, and the larger for the largest of several: O(N^2 P + N P^2). A limit, or a metric
of which the largest counts, must belong to one place (its memory, its busy time) or to one arc: then a plan uses it
in one run or in one way, and it is checked there. Other limits need `optsplit.algorithms.labels`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.chain import steps
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

_NO_WAY = np.iinfo(np.int64).max // 4


def refuses(problem: Partition) -> str | None:
    """Why runs in the order of the places do not describe this problem; None when they do."""
    if len(set(problem.edges)) != len(problem.layers) - 1:
        return "some layer does not read from the one before it; it takes a single chain"
    if not problem.one_way:
        return "its data may return to an earlier place; it takes one_way problems"
    names = [*problem.limits, *(problem.objectives if len(problem.objectives) > 1 else ())]
    for name in dict.fromkeys(names):
        if not _atomic(problem, name):
            return f"metric {name!r} is neither of one place's layers nor of one arc's tensors"
    return None


def _atomic(problem: Partition, name: str) -> bool:
    """Whether every plan uses the metric in one run of layers, or in one way, at most."""
    costs = problem.costs(name)
    used = np.nonzero(costs.compute.any(axis=0))[0]
    if not costs.transfers and not costs.ends:
        return len(used) <= 1
    if len(used):
        return False
    step = steps(problem, name, np.array(problem.chain))
    step = np.where(step >= _NO_WAY, 0, step)
    if np.diagonal(step[:-1], axis1=1, axis2=2).any():
        return False  # outputs inside a run
    arcs = [(int(p), int(q)) for p, q in np.argwhere(step[:-1].any(axis=0)) if p < q]
    # the way of the result is taken last: no arc that leads to its place, or before, may count too
    ends = [int(p) for p in np.nonzero(np.diagonal(step[-1]))[0]]
    chained = any(q <= p2 for _, q in arcs for p2, _ in arcs)
    return not chained and not any(q <= p for _, q in arcs for p in ends)


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan of a chain with `one_way`, under limits of places and arcs."""
    order = np.array(problem.chain)
    n, places = len(order), len(problem.places)
    largest = len(problem.objectives) > 1
    run = np.zeros((places, n + 1, n + 1), dtype=np.int64)
    way = steps(problem, None, order)
    _close_runs(run, way, problem.fixed[order])
    if not largest:
        costs, way = problem.costs(problem.objectives[0]), steps(problem, problem.objectives[0], order)
        for q in range(places):
            inside = np.where(way[:, q, q] >= _NO_WAY, 0, way[:, q, q])
            run[q] = np.minimum(run[q] + _between(costs.compute[order, q]) + _but_last(_between(inside)), _NO_WAY)
    for name in problem.objectives if largest else ():
        for q, load in _loads(problem, name, order):
            run[q] = np.maximum(run[q], load)
        if problem.costs(name).transfers or problem.costs(name).ends:
            way = np.maximum(way, steps(problem, name, order))
    for name, limit in problem.limits.items():
        for q, load in _loads(problem, name, order):
            run[q][load > limit] = _NO_WAY
        if problem.costs(name).transfers or problem.costs(name).ends:
            way = np.where(steps(problem, name, order) > limit, _NO_WAY, way)
    run[:, ~np.triu(np.ones((n + 1, n + 1), dtype=bool), 1)] = _NO_WAY

    def both(a: IntArray, b: IntArray) -> IntArray:
        return np.maximum(a, b) if largest else np.minimum(a + b, _NO_WAY)

    value = np.full((n + 1, places), _NO_WAY, dtype=np.int64)
    start, before = np.zeros((n + 1, places), dtype=np.int64), np.full((n + 1, places), -1, dtype=np.int64)
    for q in range(places):
        arrive = np.full(n + 1, _NO_WAY, dtype=np.int64)
        arrive[0] = 0
        if q:
            # way[k - 1] is what the k-th layer's tensors pay when the next run is elsewhere
            options_p = both(value[1:n, :q], way[: n - 1, :q, q])
            before[1:n, q] = options_p.argmin(axis=1)
            arrive[1:n] = options_p.min(axis=1)
        whole = both(arrive[:, None], run[q])
        start[:, q] = whole.argmin(axis=0)
        value[:, q] = whole.min(axis=0)
    last = both(value[n], np.diagonal(way[n - 1]))
    best = int(last.min())
    if best >= _NO_WAY:
        return Answer(infeasible=True, raw_status="every sequence of runs breaks a rule")
    at = np.empty(n, dtype=np.int64)
    k, q = n, int(last.argmin())
    while k:
        j = int(start[k, q])
        at[order[j:k]] = q
        k, q = j, int(before[j, q])
    return Answer(problem.plan(at), best, best)


def _between(values: IntArray | NDArray[np.bool_]) -> IntArray:
    """Shape (n + 1, n + 1): the sum of values j..k-1."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    sums: IntArray = total[None, :] - total[:, None]
    return sums


def _loads(problem: Partition, name: str, order: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Each place where the metric costs something, with the sums over its possible runs."""
    compute = problem.costs(name).compute
    for q in np.nonzero(compute.any(axis=0))[0].tolist():
        yield q, _between(compute[order, q])


def _but_last(sums: IntArray) -> IntArray:
    """From the sums of values j..k-1 to those of j..k-2: a run's last layer pays by where the next run is."""
    return np.concatenate([np.zeros_like(sums[:, :1]), sums[:, :-1]], axis=1)


def _close_runs(run: IntArray, way: IntArray, fixed: IntArray) -> None:
    """Close every run that holds a layer pinned elsewhere, or an output inside that cannot go to its place."""
    for q in range(len(run)):
        astray = _between((fixed >= 0) & (fixed != q)) + _but_last(_between(way[:, q, q] >= _NO_WAY))
        run[q][astray > 0] = _NO_WAY
