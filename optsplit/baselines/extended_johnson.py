"""Extended Johnson for three stages: device, link, server.

Source: Wang, Duan, Wu. Johnson's rule on the first two times together against the last two, as if two machines worked
at p1 + p2 and p2 + p3. Optimal where the middle machine is dominated, max{min p1, min p3} >= max p2. It is no
5/3-approximation: k jobs (0, L, 1) and one (2L, 1, kL) come near twice the optimum as k and L grow.
"""

from __future__ import annotations

from collections.abc import Sequence

from optsplit.method import Answer, Options
from optsplit.problems import two_machines
from optsplit.problems.flow_shop import FlowShop


def order(times: Sequence[Sequence[int]]) -> list[int]:
    """Positions of the jobs, each given by its three times; ties keep the order given.

    Jobs with p1 + p2 <= p2 + p3 come first, ascending in p1 + p2, then the others, descending in p2 + p3.
    """
    return two_machines.order([p1 + p2 for p1, p2, _ in times], [p2 + p3 for _, p2, p3 in times])


def refuses(problem: FlowShop) -> str | None:
    """The rule is for three machines."""
    return None if problem.machines == 3 else f"it orders jobs of three machines, here there are {problem.machines}"


def solve(problem: FlowShop, options: Options) -> Answer:
    """The order of the rule; release times do not count in it."""
    return Answer(problem.plan(order(problem.times.tolist())))
