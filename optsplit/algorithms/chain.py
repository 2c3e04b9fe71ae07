"""Partition of a chain of layers: a shortest path in the layered graph (layer, place).

State: the place p of layer i. The step to place q of layer i + 1 costs the compute of layer i + 1 at q and the
way of layer i's tensors to q, and to the place of the results where the tensor is also an output: O(N P^2).
With `one_way` only steps to the same or a later place are taken, which for two places leaves the N + 1 prefixes.
"""

from __future__ import annotations

import numpy as np

from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

_NO_WAY = np.iinfo(np.int64).max // 4


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan of one metric on a chain, over any number of places, without limits."""
    costs = problem.costs(problem.objectives[0])
    order = np.array(problem.order)
    n, places = len(order), len(problem.places)
    compute = costs.compute[order].copy()
    fixed = problem.fixed[order]
    for p in range(places):
        compute[(fixed >= 0) & (fixed != p), p] = _NO_WAY
    step = _steps(problem, order)
    value = compute[0]
    came = np.zeros((n, places), dtype=np.int64)
    for i in range(1, n):
        way = np.minimum(value[:, None] + step[i - 1], _NO_WAY)
        came[i] = way.argmin(axis=0)
        value = np.minimum(way.min(axis=0) + compute[i], _NO_WAY)
    # what the last layer's outputs pay does not depend on a reader: any column of its steps to its own place
    value = np.minimum(value + np.diagonal(step[n - 1]), _NO_WAY)
    best = int(value.min())
    if best >= _NO_WAY:
        return Answer(infeasible=True, raw_status="every path is closed")
    at = np.empty(n, dtype=np.int64)
    at[order[-1]] = int(value.argmin())
    for i in range(n - 1, 0, -1):
        at[order[i - 1]] = came[i, at[order[i]]]
    return Answer(problem.plan(at), best, best)


def _steps(problem: Partition, order: IntArray) -> IntArray:
    """Shape (n, P, P): what the tensors of the i-th layer pay when it runs at p and its reader at q."""
    costs = problem.costs(problem.objectives[0])
    places = range(len(problem.places))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    step = np.zeros((len(order), len(places), len(places)), dtype=np.int64)
    outputs = set(problem.outputs)
    for t, (source, readers) in enumerate(problem.tensors):
        for p in places:
            for q in places:
                goes = {q} if readers else set()
                if t in outputs and problem.result_place >= 0:
                    goes.add(problem.result_place)
                goes.discard(p)
                way = int(costs.send[p, t]) if goes else 0
                for g in goes:
                    way += int(costs.transfer[p, g, t] + costs.receive[g, t]) if problem.allowed[p, g] else _NO_WAY
                if problem.one_way and readers and q < p:
                    way = _NO_WAY
                step[rank[source], p, q] = min(step[rank[source], p, q] + way, _NO_WAY)
    return step
