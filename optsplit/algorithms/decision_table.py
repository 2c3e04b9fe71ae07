"""The most accurate exit that meets a deadline, and its optimal plan, for every bandwidth: a table instead of a solver.

For each exit the least latency over all plans is a concave envelope of lines over t, the time per byte
(`optsplit.algorithms.envelope`). Exits of one accuracy share a level: the lower envelope of all their lines. At (t, T)
the answer is the first level, by falling accuracy, whose envelope at t is at most T. No slope is negative, so a level
meets T up to one t and no further: where a plan stays optimal is an interval, known exactly.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.algorithms.envelope import envelope
from optsplit.algorithms.lines import Line, lowest, meet
from optsplit.errors import InvalidInput
from optsplit.problems.partition import Partition, PartitionPlan

_NANO = 10**9
_CLOSE = 1e-9
"""Relative distance to a deadline below which floats do not decide."""


@dataclass(frozen=True)
class Level:
    """The exits of one accuracy: lines by rising t; line k is least up to ends[k], and line k + 1 from there."""

    accuracy: float
    lines: tuple[Line, ...]

    @cached_property
    def ends(self) -> tuple[Fraction, ...]:
        """The values of t where the optimal plan changes."""
        return tuple(meet(a, b) for a, b in itertools.pairwise(self.lines))

    @cached_property
    def floats(self) -> tuple[list[float], list[tuple[float, float]]]:
        """What a lookup needs: the ends, and (fixed, slope) of each line."""
        return [float(end) for end in self.ends], [(float(line.fixed), float(line.slope)) for line in self.lines]

    def line(self, t: Fraction) -> int:
        """The position of the least line at t."""
        return bisect.bisect_left(self.ends, t)

    def least(self, t: Fraction) -> Fraction:
        """The least latency at t."""
        return self.lines[self.line(t)].value(t)

    def reach(self, deadline: Fraction, high: Fraction) -> Fraction:
        """The largest t, `high` at most, at which the deadline is met; negative where it never is."""
        k = bisect.bisect_right([line.value(end) for line, end in zip(self.lines, self.ends)], deadline)
        line = self.lines[k]
        if line.slope:
            return min(high, (deadline - line.fixed) / line.slope)
        return high if line.fixed <= deadline else Fraction(-1)


class Choice(msgspec.Struct, frozen=True):
    """The answer of a lookup: the exit, its plan, and its latency in seconds; ranges are computed when asked for."""

    exit: str
    accuracy: float
    plan: PartitionPlan
    latency: float
    rate: float
    deadline: float
    table: Any
    at: tuple[int, int]

    def __repr__(self) -> str:
        return f"Choice({self.exit!r}, accuracy={self.accuracy:g}, latency={self.latency:g})"

    @property
    def rates(self) -> tuple[float, float]:
        """From which rate (included) to which (excluded where a more accurate exit begins) the plan stays optimal."""
        table: DecisionTable = self.table
        low, high = table.interval(self.at, table.ticks(self.deadline))
        return table.rate_of(high), table.rate_of(low)

    @property
    def deadlines(self) -> tuple[float, float]:
        """From which deadline (included) to which (excluded) the plan stays optimal at this rate; inf: no end."""
        table: DecisionTable = self.table
        t, scale = table.t_of(self.rate), _NANO if table.per_byte else 1
        own, *better = (level.least(t) / scale for level in reversed(table.levels[: self.at[0] + 1]))
        return float(own), float(min(better)) if better else math.inf


@dataclass(frozen=True)
class DecisionTable:
    """Optimal plans over bandwidth and deadline.

    Parameters
    ----------
    levels
        By falling accuracy; each has lines for t from `low` to `high`.
    low, high
        Range of t that is proven. Beyond it the nearer end's plans answer.
    per_byte
        t is nanoseconds per byte on the fastest link, rates are bytes/s and deadlines seconds; else t is a factor on
        the transfer costs, rates are its inverse and deadlines are in the problem's integer unit.
    """

    levels: tuple[Level, ...]
    low: Fraction
    high: Fraction
    per_byte: bool
    name: str = ""

    @cached_property
    def _fast(self) -> list[tuple[list[float], list[tuple[float, float]]]]:
        return [level.floats for level in self.levels]

    def at(self, rate: float, deadline: float) -> Choice | None:
        """The most accurate exit whose least latency at `rate` is at most `deadline`; None where none meets it.

        Of several exits of that accuracy the fastest. Decided in floats, and exactly where they come close.
        """
        if not (rate > 0 and deadline >= 0):
            raise InvalidInput(
                f"rate {rate!r} and deadline {deadline!r}; give a positive rate and a deadline, 0 or more"
            )
        unit = 1e9 if self.per_byte else 1.0
        t, ticks = unit / rate, deadline * unit
        margin = _CLOSE * ticks + 0.5
        for i, (ends, lines) in enumerate(self._fast):
            k = bisect.bisect_left(ends, t)
            fixed, slope = lines[k]
            value = fixed + slope * t
            if value > ticks + margin:
                continue
            if value > ticks - margin:
                exact = self.t_of(rate)
                k = self.levels[i].line(exact)
                if self.levels[i].lines[k].value(exact) > self.ticks(deadline):
                    continue
            level = self.levels[i]
            line = level.lines[k]
            return Choice(line.exit, level.accuracy, line.plan, value / unit, rate, deadline, self, (i, k))
        return None

    def fastest(self, rate: float) -> Choice:
        """The plan of least latency over all exits, the most accurate of them: what is left when no exit is in time."""
        t = self.t_of(rate)
        i = min(range(len(self.levels)), key=lambda i: (self.levels[i].least(t), i))
        level, k = self.levels[i], self.levels[i].line(t)
        latency = float(level.least(t) / (_NANO if self.per_byte else 1))
        return Choice(level.lines[k].exit, level.accuracy, level.lines[k].plan, latency, rate, latency, self, (i, k))

    def interval(self, at: tuple[int, int], deadline: Fraction) -> tuple[Fraction, Fraction]:
        """(a, b): line `at` = (level, line) is the answer for every t in [a, b], but at a where a better level ends."""
        i, k = at
        level = self.levels[i]
        low = level.ends[k - 1] if k else self.low
        high = level.ends[k] if k < len(level.ends) else self.high
        high = min(high, level.reach(deadline, self.high))
        return max([low, *(better.reach(deadline, self.high) for better in self.levels[:i])]), high

    def ticks(self, deadline: float) -> Fraction:
        """A deadline in the problem's integer unit: nanoseconds, rounded as limits are."""
        return Fraction(round(deadline * _NANO)) if self.per_byte else Fraction(deadline)

    def t_of(self, rate: float) -> Fraction:
        """The t of a rate, exact."""
        return (_NANO if self.per_byte else 1) / Fraction(rate)

    def rate_of(self, t: Fraction) -> float:
        """The rate of a t."""
        return float((_NANO if self.per_byte else 1) / t) if t else math.inf

    def plot(self, ax: Any = None) -> Any:
        """Draw which exit answers where: see `optsplit.plots.decisions`."""
        from optsplit.plots import decisions

        return decisions.draw(self, ax=ax)

    def save(self, path: str | Path) -> None:
        """Write the table as a JSON file."""
        ends = [(t.numerator, t.denominator) for t in (self.low, self.high)]
        levels = [(level.accuracy, level.lines) for level in self.levels]
        files.write(path, "decision_table", _Document(levels, ends[0], ends[1], self.per_byte, self.name))

    @staticmethod
    def load(path: str | Path) -> DecisionTable:
        """Read a table from a JSON file."""
        document = files.read(path, "decision_table", _Document)
        levels = tuple(Level(accuracy, tuple(lines)) for accuracy, lines in document.levels)
        return DecisionTable(
            levels, Fraction(*document.low), Fraction(*document.high), document.per_byte, document.name
        )


