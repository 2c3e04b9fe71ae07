"""A network with its plan."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import LABEL, SMALL, USUAL, axes_or_new, extent, legend_above, literal
from optsplit.plots.layout import Fold, depths, fold, lanes, way
from optsplit.report import MIB, Crossing, plan_summary

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition, PartitionPlan
    from optsplit.result import Result

__all__ = ["depths", "draw", "lanes", "partition"]

_FACES = ("#8cbfdd", "#a63603", "#74c476", "#54278f")
_MARKERS = "os^DvPX"
_OFF = "#999999"
_CROSSING = "#000000"
_LABELLED = 3
"""Crossing tensors that are labelled with their size, largest first."""


def draw(problem: Partition, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result.

    Raises
    ------
    InvalidInput
        The result has no plan.
    """
    plan: Any = result.plan
    if plan is None:
        raise InvalidInput(f"method {result.method!r} found no plan; there is nothing to draw")
    return partition(problem, plan, ax)


def partition(problem: Partition, plan: PartitionPlan, ax: Any = None) -> Any:
    """Draw a network by layers, each marked by the place where it runs, and the tensors that cross.

    A network too long for one row is folded into several. Layers that the chosen exits leave out are crosses; exits
    that are taken are labelled, by confidence with their thresholds.

    Parameters
    ----------
    problem, plan
        What was solved, and a plan of it.
    ax
        Matplotlib axes; new ones by default.

    Returns
    -------
    The axes.

    Raises
    ------
    InvalidInput
        The plan is not one of this problem.
    """
    summary = plan_summary(problem, plan)
    ax = axes_or_new(ax)
    x, y = depths(problem), lanes(problem)
    wide, high = extent(ax)
    # the legend, the ticks and the axis' name take their share
    at = fold(x, y, wide, 0.85 * high)
    _edges(ax, problem, plan, at, x, y)
    handles = _layers(ax, problem, plan, at, x, y)
    if summary.crossings:
        # a ring, since in a deep network the way to the reader is shorter than its marker
        position = {name: t for t, name in enumerate(problem.tensor_names)}
        senders = sorted({int(problem.sources[position[crossing.tensor]]) for crossing in summary.crossings})
        handles += ax.plot(
            *zip(*(at.at(x[u], y[u]) for u in senders)), "o", markersize=at.size + 3.5, markerfacecolor="none",
            markeredgecolor=_CROSSING, markeredgewidth=1.1, label=_crossing_label(summary.crossings), zorder=4,
        )  # fmt: skip
        _label(ax, problem, summary.crossings, at, x, y)
    _exits(ax, problem, plan, at, x, y)
    ax.set_xlim(-1.2, max(at.width + 0.2, 6))
    spare = max(0.0, at.rows * at.pitch - at.used) / 2
    ax.set_ylim(-at.used - spare, spare)
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_xlabel("layers from the input" if at.rows == 1 else "layers from the start of the row", fontsize=LABEL)
    ax.tick_params(labelsize=USUAL)
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    ax.tick_params(axis="y", length=0)
    rows = range(at.rows) if at.rows > 1 else ()
    ax.set_yticks([at.at(r * at.width, 0.0)[1] for r in rows], [str(r * at.width) for r in rows])
    legend = legend_above(ax, handles, [handle.get_label() for handle in handles])
    for handle in legend.legend_handles:
        handle.set_markersize(5)
    return ax


def _edges(ax: Any, problem: Partition, plan: PartitionPlan, at: Fold, x: Sequence[int], y: Sequence[float]) -> None:
    from matplotlib.collections import LineCollection

    where = [plan.assignment.get(layer) for layer in problem.layers]
    kept: list[Any] = []
    cut: list[Any] = []
    off: list[Any] = []
    for u, vs in problem.tensors:
        for v in vs:
            kind = off if where[u] is None or where[v] is None else kept if where[u] == where[v] else cut
            kind += at.ways(way(x[u], y[u], x[v], y[v]))
    ax.add_collection(LineCollection(off, colors=_OFF, linewidths=0.5, linestyles=":", zorder=1))
    ax.add_collection(LineCollection(kept, colors="#808080", linewidths=0.6, zorder=1))
    ax.add_collection(LineCollection(cut, colors=_CROSSING, linewidths=1.6, linestyles=(0, (2, 0.8)), zorder=3.5))


