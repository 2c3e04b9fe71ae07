"""The least value over bandwidth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import axes_or_new
from optsplit.report import MBIT_PER_S

if TYPE_CHECKING:
    from optsplit.algorithms.envelope import Envelope


def envelope(envelope: Envelope, ax: Any = None) -> Any:
    """Draw the least value over bandwidth, with the breakpoints and the layers on the device of each optimal plan.

    Parameters
    ----------
    envelope
        From `optsplit.envelope`.
    ax
        Matplotlib axes; new ones by default.
    """
    ax = axes_or_new(ax)
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
