"""Johnson's rule as a method: the optimum of a flow shop with two machines.

Source: see `optsplit.problems.two_machines`.
"""

from __future__ import annotations

from optsplit.method import Answer, Options
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.two_machines import order


def refuses(problem: FlowShop) -> str | None:
    """Johnson's rule needs the jobs at time 0 and no third machine; one machine takes any order."""
    return f"it takes at most two machines, here there are {problem.machines}" if problem.machines > 2 else None


def solve(problem: FlowShop, options: Options) -> Answer:
    """The optimum for two machines, by one sort."""
    first = problem.times[:, 0].tolist()
    second = problem.times[:, -1].tolist() if problem.machines == 2 else [0] * problem.jobs
    plan = problem.plan(order(first, second))
    objective = problem.evaluate(plan).objective
    return Answer(plan, objective, objective, bounds={"johnson": objective})
