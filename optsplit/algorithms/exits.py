"""Exits: one plain partition problem for each routing, most promising first, until no other can be better.

Where one exit takes every request, each exit is a routing. By confidence there are as many as settings of the
thresholds, and bounds spare most of them. With S the exits that are switched on and n_l the samples that leave at
exit l, a metric's least total is g_S(n) = min_x sum_l n_l value_l(x): concave and homogeneous in n, so

    g_S(n) >= sum_l n_l g_S(e_l),

one cut for each (S, l) instead of one for each routing. The same holds of value + b * limited value, so a limit L is
part of the bound: value >= sum_l n_l g_S(e_l) - b * samples * L, for any b >= 0 (two places; a few b are tried).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from optsplit.algorithms.crossings import Crossings
from optsplit.algorithms.mincut import CutNetwork
from optsplit.method import Answer, Options
from optsplit.problems.exits import MILLION, Routing
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR
from optsplit.problems.routed import Routed
from optsplit.result import Limit, TracePoint

_SCALE = 20  # multipliers are integers over 2^20
_FITS = 2**62
_STEPS = 4
_POWERS = -6 * _STEPS, 9 * _STEPS
"""Multipliers: powers of 2^(1/4) around (bound of the objective) / (size of the limited metric)."""

Inner = Callable[[Partition, Options], Answer]


class _Search:
    def __init__(self, problem: Partition, options: Options, inner: Inner) -> None:
        assert problem.exits is not None
        self.problem, self.options, self.inner = problem, options, inner
        self.start = time.perf_counter()
        self.exits = problem.exits
        self.best: int | None = None
        self.plan: PartitionPlan | None = None
        self.trace: list[TracePoint] = []
        self.solved = 0
        self._cuts: dict[tuple[tuple[int, ...], tuple[str, ...]], tuple[Crossings, CutNetwork]] = {}
        self.reference: int | None = None
        self._least: dict[tuple[str, str | None, int, tuple[int, ...]], int] = {}

    def left(self) -> float | None:
        """Seconds that remain; None without a limit."""
        if self.options.time_limit is None:
            return None
        return max(0.0, self.options.time_limit - (time.perf_counter() - self.start))

    def late(self) -> bool:
        left = self.left()
        return left == 0.0

    def least(self, metric: str, routing: Routing) -> int:
        """A bound from below on a metric's total over the samples of a routing."""
        total = routing.error if metric == ERROR else 0
        if not self.exits.by_confidence or metric in self.exits.held:
            return total
        return total + self._paths(routing, metric, None, 0)

    def _paths(self, routing: Routing, metric: str, limited: str | None, b: int) -> int:
        """sum_l n_l g_S(e_l) of a metric, or of 2^SCALE times it and b times a limited one."""
        return sum(
            leaving * self._one_path(metric, limited, b, routing.exits[: j + 1])
            for j, leaving in enumerate(routing.leaving)
            if leaving
        )

    def _one_path(self, metric: str, limited: str | None, b: int, on: tuple[int, ...]) -> int:
        """The least cost of one sample that leaves at the last of the exits `on`."""
        key = metric, limited, b, on
        if key not in self._least:
            if len(self.problem.places) == 2:
                self._least[key] = self._cut(on, metric, limited, b)
            else:
                options = Options(self.left(), seed=self.options.seed)
                free = self._path(on).but(minimize=metric, limits={})
                self._least[key] = self.inner(free, options).bound or 0
        return self._least[key]

    def _path(self, on: tuple[int, ...]) -> Partition:
        return self.problem.routed(Routing(on, (0,) * (len(on) - 1) + (1,), 0)).problem

    def _cut(self, on: tuple[int, ...], metric: str, limited: str | None, b: int) -> int:
        """By a cut, which knows pins, links and one_way, and no other rule: a bound."""
        names = (metric,) if limited is None else (metric, limited)
        key = on, names
        if key not in self._cuts:
            plain = self._path(on)
            self._cuts[key] = Crossings(plain, names), CutNetwork(plain)
        crossings, network = self._cuts[key]
        weights = np.array([1] if limited is None else [1 << _SCALE, b], dtype=np.int64)
        if sum(int(w) * total for w, total in zip(weights, crossings.totals)) >= _FITS:
            return 0
        return network.cut(crossings.weighted(weights, crossings.there)[0]).value

    def tight(self, routing: Routing, bound: int) -> int:
        """A better bound on the objective, from one limit at a time with a few multipliers."""
        if len(self.problem.objectives) > 1 or len(self.problem.places) > 2 or not self.exits.by_confidence:
            return bound
        (metric,) = self.problem.objectives
        held = self.exits.held
        if self.reference is None:
            self.reference = max(bound, 1)  # one grid of multipliers for all routings, so that their cuts are shared
        for limited, limit in self.problem.limits.items():
            if metric in held or limited in held or limited == metric:
                continue
            size = self.problem.costs(limited).total + (MILLION if limited == ERROR else 0)
            own = routing.error << _SCALE if metric == ERROR else 0
            over = (routing.error if limited == ERROR else 0) - limit * routing.samples
            unit = (self.reference << _SCALE) / max(size, 1)

            def value(k: int) -> int:
                b = int(unit * 2.0 ** (k / _STEPS))  # noqa: B023
                return self._paths(routing, metric, limited, b) + own + b * over  # noqa: B023

            best = _peak(value, *_POWERS)
            bound = max(bound, self.mean(-(-best // (1 << _SCALE)), routing))
        return bound

    def mean(self, total: int, routing: Routing) -> int:
        return -(-total // routing.samples)

    def bound(self, routing: Routing) -> int:
        """A bound on the objective of every plan with this routing."""
        return max(self.mean(self.least(metric, routing), routing) for metric in self.problem.objectives)

    def possible(self, routing: Routing) -> bool:
        """False where a limit alone excludes the routing."""
        return all(
            self.mean(self.least(metric, routing), routing) <= limit for metric, limit in self.problem.limits.items()
        )

    def offer(self, plan: PartitionPlan, objective: int) -> None:
        if self.best is None or objective < self.best:
            self.best, self.plan = objective, plan

    def note(self, bound: int | None) -> None:
        point = TracePoint(time.perf_counter() - self.start, self.best, bound)
        if self.trace and (self.trace[-1].objective, self.trace[-1].bound) == (point.objective, point.bound):
            return
        self.trace.append(point)
        if self.options.progress is not None:
            self.options.progress(point)

    def one(self, routed: Routed) -> int | None:
        """Solve one routing; returns a bound on its plans where it is not settled, else None."""
        options = replace(self.options, time_limit=self.left(), hint=None, progress=None, extra={})
        problem = routed.problem
        if self.best is not None and problem.limits:
            # only what is better than the incumbent counts
            below = dict.fromkeys(problem.objectives, (self.best - 1) * routed.samples)
            limits = {m: min(limit, below.get(m, limit)) for m, limit in problem.limits.items()}
            problem = problem.but(limits={**below, **limits})
        answer = self.inner(problem, options)
        self.solved += 1
        if answer.plan is not None:
            plan = routed.outer(answer.plan)
            found = self.problem.evaluate(plan)
            if not found.violations:
                self.offer(plan, found.objective)
        if answer.infeasible or (answer.limit is Limit.NONE and answer.plan is not None):
            return None
        bounds = [*answer.bounds.values(), *([] if answer.bound is None else [answer.bound])]
        return routed.mean(max(bounds, default=0))

    def run(self) -> tuple[Limit, int | None]:
        """Every routing by its bound; returns what stopped the search, and the bound."""
        routings = self.exits.routings()
        heap = [(self.bound(routing), False, routing.error, i) for i, routing in enumerate(routings)]
        heapq.heapify(heap)
        unsettled: list[int] = []  # bounds of routings that a limit left open
        while heap and (self.best is None or heap[0][0] < self.best):
            known = min(heap[0][0], *unsettled) if unsettled else heap[0][0]
            self.note(known)
            if self.best is not None and self.best - known <= self.options.gap * max(abs(self.best), 1):
                return Limit.GAP, known
            if self.late():
                return Limit.TIME, known
            bound, settled, error, i = heapq.heappop(heap)
            try:
                if not settled:
                    if self.possible(routings[i]):
                        heapq.heappush(heap, (self.tight(routings[i], bound), True, error, i))
                    continue
                left = self.one(self.problem.routed(routings[i]))
            except KeyboardInterrupt:
                return Limit.INTERRUPT, known
            if left is not None:
                unsettled.append(max(left, bound))
        if unsettled and (self.best is None or min(unsettled) < self.best):
            return Limit.TIME, min(unsettled)
        return Limit.NONE, self.best


def _peak(value: Callable[[int], int], low: int, high: int) -> int:
    """The largest value of a concave function of integers, by its slope in the middle."""
    while low < high:
        middle = (low + high) // 2
        if value(middle) < value(middle + 1):
            low = middle + 1
        else:
            high = middle
    return value(low)


def solve(problem: Partition, options: Options, inner: Inner) -> Answer:
    """The best routing and its best plan, each routing's plain problem solved by `inner`."""
    search = _Search(problem, options, inner)
    try:
        limit, bound = search.run()
    except KeyboardInterrupt:
        limit, bound = Limit.INTERRUPT, search.trace[-1].bound if search.trace else None
    if bound is not None and search.best is not None:
        bound = min(bound, search.best)
    search.note(bound)
    total = time.perf_counter() - search.start
    answer = Answer(
        bound=bound,
        limit=limit,
        solve_seconds=total,
        trace=tuple(search.trace),
        solver="partition of each routing",
        raw_status=f"{search.solved} of {len(search.exits.routings())} routings solved",
    )
    if search.plan is None:
        return replace(answer, infeasible=limit is Limit.NONE)
    return replace(answer, plan=search.plan, objective=search.best)
