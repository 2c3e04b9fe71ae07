"""Edgent's dynamic version: a map of bandwidth states made beforehand, and a detector of changes between them.

Li, Zeng, Zhou, Chen, "Edge AI: on-demand accelerating deep neural network inference via edge computing" (IEEE
Transactions on Wireless Communications, 2020). States come from historical traces; each keeps one strategy (exit and
cut). At run time a change point detector watches the measured bandwidth; at a change the nearest state's strategy is
taken, and kept until the next. Here each state keeps the best strategy that the exact table has for it, not the one
of the paper's search, so what this baseline loses is lost by states and detection alone. The detector is that of
Adams and MacKay (2007) with a normal-gamma prior; the paper names the method, not its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.decision_table import Choice, DecisionTable
from optsplit.errors import InvalidInput

_LONGEST = 200
"""Run lengths that the detector tells apart; longer ones count as this one."""


def states(history: Sequence[float], count: int) -> list[float]:
    """`count` bandwidth states of a historical trace: its quantiles."""
    if not len(history) or count < 1:
        raise InvalidInput(f"{count} states of {len(history)} samples; give at least one of each")
    found: list[float] = np.quantile(np.asarray(history), (np.arange(count) + 0.5) / count).tolist()
    return list(dict.fromkeys(found))


@dataclass
class ChangePoints:
    """Bayesian online detection of changes of mean and variance (Adams and MacKay 2007), on log samples.

    Parameters
    ----------
    hazard
        Chance of a change at each sample.
    spread
        Standard deviation of log samples within a state, as far as the prior knows.
    """

    hazard: float = 0.02
    spread: float = 0.2
    _log_run: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._log_run = np.zeros(1)
        self._centre: float | None = None
        self._statistics = np.empty((0, 4))
        self.run = 0

    def observe(self, sample: float) -> bool:
        """Take a sample; True where the most probable run is shorter than one more than before: a change."""
        x = math.log(sample)
        if self._centre is None:
            self._centre = x
            self._statistics = self._prior()
        mean, kappa, alpha, beta = self._statistics.T
        density = _student(x, mean, beta * (kappa + 1) / (alpha * kappa), 2 * alpha)
        joint = self._log_run + density
        grown = joint + math.log1p(-self.hazard)
        new = np.logaddexp.reduce(joint) + math.log(self.hazard)
        self._log_run = np.concatenate([[new], grown])
        self._log_run -= np.logaddexp.reduce(self._log_run)
        after = np.stack(
            [
                (kappa * mean + x) / (kappa + 1),
                kappa + 1,
                alpha + 0.5,
                beta + kappa * (x - mean) ** 2 / (2 * kappa + 2),
            ],
            axis=1,
        )
        self._statistics = np.concatenate([self._prior(), after])
        if len(self._log_run) > _LONGEST + 1:
            oldest = np.logaddexp(self._log_run[-2], self._log_run[-1])
            self._log_run = np.append(self._log_run[:-2], oldest)
            self._statistics = np.delete(self._statistics, -2, axis=0)
        before, self.run = self.run, int(self._log_run.argmax())
        return self.run < min(before + 1, _LONGEST)

    @property
    def mean(self) -> float:
        """The level of the most probable run, in the samples' unit."""
        return math.exp(float(self._statistics[self.run, 0]))

    def _prior(self) -> NDArray[np.float64]:
        # a weak mean around the first sample, and about one sample's worth of variance
        return np.array([[self._centre, 0.05, 1.0, self.spread**2]])


def _student(
    x: float, mean: NDArray[np.float64], scale: NDArray[np.float64], freedom: NDArray[np.float64]
) -> NDArray[np.float64]:
    gamma = np.array([math.lgamma((f + 1) / 2) - math.lgamma(f / 2) for f in freedom])
    density: NDArray[np.float64] = (
        gamma
        - 0.5 * np.log(freedom * math.pi * scale)
        - (freedom + 1) / 2 * np.log1p((x - mean) ** 2 / (freedom * scale))
    )
    return density


class StateMap:
    """One deadline's map from states to strategies, followed along a trace.

    Parameters
    ----------
    table
        Where each state's strategy comes from.
    deadline
        Seconds.
    levels
        The states, in bytes/s.
    """

    def __init__(self, table: DecisionTable, deadline: float, levels: Iterable[float]) -> None:
        self.states = sorted(levels)
        if not self.states:
            raise InvalidInput("a map of no states; give at least one bandwidth")
        self.strategies = [table.at(state, deadline) or table.fastest(state) for state in self.states]
        self.detector = ChangePoints()
        self._current: int | None = None

    def nearest(self, rate: float) -> int:
        """The position of the nearest state."""
        return min(range(len(self.states)), key=lambda i: abs(self.states[i] - rate))

    def choose(self, measured: float) -> Choice:
        """The strategy after one more measured bandwidth: another one only where the detector sees a change."""
        changed = self.detector.observe(measured)
        if changed or self._current is None:
            self._current = self.nearest(self.detector.mean)
        return self.strategies[self._current]
