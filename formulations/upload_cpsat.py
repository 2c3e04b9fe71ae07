"""Upload order by positions, by CP-SAT.

Sets: the units U that the least latency needs, n of them.

    minimise    sum_k p_k cost_k
    at[k]       in 0..n-1: the position of unit k;  all different
    o[j,k]      Boolean, j < k: at[j] < at[k];  o[k,j] is its negation
    x_k, ...    the copy of the cut (`upload_copies`) for unit k, in Booleans, with u_j = o[j,k]

    there       x_k[v] => o[j,k]                    layer v needs unit j
    crosses     a and not b => y                    for each y >= a - b of the copy
    kept        o[j,k] => (x_j[v] => x_k[v])        a layer once in use stays in use: the largest least cuts grow

Costs are products of two times and may leave 64 bits: they are then divided by a power of two and rounded down. The
bound stays valid, the objective is the problem's own price of the order, and where something was rounded the proof
ends a few parts in 2^40 below it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ortools.sat.python import cp_model

from optsplit.backends.cpsat import minimise
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder, UploadPlan

from .upload_copies import ONE, ZERO, Network, copy, largest, start

_LARGEST_OBJECTIVE = 2**50
"""CP-SAT gives bounds as floats; below this they are whole, with room for sums inside the solver."""

_Literal = Any
"""A Boolean variable or its negation; OR-Tools names no class for the two."""


class _Model:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.n = len(network.units)
        self.cp = cp_model.CpModel()
        self.at = [self.cp.new_int_var(0, self.n - 1, f"at_{k}") for k in range(self.n)]
        self.o = {pair: self.cp.new_bool_var(f"o_{pair[0]}_{pair[1]}")
                  for pair in itertools.combinations(range(self.n), 2)}  # fmt: skip
        self.no, self.yes = self.cp.new_constant(0), self.cp.new_constant(1)
        self.cuts = [copy(network, {k}) for k in range(self.n)]
        self.variables = [
            [self.cp.new_bool_var(f"{name}_while_{k}") for name in cut.names] for k, cut in enumerate(self.cuts)
        ]
        total = sum(network.times) * largest(network)
        self.scale = max(1, 1 << max(0, (total // _LARGEST_OBJECTIVE).bit_length()))

    def before(self, j: int, k: int) -> _Literal:
        """o[j,k] for either order of j and k."""
        return self.o[j, k] if j < k else ~self.o[k, j]

    def positions(self) -> None:
        """All positions differ, and o says which of two comes first."""
        self.cp.add_all_different(self.at)
        for (j, k), first in self.o.items():
            self.cp.add(self.at[j] < self.at[k]).only_enforce_if(first)
            self.cp.add(self.at[j] > self.at[k]).only_enforce_if(~first)

    def copies(self) -> None:
        """The rows of each copy as clauses."""
        for k, cut in enumerate(self.cuts):
            for i, j in cut.needs:
                self.cp.add_implication(self.variables[k][i], self.before(j, k))
            for a, b in cut.at_most:
                self.cp.add_bool_or(~self._literal(k, a), self._literal(k, b))
            for y, a, b in cut.crosses:
                self.cp.add_bool_or(self.variables[k][y], ~self._literal(k, a), self._literal(k, b))

    def _literal(self, k: int, literal: int) -> _Literal:
        return {ZERO: self.no, ONE: self.yes}.get(literal) if literal < 0 else self.variables[k][literal]

    def kept(self) -> None:
        """o[j,k] => (x_j[v] => x_k[v]); a layer that needs k is not in use while k travels, so then k came first."""
        named = [dict(zip(cut.names, variables)) for cut, variables in zip(self.cuts, self.variables)]
        for j, k in itertools.permutations(range(self.n), 2):
            for name, x in named[j].items():
                if name.startswith("x_"):
                    later = [named[k][name]] if name in named[k] else []
                    self.cp.add_bool_or(~self.before(j, k), ~x, *later)

    def objective(self) -> None:
        """Sum over units of p_k * (cost_k - L(all)), divided by `scale`, and L(all) * H."""
        problem, literals, weights = self.network.problem, [], []
        self.offset = problem.least * (problem.horizon - sum(self.network.times))
        for k, (p, cut) in enumerate(zip(self.network.times, self.cuts)):
            self.offset += p * cut.constant
            for i, amount in cut.cost.items():
                literals.append(self.variables[k][i])
                weights.append(p * amount // self.scale)
        self.cp.minimize(cp_model.LinearExpr.weighted_sum(literals, weights))

    def hint(self, plan: UploadPlan) -> None:
        """Start from an order."""
        position = {name: i for i, name in enumerate(plan.order)}
        names = [self.network.problem.names[k] for k in self.network.units]
        ranked = sorted(range(self.n), key=lambda k: position[names[k]])
        rank = {k: i for i, k in enumerate(ranked)}
        for k in range(self.n):
            self.cp.add_hint(self.at[k], rank[k])
        for (j, k), first in self.o.items():
            self.cp.add_hint(first, rank[j] < rank[k])


def built(network: Network) -> _Model:
    """The model with its objective and every constraint."""
    model = _Model(network)
    for group in (model.positions, model.copies, model.kept, model.objective):
        group()
    return model


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The order of least integral of latency."""
    watch = Watch(options)
    network = Network(problem)
    plan = start(problem, network, options.hint)
    objective = problem.evaluate(plan).objective
    if len(network.units) < 2:
        return Answer(plan, objective, objective)
    watch.report(objective, None)
    model = built(network)
    model.hint(plan)
    outcome = minimise(model.cp, watch, linearization=2, scale=model.scale, offset=model.offset)
    if outcome.value is None:
        return outcome.answer(plan, objective)
    at: Sequence[int] = [outcome.value(position) for position in model.at]
    better = problem.plan(network.units[k] for k in sorted(range(model.n), key=at.__getitem__))
    # rounded costs, and copies that an incumbent left above the cut: the price is the problem's own
    found = problem.evaluate(better).objective
    return outcome.answer(better, found) if found < objective else outcome.answer(plan, objective)


def refuses(problem: UploadOrder) -> str | None:
    """Why it cannot take a problem of this size, or None."""
    size = len(problem.names) * len(problem.partition.layers)
    most = 6000
    return None if size <= most else f"it has a copy of the network for each unit, {size} layers here, at most {most}"
