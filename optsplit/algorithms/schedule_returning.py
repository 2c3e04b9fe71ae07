"""What frames whose cuts come back to the device ask at least, by minimum cuts.

`optsplit.problems.schedule_returns` sorts cuts by their largest down-set D. What it knows of a layer that reads from D
and from elsewhere, a join, is little: the join may be on the server, and then its tensors of D cross too, or on the
device, and then something comes down and all behind it is still to be paid. So classes are split:

    class      D on the device, some layers on the server, some more on the device
    split      by the first join that reads a tensor of D of which it is not known that it crosses
    price      for integer weights w of the machines, V_w(class) = the minimum cut with these layers fixed

No cut of the class has w * loads < V_w(class), whatever it does behind D. With one frame of it and the cheapest cut for
all others, W * makespan >= V_w(class) + the others' (W the sum of w): where that reaches the incumbent's, no better
schedule has such a frame even once, and the class is dropped as soon as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from optsplit.algorithms.mincut import CutNetwork
from optsplit.algorithms.schedule_load import machine_loads, weighted
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_cuts import MOST, CutTypes
from optsplit.problems.schedule_returns import asked, edges_of_down_sets

_RATIOS = ((1, 1), (4, 5), (5, 4), (1, 2), (2, 1), (9, 10), (10, 9), (2, 3), (3, 2), (1, 4), (4, 1))
"""Of the device's weight to that which the load bound gives it."""


def around(weights: IntArray) -> IntArray:
    """Shape (R, 4): the weights of device, uplink, server, downlink, and others around them; first themselves."""
    rows = []
    for over, under in _RATIOS:
        row = weights.copy()
        row[0] = weights[0] * over // under
        rows.append(row)
    return np.array(rows)


def cheapest(job: Partition, weights: IntArray) -> list[int]:
    """For each row of weights (R, 4) the least weighted load of one frame."""
    problem = machine_loads(job)
    network = CutNetwork(problem)
    return [network.cut(prices).value for prices in _prices(problem, weights)]


def classes(
    job: Partition, weights: IntArray, most: Sequence[int], late: Callable[[], bool], limit: int = MOST
) -> tuple[CutTypes, IntArray] | None:
    """The classes of cuts below `most`, with what they ask and their prices (C, R); None where too many, or too late.

    Parameters
    ----------
    job
        Over two places; its outputs end at the first place, or anywhere.
    weights
        Shape (R, 4): integers, of device, uplink, server, downlink.
    most
        For each row of weights the price from which on a class is of no use.
    late
        Asked between classes.
    limit
        Down-sets and classes, at most.
    """
    found = edges_of_down_sets(job, limit)
    if found is None:
        return None
    least = asked(job, *found).loads @ weights.T
    problem = machine_loads(job)
    prices = _prices(problem, weights)
    reads = [(u, readers) for u, readers in job.tensors if readers]
    rank = {v: i for i, v in enumerate(job.order)}
    kept: list[tuple[IntArray, IntArray, list[int]]] = []
    for row in np.nonzero((least < np.asarray(most)).all(axis=1))[0].tolist():
        device = found[0][row]
        start = np.where(device, 0, np.where(found[1][row], 1, job.fixed))
        todo = [start]
        while todo:
            fixed = todo.pop()
            if late():
                return None
            priced = _price(problem, fixed, prices, most)
            if priced is None:
                continue
            join = _join(reads, rank, device, fixed)
            if join is None:
                kept.append((device, fixed, priced))
                if len(kept) > limit:
                    return None
                continue
            for place in (0, 1):
                split = fixed.copy()
                split[join] = place
                todo.append(split)
    device = np.array([inside for inside, _, _ in kept], dtype=bool).reshape(-1, len(job.layers))
    where = np.array([fixed for _, fixed, _ in kept], dtype=np.int64).reshape(device.shape)
    types = asked(job, device, where == 1, (where == 0) & ~device)
    return types, np.array([priced for _, _, priced in kept], dtype=np.int64).reshape(-1, len(weights))


def _prices(problem: Partition, weights: IntArray) -> list[Costs]:
    costs = [problem.costs(name) for name in problem.objectives]
    return [weighted(costs, row) for row in weights]


def _price(problem: Partition, fixed: IntArray, prices: Sequence[Costs], most: Sequence[int]) -> list[int] | None:
    """The minimum cut for each price, or None where one of them is too dear."""
    network = CutNetwork(problem, fixed)
    found = []
    for price, top in zip(prices, most):
        cut = network.cut(price)
        if cut.at is None or cut.value >= top:
            return None
        found.append(cut.value)
    return found


def _join(
    reads: Sequence[tuple[int, tuple[int, ...]]], rank: dict[int, int], device: IntArray, fixed: IntArray
) -> int | None:
    """The first layer of unknown place that reads from the down-set a tensor that may stay."""
    waiting = [
        v
        for u, readers in reads
        if device[u] and not any(fixed[v] == 1 for v in readers)
        for v in readers
        if fixed[v] < 0
    ]
    return min(waiting, key=rank.__getitem__, default=None)
