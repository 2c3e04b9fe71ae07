"""What no optimal schedule needs to separate: a layer without length stays with the layer that it reads from.

A reshape, a flatten or a dropout takes no time anywhere. Let v be such a layer of a job over two places, not pinned and
in no group, let u be the only layer that it reads from, t the only tensor that it reads, v its only reader, t no output
that must be sent, and let the tensors that v writes together take no longer on either link than t.

Claim. Every schedule can be changed, no operation ending later, into one where v runs at the place of u.

Proof. Let u run at p and v at q, so t is sent from p to q from b on, after u has ended. Run v at p when u has ended: it
takes no time, so it is in nobody's way. What v writes for readers (or a result) at q is sent in the time of t, one
after the other, from b on; it arrives no later than t did, which v at q had to wait for, and its readers for v. What v
writes for readers at p is there when u has ended, and was sent back before. All else stays. One-way cuts stay so: a
reader of v is never before q, nor q before p. No load grows, so the claim holds for a period, too.

Applied in topological order, one layer after the other, no step undoes an earlier one, since each moves only v. So the
optimum is that of the problem in which each such v is together with its u. In AlexNet that is every fifth layer, in a
vision transformer nearly half of them.
"""

from __future__ import annotations

from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.problems.schedule_operations import LATENCY, earliest, topological


def followers(job: Partition) -> dict[int, int]:
    """The layers that stay with another one: position of v -> position of u, in topological order."""
    if len(job.places) != 2:
        return {}
    costs = job.costs(LATENCY)
    wrote: list[list[int]] = [[] for _ in job.layers]
    read: list[list[int]] = [[] for _ in job.layers]
    for t, (u, readers) in enumerate(job.tensors):
        wrote[u].append(t)
        for v in readers:
            read[v].append(t)
    grouped = {v for bundle in job.bundles if len(bundle) > 1 for v in bundle}
    found = {}
    for v in job.order:
        if len(read[v]) != 1 or job.fixed[v] >= 0 or v in grouped or costs.compute[v].any():
            continue
        t = read[v][0]
        sent = t in job.outputs and job.result_place >= 0
        shorter = (costs.transfer[:, :, wrote[v]].sum(axis=2) <= costs.transfer[:, :, t]).all()
        if job.tensors[t][1] == (v,) and not sent and shorter:
            found[v] = job.tensors[t][0]
    return found


def contracted(problem: Schedule) -> Schedule:
    """The problem with those layers together, where cuts are free; the problem itself where there are none."""
    if problem.cuts is not None:
        return problem
    jobs = {}
    for kind in dict.fromkeys(problem.kinds):
        job = problem.jobs[kind]
        pairs = [(job.layers[u], job.layers[v]) for v, u in followers(job).items()]
        jobs[kind] = job.but(together=[*job.together, *pairs]) if pairs else job
    if all(jobs[kind] is problem.jobs[kind] for kind in jobs):
        return problem
    return problem.but(jobs=[jobs[kind] for kind in problem.kinds])


def carried(problem: Schedule, plan: SchedulePlan) -> SchedulePlan:
    """A plan of the problem as one that keeps those layers together, changed as in the proof."""
    begin = {(o.job, o.item, o.machine): o.start for o in plan.operations}
    cuts, parts = [], []
    ranked: list[tuple[int, int, int, int]] = []
    for j, job in enumerate(problem.jobs):
        before = problem.at(j, plan.assignments[j]).tolist()
        at, leads = list(before), followers(job)
        for v, u in leads.items():
            at[v] = at[u]
        steps = problem.steps(j, at)
        key = [0] * len(steps)
        for k, i in enumerate(topological(job, steps)):
            step = steps[i]
            known = begin.get((j, step.item, problem.machines[step.machine]))
            source = i if i < len(at) else step.after[0]
            while known is None and source in leads:
                # in the time of what its leader sent over the same link
                source = leads[source]
                known = min(
                    (begin[way] for t, (u, _) in enumerate(job.tensors) if u == source
                     and (way := (j, job.tensor_names[t], problem.machines[step.machine])) in begin), default=None,
                ) if i >= len(at) else None  # fmt: skip
            ready = max((key[b] + steps[b].duration for b in step.after), default=problem.release[j])
            key[i] = ready if known is None else max(known, ready)
            ranked.append((key[i], k, j, i))
        cuts.append(at)
        parts.append(steps)
    starts = earliest(parts, problem.release, len(problem.machines), [(j, i) for *_, j, i in sorted(ranked)])
    return problem.plan(cuts, starts)
