"""UploadOrder: in which order weights go to an empty server. Frozen integer data and `evaluate`, the specification.

The one problem whose price needs an algorithm: L(S), the least latency with the units S on the server, is by its
definition a minimum cut. It is asked of `optsplit.algorithms.upload_cut` in `latency`, `least` and `horizon`, nowhere
else, and kept by set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import refuse_duplicates
from optsplit.problems import upload_reading as reading
from optsplit.problems.evaluation import Evaluation
from optsplit.problems.partition import BRANCHES, Partition

if TYPE_CHECKING:
    from optsplit.algorithms.upload_cut import UploadCut
    from optsplit.hardware import Connection
    from optsplit.profiling.profile import Profile

SHARED = "shared weights"
QUERIES = "queries objective"
INTEGRAL = "integral"
LOST = "lost_queries"

Upload = Sequence[int] | Mapping[str, tuple[int, Sequence[int | str]]]


class UploadPlan(msgspec.Struct, frozen=True, tag="upload"):
    """The units in the order in which they are sent, and sizes of batches where units count only batch by batch."""

    order: list[str]
    batches: list[int] | None = None

    def rows(self) -> list[tuple[str, str]]:
        """What a reader sees of it: the order, with a bar between batches."""
        ends, sent = set[int](), 0
        for size in self.batches or ():
            sent += size
            ends.add(sent)
        shown = [name + (" |" if i in ends and i < len(self.order) else "") for i, name in enumerate(self.order, 1)]
        more = [f"... ({len(shown)} units)"] if len(shown) > 12 else []
        return [("order", ", ".join(shown[:12] + more).replace(" |,", " |") or "nothing to send")]


@dataclass(frozen=True, eq=False, init=False)
class UploadOrder:
    """Send weights to a server so that queries are answered fast while they travel.

    L(S) is the least latency of `partition` with the units S on the server: layers that lack a unit stay on the
    device. H is the least time to upload a set that reaches the least latency L(all).

    - "integral": the integral of latency over [0, H] for an order that sends no more than it must; in general
      L(all) * H + sum over units k of p_k * (L(before k) - L(all)). Divided by H it is the mean latency.
    - "lost_queries": queries are asked back to back, each takes L of what is uploaded when it starts. Of the
      H // L(all) queries that fit in [0, H] on a loaded server, how many are not finished.

    Parameters
    ----------
    partition
        Two places, the server second; one metric, no limits.
    upload
        Nanoseconds to upload each layer's weights, 0 for none; or, for weights that several layers share, unit name ->
        (nanoseconds, layers that need it). A layer can run on the server once every unit it needs is there.
    present
        Units that the server holds already. Units of 0 ns count as present.
    objective
        "integral" or "lost_queries".

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """

    partition: Partition
    names: tuple[str, ...]
    times: tuple[int, ...]
    holders: tuple[tuple[int, ...], ...]
    present: frozenset[str]
    objective: str
    name: str

    def __init__(
        self,
        partition: Partition,
        upload: Upload,
        present: Iterable[str] = (),
        *,
        objective: str = INTEGRAL,
        name: str = "upload order",
    ) -> None:
        def put(**values: Any) -> None:
            for key, value in values.items():
                object.__setattr__(self, key, value)

        reading.check(partition)
        names, times, holders = reading.units(partition, upload)
        put(partition=partition, names=names, times=times, holders=holders, objective=objective, name=name)
        put(present=frozenset(present))
        for unit in self.present:
            if unit not in self.index:
                raise InvalidInput(f"present: {unknown('unit', unit, names)}")
        if objective not in (INTEGRAL, LOST):
            raise InvalidInput(f"upload order: {unknown('objective', objective, (INTEGRAL, LOST))}")
        reading.check_pins(partition, {v for k, unit in enumerate(holders) if not self.there >> k & 1 for v in unit})

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each unit by name."""
        return {name: k for k, name in enumerate(self.names)}

    @cached_property
    def there(self) -> int:
        """Bit k is set when unit k needs no upload."""
        return sum(1 << k for k, (name, p) in enumerate(zip(self.names, self.times)) if p == 0 or name in self.present)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The metric that is minimised."""
        return (self.objective,)

    @property
    def units(self) -> dict[str, str]:
        """Metric -> unit."""
        unit = self.partition.units[self.partition.objectives[0]]
        found = {INTEGRAL: f"{unit}2", "mean_latency": unit, "finish": unit, "upload": unit}
        return found | ({LOST: "queries"} if self.objective == LOST else {})

    @property
    def limits(self) -> MappingProxyType[str, int]:
        """None: no metric of an upload can be limited."""
        return MappingProxyType({})

    @cached_property
    def features(self) -> frozenset[str]:
        """What a method must be able to take."""
        found = {
            BRANCHES: not self.partition.is_chain,
            SHARED: any(len(layers) != 1 for layers in self.holders) or len(set(self.holders)) < len(self.holders),
            QUERIES: self.objective == LOST,
        }
        return frozenset(feature for feature, there in found.items() if there)

    # --- the specification ------------------------------------------------------------------------------------

    @cached_property
    def _cut(self) -> UploadCut:
        from optsplit.algorithms.upload_cut import UploadCut

        return UploadCut(self)

    @cached_property
    def _latencies(self) -> dict[int, int]:
        return {}

    def latency(self, uploaded: int) -> int:
        """L(S): the least latency when unit k is on the server for every bit k of `uploaded`, and what is present."""
        there = uploaded | self.there
        if there not in self._latencies:
            self._latencies[there] = self._cut.latency(there)
        return self._latencies[there]

    @cached_property
    def least(self) -> int:
        """L(all): the least latency once everything is uploaded."""
        return self.latency((1 << len(self.names)) - 1)

    @cached_property
    def horizon(self) -> int:
        """H: the least time to upload a set of units whose latency is least."""
        return sum(p for k, p in enumerate(self.times) if self._cut.last >> k & 1)

    def plan(self, order: Iterable[int], batches: Sequence[int] | None = None) -> UploadPlan:
        """The plan that sends units by position."""
        return UploadPlan([self.names[k] for k in order], None if batches is None else list(batches))

    def positions(self, plan: UploadPlan) -> list[int]:
        """The units of a plan by position.

        Raises
        ------
        InvalidInput
            A unit is unknown, named twice or on the server already, or the batches do not add up.
        """
        for name in plan.order:
            if name not in self.index:
                raise InvalidInput(f"plan: {unknown('unit', name, self.names)}")
            if self.there >> self.index[name] & 1:
                raise InvalidInput(f"plan: unit {name!r} needs no upload; leave it out")
        refuse_duplicates("plan: unit", plan.order)
        if plan.batches is not None and (sum(plan.batches) != len(plan.order) or min(plan.batches, default=1) < 1):
            raise InvalidInput(f"plan: batches {plan.batches} of {len(plan.order)} units; give sizes that add up")
        return [self.index[name] for name in plan.order]

    def steps(self, plan: UploadPlan) -> list[tuple[int, int]]:
        """For each unit in the order sent: (nanoseconds it takes, latency while it travels)."""
        sizes = plan.batches if plan.batches is not None else [1] * len(plan.order)
        left = iter(self.positions(plan))
        uploaded, steps = 0, []
        for size in sizes:
            batch = [next(left) for _ in range(size)]
            now = self.latency(uploaded)
            steps += [(self.times[k], now) for k in batch]
            uploaded |= sum(1 << k for k in batch)
        return steps

    def curve(self, plan: UploadPlan) -> list[tuple[int, int]]:
        """The latency while uploading: (time, latency from then on), at the start and where it changes."""
        curve, clock = [(0, self.latency(0))], 0
        steps = self.steps(plan)
        behind = [now for _, now in steps[1:]] + [self._after(plan)]
        for (p, _), now in zip(steps, behind):
            clock += p
            if now != curve[-1][1]:
                curve.append((clock, now))
        return curve

    def _after(self, plan: UploadPlan) -> int:
        return self.latency(sum(1 << self.index[name] for name in plan.order))

    def evaluate(self, plan: UploadPlan) -> Evaluation:
        """Price a plan.

        Metrics: `integral`; `mean_latency`, that divided by H and rounded; `finish`, when the latency that the plan
        ends with is reached; `upload`, the time of all it sends; and `lost_queries` where that is the objective.

        Raises
        ------
        InvalidInput
            As `positions`; or the objective is "lost_queries" and queries on a loaded server take no time.
        """
        steps = self.steps(plan)
        integral = self.least * self.horizon + sum(p * (now - self.least) for p, now in steps)
        curve = self.curve(plan)
        mean = (2 * integral + self.horizon) // (2 * self.horizon) if self.horizon else self.least
        metrics = {
            INTEGRAL: integral, "mean_latency": mean, "finish": curve[-1][0], "upload": sum(p for p, _ in steps)
        }  # fmt: skip
        if self.objective == LOST:
            metrics[LOST] = self._lost(curve)
        broken: tuple[str, ...] = ()
        if self._after(plan) > self.least:
            sent = set(plan.order)
            lacking = [name for k, name in enumerate(self.names) if self._cut.last >> k & 1 and name not in sent]
            broken = (f"latency ends at {self._after(plan)}, above the least {self.least}; send {', '.join(lacking)}",)
        return Evaluation(metrics[self.objective], metrics, broken)

    def _lost(self, curve: list[tuple[int, int]]) -> int:
        if self.least == 0:
            raise InvalidInput("lost_queries: a query on the loaded server takes no time; minimise the integral")
        clock = finished = 0
        ends = [start for start, _ in curve[1:]] + [self.horizon]
        for (_, now), end in zip(curve, ends):
            end = min(end, self.horizon)
            if end <= clock:
                continue
            started = -((clock - end) // now)
            clock += started * now
            finished += started
        # only the last one can end too late
        return self.horizon // self.least - finished + (clock > self.horizon)

    # --- files and profiles -----------------------------------------------------------------------------------

    @staticmethod
    def from_profile(profile: Profile, links: Connection, **arguments: Any) -> UploadOrder:
        """The upload problem of a profiled network: see `optsplit.problems.upload_from_profile.upload_order`."""
        from optsplit.problems.upload_from_profile import upload_order

        return upload_order(profile, links, **arguments)

    def save(self, path: str | Path) -> None:
        """Write the problem as a JSON file."""
        from optsplit.problems import upload_document

        upload_document.save(self, path)

    @staticmethod
    def load(path: str | Path) -> UploadOrder:
        """Read a problem from a JSON file."""
        from optsplit.problems import upload_document

        return upload_document.load(path)

    def __repr__(self) -> str:
        return f"UploadOrder({self.name!r}, {len(self.partition.layers)} layers, {len(self.names)} units)"
