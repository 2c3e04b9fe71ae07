"""From cuts and an order to the earliest schedule: what list heuristics and left shifts have in common.

A schedule is semi-active when no operation can start earlier while every machine keeps its order (Sprecher, Kolisch
and Drexl, EJOR 80, 1995). For every regular objective (makespan, completion times, lateness) some optimal schedule is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.problems.schedule_operations import Step, earliest, topological

Starts = list[list[int]]
"""Start in ns of each operation, job by job, in the order of `Schedule.steps`."""

Priority = Callable[[int, int, int], Any]
"""(job, operation, the time at which it is ready) -> what is taken first has the least."""


def in_order(problem: Schedule, cuts: Sequence[Any], sequence: Iterable[tuple[int, int]]) -> Starts:
    """The earliest starts when every machine takes its operations in the order of `sequence`.

    Parameters
    ----------
    problem, cuts
        The problem, and the cut of each job.
    sequence
        (job, operation) pairs, each once, none before one that it comes after.
    """
    parts = [problem.steps(j, cut) for j, cut in enumerate(cuts)]
    return earliest(parts, problem.release, len(problem.machines), sequence)


def left_shifted(problem: Schedule, cuts: Sequence[Any], starts: Sequence[Sequence[int]]) -> Starts:
    """The same order on every machine, each operation as early as it then can be."""
    rank = []
    for j, cut in enumerate(cuts):
        for k, i in enumerate(topological(problem.jobs[j], problem.steps(j, cut))):
            rank.append((starts[j][i], k, j, i))
    return in_order(problem, cuts, [(j, i) for _, _, j, i in sorted(rank)])


def dispatched(problem: Schedule, cuts: Sequence[Any], priority: Priority) -> Starts:
    """The schedule without needless idle time: a free machine takes, of what is ready, the least by `priority`."""
    parts = [problem.steps(j, cut) for j, cut in enumerate(cuts)]
    starts = [[0] * len(steps) for steps in parts]
    waits = [[len(step.after) for step in steps] for steps in parts]
    behind: list[list[list[int]]] = [[[] for _ in steps] for steps in parts]
    for j, steps in enumerate(parts):
        for i, step in enumerate(steps):
            for b in step.after:
                behind[j][b].append(i)
    queue: list[list[tuple[Any, int, int]]] = [[] for _ in problem.machines]
    idle = [True] * len(problem.machines)
    # at one time, first all that ends, then what starts: whoever is ready by then is looked at
    ends: list[tuple[int, int, int]] = []

    def ready(now: int, j: int, i: int) -> None:
        step = parts[j][i]
        if step.duration:
            heapq.heappush(queue[step.machine], (priority(j, i, now), j, i))
        else:
            starts[j][i] = now
            heapq.heappush(ends, (now, j, i))

    releases = sorted((problem.release[j], j, i) for j, w in enumerate(waits) for i, count in enumerate(w) if not count)
    released = 0
    while ends or released < len(releases):
        now = min(([ends[0][0]] if ends else []) + ([releases[released][0]] if released < len(releases) else []))
        while released < len(releases) and releases[released][0] == now:
            ready(*releases[released])
            released += 1
        while ends and ends[0][0] == now:
            _, j, i = heapq.heappop(ends)
            if parts[j][i].duration:
                idle[parts[j][i].machine] = True
            for k in behind[j][i]:
                waits[j][k] -= 1
                if not waits[j][k]:
                    ready(now, j, k)
        for machine, waiting in enumerate(queue):
            if idle[machine] and waiting:
                _, j, i = heapq.heappop(waiting)
                starts[j][i], idle[machine] = now, False
                heapq.heappush(ends, (now + parts[j][i].duration, j, i))
    return starts


def tails(job: Partition, parts: Sequence[Step]) -> list[int]:
    """For each operation the longest path from its start to the end of its job, machines never busy."""
    tail = [0] * len(parts)
    for i in reversed(topological(job, parts)):
        tail[i] += parts[i].duration
        for before in parts[i].after:
            tail[before] = max(tail[before], tail[i])
    return tail


def plan(problem: Schedule, cuts: Sequence[Any], starts: Sequence[Sequence[int]]) -> SchedulePlan:
    """The plan of cuts and starts, left-shifted."""
    return problem.plan(cuts, left_shifted(problem, cuts, starts))


def starts_of(problem: Schedule, plan: SchedulePlan) -> Starts:
    """The starts of a plan's operations, in the order of `Schedule.steps`."""
    at = {(o.job, o.item, o.machine): o.start for o in plan.operations}
    return [
        [at[j, step.item, problem.machines[step.machine]] for step in problem.steps(j, cut)]
        for j, cut in enumerate(plan.assignments)
    ]
