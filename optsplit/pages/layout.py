"""Where a script draws the layers of a network, and what it needs to colour them by a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optsplit.plots.network import depths, lanes
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.report import plan_summary

OFF = "."
"""Of a layer that a plan leaves out."""


def network(problem: Partition) -> dict[str, Any]:
    """Layers with their positions as in the picture, and edges (source, reader)."""
    edges = dict.fromkeys((u, v) for u, readers in problem.tensors for v in readers)
    return {
        "places": list(problem.places), "layers": list(problem.layers), "x": depths(problem),
        "y": [round(y, 4) for y in lanes(problem)], "edges": list(edges),
    }  # fmt: skip


def coded(problem: Partition, assignment: Mapping[str, str]) -> str:
    """One digit for each layer of two places: its place, or `OFF`."""
    digit = {place: str(p) for p, place in enumerate(problem.places)}
    return "".join(digit[assignment[layer]] if layer in assignment else OFF for layer in problem.layers)


def sent(problem: Partition, plan: PartitionPlan, whole: Partition) -> list[tuple[str, str, str, int | None, int]]:
    """(tensor, from, to, bytes, position in `whole` of the layer that writes it) of each tensor that crosses."""
    writer = {
        name: whole.index[problem.layers[source]]
        for name, (source, _) in zip(problem.tensor_names, problem.tensors, strict=True)
    }
    return [(c.tensor, c.start, c.end, c.bytes, writer[c.tensor]) for c in plan_summary(problem, plan).crossings]
