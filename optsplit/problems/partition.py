"""Partition: what runs where. Frozen integer data and `evaluate`, which is the specification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import refuse_duplicates
from optsplit.problems import alike, reading
from optsplit.problems.evaluation import Evaluation
from optsplit.problems.metric import Arc, Costs, IntArray, Metric, dense, frozen
from optsplit.problems.rules import violations
from optsplit.problems.structure import Structure

if TYPE_CHECKING:
    from optsplit.hardware import Connection, Device, Link
    from optsplit.profiling.profile import Profile

BRANCHES = "branches"
LIMITS = "limits"
LARGEST = "largest of several metrics"
PLACES = "more than two places"
TOGETHER = "layers together"
CONTIGUOUS = "contiguous places"


class PartitionPlan(msgspec.Struct, frozen=True, tag="partition"):
    """Where each layer runs: layer name -> place."""

    assignment: dict[str, str]

    def at(self, place: str) -> list[str]:
        """The layers that run at `place`, in the plan's order."""
        return [layer for layer, where in self.assignment.items() if where == place]

    def rows(self) -> list[tuple[str, str]]:
        """What a reader sees of it: how many layers run at each place."""
        counts = Counter(self.assignment.values())
        return [("layers", ", ".join(f"{place} {count}" for place, count in counts.items()))]


