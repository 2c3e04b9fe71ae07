"""LayerGraph: the structure of a network as a validated DAG. It knows no device and no time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from optsplit import files
from optsplit.errors import InvalidInput, unknown

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True)
class Layer:
    """One node of the network.

    Parameters
    ----------
    name
        Unique in its graph.
    kind
        What it computes: "input", "conv", "linear", "relu", "pool", ...
    flops
        Floating-point operations of one inference (a multiply-add counts as two).
    weights
        Names of the weights and buffers that it reads, keys of `LayerGraph.weights`.
    free
        True when the layer moves no data and computes nothing (a view, a dropout at inference).
    features
        Regression variables, in elements: "input_size", "output_size", and for convolutions
        "input_maps" and "filter_term" = (filter / stride)^2 * filters.
    """

    name: str
    kind: str
    flops: int = 0
    weights: tuple[str, ...] = ()
    free: bool = False
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a layer produces: `source` and `readers` are indices into `LayerGraph.layers`."""

    name: str
    source: int
    readers: tuple[int, ...]
    bytes: int
    shape: tuple[int, ...] = ()
    dtype: str = "float32"


@dataclass(frozen=True)
class LayerGraph:
    """Layers in topological order and the tensors between them.

    Parameters
    ----------
    name
        The network.
    layers
        In topological order.
    tensors
        Each written by one layer, read by any number.
    outputs
        Names of the tensors that are the network's outputs.
    weights
        Bytes of each weight and buffer; a weight that several layers share stands here once.
    grain
        "operations" or "modules".

    Raises
    ------
    InvalidInput
        Duplicate names, a cycle (the message shows it), indices or weights that do not exist,
        negative sizes, features that are NaN or infinite.
    """

    name: str
    layers: tuple[Layer, ...]
    tensors: tuple[Tensor, ...]
    outputs: tuple[str, ...]
    weights: Mapping[str, int] = field(default_factory=dict)
    grain: str = "operations"

    def __post_init__(self) -> None:
        n = len(self.layers)
        what = f"graph {self.name!r}"
        if n == 0:
            raise InvalidInput(f"{what} has no layers; give at least one")
        refuse_duplicates(f"{what}: layer", [layer.name for layer in self.layers])
        refuse_duplicates(f"{what}: tensor", [tensor.name for tensor in self.tensors])
        for layer in self.layers:
            if layer.flops < 0:
                raise InvalidInput(f"{what}: layer {layer.name!r} has flops {layer.flops}; give 0 or more")
            for feature, value in layer.features.items():
                if not math.isfinite(value):
                    raise InvalidInput(f"{what}: layer {layer.name!r} has {feature} {value!r}; give a finite number")
            for weight in layer.weights:
                if weight not in self.weights:
                    raise InvalidInput(f"{what}: layer {layer.name!r} reads {unknown('weight', weight, self.weights)}")
        for weight, size in self.weights.items():
            if size < 0:
                raise InvalidInput(f"{what}: weight {weight!r} has {size} bytes; give 0 or more")
        names = [layer.name for layer in self.layers]
        for tensor in self.tensors:
            if tensor.bytes < 0:
                raise InvalidInput(f"{what}: tensor {tensor.name!r} has {tensor.bytes} bytes; give 0 or more")
            for index in (tensor.source, *tensor.readers):
                if not 0 <= index < n:
                    raise InvalidInput(
                        f"{what}: tensor {tensor.name!r} names layer index {index}; layers are 0..{n - 1}"
                    )
        known = dict.fromkeys(tensor.name for tensor in self.tensors)
        for output in self.outputs:
            if output not in known:
                raise InvalidInput(f"{what}: output is {unknown('tensor', output, known)}")
        edges = [(t.source, r) for t in self.tensors for r in t.readers]
        if any(u >= v for u, v in edges):
            refuse_cycle(what, names, edges)
            raise InvalidInput(f"{what}: layers are not in topological order; sort them so that readers come later")

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each layer by name."""
        return {layer.name: i for i, layer in enumerate(self.layers)}

    @cached_property
    def layer_weight_bytes(self) -> tuple[int, ...]:
        """Bytes of the weights that each layer reads; a shared weight counts for every reader."""
        return tuple(sum(self.weights[w] for w in layer.weights) for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights and buffers; a shared weight counts once."""
        return sum(self.weights.values())

    @property
    def flops(self) -> int:
        """Floating-point operations of one inference."""
        return sum(layer.flops for layer in self.layers)

    def to_networkx(self) -> networkx.DiGraph:
        """The layers as a networkx graph; an edge carries the bytes that its tensors hold together."""
        import networkx

        graph = networkx.DiGraph(name=self.name)
        for layer, weight in zip(self.layers, self.layer_weight_bytes, strict=True):
            graph.add_node(layer.name, kind=layer.kind, flops=layer.flops, weight_bytes=weight)
        for tensor in self.tensors:
            for reader in dict.fromkeys(tensor.readers):  # x + x reads x once
                u, v = self.layers[tensor.source].name, self.layers[reader].name
                size = graph.edges[u, v]["bytes"] if graph.has_edge(u, v) else 0
                graph.add_edge(u, v, bytes=size + tensor.bytes)
        return graph

    def save(self, path: str | Path) -> None:
        """Write the graph as a JSON file."""
        files.write(path, "graph", self)

    @staticmethod
    def load(path: str | Path) -> LayerGraph:
        """Read a graph from a JSON file."""
        return files.read(path, "graph", LayerGraph)


def refuse_duplicates(what: str, names: Sequence[str]) -> None:
    """Raise `InvalidInput` naming the first name that is no text, or stands twice."""
    for name in names:
        if not isinstance(name, str):
            raise InvalidInput(f"{what} name {name!r}; give a text")
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidInput(f"{what} name {name!r} stands twice; names must be unique")
        seen.add(name)


def refuse_cycle(what: str, names: Sequence[str], edges: Iterable[tuple[int, int]]) -> None:
    """Raise `InvalidInput` showing a cycle, if there is one."""
    import networkx

    graph = networkx.DiGraph(edges)
    try:
        cycle = networkx.find_cycle(graph)
    except networkx.NetworkXNoCycle:
        return
    path = " -> ".join(repr(names[u]) for u, _ in cycle) + f" -> {names[cycle[0][0]]!r}"
    raise InvalidInput(f"{what} has a cycle: {path}; a network must be acyclic, remove one of these edges")
