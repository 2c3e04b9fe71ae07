"""Statistics over many runs: performance profiles, shifted geometric means, gaps over time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optsplit.errors import InvalidInput
from optsplit.evidence.record import Failure, Record

SHIFT = 0.01
"""Seconds added before the logarithm of a time.

Mittelmann's benchmarks take 10 s, for solves of minutes and hours. Here most take 0.1 to 100 ms: 10 s would hide every
difference, and no shift would let the tenths of a millisecond of the easiest instances weigh as much as the seconds of
the hard ones. At 10 ms, what is faster than a frame of a camera counts as about equal.
"""

RESOLUTION = 1e-6
"""Seconds: shorter times are taken as this, so that a ratio of two times never has a zero."""

Costs = npt.NDArray[np.float64]


def shifted_geometric_mean(values: Sequence[float], shift: float = SHIFT) -> float:
    """exp(mean(log(value + shift))) - shift; infinite values make it infinite.

    Raises
    ------
    InvalidInput
        No values, or one that is not above -shift.
    """
    given = np.asarray(values, dtype=float)
    if given.size == 0:
        raise InvalidInput("a mean of no values; give at least one")
    if not (given + shift > 0).all():
        raise InvalidInput(f"value {given.min():g} with shift {shift:g} has no logarithm; take a larger shift")
    return float(np.exp(np.log(given + shift).mean()) - shift)


@dataclass(frozen=True)
class PerformanceProfile:
    """On which share of the instances a method is within a factor of the best one (Dolan and Moré, 2002).

    Parameters
    ----------
    instances
        How many.
    ratios
        Method -> its finite ratios to the best method of the instance, ascending; what is missing failed.
    """

    instances: int
    ratios: Mapping[str, tuple[float, ...]]

    def share(self, method: str, factor: float) -> float:
        """The share of the instances on which the method is within `factor` of the best."""
        return float(np.searchsorted(self.ratios[method], factor * (1 + 1e-12), side="right")) / self.instances

    def steps(self, method: str) -> tuple[list[float], list[float]]:
        """Where the step function rises: factors, and the share from each on."""
        factors, counts = np.unique(np.asarray(self.ratios[method], dtype=float), return_counts=True)
        return factors.tolist(), (np.cumsum(counts) / self.instances).tolist()


def performance_profile(costs: Mapping[str, Sequence[float]]) -> PerformanceProfile:
    """The performance profile of several methods on the same instances.

    Parameters
    ----------
    costs
        Method -> its cost on each instance, all positive; infinite where it failed. An instance on which all fail
        counts against all.

    Raises
    ------
    InvalidInput
        No methods or instances, lists of different lengths, or a cost that is not positive.
    """
    lengths = {method: len(values) for method, values in costs.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise InvalidInput(f"a profile compares methods on the same instances, at least one; they have {lengths}")
    table = np.array([list(values) for values in costs.values()], dtype=float)
    if not (table > 0).all():  # also refuses NaN
        raise InvalidInput(f"cost {table.min():g} in a performance profile; every cost must be positive, inf if failed")
    best = table.min(axis=0)
    solved = np.isfinite(best)
    ratios = {
        method: tuple(sorted((row[solved] / best[solved])[np.isfinite(row[solved])].tolist()))
        for method, row in zip(costs, table, strict=True)
    }
    return PerformanceProfile(table.shape[1], ratios)


def seconds_to_proof(record: Record) -> float:
    """Seconds of a run that ended by its own proof, else infinite."""
    return max(record.seconds, RESOLUTION) if record.solved else math.inf


def cost_of_plan(record: Record) -> float:
    """Objective of a run's plan, infinite without one."""
    return math.inf if record.objective is None else float(record.objective)


def by_instance(
    records: Iterable[Record], cost: Callable[[Record], float], methods: Sequence[str] | None = None
) -> dict[str, list[float]]:
    """Method -> its cost on each instance that all of the methods were run on: the median over seeds.

    Parameters
    ----------
    records
        Runs; methods are told apart by `Record.label`.
    cost
        Such as `seconds_to_proof` or `cost_of_plan`.
    methods
        Labels; by default those with runs on every instance (`everywhere`).
    """
    records = list(records)
    cells: dict[tuple[str, str], list[float]] = {}
    instances: dict[str, set[str]] = {}
    for record in records:
        cells.setdefault((record.label, record.instance), []).append(cost(record))
        instances.setdefault(record.label, set()).add(record.instance)
    chosen = everywhere(records) if methods is None else list(methods)
    shared = set.intersection(*(instances.get(method, set()) for method in chosen)) if chosen else set()
    ordered = sorted(shared)
    # of an even number of seeds the upper of the two middle ones, so that a median is never half a failure
    return {method: [statistics.median_high(cells[method, name]) for name in ordered] for method in chosen}


def everywhere(records: Iterable[Record]) -> list[str]:
    """The labels of the methods that have runs on every instance of the records."""
    ran: dict[str, set[str]] = {}
    for record in records:
        ran.setdefault(record.label, set()).add(record.instance)
    every = set().union(*ran.values())
    return [label for label, instances in ran.items() if instances == every]


def positive(costs: Mapping[str, Sequence[float]]) -> tuple[dict[str, list[float]], int]:
    """The costs without the instances on which one of them is not positive, and how many those are.

    A ratio to a cost of 0, such as an error of 0 or no bytes sent, has no meaning.
    """
    table = np.array([list(values) for values in costs.values()], dtype=float)
    keep = (table > 0).all(axis=0)
    return {m: row[keep].tolist() for m, row in zip(costs, table, strict=True)}, int((~keep).sum())


def mean_seconds(records: Iterable[Record], shift: float = SHIFT) -> float | None:
    """Shifted geometric mean of the times of runs; None without runs.

    An error and a time limit without plan count as the whole limit. A heuristic that ends by itself without a plan
    counts with the time that it took: its failure is counted, and it did not wait for a limit.
    """
    times = [
        max(r.seconds, r.time_limit or 0.0) if r.failure in (Failure.TIME, Failure.ERROR) else r.seconds
        for r in records
    ]
    return shifted_geometric_mean(times, shift) if times else None