def _layers(
    ax: Any, problem: Partition, plan: PartitionPlan, at: Fold, x: Sequence[int], y: Sequence[float]
) -> list[Any]:
    handles = []
    looks: Iterator[tuple[str, str]] = zip(itertools.cycle(_FACES), itertools.cycle(_MARKERS))
    # a dark edge around a dot of two points would be all that is seen
    edge = 0.5 if at.size >= 3.5 else 0.0
    for place, (face, marker) in zip(problem.places, looks):
        here = [at.at(x[i], y[i]) for i, layer in enumerate(problem.layers) if plan.assignment.get(layer) == place]
        handles += ax.plot(
            [p[0] for p in here], [p[1] for p in here], marker, color=face, markersize=at.size, zorder=3,
            markeredgecolor="black", markeredgewidth=edge, label=f"{literal(place)} ({len(here)})", linestyle="none",
        )  # fmt: skip
    if off := [at.at(x[i], y[i]) for i, layer in enumerate(problem.layers) if layer not in plan.assignment]:
        handles += ax.plot(
            *zip(*off), "x", markersize=at.size * 0.7, color=_OFF, markeredgewidth=0.7,
            label=f"left out ({len(off)})", linestyle="none", zorder=2,
        )  # fmt: skip
    return handles


def _exits(ax: Any, problem: Partition, plan: PartitionPlan, at: Fold, x: Sequence[int], y: Sequence[float]) -> None:
    if problem.exits is None:
        return
    taken = {plan.exit: "exit"} if plan.exit is not None else {k: f"≥ {v:g}" for k, v in plan.thresholds.items()}
    if plan.exit is None:
        rest = [layer for layer in problem.exits.layers if layer in plan.assignment and layer not in taken]
        taken |= dict.fromkeys(rest, "rest")
    for layer, text in taken.items():
        i = problem.index[layer]
        ax.annotate(
            text, at.at(x[i], y[i]), xytext=(0, -at.size / 2 - 3), textcoords="offset points", fontsize=SMALL,
            ha="center", va="top", zorder=5,
        )  # fmt: skip


def _crossing_label(crossings: Sequence[Crossing]) -> str:
    sizes = [crossing.bytes for crossing in crossings if crossing.bytes is not None]
    bits = sorted({crossing.bits for crossing in crossings if crossing.bits is not None})
    depth = f" ({', '.join(map(str, bits))} bit)" if bits else ""
    return (f"sent: {_size(sum(sizes))}" if sizes else "sent") + depth


def _size(size: int) -> str:
    return f"{size / MIB:.3g} MiB" if size >= MIB else f"{size / 1024:.3g} KiB" if size >= 1024 else f"{size} B"


def _label(
    ax: Any, problem: Partition, crossings: Sequence[Crossing], at: Fold, x: Sequence[int], y: Sequence[float]
) -> None:
    """Name the largest crossing tensors with their size below their row, where there is room."""
    position = {name: t for t, name in enumerate(problem.tensor_names)}
    read = [c for c in crossings if c.bytes is not None and problem.tensors[position[c.tensor]][1]]
    if len(read) > _LABELLED or len(crossings) < 2 or not at.label:
        return  # the legend has the sum
    column = extent(ax)[0] / at.width
    ends: dict[int, float] = {}
    lines: dict[int, int] = {}
    for crossing in sorted(read, key=lambda c: x[int(problem.sources[position[c.tensor]])]):
        u = int(problem.sources[position[crossing.tensor]])
        text = _size(crossing.bytes or 0) + ("" if crossing.bits is None else f", {crossing.bits} bit")
        (left, height), row = at.at(x[u], y[u]), at.row(x[u])
        half = len(text) * SMALL * 0.3 / column
        middle = min(max(left, half - 1), at.width - half)
        # one line lower where the label before it in the row ends too late
        lines[row] = lines.get(row, 0) + 1 if ends.get(row, -1e9) > middle - half else 0
        ends[row] = middle + half + 0.5
        near = [y[i] for i in range(len(x)) if at.row(x[i]) == row and abs(at.at(x[i], 0)[0] - middle) < half + 1]
        foot = at.at(x[u], min(near))[1] - 10 - 8 * lines[row]
        ax.vlines(left, foot, height, color=_CROSSING, linewidth=0.5, zorder=2)
        # the line of the next label may pass behind
        ground = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.4}
        ax.text(middle, foot, text, fontsize=SMALL, ha="center", va="top", zorder=5, bbox=ground)
