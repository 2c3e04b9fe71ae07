"""Reports: results, plans, profiles and envelopes as rows of plain data, for tables and JSON alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optsplit.errors import InvalidInput
from optsplit.problems.exits import MILLION
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR
from optsplit.problems.routed import Routed, chosen
from optsplit.profiling.profile import Profile
from optsplit.result import Conflict, Result, Status, quantity

if TYPE_CHECKING:
    from optsplit.algorithms.envelope import Envelope

MIB = 2.0**20
MBIT_PER_S = 8000.0
"""Mbit/s of a link that takes one nanosecond per byte."""


@dataclass(frozen=True)
class ComparisonRow:
    """One method among others.

    Parameters
    ----------
    method, status
        As in the result.
    objective
        In the problem's integer units; None without a plan.
    unit
        Of the objective.
    loss
        (objective - best) / max(|best|, 1), where best is the largest bound that any of the methods proved: the
        optimum where one of them closed its gap. None without a plan or a proven bound.
    gap
        The method's own gap; None where it claims no bound.
    build_seconds, solve_seconds
        As in the result.
    """

    method: str
    status: Status
    objective: int | None
    unit: str
    loss: float | None
    gap: float | None
    build_seconds: float
    solve_seconds: float


def best_bound(results: Iterable[Result]) -> int | None:
    """The largest bound that any of the results proved for their problem."""
    return max((result.bound for result in results if result.bound is not None), default=None)


def comparison(results: Sequence[Result]) -> list[ComparisonRow]:
    """One row for each result, all of one problem, in their order."""
    best = best_bound(results)
    rows = []
    for result in results:
        known = result.objective is not None and best is not None
        loss = (result.objective - best) / max(abs(best), 1) if known else None  # type: ignore[operator, arg-type]
        unit = result.units.get(result.minimize[0], "") if result.minimize else ""
        rows.append(
            ComparisonRow(
                result.method, result.status, result.objective, unit, loss, result.gap,
                result.build_seconds, result.solve_seconds,
            )
        )  # fmt: skip
    return rows


def accuracy(result: Result) -> float | None:
    """The share of right answers that a result's plan expects, or None where that is not known."""
    error = result.metrics.get(ERROR)
    return None if error is None else max(0.0, 1 - error / MILLION)


@dataclass(frozen=True)
class Run:
    """Layers that follow one another in topological order and run at one place."""

    place: str
    first: str
    last: str
    layers: int


@dataclass(frozen=True)
class Crossing:
    """A tensor on its way between two places.

    `bytes` is None where the problem has no metric "bytes"; `cost` is what it adds to the latency, or to the first
    objective where the problem has no metric "latency", in `unit`. By confidence both are means over the samples,
    rounded up. `bits` is None where there is no choice of precisions.
    """

    tensor: str
    start: str
    end: str
    bytes: int | None
    cost: int
    unit: str
    bits: int | None = None


@dataclass(frozen=True)
class PlanSummary:
    """Where the layers run, and what is sent."""

    layers: dict[str, int]
    runs: tuple[Run, ...]
    crossings: tuple[Crossing, ...]
    metrics: dict[str, int]


def plan_summary(problem: Partition, plan: PartitionPlan) -> PlanSummary:
    """The plan as runs of layers, the tensors that cross, and every metric.

    Raises
    ------
    InvalidInput
        The plan is not one of this problem.
    """
    metrics = dict(problem.evaluate(plan).metrics)
    routed = None if problem.exits is None else problem.routed(chosen(problem, plan))
    plain, inner = (problem, plan) if routed is None else (routed.problem, routed.inner(plan))
    at = plain.positions(inner)
    runs: list[Run] = []
    for i in plain.order:
        place, layer = plain.places[at[i]], plain.layers[i]
        if runs and runs[-1].place == place:
            runs[-1] = Run(place, runs[-1].first, layer, runs[-1].layers + 1)
        else:
            runs.append(Run(place, layer, layer, 1))
    counts = {place: int((at == p).sum()) for p, place in enumerate(plain.places)}
    return PlanSummary(counts, tuple(runs), tuple(_crossings(problem, plan, plain, inner, routed)), metrics)


