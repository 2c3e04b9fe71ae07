"""Partition as a mixed-integer linear programme, by HiGHS.

Sets: layers V, tensors T with source src(t) and readers rd(t), places P. An output that must end at a place r has
one more reader, pinned at r.

    minimise    z,  or the one metric itself
    x[v,p]      in {0,1}: layer v runs at p;   with two places one variable for each layer, x[v,0] = 1 - x[v,1]
    y[t,p,q]    in [0,1]: tensor t is sent from p to q
    w[t,p]      in [0,1]: t leaves p for anywhere            (where sending is paid once)
    r[t,q]      in [0,1]: t enters q from anywhere           (where receiving is paid once)

    assignment  sum_p x[v,p] = 1
    transfer    y[t,p,q] >= x[src(t),p] + x[v,q] - 1                        v in rd(t), p != q
    inflow      sum_{p: link p -> q} y[t,p,q] >= x[v,q] - x[src(t),q]       v in rd(t), more than two places
    outflow     sum_{q: link p -> q} y[t,p,q] >= x[src(t),p] - x[v,p]       v in rd(t), more than two places
    send        w[t,p] >= x[src(t),p] - x[v,p]                              v in rd(t)
    receive     r[t,q] >= x[v,q] - x[src(t),q]                              v in rd(t)
    links       x[src(t),p] + sum_{q: no link p -> q} x[v,q] <= 1           v in rd(t)
    one_way     sum_{q <= k} x[v,q] <= sum_{q <= k} x[src(t),q]             v in rd(t), not an output's end; k
    value_m     = sum c[v,p] x[v,p] + sum f[t,p,q] y[t,p,q] + sum s[t,p] w[t,p] + sum g[t,q] r[t,q]
    limit       value_m <= L_m
    dear        x[src(t),p] + x[v,q] <= 1                                   v in rd(t), f_m[t,p,q] > L_m
    largest     z >= value_m
    together    x[v,p] is one variable for all layers v of a group (a unit)
    begun       b[v,p] >= x[v,p],  b[v,p] >= b[u,p]                         contiguous; v reads from u
    to_end      e[v,p] >= x[v,p],  e[u,p] >= e[v,p]                         contiguous; v reads from u
    convex      b[v,p] + e[v,p] - x[v,p] <= 1                               contiguous
    alike       x[i,p'] <= o[i,p]                                           p' follows p among equal places, units i
    opened      o[i,p] <= o[i-1,p] + x[i-1,p]

For contiguous places b[v,p] says that v or a layer before it runs at p, e[v,p] that v or a layer behind it does; where
both hold, v itself must. `alike` removes plans that differ only in the names of equal places: of those, each is first
used after the one before it; o[i,p] says that a unit before i runs at p.

y, w and r need no integrality: nothing but these rows holds them up. They stand only where a metric in use has a
cost. A pinned layer is a constant. With two places w and r are y, so their costs are added to f, and transfer reads
y >= x_v - x_u or y >= x_u - x_v: a network matrix, so without limits the relaxation is integral. `inflow` and `outflow`
follow from `transfer` for whole x only: they tighten the relaxation. They stand where each of their y does.

Limits stay exact although HiGHS is not. Costs are integers, so value_m <= L_m is value_m <= L_m + 1/2, which is how
the row is written: a plan at the limit keeps it by half a tick, a plan above breaks it by half a tick. Where costs add
up to more than about 1e10 half a tick is within HiGHS's tolerances, and plans at the limit would be lost: the row then
leaves them some (`Rows.at_most`). A plan above the limit that passes is found by the problem's own evaluation,
`exclude` cuts off that one plan, and the search goes on: no valid plan is lost, so every bound stays valid.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pulp
from numpy.typing import NDArray

from optsplit.backends.outcome import Outcome
from optsplit.backends.pulp import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

from .rows import Affine, Rows, one, possible, total


class _Model(Rows):
    def __init__(self, problem: Partition) -> None:
        super().__init__("partition")
        self.problem = problem
        self.places = range(len(problem.places))
        self.two = len(self.places) == 2
        self.limits = {m: int(limit) for m, limit in problem.limits.items() if limit < problem.costs(m).total}
        self.used = tuple(dict.fromkeys([*problem.objectives, *self.limits]))
        self.impossible = False
        self.x: list[list[Affine]] = [[]] * len(problem.layers)
        for unit in problem.bundles:
            pinned = {int(problem.fixed[v]) for v in unit} - {-1}
            self.impossible |= len(pinned) > 1
            x = self._place(unit[0], max(pinned, default=-1))
            for v in unit:
                self.x[v] = x
        # (tensor, source, where its reader runs); an output's end is a reader pinned there
        self.reads = [(t, self.x[u], self.x[v]) for t, (u, readers) in enumerate(problem.tensors) for v in readers
                      if self.x[u] is not self.x[v]]  # fmt: skip
        if problem.result_place >= 0:
            end = self._pinned(problem.result_place)
            self.reads += [(t, self.x[problem.tensors[t][0]], end) for t in problem.outputs]
        moving = np.zeros(len(problem.sources), dtype=bool)
        moving[[t for t, _, _ in self.reads]] = True
        self.y = self._where("y", moving, [f for f in map(self._f, self.used) if f is not None])
        ends = [] if self.two else [c for c in map(problem.costs, self.used) if c.ends]
        self.w = self._where("w", moving, [c.send for c in ends])
        self.r = self._where("r", moving, [c.receive for c in ends])

    def _f(self, metric: str) -> IntArray | None:
        """Shape (P, P, T): what y pays, None for nothing; with two places sending and receiving are part of it."""
        costs = self.problem.costs(metric)
        if not (costs.transfers or (self.two and costs.ends)):
            return None
        if not self.two:
            return costs.transfer
        f = np.zeros_like(costs.transfer)
        f[0, 1], f[1, 0] = costs.crossing(0, 1), costs.crossing(1, 0)
        return f

    def _pinned(self, place: int) -> list[Affine]:
        return [(int(p == place), {}) for p in self.places]

    def _place(self, v: int, fixed: int) -> list[Affine]:
        if fixed >= 0:
            return self._pinned(fixed)
        if self.two:
            x = self.milp.add_variable(f"x_{v}", 0, 1, pulp.LpInteger)
            return [(1, {x: -1}), (0, {x: 1})]
        return [one(self.milp.add_variable(f"x_{v}_{p}", 0, 1, pulp.LpInteger)) for p in self.places]

    def _where(
        self, name: str, moving: NDArray[np.bool_], costs: list[IntArray]
    ) -> dict[tuple[int, ...], pulp.LpVariable]:
        """A variable for each moving tensor, the last axis, where some costs are above 0: keys (t, p, ...)."""
        paid = np.argwhere(moving & np.any([c > 0 for c in costs], axis=0)).tolist() if costs else []
        keys = [(k[-1], *k[:-1]) for k in paid]
        return {k: self.milp.add_variable(f"{name}_{'_'.join(map(str, k))}", 0, 1) for k in keys}

    # --- constraints ------------------------------------------------------------------------------------------

    def assignment(self) -> None:
        """sum_p x[v,p] = 1, for more than two places."""
        for x in (self.x[unit[0]] for unit in self.problem.bundles):
            if not self.two and x[0][1]:
                self._equal("assignment", [(1, a) for a in x], 1)

    def transfer(self) -> None:
        """y[t,p,q] >= x[src(t),p] + x[v,q] - 1."""
        for t, source, reader in self.reads:
            for p in self.places:
                for q in self.places:
                    if (t, p, q) in self.y and possible(source[p]) and possible(reader[q]):
                        parts = [(1, one(self.y[t, p, q])), (-1, source[p]), (-1, reader[q])]
                        self._row("transfer", parts, pulp.LpConstraintGE, -1)

    def inflow(self) -> None:
        """sum_{p != q} y[t,p,q] >= x[v,q] - x[src(t),q], where every way in is priced."""
        allowed = self.problem.allowed
        for t, source, reader in self.reads if not self.two else ():
            for q in self.places:
                into = [(t, p, q) for p in self.places if allowed[p, q] and p != q and possible(source[p])]
                if into and possible(reader[q]) and all(way in self.y for way in into):
                    parts = [*((1, one(self.y[way])) for way in into), (-1, reader[q]), (1, source[q])]
                    self._row("inflow", parts, pulp.LpConstraintGE, 0)

    def outflow(self) -> None:
        """sum_{q != p} y[t,p,q] >= x[src(t),p] - x[v,p], where every way out is priced."""
        allowed = self.problem.allowed
        for t, source, reader in self.reads if not self.two else ():
            for p in self.places:
                out = [(t, p, q) for q in self.places if allowed[p, q] and q != p and possible(reader[q])]
                if out and possible(source[p]) and all(way in self.y for way in out):
                    parts = [*((1, one(self.y[way])) for way in out), (-1, source[p]), (1, reader[p])]
                    self._row("outflow", parts, pulp.LpConstraintGE, 0)

    def send(self) -> None:
        """w[t,p] >= x[src(t),p] - x[v,p]."""
        for t, source, reader in self.reads:
            for p in self.places:
                if (t, p) in self.w and possible(source[p]):
                    parts = [(1, one(self.w[t, p])), (-1, source[p]), (1, reader[p])]
                    self._row("send", parts, pulp.LpConstraintGE, 0)

    def receive(self) -> None:
        """r[t,q] >= x[v,q] - x[src(t),q]."""
        for t, source, reader in self.reads:
            for q in self.places:
                if (t, q) in self.r and possible(reader[q]):
                    parts = [(1, one(self.r[t, q])), (-1, reader[q]), (1, source[q])]
                    self._row("receive", parts, pulp.LpConstraintGE, 0)

    def links(self) -> None:
        """x[src(t),p] + sum_{q: no link p -> q} x[v,q] <= 1."""
        allowed = self.problem.allowed
        for p in self.places:
            closed = [q for q in self.places if not allowed[p, q]]
            for _, source, reader in self.reads if closed else ():
                self._row("links", [(1, source[p]), *((1, reader[q]) for q in closed)], pulp.LpConstraintLE, 1)

    def alike(self) -> None:
        """x[i,p'] <= o[i,p] <= o[i-1,p] + x[i-1,p]: of equal places, each is first used after the one before."""
        units = [self.x[unit[0]] for unit in self.problem.bundles]
        for group in self.problem.equal:
            places = [self.problem.places.index(place) for place in group]
            for p, follower in itertools.pairwise(places):
                opened: Affine = (0, {})
                for i, x in enumerate(units):
                    self._row("alike", [(1, opened), (-1, x[follower])], pulp.LpConstraintGE, 0)
                    if i + 1 < len(units):
                        grown = one(self.milp.add_variable(f"o_{i}_{p}", 0, 1))
                        self._row("opened", [(1, opened), (1, x[p]), (-1, grown)], pulp.LpConstraintGE, 0)
                        opened = grown

    def value(self, metric: str) -> Affine:
        """sum c[v,p] x[v,p] + sum f[t,p,q] y[t,p,q] + sum s[t,p] w[t,p] + sum g[t,q] r[t,q]."""
        costs, f = self.problem.costs(metric), self._f(metric)
        parts = [(int(costs.compute[v, p]), self.x[v][p]) for v, p in np.argwhere(costs.compute).tolist()]
        if f is not None:
            parts += [(int(f[p, q, t]), one(y)) for (t, p, q), y in self.y.items()]
        if costs.ends:
            parts += [(int(costs.send[p, t]), one(w)) for (t, p), w in self.w.items()]
            parts += [(int(costs.receive[q, t]), one(r)) for (t, q), r in self.r.items()]
        return total(parts)

    def limit(self) -> None:
        """value_m <= L_m."""
        for metric, limit in self.limits.items():
            self.at_most("limit", self.value(metric), max(limit, -1), self.problem.costs(metric).total)

    def dear(self) -> None:
        """x[src(t),p] + x[v,q] <= 1 where sending t from p to q alone breaks a limit: implied, and tighter."""
        paid = [(self._f(metric), limit) for metric, limit in self.limits.items()]
        over = [f > limit for f, limit in paid if f is not None]
        shut = np.any(over, axis=0) if over else np.zeros((len(self.places),) * 2 + (0,), dtype=bool)
        for t, source, reader in self.reads if shut.any() else ():
            for p, q in np.argwhere(shut[:, :, t]).tolist():
                self._row("dear", [(1, source[p]), (1, reader[q])], pulp.LpConstraintLE, 1)

    def objective(self) -> None:
        """The one metric; or z, with z >= value_m (`largest`)."""
        names = self.problem.objectives
        self.least([self.value(m) for m in names], max(self.problem.costs(m).total for m in names))

    def exclude(self, at: IntArray) -> None:
        """Cut off one plan: at least one layer runs elsewhere."""
        units = ((self.x[unit[0]], int(at[unit[0]])) for unit in self.problem.bundles)
        parts = [(1, x[p]) for x, p in units if x[p][1]]
        self._row("exclude", parts, pulp.LpConstraintLE, len(parts) - 1)

    def plan(self, outcome: Outcome) -> IntArray:
        """Shape (n,): the place of each layer."""
        value = outcome.value
        assert value is not None
        chosen = [[constant + sum(a * value(v) for v, a in terms.items()) for constant, terms in x] for x in self.x]
        return np.array([places.index(1) for places in chosen], dtype=np.int64)


def built(problem: Partition) -> _Model:
    """The model of a problem without exits and precisions, with its objective and every row."""
    model = _Model(problem)
    for group in (model.objective, model.assignment, model.transfer, model.inflow, model.outflow, model.send,
                  model.receive, model.links, model.alike, model.limit, model.dear):  # fmt: skip
        group()
    model.forward(problem, model.x)
    model.visited_once(problem, model.x)
    return model


def solve(problem: Partition, options: Options) -> Answer:
    """Minimise one metric, or the largest of several, under limits, over any number of places."""
    if problem.exits is not None or problem.variants is not None:
        from .partition_choices_milp import solve as with_choices

        return with_choices(problem, options)
    watch = Watch(options)
    model = built(problem)
    if model.impossible:
        return Answer(infeasible=True, raw_status="layers that must be together are pinned apart")
    bounds: list[int] = []
    while True:
        outcome = minimise(model.milp, watch, scale=model.scale, offset=model.offset)
        bounds += [] if outcome.bound is None else [outcome.bound]
        outcome = replace(outcome, bound=max(bounds, default=None))
        if outcome.value is None:
            return outcome.answer(None, None)
        at = model.plan(outcome)
        plan = problem.plan(at)
        priced = problem.evaluate(plan)
        if all(priced.metrics[m] <= limit for m, limit in problem.limits.items()):
            return outcome.answer(plan, priced.objective)
        watch.withdraw()
        model.exclude(at)