class _Document(msgspec.Struct):
    levels: Sequence[tuple[float, Sequence[Line]]]
    low: tuple[int, int]
    high: tuple[int, int]
    per_byte: bool
    name: str = ""


def decision_table(
    exits: Mapping[str, tuple[float, Partition]] | Partition,
    slowest: float | None = None,
    fastest: float | None = None,
) -> DecisionTable:
    """The table of a network with several exits.

    Parameters
    ----------
    exits
        A problem with exits, of which every request takes one; its own objective and its limits on latency and error
        do not matter here. Or exit -> (accuracy, the partition problem of the layers that it needs), all over one
        connection.
    slowest, fastest
        Range of bandwidth, as in `optsplit.envelope`.

    Raises
    ------
    InvalidInput
        No exit, an accuracy outside [0, 1], or a problem that `optsplit.envelope` refuses.
    """
    if isinstance(exits, Partition):
        exits = _alone(exits)
    if not isinstance(exits, Mapping):
        raise InvalidInput(f"decision table of a {type(exits).__name__}; give a Partition with exits, or one for each")
    if not exits:
        raise InvalidInput("decision table of no exits; give at least one")
    found: dict[float, list[Line]] = {}
    ranges: list[tuple[Fraction, Fraction]] = []
    kinds: dict[bool, str] = {}
    for exit, (accuracy, problem) in exits.items():
        if not 0 <= accuracy <= 1:
            raise InvalidInput(f"exit {exit!r}: accuracy is {accuracy!r}; give a number from 0 to 1")
        lines = envelope(problem, slowest, fastest)
        per = lines.weight or 1
        kinds.setdefault(lines.per_byte, exit)
        found.setdefault(accuracy, []).extend(
            Line(exit, s.fixed, s.slope, per, s.plan) for s in reversed(lines.segments)
        )
        ranges.append((lines.segments[0].low * per, lines.segments[-1].high * per))
    if len(kinds) > 1:
        raise InvalidInput(
            f"exits {kinds[True]!r} and {kinds[False]!r}: one knows bytes and the other not; build both alike"
        )
    low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
    levels = tuple(Level(accuracy, lowest(found[accuracy], low, high)) for accuracy in sorted(found, reverse=True))
    return DecisionTable(levels, low, high, per_byte=True in kinds, name=next(iter(exits.values()))[1].name)


def _alone(problem: Any) -> dict[str, tuple[float, Partition]]:
    """Each exit of a problem with its accuracy and its own problem, that of least latency."""
    if getattr(problem, "exits", None) is None:
        raise InvalidInput(f"problem {problem.name!r} has no exits; give them by exits={{layer: accuracy}}")
    limits = {name: limit for name, limit in problem.limits.items() if name not in ("latency", "error")}
    return {
        exit: (accuracy, problem.at_exit(exit).but(minimize="latency", limits=limits))
        for exit, accuracy in problem.exits.accuracy.items()
    }
