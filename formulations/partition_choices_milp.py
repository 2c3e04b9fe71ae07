"""Partition with exits and precisions as a mixed-integer linear programme, by HiGHS.

Sets: layers V, tensors T with source src(t) and readers rd(t), places P, routings O (exits, or settings of their
thresholds), variants K of each tensor (its precisions). Constants of routing o: N samples, of which w[o,v] reach
layer v (0 where it is switched off) and a[o,t] are answered by tensor t; M[v] = max_o w[o,v]. All costs are totals
over the samples; r is `result_at`.

    minimise    Z,  or the one metric itself
    e[o]        in {0,1}: routing o is taken
    x[v,p]      in {0,1}: layer v runs at p; all 0 where it is switched off
    u[v,p]      samples that reach v at p;               u = w x where w[o,v] is w or 0
    s[t,k]      in {0,1}: t crosses by variant k;        one variable for tensors with the same bits
    y[t,p,q,k]  >= 0: samples for which t is sent from p to q by variant k
    h[t,p,k]    >= 0: samples for which t leaves p       (where sending is paid once, more than two places)

    routing     sum_o e[o] = 1
    assignment  sum_p x[v,p] = sum_{o: v is on} e[o]
    reach       sum_p u[v,p] = sum_o w[o,v] e[o],   u[v,p] <= M[v] x[v,p]
    variant     sum_k s[t,k] = 1,   y[t,p,q,k] <= N s[t,k],   h[t,p,k] <= N s[t,k]
    transfer    sum_k y[t,p,q,k] >= u[v,q] - M[v] sum_{p' != p} x[src(t),p']           v in rd(t)
    answer      sum_k y[t,p,r,k] >= sum_o a[o,t] e[o] - N sum_{p' != p} x[src(t),p']
    inflow      sum_{p != q} sum_k y[t,p,q,k] >= u[v,q] - M[v] x[src(t),q]             v in rd(t) or answer; P > 2
    send        sum_k h[t,p,k] >= u[v,q] - M[v] sum_{p' != p} x[src(t),p']             v in rd(t) or answer, q != p
    links       x[src(t),p] + sum_{q: no link p -> q} x[v,q] <= 1;  for answers sum_{o: t answers} e[o] in place of x
    one_way     sum_{q <= k} x[v,q] <= sum_{q <= k} x[src(t),q]
    together    x[v,p] - x[v',p] >= sum_{o: v is on} e[o] - 1                          v, v' of a group
    begun, to_end, convex      contiguous places, as in partition_milp.py
    value_m     = sum c[v,p] u[v,p] + sum f[k,t,p,q] y[t,p,q,k] + sum g[k,t,p] h[t,p,k], and sum_o error[o] e[o]
    limit       value_m <= N L_m
    largest     Z >= value_m

A metric that is held (`Exits.held`) has N x[v,p] for u[v,p], and its own y and h. `reach` is exact for whole x: u is 0
away from v's place. `transfer` bounds y by the samples that need t at q, of several readers by the largest: those that
reach a later exit are among those that reach an earlier one, and answers by confidence have no readers.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pulp

from optsplit.backends.outcome import Outcome
from optsplit.backends.pulp import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR

from .routes import Routes
from .rows import Affine, Rows, one, total

_NOTHING: Affine = (0, {})


class _Model(Rows):
    def __init__(self, problem: Partition, routes: Routes) -> None:
        super().__init__("partition")
        self.problem, self.routes = problem, routes
        self.places = range(len(problem.places))
        self.samples = routes.samples
        self.used = tuple(dict.fromkeys([*problem.objectives, *problem.limits]))
        held = problem.exits.held if problem.exits is not None else ()
        self.held = {m: m in held for m in self.used}
        self.e: list[Affine] = [(1, {})]
        if len(routes.routings) > 1:
            self.e = [one(self._binary(f"e_{o}")) for o in range(len(routes.routings))]
            self._equal("routing", [(1, e) for e in self.e], 1)
        self.on = [self._routed(routes.on[:, v].tolist()) for v in range(len(problem.layers))]
        self.x = [self._place(v) for v in range(len(problem.layers))]
        self.u = [self._reach(v) for v in range(len(problem.layers))]
        self.s = self._variants()
        self.y: dict[tuple[int, int, int, bool], list[Affine]] = {}
        self.h: dict[tuple[int, int, bool], list[Affine]] = {}

    def _binary(self, name: str) -> pulp.LpVariable:
        return self.milp.add_variable(name, 0, 1, pulp.LpInteger)

    def _routed(self, weights: list[int]) -> Affine:
        """sum_o weights[o] e[o]; a constant where they are all equal."""
        if len(set(weights)) == 1:
            return int(weights[0]), {}
        return total((int(w), e) for w, e in zip(weights, self.e, strict=True))

    def _place(self, v: int) -> list[Affine]:
        """x[v,p]; a pinned layer runs at its place where it is on."""
        fixed = int(self.problem.fixed[v])
        if fixed >= 0:
            return [self.on[v] if p == fixed else _NOTHING for p in self.places]
        if len(self.places) == 2:
            there = one(self._binary(f"x_{v}"))
            here = total([(1, self.on[v]), (-1, there)])
            self._row("assignment", [(1, here)], pulp.LpConstraintGE, 0)
            return [here, there]
        x = [one(self._binary(f"x_{v}_{p}")) for p in self.places]
        self._equal("assignment", [*((1, a) for a in x), (-1, self.on[v])], 0)
        return x

    def _reach(self, v: int) -> list[Affine]:
        """u[v,p]."""
        weights = self.routes.weight[:, v].tolist()
        most = max(weights)
        if set(self.routes.weight[self.routes.on[:, v], v].tolist()) == {most}:
            return [total([(most, x)]) for x in self.x[v]]
        u = []
        for p, x in enumerate(self.x[v]):
            u.append(one(self.milp.add_variable(f"u_{v}_{p}", 0, most)))
            self._row("reach", [(1, u[p]), (-most, x)], pulp.LpConstraintLE, 0)
        self._equal("reach", [*((1, a) for a in u), (-1, self._routed(weights))], 0)
        return u

    def _variants(self) -> dict[int, list[Affine]]:
        """s[t,k] of every tensor with a choice."""
        s: dict[int, list[Affine]] = {}
        variants = self.problem.variants
        for group in variants.groups if variants is not None else ():
            many = len(variants.bits[group[0]])  # type: ignore[union-attr]
            mine: list[Affine] = [(1, {})]
            if many > 1:
                mine = [one(self._binary(f"s_{group[0]}_{k}")) for k in range(many)]
                self._equal("variant", [(1, a) for a in mine], 1)
            s.update(dict.fromkeys(group, mine))
        return s

    # --- what is sent -----------------------------------------------------------------------------------------

    def _readers(self, t: int, held: bool) -> list[tuple[str, list[Affine], int]]:
        """(group, samples that need t at each place, their largest number) of each reader, and of the answer."""
        found = []
        for v in self.problem.tensors[t][1]:
            if held:
                found.append(("transfer", [total([(self.samples, x)]) for x in self.x[v]], self.samples))
            else:
                found.append(("transfer", self.u[v], int(self.routes.weight[:, v].max())))
        end = self.problem.result_place
        if t in self.routes.answers and end >= 0:
            answering = self.samples * self.routes.answering[t].astype(np.int64)
            weights = answering if held else self.routes.answers[t]
            need = [self._routed(weights.tolist()) if p == end else _NOTHING for p in self.places]
            found.append(("answer", need, int(weights.max())))
        return found

    def _elsewhere(self, t: int, p: int) -> Affine:
        source = self.x[self.problem.tensors[t][0]]
        return total((1, source[q]) for q in self.places if q != p)

    def _amount(self, name: str, t: int) -> list[Affine]:
        """One amount for each variant of t, 0 for those that are not chosen."""
        many = len(self.s.get(t, [0]))
        amounts = [one(self.milp.add_variable(f"{name}_{k}", 0, self.samples)) for k in range(many)]
        for k, amount in enumerate(amounts) if many > 1 else ():
            self._row("variant", [(1, amount), (-self.samples, self.s[t][k])], pulp.LpConstraintLE, 0)
        return amounts

    def sent(self, t: int, p: int, q: int, held: bool) -> list[Affine]:
        """y[t,p,q,k], with its rows, made when a metric first asks."""
        key = t, p, q, held
        if key not in self.y:
            self.y[key] = self._amount(f"y_{t}_{p}_{q}_{int(held)}", t)
            for group, need, most in self._readers(t, held):
                parts = [*((1, y) for y in self.y[key]), (-1, need[q]), (most, self._elsewhere(t, p))]
                self._row(group, parts, pulp.LpConstraintGE, 0)
        return self.y[key]

    def left(self, t: int, p: int, held: bool) -> list[Affine]:
        """h[t,p,k], with its rows."""
        key = t, p, held
        if key not in self.h:
            self.h[key] = self._amount(f"h_{t}_{p}_{int(held)}", t)
            for (_, need, most), q in itertools.product(self._readers(t, held), self.places):
                if q != p:
                    parts = [*((1, h) for h in self.h[key]), (-1, need[q]), (most, self._elsewhere(t, p))]
                    self._row("send", parts, pulp.LpConstraintGE, 0)
        return self.h[key]

    def inflow(self) -> None:
        """Where all ways into q are priced, they carry what is needed there and not written there."""
        if len(self.places) == 2:
            return
        for t, q, held in sorted({(t, q, held) for t, _, q, held in self.y}):
            ways = [self.y.get((t, p, q, held)) for p in self.places if p != q]
            if None in ways:
                continue
            into = [(1, y) for way in ways for y in way or ()]
            for _, need, most in self._readers(t, held):
                own = self.x[self.problem.tensors[t][0]][q]
                self._row("inflow", [*into, (-1, need[q]), (most, own)], pulp.LpConstraintGE, 0)

    # --- constraints ------------------------------------------------------------------------------------------

    def links(self) -> None:
        """x[src(t),p] + sum_{q: no link p -> q} x[v,q] <= 1."""
        end = self.problem.result_place
        for p in self.places:
            closed = [q for q in self.places if not self.problem.allowed[p, q]]
            for t, (u, readers) in enumerate(self.problem.tensors) if closed else ():
                for v in readers:
                    parts = [(1, self.x[u][p]), *((1, self.x[v][q]) for q in closed)]
                    self._row("links", parts, pulp.LpConstraintLE, 1)
                if t in self.routes.answering and end in closed:
                    answers = self._routed(self.routes.answering[t].astype(int).tolist())
                    self._row("links", [(1, self.x[u][p]), (1, answers)], pulp.LpConstraintLE, 1)

    def together(self) -> None:
        """Where two layers of a group are on, they share a place."""
        for group in self.problem.together:
            for v, w in itertools.combinations([self.problem.index[layer] for layer in group], 2):
                for p in self.places:
                    parts = [(1, self.x[v][p]), (-1, self.x[w][p]), (-1, self.on[v])]
                    self._row("together", parts, pulp.LpConstraintGE, -1)

    def value(self, metric: str) -> Affine:
        """A metric's total over the samples."""
        costs, held = self.routes.costs(metric), self.held[metric]
        base, two = costs[0], len(self.places) == 2
        parts: list[tuple[int, Affine]] = []
        for v, p in np.argwhere(base.compute).tolist():
            u = total([(self.samples, self.x[v][p])]) if held else self.u[v][p]
            parts.append((int(base.compute[v, p]), u))
        for p, q in itertools.permutations(self.places, 2):
            paid = np.array([c.transfer[p, q] + c.receive[q] + (c.send[p] if two else 0) for c in costs])
            for t in np.nonzero(paid.any(axis=0))[0].tolist():
                parts += [(int(paid[k, t]), y) for k, y in enumerate(self.sent(t, p, q, held))]
        for p in self.places if not two else ():
            paid = np.array([c.send[p] for c in costs])
            for t in np.nonzero(paid.any(axis=0))[0].tolist():
                parts += [(int(paid[k, t]), h) for k, h in enumerate(self.left(t, p, held))]
        if metric == ERROR:
            parts.append((1, self._routed(self.routes.error.tolist())))
        return total(parts)

    def limit(self) -> None:
        """value_m <= N L_m."""
        for metric, limit in self.problem.limits.items():
            most = self.routes.most(metric)
            if self.samples * limit < most:
                self.at_most("limit", self.value(metric), self.samples * max(limit, -1), most)

    def objective(self) -> None:
        """The one metric; or Z, with Z >= value_m (`largest`)."""
        names = self.problem.objectives
        self.least([self.value(m) for m in names], max(map(self.routes.most, names)))

    # --- the plan ---------------------------------------------------------------------------------------------

    def plan(self, outcome: Outcome) -> tuple[PartitionPlan, list[Affine]]:
        """The plan, and the affine expressions that are 1 in it."""
        value = outcome.value
        assert value is not None

        def is_one(a: Affine) -> bool:
            return round(a[0] + sum(c * value(v) for v, c in a[1].items())) == 1

        o = next(o for o, e in enumerate(self.e) if is_one(e))
        layers = np.nonzero(self.routes.on[o])[0].tolist()
        at = {v: next(p for p in self.places if is_one(self.x[v][p])) for v in layers}
        variant = {t: next(k for k, a in enumerate(s) if is_one(a)) for t, s in self.s.items()}
        chosen = [self.e[o], *(self.x[v][p] for v, p in at.items()), *(self.s[t][k] for t, k in variant.items())]
        return self.routes.plan(o, at, variant), chosen

    def exclude(self, chosen: list[Affine]) -> None:
        """Cut off one plan."""
        parts = [(1, a) for a in chosen if a[1]]
        self._row("exclude", parts, pulp.LpConstraintLE, len(parts) - 1)


def built(problem: Partition, routes: Routes) -> _Model:
    """The model with its objective and every row."""
    model = _Model(problem, routes)
    for group in (model.objective, model.limit, model.inflow, model.links, model.together):
        group()
    model.forward(problem, model.x)
    model.visited_once(problem, model.x)
    return model


def solve(problem: Partition, options: Options) -> Answer:
    """Minimise one metric, or the largest of several, over exits, thresholds, places and precisions."""
    routes = Routes.of(problem)
    watch = Watch(routes.asked(options))
    model = built(problem, routes)
    bounds: list[int] = []
    while True:
        outcome = minimise(model.milp, watch, scale=model.scale, offset=model.offset)
        bounds += [] if outcome.bound is None else [outcome.bound]
        outcome = replace(outcome, bound=max(bounds, default=None))
        if outcome.value is None:
            return routes.told(outcome.answer(None, None))
        plan, chosen = model.plan(outcome)
        priced = problem.evaluate(plan)
        if all(priced.metrics[m] <= limit for m, limit in problem.limits.items()):
            return routes.told(outcome.answer(plan, priced.objective))
        watch.withdraw()
        model.exclude(chosen)
