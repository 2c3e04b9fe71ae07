"""Safe bound: what the float duals of a linear relaxation prove, computed in integers.

For min c x, lo <= A x <= up, l <= x <= u, any row multipliers d give a lower bound (Neumaier and Shcherbina,
"Safe bounds in linear and mixed-integer linear programming", 2004):

    c x = d A x + (c - d A) x
        >=  sum_i (d_i lo_i if d_i > 0 else d_i up_i)  +  sum_j min over [l_j, u_j] of (c - d A)_j x_j.

A solver's duals are taken as hints: they are put on a grid, and the sum is then exact, since every coefficient is a
float and so an integer over a power of two. Optimal duals of a network matrix are integers (in the problem's units),
so a dual within 1e-4 of an integer is moved there: for two places without limits the bound is then the optimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pulp

_GRID = 2**60
_NEAR = 1e-4


@dataclass(frozen=True)
class LinearProgram:
    """A model in integers: all coefficients and right-hand sides times `denominator`, a power of two.

    `rows` holds (lower or None, upper or None, [(column, coefficient), ...]); objective times `scale` plus `offset` is
    in the problem's units.
    """

    cost: Sequence[int]
    lower: Sequence[int]
    upper: Sequence[int]
    rows: Sequence[tuple[int | None, int | None, Sequence[tuple[int, int]]]]
    denominator: int
    scale: int
    offset: int

    @staticmethod
    def of(model: pulp.LpProblem, scale: float, offset: int) -> LinearProgram:
        """Read a model; the columns are in the order of `model.variables()`."""
        columns = model.variables()
        index = {id(v): j for j, v in enumerate(columns)}
        objective = [0.0] * len(columns)
        for v, c in model.objective.items():
            objective[index[id(v)]] = float(c)
        rows = [(r.getLb(), r.getUb(), [(index[id(v)], float(a)) for v, a in r.items()]) for r in model.constraints()]
        numbers = {a for _, _, terms in rows for _, a in terms} | set(objective)
        numbers |= {float(end) for lo, up, _ in rows for end in (lo, up) if end is not None}
        numbers |= {float(end) for v in columns for end in (v.lowBound, v.upBound)}
        denominator = max((a.as_integer_ratio()[1] for a in numbers), default=1)
        whole = {a: a.as_integer_ratio()[0] * (denominator // a.as_integer_ratio()[1]) for a in numbers}
        return LinearProgram(
            [whole[c] for c in objective],
            [whole[float(v.lowBound)] for v in columns],
            [whole[float(v.upBound)] for v in columns],
            [
                (None if lo is None else whole[float(lo)], None if up is None else whole[float(up)],
                 [(j, whole[a]) for j, a in terms])
                for lo, up, terms in rows
            ],
            denominator,
            int(scale),
            offset,
        )  # fmt: skip

    def bound(self, duals: Sequence[float]) -> int:
        """The least integer objective that the duals do not exclude, in the problem's units."""
        return self.prove(duals, self.lower, self.upper)[0]

    def prove(self, duals: Sequence[float], lower: Sequence[int], upper: Sequence[int]) -> tuple[int, list[int]]:
        """The same within other bounds (times `denominator`), and the reduced costs behind it, in units of `grain`."""
        total, reduced = self._combine(duals, [c * self.denominator * _GRID for c in self.cost])
        for r, low, high in zip(reduced, lower, upper):
            # reduced carries denominator^2 already; the bounds of x carry one more, taken off here, rounded down
            total += (r * low if r > 0 else r * high) // self.denominator
        return -((-total * self.scale) // (self.denominator**2 * _GRID)) + self.offset, reduced

    @property
    def largest(self) -> int:
        """No point within the bounds has a larger objective, in the problem's units."""
        total = sum(max(c * low, c * high) for c, low, high in zip(self.cost, self.lower, self.upper))
        return total * self.scale // self.denominator**2 + self.offset

    @property
    def grain(self) -> int:
        """Reduced costs of `prove` are worth 1 / grain ticks."""
        return self.denominator**2 * _GRID // self.scale

    def excludes(self, ray: Sequence[float], lower: Sequence[int], upper: Sequence[int]) -> bool:
        """True when the ray proves that nothing within these bounds obeys every row (Farkas)."""
        total, reduced = self._combine(ray, [0] * len(self.cost))
        for r, low, high in zip(reduced, lower, upper):
            total += (r * low if r > 0 else r * high) // self.denominator
        return total > 0

    def _combine(self, duals: Sequence[float], reduced: list[int]) -> tuple[int, list[int]]:
        """d b and c - d A, times denominator^2 * _GRID; starts from c in `reduced`."""
        total = 0
        for (lo, up, terms), dual in zip(self.rows, duals, strict=True):
            multiplier = self._on_grid(dual)
            end = lo if multiplier > 0 else up
            if multiplier == 0 or end is None:
                continue
            multiplier *= self.denominator
            total += multiplier * end
            for j, a in terms:
                reduced[j] -= multiplier * a
        return total, reduced

    def _on_grid(self, dual: float) -> int:
        if not math.isfinite(dual):
            return 0
        ticks = dual * self.scale
        if abs(ticks - round(ticks)) < _NEAR:
            return round(ticks) * _GRID // self.scale
        return round(dual * _GRID)

    def objective(self, values: Sequence[int]) -> int | None:
        """The objective of an integer point in the problem's units, or None where it breaks a row or a bound."""
        for low, high, x in zip(self.lower, self.upper, values):
            if not low <= x * self.denominator <= high:
                return None
        for lo, up, terms in self.rows:
            activity = sum(a * values[j] for j, a in terms)
            if (lo is not None and activity < lo) or (up is not None and activity > up):
                return None
        total = sum(c * x for c, x in zip(self.cost, values)) * self.scale
        return total // self.denominator + self.offset if total % self.denominator == 0 else None
