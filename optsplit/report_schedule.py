"""Reports of a schedule: the cut of each frame, the order on each machine, and a Gantt chart in text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optsplit.problems.schedule import Operation, Schedule, SchedulePlan
from optsplit.result import SCALES

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""One character for each job; the 63rd starts again."""

_IDLE = "."
_MIXED = "#"


@dataclass(frozen=True)
class FrameRow:
    """The cut of one job and its times.

    Parameters
    ----------
    job, network
        Its number and the name of its network.
    layers
        Place -> number of layers.
    sent
        Tensors that cross, each with its link.
    start, end
        ns of its first operation that takes time, and of its end.
    """

    job: int
    network: str
    layers: dict[str, int]
    sent: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Burst:
    """Operations of one job that follow one another on a machine without a pause; times in ns."""

    machine: str
    job: int
    first: str
    last: str
    operations: int
    start: int
    end: int


def frames(problem: Schedule, plan: SchedulePlan) -> list[FrameRow]:
    """One row for each job."""
    ran: list[list[Operation]] = [[] for _ in problem.jobs]
    for operation in plan.operations:
        ran[operation.job].append(operation)
    rows = []
    for j, (job, operations) in enumerate(zip(problem.jobs, ran)):
        where = list(plan.assignments[j].values())
        sent = tuple(f"{o.item} ({o.machine})" for o in operations if o.machine not in job.places)
        starts = [o.start for o in operations if o.end > o.start]
        rows.append(
            FrameRow(
                j, job.name, {place: where.count(place) for place in job.places if place in where}, sent,
                min(starts, default=problem.release[j]), max(o.end for o in operations),
            )
        )  # fmt: skip
    return rows


def bursts(problem: Schedule, plan: SchedulePlan) -> list[Burst]:
    """The order on each machine; operations without length are left out."""
    found: list[Burst] = []
    for machine in problem.machines:
        busy = sorted((o for o in plan.on(machine) if o.end > o.start), key=lambda o: o.start)
        here: list[Burst] = []
        for o in busy:
            if here and here[-1].job == o.job and here[-1].end == o.start:
                was = here.pop()
                here.append(Burst(machine, o.job, was.first, o.item, was.operations + 1, was.start, o.end))
            else:
                here.append(Burst(machine, o.job, o.item, o.item, 1, o.start, o.end))
        found += here
    return found


def gantt(problem: Schedule, plan: SchedulePlan, width: int = 72) -> str:
    """A Gantt chart in text: a row for each machine that works, each job its own character.

    `#` stands where several jobs share a column, `.` where the machine is idle all the time that a column stands for.
    """
    rows = bursts(problem, plan)
    last = max((burst.end for burst in rows), default=0)
    if last == 0:
        return "no operation takes any time"
    machines = [machine for machine in problem.machines if any(burst.machine == machine for burst in rows)]
    label = max(map(len, machines))
    lines = []
    for machine in machines:
        cells = [_IDLE] * width
        for burst in rows:
            if burst.machine != machine:
                continue
            first = burst.start * width // last
            for column in range(first, max(first + 1, -(-burst.end * width // last))):
                mark = DIGITS[burst.job % len(DIGITS)]
                cells[column] = mark if cells[column] in (_IDLE, mark) else _MIXED
        lines.append(f"{machine:<{label}} |{''.join(cells)}|")
    scale, unit = next(((s, name) for s, name in SCALES["ns"] if last >= s), (1.0, "ns"))
    end = f"{last / scale:.6g} {unit}"
    lines.append(f"{'':<{label}}  0{end:>{width - 1}}")
    return "\n".join(lines)


def share(rows: Sequence[Burst], machine: str, length: int) -> float:
    """How much of a length of time a machine works."""
    return sum(burst.end - burst.start for burst in rows if burst.machine == machine) / max(length, 1)
