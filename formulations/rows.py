"""Affine expressions with integer coefficients, and rows of them in a PuLP model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import pulp

from optsplit.backends.pulp import OBJECTIVE_SIZE, ROW_SIZE, scale_to
from optsplit.problems.partition import Partition

Affine = tuple[int, dict[pulp.LpVariable, int]]
"""A constant and the coefficient of each variable."""

LIMIT_SLACK = 2.0**-20
"""What a limit leaves HiGHS in a row divided to `ROW_SIZE`, some tolerances: without it plans at the limit are lost."""


def one(variable: pulp.LpVariable) -> Affine:
    """The variable itself."""
    return 0, {variable: 1}


def possible(a: Affine) -> bool:
    """False for the constant 0."""
    return a[0] != 0 or bool(a[1])


def total(parts: Iterable[tuple[int, Affine]]) -> Affine:
    """Sum of factor * affine."""
    constant, terms = 0, dict[pulp.LpVariable, int]()
    for factor, (c, coefficients) in parts:
        constant += factor * c
        if factor:
            for v, a in coefficients.items():
                terms[v] = terms.get(v, 0) + factor * a
    return constant, terms


class Rows:
    """A model to minimise.

    Attributes
    ----------
    milp
        The model. A row is called by its group of constraints and a number, "transfer_3".
    rows
        How many rows each group has.
    scale, offset
        From the model's objective to the problem's integers: times `scale`, plus `offset`.
    """

    def __init__(self, name: str) -> None:
        self.milp = pulp.LpProblem(name, pulp.LpMinimize)
        self.rows = Counter[str]()
        self.scale, self.offset = 1, 0

    def _row(self, name: str, parts: Iterable[tuple[int, Affine]], sense: int, right: float, size: int = 1) -> None:
        """(sum of factor * affine) `sense` right, divided by `size`, a power of two."""
        constant, terms = total(parts)
        right = (right - constant) / size
        if not terms and (right >= 0 if sense == pulp.LpConstraintLE else right <= 0):
            return
        if size > 1:
            terms = {v: a / size for v, a in terms.items()}  # type: ignore[misc]
        self.rows[name] += 1
        row = pulp.LpConstraint(pulp.LpAffineExpression(terms), sense, f"{name}_{self.rows[name]}", right)
        self.milp.addConstraint(row)

    def _equal(self, name: str, parts: Sequence[tuple[int, Affine]], right: int) -> None:
        """(sum of factor * affine) = right, as two rows."""
        self._row(name, parts, pulp.LpConstraintLE, right)
        self._row(name, parts, pulp.LpConstraintGE, right)

    def at_most(self, name: str, value: Affine, limit: int, largest: int) -> None:
        """value <= limit for integers, none of its values above `largest`: half a tick apart, or `LIMIT_SLACK`."""
        constant, terms = value
        size = scale_to(largest, ROW_SIZE)
        slack = 0.5
        if terms and LIMIT_SLACK * size > slack:
            step = math.gcd(*terms.values()) or 1
            limit -= (limit - constant) % step
            slack = max(step / 2, LIMIT_SLACK * size)
        self._row(name, [(1, value)], pulp.LpConstraintLE, limit + slack, size)

    def least(self, values: Sequence[Affine], largest: int) -> None:
        """Minimise the largest of some values, none above `largest`."""
        self.scale = scale_to(largest, OBJECTIVE_SIZE)
        self.offset, terms = values[0]
        if len(values) > 1:
            size = scale_to(largest, ROW_SIZE)
            z = self.milp.add_variable("z", 0, max(1, -(-largest // size)))
            for value in values:
                self._row("largest", [(size, one(z)), (-1, value)], pulp.LpConstraintGE, 0, size)
            self.offset, terms = 0, {z: size}
        self.milp.setObjective(pulp.LpAffineExpression({v: c / self.scale for v, c in terms.items() if c}))

    def forward(self, problem: Partition, x: Sequence[Sequence[Affine]]) -> None:
        """One way: sum_{q <= k} x[v,q] <= sum_{q <= k} x[src(t),q], so a reader is never earlier than its source."""
        for u, v in sorted(set(problem.edges)) if problem.one_way else ():
            for k in range(1, len(problem.places)):
                parts = [*((1, here) for here in x[v][:k]), *((-1, here) for here in x[u][:k])]
                self._row("one_way", parts, pulp.LpConstraintLE, 0)

    def visited_once(self, problem: Partition, x: Sequence[Sequence[Affine]]) -> None:
        """Contiguous places: where something before v and something behind it run at p, v does."""
        if not problem.contiguous or problem.one_way:  # one way never comes back
            return
        add = self.milp.add_variable
        for p in range(len(problem.places)):
            begun = [one(add(f"begun_{v}_{p}", 0, 1)) for v in range(len(x))]
            to_end = [one(add(f"to_end_{v}_{p}", 0, 1)) for v in range(len(x))]
            for v, here in enumerate(x):
                self._row("begun", [(1, begun[v]), (-1, here[p])], pulp.LpConstraintGE, 0)
                self._row("to_end", [(1, to_end[v]), (-1, here[p])], pulp.LpConstraintGE, 0)
                self._row("convex", [(1, begun[v]), (1, to_end[v]), (-1, here[p])], pulp.LpConstraintLE, 1)
                for u in problem.feeders[v]:
                    self._row("begun", [(1, begun[v]), (-1, begun[u])], pulp.LpConstraintGE, 0)
                    self._row("to_end", [(1, to_end[u]), (-1, to_end[v])], pulp.LpConstraintGE, 0)
