"""PipeDream's partitioning (Narayanan et al., SOSP 2019, section 3.1) on a topological order of the network.

PipeDream sees a network as a chain of layers and gives each worker a run of it, by a dynamic programme over (layers
done, workers used). A branched network is put in a line first, as comparisons with PipeDream on operator graphs do. The
programme pays, at a boundary, every tensor that crosses it between the two places; the problem then prices the plan,
where a tensor that is read further on goes there straight. Replicated stages have no counterpart here and are left out.
"""

from __future__ import annotations

import numpy as np

from optsplit.baselines.trivial import offer
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

_NO_WAY = np.iinfo(np.int64).max // 4


def solve(problem: Partition, options: Options) -> Answer:
    """The best runs of the topological order over the places in their order, by the programme's own prices."""
    order = np.array(problem.order)
    n, places = len(order), len(problem.places)
    largest = len(problem.objectives) > 1
    boundary = _boundaries(problem, order)
    value = np.full((n + 1, places), _NO_WAY, dtype=np.int64)
    start, before = np.zeros((n + 1, places), dtype=np.int64), np.full((n + 1, places), -1, dtype=np.int64)
    for q in range(places):
        arrive = np.full(n + 1, _NO_WAY, dtype=np.int64)
        arrive[0] = 0
        for p in range(q):
            way = _way(problem, boundary, p, q, largest)
            reach = np.maximum(value[:, p], way) if largest else np.minimum(value[:, p] + way, _NO_WAY)
            reach[0] = _NO_WAY
            better = reach < arrive
            arrive[better], before[better, q] = reach[better], p
        run = _runs(problem, order, q, largest)
        whole = np.maximum(arrive[:, None], run) if largest else np.minimum(arrive[:, None] + run, _NO_WAY)
        start[:, q], value[:, q] = whole.argmin(axis=0), whole.min(axis=0)
    if int(value[n].min()) >= _NO_WAY:
        return Answer(raw_status="no runs of the topological order obey the pins and limits")
    at = np.empty(n, dtype=np.int64)
    k, q = n, int(value[n].argmin())
    while k:
        j = int(start[k, q])
        at[order[j:k]] = q
        k, q = j, int(before[j, q])
    return offer(problem, at)


def _boundaries(problem: Partition, order: IntArray) -> IntArray:
    """Shape (T, 2): the first boundary that each tensor crosses, and the one after its last."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return np.array(
        [(rank[u] + 1, max([rank[v] for v in readers], default=rank[u]) + 1) for u, readers in problem.tensors],
        dtype=np.int64,
    ).reshape(-1, 2)


def _way(problem: Partition, boundary: IntArray, p: int, q: int, largest: bool) -> IntArray:
    """Shape (n + 1,): what the tensors across each boundary pay from p to q."""
    n = len(problem.layers)
    found = np.zeros(n + 1, dtype=np.int64)
    for name in problem.objectives:
        paid = problem.costs(name).crossing(p, q)
        change = np.zeros(n + 2, dtype=np.int64)
        np.add.at(change, boundary[:, 0], paid)
        np.add.at(change, boundary[:, 1], -paid)
        total = np.cumsum(change)[: n + 1]
        found = np.maximum(found, total) if largest else found + total
    if not problem.allowed[p, q]:
        crossed = np.zeros(n + 2, dtype=np.int64)
        np.add.at(crossed, boundary[:, 0], 1)
        np.add.at(crossed, boundary[:, 1], -1)
        found[np.cumsum(crossed)[: n + 1] > 0] = _NO_WAY
    return found


def _runs(problem: Partition, order: IntArray, q: int, largest: bool) -> IntArray:
    """Shape (n + 1, n + 1): what layers j..k-1 pay at q; closed where a pin or a limit on them alone forbids it."""

    def between(values: IntArray) -> IntArray:
        total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        sums: IntArray = total[None, :] - total[:, None]
        return sums

    n = len(order)
    run = np.zeros((n + 1, n + 1), dtype=np.int64)
    for name in problem.objectives:
        load = between(problem.costs(name).compute[order, q])
        run = np.maximum(run, load) if largest else run + load
    for name, limit in problem.limits.items():
        run[between(problem.costs(name).compute[order, q]) > limit] = _NO_WAY
    fixed = problem.fixed[order]
    run[between(((fixed >= 0) & (fixed != q)).astype(np.int64)) > 0] = _NO_WAY
    run[~np.triu(np.ones((n + 1, n + 1), dtype=bool), 1)] = _NO_WAY
    return run
