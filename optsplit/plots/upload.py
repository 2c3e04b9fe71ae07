"""The latency of a query while the weights travel, one line for each order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import axes_or_new
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.result import SCALES, Result

USUAL: tuple[tuple[str, Mapping[str, Any]], ...] = (("in-order", {}), ("ionn", {}), ("all-at-once", {}))
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


def draw(
    problem: UploadOrder, result: Result, ax: Any = None, *, others: Mapping[str, UploadPlan] | None = None
) -> Any:
    """Draw the latency over time for the order of a result and for others.

    Parameters
    ----------
    problem, result
        A result with a plan.
    ax
        Matplotlib axes; new ones by default.
    others
        Label -> plan; default in-order, IONN and all-at-once.
    """
    ax = axes_or_new(ax)
    if result.plan is None:
        raise InvalidInput(f"method {result.method!r} found no order; there is nothing to draw")
    mine: Any = result.plan
    lines: dict[str, UploadPlan] = {result.method: mine}
    for name, plan in (_usual(problem) if others is None else others).items():
        lines.setdefault(name, plan)
    curves = {name: problem.curve(plan) for name, plan in lines.items()}
    end = max([problem.horizon, *(curve[-1][0] for curve in curves.values())]) * 1.03 or 1
    unit = problem.partition.units[problem.partition.objectives[0]]
    scale, name_of_unit = next(
        ((s, n) for s, n in SCALES.get(unit, ()) if max(now for _, now in curves[result.method]) >= s), (1.0, unit)
    )
    seconds = 1e9 if unit == "ns" else 1.0
    # drawn last, the result lies on top
    for i, (name, curve) in reversed(list(enumerate(curves.items()))):
        colour, dashes, width = _LOOKS[i % len(_LOOKS)]
        times = [start / seconds for start, _ in curve] + [end / seconds]
        values = [now / scale for _, now in curve] + [curve[-1][1] / scale]
        mean = problem.evaluate(lines[name]).metrics["mean_latency"] / scale
        ax.step(
            times, values, where="post", color=colour, linestyle=dashes, linewidth=width,
            label=f"{name} (mean {mean:.4g})",
        )  # fmt: skip
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], fontsize=6.5, frameon=False, handlelength=2.6)
    ax.set_xlim(0, end / seconds)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("upload, s" if unit == "ns" else "upload", fontsize=8)
    ax.set_ylabel(f"latency, {name_of_unit}" if name_of_unit else "latency", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.grid(True, linewidth=0.3)
    return ax


def _usual(problem: UploadOrder) -> dict[str, UploadPlan]:
    from optsplit.report_upload import usual

    plans: dict[str, Any] = {name: found.plan for name, found in usual(problem, USUAL).items()}
    return plans
