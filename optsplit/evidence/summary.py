"""Summaries: what a method's runs on a family of instances say, in numbers and in a sentence."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optsplit.evidence.record import PERCENT, Failure, Record
from optsplit.evidence.statistics import mean_seconds
from optsplit.result import Status

SINGLE_PLACE = ("device-only", "server-only", "best-single-place")


@dataclass(frozen=True)
class Losses:
    """How much the plans that miss the best known one cost above it.

    Parameters
    ----------
    unit
        Per cent, or points where the objective is a share.
    missed
        Runs that cost more.
    mean_missed, largest, where
        Over those: the mean, the largest, and the instance of the largest.
    mean
        Over all runs with a plan, those without loss included.
    """

    unit: str
    missed: int
    mean_missed: float
    largest: float
    where: str
    mean: float


@dataclass(frozen=True)
class Summary:
    """A method on a family.

    Parameters
    ----------
    family, method, exact
        Of which runs; `method` with its options.
    instances, runs
        More runs than instances where there were several seeds.
    proven
        Runs on instances whose optimum, or infeasibility, is proven by any method.
    optimal
        Of those: runs whose plan costs the optimum, or that have no plan where there is none.
    matched
        Runs on the other instances whose plan costs as little as the best known.
    solved
        Runs that ended by their own proof.
    losses
        One for each unit; of runs with a plan and a best cost that a ratio can be taken to.
    no_ratio
        Runs that miss a best cost of 0 or less: counted, not averaged.
    failures
        Kind -> runs.
    seconds, median_seconds
        Building and solving: shifted geometric mean (see `mean_seconds`), and median.
    """

    family: str
    method: str
    exact: bool
    instances: int
    runs: int
    proven: int
    optimal: int
    matched: int
    solved: int
    losses: tuple[Losses, ...]
    no_ratio: int
    failures: Mapping[Failure, int]
    seconds: float
    median_seconds: float


def summarise(records: Iterable[Record]) -> list[Summary]:
    """One summary for each family and method, in the order of their first run; `records` are `judged`."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.family, record.label), []).append(record)
    return [_summary(family, method, rows) for (family, method), rows in groups.items()]


def _summary(family: str, method: str, rows: Sequence[Record]) -> Summary:
    proven = [r for r in rows if r.proven]
    right = [r for r in proven if r.failure is Failure.NONE and (r.best is None or r.excess == 0)]
    return Summary(
        family, method, rows[0].exact, len({r.instance for r in rows}), len(rows),
        proven=len(proven), optimal=len(right),
        matched=sum(r.excess == 0 for r in rows if not r.proven),
        solved=sum(r.solved for r in rows),
        losses=tuple(losses(rows)),
        no_ratio=sum(r.loss is None and r.excess is not None for r in rows),
        failures=dict(Counter(r.failure for r in rows if r.failure is not Failure.NONE)),
        seconds=mean_seconds(rows) or 0.0, median_seconds=statistics.median(r.seconds for r in rows),
    )  # fmt: skip


def losses(rows: Iterable[Record]) -> list[Losses]:
    """The losses of runs, for each unit."""
    units: dict[str, list[tuple[float, str]]] = {}
    for record in rows:
        if record.loss is not None:
            units.setdefault(record.loss_unit, []).append((record.loss, record.instance))
    found = []
    for unit, values in sorted(units.items()):
        missed = [(loss, name) for loss, name in values if loss > 0]
        largest, where = max(missed, default=(0.0, ""))
        mean_missed = statistics.fmean(loss for loss, _ in missed) if missed else 0.0
        found.append(
            Losses(unit, len(missed), mean_missed, largest, where, statistics.fmean(loss for loss, _ in values))
        )
    return found


def trivial(records: Iterable[Record]) -> set[str]:
    """The instances on which running everything at one place is optimal: there a heuristic proves little."""
    return {r.instance for r in records if r.method in SINGLE_PLACE and r.proven and r.excess == 0}


def duration(seconds: float) -> str:
    """A time for a reader, to three digits."""
    for scale, name in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {name}"
    return f"{seconds * 1e6:.3g} us"


def amount(value: float, unit: str) -> str:
    """A loss for a reader."""
    return (
        f"{value:.1e} {unit}" if 0 < value < 0.05 else f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    )


def sentence(heuristic: Summary, exact: Summary) -> str:
    """What follows from the numbers of a heuristic and of the exact method on the same instances."""
    runs = "instances" if heuristic.runs == heuristic.instances else f"runs on {heuristic.instances} instances"
    said = [f"optimal on {heuristic.optimal} of {heuristic.proven} {runs}"] if heuristic.proven else []
    if open_ := heuristic.runs - heuristic.proven:
        of = f"{open_} whose optimum is open" if said else f"{open_} {runs} whose optimum is open"
        said.append(f"as good as the best known plan on {heuristic.matched} of {of}")
    parts = [f"{heuristic.method} is {', and '.join(said)}"]
    missed = [each for each in heuristic.losses if each.missed]
    if missed:
        amounts = " and ".join(
            f"{amount(each.mean_missed, _unit(each))} on average, {amount(each.largest, _unit(each))} at most "
            f"({each.where})"
            for each in missed
        )
        parts.append(f"where it is not it loses {amounts}")
    if heuristic.no_ratio:
        parts.append(f"on {heuristic.no_ratio} it misses an optimum of 0 or less, which has no ratio")
    parts += [f"{kind.value} on {count}" for kind, count in heuristic.failures.items()]
    proof = f"proves its answer on {exact.solved} of {exact.runs}"
    parts.append(
        f"at the median it takes {duration(heuristic.median_seconds)}, the exact method takes "
        f"{duration(exact.median_seconds)} and {proof}"
    )
    return "; ".join(parts) + "."


def _unit(each: Losses) -> str:
    return "%" if each.unit == PERCENT else "points of accuracy"


def seed_spread(records: Iterable[Record]) -> list[tuple[str, str, int, int, int]]:
    """Where the seed changes the cost of the plan.

    Returns
    -------
    list
        (family, method, instances with several seeds, those with unequal costs, those where only some have a plan).
    """
    groups: dict[tuple[str, str], dict[str, list[int | None]]] = {}
    for record in records:
        if record.status is not Status.ERROR:
            costs = groups.setdefault((record.family, record.label), {})
            costs.setdefault(record.instance, []).append(record.objective)
    rows = []
    for (family, method), instances in groups.items():
        several = [set(costs) for costs in instances.values() if len(costs) > 1]
        if several:
            unequal = sum(len(costs - {None}) > 1 for costs in several)
            rows.append((family, method, len(several), unequal, sum(None in c and len(c) > 1 for c in several)))
    return rows
