"""The incumbent and the bound of a solve over time."""

from __future__ import annotations

from typing import Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import USUAL, axes_or_new, literal, name_axes, named, scaled
from optsplit.result import Result, percent


def trace(result: Result, ax: Any = None) -> Any:
    """Draw the incumbent and the bound of a solve over time.

    Parameters
    ----------
    result
        From `optsplit.solve`, by a method that reports its progress.
    ax
        Matplotlib axes; new ones by default.

    Returns
    -------
    The axes.

    Raises
    ------
    InvalidInput
        The result has neither a plan nor a bound.
    """
    if result.objective is None and result.bound is None:
        raise InvalidInput(f"method {result.method!r} found neither a plan nor a bound; there is nothing to draw")
    ax = axes_or_new(ax)
    unit = result.units.get(result.minimize[0], "") if result.minimize else ""
    end = max([result.solve_seconds, *(point.seconds for point in result.trace)])
    points = [(p.seconds, p.objective, p.bound) for p in result.trace] + [(end, result.objective, result.bound)]
    largest = max(abs(v) for _, *values in points for v in values if v is not None)
    scale, name = scaled(unit, largest)
    clock, second = (1.0, "s") if end >= 0.1 or end == 0 else (1e-3, "ms")
    looks = (("incumbent", 1, "#a63603", "-", "o"), ("bound", 2, "#08519c", "--", "^"))
    for label, column, colour, line, marker in looks:
        known = [(p[0] / clock, p[column] / scale) for p in points if p[column] is not None]  # type: ignore[operator]
        if known:
            ax.plot(
                [t for t, _ in known], [v for _, v in known], color=colour, linestyle=line, drawstyle="steps-post",
                marker=marker, markersize=3.5, linewidth=1.3, label=label,
                markerfacecolor="white" if column == 2 else colour,
            )  # fmt: skip
    what = "".join(result.minimize) if len(result.minimize) < 2 else f"largest of {len(result.minimize)} metrics"
    # 3 % more, or the last marker is cut in half
    ax.set_xlim(0, max(end / clock, 1e-9) * 1.03)
    name_axes(ax, f"solving time, {second}", named(what, name))
    ax.grid(True, linewidth=0.3)
    gap = f", gap {percent(result.gap)}" if result.gap else ""
    ax.legend(
        fontsize=USUAL, frameon=False, title=f"{literal(result.method)}: {result.status}{gap}", title_fontsize=USUAL
    )
    return ax
