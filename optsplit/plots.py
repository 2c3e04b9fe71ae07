"""Pictures: a network with its plan, the envelope over bandwidth, the progress of a solve.

Each takes `ax` and returns it, is legible 3.3 inches wide (one column of a paper), and in greyscale.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput, MissingDependency
from optsplit.report import MBIT_PER_S, MIB, Crossing, plan_summary
from optsplit.result import SCALES, Result

if TYPE_CHECKING:
    from optsplit.algorithms.envelope import Envelope
    from optsplit.problems.partition import Partition, PartitionPlan

# a light, a dark and middle tones, told apart without colour too: (face, marker)
_LOOKS = (("#9ecae1", "o"), ("#a63603", "s"), ("#74c476", "^"), ("#54278f", "D"))
_CROSSING = "#000000"
_LABELLED = 3
"""Crossing tensors that are labelled with their size, largest first."""


def need_matplotlib() -> None:
    """Raise `MissingDependency` where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependency('matplotlib is not installed; pip install "optsplit[plot]"') from error


def _axes(ax: Any) -> Any:
    need_matplotlib()
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(3.3, 2.4), layout="constrained")[1]


# --- the network ----------------------------------------------------------------------------------------------


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
    ax = _axes(ax)
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


# --- the envelope ---------------------------------------------------------------------------------------------


def envelope(envelope: Envelope, ax: Any = None) -> Any:
    """Draw the least value over bandwidth, with the breakpoints and the layers on the device of each optimal plan.

    Parameters
    ----------
    envelope
        From `optsplit.envelope`.
    ax
        Matplotlib axes; new ones by default.
    """
    ax = _axes(ax)
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    unit = MBIT_PER_S / envelope.weight if envelope.per_byte else 1.0
    scale = 1e6 if envelope.per_byte else 1.0
    low, high = _range(envelope, unit)
    start = next(iter(envelope.segments[0].plan.assignment.values()))
    for k, segment in enumerate(envelope.segments):
        left, right = unit / float(segment.high), unit / float(segment.low) if segment.low else high
        left, right = max(left, low), min(right, high)
        if left >= right:
            continue
        rates = list(_between(left, right))
        values = [float(segment.value(unit / rate)) / scale for rate in rates]
        colour, line = (("#e6550d", (0, (4, 1))), ("#08519c", "-"))[k % 2]
        ax.plot(rates, values, color=colour, linestyle=line, linewidth=1.6)
        count = len(segment.plan.at(start))
        if math.log(right / left) > 0.07 * math.log(high / low):
            middle = math.sqrt(left * right)
            ax.annotate(
                str(count), (middle, float(segment.value(unit / middle)) / scale), xytext=(0, 5),
                textcoords="offset points", fontsize=7, ha="center", va="bottom",
            )  # fmt: skip
    breaks = [
        (unit / float(segment.low), float(segment.value(segment.low)) / scale) for segment in envelope.segments[1:]
    ]
    for point in breaks:
        ax.plot(*point, "o", color="white", markeredgecolor="black", markersize=3.5, zorder=3)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    axes = [(ax.xaxis, (low, high))]
    if all(segment.value(segment.low) > 0 for segment in envelope.segments):  # a cost of 0 has no logarithm
        ax.set_yscale("log")
        bottom, top = ax.get_ylim()
        ax.set_ylim(bottom, top * (top / bottom) ** 0.15)
        axes.append((ax.yaxis, (bottom, top)))
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    for axis, ends in axes:
        wide = ends[1] / ends[0] > 30
        axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(plain)
        axis.set_minor_formatter(NullFormatter())
    ax.tick_params(labelsize=7)
    ax.grid(True, which="major", linewidth=0.3)
    ax.set_xlabel("bandwidth, Mbit/s" if envelope.per_byte else "factor on bandwidth", fontsize=8)
    ax.set_ylabel("least latency, ms" if envelope.per_byte else "least value", fontsize=8)
    ax.set_title(f"numbers: layers at {start!r}", fontsize=7, loc="left")
    return ax


def _range(envelope: Envelope, unit: float) -> tuple[float, float]:
    """The bandwidths around the breakpoints; all of a short range, or where nothing changes."""
    first, last = envelope.segments[-1], envelope.segments[0]
    slowest, fastest = unit / float(first.high), unit / max(float(last.low), 1e-9)
    rates = [unit / float(s) for s in envelope.breakpoints if s]
    if not rates:
        return slowest, fastest
    return max(slowest, min(rates) / 4), min(fastest, max(rates) * 8)


def _between(left: float, right: float, points: int = 60) -> Iterator[float]:
    ratio = math.log(right / left)
    return (left * math.exp(ratio * k / points) for k in range(points + 1))


# --- the solve ------------------------------------------------------------------------------------------------


def trace(result: Result, ax: Any = None) -> Any:
    """Draw the incumbent and the bound of a solve over time.

    Parameters
    ----------
    result
        From `optsplit.solve`, by a method that reports its progress.
    ax
        Matplotlib axes; new ones by default.

    Raises
    ------
    InvalidInput
        The result has neither a plan nor a bound.
    """
    if result.objective is None and result.bound is None:
        raise InvalidInput(f"method {result.method!r} found neither a plan nor a bound; there is nothing to draw")
    ax = _axes(ax)
    unit = result.units.get(result.minimize[0], "") if result.minimize else ""
    end = max([result.solve_seconds, *(point.seconds for point in result.trace)])
    points = [(p.seconds, p.objective, p.bound) for p in result.trace] + [(end, result.objective, result.bound)]
    largest = max(abs(v) for _, *values in points for v in values if v is not None)
    scale, name = next(((s, n) for s, n in SCALES.get(unit, ()) if largest >= s), (1.0, unit))
    looks = (("incumbent", 1, "#a63603", "-", "o"), ("bound", 2, "#08519c", "--", "^"))
    for label, column, colour, line, marker in looks:
        known = [(p[0], p[column] / scale) for p in points if p[column] is not None]  # type: ignore[operator]
        if known:
            ax.plot(
                [t for t, _ in known], [v for _, v in known], color=colour, linestyle=line, drawstyle="steps-post",
                marker=marker, markersize=3, linewidth=1.3, label=label,
            )  # fmt: skip
    ax.set_xlabel("solving, s", fontsize=8)
    ax.set_ylabel(f"{', '.join(result.minimize)}, {name}" if name else ", ".join(result.minimize), fontsize=8)
    ax.set_xlim(left=0)
    ax.tick_params(labelsize=7)
    ax.grid(True, linewidth=0.3)
    ax.legend(fontsize=7, frameon=False, title=f"{result.method}: {result.status}", title_fontsize=7)
    return ax
