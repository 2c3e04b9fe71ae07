"""The front of several metrics as data: trade-offs that no plan beats, what is proven of them, and what is open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from optsplit import files
from optsplit.algorithms.front_zones import Vector, Zone, hypervolume, nondominated
from optsplit.errors import InvalidInput, unknown
from optsplit.problems import stored
from optsplit.result import Limit, Plan, Result, Status, quantity


@dataclass(frozen=True)
class Point:
    """One trade-off: its `values` in the front's metrics, its plan, and the plan's price in all metrics.

    `proven`: no plan is at least as good in every metric of the front and better in one.
    """

    values: Vector
    plan: Plan
    metrics: Mapping[str, int]
    proven: bool


@dataclass(frozen=True)
class Front(Sequence[Point]):
    """The trade-offs found, by ascending value in the first metric, and what is still open.

    Parameters
    ----------
    points
        None dominates another.
    metrics, units
        The metrics traded off, and the unit of each.
    open
        Zones in which an uncovered plan may still lie; empty when the search ended by itself.
    step, eps
        Resolution asked for: see `covers`.
    low
        The least value of each metric that is proven possible or not excluded.
    seconds, solves, limit
        What it took, and what stopped it early.
    name
        The problem's.
    problem
        The problem, for what comes after; not compared. Files hold it too.
    """

    points: tuple[Point, ...]
    metrics: tuple[str, ...]
    units: Mapping[str, str]
    open: tuple[Zone, ...] = ()
    step: Vector = ()
    eps: tuple[float, ...] = ()
    low: Vector = ()
    seconds: float = 0.0
    solves: int = 0
    limit: Limit = Limit.NONE
    name: str = ""
    problem: Any = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, k: Any) -> Any:
        return self.points[k]

    @property
    def complete(self) -> bool:
        """Every nondominated vector is among the points, proven."""
        return not self.open and not any(self.step) and not any(self.eps)

    @property
    def infeasible(self) -> bool:
        """Proven: the problem has no plan at all."""
        return not self.points and not self.open

    @property
    def covers(self) -> str:
        """What is proven of every plan of the problem, in words."""
        if self.infeasible:
            return "no plan obeys the rules"
        near = [self._slack(k) for k in range(len(self.metrics)) if self.step[k] or self.eps[k]]
        covered = (
            f"every plan has a point at least as good in every metric{', within ' if near else ''}{', '.join(near)}"
        )
        return covered if not self.open else f"{covered}, but for plans in {len(self.open)} open zones"

    def _slack(self, k: int) -> str:
        unit = self.units.get(self.metrics[k], "")
        ways = [quantity(self.step[k], unit)] if self.step[k] else []
        ways += [f"a factor of {1 + self.eps[k]:g}"] if self.eps[k] else []
        return f"{' or '.join(ways)} in {self.metrics[k]}"

    @property
    def supported(self) -> tuple[bool, ...]:
        """With two metrics, for each point: whether it lies on the lower convex hull, so that some weights find it."""
        if len(self.metrics) != 2:
            raise InvalidInput(f"supported points are told for two metrics; this front has {len(self.metrics)}")
        return _on_hull([point.values for point in self.points])

    @property
    def gap(self) -> float | None:
        """The share of hypervolume that is not settled: 0 for a complete front, None without a point.

        1 - V(points) / V(points and the lowest vectors of what they cover and of the open zones), where V is the volume
        that vectors dominate up to one more than the worst value of each metric among the points.
        """
        if not self.points:
            return None
        found = [point.values for point in self.points]
        reference = [max(column) + 1 for column in zip(*found, strict=True)]
        hidden = [vector for point in self.points for vector in self._behind(point)]
        most = hypervolume(nondominated([*found, *hidden, *(zone.low for zone in self.open)]), reference)
        return 1 - hypervolume(found, reference) / most if most else 0.0

    def _behind(self, point: Point) -> list[Vector]:
        """The lowest vectors that the point covers although they could be plans: worse than it somewhere if proven."""
        least = tuple(map(max, corner(point.values, self.step, self.eps), self.low))
        if least == point.values or not point.proven:
            return [least]
        return [(*least[:k], value + 1, *least[k + 1 :]) for k, value in enumerate(point.values)]

    def choose(self, limits: Mapping[str, int] | None = None, **more: int) -> Point:
        """The point that obeys the limits and is least in the first metric that has none (the first where all have).

        Raises
        ------
        InvalidInput
            An unknown metric, or limits that no point obeys: the message has the least value of each.
        """
        limits = {named(name, self.metrics): value for name, value in {**(limits or {}), **more}.items()}
        fit = [p for p in self.points if all(p.values[self.metrics.index(m)] <= v for m, v in limits.items())]
        if not fit:
            least = ", ".join(
                f"{m} at least {quantity(min(p.values[k] for p in self.points), self.units.get(m, ''))}"
                for k, m in enumerate(self.metrics)
                if self.points
            )
            raise InvalidInput(f"front of {self.name!r}: no point obeys {limits}; the points have {least or 'nothing'}")
        free = next((k for k, m in enumerate(self.metrics) if m not in limits), 0)
        return min(fit, key=lambda p: (p.values[free], p.values))

    def result(self, k: int) -> Result:
        """Point k as a result: least in the first metric among plans no worse in the others, proven if the point is."""
        point = self.points[k]
        others = dict(zip(self.metrics[1:], point.values[1:], strict=True))
        problem = self.problem
        if problem is not None:
            problem = problem.but(minimize=self.metrics[0], limits={**problem.limits, **others})
        told = ", ".join(f"{m} <= {v}" for m, v in others.items())
        return Result(
            method="front", status=Status.OPTIMAL if point.proven else Status.HEURISTIC, objective=point.values[0],
            bound=point.values[0] if point.proven else None, plan=point.plan, metrics=dict(point.metrics),
            minimize=self.metrics[:1], solve_seconds=self.seconds, units=dict(self.units),
            raw_status=f"point {k} of the front: least {self.metrics[0]} with {told}", problem=problem,
        )  # fmt: skip

    def plot(self, ax: Any = None) -> Any:
        """Draw the front: see `optsplit.plots.front`."""
        from optsplit.plots import front

        return front.draw(self, ax=ax)

    def _repr_html_(self) -> str:
        from optsplit import html

        return html.front(self)

    def save(self, path: str | Path) -> None:
        """Write the front as a JSON file, with its problem where that can be written."""
        files.write(path, "front", replace(self, problem=stored.embedded(self.problem)))

    @staticmethod
    def load(path: str | Path) -> Front:
        """Read a front, and its problem where the file has it, from a JSON file."""
        found = files.read(path, "front", Front)
        return found if found.problem is None else replace(found, problem=stored.extracted(found.problem, str(path)))


def named(metric: str, known: Sequence[str]) -> str:
    # accuracy is minimised as its complement
    name = "error" if metric == "accuracy" and metric not in known else metric
    if name not in known:
        raise InvalidInput(unknown("metric", metric, known))
    return name


def corner(values: Vector, step: Vector, eps: Sequence[float]) -> Vector:
    return tuple(
        max(0, min(v - s, math.ceil(v / (1 + Fraction(e)))) if e else v - s)
        for v, s, e in zip(values, step, eps, strict=True)
    )


def covering(vectors: Sequence[Vector], step: Vector, eps: Sequence[float]) -> list[int]:
    """Positions of vectors whose corners cover all of them; every one where the resolution is full."""
    if not any(step) and not any(eps):
        return list(range(len(vectors)))
    corners = np.empty((0, len(step)), dtype=np.int64)
    kept: list[int] = []
    for i, vector in enumerate(vectors):
        if not (corners <= np.array(vector)).all(axis=1).any():
            kept.append(i)
            corners = np.concatenate([corners, [corner(vector, step, eps)]])
    return kept


def _on_hull(values: Sequence[Vector]) -> tuple[bool, ...]:
    hull: list[Vector] = []
    for v in values:
        while len(hull) > 1 and _turn(hull[-2], hull[-1], v) < 0:
            hull.pop()
        hull.append(v)
    on = set(hull)
    return tuple(v in on for v in values)


def _turn(a: Vector, b: Vector, c: Vector) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
