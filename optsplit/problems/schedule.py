"""Schedule: what runs where and when, over devices and links that do one thing at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optsplit.errors import InvalidInput, unknown
from optsplit.problems import schedule_reading as reading
from optsplit.problems.evaluation import Evaluation
from optsplit.problems.metric import LARGEST_TOTAL, IntArray
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.schedule_operations import LATENCY, Step, heads, link, steps, topological
from optsplit.problems.schedule_plan import Operation as Operation
from optsplit.problems.schedule_plan import SchedulePlan as SchedulePlan

if TYPE_CHECKING:
    from optsplit.hardware import Connection, Link
    from optsplit.problems.metric import Arc
    from optsplit.profiling.profile import Profile

FREE = "cuts free"
GIVEN = "cuts given"
SEVERAL = "several jobs"
DIFFERENT = "different jobs"
RELEASE = "release times"
TWO_WAY = "two-way cuts"
PLACES = "more than two places"
TOTAL = "total completion"
LATENESS = "largest lateness"
PERIOD = "period of a stream"

OBJECTIVES = ("makespan", "total_completion", "lateness", "period")
_ASKS = {"total_completion": TOTAL, "lateness": LATENESS, "period": PERIOD}


@dataclass(frozen=True, eq=False, init=False)
class Schedule:
    """Run several inferences on places and links, each of which does one thing at a time.

    Every place is a machine, and so is every link. A layer is an operation on its place; a tensor that crosses is one
    on the link, once for each place where it is read, and starts when its layer has ended. No operation is
    interrupted; those of length 0 are in nobody's way.

    Parameters
    ----------
    jobs
        One `Partition` for each inference: its metric "latency" gives the ns of each layer and tensor, and its pins,
        links, groups, direction and `result_at` hold. Give the same object several times for equal frames. Places of
        the same name are the same machine.
    release
        ns before which nothing of a job starts, one for each job; default 0.
    due
        ns at which each job should end; only "lateness" looks at it.
    cuts
        None: the places are part of the decision. Else one `PartitionPlan` for each job.
    objective
        "makespan": the end of the last operation. "total_completion": the sum of what passes between the release and
        the end of each job. "lateness": the largest end - due. "period": the largest load of any machine, all jobs
        together, which is the least period at which the same cuts can be repeated for ever.

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """

    jobs: tuple[Partition, ...]
    release: tuple[int, ...]
    due: tuple[int, ...] | None
    cuts: tuple[PartitionPlan, ...] | None
    objective: str
    name: str

    def __init__(
        self,
        jobs: Sequence[Partition],
        release: Sequence[int] | None = None,
        due: Sequence[int] | None = None,
        cuts: Sequence[PartitionPlan] | None = None,
        *,
        objective: str = "makespan",
        name: str = "schedule",
    ) -> None:
        def put(**values: Any) -> None:
            for key, value in values.items():
                object.__setattr__(self, key, value)

        if isinstance(jobs, Partition):
            raise InvalidInput("schedule: the jobs are one Partition; give a list, such as [problem] * 4")
        put(jobs=tuple(jobs), objective=objective, name=name)
        if not self.jobs:
            raise InvalidInput("schedule has no jobs; give at least one")
        for j, job in enumerate(self.jobs):
            reading.check(j, job)
        if objective not in OBJECTIVES:
            raise InvalidInput(f"schedule: {unknown('objective', objective, OBJECTIVES)}")
        count = len(self.jobs)
        put(release=(0,) * count if release is None else reading.times("release", release, count, least=0))
        put(due=None if due is None else reading.times("due", due, count))
        if objective == "lateness" and self.due is None:
            raise InvalidInput("schedule minimises lateness but has no due dates; give due, one for each job")
        if sum(job.costs(LATENCY).total for job in self.jobs) + max(self.release) >= LARGEST_TOTAL:
            raise InvalidInput("schedule: the times of all jobs together reach 2**53 ns; give fewer jobs")
        put(cuts=None if cuts is None else tuple(cuts))
        if self.cuts is not None:
            if len(self.cuts) != count:
                raise InvalidInput(f"schedule has {len(self.cuts)} cuts for {count} jobs; give one for each")
            for j, (job, cut) in enumerate(zip(self.jobs, self.cuts)):
                if broken := job.evaluate(cut).violations:
                    raise InvalidInput(f"schedule: the cut of job {j} breaks a rule: {broken[0]}")

    # --- structure --------------------------------------------------------------------------------------------

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The places of all jobs; the first is that of the first job."""
        return tuple(dict.fromkeys(place for job in self.jobs for place in job.places))

    @cached_property
    def machines(self) -> tuple[str, ...]:
        """The places, and the links that some job may use ("device>server"), sorted along the way of the data."""
        rank = {place: i for i, place in enumerate(self.places)}
        arcs = {(rank[p], rank[q]) for job in self.jobs for p, q in job.links}
        found: list[str] = []
        for i, place in enumerate(self.places):
            found.append(place)
            found += [link(place, self.places[j]) for j in sorted(j for origin, j in arcs if origin == i)]
        return tuple(found)

    @cached_property
    def machine(self) -> Mapping[str, int]:
        """Position of each machine by name."""
        return {machine: k for k, machine in enumerate(self.machines)}

    @cached_property
    def kinds(self) -> tuple[int, ...]:
        """For each job the first job that is the same object: equal frames have the same kind."""
        first: dict[int, int] = {}
        return tuple(first.setdefault(id(job), j) for j, job in enumerate(self.jobs))

    @cached_property
    def features(self) -> frozenset[str]:
        """What a method must be able to take: `optsplit.method.Method.takes`."""
        has = {
            (FREE if self.cuts is None else GIVEN): True,
            SEVERAL: len(self.jobs) > 1,
            DIFFERENT: len(set(self.kinds)) > 1,
            RELEASE: any(self.release),
            TWO_WAY: not all(job.one_way for job in self.jobs),
            PLACES: len(self.places) > 2,
            **{feature: self.objective == objective for objective, feature in _ASKS.items()},
        }
        return frozenset(feature for feature, present in has.items() if present)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The metric that is minimised."""
        return (self.objective,)

    @cached_property
    def units(self) -> Mapping[str, str]:
        """Metric -> unit."""
        return {metric: "ns" for metric in OBJECTIVES if metric != "lateness" or self.due is not None}

    @property
    def limits(self) -> Mapping[str, int]:
        """None: a schedule's jobs have no limits."""
        return {}

    def at(self, job: int, cut: PartitionPlan | Mapping[str, str] | Sequence[int] | IntArray) -> IntArray:
        """Shape (n,): the place of each layer of a job, in the job's own numbers, checked to name what exists."""
        if isinstance(cut, Mapping):
            cut = PartitionPlan(dict(cut))
        return self.jobs[job].positions(cut) if isinstance(cut, PartitionPlan) else np.asarray(cut, dtype=np.int64)

    def steps(self, job: int, cut: PartitionPlan | Mapping[str, str] | Sequence[int] | IntArray) -> tuple[Step, ...]:
        """The operations of a job under a cut: its layers in their order, then what is sent."""
        return steps(self.jobs[job], self.at(job, cut), self.machine)

    def cut_times(self, job: int, cut: PartitionPlan | Mapping[str, str] | Sequence[int] | IntArray) -> tuple[int, ...]:
        """For each machine the ns that one frame of a job, so cut, keeps it busy."""
        load = [0] * len(self.machines)
        for step in self.steps(job, cut):
            load[step.machine] += step.duration
        return tuple(load)

    def critical(self, job: int, cut: PartitionPlan | Mapping[str, str] | Sequence[int] | IntArray) -> int:
        """The longest path of a job's operations in ns: how long it takes, so cut, when no machine is ever busy."""
        parts = self.steps(job, cut)
        start = heads(parts, topological(self.jobs[job], parts))
        return max(begin + step.duration for begin, step in zip(start, parts))

    # --- the specification ------------------------------------------------------------------------------------

    def plan(self, cuts: Iterable[Any], starts: Sequence[Sequence[int]]) -> SchedulePlan:
        """The plan whose job j is cut by cuts[j] and whose operation i, as in `steps`, begins at starts[j][i]."""
        where = [self.at(j, cut) for j, cut in enumerate(cuts)]
        found = [
            (step.machine, start, start + step.duration, j, step.item)
            for j, at in enumerate(where)
            for step, start in zip(self.steps(j, at), map(int, starts[j]), strict=True)
        ]
        operations = [Operation(j, item, self.machines[m], start, end) for m, start, end, j, item in sorted(found)]
        return SchedulePlan([job.plan(at).assignment for job, at in zip(self.jobs, where, strict=True)], operations)

    def evaluate(self, plan: SchedulePlan) -> Evaluation:
        """Price a plan by every metric and check every rule, without any solver.

        Raises
        ------
        InvalidInput
            The plan has another number of jobs, leaves a layer without a place, or names what does not exist.
        """
        from optsplit.problems.schedule_rules import ends, violations

        if len(plan.assignments) != len(self.jobs):
            raise InvalidInput(f"plan has {len(plan.assignments)} assignments for {len(self.jobs)} jobs; give each one")
        where = [self.at(j, assignment) for j, assignment in enumerate(plan.assignments)]
        parts = [self.steps(j, at) for j, at in enumerate(where)]
        for operation in plan.operations:
            if operation.machine not in self.machine:
                raise InvalidInput(f"plan: {unknown('machine', operation.machine, self.machines)}")
            if not 0 <= operation.job < len(self.jobs):
                raise InvalidInput(f"plan: operation of job {operation.job}; jobs are 0..{len(self.jobs) - 1}")
        load = [0] * len(self.machines)
        for step in (step for job in parts for step in job):
            load[step.machine] += step.duration
        end = ends(self, plan)
        metrics = {
            "makespan": max(end),
            "total_completion": sum(end) - sum(self.release),
            **({} if self.due is None else {"lateness": max(e - d for e, d in zip(end, self.due))}),
            "period": max(load),
        }
        return Evaluation(metrics[self.objective], metrics, tuple(violations(self, plan, where, parts)))

    # --- other ways in and out --------------------------------------------------------------------------------

    def but(self, **changes: Any) -> Schedule:
        """The same problem with some arguments changed: `problem.but(objective="period")`."""
        same: dict[str, Any] = {
            "jobs": self.jobs, "release": self.release, "due": self.due, "cuts": self.cuts,
            "objective": self.objective, "name": self.name,
        }  # fmt: skip
        return Schedule(**{**same, **changes})

    @staticmethod
    def from_profile(
        profiles: Profile | Sequence[Profile], link: Connection | Mapping[Arc, Link], frames: int | Sequence[int] = 1,
        **options: Any,
    ) -> Schedule:  # fmt: skip
        """The schedule of frames of profiled networks: see `optsplit.problems.schedule_from_profile.schedule`."""
        from optsplit.problems.schedule_from_profile import schedule

        return schedule(profiles, link, frames, **options)

    def save(self, path: str | Path) -> None:
        """Write the problem as a JSON file."""
        from optsplit.problems import schedule_document

        schedule_document.save(self, path)

    @staticmethod
    def load(path: str | Path) -> Schedule:
        """Read a problem from a JSON file."""
        from optsplit.problems import schedule_document

        return schedule_document.load(path)
