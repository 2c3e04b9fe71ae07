"""Outcome: what a back end found, before a formulation turns values into a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optsplit.backends.watch import Watch
from optsplit.method import Answer
from optsplit.result import Limit


@dataclass(frozen=True)
class Outcome:
    """How a solve ended.

    Parameters
    ----------
    value
        Reads a variable of the model, as an integer; None where the solver has no solution.
    bound
        A valid lower bound in the problem's integer units, or None.
    infeasible
        True when the solver proved that the model has no solution.
    limit
        What stopped it early.
    watch
        Its clock and trace.
    solver, versions, raw_status
        As in `optsplit.method.Answer`.
    """

    value: Callable[[Any], int] | None
    bound: int | None
    infeasible: bool
    limit: Limit
    watch: Watch
    solver: str
    versions: Mapping[str, str] = field(default_factory=dict)
    raw_status: str = ""

    def answer(self, plan: Any, objective: int | None) -> Answer:
        """The answer of a method, with the plan that its formulation read and the price that it claims."""
        return Answer(
            plan=plan,
            objective=objective,
            bound=self.bound,
            infeasible=self.infeasible,
            limit=self.limit,
            build_seconds=self.watch.build_seconds,
            solve_seconds=self.watch.solve_seconds,
            trace=tuple(self.watch.trace),
            solver=self.solver,
            versions=self.versions,
            raw_status=self.raw_status,
        )
