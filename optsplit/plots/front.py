"""The front of two metrics, or of the first two of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optsplit.plots.axes import axes_or_new
from optsplit.result import SCALES

if TYPE_CHECKING:
    from optsplit.algorithms.front import Front

_FEW = 40
"""Up to so many points each is marked; more are a line with its ends."""


def draw(front: Front, ax: Any = None) -> Any:
    """Draw the points, those on the convex hull filled, and the zones that are still open.

    Parameters
    ----------
    front
        From `optsplit.front`. Of more than two metrics the first two are drawn, the third as a shade of grey.
    ax
        Matplotlib axes; new ones by default.
    """
    ax = axes_or_new(ax)
    scales = [_scale(front, k) for k in range(2)]
    xs, ys = ([point.values[k] / scales[k][0] for point in front.points] for k in range(2))
    if len(front.metrics) > 2:
        scale, unit = _scale(front, 2)
        dots = ax.scatter(
            xs, ys, c=[point.values[2] / scale for point in front.points], cmap="Greys", edgecolors="black",
            linewidths=0.5, s=16, zorder=3,
        )  # fmt: skip
        bar = ax.figure.colorbar(dots, ax=ax)
        bar.set_label(_label(front.metrics[2], unit), fontsize=8)
        bar.ax.tick_params(labelsize=7)
    elif front.points:
        _two(front, ax, xs, ys)
        if front.open:
            _zones(front, ax, scales, (max(xs), max(ys)))
        ax.legend(fontsize=7, frameon=False)
    ax.set_xlabel(_label(front.metrics[0], scales[0][1]), fontsize=8)
    ax.set_ylabel(_label(front.metrics[1], scales[1][1]), fontsize=8)
    ax.tick_params(labelsize=7)
    ax.grid(True, linewidth=0.3)
    return ax


def _two(front: Front, ax: Any, xs: list[float], ys: list[float]) -> None:
    ax.step(xs, ys, where="post", color="#a0a0a0", linewidth=0.8, zorder=1)
    size = 3.5 if len(xs) <= _FEW else 2.0
    hull = [(x, y) for x, y, on in zip(xs, ys, front.supported, strict=True) if on]
    rest = [(x, y) for x, y, on in zip(xs, ys, front.supported, strict=True) if not on]
    looks = (("supported", hull, "#08519c", "o"), ("others", rest, "white", "s"))
    for label, points, face, marker in looks:
        if points:
            ax.plot(
                *zip(*points, strict=True), marker, color=face, markeredgecolor="black", markeredgewidth=0.5,
                markersize=size, label=f"{label} ({len(points)})", zorder=3,
            )  # fmt: skip


def _zones(front: Front, ax: Any, scales: list[tuple[float, str]], ends: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    for k, zone in enumerate(front.open):
        x, y = (low / scale for low, (scale, _) in zip(zone.low, scales, strict=True))
        right, top = (
            end if high is None else min(end, high / scale)
            for high, end, (scale, _) in zip(zone.high, ends, scales, strict=True)
        )
        ax.add_patch(
            Rectangle(
                (x, y),
                right - x,
                top - y,
                facecolor="none",
                edgecolor="#606060",
                hatch="////",
                linewidth=0.4,
                label=f"open ({len(front.open)})" if k == 0 else None,
                zorder=2,
            )
        )


def _scale(front: Front, k: int) -> tuple[float, str]:
    unit = front.units.get(front.metrics[k], "")
    largest = max((abs(point.values[k]) for point in front.points), default=0)
    return next(((scale, name) for scale, name in SCALES.get(unit, ()) if largest >= scale), (1.0, unit))


def _label(metric: str, unit: str) -> str:
    return f"{metric}, {unit}" if unit else metric
