"""The optimal partition for every bandwidth: a concave lower envelope of lines, by Eisner and Severance (1976).

With s = seconds per byte the latency of one plan is the line fixed + slope * s, so the least latency over all plans
is concave and piecewise linear in s. Solve at both ends; where the two lines meet, solve again: a new line below
splits the interval, none below proves the breakpoint. One cut finds each line and one confirms each breakpoint.
Every breakpoint is a fraction of integers, and every cut is solved in integers at exactly that fraction.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from optsplit import files
from optsplit.algorithms.mincut import CutNetwork
from optsplit.errors import InvalidInput
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import BRANCHES, Partition, PartitionPlan


@dataclass(frozen=True)
class Segment:
    """A plan that is optimal for every s in [low, high]: its value there is `fixed` + `slope` * s."""

    plan: PartitionPlan
    fixed: int
    slope: int
    low: Fraction
    high: Fraction

    def value(self, s: Fraction | float) -> Fraction | float:
        """The value of this plan at s."""
        return self.fixed + self.slope * s


@dataclass(frozen=True)
class Envelope:
    """The optimal plans of a problem over a range of s, in order of s.

    For a problem built from a profile, s is nanoseconds per unit of the metric "traffic", of which a byte on the
    fastest link makes `weight`; `at` takes that link's bytes per second. For a problem given in plain numbers, s
    multiplies the transfer costs: 1 is the problem itself.

    Parameters
    ----------
    segments
        One plan each; neighbours meet at the breakpoints.
    cuts
        How many minimum cuts it took.
    weight
        Traffic of one byte on the fastest link; 0 when s is a factor.
    """

    segments: tuple[Segment, ...]
    cuts: int
    weight: int
    name: str = ""

    @property
    def per_byte(self) -> bool:
        """True when s is a time per byte, so that `at` applies."""
        return self.weight > 0

    @property
    def breakpoints(self) -> tuple[Fraction, ...]:
        """The values of s where the optimal plan changes."""
        return tuple(segment.low for segment in self.segments[1:])

    @cached_property
    def _ends(self) -> list[float]:
        return [float(segment.high) for segment in self.segments[:-1]]

    @cached_property
    def _rates(self) -> list[float]:
        return [1e9 / (float(s) * self.weight) if s else math.inf for s in reversed(self.breakpoints)]

    def at_s(self, s: float) -> Segment:
        """The optimal segment at s, by bisection; beyond the range, that of the nearer end."""
        return self.segments[bisect.bisect_left(self._ends, s)]

    def at(self, rate: float) -> Segment:
        """The optimal segment when the fastest link carries `rate` bytes per second."""
        if not self.per_byte:
            raise InvalidInput("this envelope is over a factor of the transfer costs; use at_s(factor)")
        if not rate > 0:
            raise InvalidInput(f"rate is {rate!r} bytes/s; give a positive number")
        return self.segments[-1 - bisect.bisect_left(self._rates, rate)]

    def plot(self, ax: Any = None) -> Any:
        """Draw the least value over bandwidth: see `optsplit.plots.envelope`."""
        from optsplit import plots

        return plots.envelope(self, ax=ax)

    def _repr_html_(self) -> str:
        from optsplit import html

        return html.envelope(self)

    def save(self, path: str | Path) -> None:
        """Write the envelope as a JSON file: all that a runtime needs to follow the bandwidth."""
        rows = [(s.plan, s.fixed, s.slope, str(s.low), str(s.high)) for s in self.segments]
        files.write(path, "envelope", _Document(rows, self.cuts, self.weight, self.name))

    @staticmethod
    def load(path: str | Path) -> Envelope:
        """Read an envelope from a JSON file."""
        document = files.read(path, "envelope", _Document)
        segments = tuple(
            Segment(plan, fixed, slope, Fraction(low), Fraction(high))
            for plan, fixed, slope, low, high in document.segments
        )
        return Envelope(segments, document.cuts, document.weight, document.name)


class _Document(msgspec.Struct):
    # fractions as "p/q": their parts may be longer than the integers of a JSON reader
    segments: list[tuple[PartitionPlan, int, int, str, str]]
    cuts: int
    weight: int
    name: str = ""


@dataclass(frozen=True)
class _Line:
    at: IntArray
    fixed: int
    slope: int

    def below(self, other: _Line, s: Fraction) -> bool:
        # (fixed + slope * s) compared in integers
        num, den = s.numerator, s.denominator
        return self.fixed * den + self.slope * num < other.fixed * den + other.slope * num


def parts(problem: Partition) -> tuple[Costs, Costs, int]:
    """(fixed, slope, weight): costs that do not change with bandwidth, those that grow with s, `Envelope.weight`."""
    if {"fixed_latency", "traffic", "bytes"} <= set(problem.metrics) and problem.objectives == ("latency",):
        traffic, size = problem.costs("traffic"), problem.costs("bytes").transfer
        sent = size > 0
        weight = int((traffic.transfer[sent] // size[sent]).min()) if sent.any() else 1
        return problem.costs("fixed_latency"), traffic, weight
    whole = problem.costs(problem.objectives[0])
    still, way = np.zeros_like(whole.compute), np.zeros_like(whole.transfer)
    ends = np.zeros_like(whole.send)
    return (
        Costs(whole.compute, way, ends, ends, whole.unit),
        Costs(still, whole.transfer, whole.send, whole.receive, whole.unit),
        0,
    )


def envelope(problem: Partition, slowest: float | None = None, fastest: float | None = None) -> Envelope:
    """The optimal plan for every bandwidth.

    Parameters
    ----------
    problem
        What the method "mincut" takes: two places, one metric, no limits, no groups. From a profile: the metric must
        be "latency".
    slowest, fastest
        Range of the fastest link's rate in bytes/s, default 125 (1 kbit/s) to 1.25e10 (100 Gbit/s). For a problem in
        plain numbers: range of the factor 1/s on bandwidth, default 1/1000 to 1000.

    Raises
    ------
    InvalidInput
        The problem has anything else (limits, several metrics, places or exits, groups), or no plan at all.
    """
    if not isinstance(problem, Partition):
        raise InvalidInput(f"envelope of a {type(problem).__name__}; give an optsplit.Partition")
    if refused := sorted(problem.features - {BRANCHES}):
        raise InvalidInput(f"envelope does not take {', '.join(refused)}; solve the problem at each bandwidth instead")
    fixed, slope, weight = parts(problem)
    unit = Fraction(10**9, weight) if weight else Fraction(1)
    slowest = (125.0 if weight else 1e-3) if slowest is None else slowest
    fastest = (1.25e10 if weight else 1e3) if fastest is None else fastest
    if not 0 < slowest < fastest < math.inf:
        raise InvalidInput(f"bandwidth from {slowest!r} to {fastest!r}; give two positive numbers, the slower first")
    low, high = unit / Fraction(fastest), unit / Fraction(slowest)
    low, high = (s.limit_denominator(max(10**4, int(10**4 / s))) for s in (low, high))
    solver = _Solver(problem, fixed, slope)
    lines = solver.between(low, high)
    segments = []
    for i, line in enumerate(lines):
        start = low if i == 0 else _meet(lines[i - 1], line)
        end = high if i == len(lines) - 1 else _meet(line, lines[i + 1])
        if start == end and len(lines) > 1:
            continue  # optimal at an end of the range only, and there tied with its neighbour
        segments.append(Segment(problem.plan(line.at), line.fixed, line.slope, start, end))
    return Envelope(tuple(segments), solver.cuts, weight, problem.name)


def _meet(a: _Line, b: _Line) -> Fraction:
    return Fraction(b.fixed - a.fixed, a.slope - b.slope)


class _Solver:
    def __init__(self, problem: Partition, fixed: Costs, slope: Costs) -> None:
        # bytes of float32 tensors share a factor; without it the exact sums below stay small
        shared = (
            int(np.gcd.reduce(np.concatenate([p.ravel() for p in (slope.transfer, slope.send, slope.receive)]))) or 1
        )
        self.shared = shared
        self.problem, self.fixed = problem, fixed
        self.slope = Costs(
            slope.compute, slope.transfer // shared, slope.send // shared, slope.receive // shared, slope.unit
        )
        self.network = CutNetwork(problem)
        self.cuts = 0

    def line(self, s: Fraction) -> _Line:
        """The line of an optimal plan at s."""
        s = s * self.shared
        self.cuts += 1
        cut = self.network.cut(self.fixed.plus(self.slope, weight=s.numerator, scale=s.denominator))
        if cut.at is None:
            raise InvalidInput(f"problem {self.problem.name!r} has no plan: pins, links and one_way exclude each other")
        way = self.problem.ways(cut.at)
        fixed, slope = (self.problem.price(cut.at, costs, way) for costs in (self.fixed, self.slope))
        return _Line(cut.at, fixed, slope * self.shared)

    def between(self, low: Fraction, high: Fraction) -> list[_Line]:
        """Every line of the envelope from low to high, by falling slope."""
        first, last = self.line(low), self.line(high)
        if first.slope <= last.slope:
            # the line that is lowest at `low` does not rise faster: it is lowest everywhere
            return [first]
        return [first, *self._inside(first, last), last]

    def _inside(self, left: _Line, right: _Line) -> list[_Line]:
        middle = self.line(_meet(left, right))
        if not middle.below(left, _meet(left, right)):
            return []
        return [*self._inside(left, middle), middle, *self._inside(middle, right)]
