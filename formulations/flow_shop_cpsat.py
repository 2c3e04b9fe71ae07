"""Permutation flow shop for CP-SAT: intervals, and one Boolean for each pair of jobs, the same on every machine.

Sets: jobs J, machines K = 1..m. Heads and tails are what a job has before and after each machine at least.

    minimise    Cmax
    s[j,k]      integer: start of job j on machine k, from its head to what the first makespan leaves
    b[i,j]      in {0,1}, i < j: job i before job j

    route       s[j,k+1] >= s[j,k] + p[j,k]
    order       b[i,j] => s[j,k] >= s[i,k] + p[i,k];  not b[i,j] => s[i,k] >= s[j,k] + p[j,k]      every k
    machine     the intervals [s[j,k], s[j,k] + p[j,k]) of one k do not overlap: implied, and found by edge finding
    makespan    Cmax >= s[j,m] + p[j,m]
    named       Cmax >= each bound of `optsplit.problems.flow_shop_bounds`
    alike       b[i,j] for jobs of equal times and release

Measured on Taillard's 20x5 against positions (a Boolean for each job and position) and against circuits: those leave
gaps where this proves the optimum in seconds. There is nothing for a linear relaxation to add, so it is off.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from ortools.sat.python import cp_model

from optsplit.backends.cpsat import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems import flow_shop_bounds, two_machines
from optsplit.problems.flow_shop import FlowShop, FlowShopPlan


class _Model:
    def __init__(self, problem: FlowShop, start: FlowShopPlan, bound: int) -> None:
        self.problem = problem
        self.p = problem.times.tolist()
        self.jobs, self.machines = range(problem.jobs), range(problem.machines)
        # equal jobs keep their order in the first plan, too
        self.first = self._sorted_alike(start.sequence)
        self.longest = problem.evaluate(self.first).objective
        head, tail = flow_shop_bounds.heads(problem).tolist(), flow_shop_bounds.tails(problem).tolist()
        self.cp = cp_model.CpModel()
        self.end = self.cp.new_int_var(bound, self.longest, "Cmax")
        self.s = [[self.cp.new_int_var(head[j][k], self.longest - tail[j][k] - self.p[j][k], f"s_{j}_{k}")
                   for k in self.machines] for j in self.jobs]  # fmt: skip
        self.b = {(i, j): self.cp.new_bool_var(f"b_{i}_{j}") for i, j in itertools.combinations(self.jobs, 2)}

    def _kind(self, j: int) -> tuple[int, ...]:
        return (int(self.problem.release[j]), *self.p[j])

    def _sorted_alike(self, sequence: tuple[int, ...]) -> FlowShopPlan:
        queues: dict[tuple[int, ...], list[int]] = {}
        for j in reversed(self.jobs):
            queues.setdefault(self._kind(j), []).append(j)
        return self.problem.plan([queues[self._kind(j)].pop() for j in sequence])

    def route(self) -> None:
        """s[j,k+1] >= s[j,k] + p[j,k]."""
        for j, (k, after) in itertools.product(self.jobs, itertools.pairwise(self.machines)):
            self.cp.add(self.s[j][after] >= self.s[j][k] + self.p[j][k])

    def order(self) -> None:
        """One job before the other, on every machine."""
        for (i, j), before in self.b.items():
            for k in self.machines:
                self.cp.add(self.s[j][k] >= self.s[i][k] + self.p[i][k]).only_enforce_if(before)
                self.cp.add(self.s[i][k] >= self.s[j][k] + self.p[j][k]).only_enforce_if(~before)

    def machine(self) -> None:
        """No two jobs at once."""
        for k in self.machines:
            self.cp.add_no_overlap(
                [self.cp.new_fixed_size_interval_var(self.s[j][k], self.p[j][k], f"i_{j}_{k}") for j in self.jobs]
            )

    def makespan(self) -> None:
        """Cmax >= s[j,m] + p[j,m]."""
        for j in self.jobs:
            self.cp.add(self.end >= self.s[j][-1] + self.p[j][-1])
        self.cp.minimize(self.end)

    def alike(self) -> None:
        """Equal jobs in the order given."""
        for (i, j), before in self.b.items():
            if self._kind(i) == self._kind(j):
                self.cp.add_bool_and(before)

    def hint(self) -> None:
        """Start from the first plan, every variable of it."""
        position = {j: i for i, j in enumerate(self.first.sequence)}
        ends = self.problem.ends(self.first.sequence).tolist()
        self.cp.add_hint(self.end, self.longest)
        for (i, j), before in self.b.items():
            self.cp.add_hint(before, position[i] < position[j])
        for j, k in itertools.product(self.jobs, self.machines):
            self.cp.add_hint(self.s[j][k], ends[position[j]][k] - self.p[j][k])


def built(problem: FlowShop, start: FlowShopPlan, bound: int) -> _Model:
    """The model with its objective, every constraint and a hint, given a plan and a lower bound on the makespan."""
    model = _Model(problem, start, bound)
    for group in (model.route, model.order, model.machine, model.makespan, model.alike, model.hint):
        group()
    return model


def solve(problem: FlowShop, options: Options) -> Answer:
    """Minimise the makespan."""
    watch = Watch(options)
    bounds = flow_shop_bounds.named(problem)
    plans = [problem.plan(two_machines.aggregated(problem.times, k)) for k in range(1, max(2, problem.machines))]
    plans += [] if options.hint is None else [options.hint]
    start = min(plans, key=lambda plan: problem.evaluate(plan).objective)
    model = built(problem, start, max(bounds.values()))
    watch.built()
    watch.report(problem.evaluate(start).objective, max(bounds.values()))
    outcome = minimise(model.cp, watch, linearization=0)
    if outcome.bound is not None:
        bounds["solver"] = outcome.bound
    if outcome.value is None:
        return replace(outcome.answer(start, problem.evaluate(start).objective), bounds=bounds)
    before = [0] * problem.jobs
    for (i, j), earlier in model.b.items():
        before[j if outcome.value(earlier) else i] += 1
    # only jobs that need no time at all can come before each other in a circle: any order of those is as good
    plan = problem.plan(sorted(model.jobs, key=lambda j: before[j]))
    return replace(outcome.answer(plan, problem.evaluate(plan).objective), bounds=bounds)
