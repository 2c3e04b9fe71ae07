"""Axes to draw on, and what all pictures share: labels, ticks, and looks that greyscale tells apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from optsplit.errors import MissingDependency
from optsplit.result import SCALES

SMALL, USUAL, LABEL = 6.0, 7.0, 8.0
"""Points of the text in a picture, of ticks and legends, and of the axes' names."""

_LIGHT, _MIDDLE, _DARK = "#d9e6f5", "#e8873a", "#123f73"
AREAS: tuple[tuple[str, str, str], ...] = (
    (_LIGHT, "", "black"),
    (_MIDDLE, "", "black"),
    (_DARK, "", "white"),
    *((tone, hatch, "black") for hatch in ("////", "....", "xxxx") for tone in (_LIGHT, _MIDDLE)),
)
"""(face, hatch, ink upon it) of areas: neighbours differ in lightness or in their hatch. None is seen on the dark."""


def need_matplotlib() -> None:
    """Raise `MissingDependency` where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependency('matplotlib is not installed; pip install "optsplit[plot]"') from error


def axes_or_new(ax: Any) -> Any:
    """The axes given, or new ones of pyplot, one column of a paper wide."""
    need_matplotlib()
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(3.3, 2.4), layout="constrained")[1]


def literal(text: str, most: int = 40) -> str:
    """A name as matplotlib shows it unchanged: no formula between dollars, no more than `most` characters."""
    from matplotlib import rcParams

    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    # a label that begins with an underscore is left out of legends
    return ("\u200b" if cut.startswith("_") else "") + (cut.replace("$", r"\$") if rcParams["text.parse_math"] else cut)


def named(metric: str, unit: str) -> str:
    """The name of an axis: "server time, ms" for the metric "server_seconds"."""
    words = literal(metric.replace("_seconds", "_time").replace("_", " "))
    return f"{words}, {unit.replace('^2', '²')}" if unit else words


def scaled(unit: str, largest: float) -> tuple[float, str]:
    """(divisor, name) of the unit in which values up to `largest` are read easily."""
    return next(((scale, name) for scale, name in SCALES.get(unit, ()) if largest >= scale), (1.0, unit))


def name_axes(ax: Any, x: str, y: str) -> None:
    """Name both axes and size their ticks."""
    ax.set_xlabel(x, fontsize=LABEL)
    ax.set_ylabel(y, fontsize=LABEL)
    ax.tick_params(labelsize=USUAL)


def logarithmic(axis: Any, low: float, high: float) -> None:
    """Make an axis logarithmic with a few plain numbers as ticks; a range that doubles only once or so stays linear."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    name = axis.axis_name
    if low == high:
        low, high = 0.9 * low, 1.1 * high
    if high / low < 4:
        getattr(axis.axes, f"set_{name}scale")("linear")
    else:
        getattr(axis.axes, f"set_{name}scale")("log")
        decades = math.log10(high / low)
        subs = (1.0, 2.0, 5.0) if decades < 2 else (1.0, 3.0) if decades < 3.2 else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
        axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=100))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    getattr(axis.axes, f"set_{name}lim")(low, high)


def extent(ax: Any) -> tuple[float, float]:
    """Width and height of axes in points, before the layout is settled."""
    box = ax.get_window_extent()
    return float(box.width) * 72 / ax.figure.dpi, float(box.height) * 72 / ax.figure.dpi


def columns(labels: Sequence[str], width: float) -> int:
    """How many columns a legend has that may be so many points wide."""
    for count in range(len(labels), 1, -1):
        rows = [labels[k::count] for k in range(count)]
        if sum(max(map(len, row)) * USUAL * 0.52 + 22 for row in rows) <= width:
            return count
    return 1


def legend_above(ax: Any, handles: Sequence[Any], labels: Sequence[str], side: str = "center", **more: Any) -> Any:
    """A legend over the axes, in as many columns as fit between the figure's edges.

    Parameters
    ----------
    ax, handles, labels
        As matplotlib takes them; read in rows.
    side
        "right" ends with the axes, for those whose left half is taken by the names of ticks.
    more
        Other arguments of a legend.
    """
    # what the layout leaves left and right of axes is about a quarter of their width
    count = columns(labels, extent(ax)[0] * 1.25)
    # matplotlib fills columns first
    order = list(itertools.chain.from_iterable(range(k, len(labels), count) for k in range(count)))
    return ax.legend(
        [handles[i] for i in order], [labels[i] for i in order], loc=f"lower {side}",
        bbox_to_anchor=(1.0 if side == "right" else 0.5, 1.0), ncols=count, frameon=False, borderaxespad=0.2,
        **{"fontsize": USUAL, "handlelength": 1.5, "handletextpad": 0.4, "columnspacing": 1.0} | more,
    )  # fmt: skip
