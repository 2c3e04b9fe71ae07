"""Ways along a line of places as sums of intervals: what lets a cut with thresholds price them.

Everything to the right (towards later places) has its mirror image to the left; `Side` holds one of the two in
coordinates where the way goes to the right, so that both are written once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition


@dataclass(frozen=True)
class Side:
    """The ways to one side: cost[p, q, t] for p < q, written as sums of `weight`[i, j, t] over p <= i < j <= q.

    `rest` is what such sums cannot express (zero where the costs add up or exceed that); `open` says which ways exist.
    """

    cost: IntArray
    open: NDArray[np.bool_]
    weight: IntArray
    rest: IntArray

    def breach(self) -> tuple[tuple[int, int, int, int], int] | None:
        """((p, q, p2, q2), tensor): the way p to q is cheaper than its part p2 to q2, or open and that not."""
        places = len(self.open)
        for i, j in _intervals(places):
            for p, q in _around(i, j, places):
                if self.open[p, q] and not self.open[i, j]:
                    return (p, q, i, j), -1
        for i, j in _intervals(places):
            if self.open[i, j] and self.rest[i, j].any():
                t = int(self.rest[i, j].argmax())
                tight = (a for a in _around(i, j, places) if self.open[a] and not self.rest[a][t] and a != (i, j))
                p, q = next(tight, (i, j))
                return (p, q, i, j), t
        return None


def _intervals(places: int) -> Iterator[tuple[int, int]]:
    """Every i < j, the shorter first."""
    return ((i, i + length) for length in range(1, places) for i in range(places - length))


def _around(i: int, j: int, places: int) -> Iterator[tuple[int, int]]:
    """Every interval that holds [i, j], itself included."""
    return ((p, q) for p in range(i + 1) for q in range(j, places))


def side(cost: IntArray, open_ways: NDArray[np.bool_]) -> Side:
    """Write the ways to the right as sums of intervals, the shortest first, each as large as those around it allow."""
    places = len(open_ways)
    rest, weight = cost.copy(), np.zeros_like(cost)
    hops = np.concatenate([np.zeros_like(cost[:1, 0]), np.cumsum(cost[range(places - 1), range(1, places)], axis=0)])
    upper = np.triu(np.ones_like(open_ways), 1)
    if open_ways[upper].all() and (cost == np.where(upper[:, :, None], hops[None, :] - hops[:, None], 0)).all():
        weight[range(places - 1), range(1, places)] = cost[range(places - 1), range(1, places)]
        return Side(cost, open_ways, weight, np.zeros_like(cost))
    for i, j in _intervals(places):
        around = [a for a in _around(i, j, places) if open_ways[a]]
        if not open_ways[i, j] or not around:
            continue
        weight[i, j] = np.min([rest[a] for a in around], axis=0)
        if weight[i, j].any():
            for a in around:
                rest[a] -= weight[i, j]
    return Side(cost, open_ways, weight, rest)


def ways(problem: Partition, costs: Costs) -> tuple[Side, Side]:
    """The ways to later places, and, in mirrored coordinates, those to earlier ones.

    With `one_way` nothing but the result goes back, to a known place, which needs no sum of intervals.
    """
    cost = costs.transfer + costs.receive[None, :, :]
    upper = np.triu(np.ones(problem.allowed.shape, dtype=bool), 1)
    forward = side(np.where(upper[:, :, None], cost, 0), problem.allowed & upper)
    if problem.one_way:
        nothing = np.zeros_like(cost)
        return forward, Side(nothing, ~np.zeros_like(upper), nothing, nothing)
    mirrored = cost[::-1, ::-1]
    return forward, side(np.where(upper[:, :, None], mirrored, 0), problem.allowed[::-1, ::-1] & upper)


def refuses(problem: Partition) -> str | None:
    """Why the costs do not add up along the line of places, naming metric and tensor; None when they do."""
    return next(filter(None, (_refuses(problem, name) for name in (*problem.objectives, *problem.limits))), None)


def _refuses(problem: Partition, metric: str) -> str | None:
    costs = problem.costs(metric)
    places = problem.places
    forward, backward = ways(problem, costs)
    for side, names in ((forward, places), (backward, places[::-1])):
        if (found := side.breach()) is None:
            continue
        (p, q, p2, q2), t = found
        if t < 0:
            return (
                f"there is a link from {names[p]!r} to {names[q]!r}, and none from {names[p2]!r} to {names[q2]!r} "
                "between them"
            )
        return (
            f"its costs do not add up along the places: {metric} of tensor {problem.tensor_names[t]!r} from "
            f"{names[p]!r} to {names[q]!r} is less than that of its parts in {names[p2]!r} to {names[q2]!r}"
        )
    return None
