"""A flow shop's sequence as a Gantt chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.plots import gantt

if TYPE_CHECKING:
    from optsplit.problems.flow_shop import FlowShop
    from optsplit.result import Result


def draw(problem: FlowShop, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result: a row for each machine, a bar for each job, numbered as in the plan.

    Parameters
    ----------
    problem, result
        A flow shop, and what `optsplit.solve` made of it.
    ax
        Matplotlib axes; new ones by default.

    Returns
    -------
    The axes.

    Raises
    ------
    InvalidInput
        The result has no plan.
    """
    plan: Any = result.plan
    if plan is None:
        raise InvalidInput(f"method {result.method!r} found no plan; there is nothing to draw")
    machines = [f"machine {k + 1}" for k in range(problem.machines)]
    bars = [
        gantt.Bar(machines[k], j, int(end) - int(problem.times[j, k]), int(end))
        for j, ends in zip(plan.sequence, problem.ends(plan.sequence), strict=True)
        for k, end in enumerate(ends)
    ]
    return gantt.draw(machines, bars, problem.unit, ax)
