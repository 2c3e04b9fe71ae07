"""The front of several metrics: every trade-off that no plan beats, with its plan, and a proof that none is missing.

All metrics are integers, so "better in metric k" means "at most p_k - 1". What the points found so far do not cover
lies in the zones of `optsplit.algorithms.front_zones`. One zone at a time,

    minimise sum_k w_k f_k(x) subject to f_k(x) <= high_k - 1 for every k, with integer weights w_k > 0,

by `optsplit.solve`. A plan that dominates the answer would lie in the same zone and cost less, so the answer is
nondominated; where there is none the zone is empty, proven. Where metrics cannot be added up (exits, precisions) they
are minimised one after the other instead, each under the values of those before, with the same consequence.

A point p covers the vectors z >= c(p), where c_k(p) = min(p_k - step_k, ceil(p_k / (1 + eps))). When no zone is left,
every plan x lies in some z >= c(p), that is p_k <= max(f_k(x) + step_k, (1 + eps) f_k(x)) in every metric k. With
step = 0 and eps = 0 that is p <= f(x): the front is complete, supported and non-supported points alike. Each point
is one that no earlier corner covers, and vectors are bounded integers, so the search ends.

Before that search come two faster ones where they apply: with two places and no limits the supported points of two
metrics by minimum cuts, and for networks that are not too wide the whole front in one sweep
(`optsplit.algorithms.front_labels`), of which a resolution then keeps what covers the rest.
"""

from __future__ import annotations

import itertools
import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optsplit.algorithms import front_labels, front_supported
from optsplit.algorithms.front import Front, Point, corner, covering, named
from optsplit.algorithms.front_zones import Vector, Zone, Zones, nondominated
from optsplit.errors import InvalidInput
from optsplit.method import Options
from optsplit.problems.metric import LARGEST_TOTAL, IntArray, Metric
from optsplit.problems.partition import BRANCHES, CONTIGUOUS, LARGEST, LIMITS, PLACES, TOGETHER, Partition
from optsplit.result import Limit, Result, Status
from optsplit.solve import attempt

_LINEAR = frozenset({BRANCHES, LIMITS, LARGEST, PLACES, TOGETHER, CONTIGUOUS})
_SUM = "weighted sum of the front's metrics"

Progress = Callable[[int, int], None]


