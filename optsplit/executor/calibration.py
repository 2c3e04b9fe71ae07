"""What runs measured, back into profile and link: predict, run, correct, predict again."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from optsplit.executor.connection import Connection as Session
from optsplit.executor.measured import COMPUTE, SEND, Execution
from optsplit.executor.messaging import MessageCost, with_messages
from optsplit.hardware import MBIT, Connection, Link
from optsplit.problems.partition import Partition
from optsplit.profiling.profile import Profile, Timing

Point = tuple[int, float]
SMALLEST = 1e-6
PROBES = (1 << 10, 1 << 16, 1 << 18, 1 << 20)
LONGEST = 0.5  # seconds of a probe, beyond which no larger one is sent


@dataclass(frozen=True)
class Calibration:
    """A profile and a link as they were measured.

    Parameters
    ----------
    profile
        Each layer's seconds times the measured factor of the stages that it ran in.
    links
        Measured rate and latency by arc; the latency holds the overhead of a message.
    factors
        Measured over predicted seconds by place, all its stages together.
    messages
        What messages cost a place itself, where it was measured.
    """

    profile: Profile
    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    messages: Mapping[str, MessageCost] = field(default_factory=dict)

    def connection(self, name: str = "measured") -> Connection:
        """The links between the profile's first two places, both measured."""
        home, away = self.profile.places[:2]
        return Connection(name, self.links[home, away], self.links[away, home])

    def partition(self, **options: Any) -> Partition:
        """The partition problem of what was measured: options as of `Partition.from_profile`.

        The busy time of a place has its messages, once for each tensor: where one message holds several, too much.
        """
        problem = Partition.from_profile(self.profile, self.connection(), **options)
        sizes = [tensor.bytes for tensor in self.profile.graph.tensors]
        for place, cost in self.messages.items():
            problem = with_messages(problem, place, cost, sizes)
        return problem

    def content(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "factors": dict(self.factors),
            "messages": {place: cost.content() for place, cost in self.messages.items()},
            "links": [
                {"from": a, "to": b, "mbit": link.rate / MBIT, "latency": link.latency}
                for (a, b), link in self.links.items()
            ],
        }

    def __str__(self) -> str:
        rows = [f"{place}: {factor:.3g} times the profile" for place, factor in self.factors.items()]
        rows += [f"{place}: {cost}" for place, cost in self.messages.items()]
        rows += [
            f"{a} -> {b}: {link.rate / MBIT:.4g} Mbit/s and {link.latency * 1e3:.3g} ms per message"
            for (a, b), link in self.links.items()
        ]
        return "\n".join(rows)


def calibrated(
    profile: Profile, executions: Sequence[Execution], probes: Mapping[tuple[str, str], Iterable[Point]] | None = None,
    messages: Mapping[str, MessageCost] | None = None,
) -> Calibration:  # fmt: skip
    """Correct a profile by what executions measured of it.

    A layer's seconds are multiplied by the mean factor (measured over predicted) of the stages that it ran in; a layer
    that did not run at a place, by the factor of the place; a place where nothing ran stays as it is.

    Parameters
    ----------
    profile
        Whose layers the executions ran.
    executions
        Any number, over the same places.
    probes
        Arc -> (bytes, seconds) of messages besides those of the executions, see `probe`.
    messages
        Place -> what they cost it, see `optsplit.executor.messaging.message_cost`.
    """
    timings = dict(profile.timings)
    points: dict[tuple[str, str], list[Point]] = {arc: list(found) for arc, found in (probes or {}).items()}
    factors: dict[str, float] = {}
    ratios: dict[str, dict[str, list[float]]] = {}
    sums: dict[str, list[tuple[float, float]]] = {}
    for execution in executions:
        for stage, place, seconds in _stages(execution):
            if place not in timings:
                continue
            layers = execution.stages.order[stage].layers
            own = timings[place].seconds
            told = sum(own[profile.graph.index[layer]] for layer in layers)
            if told < SMALLEST:
                continue
            sums.setdefault(place, []).append((told, seconds))
            for layer in layers:
                ratios.setdefault(place, {}).setdefault(layer, []).append(seconds / told)
        for arc, point in _messages(execution):
            points.setdefault(arc, []).append(point)
    for place, pairs in sums.items():
        factors[place] = sum(seconds for _, seconds in pairs) / sum(told for told, _ in pairs)
        by_layer = {layer: statistics.fmean(found) for layer, found in ratios[place].items()}
        row = [by_layer.get(layer.name, factors[place]) for layer in profile.graph.layers]
        timings[place] = _scaled(timings[place], row)
    links = {arc: fitted(found) for arc, found in points.items() if found}
    return Calibration(replace(profile, timings=timings), links, factors, dict(messages or {}))


def _stages(execution: Execution) -> Iterable[tuple[int, str, float]]:
    found: dict[tuple[int, str], list[float]] = {}
    for frame in execution.answered:
        for span in frame.spans:
            if span.kind == COMPUTE and span.stage is not None:
                found.setdefault((span.stage, span.where), []).append(span.seconds)
    return [(stage, place, statistics.median(values)) for (stage, place), values in found.items()]


def _messages(execution: Execution) -> Iterable[tuple[tuple[str, str], Point]]:
    found: dict[tuple[str, int], list[float]] = {}
    for frame in execution.answered:
        for span in frame.spans:
            if span.kind == SEND and span.size:
                found.setdefault((span.where, span.size), []).append(span.seconds)
    for (where, size), values in found.items():
        start, end = where.split(" -> ")
        yield (start, end), (size, statistics.median(values))


def _scaled(timing: Timing, row: Sequence[float]) -> Timing:
    def times(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(value * factor for value, factor in zip(values, row, strict=True))

    return Timing(
        seconds=times(timing.seconds),
        quantiles={q: times(values) for q, values in timing.quantiles.items()},
        source={**timing.source, "calibrated": "by stages that ran"},
    )


def fitted(points: Sequence[Point]) -> Link:
    """The rate and latency of messages by weighted least squares; one size alone gives no latency."""
    size = np.array([float(n) for n, _ in points])
    seconds = np.array([max(s, 1e-9) for _, s in points])
    if len(set(size)) == 1:
        return Link(float(size[0] / np.median(seconds)), source="measured")
    # small messages tell the latency, and large ones the rate: what a bucket lets through at once is not the rate
    slope, latency = np.polyfit(size, seconds, 1, w=1 / np.sqrt(seconds))
    if latency < 0 or slope <= 0:
        # a line through the origin: no message takes less than nothing
        return Link(float(np.median(size / seconds)), source="measured")
    return Link(float(1 / slope), float(latency), source="measured")


def probe(session: Session, home: str, away: str, repeats: int = 3) -> dict[tuple[str, str], list[Point]]:
    """(bytes, seconds) of messages of several sizes in both directions, the median of `repeats` each."""
    up, down = [], []
    for size in PROBES:
        there, back = [], []
        for _ in range(repeats):
            reply = session.ping(size, patience=60.0)
            there.append(session.here(reply.message.received) - reply.sent)
            reply = session.ping(0, size, patience=60.0)
            back.append(reply.arrived - session.here(reply.message.replied))
        up.append((size, statistics.median(there)))
        down.append((size, statistics.median(back)))
        if max(up[-1][1], down[-1][1]) > LONGEST:
            break
    return {(home, away): up, (away, home): down}