@dataclass(frozen=True, eq=False, init=False)
class Partition(Structure):
    """Assign every layer to a place so that one metric, or the largest of several, is least.

    Parameters
    ----------
    layers
        Names, in any order.
    edges
        Pairs (source, reader) of layer positions or names: each layer then produces one tensor, and cost
        arrays over tensors are in the order of the layers. Leave out when `tensors` is given.
    tensors
        Pairs (source, readers) for networks where a layer produces several tensors or none.
    places
        Names; the first holds the input.
    metrics
        Name -> Metric.
    minimize
        A metric, or a tuple of metrics of which the largest is minimised.
    limits
        Metric -> largest value allowed.
    pins
        Layer -> place.
    result_at
        Where the outputs must end, with the way there priced; default the first place. None: anywhere.
    outputs
        Positions of the output tensors; default those that no layer reads.
    one_way
        No layer may run at an earlier place than a layer it reads from. The way of the outputs to
        `result_at` is still allowed, and priced.
    links
        Pairs (from, to) over which tensors may be sent; default every arc that some metric's transfer has,
        or all where none has any.
    together
        Groups of layers that must share a place; groups that have a layer in common are one.
    contiguous
        Each place is visited once: no path of layers leaves a place and comes back to it. The way of the
        outputs to `result_at` is no part of a path.
    equal
        Groups of places that a method may take for interchangeable, so that it need not try a plan twice; no
        rule and no price follows from them. Default: those that are (see `optsplit.problems.alike`). A group
        whose places are not interchangeable is refused; () lets a method know of none.

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """

    layers: tuple[str, ...]
    tensors: tuple[tuple[int, tuple[int, ...]], ...]
    places: tuple[str, ...]
    metrics: Mapping[str, Metric]
    objectives: tuple[str, ...]
    limits: Mapping[str, int]
    pins: Mapping[str, str]
    result_at: str | None
    one_way: bool
    outputs: tuple[int, ...]
    links: frozenset[Arc]
    together: tuple[tuple[str, ...], ...]
    contiguous: bool
    declared: tuple[tuple[str, ...], ...] | None
    name: str

    def __init__(
        self,
        layers: Sequence[str],
        edges: Iterable[tuple[int | str, int | str]] = (),
        places: Sequence[str] = ("device", "server"),
        metrics: Mapping[str, Metric] | None = None,
        minimize: str | Sequence[str] = "latency",
        limits: Mapping[str, int] | None = None,
        pins: Mapping[str, str] | None = None,
        result_at: str | None = "",
        one_way: bool = False,
        *,
        tensors: Sequence[tuple[int, Sequence[int]]] | None = None,
        outputs: Iterable[int] | None = None,
        links: Iterable[Arc] | None = None,
        together: Iterable[Sequence[str]] = (),
        contiguous: bool = False,
        equal: Iterable[Sequence[str]] | None = None,
        name: str = "partition",
    ) -> None:
        def put(**values: Any) -> None:
            for key, value in values.items():
                object.__setattr__(self, key, value)

        put(layers=tuple(layers), places=tuple(places), one_way=bool(one_way), name=name)
        if not self.layers:
            raise InvalidInput("partition has no layers; give at least one")
        if len(self.places) < 2:
            raise InvalidInput(f"partition has places {self.places}; give at least two")
        refuse_duplicates("partition: layer", self.layers)
        refuse_duplicates("partition: place", self.places)
        put(tensors=reading.tensors(self.layers, edges, tensors), metrics=dict(metrics or {}))
        put(_costs={k: dense(k, m, self.layers, self.tensor_names, self.places) for k, m in self.metrics.items()})
        # the checked copies: arrays that the caller changes later change nothing here
        put(metrics={k: frozen(m, self.costs(k), self.places) for k, m in self.metrics.items()})
        put(objectives=(minimize,) if isinstance(minimize, str) else tuple(minimize))
        if not self.objectives:
            raise InvalidInput("partition minimises nothing; name a metric")
        for metric in self.objectives:
            if metric not in self.metrics:
                raise InvalidInput(f"minimize: {unknown('metric', metric, self.metrics)}")
        put(limits=reading.limits(limits or {}, self.metrics))
        put(pins=reading.pins(pins or {}, self.index, self.places))
        put(result_at=self.places[0] if result_at == "" else result_at)
        if self.result_at is not None and self.result_at not in self.places:
            raise InvalidInput(f"result_at: {unknown('place', self.result_at, self.places)}")
        unread = (t for t, (_, readers) in enumerate(self.tensors) if not readers)
        put(outputs=reading.outputs(unread if outputs is None else outputs, len(self.tensors)))
        put(links=reading.links(links, self.metrics, self.places))
        put(together=reading.together(together, self.layers), contiguous=bool(contiguous))
        put(declared=None if equal is None else alike.declared(self, equal))

    def costs(self, metric: str) -> Costs:
        """A metric as dense arrays."""
        return self._costs[metric]  # type: ignore[attr-defined,no-any-return]

    @cached_property
    def equal(self) -> tuple[tuple[str, ...], ...]:
        """Groups of interchangeable places: those declared, or those found."""
        return alike.found(self) if self.declared is None else self.declared

    @cached_property
    def units(self) -> dict[str, str]:
        """Metric -> unit."""
        return {name: metric.unit for name, metric in self.metrics.items()}

    @cached_property
    def features(self) -> frozenset[str]:
        """What a method must be able to take: `optsplit.method.Method.takes`."""
        has = {
            BRANCHES: not self.is_chain,
            LIMITS: bool(self.limits),
            LARGEST: len(self.objectives) > 1,
            PLACES: len(self.places) > 2,
            TOGETHER: bool(self.together),
            CONTIGUOUS: self.contiguous,
        }
        return frozenset(feature for feature, present in has.items() if present)

    # --- the specification ------------------------------------------------------------------------------------

    def plan(self, assignment: Sequence[int] | IntArray) -> PartitionPlan:
        """The plan that puts layer i at place `assignment[i]`."""
        places = np.asarray(assignment, dtype=np.int64).tolist()
        return PartitionPlan(dict(zip(self.layers, map(self.places.__getitem__, places), strict=True)))

    def positions(self, plan: PartitionPlan) -> IntArray:
        """Shape (n,): the place of each layer in `plan`, refused where it names layers or places that do not exist."""
        where = {place: i for i, place in enumerate(self.places)}
        try:
            places = [where[place] for place in map(plan.assignment.__getitem__, self.layers)]
            if len(plan.assignment) == len(places):
                return np.array(places, dtype=np.int64)
        except KeyError:
            pass  # what is wrong is said below
        for layer, place in plan.assignment.items():
            if layer not in self.index:
                raise InvalidInput(f"plan: {unknown('layer', layer, self.layers)}")
            if place not in where:
                raise InvalidInput(f"plan: layer {layer!r} at {unknown('place', place, self.places)}")
        missing = next(layer for layer in self.layers if layer not in plan.assignment)
        raise InvalidInput(f"plan: layer {missing!r} has no place; assign every layer")

    def evaluate(self, plan: PartitionPlan) -> Evaluation:
        """Price a plan by every metric and check every rule, without any solver.

        Raises
        ------
        InvalidInput
            The plan leaves a layer out, or names one or a place that does not exist.
        """
        at = self.positions(plan)
        way = self.ways(at)
        metrics = {name: self.price(at, self.costs(name), way) for name in self.metrics}
        objective = max(metrics[name] for name in self.objectives)
        return Evaluation(objective, metrics, tuple(violations(self, at, way, metrics)))

    def ways(self, at: IntArray) -> tuple[IntArray, IntArray]:
        """Two arrays (tensor, place), one entry for each place that a tensor is sent to under assignment `at`."""
        needed = np.zeros((len(self.sources), len(self.places)), dtype=bool)
        tensor, reader = self.reads
        needed[tensor, at[reader]] = True
        if self.result_place >= 0:
            needed[list(self.outputs), self.result_place] = True
        needed[np.arange(len(self.sources)), at[self.sources]] = False
        sent, to = np.nonzero(needed)
        return sent, to

    def price(self, at: IntArray, cost: Costs, way: tuple[IntArray, IntArray] | None = None) -> int:
        """One metric of the plan that puts layer i at place at[i]."""
        tensor, to = way or self.ways(at)
        origin = at[self.sources]
        total = 0
        # many metrics have no cost of a kind at all, and plans are priced in microseconds
        if cost.computes:
            total += int(cost.compute[self._each, at].sum())
        if cost.transfers:
            total += int(cost.transfer[origin[tensor], to, tensor].sum())
        if cost.ends:
            leaves = np.unique(tensor)
            total += int(cost.send[origin[leaves], leaves].sum() + cost.receive[to, tensor].sum())
        return total

    # --- other problems of the same network -------------------------------------------------------------------

    def but(self, **changes: Any) -> Partition:
        """The same problem with some arguments changed: `problem.but(limits={}, minimize="energy")`."""
        same: dict[str, Any] = {
            "layers": self.layers, "tensors": self.tensors, "places": self.places, "metrics": self.metrics,
            "minimize": self.objectives, "limits": self.limits, "pins": self.pins, "result_at": self.result_at,
            "one_way": self.one_way, "outputs": self.outputs, "links": self.links, "together": self.together,
            "contiguous": self.contiguous, "equal": self.declared, "name": self.name,
        }  # fmt: skip
        return Partition(**{**same, **changes})

    @staticmethod
    def from_profile(
        profile: Profile,
        links: Connection | Mapping[Arc, Link],
        *,
        minimize: str | Sequence[str] = "latency",
        limits: Mapping[str, float] | None = None,
        pins: Mapping[str, str] | None = None,
        result_at: str | None = "",
        one_way: bool = False,
        device: Device | None = None,
        load: Mapping[str, float] | None = None,
    ) -> Partition:
        """The partition problem of a profiled network: see `optsplit.problems.from_profile.partition`."""
        from optsplit.problems.from_profile import partition

        return partition(
            profile, links, minimize=minimize, limits=limits, pins=pins, result_at=result_at, one_way=one_way,
            device=device, load=load,
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write the problem as a JSON file."""
        from optsplit.problems import document

        document.save(self, path)

    @staticmethod
    def load(path: str | Path) -> Partition:
        """Read a problem from a JSON file."""
        from optsplit.problems import document

        return document.load(path)
