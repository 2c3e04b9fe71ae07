"""What every result is asked: how good it is, how it was obtained, and how to obtain it again."""

from __future__ import annotations

import shlex
from typing import Any

from optsplit.errors import InvalidInput
from optsplit.pages.content import Facts, Picture, Table
from optsplit.result import Limit, Result, Status, percent, quantity

"""Names that need no quotes in a shell."""


def check(problem: Any, result: Result, source: str) -> None:
    """Refuse a problem that is not the result's: its plan would have another price there.

    Raises
    ------
    InvalidInput
        With both prices.
    """
    if tuple(problem.objectives) != tuple(result.minimize):
        raise InvalidInput(
            f"{source}: the result minimises {', '.join(result.minimize) or 'nothing'}, the problem "
            f"{', '.join(problem.objectives)}; give the problem that was solved"
        )
    if result.plan is None:
        return
    try:
        price = problem.evaluate(result.plan).objective
    except (InvalidInput, AttributeError) as error:  # a plan of another kind lacks what the problem reads
        raise InvalidInput(f"{source}: the plan is not one of problem {problem.name!r}: {error}") from error
    if price != result.objective:
        raise InvalidInput(
            f"{source}: the plan costs {result.objective} there and {price} in problem {problem.name!r}; "
            "give the problem that was solved"
        )


def unit(result: Result) -> str:
    """The unit of the objective."""
    return result.units.get(result.minimize[0], "") if result.minimize else ""


def proof(result: Result) -> str:
    """How good the plan provably is, in words."""
    if result.status is Status.OPTIMAL:
        return "proven optimal"
    if result.gap is not None:
        return f"no plan is better by more than {percent(result.gap)}"
    return "by a heuristic that claims no bound"


def no_plan(result: Result) -> str:
    """Why there is no plan, in a sentence."""
    if result.status is Status.INFEASIBLE:
        return "No plan obeys the rules: that is proven."
    if result.status is Status.ERROR:
        return f"The method {result.method} failed: {result.raw_status}"
    why = f" before the {result.limit} limit" if result.limit not in (Limit.NONE, Limit.INTERRUPT) else ""
    why = " before it was interrupted" if result.limit is Limit.INTERRUPT else why
    return f"The method {result.method} found no plan{why}, and does not exclude that there is one."


def numbers(result: Result) -> Facts:
    """Status, objective, bounds, gap and metrics."""
    of = unit(result)
    stopped = f" ({result.limit} limit)" if result.limit is not Limit.NONE else ""
    rows = [
        ("status", f"{result.status}{stopped}"),
        ("objective", quantity(result.objective, of)),
        ("bound", quantity(result.bound, of)),
        *((f"bound by {name}", quantity(value, of)) for name, value in result.bounds.items()),
        ("gap", percent(result.gap)),
    ]
    rows += [(name, quantity(value, result.units.get(name, ""))) for name, value in result.metrics.items()]
    return [row for row in rows if row[1] != "-"]


def provenance(result: Result) -> Facts:
    """Method, solver, versions, options and times."""
    rows = [
        ("method", result.method),
        ("solver", result.solver),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("seed", str(result.seed)),
        ("workers", str(result.workers)),
        ("time limit", "none" if result.time_limit is None else f"{result.time_limit:g} s"),
        ("build", quantity(round(result.build_seconds * 1e9), "ns")),
        ("solve", quantity(round(result.solve_seconds * 1e9), "ns")),
        ("raw status", result.raw_status),
    ]
    return [row for row in rows if row[1]]


def again(result: Result, source: str) -> str:
    """The command that solves the problem in the file `source` in the same way."""
    limit = [] if result.time_limit is None else ["--time-limit", f"{result.time_limit:g}"]
    return shlex.join([
        "optsplit", "solve", source, "--method", result.method, "--seed", str(result.seed),
        "--workers", str(result.workers), *limit,
    ])  # fmt: skip


def conflicts(result: Result) -> list[Table]:
    """The limits that exclude every plan, each with the least value that it could have."""
    if not result.conflicts:
        return []
    rows = [
        (c.metric, quantity(c.limit, c.unit), "not settled" if c.best is None else quantity(c.best, c.unit))
        for c in result.conflicts
    ]
    return [Table("Limits that conflict", ("metric",), ("limit", "least value with the others"), rows)]


def progress(result: Result) -> list[Picture]:
    """Incumbent and bound over time, where the method told them."""
    from optsplit import plots

    if len(result.trace) < 2 or (result.objective is None and result.bound is None):
        return []
    return [Picture("Incumbent and bound over time", lambda ax: plots.trace(result, ax=ax), height=2.2)]
