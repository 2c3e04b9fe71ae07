"""Partition: what runs where. Frozen integer data and `evaluate`, which is the specification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import refuse_duplicates
from optsplit.problems import alike, reading, routed
from optsplit.problems.exits import Exits, Routing, checked
from optsplit.problems.metric import Arc, Metric, dense, frozen
from optsplit.problems.plan import PartitionPlan as PartitionPlan
from optsplit.problems.precision import ERROR, Precision, Variants, laid_out
from optsplit.problems.pricing import Pricing

if TYPE_CHECKING:
    from optsplit.hardware import Connection, Device, Link
    from optsplit.profiling.profile import Profile

BRANCHES = "branches"
LIMITS = "limits"
LARGEST = "largest of several metrics"
PLACES = "more than two places"
TOGETHER = "layers together"
CONTIGUOUS = "contiguous places"
EXITS = "exits"
CONFIDENCE = "exits by confidence"
PRECISIONS = "precisions"

_KEPT = 256  # routings whose plain problems are kept: there may be thousands


@dataclass(frozen=True, eq=False, init=False)
class Partition(Pricing):
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
    exits
        Layer -> accuracy, or `Exits`: the network may stop at that layer's output. One exit is chosen for all requests;
        with the patterns of a calibration set, each sample leaves where it is confident enough. Layers that are not
        needed cost nothing and are not in the plan. The outputs are then the exits' own.
    precisions
        Tensor -> its precisions, of which one is chosen where it crosses. A tensor that is not named is sent as it is.
    same_bits
        Groups of tensors that cross with the same bits.
    maximize, at_least
        "accuracy", and {"accuracy": share}: short for minimising, and limiting, the metric "error", which exits and
        precisions bring with them: wrong answers in parts per million.

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
    exits: Exits | None
    variants: Variants | None
    name: str

    def __init__(
        self,
        layers: Sequence[str],
        edges: Iterable[tuple[int | str, int | str]] = (),
        places: Sequence[str] = ("device", "server"),
        metrics: Mapping[str, Metric] | None = None,
        minimize: str | Sequence[str] | None = None,
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
        exits: Exits | Mapping[str, float] | None = None,
        precisions: Variants | Mapping[str, Sequence[Precision]] | None = None,
        same_bits: Iterable[Sequence[str]] = (),
        maximize: str | None = None,
        at_least: Mapping[str, float] | None = None,
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
        if (exits is not None or precisions) and ERROR not in self.metrics:
            self.metrics[ERROR] = reading.no_errors(len(self.layers), len(self.places))  # type: ignore[index]
        put(_costs={k: dense(k, m, self.layers, self.tensor_names, self.places) for k, m in self.metrics.items()})
        # the checked copies: arrays that the caller changes later change nothing here
        put(metrics={k: frozen(m, self.costs(k), self.places) for k, m in self.metrics.items()})
        put(exits=checked(exits, self.index, self.tensors))
        if self.exits and (strange := [name for name in self.exits.held if name not in self.metrics]):
            raise InvalidInput(f"exits, held: {unknown('metric', strange[0], self.metrics)}")
        minimize = reading.objective(minimize, maximize, self.metrics)
        put(objectives=(minimize,) if isinstance(minimize, str) else tuple(minimize))
        if not self.objectives:
            raise InvalidInput("partition minimises nothing; name a metric")
        for metric in self.objectives:
            if metric not in self.metrics:
                raise InvalidInput(f"minimize: {unknown('metric', metric, self.metrics)}")
        put(limits=reading.limits(reading.accuracy(limits or {}, at_least or {}, self.metrics), self.metrics))
        put(pins=reading.pins(pins or {}, self.index, self.places))
        put(result_at=self.places[0] if result_at == "" else result_at)
        if self.result_at is not None and self.result_at not in self.places:
            raise InvalidInput(f"result_at: {unknown('place', self.result_at, self.places)}")
        unread = (t for t, (_, readers) in enumerate(self.tensors) if not readers)
        put(outputs=reading.outputs(unread if outputs is None else outputs, len(self.tensors)))
        put(links=reading.links(links, self.metrics, self.places))
        put(together=reading.together(together, self.layers), contiguous=bool(contiguous))
        if precisions is not None and not isinstance(precisions, Variants):
            precisions = laid_out(self, precisions, same_bits) if precisions else None
        put(variants=precisions)
        put(declared=None if equal is None else alike.declared(self, equal))

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
            EXITS: self.exits is not None,
            CONFIDENCE: self.exits is not None and self.exits.by_confidence,
            PRECISIONS: self.variants is not None,
        }
        return frozenset(feature for feature, present in has.items() if present)

    # --- exits ------------------------------------------------------------------------------------------------

    @cached_property
    def needs(self) -> tuple[NDArray[np.bool_], ...]:
        """For each exit, shape (n,): the layers that it needs."""
        return () if self.exits is None else tuple(routed.needed(self, layer) for layer in self.exits.layers)

    def answers(self, exit: str) -> tuple[int, ...]:
        """The tensors that an exit answers with: what its layer writes; of several, those that are outputs."""
        mine = [t for t, (source, _) in enumerate(self.tensors) if source == self.index[exit]]
        return tuple([t for t in mine if t in self.outputs] or mine)

    @cached_property
    def _routed(self) -> dict[Any, routed.Routed]:
        return {}

    def routed(self, routing: Routing) -> routed.Routed:
        """The plain problem that is left once a routing is chosen."""
        if routing.key not in self._routed:
            if len(self._routed) >= _KEPT:
                self._routed.clear()
            self._routed[routing.key] = routed.routed(self, routing)
        found = self._routed[routing.key]
        return found if found.routing.thresholds == routing.thresholds else replace(found, routing=routing)

    def at_exit(self, exit: str) -> Partition:
        """The plain problem over the layers that one exit needs; its error is the exit's, and the drops."""
        if self.exits is None:
            raise InvalidInput(f"problem {self.name!r} has no exits; give them by exits={{layer: accuracy}}")
        return self.routed(self.exits.alone(exit)).problem

    # --- other problems of the same network -------------------------------------------------------------------

    def but(self, **changes: Any) -> Partition:
        """The same problem with some arguments changed: `problem.but(limits={}, minimize="energy")`."""
        same: dict[str, Any] = {
            "layers": self.layers, "tensors": self.tensors, "places": self.places, "metrics": self.metrics,
            "minimize": self.objectives, "limits": self.limits, "pins": self.pins, "result_at": self.result_at,
            "one_way": self.one_way, "outputs": self.outputs, "links": self.links, "together": self.together,
            "contiguous": self.contiguous, "equal": self.declared, "name": self.name, "exits": self.exits,
            "precisions": self.variants,
        }  # fmt: skip
        if "maximize" in changes:
            del same["minimize"]
        if "at_least" in changes and "limits" not in changes:
            same["limits"] = {name: limit for name, limit in self.limits.items() if name != ERROR}
        return Partition(**{**same, **changes})

    @staticmethod
    def from_profile(
        profile: Profile,
        links: Connection | Mapping[Arc, Link],
        *,
        minimize: str | Sequence[str] | None = None,
        limits: Mapping[str, float] | None = None,
        pins: Mapping[str, str] | None = None,
        result_at: str | None = "",
        one_way: bool = False,
        device: Device | None = None,
        load: Mapping[str, float] | None = None,
        exits: str | Exits | Mapping[str, float] | None = None,
        precisions: Sequence[int] | None = None,
        maximize: str | None = None,
        at_least: Mapping[str, float] | None = None,
    ) -> Partition:
        """The partition problem of a profiled network: see `optsplit.problems.from_profile.partition`."""
        from optsplit.problems.from_profile import partition

        return partition(
            profile, links, minimize=minimize, limits=limits, pins=pins, result_at=result_at, one_way=one_way,
            device=device, load=load, exits=exits, precisions=precisions, maximize=maximize, at_least=at_least,
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
