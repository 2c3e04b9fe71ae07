"""Schedule as a disjunctive mixed-integer linear programme, by HiGHS: the second model, independent of intervals.

Sets as in `schedule_cpsat`. An operation a has a start S[a], a length d[a] and a presence e[a]: a layer on its place is
present where x[v,p] = 1 and its start is the layer's, a tensor on a link where y[t,p,q] = 1.

    minimise    z,  or sum_j C[j] - release_j
    x[v,p]      in {0,1}: layer v runs at p;   with two places one variable for each layer, x[v,0] = 1 - x[v,1]
    y[t,p,q]    in [0,1]: tensor t is sent from p to q
    o[a,b]      in {0,1}: a before b, for two operations of a machine that no path puts in an order

    assignment  sum_p x[v,p] = 1
    transfer    y[t,p,q] >= x[src(t),p] + x[v,q] - 1                                      v in rd(t)
    links       x[src(t),p] + x[v,q] <= 1                                                 no link p -> q
    one_way     x[src(t),p] + x[v,q] <= 1                                                 q < p
    after       S[v] >= S[u] + sum_p c[u,p] x[u,p]                                        v reads from u
    leaves      S[t,p,q] >= S[u] + sum_p c[u,p] x[u,p]                                    u = src(t)
    arrives     S[v] >= S[t,p,q] + f[t,p,q] - H (2 - x[u,p] - x[v,q])                     v in rd(t)
    disjoint    S[b] >= S[a] + d[a] - H (3 - o[a,b] - e[a] - e[b])
                S[a] >= S[b] + d[b] - H (2 + o[a,b] - e[a] - e[b])
    ends        C[j] >= S[v] + sum_p c[v,p] x[v,p],   C[j] >= S[t,p,r] + f[t,p,r] - H (1 - x[u,p])
    largest     z >= C[j],  or  C[j] - due_j,  or  sum over a machine's operations of d[a] e[a]   (period)
    loads       z >= sum over a machine's operations of d[a] e[a]                                (makespan)
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

from optsplit.backends.pulp import ROW_SIZE, minimise, scale_to
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import LATENCY, earliest, link, topological

from .rows import Affine, Rows, one, possible, total
from .schedule_bounds import named

_LE, _GE = pulp.LpConstraintLE, pulp.LpConstraintGE
_YES: Affine = (1, {})


class _Model(Rows):
    def __init__(self, problem: Schedule) -> None:
        super().__init__("schedule")
        self.problem = problem
        self.timed = problem.objective != "period"
        costs = [job.costs(LATENCY) for job in problem.jobs]
        longest = sum(int(c.compute.max(axis=1).sum()) + int(c.transfer.max(axis=0).sum()) for c in costs)
        self.horizon = max(problem.release) + longest
        self.unit = scale_to(self.horizon, ROW_SIZE)
        self.top = -(-self.horizon // self.unit)
        # times of an optimum are whole; said to HiGHS 1.12, it no longer stops at tiny models with a "Solve error"
        self.whole = pulp.LpInteger if self.unit == 1 else pulp.LpContinuous
        self.impossible = False
        self.x = [self._assignment(j) for j in range(len(problem.jobs))]
        # for each machine (start, length, presence, (job, layer) or None)
        self.operations: list[list[tuple[Any, int, Affine, Any]]] = [[] for _ in problem.machines]
        self.start: list[list[Affine]] = []
        self.sent: list[dict[tuple[int, int, int], Affine]] = []
        self.end: list[Affine] = []
        for j in range(len(problem.jobs)):
            self._job(j)

    def _time(self, name: str, low: int = 0) -> Affine:
        """A time in ns, held as a variable in the model's own unit."""
        return 0, {self.milp.add_variable(name, low // self.unit, self.top, self.whole): self.unit}

    def row(self, name: str, parts: list[tuple[int, Affine]], right: float = 0) -> None:
        """A row of times: sum >= right."""
        self._row(name, parts, _GE, right, self.unit)

    def fixed(self, j: int) -> IntArray:
        """The place of each layer that is pinned or given, else -1."""
        job = self.problem.jobs[j]
        return job.fixed if self.problem.cuts is None else job.positions(self.problem.cuts[j])

    def _assignment(self, j: int) -> list[list[Affine]]:
        job, fixed = self.problem.jobs[j], self.fixed(j)
        places = range(len(job.places))
        x: list[list[Affine]] = [[]] * len(job.layers)
        for unit in job.bundles:
            pinned = {int(fixed[v]) for v in unit} - {-1}
            self.impossible |= len(pinned) > 1
            if pinned:
                chosen: list[Affine] = [(int(p in pinned), {}) for p in places]
            elif len(places) == 2:
                there = self.milp.add_variable(f"x_{j}_{unit[0]}", 0, 1, pulp.LpInteger)
                chosen = [(1, {there: -1}), one(there)]
            else:
                chosen = [one(self.milp.add_variable(f"x_{j}_{unit[0]}_{p}", 0, 1, pulp.LpInteger)) for p in places]
                for sense in (_LE, _GE):
                    self._row("assignment", [(1, a) for a in chosen], sense, 1)
            for v in unit:
                x[v] = chosen
        return x

    def _job(self, j: int) -> None:
        job, x, release = self.problem.jobs[j], self.x[j], self.problem.release[j]
        costs = job.costs(LATENCY)
        start = [self._time(f"S_{j}_{v}", 0) for v in range(len(job.layers))]
        self.start.append(start)
        self.sent.append({})
        self.end.append(self._time(f"C_{j}"))
        length = [total((int(c), a) for c, a in zip(costs.compute[v], x[v])) for v in range(len(job.layers))]
        for v, place in itertools.product(range(len(job.layers)), range(len(job.places))):
            if costs.compute[v, place] and possible(x[v][place]):
                machine = self.problem.machine[job.places[place]]
                self.operations[machine].append((start[v], int(costs.compute[v, place]), x[v][place], (j, v)))
        for v in range(len(job.layers)):
            self.row("release", [(1, start[v])], release)
            self.row("ends", [(1, self.end[j]), (-1, start[v]), (-1, length[v])])
        for u, v in sorted(set(job.edges)):
            self.row("after", [(1, start[v]), (-1, start[u]), (-1, length[u])])
            for q, p in itertools.combinations(range(len(job.places)), 2):
                if job.one_way:
                    self._row("one_way", [(1, x[u][p]), (1, x[v][q])], _LE, 1)
        for t in range(len(job.tensors)):
            for p, q in itertools.permutations(range(len(job.places)), 2):
                self._way(j, job, t, p, q, length)

    def _way(self, j: int, job: Partition, t: int, p: int, q: int, length: list[Affine]) -> None:
        """One way that a tensor may be sent: `transfer`, `links`, `leaves`, `arrives`, `ends`."""
        u, readers = job.tensors[t]
        x, source = self.x[j], self.x[j][u][p]
        ends = [(self.start[j][v], x[v][q]) for v in readers if x[v] is not x[u] and possible(x[v][q])]
        if t in job.outputs and q == job.result_place:
            ends.append((self.end[j], _YES))
        if not possible(source) or not ends:
            return
        if not job.allowed[p, q]:
            for _, reader in ends:
                self._row("links", [(1, source), (1, reader)], _LE, 1)
                self.impossible |= source == _YES == reader
            return
        present = one(self.milp.add_variable(f"y_{j}_{t}_{p}_{q}", 0, 1))
        leave = self._time(f"B_{j}_{t}_{p}_{q}")
        self.sent[j][t, p, q] = leave
        duration = int(job.costs(LATENCY).transfer[p, q, t])
        self.row("leaves", [(1, leave), (-1, self.start[j][u]), (-1, length[u])])
        for start, reader in ends:
            self._row("transfer", [(1, present), (-1, source), (-1, reader)], _GE, -1)
            away = [(-self.horizon, source), (-self.horizon, reader)]
            self.row("arrives", [(1, start), (-1, leave), *away], duration - 2 * self.horizon)
        if duration:
            machine = self.problem.machine[link(job.places[p], job.places[q])]
            self.operations[machine].append((leave, duration, present, None))

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

    def objective(self) -> tuple[int, int]:
        """The objective with `largest` and `loads`; returns its scale and offset."""
        problem = self.problem
        loads = [total((length, present) for _, length, present, _ in operations) for operations in self.operations]
        if problem.objective == "total_completion":
            ends = {v: 1 for end in self.end for v in end[1]}
            self.milp.setObjective(pulp.LpAffineExpression(ends))
            return self.unit, -sum(problem.release)
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
        return self.unit, 0


def _ancestors(job: Partition) -> list[int]:
    """For each layer, those before it as bits."""
    found = [0] * len(job.layers)
    for v in job.order:
        for u in job.feeders[v]:
            found[v] |= found[u] | 1 << u
    return found


def solve(problem: Schedule, options: Options) -> Answer:
    """Minimise any of the objectives, cuts free or given."""
    watch = Watch(options)
    model = _Model(problem)
    if model.impossible:
        return Answer(infeasible=True, raw_status="pins, groups or links leave no cut")
    scale, offset = model.objective()
    model.disjoint()
    model.equal()
    outcome = minimise(model.milp, watch, scale=scale, offset=offset, presolve=False)
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
    ways = {(t, model.problem.machine[link(job.places[p], job.places[q])]): time
            for (t, p, q), time in model.sent[j].items()}  # fmt: skip
    n = len(job.layers)
    times = [model.start[j][i] if i < n else ways[index[s.item], s.machine] for i, s in enumerate(parts)]
    begins = [float(next(iter(time[1])).varValue or 0) for time in times]
    for i in topological(job, parts):
        begins[i] = max([begins[i], *(begins[before] for before in parts[i].after)])
    return begins
