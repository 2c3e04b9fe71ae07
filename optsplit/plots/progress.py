"""The incumbent and the bound of a solve over time."""

from __future__ import annotations

from typing import Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import axes_or_new
from optsplit.result import SCALES, Result


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
    ax = axes_or_new(ax)
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
