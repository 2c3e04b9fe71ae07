"""A network with its plan."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import axes_or_new
from optsplit.problems.routed import chosen
from optsplit.report import MIB, Crossing, plan_summary

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition, PartitionPlan
    from optsplit.result import Result

# a light, a dark and middle tones, told apart without colour too: (face, marker)
_LOOKS = (("#9ecae1", "o"), ("#a63603", "s"), ("#74c476", "^"), ("#54278f", "D"))
_CROSSING = "#000000"
_LABELLED = 3
"""Crossing tensors that are labelled with their size, largest first."""


def draw(problem: Partition, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result."""
    plan: Any = result.plan
    if problem.exits is not None:
        routed = problem.routed(chosen(problem, plan))
        return partition(routed.problem, routed.inner(plan), ax)
    return partition(problem, plan, ax)


def depths(problem: Partition) -> list[int]:
    """Layers on the longest way from an input to each layer, that layer left out."""
    depth = [0] * len(problem.layers)
    for u in problem.order:
        for v in _readers(problem)[u]:
            depth[v] = max(depth[v], depth[u] + 1)
    return depth


def lanes(problem: Partition) -> list[float]:
    """A height for each layer: a chain keeps its own, a fork spreads its branches, a join returns to their middle."""
    readers = _readers(problem)
    sources: list[list[int]] = [[] for _ in problem.layers]
    for u, vs in enumerate(readers):
        for v in vs:
            sources[v].append(u)
    height, step = [0.0] * len(problem.layers), [1.0] * len(problem.layers)
    first = [v for v in problem.order if not sources[v]]
    for k, v in enumerate(first):
        height[v] = k - (len(first) - 1) / 2
        step[v] = 1.0 if len(first) == 1 else 0.4
    for v in problem.order:
        if len(sources[v]) > 1:
            height[v] = sum(height[u] for u in sources[v]) / len(sources[v])
            step[v] = max(1.0 if len(first) == 1 else 0.4, *(step[u] for u in sources[v]))
        branches = [w for w in readers[v] if len(sources[w]) == 1]
        for k, w in enumerate(branches):
            height[w] = height[v] + (k - (len(branches) - 1) / 2) * step[v]
            step[w] = step[v] * (0.4 if len(branches) > 1 else 1.0)
    return height


def _readers(problem: Partition) -> list[list[int]]:
    found: list[dict[int, None]] = [{} for _ in problem.layers]
    for u, vs in problem.tensors:
        found[u].update(dict.fromkeys(vs))
    return [list(vs) for vs in found]


def _way(x: int, y: float, to_x: int, to_y: float) -> list[tuple[float, float]]:
    """An edge as points: along its own lane, then over to the reader; a bow where others stand in between."""
    if to_x - x <= 1:
        return [(x, y), (to_x, to_y)]
    if abs(to_y - y) > 1e-9:
        return [(x, y), (to_x - 1, y), (to_x, to_y)]
    high = 0.45
    return [(x + (to_x - x) * t / 16, y + high * (1 - (t / 8 - 1) ** 4)) for t in range(17)]


def partition(problem: Partition, plan: PartitionPlan, ax: Any = None) -> Any:
    """Draw a network by layers, each marked by the place where it runs, and the tensors that cross.

    Parameters
    ----------
    problem, plan
        What was solved, and a plan of it.
    ax
        Matplotlib axes; new ones by default.
    """
    ax = axes_or_new(ax)
    from matplotlib.collections import LineCollection

    summary = plan_summary(problem, plan)
    at = problem.positions(plan)
    x, y = depths(problem), lanes(problem)
    kept: list[list[tuple[float, float]]] = []
    cut: list[list[tuple[float, float]]] = []
    for u, vs in problem.tensors:
        for v in vs:
            (kept if at[u] == at[v] else cut).append(_way(x[u], y[u], x[v], y[v]))
    ax.add_collection(LineCollection(kept, colors="#a0a0a0", linewidths=0.6, zorder=1))
    ax.add_collection(LineCollection(cut, colors=_CROSSING, linewidths=1.6, linestyles=(0, (2, 0.8)), zorder=3.5))
    # a marker about as wide as the room between two depths
    size = min(6.0, max(1.8, 190.0 / (max(x) + 1)))
    for p, (place, (face, marker)) in enumerate(zip(problem.places, itertools.cycle(_LOOKS))):
        here = [i for i in range(len(at)) if at[i] == p]
        ax.plot(
            [x[i] for i in here], [y[i] for i in here], marker, color=face, markersize=size, markeredgecolor="black",
            markeredgewidth=min(0.5, size / 8), label=f"{place} ({len(here)})", zorder=3,
        )  # fmt: skip
    if summary.crossings:
        # a ring, since in a deep network the way to the reader is shorter than its marker
        position = {name: t for t, name in enumerate(problem.tensor_names)}
        senders = sorted({problem.tensors[position[crossing.tensor]][0] for crossing in summary.crossings})
        ax.plot(
            [x[u] for u in senders], [y[u] for u in senders], "o", markersize=size + 3.5, markerfacecolor="none",
            markeredgecolor=_CROSSING, markeredgewidth=1.1, label=_crossing_label(summary.crossings), zorder=4,
        )  # fmt: skip
    middle, reach = (max(y) + min(y)) / 2, max(0.9, (max(y) - min(y)) / 2 + 0.7)
    ax.set_ylim(middle - reach, middle + reach + 0.1)
    _label(ax, problem, summary.crossings, x, y)
    ax.set_yticks([])
    ax.set_xlabel("layers from the input", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.spines[["left", "right", "top"]].set_visible(False)
    legend = ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(problem.places) + 1, fontsize=7, frameon=False,
        handletextpad=0.3, columnspacing=1.0,
    )  # fmt: skip
    for handle in legend.legend_handles:
        handle.set_markersize(5)
    return ax


def _crossing_label(crossings: Sequence[Crossing]) -> str:
    sizes = [crossing.bytes for crossing in crossings if crossing.bytes is not None]
    return f"sent: {_size(sum(sizes))}" if sizes else "sent"


def _size(size: int) -> str:
    return f"{size / MIB:.3g} MiB" if size >= MIB else f"{size / 1024:.3g} KiB" if size >= 1024 else f"{size} B"


def _label(ax: Any, problem: Partition, crossings: Sequence[Crossing], x: Sequence[int], y: Sequence[float]) -> None:
    position = {name: t for t, name in enumerate(problem.tensor_names)}
    read = [c for c in crossings if c.bytes is not None and problem.tensors[position[c.tensor]][1]]
    if len(read) > _LABELLED or len(crossings) < 2:
        return  # the legend has the sum
    for crossing in read:
        u = problem.tensors[position[crossing.tensor]][0]
        ax.annotate(
            _size(crossing.bytes or 0), (x[u] + 0.5, y[u]), xytext=(0, -14), textcoords="offset points", fontsize=6,
            ha="center", va="top", arrowprops={"arrowstyle": "-", "linewidth": 0.5, "shrinkB": 2},
        )  # fmt: skip
