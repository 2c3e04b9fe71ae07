"""The least value over bandwidth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import USUAL, axes_or_new, extent, literal, logarithmic, name_axes
from optsplit.report import MBIT_PER_S

if TYPE_CHECKING:
    from optsplit.algorithms.envelope import Envelope
    from optsplit.result import Result

_LOOKS = (("#e6550d", (0, (4, 1))), ("#08519c", "-"))
"""Colour and dashes of neighbouring plans."""


def envelope(envelope: Envelope, ax: Any = None) -> Any:
    """Draw the least value over bandwidth, with the breakpoints and the layers on the device of each optimal plan.

    Parameters
    ----------
    envelope
        From `optsplit.envelope`.
    ax
        Matplotlib axes; new ones by default.

    Returns
    -------
    The axes.
    """
    ax = axes_or_new(ax)
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
        colour, line = _LOOKS[k % 2]
        ax.plot(rates, values, color=colour, linestyle=line, linewidth=1.6)
        text = str(len(segment.plan.at(start)))
        # as wide as the number is, or there is no room for it
        if math.log(right / left) / math.log(high / low) > (4.5 * len(text) + 2) / extent(ax)[0]:
            middle = math.sqrt(left * right)
            ax.annotate(
                text, (middle, float(segment.value(unit / middle)) / scale), xytext=(2, 4),
                textcoords="offset points", fontsize=USUAL, ha="center", va="bottom",
            )  # fmt: skip
    for segment in envelope.segments[1:]:
        point = unit / float(segment.low), float(segment.value(segment.low)) / scale
        ax.plot(*point, "o", color="white", markeredgecolor="black", markersize=3.5, zorder=3)
    logarithmic(ax.xaxis, low, high)
    if all(segment.value(segment.low) > 0 for segment in envelope.segments):  # a cost of 0 has no logarithm
        bottom, top = _drawn(ax)
        logarithmic(ax.yaxis, bottom * (bottom / top) ** 0.05, top * (top / bottom) ** 0.15)
    name_axes(
        ax, "bandwidth, Mbit/s" if envelope.per_byte else "factor on bandwidth",
        "least latency, ms" if envelope.per_byte else "least value",
    )  # fmt: skip
    ax.grid(True, which="major", linewidth=0.3)
    ax.set_title(f"numbers: layers at {literal(start)!r}", fontsize=USUAL, loc="left")
    return ax


def of_result(result: Result, ax: Any = None) -> Any:
    """Draw the envelope of a result's problem, and where the result stands upon it.

    Raises
    ------
    InvalidInput
        The problem has no envelope: limits, several metrics, more than two places, groups, exits or precisions.
    """
    from optsplit.algorithms import envelope as algorithm

    problem = result.problem
    found = algorithm.envelope(problem)
    ax = envelope(found, ax)
    plan: Any = result.plan
    if plan is None or result.objective is None:
        return ax
    fixed, slope, _ = algorithm.parts(problem)
    at = problem.positions(plan)
    way = problem.ways(at)
    still, sent = (problem.price(at, costs, way) for costs in (fixed, slope))
    if sent == 0:
        return ax  # the same at any bandwidth
    unit, scale = (MBIT_PER_S / found.weight, 1e6) if found.per_byte else (1.0, 1.0)
    rate = unit * sent / (result.objective - still)
    value, speed = (" ms", " Mbit/s") if found.per_byte else ("", "")
    low, high = ax.get_xlim()
    if low <= rate <= high:
        ax.plot(
            rate, result.objective / scale, "D", color="black", markersize=4.5, zorder=4, linestyle="none",
            label=f"{literal(result.method)}: {result.objective / scale:.4g}{value} at {rate:.3g}{speed}",
        )  # fmt: skip
        ax.legend(fontsize=USUAL, frameon=False, handletextpad=0.2)
    return ax


def _drawn(ax: Any) -> tuple[float, float]:
    values = [float(value) for line in ax.lines for value in line.get_ydata()]
    return min(values), max(values)


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
