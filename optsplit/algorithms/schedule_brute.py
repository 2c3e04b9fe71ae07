"""Every cut and every order of operations, one by one: the yardstick of all other methods of a schedule.

For a regular objective some optimal schedule is semi-active, and every semi-active schedule is what `in_order` makes
of some sequence of the operations that respects precedence. So all sequences are walked, operation by operation; one
is left when what stands already, and the paths behind it, cannot beat the best.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optsplit.algorithms.schedule_semi_active import Starts, in_order, tails
from optsplit.method import Answer, Options
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.problems.schedule_operations import Step, topological
from optsplit.result import Limit

LARGEST = 2**12
"""Combinations of cuts that are tried at most."""


class _Stopped(Exception):
    """The time is over."""


def refuses(problem: Schedule) -> str | None:
    """Why a problem is too large for enumeration, or None."""
    plans = 1.0
    operations = 0
    for job in problem.jobs:
        plans *= 1 if problem.cuts is not None else float(len(job.places)) ** int((job.fixed < 0).sum())
        operations += len(job.layers)
    if plans > LARGEST:
        return f"it enumerates every cut, here {plans:.3g}, and stops at {LARGEST}"
    return f"it enumerates every order of {operations} layers and stops at 12" if operations > 12 else None


def _cuts(problem: Schedule) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every combination of cuts that obey their rules."""
    if problem.cuts is not None:
        yield tuple(tuple(job.positions(cut).tolist()) for job, cut in zip(problem.jobs, problem.cuts))
        return
    each: dict[int, list[tuple[int, ...]]] = {}
    for j in problem.kinds:
        job = problem.jobs[j]
        choices = [[int(p)] if p >= 0 else range(len(job.places)) for p in job.fixed]
        if j not in each:
            plans = itertools.product(*choices)
            each[j] = [at for at in plans if not job.evaluate(job.plan(at)).violations]
    yield from itertools.product(*(each[j] for j in problem.kinds))


@dataclass
class _Search:
    problem: Schedule
    cuts: tuple[tuple[int, ...], ...]
    parts: list[tuple[Step, ...]]
    deadline: float
    best: float
    found: Starts | None = None

    def __post_init__(self) -> None:
        self.tails = [tails(job, steps) for job, steps in zip(self.problem.jobs, self.parts)]

    def start(self, starts: Starts, j: int, i: int, free: Sequence[int]) -> int:
        """When an operation that comes next can start."""
        step = self.parts[j][i]
        ready = max((starts[j][b] + self.parts[j][b].duration for b in step.after), default=self.problem.release[j])
        return max(ready, free[step.machine]) if step.duration else ready

    def value(self, end: Sequence[int]) -> int:
        problem = self.problem
        if problem.objective == "total_completion":
            return sum(end) - sum(problem.release)
        if problem.objective == "lateness":
            return max(e - d for e, d in zip(end, problem.due or ()))
        return max(end)

    def run(self) -> None:
        starts = [[-1] * len(steps) for steps in self.parts]
        waits = [[len(step.after) for step in steps] for steps in self.parts]
        open_ = [(j, i) for j, w in enumerate(waits) for i, count in enumerate(w) if not count]
        self._next(starts, waits, open_, [0] * len(self.problem.machines), list(self.problem.release))

    def _next(
        self, starts: Starts, waits: list[list[int]], ready: list[tuple[int, int]], free: list[int], end: list[int]
    ) -> None:
        hope = list(end)
        for j, i in ready:
            hope[j] = max(hope[j], self.start(starts, j, i, free) + self.tails[j][i])
        if self.value(hope) >= self.best:
            return
        if not ready:
            self.best, self.found = self.value(end), [list(row) for row in starts]
            return
        if time.perf_counter() > self.deadline:
            raise _Stopped
        # an operation without length is in nobody's way: taken at once, it needs no branch
        short = [pair for pair in ready if not self.parts[pair[0]][pair[1]].duration]
        for j, i in short[:1] or ready:
            step = self.parts[j][i]
            start = self.start(starts, j, i, free)
            then = list(free)
            if step.duration:
                then[step.machine] = start + step.duration
            starts[j][i] = start
            opened = []
            for k, other in enumerate(self.parts[j]):
                if i in other.after:
                    waits[j][k] -= 1
                    if not waits[j][k]:
                        opened.append((j, k))
            ended = list(end)
            ended[j] = max(end[j], start + step.duration)
            self._next(starts, waits, [pair for pair in ready if pair != (j, i)] + opened, then, ended)
            for k, other in enumerate(self.parts[j]):
                if i in other.after:
                    waits[j][k] += 1
            starts[j][i] = -1


def solve(problem: Schedule, options: Options) -> Answer:
    """Enumerate cuts and sequences; stopped early, keep the best plan."""
    deadline = math.inf if options.time_limit is None else time.perf_counter() + options.time_limit
    best = math.inf
    plan: SchedulePlan | None = None
    limit = Limit.NONE
    try:
        for cuts in _cuts(problem):
            parts = [problem.steps(j, cut) for j, cut in enumerate(cuts)]
            if problem.objective == "period":
                sequence = [(j, i) for j, steps in enumerate(parts) for i in topological(problem.jobs[j], steps)]
                candidate = problem.plan(cuts, in_order(problem, cuts, sequence))
                value = problem.evaluate(candidate).objective
                if value < best:
                    best, plan = value, candidate
                continue
            search = _Search(problem, cuts, parts, deadline, best)
            try:
                search.run()
            finally:  # stopped in the middle, it may have found a better one already
                if search.found is not None:
                    best, plan = search.best, problem.plan(cuts, search.found)
    except _Stopped:
        limit = Limit.TIME
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    if limit is not Limit.NONE:
        return Answer(plan, None if plan is None else int(best), limit=limit)
    if plan is None:
        return Answer(infeasible=True, raw_status="no cut obeys the rules")
    return Answer(plan, int(best), int(best))
