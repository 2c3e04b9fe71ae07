"""Latencies of plans as lines over t, the time per byte, and the lower envelope of several."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from optsplit.problems.partition import PartitionPlan


class Line(msgspec.Struct, frozen=True):
    """One plan of one exit: its latency at t is `fixed` + t * `rise` / `per`."""

    exit: str
    fixed: int
    rise: int
    per: int
    plan: PartitionPlan

    @property
    def slope(self) -> Fraction:
        """Latency for each unit of t."""
        return Fraction(self.rise, self.per)

    def value(self, t: Fraction) -> Fraction:
        """The latency at t, exact."""
        return self.fixed + self.slope * t


def meet(a: Line, b: Line) -> Fraction:
    """The t at which two lines of different slopes are equal."""
    return (b.fixed - a.fixed) / (a.slope - b.slope)


def lowest(lines: Iterable[Line], low: Fraction, high: Fraction) -> tuple[Line, ...]:
    """The lines of the lower envelope from low to high, by falling slope, that is by rising t."""
    ranked = sorted(lines, key=lambda line: (-line.slope, line.fixed))
    hull: list[Line] = []
    for line in ranked:
        if hull and hull[-1].slope == line.slope:
            continue  # parallel and no lower
        while hull and hull[-1].value(low) >= line.value(low):
            hull.pop()
        while len(hull) > 1 and meet(hull[-2], line) <= meet(hull[-2], hull[-1]):
            hull.pop()
        if not hull or meet(hull[-1], line) < high:
            hull.append(line)
    return tuple(hull)
