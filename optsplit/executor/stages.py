"""A partition plan as stages: what runs at one place without waiting, what it needs and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush

from optsplit.errors import InvalidInput, unknown
from optsplit.executor import chosen
from optsplit.graph import LayerGraph
from optsplit.problems.partition import PartitionPlan


@dataclass(frozen=True)
class Stage:
    """Layers that run at one place in one go.

    Parameters
    ----------
    place
        Where.
    layers
        Names, in the graph's order.
    needs
        Tensors that come from elsewhere and have not been sent to this place before.
    reads
        All tensors that must be there at the start: `needs`, the inputs, and what the place holds from earlier stages.
    gives
        Tensors that leave the place: read elsewhere, or outputs of the network.
    keeps
        Tensors that later stages of the same place read.
    """

    place: str
    layers: tuple[str, ...]
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    keeps: tuple[str, ...]


@dataclass(frozen=True)
class Stages:
    """A plan ready to run.

    Parameters
    ----------
    graph
        The network.
    plan
        Of its layers. Those that its exits do not need are left out, and do not run.
    home
        The place that holds the inputs and gets the outputs.
    bits
        Tensors that are sent with fewer bits than they have: name -> bits.
    exits
        Outputs with class scores -> confidence (largest class probability) from which the frame ends there. A stage
        ends behind each, so that what lies behind an exit is not computed before it is known to be needed. Scores of
        an exit elsewhere are sent home, where it is decided whether the frame goes on.
    runs
        Positions of the layers of each stage, for stages in another order than that of one frame alone.
    answers
        The tensors that a frame is answered with where it does not leave early.
    """

    graph: LayerGraph
    plan: PartitionPlan
    home: str
    bits: Mapping[str, int] = field(default_factory=dict)
    exits: Mapping[str, float] = field(default_factory=dict)
    runs: tuple[tuple[int, ...], ...] = ()
    answers: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", chosen.answers(self.graph, self.plan))
        tensors = {tensor.name for tensor in self.graph.tensors}
        for tensor in self.bits:
            if tensor not in tensors:
                raise InvalidInput(f"plan: bits of {unknown('tensor', tensor, tensors)}")
        for exit_, threshold in self.exits.items():
            if exit_ not in self.graph.outputs:
                raise InvalidInput(f"plan: {unknown('exit', exit_, self.graph.outputs)}; an exit is an output")
            if not threshold >= 0:
                raise InvalidInput(f"plan: exit {exit_!r} at confidence {threshold!r}; give 0 or more")
        if self.runs:
            self._check_runs()

    def _check_runs(self) -> None:
        layers, at = self.graph.layers, self.plan.assignment
        done: set[int] = set()
        feeders: dict[int, set[int]] = {}
        for tensor in self.graph.tensors:
            for reader in tensor.readers:
                feeders.setdefault(reader, set()).add(tensor.source)
        for run in self.runs:
            for v in run:
                if not 0 <= v < len(layers) or v in done or layers[v].name not in at:
                    raise InvalidInput(f"plan: position {v} stands twice in the stages, or is no layer that runs")
                if not feeders.get(v, set()) <= done:
                    raise InvalidInput(f"plan: stage of layer {layers[v].name!r} comes before one that it reads from")
                done.add(v)
            if len({at[layers[v].name] for v in run}) != 1:
                raise InvalidInput("plan: a stage has no layer, or layers at several places")
        if len(done) != len(at):
            raise InvalidInput(f"plan: {len(done)} of {len(at)} layers are in its stages")

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The places in use, home first."""
        return tuple(dict.fromkeys([self.home, *self.plan.assignment.values()]))

    @cached_property
    def order(self) -> tuple[Stage, ...]:
        """The stages in the order in which they run."""
        runs = self._runs()
        place_of = [place for place, _ in runs]
        stage_of = {v: s for s, (_, members) in enumerate(runs) for v in members}
        outputs = {*self.answers, *self.exits}
        reads: list[list[str]] = [[] for _ in runs]
        needs: list[list[str]] = [[] for _ in runs]
        gives: list[list[str]] = [[] for _ in runs]
        keeps: list[list[str]] = [[] for _ in runs]
        for tensor in self.graph.tensors:
            if tensor.source not in stage_of:
                continue
            source = stage_of[tensor.source]
            readers = sorted({stage_of[reader] for reader in tensor.readers if reader in stage_of} - {source})
            held: dict[str, int] = {place_of[source]: source}
            if self.graph.layers[tensor.source].kind == "input":
                reads[source].append(tensor.name)
                # inputs lie at home, wherever the plan puts their layers
                if place_of[source] != self.home:
                    needs[source].append(tensor.name)
            for stage in readers:
                place = place_of[stage]
                reads[stage].append(tensor.name)
                if place not in held:
                    needs[stage].append(tensor.name)
                else:
                    for earlier in range(held[place], stage):
                        if place_of[earlier] == place and tensor.name not in keeps[earlier]:
                            keeps[earlier].append(tensor.name)
                held[place] = stage
            if len(held) > 1 or tensor.name in outputs:
                gives[source].append(tensor.name)
        names = [layer.name for layer in self.graph.layers]
        return tuple(
            Stage(place, tuple(names[v] for v in members), *map(tuple, (needs[s], reads[s], gives[s], keeps[s])))
            for s, (place, members) in enumerate(runs)
        )

    def _runs(self) -> list[tuple[str, list[int]]]:
        """Maximal runs of layers that one place can do without waiting for another, home first."""
        layers = self.graph.layers
        place = [self.plan.assignment.get(layer.name, "") for layer in layers]
        if self.runs:
            return [(place[run[0]], sorted(run)) for run in self.runs]
        on = [layer.name in self.plan.assignment for layer in layers]
        readers: list[list[int]] = [[] for _ in layers]
        waiting = [0] * len(layers)
        for tensor in self.graph.tensors:
            for reader in (reader for reader in set(tensor.readers) if on[reader]):
                readers[tensor.source].append(reader)
                waiting[reader] += 1
        exits = {tensor.source for tensor in self.graph.tensors if tensor.name in self.exits}
        # as heaps: in the graph's order an exit comes before what lies behind it
        ready: dict[str, list[int]] = {p: [] for p in self.places}
        for v, count in enumerate(waiting):
            if count == 0 and on[v]:
                ready[place[v]].append(v)
        runs: list[tuple[str, list[int]]] = []
        here = self.home
        while any(ready.values()):
            members: list[int] = []
            while ready[here]:
                v = heappop(ready[here])
                members.append(v)
                for reader in readers[v]:
                    waiting[reader] -= 1
                    if waiting[reader] == 0:
                        heappush(ready[place[reader]], reader)
                if v in exits:
                    break
            if members:
                runs.append((here, sorted(members)))
            if ready[here]:
                continue
            elsewhere = [p for p in self.places if ready[p]]
            # the place that was left longest ago has had the most time to become ready for a long run
            here = min(elsewhere, key=lambda p: max((s for s, run in enumerate(runs) if run[0] == p), default=-1),
                       default=here)  # fmt: skip
        return runs


def alone_at(stages: Stages, place: str) -> PartitionPlan:
    """The plan with the same layers and exits, all at one place."""
    plan = stages.plan
    return PartitionPlan(dict.fromkeys(plan.assignment, place), plan.exit, {}, plan.thresholds)


def all_at(graph: LayerGraph, place: str) -> PartitionPlan:
    """The plan that runs everything at one place."""
    return PartitionPlan(dict.fromkeys((layer.name for layer in graph.layers), place))


def rest_at(graph: LayerGraph, home: str, place: str) -> PartitionPlan:
    """The plan that runs all but the inputs at `place`."""
    return PartitionPlan({layer.name: home if layer.kind == "input" else place for layer in graph.layers})


def weights_of(graph: LayerGraph, layers: Sequence[str]) -> int:
    """Bytes of the weights that some layers read; a shared weight counts once."""
    read = {weight for layer in layers for weight in graph.layers[graph.index[layer]].weights}
    return sum(graph.weights[weight] for weight in read)