def _crossings(
    problem: Partition, plan: PartitionPlan, plain: Partition, inner: PartitionPlan, routed: Routed | None
) -> list[Crossing]:
    """Each tensor and way once, whatever copies of it the plain problem has."""
    metric = "latency" if "latency" in plain.metrics else plain.objectives[0]
    way = plain.ways(plain.positions(inner))
    variant = plain.chosen(inner, way)
    costs = plain.sent(metric, variant)
    sizes = plain.sent("bytes", variant).transfer if "bytes" in plain.metrics else None
    at = plain.positions(inner)
    totals: dict[tuple[str, str, str], list[int]] = {}
    for t, q in zip(*(array.tolist() for array in way), strict=True):
        p = int(at[plain.sources[t]])
        name = problem.tensor_names[t if routed is None else routed.tensors[t]]
        found = totals.setdefault((name, plain.places[p], plain.places[q]), [0, 0])
        found[0] += 0 if sizes is None else int(sizes[p, q, t])
        found[1] += int(costs.crossing(p, q)[t])
    mean = (lambda total: total) if routed is None else routed.mean
    return [
        Crossing(
            *key, None if sizes is None else mean(size), mean(cost), plain.metrics[metric].unit, plan.bits.get(key[0])
        )
        for key, (size, cost) in totals.items()
    ]


@dataclass(frozen=True)
class PlaceRow:
    """One place of a profile: seconds of all layers added up, of the whole network, and their ratio."""

    place: str
    layers_seconds: float
    whole_seconds: float | None
    ratio: float | None
    source: dict[str, str]


@dataclass(frozen=True)
class NetworkSummary:
    """A profiled network in a few numbers; `kinds` counts the layers of each kind, most frequent first."""

    name: str
    grain: str
    layers: int
    tensors: int
    flops: int
    weight_bytes: int
    kinds: dict[str, int]
    places: tuple[PlaceRow, ...]


def network_summary(profile: Profile) -> NetworkSummary:
    """The network of a profile, and its times."""
    graph = profile.graph
    kinds, counts = np.unique([layer.kind for layer in graph.layers], return_counts=True)
    ranked = sorted(zip(counts.tolist(), kinds.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
    return NetworkSummary(
        graph.name, graph.grain, len(graph.layers), len(graph.tensors), graph.flops, graph.weight_bytes,
        {kind: count for count, kind in ranked},
        tuple(
            PlaceRow(place, sum(timing.seconds), timing.whole, timing.ratio, dict(timing.source))
            for place, timing in profile.timings.items()
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class EnvelopeRow:
    """One plan and the bandwidths for which it is optimal.

    Parameters
    ----------
    slowest, fastest
        Mbit/s of the faster direction of the link; a factor on bandwidth where the problem knows no bytes.
    layers
        How many layers run at each place.
    at_slowest, at_fastest
        The objective at both ends, in the problem's integer units.
    slope
        What the objective gains for each nanosecond per byte: the bytes sent, weighted by the link's direction.
    """

    slowest: float
    fastest: float
    layers: dict[str, int]
    at_slowest: float
    at_fastest: float
    slope: int


def envelope_rows(envelope: Envelope) -> list[EnvelopeRow]:
    """One row for each optimal plan, from the slowest link to the fastest."""
    scale = MBIT_PER_S / envelope.weight if envelope.per_byte else 1.0
    rows = []
    for segment in reversed(envelope.segments):
        if not segment.low > 0:
            raise InvalidInput("the envelope reaches an infinite bandwidth; give the fastest link a finite rate")
        counts: dict[str, int] = {}
        for place in segment.plan.assignment.values():
            counts[place] = counts.get(place, 0) + 1
        rows.append(
            EnvelopeRow(
                scale / float(segment.high), scale / float(segment.low), counts,
                float(segment.value(segment.high)), float(segment.value(segment.low)), segment.slope,
            )
        )  # fmt: skip
    return rows


def infeasibility(problem: Partition, result: Result) -> str:
    """Why an infeasible problem has no plan, and what to relax."""
    if not result.conflicts:
        return f"{problem.name}: no plan obeys the pins, links and directions, whatever the limits; relax a pin"
    parts = [_conflict(conflict) for conflict in result.conflicts]
    which = "the limit is too tight" if len(parts) == 1 else "these limits conflict; relax one of them"
    if any(conflict.best is None for conflict in result.conflicts):
        # the search for the conflict was cut short: the set may hold limits that do no harm
        which += ", with more time for what is not settled"
    return f"{problem.name}: no plan exists: {which}: {'; '.join(parts)}"


def _conflict(conflict: Conflict) -> str:
    # an error is what a reader limits as an accuracy
    accurate = conflict.metric == ERROR

    def value(number: int) -> str:
        return f"{100 * (1 - number / MILLION):.6g} %" if accurate else quantity(number, conflict.unit)

    best = "least value not settled"
    if conflict.best is not None:
        best = f"at {'most' if accurate else 'least'} {value(conflict.best)} with the other limits"
    name = "accuracy >=" if accurate else f"{conflict.metric} <="
    return f"{name} {value(conflict.limit)} ({best})"
