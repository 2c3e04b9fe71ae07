"""Search zones: where the front can still have a point that is not covered by those found.

A point p with corner c <= p covers every vector z >= c. What no corner covers is the union of zones {z: z < high},
one for each local upper bound `high` (Klamroth, Lacour and Vanderpooten 2015, algorithm 2): a new corner c < high
replaces the zone by one zone for each metric k, with high_k = c_k, since an uncovered z < high has z_k < c_k for some
k. A zone inside another is left out.

`low` bounds the zone's plans from below. With two metrics it is raised too: where the new point is nondominated, a
plan better in one metric is worse in the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Vector = tuple[int, ...]


@dataclass(frozen=True)
class Zone:
    """The integer vectors z with low <= z < high in every metric; None: no end."""

    low: Vector
    high: tuple[int | None, ...]

    @property
    def empty(self) -> bool:
        """Whether it holds no integer vector."""
        return any(high is not None and high <= low for low, high in zip(self.low, self.high, strict=True))

    def inside(self, other: Zone) -> bool:
        """Whether `other` reaches at least as far in every metric."""
        return all(b is None or (a is not None and a <= b) for a, b in zip(self.high, other.high, strict=True))

    def volume(self, reference: Sequence[int]) -> int:
        """Its volume as far as the reference."""
        product = 1
        for low, high, end in zip(self.low, self.high, reference, strict=True):
            product *= max(0, (end if high is None else min(high, end)) - low)
        return product


class Zones:
    """The zones that are not excluded yet; at first all vectors from `low`."""

    def __init__(self, low: Vector) -> None:
        self.open: list[Zone] = [Zone(low, (None,) * len(low))]

    def close(self, zone: Zone) -> None:
        """A proof came that no plan lies in the zone."""
        self.open.remove(zone)

    def cover(self, corner: Vector, nondominated: Vector | None = None) -> None:
        """Take every z >= corner out of the zones; `nondominated` is the point itself where it is proven so."""
        kept: list[Zone] = []
        parts: list[Zone] = []
        for zone in self.open:
            if all(high is None or c < high for c, high in zip(corner, zone.high, strict=True)):
                parts += _split(zone, corner, nondominated)
            else:
                kept.append(zone)
        for k, part in enumerate(parts):
            others = [*kept, *parts[:k], *(q for q in parts[k + 1 :] if not q.inside(part))]
            if not any(part.inside(other) for other in others):
                kept.append(part)
        self.open = kept

    def largest(self, reference: Sequence[int]) -> Zone:
        """The zone of the largest volume, as far as the reference."""
        return max(self.open, key=lambda zone: zone.volume(reference))


def _split(zone: Zone, corner: Vector, nondominated: Vector | None) -> Iterable[Zone]:
    for k, c in enumerate(corner):
        low = zone.low
        if nondominated is not None and len(corner) == 2:
            other = 1 - k
            low = _with(low, other, max(low[other], nondominated[other] + 1))
        part = Zone(low, (*zone.high[:k], c, *zone.high[k + 1 :]))
        if not part.empty:
            yield part


def _with(values: Vector, k: int, value: int) -> Vector:
    return (*values[:k], value, *values[k + 1 :])


def nondominated(vectors: Iterable[Vector]) -> list[Vector]:
    """The vectors that no other is at least as good as everywhere, once each, in ascending order."""
    kept: list[Vector] = []
    for vector in sorted(set(vectors)):
        # in this order nothing later dominates; with two metrics the last one kept is the only rival
        rivals = kept[-1:] if len(vector) == 2 else kept
        if not any(all(a <= b for a, b in zip(rival, vector, strict=True)) for rival in rivals):
            kept.append(vector)
    return kept


def hypervolume(vectors: Iterable[Vector], reference: Sequence[int]) -> int:
    """The volume of {z <= reference: some vector is <= z}, exact: slices along the last metric, one below the other."""
    inside = sorted({v for v in vectors if all(a < b for a, b in zip(v, reference, strict=True))}, key=lambda v: v[-1])
    if not inside:
        return 0
    if len(reference) == 1:
        return reference[0] - inside[0][0]
    if len(reference) == 2:
        total, right = 0, reference[0]
        for x, y in inside:
            if x < right:
                total += (right - x) * (reference[1] - y)
                right = x
        return total
    total, slice_of = 0, []
    for k, vector in enumerate(inside):
        slice_of.append(vector[:-1])
        height = (inside[k + 1][-1] if k + 1 < len(inside) else reference[-1]) - vector[-1]
        if height:
            slice_of = nondominated(slice_of)
            total += height * hypervolume(slice_of, reference[:-1])
    return total
