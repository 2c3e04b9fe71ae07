"""The supported points of two metrics by minimum cuts: the vertices of the front's lower convex hull.

The plan that is least in one metric, and among those in the other, is a cut with the first weighted by more than the
other's total. Between two neighbours a cut with the weights of the line through them finds a vertex below it or proves
that the line is an edge (Aneja and Nair 1979; the recursion is that of Eisner and Severance). Weights are integers, so
each cut is exact.
"""

from __future__ import annotations

from collections.abc import Iterator

from optsplit.algorithms.mincut import CutNetwork
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import BRANCHES, LARGEST, Partition

TAKES = frozenset({BRANCHES, LARGEST})
"""Features of the problems it takes; which metric they minimise does not matter here."""


def supported(problem: Partition, first: str, second: str) -> Iterator[IntArray]:
    """Yield the places of each layer, shape (n,), for a plan at each vertex; nothing where no plan exists.

    The first two are the ends: least in `first`, least in `second` (one plan where it is both).
    """
    costs = problem.costs(first), problem.costs(second)
    network = CutNetwork(problem)

    def value(at: IntArray) -> tuple[int, int]:
        way = problem.ways(at)
        return problem.price(at, costs[0], way), problem.price(at, costs[1], way)

    def cut(weights: tuple[int, int]) -> IntArray | None:
        mixed: Costs = costs[0].plus(costs[1], weights[1], weights[0])
        return network.cut(mixed).at

    left, right = cut((costs[1].total + 1, 1)), cut((1, costs[0].total + 1))
    if left is None or right is None:
        return
    yield left
    if value(left) == value(right):
        return
    yield right
    stack = [(value(left), value(right))]
    while stack:
        a, b = stack.pop()
        weights = a[1] - b[1], b[0] - a[0]
        between = cut(weights)
        assert between is not None  # the ends are plans
        c = value(between)
        if weights[0] * (c[0] - a[0]) + weights[1] * (c[1] - a[1]) < 0:
            yield between
            stack += [(a, c), (c, b)]
