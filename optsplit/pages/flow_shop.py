"""The page of a flow shop."""

from __future__ import annotations

from optsplit.pages import account, words
from optsplit.pages.content import Content, Facts, Picture, Table
from optsplit.problems.flow_shop import FlowShop, FlowShopPlan
from optsplit.result import Result, quantity


def content(problem: FlowShop, result: Result) -> Content:
    """What the page says of a flow shop."""
    plan = result.plan if isinstance(result.plan, FlowShopPlan) else None
    pictures, tables = account.progress(result), []
    if plan is not None:
        height = 1.0 + 0.35 * problem.machines
        pictures.insert(0, Picture("What runs when", lambda ax: result.plot(ax=ax), height=height))
        tables = [_jobs(problem, plan)]
    return Content(
        title=problem.name, answer=answer(problem, result), question=question(problem),
        numbers=account.numbers(result), pictures=pictures, tables=tables,
        without="There is no slider over bandwidth: a flow shop has times, and no links.",
    )  # fmt: skip


def question(problem: FlowShop) -> Facts:
    """What is asked."""
    released = int(problem.release.max())
    return [
        ("jobs", f"{problem.jobs}, each through {words.count(problem.machines, 'machine')} in the same order"),
        ("asked for", "the order of the jobs that ends first"),
        ("released", f"from 0 to {quantity(released, problem.unit)}" if released else "all at the start"),
    ]


def answer(problem: FlowShop, result: Result) -> str:
    """The answer in one sentence."""
    if not isinstance(result.plan, FlowShopPlan):
        return account.no_plan(result)
    order = words.listed(map(str, result.plan.sequence), 10)
    end = quantity(result.objective, problem.unit)
    return f"Run the jobs in the order {order}: the last one ends after {end}, {account.proof(result)}."


def _jobs(problem: FlowShop, plan: FlowShopPlan) -> Table:
    ends = problem.ends(plan.sequence)
    rows = [
        (str(j), *(quantity(int(end), problem.unit) for end in row)) for j, row in zip(plan.sequence, ends.tolist())
    ]
    machines = [f"ends on machine {k + 1}" for k in range(problem.machines)]
    return Table("Jobs in their order", ("job",), machines, rows, folded=len(rows) > 40)
