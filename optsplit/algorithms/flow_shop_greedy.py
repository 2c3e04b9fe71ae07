"""Iterated greedy: good sequences where a beam of partial ones misleads.

Source: Ruiz and Stützle, "A simple and effective iterated greedy algorithm for the permutation flowshop scheduling
problem", EJOR 177, 2007: take some jobs out at random, put each back where it is best, improve by moves of single jobs,
and accept what is worse now and then.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from optsplit.algorithms.flow_shop_insertion import makespans
from optsplit.problems.flow_shop import FlowShop

_OUT = 2
"""Jobs taken out of a sequence; published with 4, but two or three are better beside a local search as thorough."""

_TEMPERATURE = 0.04
"""Of the mean time of an operation, as published (0.4 over 10)."""


class IteratedGreedy:
    """A sequence that wanders, and the best one it met.

    Parameters
    ----------
    problem, sequence
        Where to start.
    seed
        Of the random choices: the same seed gives the same walk.
    stop
        Asked before each move; once True, the walk stays where it is.
    """

    def __init__(self, problem: FlowShop, sequence: Sequence[int], seed: int, stop: Callable[[], bool]) -> None:
        self.problem, self.stop = problem, stop
        self.rng = random.Random(seed)
        self.heat = max(1.0, _TEMPERATURE * float(problem.times.mean()))
        self.sequence = self.current = list(sequence)
        self.best = self.value = problem.evaluate(problem.plan(sequence)).objective

    def step(self) -> None:
        """Take jobs out, put them back, improve, and accept or not."""
        tried = list(self.current)
        out = [tried.pop(self.rng.randrange(len(tried))) for _ in range(min(_OUT, len(tried)))]
        found = 0
        for job in out:
            found = self._put(tried, job)
        tried, found = self._settled(tried, found)
        if found <= self.value or self.rng.random() < math.exp((self.value - found) / self.heat):
            self.current, self.value = tried, found
        if found < self.best:
            self.sequence, self.best = tried, found

    def _put(self, sequence: list[int], job: int) -> int:
        """Put a job where the makespan is least, any of several such places; returns that makespan."""
        prices = makespans(self.problem, sequence, job)
        least = int(prices.min())
        sequence.insert(self.rng.choice((prices == least).nonzero()[0].tolist()), job)
        return least

    def _settled(self, sequence: list[int], value: int) -> tuple[list[int], int]:
        """Move single jobs, each in turn, until a whole round helps no more."""
        improved = True
        while improved:
            improved = False
            for job in self.rng.sample(sequence, len(sequence)):
                if self.stop():
                    return sequence, value
                rest = [j for j in sequence if j != job]
                found = self._put(rest, job)
                if found <= value:
                    improved |= found < value
                    sequence, value = rest, found
        return sequence, value
