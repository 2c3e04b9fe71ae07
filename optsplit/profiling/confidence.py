"""measure_exits: how right a branchy network is at each exit, and how sure.

Confidence is the largest class probability. BranchyNet (Teerapittayanon, McDanel, Kung, 2016) thresholds the entropy
instead; for few classes both order the samples alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.profiling.examples import batched, examples_of
from optsplit.profiling.profile import Profile, refuse_other_network
from optsplit.profiling.quality import ExitPattern, ExitTable
from optsplit.profiling.run import Runner, runnable

if TYPE_CHECKING:
    import torch

GRID = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def measure_exits(
    graph: LayerGraph,
    profile: Profile,
    inputs: Any,
    labels: Any = None,
    *,
    exits: Sequence[str] | None = None,
    thresholds: Sequence[float] = GRID,
    batch: int = 32,
) -> Profile:
    """Measure the exits of a network on a calibration set.

    Parameters
    ----------
    graph
        From `trace`, on one sample, of a module that returns the class scores of every exit.
    profile
        Of the same network at the same grain.
    inputs, labels
        A calibration set, see `examples_of`. Without labels, a right answer is the last exit's.
    exits
        Layers that write the exits' scores, earliest first; None for those that write the network's outputs.
    thresholds
        Grid of confidences.
    batch
        Samples that run at once.

    Returns
    -------
    Profile
        The profile with `exits`.

    Raises
    ------
    InvalidInput
        Another network, an exit that is no output, a grid that does not ascend, a data set that does not fit.
    """
    refuse_other_network(graph, profile.graph)
    examples = examples_of(graph, inputs, labels)
    tensors = exit_tensors(graph, exits)
    grid = tuple(float(value) for value in thresholds)
    network = batched(graph, batch)
    runner = Runner(network.program)
    seen: Counter[tuple[tuple[int, ...], tuple[bool, ...]]] = Counter()
    for part in network.batches(examples):
        scores = runner.run(part.given, tuple(tensors.values()))
        for name in tensors.values():
            refuse_no_classes(name, scores[name])
        expected = scores[list(tensors.values())[-1]].argmax(1) if part.labels is None else part.labels
        levels, correct = [], []
        for name in tensors.values():
            levels.append(_levels(confidences(scores[name]), grid)[: part.count])
            correct.append((scores[name].argmax(1) == expected)[: part.count].tolist())
        seen.update(zip(zip(*levels, strict=True), zip(*correct, strict=True), strict=True))
    patterns = tuple(ExitPattern(*key, count) for key, count in sorted(seen.items(), reverse=True))
    accuracy = tuple(
        sum(p.count for p in patterns if p.correct[i]) / sum(p.count for p in patterns) for i in range(len(tensors))
    )
    table = ExitTable(tuple(tensors), accuracy, grid, patterns if grid else ())
    judge = examples.judge if labels is not None else "agreement with the last exit (no labels)"
    source = f"{examples.count} samples judged by {judge}; confidence is the largest class probability"
    return replace(profile, exits=table, quality={**profile.quality, "exits": source})


def exit_tensors(graph: LayerGraph, exits: Sequence[str] | None = None) -> dict[str, str]:
    """The layer of each exit, earliest first, and the network's output tensor that it writes."""
    writer = {tensor.name: graph.layers[tensor.source].name for tensor in graph.tensors}
    outputs = {writer[name]: name for name in runnable(graph).outputs}
    for layer in exits or ():
        if layer not in outputs:
            raise InvalidInput(f"graph {graph.name!r}: exit is {unknown('layer of an output', layer, outputs)}")
    return outputs if exits is None else {layer: outputs[layer] for layer in exits}


def refuse_no_classes(name: str, scores: torch.Tensor) -> None:
    """Raise `InvalidInput` for scores that are not (N, classes)."""
    if scores.dim() != 2:
        raise InvalidInput(f"exit {name!r} gives shape {tuple(scores.shape)}; an exit gives (N, classes)")


def confidences(scores: torch.Tensor) -> torch.Tensor:
    """Largest class probability of each row of (N, classes): of the softmax, unless rows are probabilities already."""
    rows = scores.double()
    already = bool((rows >= 0).all()) and bool(((rows.sum(1) - 1).abs() < 1e-4).all())
    found: torch.Tensor = (rows if already else rows.softmax(1)).max(1).values
    return found


def _levels(confidence: torch.Tensor, grid: Sequence[float]) -> list[int]:
    import torch

    # right: a confidence equal to a threshold reaches it
    return torch.searchsorted(torch.tensor(grid, dtype=torch.float64), confidence, right=True).tolist()
