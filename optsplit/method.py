"""The contract of a method: what it is given, what it answers, what it declares.

A method is a function `(problem, Options) -> Answer`. `optsplit.solve` prices the plan by the problem's own
`evaluate` and turns the answer into a `Result`. Third parties register a `Method` through the entry-point group
`optsplit.methods`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from optsplit.result import Limit, TracePoint

if TYPE_CHECKING:
    from optsplit.problems.evaluation import Evaluation

Progress = Callable[[TracePoint], None]


class Problem(Protocol):
    """What `optsplit.solve` asks of a problem: frozen integer data that prices its own plans."""

    @property
    def name(self) -> str:
        """For reports."""

    @property
    def features(self) -> frozenset[str]:
        """What a method must be able to take."""

    @property
    def objectives(self) -> tuple[str, ...]:
        """The metric that is minimised, or those of which the largest is."""

    @property
    def units(self) -> Mapping[str, str]:
        """Metric -> unit."""

    @property
    def limits(self) -> Mapping[str, int]:
        """Metric -> largest value allowed."""

    def evaluate(self, plan: Any) -> Evaluation:
        """Price a plan and check every rule, without any solver."""


@dataclass(frozen=True)
class Options:
    """What the caller asks of a method; a method ignores what has no meaning for it.

    Parameters
    ----------
    time_limit
        Seconds, or None.
    gap
        Stop when (objective - bound) / max(|objective|, 1) is at most this.
    workers, seed
        Threads of the solver, and its seed.
    hint
        A plan to start from.
    progress
        Called with each new incumbent or bound.
    extra
        Options of one method, by keyword (for example `load` of "neurosurgeon").
    """

    time_limit: float | None = None
    gap: float = 0.0
    workers: int = 1
    seed: int = 0
    hint: Any = None
    progress: Progress | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a method returns.

    Parameters
    ----------
    plan
        The best plan found, or None.
    objective
        The price that the method claims for it; None when it claims nothing (a baseline with its own formula).
    bound
        A valid lower bound on the objective of every plan, in the problem's integer units, or None.
    infeasible
        True when the method proved that no plan obeys the rules.
    limit
        What stopped it early.
    build_seconds, solve_seconds
        Building the model, and solving it.
    trace
        Incumbents and bounds over time.
    solver, versions
        The solver behind the method, and the versions that matter.
    raw_status
        The solver's own word, or why there is no plan.
    bounds
        Other valid lower bounds by name ("load", "johnson", ...), so that one sees which closed the gap; the best of
        these and `bound` counts.
    """

    plan: Any = None
    objective: int | None = None
    bound: int | None = None
    infeasible: bool = False
    limit: Limit = Limit.NONE
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    trace: tuple[TracePoint, ...] = ()
    solver: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    raw_status: str = ""
    bounds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A named way to solve one kind of problem.

    Parameters
    ----------
    name
        As in `solve(problem, method=name)`.
    problem
        Name of the problem class: "Partition", "UploadOrder", "Schedule", "FlowShop".
    exact
        True when it ends with a proof unless a limit stops it; False for a baseline, which claims no bound.
    takes
        Features of problems that it can take (`problem.features` must be a subset).
    run
        The function, or "module:function", imported when first used.
    source
        Where it comes from: a paper, a section.
    refuses
        Optional: problem -> reason why this one cannot be taken (its size, ...), or None.
    options
        Names of the extra options that it understands.
    """

    name: str
    problem: str
    exact: bool
    takes: frozenset[str]
    run: Callable[[Any, Options], Answer] | str
    source: str = ""
    refuses: Callable[[Any], str | None] | None = None
    options: frozenset[str] = frozenset()

    def mismatch(self, problem: Any) -> str | None:
        """Why this method cannot take `problem`, or None."""
        kind = type(problem).__name__
        if kind != self.problem:
            return f"it solves {self.problem}, not {kind}"
        if lacking := sorted(problem.features - self.takes):
            return f"it does not take {', '.join(lacking)}"
        return self.refuses(problem) if self.refuses else None

    def load(self) -> Callable[[Any, Options], Answer]:
        """The function, imported now."""
        if callable(self.run):
            return self.run
        module, _, function = self.run.partition(":")
        loaded: Callable[[Any, Options], Answer] = getattr(importlib.import_module(module), function)
        return loaded
