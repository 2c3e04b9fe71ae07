"""The rules of a partition problem: each one that an assignment breaks, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from optsplit.problems.metric import IntArray

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition


def violations(
    problem: Partition, at: IntArray, way: tuple[IntArray, IntArray], metrics: Mapping[str, int]
) -> Iterator[str]:
    """What the assignment `at`, with its tensors' ways and its prices, breaks: pins, links, one_way, ..."""
    layers, places = problem.layers, problem.places
    tensor, to = way
    for i in np.nonzero((problem.fixed >= 0) & (problem.fixed != at))[0]:
        here, there = places[at[i]], places[problem.fixed[i]]
        yield f"layer {layers[i]!r} runs at {here!r} but is pinned to {there!r}"
    origin = at[problem.sources[tensor]]
    for k in np.nonzero(~problem.allowed[origin, to])[0]:
        arc = (places[origin[k]], places[to[k]])
        yield f"tensor {problem.tensor_names[tensor[k]]!r} is sent over {arc}, where there is no link"
    if problem.one_way:
        read, reader = problem.reads
        for k in np.nonzero(at[reader] < at[problem.sources[read]])[0]:
            yield (
                f"layer {layers[reader[k]]!r} at {places[at[reader[k]]]!r} reads from a later place "
                f"({layers[problem.sources[read[k]]]!r}) although the cut is one-way"
            )
    if problem.together:
        yield from _apart(problem, at)
    if problem.contiguous:
        yield from _visited_twice(problem, at)
    yield from above(problem, metrics)


def above(problem: Partition, metrics: Mapping[str, int]) -> Iterator[str]:
    """Metrics above their limits."""
    for name, limit in problem.limits.items():
        if metrics[name] > limit:
            yield f"{name} is {metrics[name]} {problem.metrics[name].unit}, above its limit {limit}"


def _apart(problem: Partition, at: IntArray) -> Iterator[str]:
    """Layers of one group at two places."""
    for first, *others in problem.bundles:
        for v in others:
            if at[v] != at[first]:
                yield (
                    f"layers {problem.layers[first]!r} at {problem.places[at[first]]!r} and {problem.layers[v]!r} "
                    f"at {problem.places[at[v]]!r} are apart although they must be together"
                )


def _visited_twice(problem: Partition, at: IntArray) -> Iterator[str]:
    """Layers at a place to which some path returns. Sets of places are bits of an integer."""
    where = at.tolist()
    seen = [0] * len(where)  # places on some path that ends here
    left = [0] * len(where)  # places that some path that ends here has left, this step included
    for v in problem.order:
        here = 1 << where[v]
        for u in problem.feeders[v]:
            seen[v] |= seen[u]
            left[v] |= left[u] | (seen[u] & ~here)
        seen[v] |= here
        if left[v] & here:
            yield (
                f"a path comes back to {problem.places[where[v]]!r} at layer {problem.layers[v]!r} although places "
                "are contiguous"
            )
