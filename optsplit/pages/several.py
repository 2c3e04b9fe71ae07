"""The page of a front, and of several methods side by side."""

from __future__ import annotations

from collections.abc import Sequence

from optsplit import report
from optsplit.algorithms.front import Front
from optsplit.errors import InvalidInput
from optsplit.pages import account, words
from optsplit.pages.content import Content, Picture, Table
from optsplit.result import Limit, Result, percent, quantity

_FEW = 60


def front(found: Front, source: str) -> Content:
    """What the page says of a front."""
    names = words.listed(found.metrics)
    hull = found.supported if len(found.metrics) == 2 else [False] * len(found)
    rows = [
        (str(k), "proven" if point.proven else "found", "hull" if hull[k] else "",
         ", ".join(text for _, text in point.plan.rows()),
         *(quantity(v, found.units.get(m, "")) for m, v in zip(found.metrics, point.values)))
        for k, point in enumerate(found.points)
    ]  # fmt: skip
    state = "complete" if found.complete else f"gap {percent(found.gap)}"
    stopped = f" ({found.limit} limit)" if found.limit is not Limit.NONE else ""
    least = [(f"least possible {m}", quantity(low, found.units.get(m, ""))) for m, low in zip(found.metrics, found.low)]
    return Content(
        title=found.name, status=state,
        answer=f"{words.count(len(found), 'trade-off')} of {names}: {found.covers}.",
        question=[("asked for", f"every trade-off of {names}")],
        numbers=[("status", state + stopped), ("points", str(len(found))), ("open zones", str(len(found.open))),
                 ("gap", percent(found.gap)), *least],
        pictures=[Picture("The trade-offs", lambda ax: found.plot(ax=ax), height=3.2)] if found.points else [],
        tables=[Table("Points", ("point", "status", "supported", "plan"), found.metrics, rows, folded=len(rows) > _FEW)]
        if rows else [],
        without="There is no slider: a front is of one bandwidth.",
        provenance=[("solves", str(found.solves)), ("seconds", f"{found.seconds:.3g}")],
    )  # fmt: skip


def comparison(results: Sequence[Result], source: str) -> Content:
    """What the page says of several methods for one problem."""
    if not results:
        raise InvalidInput(f"{source}: no results to compare; compare at least one method")
    rows = report.comparison(results)
    bound = report.best_bound(results)
    texts = [
        (row.method, str(row.status), quantity(row.objective, row.unit), percent(row.loss), percent(row.gap),
         f"{row.build_seconds * 1e3:.2f}", f"{row.solve_seconds * 1e3:.2f}")
        for row in rows
    ]  # fmt: skip
    able = [row for row in rows if row.objective is not None]
    best = min(able, key=lambda row: (row.objective or 0, row.solve_seconds), default=None)
    unit = account.unit(results[0])
    said = "No method found a plan."
    if best is not None:
        good = [row.method for row in able if row.objective == best.objective]
        proven = bound is not None and bound == best.objective
        said = (
            f"The best of {words.count(len(results), 'method')} is {quantity(best.objective, unit)}"
            f"{', proven optimal' if proven else ''}, found by {words.listed(good, 12)}."
        )
    right = ("objective", "above best bound", "own gap", "build, ms", "solve, ms")
    problem = results[0].problem
    name = "comparison" if problem is None else problem.name
    return Content(
        title=name, answer=said, status="proven" if bound is not None and best and bound == best.objective else "",
        question=[("asked for", f"least {words.listed(results[0].minimize)}")] if results[0].minimize else [],
        numbers=[("best bound", quantity(bound, unit))],
        tables=[Table("The methods side by side", ("method", "status"), right, texts)],
        without="There is no slider: the file of a comparison has no problem inside.",
    )  # fmt: skip
