"""Gaps over the time of a solve, and their integrals (Berthold, Operations Research Letters 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optsplit.result import Result, TracePoint


def distance(value: int | None, reference: int | None) -> float:
    """|value - reference| / max(|value|, |reference|), from 0 to 1; 1 where one is missing or their signs differ."""
    if value is None or reference is None:
        return 1.0
    if value == reference:
        return 0.0
    if (value < 0 < reference) or (reference < 0 < value):
        return 1.0
    return abs(value - reference) / max(abs(value), abs(reference))


@dataclass(frozen=True)
class Steps:
    """A gap that is constant between `seconds`: `gaps[i]` from `seconds[i]` on, to `end` for the last."""

    seconds: tuple[float, ...]
    gaps: tuple[float, ...]
    end: float

    def at(self, seconds: float) -> float:
        """The gap at a time; 1 before the first."""
        return next((g for s, g in zip(reversed(self.seconds), reversed(self.gaps), strict=True) if s <= seconds), 1.0)

    def integral(self, until: float | None = None) -> float:
        """Seconds times gap, from 0 to `until` (by default the end); the last gap stands after the end."""
        stop = self.end if until is None else until
        ends = [*self.seconds[1:], max(stop, self.seconds[-1])]
        return sum(
            gap * max(0.0, min(end, stop) - min(start, stop))
            for start, end, gap in zip(self.seconds, ends, self.gaps, strict=True)
        )


def over_time(result: Result, reference: int | None = None) -> Steps:
    """How the gap of a solve closed: between incumbent and bound, or between incumbent and a known optimum.

    Parameters
    ----------
    result
        Its trace, its own objective and bound, and its times; 0 is the start of building the model.
    reference
        The optimum: then the primal gap, which needs no bound; else the primal-dual gap.

    Returns
    -------
    Steps
        From 0, where the gap is 1, to the end of the solve.
    """
    end = result.build_seconds + result.solve_seconds
    last = TracePoint(result.solve_seconds, result.objective, result.bound)
    seconds, gaps = [0.0], [1.0]
    for point in (*result.trace, last):
        gap = distance(point.objective, point.bound if reference is None else reference)
        if gap != gaps[-1]:
            seconds.append(min(result.build_seconds + point.seconds, end))
            gaps.append(gap)
    return Steps(tuple(seconds), tuple(gaps), end)


def mean_over_time(solves: Sequence[Steps], grid: Sequence[float]) -> list[float]:
    """The mean gap of several solves at each time of a grid."""
    return [sum(steps.at(t) for steps in solves) / len(solves) for t in grid]
