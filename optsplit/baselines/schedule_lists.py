"""List schedules: the cut comes first, then every machine takes what is ready in some order.

All of them take the given cuts, or cut every job for its own least latency, as if it were alone and nothing overlapped.
`no_overlap` also runs it like that, which is what the literature calls DSL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optsplit.algorithms.schedule_semi_active import Starts, dispatched, tails
from optsplit.baselines import schedule_cuts
from optsplit.method import Answer, Options
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import topological

Cuts = Sequence[PartitionPlan]


def _ranks(problem: Schedule, cuts: Cuts) -> list[list[int]]:
    """The topological position of each operation of each job."""
    found = []
    for j, cut in enumerate(cuts):
        parts = problem.steps(j, cut)
        rank = [0] * len(parts)
        for k, i in enumerate(topological(problem.jobs[j], parts)):
            rank[i] = k
        found.append(rank)
    return found


def topological_starts(problem: Schedule, cuts: Cuts) -> Starts:
    """A machine takes the earliest job, and of that the first operation in topological order."""
    rank = _ranks(problem, cuts)
    return dispatched(problem, cuts, lambda j, i, ready: (j, rank[j][i]))


def fcfs_starts(problem: Schedule, cuts: Cuts) -> Starts:
    """A machine takes what became ready first."""
    rank = _ranks(problem, cuts)
    return dispatched(problem, cuts, lambda j, i, ready: (ready, j, rank[j][i]))


def longest_path_starts(problem: Schedule, cuts: Cuts) -> Starts:
    """A machine takes the operation with the longest path behind it, in the job that was released or is due first."""
    tail = [tails(problem.jobs[j], problem.steps(j, cut)) for j, cut in enumerate(cuts)]
    date = problem.due if problem.objective == "lateness" and problem.due is not None else problem.release
    if problem.objective == "total_completion":
        # the shortest job first, as on one machine (Smith, 1956)
        return dispatched(problem, cuts, lambda j, i, ready: (max(tail[j]), j, -tail[j][i]))
    return dispatched(problem, cuts, lambda j, i, ready: (date[j], -tail[j][i], j))


def one_by_one_starts(problem: Schedule, cuts: Cuts) -> Starts:
    """One operation at a time over all machines, job after job in the order of their releases."""
    starts: Starts = [[] for _ in problem.jobs]
    now = 0
    for j in sorted(range(len(problem.jobs)), key=lambda j: problem.release[j]):
        parts = problem.steps(j, cuts[j])
        now = max(now, problem.release[j])
        starts[j] = [0] * len(parts)
        for i in topological(problem.jobs[j], parts):
            starts[j][i], now = now, now + parts[i].duration
    return starts


def _offer(problem: Schedule, cuts: Cuts | None, starts: Callable[[Schedule, Cuts], Starts]) -> Answer:
    if cuts is None:
        return Answer(raw_status="no cut of least latency was found that obeys the rules")
    return Answer(problem.plan(cuts, starts(problem, cuts)))


def topological_list(problem: Schedule, options: Options) -> Answer:
    """Topological list scheduling."""
    return _offer(problem, schedule_cuts.cuts(problem, options), topological_starts)


def fcfs(problem: Schedule, options: Options) -> Answer:
    """First come, first served."""
    return _offer(problem, schedule_cuts.cuts(problem, options), fcfs_starts)


def partition(problem: Schedule, options: Options) -> Answer:
    """The plain partition: cut first, then the longest path first (Hu, 1961)."""
    return _offer(problem, schedule_cuts.cuts(problem, options), longest_path_starts)


def no_overlap(problem: Schedule, options: Options) -> Answer:
    """The plain partition run as it was priced: one operation at a time."""
    return _offer(problem, schedule_cuts.cuts(problem, options), one_by_one_starts)


def _single(problem: Schedule, options: Options, which: int) -> Answer:
    plans = [schedule_cuts.single_place(job, job.places[which], options) for job in problem.jobs]
    cuts = [plan for plan in plans if plan is not None]
    if len(cuts) < len(plans):
        return Answer(raw_status="its cut breaks a rule of a job")
    return _offer(problem, cuts, longest_path_starts)


def device_only(problem: Schedule, options: Options) -> Answer:
    """Every layer that is not pinned elsewhere at the first place."""
    return _single(problem, options, 0)


def server_only(problem: Schedule, options: Options) -> Answer:
    """Every layer that is not pinned elsewhere at the last place."""
    return _single(problem, options, -1)
