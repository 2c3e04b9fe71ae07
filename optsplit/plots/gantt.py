"""Bars of jobs on machines over time, for schedules and flow shops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from optsplit.plots.axes import AREAS, SMALL, USUAL, axes_or_new, extent, legend_above, literal, name_axes, scaled

_GRADIENT = 0.92
"""Where the gradient of many jobs ends: the last tones of viridis vanish on white paper."""


class Bar(NamedTuple):
    """A job on a machine, from `start` to `end`."""

    machine: str
    job: int
    start: int
    end: int


def draw(machines: Sequence[str], bars: Sequence[Bar], unit: str, ax: Any = None) -> Any:
    """Draw a row for each machine and a bar for each stay of a job.

    A few jobs have looks of their own, and a legend; many are shaded in the order in which they begin. Bars are
    numbered where there is room.

    Parameters
    ----------
    machines
        The rows, first at the top.
    bars
        Those without length are left out.
    unit
        Of time.
    ax
        Matplotlib axes; new ones by default.

    Returns
    -------
    The axes.
    """
    ax = axes_or_new(ax)
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    bars = sorted((bar for bar in bars if bar.end > bar.start), key=lambda bar: bar.start)
    last = max((bar.end for bar in bars), default=0)
    scale, name = scaled(unit, last)
    looks = _looks(list(dict.fromkeys(bar.job for bar in bars)))
    row = {machine: len(machines) - 1 - k for k, machine in enumerate(machines)}
    point = max(last, 1) / extent(ax)[0]
    handles: dict[int, Any] = {}
    for bar in bars:
        face, hatch, ink = looks[bar.job]
        length = bar.end - bar.start
        # around many hairlines a dark edge would be all that is seen
        edge = "black" if length > 2 * point or len(looks) <= len(AREAS) else face
        box = Rectangle(
            (bar.start / scale, row[bar.machine] - 0.35), length / scale, 0.7, facecolor=face, hatch=hatch,
            edgecolor=edge, linewidth=0.4 if length > 2 * point else 0.2, label=f"job {bar.job}",
        )  # fmt: skip
        ax.add_patch(box)
        if bar.job not in handles or handles[bar.job].get_width() < box.get_width():
            handles[bar.job] = box
        if length > (4.2 * len(str(bar.job)) + 1) * point:
            ax.text(
                (bar.start + bar.end) / 2 / scale, row[bar.machine], str(bar.job), ha="center", va="center_baseline",
                fontsize=SMALL, color=ink, clip_on=True, **_behind(face, hatch),
            )  # fmt: skip
    ax.set_yticks(list(row.values()), [literal(machine) for machine in row])
    ax.set_ylim(-0.6, len(machines) - 0.4)
    # 1 % more, or the last bar's edge is cut in half
    ax.set_xlim(0, max(last / scale, 1e-9) * 1.01)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.spines[["right", "top"]].set_visible(False)
    name_axes(ax, f"time, {name}" if name else "time", "")
    if len(looks) > 1:
        _legend(ax, handles, looks)
    return ax


def _looks(jobs: Sequence[int]) -> Mapping[int, tuple[Any, str, str]]:
    """(face, hatch, ink) of each job, jobs in the order in which they begin."""
    if len(jobs) <= len(AREAS):
        return {job: AREAS[k] for k, job in enumerate(sorted(jobs))}
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shade = colormaps["viridis"]
    at = [_GRADIENT * k / (len(jobs) - 1) for k in range(len(jobs))]
    return {job: (to_hex(shade(t)), "", "white" if t < 0.55 else "black") for job, t in zip(jobs, at, strict=True)}


def _behind(face: str, hatch: str) -> dict[str, Any]:
    """A plain ground for a number that a hatch would strike through."""
    return {"bbox": {"facecolor": face, "edgecolor": "none", "pad": 0.4}} if hatch else {}


def _legend(ax: Any, handles: Mapping[int, Any], looks: Mapping[int, tuple[Any, str, str]]) -> None:
    jobs = sorted(handles)
    title = None
    if len(looks) > len(AREAS):
        order = list(looks)
        jobs = [order[0], order[len(order) // 2], order[-1]]
        title = f"{len(order)} jobs, shaded in the order in which they begin"
    legend = legend_above(ax, [handles[j] for j in jobs], [f"job {j}" for j in jobs], "right", title=title)
    legend.get_title().set_fontsize(USUAL)
