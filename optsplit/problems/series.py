"""Series points: the layers through which everything passes."""

from __future__ import annotations

from optsplit.problems.partition import Partition


def points(job: Partition) -> list[int]:
    """The layers, in topological order, that come before or behind every other one, and that no tensor passes by.

    A tensor passes by v when it is written before v and read behind it, or is an output, written before v, that must be
    sent. A group of layers that must be together is never torn apart: v is then no point.
    """
    n = len(job.layers)
    place = {v: i for i, v in enumerate(job.order)}
    passed = [0] * (n + 2)

    def passes(first: int, last: int) -> None:
        """Nothing strictly between two positions is a series point."""
        if last > first + 1:
            passed[first + 1] += 1
            passed[last] -= 1

    for t, (u, readers) in enumerate(job.tensors):
        passes(place[u], max((place[v] for v in readers), default=0))
        if t in job.outputs and job.result_place >= 0:
            passes(place[u], n)
    read = {u for u, readers in job.tensors if readers}
    for v in range(n):
        if v not in read:
            passes(place[v], n)
        if not job.feeders[v]:
            passes(-1, place[v])
    found, depth = [], 0
    for i, v in enumerate(job.order):
        depth += passed[i]
        torn = any(
            v not in group and min(place[w] for w in group) < i < max(place[w] for w in group)
            for group in job.bundles
            if len(group) > 1
        )
        if depth == 0 and not torn:
            found.append(v)
    return found
