"""The page of an upload: the order, and a slider over time that shows what is there and what runs where."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from optsplit import report_upload
from optsplit.pages import account, layout, words
from optsplit.pages.content import Content, Facts, Picture, Table
from optsplit.problems.upload_order import LOST, UploadOrder, UploadPlan
from optsplit.result import SCALES, Result, percent, quantity


def content(problem: UploadOrder, result: Result) -> Content:
    """What the page says of an upload."""
    plan = result.plan if isinstance(result.plan, UploadPlan) else None
    pictures, tables = account.progress(result), []
    sliders: dict[str, Any] = {}
    without = ""
    if plan is not None:
        tables = [_beside(problem, result)]
        without = "" if plan.order else "There is no slider over time: nothing has to be sent."
    if plan is not None and plan.order:
        pictures.insert(0, Picture("Latency of a query while the weights travel", lambda ax: result.plot(ax=ax)))
        tables.insert(0, _order(problem, plan))
        sliders = {"upload": over(problem, plan)}
    return Content(
        title=problem.name, answer=answer(problem, result), question=question(problem),
        numbers=[*account.numbers(result), *_proven(problem, result)], pictures=pictures, tables=tables,
        sliders=sliders, without=without,
    )  # fmt: skip


def question(problem: UploadOrder) -> Facts:
    """What is asked."""
    total = sum(p for k, p in enumerate(problem.times) if not problem.there >> k & 1)
    waiting = sum(1 for k in range(len(problem.names)) if not problem.there >> k & 1)
    aim = "fewest queries lost" if problem.objective == LOST else "least mean latency while the weights travel"
    inner = [row for row in words.question(problem.partition) if row[0] != "asked for"]
    return [
        ("asked for", f"the order of upload with {aim}"),
        (
            "weights",
            f"{words.count(waiting, 'unit')} to choose from, {quantity(total, problem.units['upload'])} in all",
        ),
        ("present", words.listed(sorted(problem.present)) or "nothing"),
        *inner,
    ]


def answer(problem: UploadOrder, result: Result) -> str:
    """The answer in one sentence."""
    plan = result.plan
    if not isinstance(plan, UploadPlan):
        return account.no_plan(result)
    mean = quantity(result.metrics["mean_latency"], problem.units["mean_latency"])
    if not plan.order:
        return f"Send nothing: no weights on the server make a query faster than the {mean} that it takes now."
    time = problem.units["finish"]
    lost = f", {words.count(result.metrics[LOST], 'query', 'queries')} lost" if LOST in result.metrics else ""
    return (
        f"Send {words.count(len(plan.order), 'unit')}, first {words.listed(plan.order, 3)}: until the best latency is "
        f"reached after {quantity(result.metrics['finish'], time)}, a query takes {mean} on average{lost}, "
        f"{account.proof(result)}."
    )


def over(problem: UploadOrder, plan: UploadPlan) -> dict[str, Any]:
    """The upload over time as data for the script: what arrives when, and the best plan between two arrivals."""
    ends = [0, *accumulate(problem.times[problem.index[name]] for name in plan.order)]
    counted = plan.batches or [1] * len(plan.order)
    steps: list[dict[str, Any]] = []
    # only a whole batch counts; a plan stays best until the latency changes
    for arrived in (0, *accumulate(counted)):
        there = sum(1 << problem.index[name] for name in plan.order[:arrived])
        latency = problem.latency(there)
        if not steps or steps[-1]["latency"] != latency:
            inner = best(problem, there)
            steps.append(
                {"time": ends[arrived], "latency": latency, "plan": layout.coded(problem.partition, inner.assignment)}
            )
    unit = problem.units["mean_latency"]
    return {
        **layout.network(problem.partition), "units": list(plan.order), "ends": ends[1:], "steps": steps,
        "unit": unit, "scales": SCALES.get(unit, ()),
    }  # fmt: skip


def best(problem: UploadOrder, there: int) -> Any:
    """A plan of least latency while only the units `there`, and what is present, are on the server."""
    from optsplit.solve import solve

    inner = problem.partition
    have = there | problem.there
    away = {
        inner.layers[v]: inner.places[0]
        for k, layers in enumerate(problem.holders)
        if not have >> k & 1
        for v in layers
    }
    return solve(inner.but(pins={**inner.pins, **away}), "mincut").plan


def _proven(problem: UploadOrder, result: Result) -> Facts:
    least = report_upload.proven_mean(problem, result)
    if least is None:
        return []
    return [("mean latency that no order beats", quantity(round(least), problem.units["mean_latency"]))]


def _order(problem: UploadOrder, plan: UploadPlan) -> Table:
    unit, time = problem.units["mean_latency"], problem.units["finish"]
    rows = [
        (sent.unit, quantity(sent.end, time), quantity(sent.before, unit), quantity(sent.after, unit))
        for sent in report_upload.sent(problem, plan)
    ]
    return Table("Order of upload", ("unit",), ("there after", "a query takes, before", "then"), rows,
                 folded=len(rows) > 40)  # fmt: skip


def _beside(problem: UploadOrder, result: Result) -> Table:
    others = report_upload.usual(problem)
    bound = max((r.bound for r in (result, *others.values()) if r.bound is not None), default=None)
    lost = problem.objective == LOST
    rows = [
        (row.label, str(row.status), quantity(row.mean_latency, problem.units["mean_latency"]),
         *((str(row.objective),) if lost else ()), quantity(row.finish, problem.units["finish"]), percent(row.above))
        for row in report_upload.order_rows({f"{result.method} (this)": result, **others}, bound)
    ]  # fmt: skip
    right = ("mean latency", *(("queries lost",) if lost else ()), "best after", "above bound")
    return Table("Beside the usual orders", ("order", "status"), right, rows)
