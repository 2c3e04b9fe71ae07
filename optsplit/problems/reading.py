"""What the structure of a partition is given as, checked and laid out as the problem keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import refuse_cycle
from optsplit.problems.exits import MILLION
from optsplit.problems.metric import Arc, Metric
from optsplit.problems.precision import ERROR

Layer = int | str
"""A layer by its position or its name."""


def tensors(
    layers: Sequence[str], edges: Iterable[tuple[Layer, Layer]], given: Sequence[tuple[int, Sequence[int]]] | None
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """(source, readers) of each tensor as positions: those given, or one for each layer, read along the edges.

    Raises
    ------
    InvalidInput
        A layer that does not exist, what is no pair, or a cycle, which the message shows.
    """
    index = {layer: i for i, layer in enumerate(layers)}

    def position(layer: Layer) -> int:
        if isinstance(layer, str):
            if layer not in index:
                raise InvalidInput(f"edge names {unknown('layer', layer, layers)}")
            return index[layer]
        if not isinstance(layer, (int, np.integer)):
            raise InvalidInput(f"edge names layer {layer!r}; give its name, or its position 0..{len(layers) - 1}")
        if not 0 <= layer < len(layers):
            raise InvalidInput(f"edge names layer {layer!r}; layers are 0..{len(layers) - 1}")
        return int(layer)

    pairs = list(edges)
    if given is not None and not pairs and _laid_out(given, len(layers)):
        return tuple(given)  # type: ignore[arg-type]
    if given is None:
        readers: list[set[int]] = [set() for _ in layers]
        for pair in pairs:
            if not _is_pair(pair):
                raise InvalidInput(f"edge {pair!r}; give a pair (source, reader)")
            readers[position(pair[0])].add(position(pair[1]))
        given = [(u, tuple(vs)) for u, vs in enumerate(readers)]
    elif pairs:
        raise InvalidInput("partition has both edges and tensors; give one of them")
    for tensor in given:
        if not (_is_pair(tensor) and isinstance(tensor[1], Iterable)):
            raise InvalidInput(f"tensor {tensor!r}; give a pair (source, readers)")
    checked = tuple((position(u), tuple(sorted({position(v) for v in vs}))) for u, vs in given)
    if any(vs and vs[0] <= u for u, vs in checked):
        refuse_cycle("partition", layers, [(u, v) for u, vs in checked for v in vs])
    return checked


def _laid_out(given: Sequence[tuple[int, Sequence[int]]], layers: int) -> bool:
    """Whether tensors are already as they are kept: tuples of ints, readers later than their source and rising.

    Networks come with a thousand tensors, so this asks of all at once what `position` asks of each.
    """
    if not all(type(tensor) is tuple and len(tensor) == 2 and type(tensor[1]) is tuple for tensor in given):
        return False
    # along a tensor: its source, then its readers, each larger than the one before
    line = [i for source, readers in given for i in (source, *readers)]
    if not all(type(i) is int for i in line):
        return False
    positions = np.array(line, dtype=np.int64)
    starts = np.cumsum([0, *(len(readers) + 1 for _, readers in given)])[:-1]
    rises = np.diff(positions, prepend=-1) > 0
    rises[starts] = True
    return bool(rises.all() and (not line or (positions.min() >= 0 and positions.max() < layers)))


def limits(given: Mapping[str, int], metrics: Mapping[str, Metric]) -> dict[str, int]:
    """Limits on metrics that exist, as integers."""
    for metric, value in given.items():
        if metric not in metrics:
            raise InvalidInput(f"limit on {unknown('metric', metric, metrics)}")
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise InvalidInput(f"limit on {metric!r} is {value!r}; give an integer in {metrics[metric].unit}")
    return {metric: int(value) for metric, value in given.items()}


def no_errors(layers: int, places: int) -> Metric:
    """The metric "error" where no layer makes any."""
    return Metric(np.zeros((layers, places), dtype=np.int64), unit="ppm")


def objective(
    minimize: str | Sequence[str] | None, maximize: str | None, metrics: Mapping[str, Metric]
) -> str | Sequence[str]:
    """What is minimised: what is given, "error" for the accuracy, or else the latency."""
    if maximize is None:
        return "latency" if minimize is None else minimize
    if minimize is not None:
        raise InvalidInput(f"maximize={maximize!r} and minimize={minimize!r} exclude each other; leave one out")
    return accuracy_metric("maximize", maximize, metrics)


def accuracy(
    given: Mapping[str, int], at_least: Mapping[str, float], metrics: Mapping[str, Metric]
) -> Mapping[str, int]:
    """The limits, with a least accuracy as the largest error that it allows."""
    found = dict(given)
    for name, share in at_least.items():
        metric = accuracy_metric("at_least", name, metrics)
        if metric in found:
            raise InvalidInput(f"at_least accuracy and a limit on {metric!r} are the same; leave one out")
        if not (isinstance(share, (int, float)) and 0 <= share <= 1):
            raise InvalidInput(f"at_least accuracy is {share!r}; give a share from 0 to 1")
        found[metric] = round(MILLION * (1 - share))
    return found


def accuracy_metric(what: str, name: str, metrics: Mapping[str, Metric]) -> str:
    """The metric to minimise where accuracy is to be large."""
    if name != "accuracy":
        raise InvalidInput(f"{what}: {name!r}; only accuracy can be asked to be large, every metric is a cost")
    if ERROR not in metrics:
        raise InvalidInput(f"{what}: accuracy is not known; give exits, precisions, or a metric {ERROR!r} in ppm")
    return ERROR


def pins(given: Mapping[str, str], layers: Mapping[str, int], places: Sequence[str]) -> dict[str, str]:
    """Pins of layers that exist to places that exist."""
    if not isinstance(given, Mapping):
        raise InvalidInput(
            f"pins are {given!r}; give a place for each, such as {{{next(iter(layers))!r}: {places[0]!r}}}"
        )
    for layer, place in given.items():
        if layer not in layers:
            raise InvalidInput(f"pin of {unknown('layer', layer, layers)}")
        if place not in places:
            raise InvalidInput(f"pin of layer {layer!r}: {unknown('place', place, places)}")
    return dict(given)


def outputs(given: Iterable[int], tensors: int) -> tuple[int, ...]:
    """Positions of output tensors, each once, sorted."""
    chosen = list(given)
    for t in chosen:
        if not (isinstance(t, (int, np.integer)) and 0 <= t < tensors):
            raise InvalidInput(f"output tensor {t!r}; tensors are 0..{tensors - 1}")
    return tuple(sorted({int(t) for t in chosen}))


def links(given: Iterable[Arc] | None, metrics: Mapping[str, Metric], places: Sequence[str]) -> frozenset[Arc]:
    """The arcs given, or those of the metrics' transfers, or all."""
    if given is None:
        arcs = {arc for metric in metrics.values() for arc in metric.transfer}
        return frozenset(arcs or {(p, q) for p in places for q in places if p != q})
    arcs = set()
    for arc in given:
        if not _is_pair(arc):
            raise InvalidInput(f"link {arc!r}; give a pair of two places (from, to)")
        for place in arc:
            if place not in places:
                raise InvalidInput(f"link {arc!r}: {unknown('place', place, places)}")
        if arc[0] == arc[1]:
            raise InvalidInput(f"link {arc!r} joins a place to itself; give two places")
        arcs.add((str(arc[0]), str(arc[1])))
    return frozenset(arcs)


def together(given: Iterable[Sequence[str]], layers: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more layers in the problem's order; those that share a layer are made one."""
    index = {layer: i for i, layer in enumerate(layers)}
    groups: list[set[int]] = []
    for group in named_groups("together", "layer", given, index):
        merged = {index[layer] for layer in group}
        apart = [other for other in groups if not other & merged]
        merged.update(*(other for other in groups if other & merged))
        groups = [*apart, merged]
    return tuple(tuple(layers[i] for i in group) for group in sorted(map(sorted, groups)) if len(group) > 1)


def named_groups(
    what: str, kind: str, given: Iterable[Sequence[str]], known: Iterable[str]
) -> Iterable[tuple[str, ...]]:
    """Each group as names that exist."""
    names = dict.fromkeys(known)
    for group in given:
        if isinstance(group, str) or not isinstance(group, Iterable):
            raise InvalidInput(f"{what}: group {group!r}; give each group as a sequence of {kind} names")
        members = tuple(group)
        for member in members:
            if member not in names:
                raise InvalidInput(f"{what}: {unknown(kind, member, names)}")
        yield members


def _is_pair(value: object) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) and len(value) == 2
