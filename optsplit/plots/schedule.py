"""A schedule as a Gantt chart: one row for each place and link that works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.plots import gantt
from optsplit.report_schedule import bursts

if TYPE_CHECKING:
    from optsplit.problems.schedule import Schedule
    from optsplit.result import Result


def draw(problem: Schedule, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result.

    Parameters
    ----------
    problem, result
        What was solved, and a result with a plan.
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
    rows = bursts(problem, plan)
    machines = [machine for machine in problem.machines if any(row.machine == machine for row in rows)]
    return gantt.draw(machines, [gantt.Bar(row.machine, row.job, row.start, row.end) for row in rows], "ns", ax)
