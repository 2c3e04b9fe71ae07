"""Schedule as a disjunctive mixed-integer linear programme, by HiGHS: the second model, independent of intervals.

Sets as in `schedule_cpsat`. An operation a has a start S[a], a length d[a] and a presence e[a]: a layer on its place is
present where x[v,p] = 1 and its start is the layer's, a tensor on a link where y[t,p,q] = 1 and its start B[t,p,q].

    minimise    z,  or sum_j C[j] - release_j
    x[v,p]      in {0,1}: layer v runs at p;   with two places one variable for each layer, x[v,0] = 1 - x[v,1]
    y[t,p,q]    in [0,1]: tensor t is sent from p to q
    o[a,b]      in {0,1}: a before b, for two operations of a machine that no path puts in an order

    assignment  sum_p x[v,p] = 1
    transfer    y[t,p,q] >= x[src(t),p] + x[v,q] - 1                                      v in rd(t)
    release     S[v] >= release_j
    links       x[src(t),p] + x[v,q] <= 1                                                 no link p -> q
    one_way     x[src(t),p] + x[v,q] <= 1                                                 q < p
    after       S[v] >= S[u] + sum_p c[u,p] x[u,p]                                        v reads from u
    leaves      B[t,p,q] >= S[u] + sum_p c[u,p] x[u,p]                                    u = src(t)
    arrives     S[v] >= B[t,p,q] + f[t,p,q] - H (2 - x[u,p] - x[v,q])                     v in rd(t)
                C[j] >= B[t,p,r] + f[t,p,r] - H (1 - x[u,p])                              outputs that end at r
    disjoint    S[b] >= S[a] + d[a] - H (3 - o[a,b] - e[a] - e[b])
                S[a] >= S[b] + d[b] - H (2 + o[a,b] - e[a] - e[b])
    ends        C[j] >= S[v] + sum_p c[v,p] x[v,p]
    largest     z >= C[j] (makespan),  z >= C[j] - due_j (lateness)
    loads       z >= sum over a machine's operations of d[a] e[a]                                (makespan, period)
    equal       C[j] <= C[j'] for consecutive equal jobs

H is the sum of all lengths and the last release: no semi-active schedule is longer. The relaxation is weak, as big-M
ones are: this model is for checking, not for size. Where HiGHS's tolerance moves a start by some ns the order of the
starts is what counts: the plan is the earliest schedule in that order. HiGHS's presolve is off: it loses optima of
big-M rows.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pulp

from optsplit.backends.pulp import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import earliest, link, topological

from .rows import Affine, one, total
from .schedule_bounds import named
from .schedule_ways import Timed

_LE, _GE = pulp.LpConstraintLE, pulp.LpConstraintGE


class _Model(Timed):
    def assignment(self) -> None:
        """sum_p x[v,p] = 1, for more than two places."""
        for job, x in zip(self.problem.jobs, self.x):
            for places in (x[unit[0]] for unit in job.bundles):
                if len(places) > 2 and places[0][1]:
                    self._equal("assignment", [(1, a) for a in places], 1)

    def release(self) -> None:
        """S[v] >= release_j."""
        for j, starts in enumerate(self.start):
            for start in starts:
                self.row("release", [(1, start)], self.problem.release[j])

    def after(self) -> None:
        """S[v] >= S[u] + sum_p c[u,p] x[u,p]."""
        for job, start, length in zip(self.problem.jobs, self.start, self.length):
            for u, v in sorted(set(job.edges)):
                self.row("after", [(1, start[v]), (-1, start[u]), (-1, length[u])])

    def one_way(self) -> None:
        """x[src(t),p] + x[v,q] <= 1 for q < p."""
        for job, x in zip(self.problem.jobs, self.x):
            for u, v in sorted(set(job.edges)) if job.one_way else ():
                for q, p in itertools.combinations(range(len(job.places)), 2):
                    self._row("one_way", [(1, x[u][p]), (1, x[v][q])], _LE, 1)

    def links(self) -> None:
        """x[src(t),p] + x[v,q] <= 1 where there is no link p -> q."""
        for way in self.ways:
            for _, reader in way.ends if not way.open else ():
                self._row("links", [(1, way.source), (1, reader)], _LE, 1)

    def transfer(self) -> None:
        """y[t,p,q] >= x[src(t),p] + x[v,q] - 1."""
        for way in self.ways:
            for _, reader in way.ends if way.open else ():
                self._row("transfer", [(1, way.present), (-1, way.source), (-1, reader)], _GE, -1)

    def leaves(self) -> None:
        """B[t,p,q] >= S[u] + sum_p c[u,p] x[u,p]."""
        for way in self.ways:
            if way.open:
                u = self.problem.jobs[way.job].tensors[way.tensor][0]
                source = [(-1, self.start[way.job][u]), (-1, self.length[way.job][u])]
                self.row("leaves", [(1, way.leave), *source])

    def arrives(self) -> None:
        """S[v] >= B[t,p,q] + f[t,p,q] - H (2 - x[u,p] - x[v,q]); for an output's end C[j], with 1 for x[v,q]."""
        for way in self.ways:
            for start, reader in way.ends if way.open else ():
                away = [(-self.horizon, way.source), (-self.horizon, reader)]
                self.row("arrives", [(1, start), (-1, way.leave), *away], way.duration - 2 * self.horizon)

    def ends(self) -> None:
        """C[j] >= S[v] + sum_p c[v,p] x[v,p]."""
        for end, starts, lengths in zip(self.end, self.start, self.length):
            for start, length in zip(starts, lengths):
                self.row("ends", [(1, end), (-1, start), (-1, length)])

    def disjoint(self) -> None:
        """Two present operations of a machine, one after the other, unless a path orders them."""
        paths = [_ancestors(job) for job in self.problem.jobs]
        for m, operations in enumerate(self.operations if self.timed else ()):
            for (i, a), (k, b) in itertools.combinations(enumerate(operations), 2):
                (begin, length, here, one_), (other, more, there, two) = a, b
                if one_ and two and one_[0] == two[0]:
                    before = paths[one_[0]]
                    if one_[1] == two[1] or before[two[1]] >> one_[1] & 1 or before[one_[1]] >> two[1] & 1:
                        continue
                h, order = self.horizon, one(self.milp.add_variable(f"o_{m}_{i}_{k}", 0, 1, pulp.LpInteger))
                away = [(-h, here), (-h, there)]
                self.row("disjoint", [(1, other), (-1, begin), (-h, order), *away], length - 3 * h)
                self.row("disjoint", [(1, begin), (-1, other), (h, order), *away], more - 2 * h)

    def equal(self) -> None:
        """C[j] <= C[j'] for consecutive equal jobs."""
        problem = self.problem
        due = problem.due or (0,) * len(problem.jobs)
        key = [(problem.kinds[j], problem.release[j], due[j], tuple(self.fixed(j).tolist()))
               for j in range(len(problem.jobs))]  # fmt: skip
        for i, j in itertools.pairwise(sorted(range(len(key)), key=key.__getitem__)):
            if key[i] == key[j]:
                self.row("equal", [(1, self.end[j]), (-1, self.end[i])])

    def objective(self) -> None:
        """The objective with `largest` and `loads`."""
        problem = self.problem
        loads = [total((length, present) for _, length, present, _ in operations) for operations in self.operations]
        if problem.objective == "total_completion":
            ends = {v: 1 for end in self.end for v in end[1]}
            self.milp.setObjective(pulp.LpAffineExpression(ends))
            self.offset = -sum(problem.release)
            return
        due = problem.due if problem.objective == "lateness" and problem.due else (0,) * len(problem.jobs)
        low = -max(due) // self.unit - 1
        z = self.milp.add_variable("z", min(0, low), self.top + max(0, -(min(due) // self.unit)) + 1, self.whole)
        if problem.objective != "lateness":
            for load in loads:
                self.row("loads", [(self.unit, one(z)), (-1, load)])
        if self.timed:
            for end, date in zip(self.end, due):
                self.row("largest", [(self.unit, one(z)), (-1, end)], -date)
        self.milp.setObjective(pulp.LpAffineExpression({z: 1}))


def _ancestors(job: Partition) -> list[int]:
    """For each layer, those before it as bits."""
    found = [0] * len(job.layers)
    for v in job.order:
        for u in job.feeders[v]:
            found[v] |= found[u] | 1 << u
    return found


def built(problem: Schedule) -> _Model:
    """The model with its objective and every row."""
    model = _Model(problem)
    for group in (model.assignment, model.release, model.ends, model.after, model.one_way, model.links, model.leaves,
                  model.transfer, model.arrives, model.objective, model.disjoint, model.equal):  # fmt: skip
        group()
    return model


def solve(problem: Schedule, options: Options) -> Answer:
    """Minimise any of the objectives, cuts free or given."""
    watch = Watch(options)
    model = built(problem)
    if model.impossible:
        return Answer(infeasible=True, raw_status="pins, groups or links leave no cut")
    outcome = minimise(model.milp, watch, scale=model.scale, offset=model.offset, presolve=False)
    bounds = {name: bound for name, bound in named(problem).items() if name != "best"}
    if outcome.bound is not None:
        bounds["solver"] = outcome.bound
    if outcome.value is None:
        return replace(outcome.answer(None, None), bounds=bounds)
    cuts = [[_place(outcome.value, x) for x in rows] for rows in model.x]
    parts = [problem.steps(j, cut) for j, cut in enumerate(cuts)]
    ranked: list[tuple[float, int, int, int]] = []
    for j, job in enumerate(problem.jobs):
        begins = _begins(model, j, parts[j])
        ranked += [(begins[i], k, j, i) for k, i in enumerate(topological(job, parts[j]))]
    starts = earliest(parts, problem.release, len(problem.machines), [(j, i) for *_, j, i in sorted(ranked)])
    plan = problem.plan(cuts, starts)
    return replace(outcome.answer(plan, problem.evaluate(plan).objective), bounds=bounds)


def _place(value: Any, x: list[Affine]) -> int:
    return [constant + sum(a * value(v) for v, a in terms.items()) for constant, terms in x].index(1)


def _begins(model: _Model, j: int, parts: Any) -> list[float]:
    """The solver's start of each operation, in the model's unit, none before what it comes after."""
    job = model.problem.jobs[j]
    index = {name: t for t, name in enumerate(job.tensor_names)}
    ways = {(way.tensor, model.problem.machine[link(job.places[way.p], job.places[way.q])]): way.leave
            for way in model.ways if way.job == j and way.open}  # fmt: skip
    n = len(job.layers)
    times = [model.start[j][i] if i < n else ways[index[s.item], s.machine] for i, s in enumerate(parts)]
    begins = [float(next(iter(time[1])).varValue or 0) for time in times]
    for i in topological(job, parts):
        begins[i] = max([begins[i], *(begins[before] for before in parts[i].after)])
    return begins
