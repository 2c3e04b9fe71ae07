"""The front of two metrics, or of the first two of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import LABEL, USUAL, axes_or_new, name_axes, named, scaled

if TYPE_CHECKING:
    from optsplit.algorithms.front import Front

_FEW = 40
"""Up to so many points each is marked; of more, those that no weights find are dots."""


def draw(front: Front, ax: Any = None) -> Any:
    """Draw the points, those on the convex hull filled, and the zones that are still open.

    Parameters
    ----------
    front
        From `optsplit.front`. Of more than two metrics the first two are drawn, the third as a shade of grey.
    ax
        Matplotlib axes; new ones by default.

    Returns
    -------
    The axes.

    Raises
    ------
    InvalidInput
        The front has no point.
    """
    if not front.points:
        reason = "the problem has no plan" if front.infeasible else "none was found in time"
        raise InvalidInput(f"front of {front.name!r} has no points: {reason}; there is nothing to draw")
    ax = axes_or_new(ax)
    scales = [
        scaled(front.units.get(metric, ""), max(abs(point.values[k]) for point in front.points))
        for k, metric in enumerate(front.metrics)
    ]
    xs, ys = ([point.values[k] / scales[k][0] for point in front.points] for k in range(2))
    if len(front.metrics) > 2:
        scale, unit = scales[2]
        dots = ax.scatter(
            xs, ys, c=[point.values[2] / scale for point in front.points], cmap="Greys", edgecolors="black",
            linewidths=0.5, s=16, zorder=3,
        )  # fmt: skip
        bar = ax.figure.colorbar(dots, ax=ax)
        bar.set_label(named(front.metrics[2], unit), fontsize=LABEL)
        bar.ax.tick_params(labelsize=USUAL)
    else:
        _two(front, ax, xs, ys)
        if front.open:
            _zones(front, ax, scales, (max(xs), max(ys)))
        ax.legend(fontsize=USUAL, frameon=False)
    name_axes(ax, *(named(metric, unit) for metric, (_, unit) in zip(front.metrics[:2], scales)))
    ax.grid(True, linewidth=0.3)
    return ax


def _two(front: Front, ax: Any, xs: list[float], ys: list[float]) -> None:
    ax.step(xs, ys, where="post", color="#a0a0a0", linewidth=0.8, zorder=1)
    few = len(xs) <= _FEW
    hull = [(x, y) for x, y, on in zip(xs, ys, front.supported, strict=True) if on]
    rest = [(x, y) for x, y, on in zip(xs, ys, front.supported, strict=True) if not on]
    looks = (
        ("supported", hull, "#08519c", "o", 4.5, 0.5, 4),
        ("unsupported", rest, "white" if few else "#606060", "s", 3.5 if few else 2.0, 0.5 if few else 0, 3),
    )
    for label, points, face, marker, size, edge, order in looks:
        if points:
            ax.plot(
                *zip(*points, strict=True), marker, color=face, markeredgecolor="black", markeredgewidth=edge,
                markersize=size, label=f"{label} ({len(points)})", zorder=order,
            )  # fmt: skip


def _zones(front: Front, ax: Any, scales: list[tuple[float, str]], ends: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    for k, zone in enumerate(front.open):
        x, y = (low / scale for low, (scale, _) in zip(zone.low, scales))
        right, top = (
            end if high is None else min(end, high / scale) for high, end, (scale, _) in zip(zone.high, ends, scales)
        )
        ax.add_patch(
            Rectangle(
                (x, y), right - x, top - y, facecolor="none", edgecolor="#606060", hatch="////", linewidth=0.4,
                label=f"open ({len(front.open)})" if k == 0 else None, zorder=2,
            )
        )  # fmt: skip
