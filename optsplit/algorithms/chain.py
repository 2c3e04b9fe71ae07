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
    order = np.array(problem.chain)
    n, places = len(order), len(problem.places)
    compute = costs.compute[order].copy()
    fixed = problem.fixed[order]
    for p in range(places):
        compute[(fixed >= 0) & (fixed != p), p] = _NO_WAY
    step = steps(problem, problem.objectives[0], order)
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


def steps(problem: Partition, metric: str | None, order: IntArray) -> IntArray:
    """Shape (n, P, P): what the tensors of the i-th layer pay when it runs at p and its reader at q.

    The diagonal holds what they pay when nothing but the results leaves; of the last layer nothing else counts. Without
    a metric: zero, or closed.
    """
    n, tensors, places = len(order), len(problem.tensors), len(problem.places)
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    here = np.arange(places)
    read = np.array([bool(readers) for _, readers in problem.tensors], dtype=bool)
    output = np.zeros(tensors, dtype=bool)
    output[list(problem.outputs)] = problem.result_place >= 0
    result = max(problem.result_place, 0)
    goes = read & (here[:, None, None] != here[None, :, None])
    # the result goes its own way unless the reader stands at its place
    returns = output & (here[:, None, None] != result) & ~(goes & (here[None, :, None] == result))
    shut = goes & ~problem.allowed[:, :, None] | returns & ~problem.allowed[:, result][:, None, None]
    if problem.one_way:
        shut |= read & (here[:, None, None] > here[None, :, None])
    paid = np.zeros((places, places, tensors), dtype=np.int64)
    if metric is not None:
        costs = problem.costs(metric)
        way = costs.transfer + costs.receive[None, :, :]
        paid = goes * way + returns * way[:, result][:, None, :] + (goes | returns) * costs.send[:, None, :]
    step, closed = np.zeros((n, places, places), dtype=np.int64), np.zeros((n, places, places), dtype=bool)
    np.add.at(step, rank[problem.sources], np.moveaxis(paid, 2, 0))
    np.logical_or.at(closed, rank[problem.sources], np.moveaxis(shut, 2, 0))
    step[closed] = _NO_WAY
    return step
