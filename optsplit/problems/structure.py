"""The structure of a partition problem as arrays: what layers read, in which order, where tensors may go."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import Arc, IntArray


def tensor_names(layers: Sequence[str], sources: Sequence[int]) -> tuple[str, ...]:
    """Each tensor by the layer that writes it, numbered where a layer writes several."""
    if len(set(sources)) == len(sources):
        return tuple(map(layers.__getitem__, sources))
    written = Counter(sources)
    serial = {u: itertools.count() for u in written}
    return tuple(layers[u] if written[u] == 1 else f"{layers[u]}:{next(serial[u])}" for u in sources)


class Structure:
    """What follows from layers, tensors, places, pins and links; each array is made when it is first asked for."""

    layers: tuple[str, ...]
    tensors: tuple[tuple[int, tuple[int, ...]], ...]
    places: tuple[str, ...]
    pins: Mapping[str, str]
    result_at: str | None
    links: frozenset[Arc]
    together: tuple[tuple[str, ...], ...]
    outputs: tuple[int, ...]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each layer by name."""
        return {layer: i for i, layer in enumerate(self.layers)}

    @property
    def edges(self) -> list[tuple[int, int]]:
        """(source, reader) of each reading, as positions."""
        return [(u, v) for u, readers in self.tensors for v in readers]

    @cached_property
    def tensor_names(self) -> tuple[str, ...]:
        """Each tensor by its layer's name, numbered where a layer produces several."""
        return tensor_names(self.layers, self.sources.tolist())

    @cached_property
    def sources(self) -> IntArray:
        """Shape (T,): the layer that writes each tensor."""
        return np.array([source for source, _ in self.tensors], dtype=np.int64)

    @cached_property
    def reads(self) -> tuple[IntArray, IntArray]:
        """Two arrays (tensor, reader), one entry for each reader of each tensor."""
        count = [len(readers) for _, readers in self.tensors]
        readers = np.array([reader for _, readers in self.tensors for reader in readers], dtype=np.int64)
        return np.repeat(np.arange(len(count)), count), readers

    @cached_property
    def _each(self) -> IntArray:
        return np.arange(len(self.layers))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """A topological order of the layers: the given one where it is one, else the nearest to it."""
        tensor, reader = self.reads
        if (self.sources[tensor] < reader).all():
            return tuple(range(len(self.layers)))
        import networkx

        graph = networkx.DiGraph(self.edges)
        graph.add_nodes_from(range(len(self.layers)))
        return tuple(networkx.lexicographical_topological_sort(graph))

    @cached_property
    def feeders(self) -> tuple[tuple[int, ...], ...]:
        """The layers that each layer reads from."""
        feeders: list[set[int]] = [set() for _ in self.layers]
        for u, readers in self.tensors:
            for v in readers:
                feeders[v].add(u)
        return tuple(tuple(sorted(layers)) for layers in feeders)

    @cached_property
    def chain(self) -> tuple[int, ...] | None:
        """The layers, path after path, so that every tensor is read only by the layer behind its source.

        None where a layer has two readers or reads from two layers.
        """
        if any(len(readers) > 1 for _, readers in self.tensors):
            return None
        follower: dict[int, int] = {}
        for u, v in self.edges:
            if follower.setdefault(u, v) != v:
                return None
        if len(set(follower.values())) < len(follower):
            return None
        line: list[int] = []
        for head in sorted(set(range(len(self.layers))).difference(follower.values())):
            at: int | None = head
            while at is not None:
                line.append(at)
                at = follower.get(at)
        return tuple(line)

    @property
    def is_chain(self) -> bool:
        """True when no layer has two readers, or reads from two layers."""
        return self.chain is not None

    @cached_property
    def bundles(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the layers that move as one: the groups of `together`, and every other layer alone."""
        head = list(range(len(self.layers)))
        for group in self.together:
            first = self.index[group[0]]
            for layer in group:
                head[self.index[layer]] = first
        members: dict[int, list[int]] = {}
        for v, first in enumerate(head):
            members.setdefault(first, []).append(v)
        return tuple(tuple(layers) for layers in members.values())

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Shape (P, P): where tensors may be sent; the diagonal is True."""
        return np.array([[p == q or (p, q) in self.links for q in self.places] for p in self.places])

    @cached_property
    def fixed(self) -> IntArray:
        """Shape (n,): the place to which each layer is pinned, or -1."""
        fixed = np.full(len(self.layers), -1, dtype=np.int64)
        for layer, place in self.pins.items():
            fixed[self.index[layer]] = self.places.index(place)
        return fixed

    @property
    def result_place(self) -> int:
        """Position of `result_at`, or -1."""
        return -1 if self.result_at is None else self.places.index(self.result_at)
