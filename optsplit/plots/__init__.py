"""Pictures: a plan of each problem, the envelope over bandwidth, fronts, and the progress of a solve.

Each takes `ax` and returns it, is legible 3.3 inches wide (one column of a paper), and in greyscale. On axes of the
caller's nothing touches pyplot; new axes are pyplot's, to be shown and closed by the caller.
"""

from __future__ import annotations

import importlib
from typing import Any

from optsplit.errors import InvalidInput, unknown
from optsplit.plots.axes import need_matplotlib
from optsplit.plots.bandwidth import envelope, of_result
from optsplit.plots.network import partition
from optsplit.plots.progress import trace
from optsplit.result import Result, Status

_OF = {
    "Partition": ("network", "network"),
    "UploadOrder": ("upload", "upload"),
    "Schedule": ("gantt", "schedule"),
    "FlowShop": ("gantt", "flow_shop"),
}
"""Problem -> the name of its picture, the module that draws it."""

__all__ = ["draw", "envelope", "kinds", "need_matplotlib", "partition", "picture", "trace"]


def kinds(problem: Any) -> tuple[str, ...]:
    """The pictures that a result of this problem can have, its plan first; only its progress without a problem."""
    own = _OF.get(type(problem).__name__)
    plan = () if own is None else ("plan", own[0], *(("envelope",) if own[0] == "network" else ()))
    return (*plan, "progress")


def picture(result: Result, ax: Any = None, kind: str = "plan") -> Any:
    """Draw one of the pictures of a result: see `optsplit.Result.plot`."""
    problem, known = result.problem, kinds(result.problem)
    if problem is None and kind != "progress":
        raise InvalidInput("result.plot needs a plan and its problem; solve the problem again, or draw kind='progress'")
    if kind not in known:
        raise InvalidInput(f"result of a {type(problem).__name__}: {unknown('kind of picture', kind, known)}")
    need_matplotlib()
    if kind == "progress":
        return trace(result, ax)
    if kind == "envelope":
        return of_result(result, ax)
    if result.plan is None:
        raise InvalidInput(_why(result))
    return draw(problem, result, ax)


def draw(problem: Any, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result, whatever its problem.

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
        A problem of a kind that has no picture, or a result without a plan.
    """
    kind = type(problem).__name__
    if kind not in _OF:
        raise InvalidInput(f"{kind} has no picture; those of {', '.join(_OF)} have")
    return importlib.import_module(f"optsplit.plots.{_OF[kind][1]}").draw(problem, result, ax=ax)


def _why(result: Result) -> str:
    from optsplit.problems.partition import Partition
    from optsplit.report import infeasibility

    if result.status is Status.INFEASIBLE and isinstance(result.problem, Partition):
        return f"there is no plan to draw; {infeasibility(result.problem, result)}"
    return f"method {result.method!r} found no plan ({result.status}); there is nothing to draw"
