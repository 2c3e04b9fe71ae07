"""The page of a partition problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optsplit import plots, report
from optsplit.pages import account, bandwidth, words
from optsplit.pages.content import Content, Facts, Picture, Table
from optsplit.problems.exits import MILLION
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR
from optsplit.problems.routed import chosen
from optsplit.report import PlanSummary
from optsplit.result import Result, Status, quantity

if TYPE_CHECKING:
    from optsplit.algorithms.envelope import Envelope


def content(problem: Partition, result: Result) -> Content:
    """What the page says of a partition."""
    over = bandwidth.over(problem, result)
    plan = result.plan
    summary = report.plan_summary(problem, plan) if isinstance(plan, PartitionPlan) else None
    pictures = [] if summary is None else [Picture("The network and its cut", lambda ax: result.plot(ax=ax))]
    if over.envelope is not None:
        found = over.envelope
        pictures.append(Picture("The least value over bandwidth", lambda ax: plots.envelope(found, ax=ax)))
    if over.table is not None:
        table = over.table
        pictures.append(Picture("Which exit answers, over bandwidth and deadline", lambda ax: table.plot(ax=ax)))
    tables = [*account.conflicts(result), *_exits(problem, plan if isinstance(plan, PartitionPlan) else None)]
    if summary is not None:
        tables += [_runs(summary), *_crossings(summary)]
    if over.envelope is not None:
        tables.append(_envelope(problem, over.envelope))
    return Content(
        title=problem.name, answer=answer(problem, result, summary),
        question=words.question(problem), numbers=[*account.numbers(result), *_accuracy(result)],
        pictures=[*pictures, *account.progress(result)], tables=tables,
        sliders={} if over.data is None else {"bandwidth": over.data}, without=over.without,
    )  # fmt: skip


def answer(problem: Partition, result: Result, summary: PlanSummary | None) -> str:
    """The answer in one sentence."""
    plan = result.plan
    if summary is None or not isinstance(plan, PartitionPlan):
        if result.status is Status.INFEASIBLE:
            why = report.infeasibility(problem, result).removeprefix(f"{problem.name}: ")
            return f"{why[:1].upper()}{why[1:]}."
        return account.no_plan(result)
    total = sum(summary.layers.values())
    runs = summary.runs
    if len(runs) == 1:
        where = f"Run all {words.count(total, 'layer')} on the {runs[0].place}"
    elif len(runs) == 2:
        first = f"first {runs[0].layers}" if runs[0].layers > 1 else "first"
        where = f"Run the {first} of {total} layers on the {runs[0].place}, the rest on the {runs[1].place}"
    else:
        parts = [f"{n} on the {place}" for place, n in summary.layers.items() if n]
        where = f"Of {total} layers run {', '.join(parts)}"
    if plan.exit is not None:
        where += f", leaving at exit {plan.exit}"
    if plan.thresholds:
        where += f", with exits at {words.listed(plan.thresholds)}"
    return f"{where}: {price(problem, result)}, {account.proof(result)}."


def price(problem: Partition, result: Result) -> str:
    """What the plan costs: the objective first, then the latency where that is another."""
    names = [*problem.objectives, *(name for name in ("latency", ERROR) if name in result.metrics)]
    said = []
    if len(problem.objectives) > 1:
        largest = max(problem.objectives, key=lambda name: result.metrics[name])
        most = quantity(result.metrics[largest], problem.units[largest])
        said = [f"{largest.replace('_', ' ')} {most}, the largest of {len(problem.objectives)} metrics"]
        names = names[len(problem.objectives) :]
    for name in dict.fromkeys(names):
        value = result.metrics[name]
        is_error = name == ERROR
        text = f"{100 * (1 - value / MILLION):.4g} %" if is_error else quantity(value, problem.units[name])
        said.append(f"{'accuracy' if is_error else name.replace('_', ' ')} {text}")
    return ", ".join(said)


def _accuracy(result: Result) -> Facts:
    found = report.accuracy(result)
    return [] if found is None else [("accuracy", f"{100 * found:.4g} %")]


def _runs(summary: PlanSummary) -> Table:
    counts = ", ".join(f"{place} {n}" for place, n in summary.layers.items())
    rows = [(run.place, run.first, run.last, str(run.layers)) for run in summary.runs]
    return Table(f"Layers at each place: {counts}", ("place", "from layer", "to layer"), ("layers",), rows,
                 folded=len(rows) > 40)  # fmt: skip


def _crossings(summary: PlanSummary) -> list[Table]:
    if not summary.crossings:
        return []
    packed = any(c.bits is not None for c in summary.crossings)
    rows = [
        (c.tensor, f"{c.start} to {c.end}", *([("-" if c.bits is None else str(c.bits))] if packed else []),
         "-" if c.bytes is None else f"{c.bytes:,}", quantity(c.cost, c.unit))
        for c in summary.crossings
    ]  # fmt: skip
    right = (*(("bits",) if packed else ()), "bytes", "takes")
    return [Table("Tensors that cross", ("tensor", "way"), right, rows, folded=len(rows) > 40)]


def _exits(problem: Partition, plan: PartitionPlan | None) -> list[Table]:
    if problem.exits is None:
        return []

    def taken(layer: str) -> str:
        if plan is None:
            return "-"
        if layer in plan.thresholds:
            return f"from confidence {plan.thresholds[layer]:g}"
        if problem.exits is not None and problem.exits.by_confidence:
            last = problem.exits.layers[chosen(problem, plan).exits[-1]]
            return "the rest" if layer == last else "off"
        return "all" if layer == plan.exit else "off"

    rows = [(layer, taken(layer), f"{100 * share:.4g}") for layer, share in problem.exits.accuracy.items()]
    return [Table("Exits", ("layer", "who leaves here"), ("accuracy, %",), rows)]


def _envelope(problem: Partition, found: Envelope) -> Table:
    rows = report.envelope_rows(found)
    name, metric = "Mbit/s" if found.per_byte else "factor", problem.objectives[0]
    unit = problem.units[metric]
    texts = [
        (_plain(row.slowest), _plain(row.fastest), *(str(row.layers.get(place, 0)) for place in problem.places),
         quantity(round(row.at_slowest), unit), quantity(round(row.at_fastest), unit))
        for row in rows
    ]  # fmt: skip
    right = (f"from {name}", f"to {name}", *(f"layers at {place}" for place in problem.places), f"{metric}, from", "to")
    return Table("The optimal plan for every bandwidth", (), right, texts, folded=len(texts) > 12)


def _plain(value: float) -> str:
    """Five digits without a power of ten."""
    return f"{float(f'{value:.5g}'):,.12g}"
