"""The operations of one job under a cut: what runs on which machine, for how long, and after what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

LATENCY = "latency"
"""The metric that gives the times of a job."""

ARROW = ">"
"""Between the two places in the name of a link."""


def link(origin: str, end: str) -> str:
    """The machine that sends from one place to another."""
    return f"{origin}{ARROW}{end}"


@dataclass(frozen=True)
class Step:
    """One operation: `item` is a layer on a place's machine, a tensor on a link's; `after` are positions of others."""

    item: str
    machine: int
    duration: int
    after: tuple[int, ...]


def steps(partition: Partition, at: IntArray | Sequence[int], machine: Mapping[str, int]) -> tuple[Step, ...]:
    """Every operation of a job whose layer i runs at place at[i]: its layers in their order, then what is sent.

    Parameters
    ----------
    partition
        The job.
    at
        Shape (n,): the place of each layer.
    machine
        Position of each machine by name; a link that no job may use is not in it, and sends nothing.
    """
    costs = partition.costs(LATENCY)
    names, places = partition.tensor_names, partition.places
    where = [int(p) for p in at]
    n = len(where)
    after: list[set[int]] = [set() for _ in range(n)]
    sent: list[Step] = []
    outputs = set(partition.outputs) if partition.result_place >= 0 else set[int]()
    for t, (u, readers) in enumerate(partition.tensors):
        here = where[u]
        step: dict[int, int] = {}
        ends = {where[v] for v in readers} | ({partition.result_place} if t in outputs else set())
        for q in sorted(ends - {here}):
            name = link(places[here], places[q])
            if name in machine:
                step[q] = n + len(sent)
                sent.append(Step(names[t], machine[name], int(costs.transfer[here, q, t]), (u,)))
        for v in readers:
            after[v].add(step.get(where[v], u))
    compute = costs.compute
    ran = (
        Step(layer, machine[places[p]], int(compute[v, p]), tuple(sorted(after[v])))
        for v, (layer, p) in enumerate(zip(partition.layers, where))
    )
    return (*ran, *sent)


def topological(job: Partition, parts: Sequence[Step]) -> list[int]:
    """The operations of a job in a topological order: its layers, each followed by what it sends."""
    n = len(job.layers)
    sent: list[list[int]] = [[] for _ in range(n)]
    for i in range(n, len(parts)):
        sent[parts[i].after[0]].append(i)
    return [i for v in job.order for i in (v, *sent[v])]


def heads(parts: Sequence[Step], sequence: Sequence[int]) -> list[int]:
    """The earliest start of each operation when no machine is ever busy; `sequence` is a topological order of them."""
    start = [0] * len(parts)
    for i in sequence:
        start[i] = max((start[before] + parts[before].duration for before in parts[i].after), default=0)
    return start


def earliest(
    parts: Sequence[Sequence[Step]], release: Sequence[int], machines: int, sequence: Iterable[tuple[int, int]]
) -> list[list[int]]:
    """The earliest start of each operation when every machine takes its operations in the order of `sequence`.

    Parameters
    ----------
    parts
        The operations of each job.
    release
        ns before which nothing of a job starts.
    machines
        Their number.
    sequence
        (job, operation) pairs, each once, none before one that it comes after.
    """
    starts = [[0] * len(steps) for steps in parts]
    free = [0] * machines
    for j, i in sequence:
        step = parts[j][i]
        start = max((starts[j][b] + parts[j][b].duration for b in step.after), default=release[j])
        if step.duration:
            start = max(start, free[step.machine])
            free[step.machine] = start + step.duration
        starts[j][i] = start
    return starts
