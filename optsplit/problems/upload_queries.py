"""Queries while the weights travel: a simulation that prices any order, and so checks the closed forms.

A query that starts at time t takes L of what is uploaded at t. `UploadOrder.evaluate` has two closed forms: the
integral of L over the horizon, which is the horizon times the mean latency of queries that ask at random times; and
the number of queries, asked back to back, that finish within it. Here each query is followed one by one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile

from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import UploadOrder, UploadPlan


@dataclass(frozen=True)
class Query:
    """One query, in nanoseconds since the upload began: asked, started, answered."""

    asked: int
    start: int
    end: int

    @property
    def latency(self) -> int:
        """From its start to its answer."""
        return self.end - self.start

    @property
    def response(self) -> int:
        """From being asked to its answer, waiting included."""
        return self.end - self.asked


@dataclass(frozen=True)
class Traffic:
    """The queries asked during the first `horizon` nanoseconds of an upload, in order."""

    queries: tuple[Query, ...]
    horizon: int

    @property
    def finished(self) -> int:
        """Queries answered within the horizon."""
        return sum(query.end <= self.horizon for query in self.queries)

    @property
    def mean_latency(self) -> float | None:
        """Mean of the latencies; None without a query."""
        return sum(q.latency for q in self.queries) / len(self.queries) if self.queries else None

    @property
    def mean_response(self) -> float | None:
        """Mean of the response times; None without a query."""
        return sum(q.response for q in self.queries) / len(self.queries) if self.queries else None


class Latencies:
    """The latency at each moment of an upload, asked for at moments that do not go back."""

    def __init__(self, problem: UploadOrder, plan: UploadPlan) -> None:
        self._steps = problem.curve(plan)
        self._at = 0

    def at(self, moment: int) -> int:
        """L of what is uploaded at `moment`, nanoseconds since the upload began."""
        while self._at + 1 < len(self._steps) and self._steps[self._at + 1][0] <= moment:
            self._at += 1
        return self._steps[self._at][1]


def simulate(
    problem: UploadOrder, plan: UploadPlan, asked: Iterable[int], *, waiting: bool = True, horizon: int | None = None
) -> Traffic:
    """Follow queries asked at given times, which ascend.

    Parameters
    ----------
    problem, plan
        Any plan of the problem, with or without batches.
    asked
        Nanoseconds since the upload began; those at or behind the horizon are left out.
    waiting
        Whether a query waits until those before it are answered. Without, each starts when it is asked, as if the
        others were not there: the mean latency is then a sample of the integral.
    horizon
        Default `problem.horizon`.
    """
    end = problem.horizon if horizon is None else horizon
    latencies, queries, free = Latencies(problem, plan), list[Query](), 0
    for moment in takewhile(lambda moment: moment < end, asked):
        if queries and moment < queries[-1].asked:
            raise InvalidInput(f"query asked at {moment} ns after one at {queries[-1].asked} ns; give ascending times")
        start = max(moment, free) if waiting else moment
        free = start + latencies.at(start)
        queries.append(Query(moment, start, free))
    return Traffic(tuple(queries), end)


def back_to_back(problem: UploadOrder, plan: UploadPlan, *, horizon: int | None = None) -> Traffic:
    """Each query is asked when the one before it is answered, the first one at once."""
    end = problem.horizon if horizon is None else horizon
    latencies, queries, clock = Latencies(problem, plan), list[Query](), 0
    while clock < end:
        latency = latencies.at(clock)
        if latency == 0:
            raise InvalidInput(f"a query at {clock} ns takes no time; back to back there would be no end of them")
        queries.append(Query(clock, clock, clock + latency))
        clock += latency
    return Traffic(tuple(queries), end)


def periodic(period: int, first: int = 0) -> Iterator[int]:
    """Times of queries asked every `period` nanoseconds."""
    if period < 1 or first < 0:
        raise InvalidInput(f"queries every {period} ns from {first} ns on; give a period of 1 or more, from 0 or later")
    return count(first, period)


def poisson(mean: float, seed: int = 0) -> Iterator[int]:
    """Times of queries asked at random, `mean` nanoseconds apart on average: a Poisson process."""
    if not mean >= 1:
        raise InvalidInput(f"queries {mean!r} ns apart on average; give 1 or more")
    return _poisson(mean, random.Random(seed))


def _poisson(mean: float, rng: random.Random) -> Iterator[int]:
    clock = 0.0
    while True:
        clock += rng.expovariate(1 / mean)
        yield int(clock)
