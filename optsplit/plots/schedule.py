"""A schedule as a Gantt chart: one row for each machine, one colour and hatch for each job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import axes_or_new
from optsplit.report_schedule import bursts
from optsplit.result import SCALES

if TYPE_CHECKING:
    from optsplit.problems.schedule import Schedule
    from optsplit.result import Result

# neighbours differ in lightness, and a second round in hatch, so that greyscale tells them apart
_FACES = ("#08519c", "#fdd0a2", "#74c476", "#dadaeb", "#a63603", "#c6dbef", "#54278f")
_HATCHES = ("", "////", "....", "xxxx")
_LEGEND = 7
"""Jobs that a legend names; more are numbered in the bars where there is room."""


def draw(problem: Schedule, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result.

    Parameters
    ----------
    problem, result
        What was solved, and a result with a plan.
    ax
        Matplotlib axes; new ones by default.
    """
    plan: Any = result.plan
    ax = axes_or_new(ax)
    rows = bursts(problem, plan)
    last = max((row.end for row in rows), default=0)
    scale, unit = next(((s, name) for s, name in SCALES["ns"] if last >= s), (1.0, "ns"))
    machines = [machine for machine in problem.machines if any(row.machine == machine for row in rows)]
    height = {machine: len(machines) - 1 - k for k, machine in enumerate(machines)}
    named: dict[int, Any] = {}
    for row in rows:
        face, hatch = _FACES[row.job % len(_FACES)], _HATCHES[row.job // len(_FACES) % len(_HATCHES)]
        bar = ax.barh(
            height[row.machine], (row.end - row.start) / scale, left=row.start / scale, height=0.7, color=face,
            hatch=hatch, edgecolor="black", linewidth=0.4,
        )  # fmt: skip
        named.setdefault(row.job, bar)
        if len(problem.jobs) > _LEGEND and row.end - row.start > 0.03 * last:
            dark = face in ("#08519c", "#a63603", "#54278f")
            ax.text(
                (row.start + row.end) / 2 / scale, height[row.machine], str(row.job), ha="center", va="center",
                fontsize=6, color="white" if dark else "black",
            )  # fmt: skip
    ax.set_yticks(list(height.values()), list(height))
    ax.set_xlim(0, max(last / scale, 1e-9))
    ax.set_xlabel(f"time, {unit}", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.spines[["right", "top"]].set_visible(False)
    if 1 < len(named) <= _LEGEND:
        jobs = sorted(named)
        ax.legend(
            [named[j] for j in jobs], [f"job {j}" for j in jobs], loc="lower center", bbox_to_anchor=(0.5, 1.0),
            ncols=min(4, len(jobs)), fontsize=7, frameon=False, handletextpad=0.3, columnspacing=1.0,
        )  # fmt: skip
    return ax
