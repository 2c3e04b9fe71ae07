"""Schedule as a constraint programme with optional intervals, by CP-SAT.

Sets: jobs J, layers V_j, tensors T_j with source src(t) and readers rd(t), places P, machines M: places and links. An
output that must end at a place r has one more reader there, which takes no time. Times are the problem's own ns.

    minimise      z,  or sum_j C[j] - release_j
    at[v,p]       layer v runs at p;                      with two places at[v,0] is the negation of at[v,1]
    S[v]          start of layer v, from release_j on
    sent[t,p,q]   tensor t is sent from p to q;           B[t,p,q] its start
    C[j]          end of job j
    used[m]       machine m does anything

    assignment    exactly one of at[v,p], p in P
    transfer      at[src(t),p] and at[v,q]  =>  sent[t,p,q]                         v in rd(t), p != q
    only          sent[t,p,q]  =>  at[src(t),p];   sent[t,p,q]  =>  some at[v,q], v in rd(t)
    links         not (at[src(t),p] and at[v,q])                                    no link p -> q
    one_way       at[src(t),p]  =>  not at[v,q]                                     q < p
    pins, given   at[v,p]
    after         S[v] >= S[u] + d[u]                                               v reads from u
    leaves        B[t,p,q] >= S[src(t)] + d[src(t)]
    arrives       sent[t,p,q] and at[v,q]  =>  S[v] >= B[t,p,q] + f[t,p,q]           v in rd(t)
    crossing      S[v] >= S[u] + d[u] + f[t,p,q] (at[u,p] + at[v,q] - 1)             u = src(t), v in rd(t)
    machines      the operations of m that are present and longer than 0 do not overlap
    ends          C[j] >= S[v] + d[v],  sent[t,p,r] => C[j] >= B[t,p,r] + f[t,p,r]
    largest       z >= C[j]                (makespan),      z >= C[j] - due_j         (lateness)
    loads         max_j C[j] >= (head_m + tail_m) used[m] + sum of the lengths of m's operations that are present
    period        z >= sum of the lengths of m's operations that are present; no times at all
    equal         C[j] <= C[j'] for consecutive jobs that are the same object with equal release, due date and cut

with d[u] = sum_p c[u,p] at[u,p]. `crossing` and `loads` follow from the rest for whole values: they are what the linear
relaxation sees of paths and machines. head_m is the least time at which any operation can be ready for m, tail_m the
least time that passes behind one; both from the recursion in `schedule_bounds`. `equal` removes plans that differ in
the names of equal frames only: the schedules of two such jobs can change places without moving any operation. Layers
that no optimal schedule needs to separate are one for the model (`schedule_contract`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optsplit.backends.cpsat import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.problems.schedule_operations import LATENCY, earliest, link, topological

from .schedule_bounds import named, windows
from .schedule_contract import carried, contracted
from .schedule_intervals import Intervals, JobVariables, Literal


class _Model(Intervals):
    def __init__(self, problem: Schedule) -> None:
        super().__init__(problem)
        self.used: dict[int, Any] = {}
        self.last: Any = None
        self.z: Any = None

    def machines(self) -> None:
        """The operations of m that are present and longer than 0 do not overlap."""
        for intervals in self.intervals if self.timed else ():
            if len(intervals) > 1:
                self.cp.add_no_overlap(intervals)

    def equal(self) -> None:
        """C[j] <= C[j'] for consecutive equal jobs."""
        for one, other in itertools.pairwise(self.alike()) if self.timed else ():
            if one[0] == other[0]:
                self.cp.add(self.jobs[one[1]].end <= self.jobs[other[1]].end)

    def alike(self) -> list[tuple[Any, int]]:
        """Jobs with what makes them equal, equal ones side by side."""
        problem = self.problem
        cuts = [()] * len(problem.jobs) if problem.cuts is None else [
            tuple(job.positions(cut).tolist()) for job, cut in zip(problem.jobs, problem.cuts)
        ]  # fmt: skip
        due = [0] * len(problem.jobs) if problem.due is None else problem.due
        return sorted(((problem.kinds[j], problem.release[j], due[j], cuts[j]), j) for j in range(len(problem.jobs)))

    def objective(self, least: int) -> None:
        """The objective, with `largest`, `loads` and `period`."""
        problem, cp = self.problem, self.cp
        totals = [sum(length * literal for literal, length in load) for load in self.loads]
        low = named(problem).get("best", 0)
        if not self.timed:
            self.z = cp.new_int_var(max(0, low), self.horizon, "z")
            for total in totals:
                cp.add(self.z >= total)
            cp.minimize(self.z)
            return
        last = cp.new_int_var(0, self.horizon, "last")
        self.last = last
        for job in self.jobs:
            cp.add(last >= job.end)
        for machine, (head, tail) in enumerate(windows(problem)):
            if self.loads[machine]:
                self._load(machine, last, head + tail, totals[machine])
        if problem.objective == "makespan":
            cp.add(last >= max(low, least))
            cp.minimize(last)
        elif problem.objective == "total_completion":
            cp.minimize(sum(job.end for job in self.jobs) - sum(problem.release))
        else:
            due = problem.due or ()
            self.z = cp.new_int_var(low, self.horizon + max(map(abs, due)), "z")
            for job, date in zip(self.jobs, due):
                cp.add(self.z >= job.end - date)
            cp.minimize(self.z)

    def _load(self, machine: int, last: Any, lead: int, total: Any) -> None:
        literals = [literal for literal, _ in self.loads[machine]]
        if lead == 0 or any(literal is True for literal in literals):
            self.cp.add(last >= lead + total)
            return
        used = self.cp.new_bool_var(f"used_{machine}")
        self.used[machine] = used
        self.cp.add_max_equality(used, literals)
        self.cp.add(last >= lead * used + total)

    def hint(self, plan: SchedulePlan) -> None:
        """Start from a plan: every variable gets a value, or CP-SAT calls the hint incomplete."""
        problem = self.problem
        begin = {(o.job, o.item, o.machine): o.start for o in plan.operations}
        end = [max(o.end for o in plan.operations if o.job == j) for j in range(len(problem.jobs))]
        # equal frames change names until they end in the order that `equal` asks for
        stands = list(range(len(problem.jobs)))
        for _, group in itertools.groupby(self.alike(), key=lambda pair: pair[0]):
            jobs = [j for _, j in group]
            for j, other in zip(jobs, sorted(jobs, key=lambda i: end[i])):
                stands[j] = other
        for j, (found, other) in enumerate(zip(self.jobs, stands)):
            self._hint_job(j, found, plan.assignments[other], other, begin)
            if self.timed:
                self.cp.add_hint(found.end, end[other])
        for machine, used in self.used.items():
            busy = any(o.machine == problem.machines[machine] and o.end > o.start for o in plan.operations)
            self.cp.add_hint(used, busy)
        if self.timed:
            self.cp.add_hint(self.last, max(end))
        if self.z is not None:
            self.cp.add_hint(self.z, problem.evaluate(plan).objective)

    def _hint_job(
        self,
        j: int,
        found: JobVariables,
        assignment: dict[str, str],
        other: int,
        begin: dict[tuple[int, str, str], int],
    ) -> None:
        job = self.problem.jobs[j]
        at = self.problem.at(j, assignment).tolist()
        costs = job.costs(LATENCY)
        for v, *_ in job.bundles:
            for p, literal in list(enumerate(found.at[v]))[1 if len(job.places) == 2 else 0 :]:
                if not isinstance(literal, bool):
                    self.cp.add_hint(literal, at[v] == p)
        for v, start in enumerate(found.start):
            self.cp.add_hint(start, begin[other, job.layers[v], job.places[at[v]]])
        for (t, p, q), sent in found.sent.items():
            machine = link(job.places[p], job.places[q])
            here = begin.get((other, job.tensor_names[t], machine))
            u = job.tensors[t][0]
            if not isinstance(sent, bool):
                self.cp.add_hint(sent, here is not None)
            if self.timed:
                source = begin[other, job.layers[u], job.places[at[u]]] + int(costs.compute[u, at[u]])
                self.cp.add_hint(found.leave[t, p, q], source if here is None else here)


def built(problem: Schedule, least: int = 0) -> _Model:
    """The model with its objective and every constraint."""
    model = _Model(problem)
    model.machines()
    model.equal()
    model.objective(least)
    return model


def solve(problem: Schedule, options: Options, least: int = 0) -> Answer:
    """Minimise any of the objectives, cuts free or given; the caller knows that no makespan is below `least`."""
    watch = Watch(options)
    smaller = contracted(problem)
    model = built(smaller, least)
    if options.hint is not None:
        model.hint(options.hint if smaller is problem else carried(problem, options.hint))
    outcome = minimise(model.cp, watch, linearization=2, cuts=False)
    bounds = {name: bound for name, bound in named(problem).items() if name != "best"}
    if outcome.bound is not None:
        bounds["solver"] = outcome.bound
    if outcome.value is None:
        return replace(outcome.answer(None, None), bounds=bounds)
    value = outcome.value

    def holds(literal: Literal) -> bool:
        return literal if isinstance(literal, bool) else bool(value(literal))

    cuts = [[next(p for p, here in enumerate(places) if holds(here)) for places in job.at] for job in model.jobs]
    if model.timed:
        starts = [_starts(problem, j, job, cuts[j], value) for j, job in enumerate(model.jobs)]
    else:
        # a period has no times of its own: any schedule of one frame each will do
        parts = [problem.steps(j, cut) for j, cut in enumerate(cuts)]
        sequence = [(j, i) for j, steps in enumerate(parts) for i in topological(problem.jobs[j], steps)]
        starts = earliest(parts, problem.release, len(problem.machines), sequence)
    plan = problem.plan(cuts, starts)
    return replace(outcome.answer(plan, problem.evaluate(plan).objective), bounds=bounds)


def _starts(problem: Schedule, j: int, found: JobVariables, cut: Sequence[int], value: Any) -> list[int]:
    """When each operation of a job starts."""
    job = problem.jobs[j]
    machine = {(t, problem.machine[link(job.places[p], job.places[q])]): (t, p, q) for t, p, q in found.leave}
    index = {name: t for t, name in enumerate(job.tensor_names)}
    n = len(job.layers)
    return [
        value(found.start[i]) if i < n else value(found.leave[machine[index[step.item], step.machine]])
        for i, step in enumerate(problem.steps(j, cut))
    ]
