"""Permutation flow shop as a mixed-integer linear programme over positions, by HiGHS.

Sets: jobs J, machines K = 1..m, positions I = 1..n. Wagner's model (Naval Research Logistics Quarterly 6, 1959): of the
classical ones the fastest (Tseng, Stafford and Gupta, "An empirical analysis of integer programming formulations for
the permutation flowshop", Omega 32, 2004).

    minimise    Cmax
    z[j,i]      in {0,1}: job j is at position i
    x[i,k]      >= 0: machine k idles before position i, from the end of position i-1
    y[i,k]      >= 0: the job at position i waits between machines k and k+1
    P[i,k]      =  sum_j p[j,k] z[j,i], what the position needs

    assignment  sum_i z[j,i] = 1,  sum_j z[j,i] = 1
    fit         x[i+1,k] + P[i+1,k] + y[i+1,k] = y[i,k] + P[i,k+1] + x[i+1,k+1]        k < m
                x[1,k] + P[1,k] + y[1,k] = x[1,k+1]                                    k < m
    release     sum_{h <= i} x[h,1] + sum_{h < i} P[h,1] >= sum_j r[j] z[j,i]
    makespan    Cmax = sum_i x[i,m] + sum_j p[j,m]
    named       Cmax >= each bound of `optsplit.problems.flow_shop_bounds`

Both sides of `fit` are the time from the end of position i on machine k to the start of position i+1 on machine k+1. A
schedule of the least makespan exists with every x[i,k] and y[i,k] at most the makespan of any sequence known: CDS's.
"""

from __future__ import annotations

from dataclasses import replace

import pulp

from optsplit.backends.pulp import OBJECTIVE_SIZE, ROW_SIZE, minimise, scale_to
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems import flow_shop_bounds, two_machines
from optsplit.problems.flow_shop import FlowShop

from .rows import Affine, Rows, one, total


class _Model(Rows):
    def __init__(self, problem: FlowShop, longest: int, bound: int) -> None:
        super().__init__("flow_shop")
        self.problem, self.longest, self.bound = problem, longest, bound
        self.p = problem.times.tolist()
        self.positions, self.machines = range(problem.jobs), range(problem.machines)
        self.size = scale_to(longest, ROW_SIZE)
        self.z = [[self.milp.add_variable(f"z_{j}_{i}", 0, 1, pulp.LpInteger) for i in self.positions]
                  for j in self.positions]  # fmt: skip
        top = -(-longest // self.size)
        # in units of `size`, so that no column is far larger than a binary
        self.x = [[self.milp.add_variable(f"x_{i}_{k}", 0, top) for k in self.machines] for i in self.positions]
        self.y = [[self.milp.add_variable(f"y_{i}_{k}", 0, top) for k in self.machines] for i in self.positions]

    def _needs(self, i: int, k: int) -> Affine:
        return 0, {self.z[j][i]: p[k] for j, p in enumerate(self.p)}

    def assignment(self) -> None:
        """sum_i z[j,i] = 1, sum_j z[j,i] = 1."""
        for q in self.positions:
            self._row("assignment", [(1, one(z)) for z in self.z[q]], pulp.LpConstraintEQ, 1)
            self._row("assignment", [(1, one(z[q])) for z in self.z], pulp.LpConstraintEQ, 1)

    def fit(self) -> None:
        """Two ways to count the time from one position on a machine to the next position on the next machine."""
        for i in self.positions:
            for k in self.machines[:-1]:
                left = [(self.size, one(self.x[i][k])), (1, self._needs(i, k)), (self.size, one(self.y[i][k]))]
                right = [(-self.size, one(self.x[i][k + 1]))]
                if i:
                    right += [(-self.size, one(self.y[i - 1][k])), (-1, self._needs(i - 1, k + 1))]
                self._row("fit", left + right, pulp.LpConstraintEQ, 0, self.size)

    def release(self) -> None:
        """Position i starts on the first machine no earlier than its job arrives."""
        released = self.problem.release.tolist()
        for i in self.positions if any(released) else ():
            before = [(self.size, one(self.x[h][0])) for h in range(i + 1)]
            before += [(1, self._needs(h, 0)) for h in range(i)]
            arrival = 0, {self.z[j][i]: r for j, r in enumerate(released) if r}
            self._row("release", [*before, (-1, arrival)], pulp.LpConstraintGE, 0, self.size)

    def named(self) -> None:
        """The idle time of the last machine is at least what the best bound known leaves for it."""
        parts = [(self.size, one(x[-1])) for x in self.x]
        self._row("named", parts, pulp.LpConstraintGE, self.bound - self._work(), self.size)

    def _work(self) -> int:
        return sum(p[-1] for p in self.p)

    def objective(self) -> None:
        """Cmax less the work of the last machine, which is a constant."""
        self.scale, self.offset = scale_to(self.longest, OBJECTIVE_SIZE), self._work()
        _, terms = total([(self.size, one(x[-1])) for x in self.x])
        self.milp.setObjective(pulp.LpAffineExpression({v: c / self.scale for v, c in terms.items()}))


def built(problem: FlowShop, bound: int) -> _Model:
    """The model with its objective and every row, given a lower bound on the makespan."""
    plans = [problem.plan(two_machines.aggregated(problem.times, k)) for k in range(1, max(2, problem.machines))]
    longest = min(problem.evaluate(plan).objective for plan in plans)
    model = _Model(problem, longest, bound)
    for group in (model.objective, model.assignment, model.fit, model.release, model.named):
        group()
    return model


def solve(problem: FlowShop, options: Options) -> Answer:
    """Minimise the makespan."""
    watch = Watch(options)
    bounds = flow_shop_bounds.named(problem)
    model = built(problem, max(bounds.values()))
    outcome = minimise(model.milp, watch, scale=model.scale, offset=model.offset)
    if outcome.bound is not None:
        bounds["solver"] = outcome.bound
    if outcome.value is None:
        return replace(outcome.answer(None, None), bounds=bounds)
    at = [next(i for i in model.positions if outcome.value(z[i])) for z in model.z]
    plan = problem.plan(sorted(model.positions, key=lambda j: at[j]))
    # a plan found before the proof may idle for nothing: the price is the problem's own
    return replace(outcome.answer(plan, problem.evaluate(plan).objective), bounds=bounds)
