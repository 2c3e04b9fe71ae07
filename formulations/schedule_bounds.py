"""What a schedule's paths and machines allow at best, before any solver: bounds by name, and windows of machines.

For a job let E[v,p] be the least time from its release to the start of layer v at place p, and L[v,p] the least time
from that start to the end of all that follows v, both when no machine is ever busy and every layer that v reads from,
or that reads from v, chooses its own place:

    E[v,p] = max over tensors t of u that v reads of  min_q  E[u,q] + c[u,q] + f[t,q,p]
    L[v,p] = c[v,p] + max over readers w of v's tensors t of  min_q  f[t,p,q] + L[w,q];   an output costs f[t,p,r]

with f[t,p,p] = 0. A layer that has two readers may stand at another place for each of them here, so this relaxes the
problem and every path of every schedule is at least as long.

    path   max_v min_p E[v,p] + L[v,p], of one job
    load   head + load + tail of the machine where that is most, for given cuts
"""

from __future__ import annotations

import functools
import math

import numpy as np

from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import LATENCY, heads, link, topological

_Rows = list[list[float]]


def _ways(job: Partition) -> tuple[list[list[list[float]]], list[list[float]]]:
    """f[t][p][q], infinite where no tensor may go, and c[v][p], infinite where v may not run."""
    costs = job.costs(LATENCY)
    closed = ~job.allowed
    if job.one_way:
        closed = closed | np.tri(len(job.places), k=-1, dtype=bool)
    f = np.where(closed[:, :, None], math.inf, costs.transfer).transpose(2, 0, 1)
    c = costs.compute.astype(np.float64)
    for v, p in enumerate(job.fixed.tolist()):
        if p >= 0:
            c[v, [q for q in range(len(job.places)) if q != p]] = math.inf
    return f.tolist(), c.tolist()


def _from_release(job: Partition) -> _Rows:
    f, c = _ways(job)
    places = range(len(job.places))
    reads: list[list[tuple[int, int]]] = [[] for _ in job.layers]
    for t, (u, readers) in enumerate(job.tensors):
        for v in readers:
            reads[v].append((t, u))
    early: _Rows = [[0.0] * len(places) for _ in job.layers]
    for v in job.order:
        for p in places:
            early[v][p] = max(
                (min(early[u][q] + c[u][q] + f[t][q][p] for q in places) for t, u in reads[v]), default=0.0
            )
    return early


def _to_end(job: Partition) -> _Rows:
    f, c = _ways(job)
    # the way of a result is allowed and priced whatever the direction of the cut
    back = job.costs(LATENCY).transfer
    places = range(len(job.places))
    wrote: list[list[int]] = [[] for _ in job.layers]
    for t, (u, _) in enumerate(job.tensors):
        wrote[u].append(t)
    late: _Rows = [[0.0] * len(places) for _ in job.layers]
    for v in reversed(job.order):
        for p in places:
            rest = 0.0
            for t in wrote[v]:
                for w in job.tensors[t][1]:
                    rest = max(rest, min(f[t][p][q] + late[w][q] for q in places))
                r = job.result_place
                if t in job.outputs and r >= 0 and r != p:
                    rest = max(rest, float(back[p, r, t]) if job.allowed[p, r] else math.inf)
            late[v][p] = c[v][p] + rest
    return late


@functools.lru_cache(maxsize=64)
def _free(job: Partition) -> tuple[_Rows, _Rows]:
    return _from_release(job), _to_end(job)


def path(job: Partition) -> int:
    """The least length of a job's longest path, over all cuts; 0 where no cut is possible."""
    early, late = _free(job)
    found = max(min(before + after for before, after in zip(*rows)) for rows in zip(early, late))
    return int(found) if math.isfinite(found) else 0


def _given(problem: Schedule) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The longest path of each job, and (head, load, tail) of each machine, for given cuts."""
    paths: list[int] = []
    first, load, last = ([0] * len(problem.machines) for _ in range(3))
    first, last = ([-1] * len(problem.machines) for _ in range(2))
    for j, cut in enumerate(problem.cuts or ()):
        parts = problem.steps(j, cut)
        order = topological(problem.jobs[j], parts)
        head, tail = heads(parts, order), [0] * len(parts)
        for i in reversed(order):
            for before in parts[i].after:
                tail[before] = max(tail[before], tail[i] + parts[i].duration)
        paths.append(max(h + s.duration for h, s in zip(head, parts)))
        for h, step, rest in zip(head, parts, tail):
            if step.duration:
                m, h = step.machine, h + problem.release[j]
                load[m] += step.duration
                first[m] = h if first[m] < 0 else min(first[m], h)
                last[m] = rest if last[m] < 0 else min(last[m], rest)
    return paths, [(max(f, 0), w, max(b, 0)) for f, w, b in zip(first, load, last)]


def named(problem: Schedule) -> dict[str, int]:
    """Lower bounds on the objective by name, and "best", the largest of them or what no objective is below."""
    loads: list[tuple[int, int, int]] | None = None
    if problem.cuts is not None:
        paths, loads = _given(problem)
    else:
        paths = [path(job) for job in problem.jobs]
    found: dict[str, int] = {}
    if problem.objective == "period":
        if loads is not None:
            found["load"] = max(load for _, load, _ in loads)
        return {**found, "best": found.get("load", 0)}
    if problem.objective == "total_completion":
        found["path"] = sum(paths)
    elif problem.objective == "lateness":
        found["path"] = max(r + p - d for r, p, d in zip(problem.release, paths, problem.due or ()))
    else:
        found["path"] = max(r + p for r, p in zip(problem.release, paths))
        if loads is not None:
            found["load"] = max(sum(part) for part in loads if part[1]) if any(part[1] for part in loads) else 0
    return {**found, "best": max(found.values())}


def windows(problem: Schedule) -> list[tuple[int, int]]:
    """For each machine what passes at least before its first operation, and after its last, if it has any."""
    if problem.cuts is not None:
        return [(head, tail) for head, _, tail in _given(problem)[1]]
    spans: dict[int, tuple[float, float]] = {}

    def meet(machine: int, head: float, tail: float) -> None:
        was = spans.get(machine, (math.inf, math.inf))
        if math.isfinite(head) and math.isfinite(tail):
            spans[machine] = min(was[0], head), min(was[1], tail)

    for job, release in dict.fromkeys(zip(problem.jobs, problem.release)):
        costs, (early, late) = job.costs(LATENCY), _free(job)
        for v, p in np.argwhere(costs.compute).tolist():
            length = float(costs.compute[v, p])
            meet(problem.machine[job.places[p]], release + early[v][p], late[v][p] - length)
        for t, (u, readers) in enumerate(job.tensors):
            for p, q in np.argwhere(job.allowed).tolist():
                ends = [late[w][q] for w in readers]
                if t in job.outputs and q == job.result_place:
                    ends.append(0.0)
                if p != q and ends:
                    done = release + early[u][p] + float(costs.compute[u, p])
                    meet(problem.machine[link(job.places[p], job.places[q])], done, min(ends))
    return [_whole(spans.get(machine, (0.0, 0.0))) for machine in range(len(problem.machines))]


def _whole(span: tuple[float, float]) -> tuple[int, int]:
    return int(span[0]), int(span[1])
