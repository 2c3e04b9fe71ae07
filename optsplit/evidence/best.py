"""The best that is known of an instance, from everything that was claimed of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Best:
    """What is known of one instance.

    Parameters
    ----------
    objective
        The least cost of any plan known, or None.
    bound
        The largest valid lower bound known, or None.
    infeasible
        Proved: there is no plan.
    """

    objective: int | None = None
    bound: int | None = None
    infeasible: bool = False

    @property
    def proven(self) -> bool:
        """Whether nothing is open: the optimum or infeasibility is proven."""
        return self.infeasible or (self.objective is not None and self.objective == self.bound)


def best_known(claims: Iterable[Best]) -> Best:
    """Everything that is known from several claims.

    Plans are priced by their problem, so that a cost stands; a bound above it, and a claim of infeasibility beside it,
    are refuted and left out.
    """
    given = list(claims)
    objective = min((c.objective for c in given if c.objective is not None), default=None)
    bounds = [c.bound for c in given if c.bound is not None and (objective is None or c.bound <= objective)]
    infeasible = objective is None and any(c.infeasible for c in given)
    return Best(objective, max(bounds, default=None), infeasible)


def contradictions(claims: Iterable[tuple[str, Best]]) -> list[str]:
    """Pairs of claims that cannot both hold, each in a sentence; `claims` are (who says it, what)."""
    given = list(claims)
    costs = [(c.objective, who) for who, c in given if c.objective is not None]
    if not costs:
        return []
    cost, witness = min(costs)
    found = [
        f"{who} claims bound {c.bound}, but {witness} has a plan that costs {cost}"
        for who, c in given
        if c.bound is not None and c.bound > cost
    ]
    return found + [
        f"{who} claims that there is no plan, but {witness} has one that costs {cost}"
        for who, c in given
        if c.infeasible
    ]
