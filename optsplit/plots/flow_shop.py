"""A flow shop's sequence as a Gantt chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import axes_or_new
from optsplit.result import SCALES

if TYPE_CHECKING:
    from optsplit.problems.flow_shop import FlowShop
    from optsplit.result import Result

# a light, a dark and middle tones in turn, so that neighbours differ without colour too
_FACES = (("#c6dbef", "black"), ("#08519c", "white"), ("#fdae6b", "black"), ("#636363", "white"), ("#a1d99b", "black"))
_DIGIT = 0.02
"""Share of the width that a digit of a job's number needs in its bar."""


def draw(problem: FlowShop, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result: a row for each machine, a bar for each job, numbered as in the plan.

    Parameters
    ----------
    problem, result
        A flow shop, and what `optsplit.solve` made of it.
    ax
        Matplotlib axes; new ones by default.

    Raises
    ------
    InvalidInput
        The result has no plan.
    """
    plan: Any = result.plan
    if plan is None:
        raise InvalidInput(f"method {result.method!r} found no plan; there is nothing to draw")
    ax = axes_or_new(ax)
    ends = problem.ends(plan.sequence)
    span = max(1, int(ends.max()))
    scale, unit = next(((s, n) for s, n in SCALES.get(problem.unit, ()) if span >= s), (1.0, problem.unit))
    for i, j in enumerate(plan.sequence):
        face, ink = _FACES[i % len(_FACES)]
        for k in range(problem.machines):
            p = int(problem.times[j, k])
            if not p:
                continue
            left = (int(ends[i, k]) - p) / scale
            ax.barh(k, p / scale, left=left, height=0.7, color=face, edgecolor="black", linewidth=0.4)
            if p >= _DIGIT * len(str(j)) * span:
                ax.text(left + p / scale / 2, k, str(j), ha="center", va="center", fontsize=6, color=ink)
    ax.set_yticks(range(problem.machines), [f"machine {k + 1}" for k in range(problem.machines)], fontsize=7)
    ax.invert_yaxis()
    ax.set_xlim(0, span / scale)
    ax.set_xlabel(f"time, {unit}" if unit else "time", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.set_title(f"{result.method}: {result.status}", fontsize=7)
    return ax
