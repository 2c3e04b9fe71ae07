"""Partition as a constraint programme in integers, by CP-SAT.

Sets: layers V, tensors T with source src(t) and readers rd(t), places P. Everything is a Boolean; costs stay the
problem's own integers, so bound and objective are exact.

    minimise    value_m,  or z
    at[v,p]     layer v runs at p;                       with two places at[v,0] is the negation of at[v,1]
    sent[t,p,q] tensor t is sent from p to q
    left[t,p]   t leaves p for anywhere                  (where sending is paid once)
    came[t,q]   t enters q from anywhere                 (where receiving is paid once)

    assignment  exactly one of at[v,p], p in P
    transfer    at[src(t),p] and at[v,q]      =>  sent[t,p,q]               v in rd(t), p != q
    send        at[src(t),p] and not at[v,p]  =>  left[t,p]                 v in rd(t)
    receive     at[v,q] and not at[src(t),q]  =>  came[t,q]                 v in rd(t)
    result      the same three for an output t, with r = `result_at` in place of where v runs
    links       not (at[src(t),p] and at[v,q])                              no link p -> q
    one_way     at[src(t),p]  =>  not at[v,q]                               q < p
    pins        at[v,p]
    limits      value_m <= L_m
    largest     z >= value_m
    loads       z >= the heaviest unit where it is lightest, and >= the mean load of the places
    together    at[v,p] is one literal for all layers v of a group (a unit)
    ahead       at[v,p] => ahead[v,p];  ahead[v,p] => ahead[u,p];
                at[u,p] and not at[v,p] => not ahead[v,p]                   v reads u: p is left here, so not ahead
    alike       at[i,p'] => opened[i,p];  opened[i,p] => opened[i-1,p] or at[i-1,p]
                                                                            p' follows p among equal places, units i

with value_m = sum c[v,p] at[v,p] + sum f[t,p,q] sent[t,p,q] + sum s[t,p] left[t,p] + sum g[t,q] came[t,q].

`ahead[v,p]` (contiguous places) says that v or a layer behind it runs at p. `alike` removes plans that differ in the
names of equal places only: of such places, each is first used later than the one before it, units taken in
topological order.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from optsplit.backends.cpsat import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.result import Limit

from .partition_bounds import floor, search_time

_Literal = Any
"""A Boolean variable or its negation; OR-Tools names no class for the two."""


class _Model:
    def __init__(self, problem: Partition) -> None:
        self.problem = problem
        self.cp = cp_model.CpModel()
        self.places = range(len(problem.places))
        self.used = tuple(dict.fromkeys([*problem.objectives, *problem.limits]))
        self.costs = {m: problem.costs(m) for m in self.used}
        self.yes = self.cp.new_constant(1)
        self.at: list[list[_Literal]] = [[]] * len(problem.layers)
        for unit in problem.bundles:
            literals = self._unit(unit[0])
            for v in unit:
                self.at[v] = literals
        # one literal for each reader and place; an output's end is known
        self.readers = {
            t: [self.at[v] for v in readers if self.at[v] is not self.at[u]]
            for t, (u, readers) in enumerate(problem.tensors)
        }
        end = [self.yes if p == problem.result_place else ~self.yes for p in self.places]
        for t in problem.outputs if problem.result_place >= 0 else ():
            self.readers[t].append(end)
        self.sent = self._where("sent", "transfer")
        self.left = self._where("left", "send")
        self.came = self._where("came", "receive")
        self.ahead: dict[tuple[int, int], _Literal] = {}
        self.opened: dict[tuple[int, int], _Literal] = {}
        self.z: cp_model.IntVar | None = None

    def _unit(self, v: int) -> list[_Literal]:
        if len(self.places) == 2:
            there = self.cp.new_bool_var(f"at_{v}")
            return [~there, there]
        return [self.cp.new_bool_var(f"at_{v}_{p}") for p in self.places]

    def _where(self, name: str, kind: str) -> dict[tuple[int, ...], _Literal]:
        """A Boolean for each (t, place, ...) at which some metric in use has a cost of this kind."""
        held = [c for c in self.costs.values() if (c.transfers if kind == "transfer" else c.ends)]
        priced = {tuple(k) for c in held for k in np.argwhere(getattr(c, kind)).tolist()}
        keys = sorted((k[-1], *k[:-1]) for k in priced if self.readers[k[-1]])
        return {k: self.cp.new_bool_var(f"{name}_{'_'.join(map(str, k))}") for k in keys}

    def _source(self, t: int) -> list[_Literal]:
        return self.at[self.problem.tensors[t][0]]

    # --- constraints ------------------------------------------------------------------------------------------

    def assignment(self) -> None:
        """Exactly one of at[v,p], p in P."""
        for unit in self.problem.bundles if len(self.places) > 2 else ():
            self.cp.add_exactly_one(self.at[unit[0]])

    def transfer(self) -> None:
        """at[src(t),p] and at[v,q] => sent[t,p,q]."""
        for (t, p, q), sent in self.sent.items():
            for reader in self.readers[t]:
                self.cp.add_bool_or(~self._source(t)[p], ~reader[q], sent)

    def send(self) -> None:
        """at[src(t),p] and not at[v,p] => left[t,p]."""
        for (t, p), left in self.left.items():
            for reader in self.readers[t]:
                self.cp.add_bool_or(~self._source(t)[p], reader[p], left)

    def receive(self) -> None:
        """at[v,q] and not at[src(t),q] => came[t,q]."""
        for (t, q), came in self.came.items():
            for reader in self.readers[t]:
                self.cp.add_bool_or(~reader[q], self._source(t)[q], came)

    def links(self) -> None:
        """Not (at[src(t),p] and at[v,q]) where there is no link p -> q."""
        closed = [(p, q) for p, q in itertools.permutations(self.places, 2) if not self.problem.allowed[p, q]]
        for (t, readers), (p, q) in itertools.product(self.readers.items(), closed):
            for reader in readers:
                self.cp.add_bool_or(~self._source(t)[p], ~reader[q])

    def one_way(self) -> None:
        """at[src(t),p] => not at[v,q] for q < p."""
        for u, v in sorted(set(self.problem.edges)) if self.problem.one_way else ():
            if self.at[u] is self.at[v]:
                continue
            for q, p in itertools.combinations(self.places, 2):
                self.cp.add_implication(self.at[u][p], ~self.at[v][q])

    def pins(self) -> None:
        """at[v,p] for a layer pinned to p."""
        for v, p in enumerate(self.problem.fixed.tolist()):
            if p >= 0:
                self.cp.add_bool_and(self.at[v][p])

    def contiguous(self) -> None:
        """No path leaves a place and comes back: once it is left, it is not ahead."""
        if not self.problem.contiguous or self.problem.one_way:  # one way never comes back
            return
        layers = range(len(self.at))
        self.ahead = {(v, p): self.cp.new_bool_var(f"ahead_{v}_{p}") for v in layers for p in self.places}
        for (v, p), ahead in self.ahead.items():
            self.cp.add_implication(self.at[v][p], ahead)
            for u in self.problem.feeders[v]:
                self.cp.add_implication(ahead, self.ahead[u, p])
                if self.at[u] is not self.at[v]:
                    self.cp.add_bool_or(~self.at[u][p], self.at[v][p], ~ahead)

    def alike(self) -> None:
        """Of equal places, each is first used later than the one before it."""
        units = self._units_in_order()
        for places in self._alike():
            for rank, (p, follower) in enumerate(itertools.pairwise(places)):
                # the first units have too few before them to open this many places
                for i, at in enumerate(units):
                    if i <= rank:
                        self.cp.add(at[follower] == 0)
                        continue
                    opened = self.cp.new_bool_var(f"opened_{i}_{p}")
                    self.opened[i, p] = opened
                    before = [self.opened[i - 1, p]] if (i - 1, p) in self.opened else []
                    self.cp.add_bool_or(*before, units[i - 1][p], ~opened)
                    self.cp.add_implication(at[follower], opened)

    def _alike(self) -> list[list[int]]:
        return [[self.problem.places.index(place) for place in group] for group in self.problem.equal]

    def _units_in_order(self) -> list[list[_Literal]]:
        """The literals of each unit, by the first of its layers in topological order."""
        seen: dict[int, list[_Literal]] = {}
        for v in self.problem.order:
            seen.setdefault(id(self.at[v]), self.at[v])
        return list(seen.values())

    def value(self, metric: str) -> cp_model.LinearExpr:
        """sum c at + sum f sent + sum s left + sum g came."""
        costs = self.costs[metric]
        terms = [(self.at[v][p], int(costs.compute[v, p])) for v, p in np.argwhere(costs.compute).tolist()]
        if costs.transfers:
            terms += [(sent, int(costs.transfer[p, q, t])) for (t, p, q), sent in self.sent.items()]
        if costs.ends:
            terms += [(left, int(costs.send[p, t])) for (t, p), left in self.left.items()]
            terms += [(came, int(costs.receive[q, t])) for (t, q), came in self.came.items()]
        terms = [(literal, c) for literal, c in terms if c]
        return cp_model.LinearExpr.weighted_sum([literal for literal, _ in terms], [c for _, c in terms])

    def limits(self) -> None:
        """value_m <= L_m; a limit outside the metric's range is moved to its end, since CP-SAT takes 64 bits only."""
        for metric, limit in self.problem.limits.items():
            total = self.costs[metric].total
            self.cp.add(self.value(metric) <= max(-1, min(int(limit), total)))

    def objective(self) -> None:
        """value_m of the one metric; or z, with z >= value_m (`largest`)."""
        names = self.problem.objectives
        if len(names) == 1:
            self.cp.minimize(self.value(names[0]))
            return
        self.z = self.cp.new_int_var(self.loads(), max(self.costs[m].total for m in names), "z")
        for metric in names:
            self.cp.add(self.z >= self.value(metric))
        self.cp.minimize(self.z)

    def loads(self) -> int:
        """What z is at least: the heaviest unit where it is lightest, and the mean load."""
        compute = np.array([self.costs[m].compute for m in self.problem.objectives])
        units = np.array([compute[:, list(unit)].sum(axis=1) for unit in self.problem.bundles])  # (units, metrics, P)
        heaviest = units.max(axis=1).min(axis=1).max()
        return max(int(heaviest), -(-int(units.sum(axis=1).min(axis=1).sum()) // len(compute)))

    def _first_used_first(self, at: IntArray) -> IntArray:
        """The same plan with equal places named in the order in which `alike` wants them used."""
        for places in self._alike():
            used = [p for p in dict.fromkeys(at[list(self.problem.order)].tolist()) if p in places]
            names = dict(zip([*used, *(p for p in places if p not in used)], places))
            at = np.array([names.get(p, p) for p in at.tolist()])
        return at

    def hint(self, plan: PartitionPlan) -> None:
        """Start from a plan: every variable gets a value, or CP-SAT calls the hint incomplete."""
        at = self._first_used_first(self.problem.positions(plan))
        origin = at[self.problem.sources].tolist()
        ways = set(zip(*(array.tolist() for array in self.problem.ways(at))))
        moved = {t for t, _ in ways}
        for v, *_ in self.problem.bundles:
            literals = self.at[v]
            for p, literal in list(enumerate(literals))[1 if len(self.places) == 2 else 0 :]:
                self.cp.add_hint(literal, bool(at[v] == p))
        for (t, p, q), sent in self.sent.items():
            self.cp.add_hint(sent, origin[t] == p and (t, q) in ways)
        for (t, p), left in self.left.items():
            self.cp.add_hint(left, origin[t] == p and t in moved)
        for (t, q), came in self.came.items():
            self.cp.add_hint(came, (t, q) in ways)
        behind = [set[int]() for _ in self.at]
        for v in reversed(self.problem.order):
            behind[v].add(int(at[v]))
            for u in self.problem.feeders[v]:
                behind[u] |= behind[v]
        for (v, p), ahead in self.ahead.items():
            self.cp.add_hint(ahead, p in behind[v])
        first = list(dict.fromkeys(id(self.at[v]) for v in self.problem.order))
        where = {id(self.at[v]): int(at[v]) for v in self.problem.order}
        for (i, p), opened in self.opened.items():
            self.cp.add_hint(opened, p in [where[unit] for unit in first[:i]])
        if self.z is not None:
            self.cp.add_hint(self.z, self.problem.evaluate(plan).objective)


def built(problem: Partition) -> _Model:
    """The model of a problem without exits and precisions, with its objective and every constraint."""
    model = _Model(problem)
    for group in (model.assignment, model.transfer, model.send, model.receive, model.links, model.one_way, model.pins,
                  model.contiguous, model.alike, model.limits, model.objective):  # fmt: skip
        group()
    return model


def solve(problem: Partition, options: Options) -> Answer:
    """Minimise one metric, or the largest of several, under limits, over any number of places."""
    if problem.exits is not None or problem.variants is not None:
        from .partition_choices_cpsat import solve as with_choices

        return with_choices(problem, options)
    # the relaxations come last: their bound as a constraint of the search makes the search slower
    search_limit = search_time(problem, options)
    watch = Watch(replace(options, time_limit=search_limit))
    model = built(problem)
    if options.hint is not None:
        model.hint(options.hint)
    outcome = minimise(model.cp, watch, linearization=2)
    if outcome.limit is Limit.TIME and search_limit != options.time_limit:
        watch.options = options
        least = floor(problem, watch, lambda relaxed, inner: minimise(built(relaxed).cp, inner, linearization=2))
        outcome = replace(outcome, bound=max(least, outcome.bound or 0))
        watch.report(None, outcome.bound)
    if outcome.value is None:
        return outcome.answer(None, None)
    at = [next(p for p in model.places if outcome.value(literals[p])) for literals in model.at]
    plan = problem.plan(at)
    # a plan found before the proof may have sent[t,p,q] raised for nothing: the price is the problem's own
    return outcome.answer(plan, problem.evaluate(plan).objective)
