"""What a plan decides besides places, in the network's own tensors: which layers are on, exits, precisions."""

from __future__ import annotations

from collections.abc import Mapping

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.structure import tensor_names


def answers(graph: LayerGraph, plan: PartitionPlan) -> tuple[str, ...]:
    """The tensors that a frame is answered with, where it does not leave at an earlier exit.

    Those of the plan's exit; of exits by confidence those of the last; else every output.

    Raises
    ------
    InvalidInput
        A layer that they need has no place, or one that has a place is needed by none of them.
    """
    _refuse_unknown(graph, plan)
    layers, on = graph.layers, plan.assignment
    if plan.exit is not None:
        last = written(graph, plan.exit)
        ends = last
    else:
        ends = tuple(name for name in graph.outputs if layers[_source(graph)[name]].name in on)
        early = {name for layer in plan.thresholds for name in written(graph, layer)}
        last = tuple(name for name in ends if name not in early)
    if ends and not last:
        raise InvalidInput("plan: every exit has a threshold; leave out that of the last, which takes all frames")
    needed = _needed(graph, ends)
    for name in (layer.name for layer in layers):
        if name not in on and (name in needed or not ends):
            raise InvalidInput(f"plan: layer {name!r} of {graph.name!r} has no place; assign every layer that runs")
    if len(on) < len(layers) and (idle := [name for name in on if name not in needed]):
        raise InvalidInput(f"plan: layer {idle[0]!r} of {graph.name!r} has a place, but no answer needs it")
    return last


def _refuse_unknown(graph: LayerGraph, plan: PartitionPlan) -> None:
    exits = () if plan.exit is None else (plan.exit,)
    for layer in plan.assignment:
        if layer not in graph.index:
            raise InvalidInput(
                f"plan: {unknown('layer', layer, graph.index)}; it was made for another network or grain"
            )
    for layer in (*exits, *plan.thresholds):
        if layer not in graph.index:
            raise InvalidInput(f"plan: {unknown('exit', layer, graph.index)}; it was made for another network or grain")


def _source(graph: LayerGraph) -> Mapping[str, int]:
    return {tensor.name: tensor.source for tensor in graph.tensors}


def _needed(graph: LayerGraph, tensors: tuple[str, ...]) -> set[str]:
    """The layers that some tensors need, and their inputs."""
    feeders: dict[int, list[int]] = {}
    for tensor in graph.tensors:
        for reader in tensor.readers:
            feeders.setdefault(reader, []).append(tensor.source)
    source = _source(graph)
    stack = [source[name] for name in tensors]
    found: set[int] = set()
    while stack:
        v = stack.pop()
        if v not in found:
            found.add(v)
            stack.extend(feeders.get(v, ()))
    return {graph.layers[v].name for v in found}


def written(graph: LayerGraph, layer: str) -> tuple[str, ...]:
    """What a layer answers with as an exit: the outputs of the network that it writes, or else all that it writes."""
    mine = [tensor.name for tensor in graph.tensors if tensor.source == graph.index[layer]]
    return tuple([name for name in mine if name in graph.outputs] or mine)


def exits_of(graph: LayerGraph, plan: PartitionPlan) -> dict[str, float]:
    """Tensor -> confidence from which a frame leaves there."""
    _refuse_unknown(graph, plan)
    return {written(graph, layer)[0]: threshold for layer, threshold in plan.thresholds.items()}


def tensors_by_layer(graph: LayerGraph) -> dict[str, str]:
    """A problem's name of each tensor, which is that of its layer -> the network's own."""
    names = tensor_names([layer.name for layer in graph.layers], [tensor.source for tensor in graph.tensors])
    return dict(zip(names, (tensor.name for tensor in graph.tensors), strict=True))


def bits_of(graph: LayerGraph, plan: PartitionPlan) -> dict[str, int]:
    """Tensor -> bits with which it crosses; a plan names a tensor by its layer."""
    own = tensors_by_layer(graph)
    for name in plan.bits:
        if name not in own:
            raise InvalidInput(f"plan: bits of {unknown('tensor', name, own)}")
    return {own[name]: bits for name, bits in plan.bits.items()}
