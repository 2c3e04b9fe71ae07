"""Which exit answers where, over bandwidth and deadline."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import axes_or_new
from optsplit.report import MBIT_PER_S

if TYPE_CHECKING:
    from optsplit.algorithms.decision_table import DecisionTable

_POINTS = 160


def draw(table: DecisionTable, ax: Any = None) -> Any:
    """Draw the least latency of each level over bandwidth: above a curve its exits meet the deadline.

    Parameters
    ----------
    table
        From `optsplit.decision_table`.
    ax
        Matplotlib axes; new ones by default.
    """
    ax = axes_or_new(ax)
    scale, unit = (MBIT_PER_S, 1e6) if table.per_byte else (1.0, 1.0)
    ends = [end for level in table.levels for end in level.ends] or [table.low, table.high]
    # around the breakpoints, as far as the table is proven
    low, high = max(table.low, min(ends) / 16), min(table.high, max(ends) * 4)
    ratio = math.log(high / low) / _POINTS
    grid = [Fraction(float(low) * math.exp(ratio * k)) for k in range(_POINTS + 1)]
    rates = [scale / float(t) for t in grid]
    greys = [0.35 + 0.55 * k / max(1, len(table.levels)) for k in range(len(table.levels))]
    top: list[float] | None = None
    for level, grey in zip(table.levels, greys, strict=True):
        least = [float(level.least(t)) / unit for t in grid]
        if top is None:
            top = [2 * max(float(each.least(t)) / unit for each in table.levels for t in grid)] * len(grid)
        names = ", ".join(dict.fromkeys(line.exit for line in level.lines))
        ax.fill_between(
            rates, least, top, where=[a < b for a, b in zip(least, top, strict=True)], color=str(grey), linewidth=0,
            label=f"{names} ({level.accuracy:.4g})",
        )  # fmt: skip
        ax.plot(rates, least, color="black", linewidth=0.6)
        top = [min(a, b) for a, b in zip(least, top, strict=True)]
    ax.set_xscale("log")
    if top is not None and min(top) > 0:
        ax.set_yscale("log")
    ax.set_xlim(min(rates), max(rates))
    ax.set_xlabel("bandwidth, Mbit/s" if table.per_byte else "factor on bandwidth", fontsize=8)
    ax.set_ylabel("deadline, ms" if table.per_byte else "deadline", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.legend(fontsize=6, title="exit (accuracy)", title_fontsize=6, framealpha=0.9)
    return ax
