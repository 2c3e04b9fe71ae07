"""Exits: one plain partition problem for each routing, most promising first, until no other can be better.

Where one exit takes every request, each exit is a routing. By confidence there are as many as settings of the
thresholds, and two bounds spare most of them. With S the exits that are switched on and n_l the samples that leave at
exit l, a metric's least total is g_S(n) = min_x sum_l n_l value_l(x): concave and homogeneous in n, so

    g_S(n) >= sum_l n_l g_S(e_l),

one cut for each (S, l) instead of one for each routing. And every plan that was found for S is a plan for every other
n: its values are known at once, and the best of them is an incumbent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from optsplit.method import Answer, Options
from optsplit.problems.exits import Routing
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR
from optsplit.problems.routed import Routed
from optsplit.result import Limit, TracePoint

Inner = Callable[[Partition, Options], Answer]


def refuses(problem: Partition) -> str | None:
    """Why there is nothing to choose, or None."""
    return None if problem.exits is not None else "it chooses among exits, and this problem has none"


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
        self._least: dict[tuple[str, tuple[int, ...], int], int] = {}

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
        return total + sum(
            leaving * self._one_path(metric, routing.exits, j) for j, leaving in enumerate(routing.leaving) if leaving
        )

    def _one_path(self, metric: str, on: tuple[int, ...], j: int) -> int:
        """The least cost of one sample that leaves at the j-th of the exits `on`, whatever the others pay."""
        key = metric, on[: j + 1], on[j]
        if key not in self._least:
            alone = Routing(on[: j + 1], (0,) * j + (1,), 0)
            free = self.problem.routed(alone).problem.but(minimize=metric, limits={})
            answer = self.inner(free, Options(self.left(), seed=self.options.seed))
            self._least[key] = answer.bound or 0
        return self._least[key]

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
        answer = self.inner(routed.problem, options)
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
        queue = sorted(
            ((self.bound(routing), routing.error, i) for i, routing in enumerate(self.exits.routings())),
        )
        routings = self.exits.routings()
        open_: list[int] = []  # bounds of routings that a limit left unsettled
        stopped = Limit.NONE
        for k, (bound, _, i) in enumerate(queue):
            known = min([bound, *open_])
            if self.best is not None and self.best <= bound:
                break
            self.note(known if self.best is None else min(known, self.best))
            if self.best is not None and self.best - known <= self.options.gap * max(abs(self.best), 1):
                return (Limit.GAP if self.best > known else Limit.NONE), known
            if self.late():
                return Limit.TIME, known
            if not self.possible(routings[i]):
                continue
            try:
                left = self.one(self.problem.routed(routings[i]))
            except KeyboardInterrupt:
                return Limit.INTERRUPT, known
            if left is not None:
                stopped = Limit.TIME
                open_.append(max(left, bound))
                following = [queue[k + 1][0]] if k + 1 < len(queue) else []
                if self.late():
                    return Limit.TIME, min([*open_, *following])
        if open_ and (self.best is None or min(open_) < self.best):
            return stopped, min(open_)
        return Limit.NONE, self.best


def solve(problem: Partition, options: Options, inner: Inner) -> Answer:
    """The best routing and its best plan, each routing's plain problem solved by `inner`."""
    search = _Search(problem, options, inner)
    try:
        limit, bound = search.run()
    except KeyboardInterrupt:
        limit, bound = Limit.INTERRUPT, None
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
