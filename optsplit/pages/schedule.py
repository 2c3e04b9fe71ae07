"""The page of a schedule."""

from __future__ import annotations

from optsplit import report_schedule
from optsplit.pages import account, words
from optsplit.pages.content import Content, Facts, Picture, Table
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.result import Result, quantity

LONGEST = 2000
"""Rows of a table, at most; the file has all."""

_NAMES = {
    "makespan": "the earliest end of the last operation", "total_completion": "the least sum of what each job takes",
    "lateness": "the least largest lateness", "period": "the least period of a stream",
}  # fmt: skip


def content(problem: Schedule, result: Result) -> Content:
    """What the page says of a schedule."""
    plan = result.plan if isinstance(result.plan, SchedulePlan) else None
    pictures, tables = account.progress(result), []
    if plan is not None:
        height = 1.4 + 0.35 * len(problem.machines)
        pictures.insert(0, Picture("What runs when", lambda ax: result.plot(ax=ax), height=height))
        rows = report_schedule.bursts(problem, plan)
        tables = [_frames(problem, plan), _machines(problem, rows, result), _operations(rows)]
    return Content(
        title=problem.name, answer=answer(problem, result), question=question(problem),
        numbers=account.numbers(result), pictures=pictures, tables=tables,
        without="There is no slider over bandwidth: how the best schedule changes with it is not known in closed form.",
    )  # fmt: skip


def question(problem: Schedule) -> Facts:
    """What is asked."""
    names: dict[str, int] = {}
    for job in problem.jobs:
        names[job.name] = names.get(job.name, 0) + 1
    first = problem.jobs[0]
    released = max(problem.release)
    rows = [
        ("jobs", f"{len(problem.jobs)}: {words.listed(f'{n} of {name}' for name, n in names.items())}"),
        ("machines", words.listed(problem.machines, 12)),
        ("links", "; ".join(words.links(first))),
        ("asked for", _NAMES[problem.objective]),
        ("cuts", "decided with the schedule" if problem.cuts is None else "given"),
        ("released", f"from 0 to {quantity(released, 'ns')}" if released else "all at the start"),
        (
            "due",
            ""
            if problem.due is None
            else f"from {quantity(min(problem.due), 'ns')} to {quantity(max(problem.due), 'ns')}",
        ),
        ("result", "ends anywhere" if first.result_at is None else f"ends at {first.result_at}"),
        ("rules", "no layer reads from a later place" if all(job.one_way for job in problem.jobs) else ""),
    ]
    return [row for row in rows if row[1]]  # fmt: skip


def answer(problem: Schedule, result: Result) -> str:
    """The answer in one sentence."""
    if result.plan is None:
        return account.no_plan(result)
    value = quantity(result.objective, account.unit(result))
    jobs = words.count(len(problem.jobs), "job")
    said = {
        "makespan": f"The {jobs} end after {value}",
        "total_completion": f"The {jobs} take {value} in all",
        "lateness": f"No job of {len(problem.jobs)} is late by more than {value}",
        "period": f"The {jobs} can be repeated every {value}",
    }
    return f"{said[problem.objective]}, {account.proof(result)}."


def _frames(problem: Schedule, plan: SchedulePlan) -> Table:
    rows = [
        (str(row.job), row.network, ", ".join(f"{place} {n}" for place, n in row.layers.items()),
         words.listed(row.sent, 3) or "-", quantity(row.start, "ns"), quantity(row.end, "ns"))
        for row in report_schedule.frames(problem, plan)
    ]  # fmt: skip
    return Table("Jobs", ("job", "network", "layers", "sent"), ("start", "end"), rows, folded=len(rows) > 40)


def _machines(problem: Schedule, rows: list[report_schedule.Burst], result: Result) -> Table:
    length = result.metrics["makespan"]
    texts = [
        (machine, words.listed((str(row.job) for row in rows if row.machine == machine), 60) or "-",
         f"{100 * report_schedule.share(rows, machine, length):.1f} %")
        for machine in problem.machines
    ]  # fmt: skip
    return Table("Order of the jobs on each machine", ("machine", "jobs"), ("busy",), texts)


def _operations(rows: list[report_schedule.Burst]) -> Table:
    texts = [
        (row.machine, str(row.job), row.first, row.last, str(row.operations), quantity(row.start, "ns"),
         quantity(row.end, "ns"))
        for row in rows[:LONGEST]
    ]  # fmt: skip
    cut = f", the first {LONGEST} of {len(rows)}" if len(rows) > LONGEST else ""
    return Table(f"Operations without a pause{cut}", ("machine", "job", "from", "to"), ("operations", "start", "end"),
                 texts, folded=len(texts) > 40)  # fmt: skip
