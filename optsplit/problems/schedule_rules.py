"""The rules of a schedule: each one that a plan breaks, in words, and the first clash in a grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from optsplit.problems.metric import IntArray
from optsplit.problems.rules import violations as cut_violations
from optsplit.problems.schedule_operations import LATENCY, Step
from optsplit.problems.schedule_plan import Operation, SchedulePlan
from optsplit.problems.schedule_text import clash_grid

if TYPE_CHECKING:
    from optsplit.problems.schedule import Schedule


def ends(problem: Schedule, plan: SchedulePlan) -> list[int]:
    """When each job's last operation ends; its release where it has none."""
    end = list(problem.release)
    for operation in plan.operations:
        end[operation.job] = max(end[operation.job], operation.end)
    return end


def violations(
    problem: Schedule, plan: SchedulePlan, where: Sequence[IntArray], parts: Sequence[Sequence[Step]]
) -> Iterator[str]:
    """What a plan breaks: the rules of its cuts, operations, lengths, releases, precedence, machines.

    Parameters
    ----------
    problem, plan
        A plan that names only what exists.
    where
        The place of each layer, job by job.
    parts
        The operations that these places call for, job by job.
    """
    yield from _cuts(problem, plan, where)
    key = {
        (j, step.item, problem.machines[step.machine]): (j, i)
        for j, steps in enumerate(parts)
        for i, step in enumerate(steps)
    }
    found: dict[tuple[int, int], Operation] = {}
    for operation in plan.operations:
        at = key.get((operation.job, operation.item, operation.machine))
        if at is None:
            yield f"{_name(operation)} is no operation of this cut"
        elif at in found:
            yield f"{_name(operation)} runs twice"
        else:
            found[at] = operation
    for j, steps in enumerate(parts):
        for i, step in enumerate(steps):
            if (j, i) not in found:
                yield f"job {j}: {step.item!r} on {problem.machines[step.machine]!r} has no operation"
    for (j, i), operation in found.items():
        step = parts[j][i]
        if operation.end - operation.start != step.duration:
            took = operation.end - operation.start
            yield f"{_name(operation)} takes {took} ns; its length is {step.duration} ns"
        if operation.start < problem.release[j]:
            yield f"{_name(operation)} starts at {operation.start}, before its release at {problem.release[j]}"
        for before in step.after:
            earlier = found.get((j, before))
            if earlier is not None and operation.start < earlier.end:
                yield f"{_name(operation)} starts at {operation.start}, before {_name(earlier)} ends at {earlier.end}"
    yield from _clashes(problem, plan)


def _cuts(problem: Schedule, plan: SchedulePlan, where: Sequence[IntArray]) -> Iterator[str]:
    for j, (job, at) in enumerate(zip(problem.jobs, where)):
        way = job.ways(at)
        for broken in cut_violations(job, at, way, {LATENCY: 0}):
            yield f"job {j}: {broken}"
        if problem.cuts is None:
            continue
        for layer, place in problem.cuts[j].assignment.items():
            if plan.assignments[j][layer] != place:
                yield f"job {j}: layer {layer!r} runs at {plan.assignments[j][layer]!r}; its given cut says {place!r}"


def _clashes(problem: Schedule, plan: SchedulePlan) -> Iterator[str]:
    first = True
    for machine in problem.machines:
        busy = sorted((o for o in plan.on(machine) if o.end > o.start), key=lambda o: (o.start, o.end, o.job, o.item))
        for one, other in pairwise(busy):
            if other.start < one.end:
                text = f"{_name(other)} starts at {other.start} while {_name(one)} runs until {one.end}"
                yield f"{text}\n{clash_grid(problem.machines, plan, one, other)}" if first else text
                first = False


def _name(operation: Operation) -> str:
    return f"job {operation.job}: {operation.item!r} on {operation.machine!r}"
