"""Early exits: where a network may stop, how sure it must be to stop there, and what both do to a set of samples.

A *routing* says which exits are switched on and how sure a sample must be to leave at each of them. Without patterns
a routing is one exit, taken by every request. With them a sample leaves at the first exit that is switched on and
whose threshold its confidence reaches, and the last exit takes all that are left (Teerapittayanon, McDanel, Kung,
"BranchyNet", ICPR 2016).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optsplit.errors import InvalidInput, unknown

MILLION = 10**6
LARGEST_GRID = 2**20
"""Combinations of thresholds: beyond this their table would fill gigabytes."""


@dataclass(frozen=True)
class ExitPattern:
    """Samples of a calibration set that look alike to every exit.

    Parameters
    ----------
    levels
        For each exit, how many thresholds of the (rising) grid the confidence there reaches.
    correct
        For each exit, whether its answer is right.
    count
        How many samples.
    """

    levels: tuple[int, ...]
    correct: tuple[bool, ...]
    count: int


@dataclass(frozen=True)
class Exits:
    """The exits of a network, earliest first.

    Parameters
    ----------
    accuracy
        Layer whose output is the exit's answer -> share of right answers, in [0, 1], where all requests leave there.
    thresholds
        The grid of confidences from which each exit's threshold is chosen, rising.
    patterns
        A calibration set. With it exits are taken by confidence, and every metric is the mean over its samples.
    held
        Metrics that count what is switched on, whether samples come there or not (memory).

    Raises
    ------
    InvalidInput
        An accuracy outside [0, 1], a grid that does not rise, a pattern of another length.
    """

    accuracy: Mapping[str, float]
    thresholds: tuple[float, ...] = ()
    patterns: tuple[ExitPattern, ...] = ()
    held: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.accuracy:
            raise InvalidInput("exits: none is given; name at least one layer with its accuracy")
        for layer, share in self.accuracy.items():
            if not (isinstance(share, (int, float)) and math.isfinite(share) and 0 <= share <= 1):
                raise InvalidInput(f"exits: accuracy of {layer!r} is {share!r}; give a share from 0 to 1")
        object.__setattr__(self, "thresholds", tuple(map(float, self.thresholds)))
        object.__setattr__(self, "patterns", tuple(self.patterns))
        object.__setattr__(self, "held", tuple(self.held))
        if any(not a < b for a, b in itertools.pairwise(self.thresholds)):
            raise InvalidInput(f"exits: thresholds {self.thresholds} do not rise; sort them, each once")
        if self.thresholds and not self.patterns:
            raise InvalidInput("exits: thresholds without patterns; add those of a calibration set")
        for k, pattern in enumerate(self.patterns):
            self._check(k, pattern)
        if self.patterns and len(self._grid) > 0 and math.prod(self._grid) > LARGEST_GRID:
            raise InvalidInput(
                f"exits: {math.prod(self._grid)} combinations of thresholds, above {LARGEST_GRID}; "
                "give a coarser grid, or fewer exits"
            )

    def _check(self, k: int, pattern: ExitPattern) -> None:
        many = len(self.accuracy)
        if len(pattern.levels) != many or len(pattern.correct) != many:
            raise InvalidInput(
                f"exits: pattern {k} has {len(pattern.levels)} levels and {len(pattern.correct)} answers; "
                f"expected {many} of each, one per exit"
            )
        if not all(0 <= level <= len(self.thresholds) for level in pattern.levels):
            raise InvalidInput(
                f"exits: pattern {k} has levels {pattern.levels}; there are {len(self.thresholds)} thresholds, so "
                f"levels lie in 0..{len(self.thresholds)}"
            )
        if pattern.count < 1:
            raise InvalidInput(f"exits: pattern {k} stands for {pattern.count} samples; give 1 or more")

    @property
    def layers(self) -> tuple[str, ...]:
        """The layer of each exit, earliest first."""
        return tuple(self.accuracy)

    @property
    def by_confidence(self) -> bool:
        """True when each sample finds its own exit, False when one exit is chosen for all requests."""
        return bool(self.patterns)

    @property
    def errors(self) -> tuple[int, ...]:
        """Wrong answers of each exit in parts per million, where all requests leave there."""
        return tuple(round(MILLION * (1 - share)) for share in self.accuracy.values())

    @property
    def samples(self) -> int:
        """Samples behind each metric: 1 without patterns."""
        return sum(pattern.count for pattern in self.patterns) or 1

    @property
    def _grid(self) -> tuple[int, ...]:
        """How many settings each exit but the last has: off, or one of the thresholds."""
        return (len(self.thresholds) + 1,) * (len(self.accuracy) - 1)

    # --- routings -----------------------------------------------------------------------------------------------

    def alone(self, exit: str) -> Routing:
        """Every request leaves at one exit."""
        if exit not in self.accuracy:
            raise InvalidInput(unknown("exit", exit, self.accuracy))
        i = self.layers.index(exit)
        return Routing((i,), (1,), self.errors[i])

    def by_thresholds(self, thresholds: Mapping[str, float]) -> Routing:
        """Exits switched on with these thresholds; the last is always on, and needs none."""
        setting = [len(self.thresholds)] * (len(self.accuracy) - 1)
        for layer, threshold in thresholds.items():
            if layer not in self.layers[:-1]:
                raise InvalidInput(f"thresholds: {unknown('exit', layer, self.layers[:-1])} (the last takes all)")
            if threshold not in self.thresholds:
                raise InvalidInput(f"threshold of {layer!r} is {threshold!r}; the grid is {self.thresholds}")
            setting[self.layers.index(layer)] = self.thresholds.index(threshold)
        return self._routing(np.array([setting], dtype=np.int64))[0]

    def routings(self) -> tuple[Routing, ...]:
        """Every routing worth a look: of those that send as many samples to each exit, the most accurate."""
        return self._routings

    @cached_property
    def _routings(self) -> tuple[Routing, ...]:
        if not self.by_confidence:
            return tuple(self.alone(layer) for layer in self.layers)
        rows = list(itertools.product(*map(range, self._grid)))
        settings = np.array(rows, dtype=np.int64).reshape(len(rows), len(self._grid))
        best: dict[tuple[tuple[int, ...], tuple[int, ...]], Routing] = {}
        for routing in self._routing(settings):
            key = routing.exits, routing.leaving
            if key not in best or routing.error < best[key].error:
                best[key] = routing
        return tuple(best.values())

    def settings(self) -> Iterator[dict[str, float]]:
        """Every choice of thresholds, as a plan has it."""
        for setting in itertools.product(*map(range, self._grid)):
            yield self._named(setting)

    def _named(self, setting: tuple[int, ...]) -> dict[str, float]:
        off = len(self.thresholds)
        return {self.layers[i]: self.thresholds[level] for i, level in enumerate(setting) if level < off}

    def _routing(self, settings: NDArray[np.int64]) -> list[Routing]:
        """Rows of settings (R, exits - 1), the number of thresholds standing for off, as routings."""
        off, many = len(self.thresholds), len(self.accuracy)
        level = np.array([pattern.levels for pattern in self.patterns], dtype=np.int64)
        right = np.array([pattern.correct for pattern in self.patterns], dtype=bool)
        count = np.array([pattern.count for pattern in self.patterns], dtype=np.int64)
        rows = len(settings)
        left = np.ones((rows, len(count)), dtype=bool)  # samples that no earlier exit took
        leaving = np.zeros((rows, many), dtype=np.int64)
        wrong = np.zeros(rows, dtype=np.int64)
        for i in range(many):
            out = left.copy()
            if i < many - 1:
                out &= level[:, i] > settings[:, i, None]  # off is the number of thresholds, which no level exceeds
            leaving[:, i] = out @ count
            wrong += (out & ~right[:, i]) @ count
            left &= ~out
        found = []
        for row, taken, misses in zip(settings.tolist(), leaving.tolist(), wrong.tolist(), strict=True):
            on = (*(i for i in range(many - 1) if row[i] < off), many - 1)
            found.append(Routing(on, tuple(taken[i] for i in on), MILLION * misses, self._named(tuple(row))))
        return found


@dataclass(frozen=True)
class Routing:
    """Which exits are on, and what leaves there.

    Parameters
    ----------
    exits
        Positions of the exits that are switched on, rising.
    leaving
        Samples that leave at each of them.
    error
        Parts per million of all samples added up: 10^6 for each wrong answer.
    thresholds
        As a plan has them; empty where one exit takes every request.
    """

    exits: tuple[int, ...]
    leaving: tuple[int, ...]
    error: int
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """All samples."""
        return sum(self.leaving)

    @property
    def reaching(self) -> tuple[int, ...]:
        """Samples that come to each of the exits."""
        return tuple(itertools.accumulate(reversed(self.leaving)))[::-1]

    @property
    def key(self) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """What makes two routings cost the same."""
        return self.exits, self.leaving, self.error


def checked(given: Exits | Mapping[str, float] | None, layers: Mapping[str, int], tensors: object) -> Exits | None:
    """The exits given, of layers that exist; by confidence each must be an end of the network.

    `tensors` are the problem's pairs (source, readers).
    """
    if given is None:
        return None
    exits = given if isinstance(given, Exits) else Exits(dict(given))
    for layer in exits.layers:
        if layer not in layers:
            raise InvalidInput(f"exits: {unknown('layer', layer, layers)}")
    written = {source: False for source, _ in tensors}  # type: ignore[attr-defined]
    for source, readers in tensors:  # type: ignore[attr-defined]
        written[source] |= bool(readers)
    for layer in exits.layers if exits.by_confidence else ():
        if written.get(layers[layer], False):
            raise InvalidInput(
                f"exits: {layer!r} is read by other layers; exits by confidence are ends, so give the answer a layer "
                "of its own"
            )
    return exits
