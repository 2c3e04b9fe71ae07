"""Partition with exits and precisions as a constraint programme in integers, by CP-SAT.

Sets: layers V, tensors T with source src(t) and readers rd(t), places P, routings O (exits, or settings of their
thresholds), variants K of each tensor (its precisions). Constants of routing o: N samples, of which w[o,v] reach
layer v and a[o,t] are answered by tensor t. All costs are integers, totals over the samples; r is `result_at`.

    minimise      Z,  or the one metric itself
    take[o]       routing o is taken
    on[v]         layer v is switched on
    at[v,p]       layer v runs at p
    by[t,k]       t crosses by variant k                 (one literal for tensors with the same bits)
    reach[v,p]    0..N: samples that reach v at p
    sent[t,p,q,k] 0..N: samples for which t is sent from p to q by variant k
    left[t,p,k]   0..N: samples for which t leaves p     (more than two places)

    routing       exactly one of take[o]
    on            on[v] = sum_{o: v is on} take[o]
    assignment    sum_p at[v,p] = on[v]
    reach         at[v,p]  =>  reach[v,p] >= sum_o w[o,v] take[o]
    variant       exactly one of by[t,k], k in K
    transfer      at[src(t),p] and at[v,q] and by[t,k]  =>  sent[t,p,q,k] >= sum_o w[o,v] take[o]     v in rd(t)
    answer        at[src(t),p] and by[t,k]  =>  sent[t,p,r,k] >= sum_o a[o,t] take[o]
    send          at[src(t),p] and at[v,q] and by[t,k]  =>  left[t,p,k] >= sum_o w[o,v] take[o]       v in rd(t), q != p
    links         not (at[src(t),p] and at[v,q])                              no link p -> q; answers: take[o] for at
    one_way       at[src(t),p]  =>  not at[v,q]                               q < p
    together      on[v] and at[v',p]  =>  at[v,p],  both ways
    contiguous    as in partition_cpsat.py
    limits        value_m <= N L_m
    largest       Z >= value_m

with value_m = sum c[v,p] reach[v,p] + sum f[k,t,p,q] sent[t,p,q,k] + sum g[k,t,p] left[t,p,k] + sum error[o] take[o].
Where a number of samples is always the same or 0, a Boolean stands for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from optsplit.backends.cpsat import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR

from .routes import Routes

_Literal = Any
"""A Boolean variable or its negation; OR-Tools names no class for the two."""

Term = tuple[_Literal, int]
"""A variable and its coefficient."""


class _Model:
    def __init__(self, problem: Partition, routes: Routes) -> None:
        self.problem, self.routes = problem, routes
        self.cp = cp_model.CpModel()
        self.places = range(len(problem.places))
        self.samples = routes.samples
        self.used = tuple(dict.fromkeys([*problem.objectives, *problem.limits]))
        self.held = problem.exits.held if problem.exits is not None else ()
        self.yes = self.cp.new_constant(1)
        self.no = self.cp.new_constant(0)
        self.take: list[_Literal] = [self.yes]
        if len(routes.routings) > 1:
            self.take = [self.cp.new_bool_var(f"take_{o}") for o in range(len(routes.routings))]
            self.cp.add_exactly_one(self.take)
        self.on = [self._any(routes.on[:, v].tolist(), f"on_{v}") for v in range(len(problem.layers))]
        self.at = [self._place(v) for v in range(len(problem.layers))]
        self.by: dict[int, list[_Literal]] = {}
        for group in problem.variants.groups if problem.variants is not None else ():
            many = len(problem.variants.bits[group[0]])  # type: ignore[union-attr]
            literals = [self.yes] if many == 1 else [self.cp.new_bool_var(f"by_{group[0]}_{k}") for k in range(many)]
            if many > 1:
                self.cp.add_exactly_one(literals)
            self.by.update(dict.fromkeys(group, literals))
        self.reach: dict[tuple[int, int, bool], Term] = {}
        self.sent: dict[tuple[int, int, int, bool], list[Term]] = {}
        self.left: dict[tuple[int, int, bool], list[Term]] = {}

    def _any(self, flags: Sequence[bool], name: str) -> _Literal:
        """Whether a routing is taken that has its flag."""
        if all(flags):
            return self.yes
        if not any(flags):
            return self.no
        literal = self.cp.new_bool_var(name)
        self.cp.add(sum(t for t, flag in zip(self.take, flags, strict=True) if flag) == literal)
        return literal

    def _place(self, v: int) -> list[_Literal]:
        fixed = int(self.problem.fixed[v])
        if fixed >= 0:
            return [self.on[v] if p == fixed else self.no for p in self.places]
        literals = [self.cp.new_bool_var(f"at_{v}_{p}") for p in self.places]
        self.cp.add(sum(literals) == self.on[v])
        return literals

    def _number(self, weights: Sequence[int]) -> cp_model.LinearExpr:
        """sum_o weights[o] take[o]."""
        return cp_model.LinearExpr.weighted_sum(self.take, [int(w) for w in weights])

    def _samples(self, name: str, needs: Sequence[tuple[Sequence[int], list[_Literal]]]) -> Term:
        """A number that is at least each of the weighted routings whose conditions hold."""
        sizes = {int(w) for weights, _ in needs for w in weights} - {0}
        if len(sizes) <= 1:
            amount = self.cp.new_bool_var(name)
            for weights, conditions in needs:
                if any(weights):
                    routed = [] if all(weights) else [~self._any([bool(w) for w in weights], f"any_{name}")]
                    self.cp.add_bool_or(*(~c for c in conditions), *routed, amount)
            return amount, max(sizes, default=0)
        amount = self.cp.new_int_var(0, max(sizes), name)
        for weights, conditions in needs:
            self.cp.add(amount >= self._number(weights)).only_enforce_if(*conditions)
        return amount, 1

    # --- what is reached, and sent ----------------------------------------------------------------------------

    def _weights(self, v: int, held: bool) -> list[int]:
        weights = self.samples * self.routes.on[:, v].astype(np.int64) if held else self.routes.weight[:, v]
        return [int(w) for w in weights]

    def reached(self, v: int, p: int, held: bool) -> Term:
        """reach[v,p]."""
        key = v, p, held
        if key not in self.reach:
            weights = self._weights(v, held)
            off = {w for w, on in zip(weights, self.routes.on[:, v], strict=True) if on}
            if len(off) == 1:
                self.reach[key] = self.at[v][p], next(iter(off))
            else:
                self.reach[key] = self._samples(f"reach_{v}_{p}_{int(held)}", [(weights, [self.at[v][p]])])
        return self.reach[key]

    def _needs(self, t: int, q: int, held: bool) -> list[tuple[list[int], list[_Literal]]]:
        """(samples under each routing, condition) of each reader of t, and of its answer, at q."""
        found = [(self._weights(v, held), [self.at[v][q]]) for v in self.problem.tensors[t][1]]
        if t in self.routes.answers and q == self.problem.result_place:
            answering = self.samples * self.routes.answering[t].astype(np.int64)
            found.append(([int(w) for w in (answering if held else self.routes.answers[t])], []))
        return found

    def crossing(self, t: int, p: int, q: int, held: bool) -> list[Term]:
        """sent[t,p,q,k] of each variant k."""
        key = t, p, q, held
        if key not in self.sent:
            here = self.at[self.problem.tensors[t][0]][p]
            needs = self._needs(t, q, held)
            self.sent[key] = [
                self._samples(f"sent_{t}_{p}_{q}_{k}_{int(held)}", [(w, [here, by, *c]) for w, c in needs])
                for k, by in enumerate(self.by.get(t, [self.yes]))
            ]
        return self.sent[key]

    def leaving(self, t: int, p: int, held: bool) -> list[Term]:
        """left[t,p,k] of each variant k."""
        key = t, p, held
        if key not in self.left:
            here = self.at[self.problem.tensors[t][0]][p]
            needs = [need for q in self.places if q != p for need in self._needs(t, q, held)]
            self.left[key] = [
                self._samples(f"left_{t}_{p}_{k}_{int(held)}", [(w, [here, by, *c]) for w, c in needs])
                for k, by in enumerate(self.by.get(t, [self.yes]))
            ]
        return self.left[key]

    # --- constraints ------------------------------------------------------------------------------------------

    def links(self) -> None:
        """Not (at[src(t),p] and at[v,q]) where there is no link p -> q."""
        closed = [(p, q) for p, q in itertools.permutations(self.places, 2) if not self.problem.allowed[p, q]]
        for (t, (u, readers)), (p, q) in itertools.product(enumerate(self.problem.tensors), closed):
            for v in readers:
                self.cp.add_bool_or(~self.at[u][p], ~self.at[v][q])
            if t in self.routes.answering and q == self.problem.result_place:
                answers = self._any(self.routes.answering[t].tolist(), f"answers_{t}")
                self.cp.add_bool_or(~self.at[u][p], ~answers)

    def one_way(self) -> None:
        """at[src(t),p] => not at[v,q] for q < p."""
        for u, v in sorted(set(self.problem.edges)) if self.problem.one_way else ():
            for q, p in itertools.combinations(self.places, 2):
                self.cp.add_implication(self.at[u][p], ~self.at[v][q])

    def together(self) -> None:
        """Where two layers of a group are on, they share a place."""
        for group in self.problem.together:
            for v, w in itertools.permutations([self.problem.index[layer] for layer in group], 2):
                for p in self.places:
                    self.cp.add_bool_or(~self.on[v], ~self.at[w][p], self.at[v][p])

    def contiguous(self) -> None:
        """No path leaves a place and comes back: once it is left, it is not ahead."""
        if not self.problem.contiguous or self.problem.one_way:  # one way never comes back
            return
        layers = range(len(self.at))
        ahead = {(v, p): self.cp.new_bool_var(f"ahead_{v}_{p}") for v in layers for p in self.places}
        for (v, p), literal in ahead.items():
            self.cp.add_implication(self.at[v][p], literal)
            for u in self.problem.feeders[v]:
                self.cp.add_implication(literal, ahead[u, p])
                self.cp.add_bool_or(~self.at[u][p], self.at[v][p], ~literal)

    def value(self, metric: str) -> cp_model.LinearExpr:
        """A metric's total over the samples."""
        costs, held = self.routes.costs(metric), metric in self.held
        base, two = costs[0], len(self.places) == 2
        terms: list[Term] = []

        def pay(cost: int, term: Term) -> None:
            if cost and term[1]:
                terms.append((term[0], cost * term[1]))

        for v, p in np.argwhere(base.compute).tolist():
            pay(int(base.compute[v, p]), self.reached(v, p, held))
        for p, q in itertools.permutations(self.places, 2):
            paid = np.array([c.transfer[p, q] + c.receive[q] + (c.send[p] if two else 0) for c in costs])
            for t in np.nonzero(paid.any(axis=0))[0].tolist():
                for k, term in enumerate(self.crossing(t, p, q, held)):
                    pay(int(paid[k, t]), term)
        for p in self.places if not two else ():
            paid = np.array([c.send[p] for c in costs])
            for t in np.nonzero(paid.any(axis=0))[0].tolist():
                for k, term in enumerate(self.leaving(t, p, held)):
                    pay(int(paid[k, t]), term)
        if metric == ERROR:
            terms += [(take, int(error)) for take, error in zip(self.take, self.routes.error, strict=True) if error]
        return cp_model.LinearExpr.weighted_sum([literal for literal, _ in terms], [c for _, c in terms])

    def limits(self) -> None:
        """value_m <= N L_m; a limit outside the metric's range is moved to its end, since CP-SAT takes 64 bits only."""
        for metric, limit in self.problem.limits.items():
            self.cp.add(self.value(metric) <= max(-1, min(self.samples * int(limit), self.routes.most(metric))))

    def objective(self) -> None:
        """value_m of the one metric; or Z, with Z >= value_m (`largest`)."""
        names = self.problem.objectives
        if len(names) == 1:
            self.cp.minimize(self.value(names[0]))
            return
        z = self.cp.new_int_var(0, max(map(self.routes.most, names)), "z")
        for metric in names:
            self.cp.add(z >= self.value(metric))
        self.cp.minimize(z)

    def plan(self, value: Any) -> PartitionPlan:
        """The plan of a solution."""
        o = next(o for o, take in enumerate(self.take) if value(take))
        layers = np.nonzero(self.routes.on[o])[0].tolist()
        at = {v: next(p for p in self.places if value(self.at[v][p])) for v in layers}
        variant = {t: next(k for k, by in enumerate(literals) if value(by)) for t, literals in self.by.items()}
        return self.routes.plan(o, at, variant)


def built(problem: Partition, routes: Routes) -> _Model:
    """The model with its objective and every constraint."""
    model = _Model(problem, routes)
    for group in (model.links, model.one_way, model.together, model.contiguous, model.limits, model.objective):
        group()
    return model


def solve(problem: Partition, options: Options) -> Answer:
    """Minimise one metric, or the largest of several, over exits, thresholds, places and precisions."""
    routes = Routes.of(problem)
    watch = Watch(routes.asked(replace(options, hint=None)))
    model = built(problem, routes)
    outcome = minimise(model.cp, watch, linearization=2)
    if outcome.value is None:
        return routes.told(outcome.answer(None, None))
    plan = model.plan(outcome.value)
    # before the proof an amount may be raised for nothing: the price is the problem's own
    return routes.told(outcome.answer(plan, problem.evaluate(plan).objective))
