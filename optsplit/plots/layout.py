"""Where each layer of a network stands in a picture: its depth, its lane, and the rows of a long network."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition

Points = list[tuple[float, float]]

_BOW = 0.45
"""How high the way past other layers of its own lane rises, in lanes."""


def readers(problem: Partition) -> list[list[int]]:
    """For each layer the layers that read from it, each once."""
    found: list[dict[int, None]] = [{} for _ in problem.layers]
    for u, vs in problem.tensors:
        found[u].update(dict.fromkeys(vs))
    return [list(vs) for vs in found]


def depths(problem: Partition) -> list[int]:
    """Layers on the longest way from an input to each layer, that layer left out."""
    depth = [0] * len(problem.layers)
    after = readers(problem)
    for u in problem.order:
        for v in after[u]:
            depth[v] = max(depth[v], depth[u] + 1)
    return depth


def lanes(problem: Partition) -> list[float]:
    """A height for each layer: a chain keeps its own, a fork spreads its branches, a join returns to where they began.

    Where a join returns to is the layer that every way to it passes (its immediate dominator). A branch that meets no
    other one again, such as an early exit, is put aside, so that the rest goes straight on.
    """
    after, before = readers(problem), [list(us) for us in problem.feeders]
    order = list(problem.order)
    first = [v for v in order if not before[v]]
    dominator = _dominators(order, before)
    private = _private(order, before, dominator)
    left = [0] * len(order)
    for u in reversed(order):
        left[u] = max((left[v] + 1 for v in after[u]), default=0)
    height, step = [0.0] * len(order), [1.0] * len(order)
    spread = 1.0 if len(first) == 1 else 0.4
    aside: list[tuple[float, int]] = []
    depth = depths(problem)
    for k, v in enumerate(first):
        height[v], step[v] = k - (len(first) - 1) / 2, spread
    for v in order:
        if len(before[v]) > 1:
            height[v], step[v] = (height[d], step[d]) if (d := dominator[v]) >= 0 else (0.0, spread)
        branches = [w for w in after[v] if before[w] == [v]]
        ends = sorted((w for w in branches if private[w]), key=lambda w: -left[w])
        joined = [w for w in branches if not private[w]]
        if ends and not joined and len(after[v]) == len(branches):
            joined.append(ends.pop(0))
        for k, w in enumerate(joined):
            height[w] = height[v] + (k - (len(joined) - 1) / 2) * step[v]
            step[w] = step[v] * (0.4 if len(joined) > 1 else 1.0)
        for w in ends:
            height[w], step[w] = _free(height[v], step[v], depth[v], depth[w] + left[w], aside), step[v] * 0.4
    return height


def _free(lane: float, step: float, start: int, end: int, taken: list[tuple[float, int]]) -> float:
    """The nearest lane beside one on which nothing put aside earlier still runs."""
    for k in range(1, len(taken) + 2):
        for side in (-k, k):
            at = lane + side * step
            if all(last < start or abs(at - other) >= 0.5 * step for other, last in taken):
                taken.append((at, end))
                return at
    raise AssertionError("more lanes than branches")


def _dominators(order: list[int], before: list[list[int]]) -> list[int]:
    """The immediate dominator of each layer, -1 for none, by Cooper, Harvey and Kennedy (2001) on a DAG."""
    rank = {v: k for k, v in enumerate(order)}
    found = [-1] * len(order)
    for v in order:
        sources = before[v]
        at = sources[0] if sources else -1
        for u in sources[1:]:
            while at != u and at >= 0 and u >= 0:
                if rank[at] > rank[u]:
                    at = found[at]
                else:
                    u = found[u]
            at = at if at == u else -1
        found[v] = at
    return found


def _private(order: list[int], before: list[list[int]], dominator: list[int]) -> list[bool]:
    """For each layer whether all that follows from it passes it."""
    private = [True] * len(order)
    for v in order:
        for u in before[v]:
            while u >= 0 and u != dominator[v]:
                private[u] = False
                u = dominator[u]
    return private


@dataclass(frozen=True)
class Fold:
    """Depths and lanes as points on paper, in rows of `width` depths.

    Parameters
    ----------
    width, rows
        Depths in a row, and how many rows there are.
    pitch, lane
        Points from row to row, and from lane to lane.
    top, bottom, label
        The lanes at the top and at the bottom of each row, and points that are free below each row.
    size
        Of a marker, in points.
    """

    width: int
    rows: int
    pitch: float
    lane: float
    top: float
    bottom: float
    label: float
    size: float

    def row(self, x: float) -> int:
        """The row of a depth; half a depth before its first layer it begins."""
        return min(self.rows - 1, max(0, math.floor((x + 0.5) / self.width)))

    def at(self, x: float, y: float, row: int | None = None) -> tuple[float, float]:
        """A depth and a lane on paper."""
        row = self.row(x) if row is None else row
        return x - row * self.width, -row * self.pitch - (self.top + _BOW + 0.3 - y) * self.lane

    @property
    def used(self) -> float:
        """Points from the top of the first row to the bottom of the last one's label."""
        return (self.rows - 1) * self.pitch - self.at(0, self.bottom - 0.3)[1] + self.label

    def ways(self, points: Points) -> list[Points]:
        """A line over depths and lanes, cut where a row ends."""
        ways: list[Points] = [[self.at(*points[0])]]
        for (x, y), (to_x, to_y) in itertools.pairwise(points):
            for row in range(self.row(x), self.row(to_x)):
                edge = (row + 1) * self.width - 0.5
                height = y + (to_y - y) * (edge - x) / (to_x - x)
                ways[-1].append(self.at(edge, height, row))
                ways.append([self.at(edge, height, row + 1)])
            ways[-1].append(self.at(to_x, to_y))
        return ways


def fold(x: list[int], y: list[float], width: float, height: float, most: int = 10) -> Fold:
    """Fold a network into the fewest rows in which markers are 3.5 points wide, or the widest that there is room for.

    Parameters
    ----------
    x, y
        Depths and lanes.
    width, height
        Room in points.
    most
        Rows at most.
    """
    deep, high = max(x) + 1, max(y) - min(y)
    heights = sorted(set(y))
    near = min((b - a for a, b in itertools.pairwise(heights) if b - a > 1e-9), default=1.0)
    best: Fold | None = None
    for rows in range(1, min(most, deep) + 1):
        pitch = height / rows
        label = 20.0 if pitch >= 44 else 0.0
        lane = min(40.0, (pitch - label) / (high + _BOW + 0.75))
        columns = math.ceil(deep / rows)
        size = min(6.0, 0.92 * width / columns, max(0.9 * lane * near, 1.8))
        if best is None or size > best.size + 1e-9:
            best = Fold(columns, rows, pitch, lane, max(y), min(y), label, size)
        if best.size >= 3.5:
            break
    assert best is not None
    return best


def way(x: int, y: float, to_x: int, to_y: float) -> Points:
    """An edge as points: along its own lane, then over to the reader; a bow where others stand in between."""
    if to_x - x <= 1:
        return [(x, y), (to_x, to_y)]
    if abs(to_y - y) > 1e-9:
        return [(x, y), (to_x - 1, y), (to_x, to_y)]
    return [(x + (to_x - x) * t / 16, y + _BOW * (1 - (t / 8 - 1) ** 4)) for t in range(17)]
