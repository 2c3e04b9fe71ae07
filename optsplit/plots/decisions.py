"""Which exit answers where, over bandwidth and deadline."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import AREAS, SMALL, axes_or_new, literal, logarithmic, name_axes
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

    Returns
    -------
    The axes.
    """
    ax = axes_or_new(ax)
    scale, unit = (MBIT_PER_S, 1e6) if table.per_byte else (1.0, 1.0)
    ends = [end for level in table.levels for end in level.ends] or [table.low, table.high]
    # around the breakpoints, as far as the table is proven
    low, high = max(table.low, min(ends) / 16), min(table.high, max(ends) * 4)
    ratio = math.log(high / low) / _POINTS
    grid = [Fraction(float(low) * math.exp(ratio * k)) for k in range(_POINTS + 1)]
    rates = [scale / float(t) for t in grid]
    all_least = [[float(level.least(t)) / unit for t in grid] for level in table.levels]
    lowest, highest = min(map(min, all_least)), 2 * max(map(max, all_least))
    top = [highest] * len(grid)
    for k, (level, least) in enumerate(zip(table.levels, all_least, strict=True)):
        names = ", ".join(dict.fromkeys(literal(line.exit) for line in level.lines))
        face, hatch, _ = AREAS[k % len(AREAS)]
        ax.fill_between(
            rates, least, top, where=[a < b for a, b in zip(least, top, strict=True)], facecolor=face, hatch=hatch,
            edgecolor="black", linewidth=0, label=f"{names} ({level.accuracy:.4g})",
        )  # fmt: skip
        ax.plot(rates, least, color="black", linewidth=0.6)
        top = [min(a, b) for a, b in zip(least, top, strict=True)]
    logarithmic(ax.xaxis, min(rates), max(rates))
    if lowest > 0:
        logarithmic(ax.yaxis, lowest / 1.5, highest)
    else:
        ax.set_ylim(0, highest or 1.0)
    name_axes(
        ax, "bandwidth, Mbit/s" if table.per_byte else "factor on bandwidth",
        "deadline, ms" if table.per_byte else "deadline",
    )  # fmt: skip
    # the first level, which every longer deadline allows, reaches the upper right corner: nothing ends there
    ax.legend(fontsize=SMALL, title="exit (accuracy)", title_fontsize=SMALL, framealpha=1, loc="upper right")
    return ax
