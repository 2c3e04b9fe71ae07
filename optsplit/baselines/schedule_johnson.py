"""Extended Johnson for networks: the cut comes first, then paths are ordered as jobs of three machines.

Source: Duan and Wu, ICPP 2021; Wang, Duan and Wu, 2022. The published conversion makes a network into paths by
replicating its forks and joins: every way from an input to an output is a job (p1, p2, p3), the ns of its layers on the
device, of its tensors on the link, and of its layers on the server; a layer that stands on several paths runs once, the
first time. So an operation takes the rank of the first path that it stands on, and every machine works in the order of
these ranks, an operation not before what it needs.

The paths of a network can be as many as the product of its forks. What lies between two series points at one place only
counts as one with the point before it: its layers share a machine, which works through all of them in any order.
With a cut that is made in one place few paths remain; more than `MOST` are refused. Way backs take part in p2.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

from optsplit.algorithms.schedule_semi_active import in_order
from optsplit.baselines import extended_johnson, schedule_cuts
from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import Step, topological
from optsplit.problems.series import points

MOST = 4096
"""Paths of one job."""

Path = tuple[tuple[int, int, int], frozenset[int]]
"""Times on device, link and server, and the operations of a path."""


def _groups(job: Partition, parts: Sequence[Step]) -> list[int]:
    """For each operation the first of those that count as one with it."""
    n = len(job.layers)
    group = list(range(len(parts)))
    position = {v: k for k, v in enumerate(job.order)}
    ends = [-1, *(position[v] for v in points(job)), n]
    for first, last in pairwise(ends):
        inner = [job.order[k] for k in range(first + 1, last)]
        if not inner:
            continue
        beside = [*inner, *([job.order[first]] if first >= 0 else []), *([job.order[last]] if last < n else [])]
        if len({parts[v].machine for v in beside}) == 1:
            # with the point, or a tensor that jumps over the block would be a path of its own
            head = job.order[first] if first >= 0 else job.order[last] if last < n else inner[0]
            for v in inner:
                group[v] = head
    return group


def paths(problem: Schedule, j: int, cut: object) -> list[Path] | None:
    """The paths of a job under a cut; None where they are more than `MOST`."""
    job, parts = problem.jobs[j], problem.steps(j, cut)  # type: ignore[arg-type]
    group = _groups(job, parts)
    stage = [_stage(problem, step) for step in parts]
    order = list(dict.fromkeys(group[i] for i in topological(job, parts)))
    members: dict[int, list[int]] = {head: [] for head in order}
    for i, head in enumerate(group):
        members[head].append(i)
    feeders = {head: {group[b] for i in members[head] for b in parts[i].after} - {head} for head in order}
    behind: dict[int, list[Path]] = {}
    fed = {head for before in feeders.values() for head in before}
    for head in order:
        times = [0, 0, 0]
        for i in members[head]:
            times[stage[i]] += parts[i].duration
        before = [path for feeder in sorted(feeders[head]) for path in behind[feeder]] or [((0, 0, 0), frozenset())]
        if len(before) > MOST:
            return None
        here = frozenset(members[head])
        behind[head] = [
            ((a + times[0], b + times[1], c + times[2]), operations | here) for (a, b, c), operations in before
        ]
    found = [path for head in order if head not in fed for path in behind[head]]
    return found if len(found) <= MOST else None


def _stage(problem: Schedule, step: Step) -> int:
    machine = problem.machines[step.machine]
    return 0 if machine == problem.places[0] else 2 if machine in problem.places else 1


def sequence(
    problem: Schedule, parts: Sequence[Sequence[Step]], rank: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    """All operations in the order of their ranks, none before what it comes after."""
    place = []
    for j, steps in enumerate(parts):
        found = [0] * len(steps)
        for k, i in enumerate(topological(problem.jobs[j], steps)):
            found[i] = k
        place.append(found)
    waits = [[len(step.after) for step in steps] for steps in parts]
    behind: list[list[list[int]]] = [[[] for _ in steps] for steps in parts]
    for j, steps in enumerate(parts):
        for i, step in enumerate(steps):
            for before in step.after:
                behind[j][before].append(i)
    ready = [(rank[j][i], place[j][i], j, i) for j, w in enumerate(waits) for i, count in enumerate(w) if not count]
    heapq.heapify(ready)
    found_order = []
    while ready:
        _, _, j, i = heapq.heappop(ready)
        found_order.append((j, i))
        for k in behind[j][i]:
            waits[j][k] -= 1
            if not waits[j][k]:
                heapq.heappush(ready, (rank[j][k], place[j][k], j, k))
    return found_order


def solve(problem: Schedule, options: Options) -> Answer:
    """The given cuts or those of least latency, in the order of the rule."""
    cuts = schedule_cuts.cuts(problem, options)
    if cuts is None:
        return Answer(raw_status="no cut of least latency was found that obeys the rules")
    known: dict[tuple[int, tuple[int, ...]], list[Path] | None] = {}
    jobs: list[tuple[int, Path]] = []
    for j, cut in enumerate(cuts):
        key = problem.kinds[j], tuple(problem.at(j, cut).tolist())
        if key not in known:
            known[key] = paths(problem, j, cut)
        converted = known[key]
        if converted is None:
            return Answer(raw_status=f"job {j} has more than {MOST} paths under its cut")
        jobs += [(j, path) for path in converted]
    parts = [problem.steps(j, cut) for j, cut in enumerate(cuts)]
    rank = [[len(jobs)] * len(steps) for steps in parts]
    for k, position in enumerate(extended_johnson.order([path[0] for _, path in jobs])):
        j, (_, operations) = jobs[position]
        for i in operations:
            rank[j][i] = min(rank[j][i], k)
    return Answer(problem.plan(cuts, in_order(problem, cuts, sequence(problem, parts, rank))))
