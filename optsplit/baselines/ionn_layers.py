"""What IONN sees of a network: a chain of macro layers, each what lies between two dominators of the output.

Every path from the input to the output passes a dominator, so only its tensors cross there, and the published
algorithm cuts nowhere else. A macro layer runs at one place. Input layers, pinned to the device, are the beginning and
part of no macro layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import networkx

from optsplit.baselines.neurosurgeon import inputs
from optsplit.problems.partition import Partition
from optsplit.problems.upload_order import UploadOrder


@dataclass(frozen=True)
class Macro:
    """A macro layer: its layers, the units it needs and lacks, and its times in nanoseconds.

    `client` or `server` is None where a pin excludes that place; `into` and `back` are what its input takes to go up
    and its output to come down, None where there is no such link.
    """

    layers: tuple[int, ...]
    units: tuple[int, ...]
    client: int | None
    server: int | None
    into: int | None
    back: int | None


class MacroChain:
    """The macro layers of a problem, front to back."""

    def __init__(self, problem: UploadOrder) -> None:
        self.problem = problem
        self.partition = partition = problem.partition
        self.costs = partition.costs(partition.objectives[0])
        self.inputs = set(partition.order[: inputs(partition)])
        lacking: dict[int, list[int]] = {}
        for k, layers in enumerate(problem.holders):
            for v in layers if not problem.there >> k & 1 else ():
                lacking.setdefault(v, []).append(k)
        self.lacking = lacking
        groups = macro_layers(partition, self.inputs)
        where = {v: i for i, layers in enumerate(groups) for v in layers}
        self.macros = tuple(self._macro(i, layers, where) for i, layers in enumerate(groups))

    def _macro(self, i: int, layers: tuple[int, ...], where: dict[int, int]) -> Macro:
        partition, compute = self.partition, self.costs.compute
        pinned = {int(partition.fixed[v]) for v in layers}
        units = sorted({k for v in layers for k in self.lacking.get(v, ())}, key=lambda k: self._first(k, layers))
        entering, leaving, ending = [], [], []
        for t, (u, readers) in enumerate(partition.tensors):
            of, to = where.get(u, -1), {where[v] for v in readers}
            output = partition.result_place >= 0 and t in self._outputs
            if of == i and output:
                ending.append(t)
            # an output goes to its place in any case: that is part of where its source runs
            if of < i and i in to and not (output and partition.result_place == 1):
                entering.append(t)
            if of == i and max(to, default=i) > i and not (output and partition.result_place == 0):
                leaving.append(t)
        up, down = self.costs.crossing(0, 1), self.costs.crossing(1, 0)
        home = partition.result_place
        here = int(compute[list(layers), 0].sum()) + (int(up[ending].sum()) if home == 1 else 0)
        there = int(compute[list(layers), 1].sum()) + (int(down[ending].sum()) if home == 0 else 0)
        no_up, no_down = not partition.allowed[0, 1], not partition.allowed[1, 0]
        return Macro(
            layers,
            tuple(units),
            None if 1 in pinned or (home == 1 and ending and no_up) else here,
            None if 0 in pinned or (home == 0 and ending and no_down) else there,
            None if entering and no_up else int(up[entering].sum()),
            None if leaving and (partition.one_way or no_down) else int(down[leaving].sum()),
        )

    @cached_property
    def _outputs(self) -> frozenset[int]:
        return frozenset(self.partition.outputs)

    def _first(self, unit: int, layers: tuple[int, ...]) -> tuple[int, int]:
        return min(layers.index(v) for v in self.problem.holders[unit] if v in layers), unit


def macro_layers(partition: Partition, inputs: set[int]) -> list[tuple[int, ...]]:
    """The layers that are no inputs, grouped by dominators of the output, front to back, in topological order."""
    start, end = -1, len(partition.layers)
    rest = [v for v in partition.order if v not in inputs]
    graph = networkx.DiGraph()
    graph.add_nodes_from(rest)
    graph.add_edges_from((start if u in inputs else u, v) for u, v in partition.edges if v not in inputs)
    graph.add_edges_from((start, v) for v in rest if not graph.in_degree(v))
    graph.add_edges_from((v, end) for v in rest if not graph.out_degree(v))
    if not rest:
        return []
    above = networkx.immediate_dominators(graph, start)
    dominators = set()
    at = above[end]
    while at != start:
        dominators.add(at)
        at = above[at]
    depth = {start: 0}
    groups: dict[int, list[int]] = {}
    for v in rest:
        # the dominators passed on the way to v: those of any layer that it reads, itself included
        passed = max(depth[u] for u in graph.predecessors(v))
        groups.setdefault(passed, []).append(v)
        depth[v] = passed + (v in dominators)
    return [tuple(groups[i]) for i in sorted(groups)]
