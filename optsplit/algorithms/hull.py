"""The convex hull of the cuts seen so far: a small linear programme that proposes the weights of the next cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp

from optsplit.problems.metric import IntArray


@dataclass(frozen=True)
class Column:
    """A cut that was seen: its places, its value in each metric in use, and the variant of each tensor that crosses.

    `variant` is -1 where a tensor does not cross.
    """

    at: IntArray
    values: IntArray
    variant: IntArray

    @property
    def key(self) -> bytes:
        """Equal for equal cuts."""
        return self.at.tobytes() + self.variant.tobytes()


@dataclass(frozen=True)
class Proposal:
    """What the hull says.

    Multipliers of the metrics, the hull's least value (inf while it breaks limits), shares of the layers at the second
    place, and shares of the columns.
    """

    multipliers: NDArray[np.float64]
    theta: float
    mix: NDArray[np.float64]
    shares: NDArray[np.float64]


class Hull:
    """The linear programme over the convex hull of the columns of one node.

    `columns` grows as cuts are added; `k` metrics are minimised and stand first, the others have the limits `right`;
    `size` makes the numbers of each metric near 1.

    minimise z subject to z >= sum_i a_i m_k(i), sum_i a_i m_j(i) - excess <= L_j, sum_i a_i = 1. First the excess is
    minimised; once it is zero, z. The duals of the rows are the multipliers of the next cut.
    """

    def __init__(self, columns: list[Column], k: int, right: IntArray, size: NDArray[np.float64]) -> None:
        self.columns, self.k, self.size = columns, k, size
        self.seen = {c.key for c in columns}
        lp = self.lp = pywraplp.Solver.CreateSolver("GLOP")
        inf = lp.infinity()
        self.top = [lp.Constraint(0.0, inf) for _ in range(k)]
        self.caps = [lp.Constraint(-inf, float(r) / s) for r, s in zip(right, size[k:])]
        self.one = lp.Constraint(1.0, 1.0)
        self.z = lp.NumVar(0.0, inf, "z")
        for row in self.top:
            row.SetCoefficient(self.z, 1.0)
        self.excess = lp.NumVar(0.0, inf, "excess")
        for row in self.caps:
            row.SetCoefficient(self.excess, -1.0)
        self.share: list[Any] = []
        for column in columns:
            self._enter(column)

    def _enter(self, column: Column) -> None:
        share = self.lp.NumVar(0.0, 1.0, "")
        # objectives share one size, or their weights could not be compared
        for row, value in zip(self.top, column.values[: self.k]):
            row.SetCoefficient(share, -float(value) / self.size[0])
        for row, value, size in zip(self.caps, column.values[self.k :], self.size[self.k :]):
            row.SetCoefficient(share, float(value) / size)
        self.one.SetCoefficient(share, 1.0)
        self.share.append(share)

    def add(self, column: Column) -> bool:
        """Enter a column; False when it is there already."""
        if column.key in self.seen:
            return False
        self.seen.add(column.key)
        self.columns.append(column)
        self._enter(column)
        return True

    def solve(self) -> Proposal:
        """The next multipliers: those of the first phase while the hull does not meet the limits."""
        equal = np.concatenate([np.full(self.k, 1.0 / self.k), np.zeros(len(self.caps))])
        if not self.columns:
            return Proposal(equal, math.inf, np.zeros(0), np.zeros(0))
        nowhere = np.full(len(self.columns[0].at), 0.5)
        objective = self.lp.Objective()
        for least, feasible in ((self.excess, False), (self.z, True)):
            if not self.caps and not feasible:
                continue
            self.excess.SetUb(0.0 if feasible else self.lp.infinity())
            objective.Clear()
            objective.SetCoefficient(least, 1.0)
            objective.SetMinimization()
            if self.lp.Solve() != self.lp.OPTIMAL:
                return Proposal(equal, math.inf, nowhere, np.full(len(self.columns), 1 / len(self.columns)))
            if not feasible and self.excess.solution_value() > 1e-9:
                break
        weights = np.abs([row.dual_value() for row in (*self.top, *self.caps)])
        weights[self.k :] *= self.size[0] / self.size[self.k :]
        shares = np.array([share.solution_value() for share in self.share])
        mix = sum((s * c.at for s, c in zip(shares, self.columns)), np.zeros(len(nowhere)))
        if not feasible:
            weights[: self.k] = 0.0
            return Proposal(weights, math.inf, mix, shares)
        return Proposal(weights, self.z.solution_value() * self.size[0], mix, shares)
