"""Pictures of many runs: performance profiles, gaps over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optsplit.errors import InvalidInput
from optsplit.evidence.gaps import Steps
from optsplit.evidence.record import Record
from optsplit.evidence.statistics import (
    PerformanceProfile,
    by_instance,
    cost_of_plan,
    performance_profile,
    positive,
)
from optsplit.plots.axes import axes_or_new

# dark and light by turns, each with a line and a marker of its own: told apart without colour
LOOKS = (
    ("#000000", "-", "o"), ("#f16913", "--", "s"), ("#08519c", "-.", "^"), ("#a0a0a0", "-", "D"),
    ("#54278f", ":", "v"), ("#74c476", "--", "P"), ("#525252", "-.", "X"), ("#bcbddc", "-", "*"),
)  # fmt: skip

FEW = 4
"""Lines whose legend has room inside the axes."""


def performance(
    profile: PerformanceProfile, ax: Any = None, *, methods: tuple[str, ...] | None = None, largest: float = 100.0,
    what: str = "cost",
) -> Any:  # fmt: skip
    """Draw a performance profile: the share of instances on which each method is within a factor of the best.

    Parameters
    ----------
    profile
        From `optsplit.evidence.statistics.performance_profile`.
    ax
        Matplotlib axes; new ones by default.
    methods
        Those to draw, in this order; all by default.
    largest
        The largest factor to show; the axis ends earlier where every step is below it.
    what
        What is compared, for the label: "cost" or "time".

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInput
        More methods than can be told apart, or one without runs.
    """
    chosen = tuple(profile.ratios) if methods is None else methods
    _few(len(chosen), "methods")
    for method in chosen:
        if method not in profile.ratios:
            raise InvalidInput(f"method {method!r} is not in the profile; it has {', '.join(profile.ratios)}")
    ax = axes_or_new(ax)
    reached = max((r for m in chosen for r in profile.ratios[m]), default=1.0)
    end = min(largest, max(1.05, reached**1.05))
    for i, (method, (colour, line, marker)) in enumerate(zip(chosen, LOOKS, strict=False)):
        factors, shares = profile.steps(method)
        inside = [(f, s) for f, s in zip(factors, shares, strict=True) if f <= end]
        x = [1.0, *(f for f, _ in inside), end]
        y = [profile.share(method, 1.0), *(s for _, s in inside), profile.share(method, end)]
        # the first ones thicker: where lines coincide, those below are seen beside those above
        ax.plot(
            x, y, drawstyle="steps-post", color=colour, linestyle=line, linewidth=2.4 - 0.2 * i, marker=marker,
            markersize=3.5, markevery=(0.05 + 0.03 * i, 0.3), label=method,
        )  # fmt: skip
    ax.set_xscale("log")
    _plain_ticks(ax, end)
    ax.set_xlim(1.0, end)
    ax.set_ylim(0.0, 1.03)
    ax.set_xlabel(f"within this factor of the best {what}", fontsize=8)
    ax.set_ylabel(f"share of {profile.instances} instances", fontsize=8)
    _finish(ax)
    return ax


def save_sheet(
    path: str | Path,
    records: Sequence[Record],
    headlines: Mapping[str, Sequence[str]],
    exact: str = "auto",
    columns: int = 1,
) -> None:
    """Write a picture with one performance profile of the plans' costs for each family of runs.

    Parameters
    ----------
    path
        .png, .pdf or .svg.
    records, headlines, exact
        As in `optsplit.evidence.page.sentences`; where there are more methods than a picture holds, the exact one and
        those of the headlines come first.
    columns
        Pictures side by side, each as wide as a column of a paper.

    Raises
    ------
    InvalidInput
        No family has a cost that a ratio can be taken of, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    profiles = {}
    for family in dict.fromkeys(r.family for r in records):
        costs, _ = positive(by_instance([r for r in records if r.family == family], cost_of_plan))
        first = [exact, *headlines.get(family, ())]
        chosen = [label for label in dict.fromkeys([*first, *costs]) if label in costs][: len(LOOKS)]
        if chosen and costs[chosen[0]]:
            profiles[family] = performance_profile({label: costs[label] for label in chosen})
    if not profiles:
        raise InvalidInput("no family has plans whose cost is positive; there is nothing to draw")
    across = min(columns, len(profiles))
    down = -(-len(profiles) // across)
    figure = Figure(figsize=(3.3 * across, 2.9 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).flat
    for ax, (family, profile) in zip(panels, profiles.items(), strict=False):
        performance(profile, ax)
        ax.set_title(family, fontsize=8)
    for ax in panels[len(profiles) :]:
        ax.remove()
    try:
        figure.savefig(path, dpi=200)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror}); check the path") from error


def _plain_ticks(ax: Any, end: float) -> None:
    steps = (1, 1.01, 1.02, 1.03, 1.05, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10, 20, 50, 100, 1000, 10000, 100000, 1000000)
    fitting = [step for step in steps if step <= end]
    # about five labels, evenly over the logarithm, from 1 on
    apart, shown = math.log(end) / 5, [1.0]
    for step in fitting:
        if math.log(step) - math.log(shown[-1]) >= apart:
            shown.append(step)
    ax.set_xticks(shown, [f"{step:g}" for step in shown])
    ax.set_xticks([], minor=True)


def gap_over_time(solves: Mapping[str, Steps], ax: Any = None, *, least: float = 1e-4) -> Any:
    """Draw how the gaps of several solves close over time, both axes logarithmic; a cross marks a gap of 0.

    Parameters
    ----------
    solves
        Label -> from `optsplit.evidence.gaps.over_time`.
    ax
        Matplotlib axes; new ones by default.
    least
        The smallest gap to show; smaller ones lie on the axis.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInput
        No solves, or more than can be told apart.
    """
    if not solves:
        raise InvalidInput("a picture of no solves; give at least one")
    _few(len(solves), "solves")
    ax = axes_or_new(ax)
    ends = [steps.end for steps in solves.values()]
    starts = [s for steps in solves.values() for s in steps.seconds if s > 0]
    first, last = max(1e-4, min([*starts, *ends]) / 2), max(1e-3, *ends) * 1.1
    for (label, steps), (colour, line, marker) in zip(solves.items(), LOOKS, strict=False):
        x = [max(s, first) for s in steps.seconds]
        y = [100 * max(gap, least) for gap in steps.gaps]
        ax.plot(
            [*x, max(steps.end, first)], [*y, y[-1]], drawstyle="steps-post", color=colour, linestyle=line,
            linewidth=1.2, marker=marker, markersize=3, markevery=max(1, len(x) // 4), label=label,
        )  # fmt: skip
        if steps.gaps[-1] == 0:
            ax.plot([x[-1]], [y[-1]], marker="x", color=colour, markersize=6, clip_on=False, linestyle="none")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(first, last)
    ax.set_ylim(100 * least, 130)
    ax.set_xlabel("time, s", fontsize=8)
    ax.set_ylabel("gap, %", fontsize=8)
    _finish(ax)
    return ax


def _few(count: int, what: str) -> None:
    if count > len(LOOKS):
        raise InvalidInput(f"{count} {what} in one picture cannot be told apart; choose at most {len(LOOKS)}")


def _finish(ax: Any) -> None:
    ax.tick_params(labelsize=7)
    ax.grid(True, linewidth=0.3)
    count = len(ax.get_legend_handles_labels()[1])
    below = {"loc": "upper center", "bbox_to_anchor": (0.45, -0.22), "ncols": 2, "columnspacing": 1.0}
    ax.legend(fontsize=6.5, framealpha=0.8, edgecolor="none", handlelength=3.2, **(below if count > FEW else {}))