def front(
    problem: Any,
    metrics: Sequence[str] = ("latency", "energy"),
    *,
    step: int | Mapping[str, int] = 0,
    eps: float | Mapping[str, float] = 0.0,
    time_limit: float | None = None,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Front:
    """The front of two or more metrics under the problem's own limits.

    Parameters
    ----------
    problem
        A `Partition`; what it minimises does not matter here.
    metrics
        Their names; "accuracy" stands for "error".
    step, eps
        Resolution, for all metrics or by name: every plan then has a point that is at least as good in every metric
        within `step` (in the metric's integer unit) or a factor 1 + `eps`. 0 and 0: the complete front.
    time_limit
        Seconds for all of it; `Front.open` says what is not settled then. Ctrl-C does the same.
    workers, seed
        As in `optsplit.solve`.
    progress
        Called with the numbers of points and of open zones.

    Raises
    ------
    InvalidInput
        No `Partition`, fewer than two metrics, an unknown one, or a negative step or eps.
    """
    if not isinstance(problem, Partition):
        raise InvalidInput(f"front of a {type(problem).__name__}; give an optsplit.Partition")
    units = dict(problem.units)
    names = tuple(named(metric, tuple(units)) for metric in metrics)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InvalidInput(f"front of {', '.join(metrics) or 'nothing'}; give two or more different metrics")
    if time_limit is not None and not time_limit > 0:
        raise InvalidInput(f"time_limit is {time_limit!r}; give a positive number of seconds, or None")
    search = _Search(
        problem, names, _each("step", step, names), _each("eps", eps, names), Options(time_limit, 0.0, workers, seed),
        progress,
    )  # fmt: skip
    return search.run(units)


def _each(what: str, given: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    by_name = (
        {named(k, names): v for k, v in given.items()} if isinstance(given, Mapping) else dict.fromkeys(names, given)
    )
    values = tuple(by_name.get(name, 0) for name in names)
    for name, value in zip(names, values, strict=True):
        if not (math.isfinite(value) and value >= 0) or (what == "step" and value != int(value)):
            kind = "an integer, 0 or more, in the metric's unit" if what == "step" else "a finite number, 0 or more"
            raise InvalidInput(f"{what} of metric {name!r} is {value!r}; give {kind}")
    return tuple(int(value) if what == "step" else float(value) for value in values)


@dataclass
class _Search:
    problem: Any
    names: tuple[str, ...]
    step: Vector
    eps: tuple[float, ...]
    options: Options
    progress: Progress | None
    found: dict[Vector, Point] = field(default_factory=dict)
    solves: int = 0
    start: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.low: Vector = (0,) * len(self.names)
        self.zones = Zones(self.low)
        self.stopped = Limit.NONE
        self.base: Partition | None = None
        if isinstance(self.problem, Partition) and self.problem.features <= _LINEAR:
            used = {*self.names, *self.problem.limits}
            metrics = {name: metric for name, metric in self.problem.metrics.items() if name in used}
            self.base = self.problem.but(metrics=metrics, minimize=self.names[0])

    def run(self, units: dict[str, str]) -> Front:
        limit = Limit.NONE
        try:
            if self.begin():
                while self.zones.open and limit is Limit.NONE:
                    limit = self.next()
            if limit is Limit.NONE and self.zones.open:
                limit = Limit.TIME
        except KeyboardInterrupt:
            limit = Limit.INTERRUPT
        kept = nondominated(self.found)
        settled = not self.zones.open and not any(self.step) and not any(self.eps)
        return Front(
            points=tuple(replace(self.found[v], proven=settled or self.found[v].proven) for v in kept),
            metrics=self.names, units=units, open=tuple(self.zones.open), step=self.step, eps=self.eps, low=self.low,
            seconds=self.seconds(), solves=self.solves, limit=limit, name=self.problem.name, problem=self.problem,
        )  # fmt: skip

    def begin(self) -> bool:
        """What faster searches find, and the least value of each metric; False at the time limit."""
        k = len(self.names)
        plain = isinstance(self.problem, Partition)
        if plain and k == 2 and self.problem.features <= front_supported.TAKES and not self._supported():
            return False
        if plain and self.problem.features <= front_labels.TAKES and self._swept():
            return True
        if self.found:
            return True
        low = [0] * k
        for i, name in enumerate(self.names):
            result = self._solve(self.problem.but(minimize=name))
            if result is None:
                return False
            if result.status is Status.INFEASIBLE:
                self.zones.open.clear()
                return True
            low[i] = result.bound or 0
            self.low, self.zones = tuple(low), Zones(tuple(low))
            if self.stopped is not Limit.NONE:
                return False
        return True

    def _swept(self) -> bool:
        """The complete front by labels, thinned to the resolution; False where the sweep gave up."""
        limit = self.options.time_limit
        # half of the time: what it does not settle is left to the zones
        deadline = math.inf if limit is None else time.perf_counter() + (limit - self.seconds()) / 2
        labels = front_labels.sweep(self.problem, self.names, deadline)
        if labels is None:
            return False
        rows = covering([tuple(row) for row in labels.values.tolist()], self.step, self.eps)
        self.found = {point.values: point for point in (self._point(labels.at[i]) for i in rows)}
        if len(labels.values):
            self.low = tuple(labels.values.min(axis=0).tolist())
        # last: pricing thousands of points takes seconds, and Ctrl-C in them leaves everything open
        self.zones.open.clear()
        return True

    def _supported(self) -> bool:
        plans = front_supported.supported(self.problem, *self.names)
        ends = [self._point(at) for at in itertools.islice(plans, 2)]
        if not ends:
            self.zones.open.clear()
            return True
        self.low = (ends[0].values[0], ends[-1].values[1])
        self.zones = Zones(self.low)
        for point in itertools.chain(ends, map(self._point, plans)):
            self._enter(point)
            if self._late():
                return False
        return True

    def next(self) -> Limit:
        """Find a point in the largest open zone, or close it."""
        worst = [max(column) + 1 for column in zip(*self.found)] or [1] * len(self.names)
        zone = self.zones.largest(worst)
        plan, proven, empty = self._inside(zone, worst)
        if empty:
            self.zones.close(zone)
        elif plan is not None:
            self._enter(self._priced(plan, proven))
        if self.progress is not None:
            self.progress(len(self.found), len(self.zones.open))
        # a plan that the solver could not prove still covers what is above it, and what is below stays in a zone
        if empty or proven or (plan is not None and self.stopped is Limit.NONE):
            return Limit.NONE
        return Limit.TIME if self.stopped is Limit.NONE else self.stopped

    def _inside(self, zone: Zone, worst: Sequence[int]) -> tuple[Any, bool, bool]:
        """(a plan in the zone or None, whether it is proven nondominated, whether the zone is proven empty)."""
        limits = dict(self.problem.limits)
        for name, high in zip(self.names, zone.high, strict=True):
            if high is not None:
                limits[name] = min(limits.get(name, high - 1), high - 1)
        weights = self._weights(zone, worst)
        stages, problem = self.names, self.problem
        if weights is not None:
            assert self.base is not None
            metrics = {**self.base.metrics, _SUM: _weighted(self.base, self.names, weights)}
            stages, problem = (_SUM,), self.base.but(metrics=metrics)
        plan = None
        for name in stages:
            result = self._solve(problem.but(minimize=name, limits=limits), plan)
            if result is None or result.status is not Status.OPTIMAL:
                empty = plan is None and result is not None and result.status is Status.INFEASIBLE
                return (plan if result is None or result.plan is None else result.plan), False, empty
            plan, limits[name] = result.plan, result.objective
        return plan, True, False

    def _weights(self, zone: Zone, worst: Sequence[int]) -> list[int] | None:
        """Integers in the ratio of the zone's sides the other way round; None where the metrics cannot be added."""
        if self.base is None:
            return None
        sides = [
            max((end if high is None else min(high, end)) - low, 1)
            for low, high, end in zip(zone.low, zone.high, worst, strict=True)
        ]
        totals = [max(self.base.costs(name).total, 1) for name in self.names]
        room = LARGEST_TOTAL // 4 / sum(total / side for total, side in zip(totals, sides, strict=True))
        # no finer than a hundredth of the largest: solvers of floats like small numbers
        scale = min(room, 100.0 * max(sides), 1.0 * math.prod(sides))
        weights = [max(1, int(scale / side)) for side in sides]
        return weights if sum(map(operator.mul, weights, totals)) < LARGEST_TOTAL else None

    def _enter(self, point: Point) -> None:
        if point.values not in self.found or point.proven:
            self.found[point.values] = point
        self.zones.cover(corner(point.values, self.step, self.eps), point.values if point.proven else None)

    def _point(self, at: IntArray) -> Point:
        return self._priced(self.problem.plan(at), True)

    def _priced(self, plan: Any, proven: bool) -> Point:
        metrics = dict(self.problem.evaluate(plan).metrics)
        return Point(tuple(metrics[name] for name in self.names), plan, metrics, proven)

    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def _late(self) -> bool:
        return self.options.time_limit is not None and self.seconds() >= self.options.time_limit

    def _solve(self, problem: Any, hint: Any = None) -> Result | None:
        """The result of the fastest exact method, or None where the time is over."""
        if self._late():
            self.stopped = Limit.TIME
            return None
        limit = self.options.time_limit
        left = None if limit is None else limit - self.seconds()
        self.solves += 1
        result = attempt(problem, "auto", replace(self.options, time_limit=left, hint=hint))
        self.stopped = result.limit
        return result


def _weighted(problem: Partition, names: Sequence[str], weights: Sequence[int]) -> Metric:
    total = problem.costs(names[0])
    total = total.plus(total, 0, weights[0])
    for name, weight in zip(names[1:], weights[1:], strict=True):
        total = total.plus(problem.costs(name), weight)
    used = [problem.metrics[name] for name in names]
    at = {place: i for i, place in enumerate(problem.places)}
    return Metric(
        total.compute,
        {(p, q): total.transfer[at[p], at[q]] for p, q in dict.fromkeys(arc for m in used for arc in m.transfer)},
        {place: total.send[at[place]] for place in dict.fromkeys(p for m in used for p in m.send)},
        {place: total.receive[at[place]] for place in dict.fromkeys(p for m in used for p in m.receive)},
        "weighted",
    )
