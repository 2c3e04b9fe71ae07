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
from dataclasses import replace

import numpy as np

from optsplit.algorithms.mincut import CutNetwork
from optsplit.algorithms.schedule_load import largest, machine_loads, weighted
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_cuts import MOST, CutTypes, ancestors
from optsplit.problems.schedule_returns import asked, edges_of_down_sets

_RATIOS = ((1, 1), (4, 5), (5, 4), (1, 2), (2, 1), (9, 10), (10, 9), (2, 3), (3, 2), (1, 4), (4, 1))
"""Of the device's weight to that which the load bound gives it."""

_NARROW = 1e-3
"""Share of its price up to which a class is narrow: no need to split it."""

_FEW = 300
"""Classes up to which those that are not narrow are split on."""

_SPLIT = 1500
"""Classes that this may make, at most."""

_Class = tuple[IntArray, IntArray]
"""Its down-set, shape (n,), and the place of each layer or -1, shape (n,)."""


def around(weights: IntArray) -> IntArray:
    """Shape (R, 4): the weights of device, uplink, server, downlink, and others around them; first themselves."""
    rows = []
    for over, under in _RATIOS:
        row = weights.copy()
        row[0] = weights[0] * over // under
        rows.append(row)
    size = int(weights.sum())
    rows += [np.array([size, 0, 0, 0]), np.array([0, size, 0, 0])]
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
    rest = remaining(job, late)
    least = asked(job, *found, least_rest=rest).loads @ weights.T
    problem = machine_loads(job)
    prices = _prices(problem, weights)
    reads = [(u, readers) for u, readers in job.tensors if readers]
    rank = {v: i for i, v in enumerate(job.order)}
    useful = np.nonzero((least < np.asarray(most)).all(axis=1))[0]
    start = [(found[0][row], np.where(found[0][row], 0, np.where(found[1][row], 1, job.fixed))) for row in useful]

    def split(todo: list[_Class], undecided: Callable[[_Class, list[int], list[IntArray]], int | None], most_kept: int):
        """Classes of which no layer is undecided, with their prices; None where too many, or too late."""
        kept: list[tuple[IntArray, IntArray, list[int]]] = []
        todo = todo[::-1]
        while todo:
            if late() or len(kept) + len(todo) > most_kept + len(start):
                return None
            device, fixed = todo.pop()
            priced = _price(problem, fixed, prices, most)
            if priced is None:
                continue
            layer = undecided((device, fixed), *priced)
            if layer is None:
                kept.append((device, fixed, priced[0]))
                continue
            for place in (0, 1):
                part = fixed.copy()
                part[layer] = place
                todo.append((device, part))
        return kept

    kept = split(start, lambda part, *_: _join(reads, rank, *part), limit)
    if kept is None:
        return None
    if len(kept) <= _FEW:
        narrow = split(
            [(device, fixed) for device, fixed, _ in kept],
            lambda _, values, plans: _apart(values, plans, weights, rank),
            _SPLIT,
        )
        kept = kept if narrow is None else narrow
    device = np.array([inside for inside, _, _ in kept], dtype=bool).reshape(-1, len(job.layers))
    where = np.array([fixed for _, fixed, _ in kept], dtype=np.int64).reshape(device.shape)
    types = asked(job, device, where == 1, (where == 0) & ~device, rest)
    return types, np.array([priced for _, _, priced in kept], dtype=np.int64).reshape(-1, len(weights))


def remaining(job: Partition, late: Callable[[], bool]) -> IntArray:
    """Shape (n, 2): from the start of a layer at a place to the end of its job at least, by the load bound.

    The layer, all behind it and their tensors come after that start, and no machine does two of them at once.
    """
    problem, before = machine_loads(job), ancestors(job)
    costs = [problem.costs(name) for name in problem.objectives]
    rest = np.zeros((len(job.layers), 2), dtype=np.int64)
    for v in range(len(job.layers)):
        behind = before[:, v] == 1
        behind[v] = True
        later = [
            replace(cost, compute=cost.compute * behind[:, None], transfer=cost.transfer * behind[problem.sources])
            for cost in costs
        ]
        for place in (0, 1):
            if late() or problem.fixed[v] == 1 - place:
                continue
            fixed = problem.fixed.copy()
            fixed[v] = place
            found = largest([problem], [CutNetwork(problem, fixed)], [later], [1], late)
            rest[v, place] = 0 if found is None else found[0]
    return rest


def _prices(problem: Partition, weights: IntArray) -> list[Costs]:
    costs = [problem.costs(name) for name in problem.objectives]
    return [weighted(costs, row) for row in weights]


def _price(
    problem: Partition, fixed: IntArray, prices: Sequence[Costs], most: Sequence[int]
) -> tuple[list[int], list[IntArray]] | None:
    """The minimum cut for each price, value and places, or None where one of them is too dear."""
    network = CutNetwork(problem, fixed)
    values, plans = [], []
    for price, top in zip(prices, most):
        cut = network.cut(price)
        if cut.at is None or cut.value >= top:
            return None
        values.append(cut.value)
        plans.append(cut.at)
    return values, plans


def _apart(
    values: Sequence[int], plans: Sequence[IntArray], weights: IntArray, rank: dict[int, int]
) -> int | None:
    """The first layer about which the class's least for the device and for the uplink differ, if it matters.

    The last two prices are those of the device and of the uplink alone: no cut of the class may reach both.
    """
    corner = int(weights[0, 0]) * values[-2] + int(weights[0, 1]) * values[-1]
    if values[0] * int(weights[-1, 1]) - corner <= _NARROW * corner:
        return None
    differ = np.nonzero(plans[-2] != plans[-1])[0].tolist()
    return min(differ, key=rank.__getitem__, default=None)


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
