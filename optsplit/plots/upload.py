"""The latency of a query while the weights travel, one line for each order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import SMALL, USUAL, axes_or_new, legend_above, literal, name_axes, scaled
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.result import Result

USUAL_ORDERS: tuple[tuple[str, Mapping[str, Any]], ...] = (("in-order", {}), ("ionn", {}), ("all-at-once", {}))
"""What is drawn beside the result: (method, its options)."""

# the result first, thick; the others told apart by dashes as well as by shade
_LOOKS = (
    ("#a63603", "-", 1.8),
    ("#08519c", "--", 1.1),
    ("#555555", ":", 1.3),
    ("#999999", "-.", 1.1),
    ("#31a354", (0, (5, 1, 1, 1, 1, 1)), 1.1),
    ("#756bb1", (0, (1, 3)), 1.3),
)
_MANY = 40
"""More units than this are marked by smaller points."""


def draw(
    problem: UploadOrder, result: Result, ax: Any = None, *, others: Mapping[str, UploadPlan] | None = None
) -> Any:
    """Draw the latency over time for the order of a result and for others.

    Points on the result's line are units that have arrived; the thin line is its mean latency.

    Parameters
    ----------
    problem, result
        A result with a plan.
    ax
        Matplotlib axes; new ones by default.
    others
        Label -> plan; default in-order, IONN and all-at-once.

    Returns
    -------
    The axes.

    Raises
    ------
    InvalidInput
        The result has no plan.
    """
    if result.plan is None:
        raise InvalidInput(f"method {result.method!r} found no order; there is nothing to draw")
    ax = axes_or_new(ax)
    mine: Any = result.plan
    lines: dict[str, UploadPlan] = {result.method: mine}
    for name, plan in (_usual(problem) if others is None else others).items():
        lines.setdefault(name, plan)
    curves = {name: problem.curve(plan) for name, plan in lines.items()}
    last = max([problem.horizon, *(curve[-1][0] for curve in curves.values())])
    unit = problem.partition.units[problem.partition.objectives[0]]
    scale, name_of_unit = scaled(unit, max(now for _, now in curves[result.method]))
    clock, name_of_time = scaled(unit, last or 10**9)
    end = last * 1.03 / clock or 1.0
    means = {name: problem.evaluate(plan).metrics["mean_latency"] / scale for name, plan in lines.items()}
    if last:
        ax.hlines(means[result.method], 0, problem.horizon / clock, color=_LOOKS[0][0], linewidth=0.6, zorder=1.9)
    # drawn last, the result lies on top
    for i, (name, curve) in reversed(list(enumerate(curves.items()))):
        colour, dashes, width = _LOOKS[i % len(_LOOKS)]
        times = [start / clock for start, _ in curve] + [end]
        values = [now / scale for _, now in curve] + [curve[-1][1] / scale]
        ax.step(
            times, values, where="post", color=colour, linestyle=dashes, linewidth=width,
            label=f"{literal(name)} (mean {f'{means[name]:.4g} {name_of_unit}'.rstrip()})",
        )  # fmt: skip
    _arrivals(ax, problem, mine, clock, scale)
    handles, labels = ax.get_legend_handles_labels()
    legend_above(
        ax, handles[::-1], labels[::-1], "right", fontsize=SMALL, handlelength=2.4, handletextpad=0.4,
        columnspacing=0.8,
    )  # fmt: skip
    if not last:
        ax.text(0.5, 0.5, "nothing is uploaded", transform=ax.transAxes, ha="center", va="center", fontsize=USUAL)
    ax.set_xlim(0, end)
    ax.set_ylim(0, 1.06 * max(now for curve in curves.values() for _, now in curve) / scale or 1.0)
    name_axes(
        ax, f"upload, {name_of_time}" if name_of_time else "upload",
        f"latency, {name_of_unit}" if name_of_unit else "latency",
    )  # fmt: skip
    ax.grid(True, linewidth=0.3)
    return ax


def _arrivals(ax: Any, problem: UploadOrder, plan: UploadPlan, clock: float, scale: float) -> None:
    """A point where each unit of a plan has arrived; the line may not fall there, as in the middle of a batch."""
    steps = problem.steps(plan)
    if not steps:
        return
    after = [now for _, now in steps[1:]] + [problem.curve(plan)[-1][1]]
    arrived, times = 0, []
    for p, _ in steps:
        arrived += p
        times.append(arrived / clock)
    size = SMALL if len(steps) > _MANY else 2 * SMALL
    ax.scatter(
        times, [now / scale for now in after], s=size, facecolors="white", edgecolors=_LOOKS[0][0], linewidths=0.7,
        zorder=3,
    )  # fmt: skip


def _usual(problem: UploadOrder) -> dict[str, UploadPlan]:
    from optsplit.report_upload import usual

    plans: dict[str, Any] = {name: found.plan for name, found in usual(problem, USUAL_ORDERS).items()}
    return plans
