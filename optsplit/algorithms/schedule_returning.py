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

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from optsplit.algorithms.mincut import CutNetwork
from optsplit.algorithms.schedule_load import largest, machine_loads, weighted
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_cuts import MOST, ancestors
from optsplit.problems.schedule_returns import asked, edges_of_down_sets

_RATIOS = ((1, 1), (4, 5), (5, 4), (1, 2), (2, 1), (9, 10), (10, 9), (2, 3), (3, 2), (1, 4), (4, 1))
"""Of the device's weight to that which the load bound gives it."""

_NARROW = 1e-3
"""Share of its price up to which a class is narrow: no need to split it."""

_PARTS = 32
"""Classes into which one is split at once, about."""

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


class Classes:
    """The classes of a job's cuts whose prices are below `most`, with what they ask, and their prices.

    Parameters
    ----------
    job
        Over two places; its outputs end at the first place, or anywhere.
    weights
        Shape (R, 4): as `around` gives them.
    room
        For each row of weights what a class may cost more than the cheapest cut, to be of use.
    cheap
        For each row of weights the price of the cheapest cut.
    late
        Asked between classes; when it says so, they are neither split nor priced any more.

    Attributes
    ----------
    types, prices
        What each class asks, and its prices (C, R).
    """

    def __init__(
        self, job: Partition, weights: IntArray, room: IntArray, cheap: Sequence[int], late: Callable[[], bool]
    ) -> None:
        found = edges_of_down_sets(job, MOST)
        if found is None:
            raise ValueError(f"more than {MOST} down-sets; ask optsplit.frames.refuses first")
        self.job, self.weights, self.cheap, self.late = job, weights, list(cheap), late
        self.most = [int(more) + price for more, price in zip(room, cheap)]
        self._problem, self._rank = machine_loads(job), {v: i for i, v in enumerate(job.order)}
        self._prices = _prices(self._problem, weights)
        self._reads = [(u, readers) for u, readers in job.tensors if readers]
        self._rest = remaining(job, late)
        least = asked(job, *found, least_rest=self._rest).loads @ weights.T
        useful = np.nonzero((least < np.asarray(self.most)).all(axis=1))[0]
        start = [(found[0][row], np.where(found[0][row], 0, np.where(found[1][row], 1, job.fixed))) for row in useful]
        self._kept = self._split(start, lambda part, *_: _join(self._reads, self._rank, *part), MOST)
        self._list()

    def _list(self) -> None:
        device = np.array([inside for (inside, _), _ in self._kept], dtype=bool).reshape(-1, len(self.job.layers))
        where = np.array([fixed for (_, fixed), _ in self._kept], dtype=np.int64).reshape(device.shape)
        self.types = asked(self.job, device, where == 1, (where == 0) & ~device, self._rest)
        self.prices = np.array([values for _, values in self._kept], dtype=np.int64).reshape(-1, len(self.weights))

    def narrow(self, rows: Sequence[int]) -> bool:
        """Split these classes where they are wide; whether any was."""
        parts: list[tuple[_Class, list[int]]] = []
        for row in rows:
            parts += self._split(
                [self._kept[row][0]],
                lambda _, values, plans: _apart(values, plans, self.weights, self._rank),
                _PARTS,
            )
        if len(parts) == len(rows):
            return False
        taken = set(rows)
        self._kept = [kept for row, kept in enumerate(self._kept) if row not in taken] + parts
        self._list()
        return True

    def _split(
        self,
        start: Sequence[_Class],
        undecided: Callable[[_Class, list[int], list[IntArray]], int | None],
        most: int,
    ) -> list[tuple[_Class, list[int]]]:
        """Split by undecided layers, breadth first, into `most` classes more at most; with their prices."""
        kept: list[tuple[_Class, list[int]]] = []
        todo = deque(start)
        while todo:
            device, fixed = todo.popleft()
            if self.late():
                kept.append(((device, fixed), self.cheap))
                continue
            priced = _price(self._problem, fixed, self._prices, self.most)
            if priced is None:
                continue
            enough = len(kept) + len(todo) >= most + len(start)
            layer = None if enough else undecided((device, fixed), *priced)
            if layer is None:
                kept.append(((device, fixed), priced[0]))
                continue
            for place in (0, 1):
                part = fixed.copy()
                part[layer] = place
                todo.append((device, part))
        return kept


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


def _apart(values: Sequence[int], plans: Sequence[IntArray], weights: IntArray, rank: dict[int, int]) -> int | None:
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
