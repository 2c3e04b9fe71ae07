"""Upload orders without bounds: every order, and the dynamic programme over closed sets of units.

A set is closed when all its units are in use on the server. The largest closed subset X(S) has the latency of S and
grows with S, so in some optimal order the latency drops only to closed sets: a unit sent before it is used can wait
at no loss. The closed sets just below a closed set F are among X(F - u) for u in F, since a smaller one lacks some u.
With V(F) the least cost of sending F,

    V(empty) = 0,    V(F) = min over u in F of V(X(F - u)) + (p(F) - p(X(F - u))) * L(X(F - u)).
"""

from __future__ import annotations

from optsplit.algorithms.upload_cut import network
from optsplit.algorithms.upload_search import bits
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import INTEGRAL, UploadOrder
from optsplit.result import Limit

MOST_ORDERED = 8
MOST_UNITS = 20


def refuses_orders(problem: UploadOrder) -> str | None:
    """Why not every order can be tried."""
    n = len(problem.names) - problem.there.bit_count()
    return None if n <= MOST_ORDERED else f"it tries every order, here of {n} units, and stops at {MOST_ORDERED}"


def refuses_subsets(problem: UploadOrder) -> str | None:
    """Why the dynamic programme could become too large."""
    n = len(problem.names) - problem.there.bit_count()
    return None if n <= MOST_UNITS else f"it tries sets of units, here of {n}, and stops at {MOST_UNITS}"


def brute(problem: UploadOrder, options: Options) -> Answer:
    """Every order of every set of units, each sent until the latency is least; stopped early, keep the best."""
    watch = Watch(options)
    everything = [k for k in range(len(problem.names)) if not problem.there >> k & 1]
    best: tuple[int, list[int]] | None = None
    limit = Limit.NONE
    left: list[list[int]] = [[]]
    try:
        while left:
            if watch.left() == 0:
                limit = Limit.TIME
                break
            order = left.pop()
            if problem.latency(sum(1 << k for k in order)) > problem.least:
                left += [[*order, k] for k in reversed(everything) if k not in order]
                continue
            objective = problem.evaluate(problem.plan(order)).objective
            if best is None or objective < best[0]:
                best = objective, order
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    if best is None:  # sending everything is always an order, so a limit came first
        return Answer(bound=_least(problem), limit=limit, solve_seconds=watch.seconds())
    objective, order = best
    bound = objective if limit is Limit.NONE else _least(problem)
    return Answer(problem.plan(order), objective, bound, limit=limit, solve_seconds=watch.seconds())


def _least(problem: UploadOrder) -> int:
    """A bound that needs no search: the latency is never below the least, and queries lost are never below 0."""
    return problem.least * problem.horizon if problem.objective == INTEGRAL else 0


def subsets(problem: UploadOrder, options: Options) -> Answer:
    """The dynamic programme over closed sets, from the whole downwards; stopped early, it has no plan."""
    watch = Watch(options)
    cuts = network(problem)
    last = cuts.last().used
    cost: dict[int, int] = {}
    before: dict[int, int] = {}
    below: dict[int, list[tuple[int, int, int]]] = {}
    limit = Limit.NONE
    stack = [last]
    try:
        while stack:
            if watch.left() == 0:
                limit = Limit.TIME
                break
            units = stack[-1]
            if units in cost:
                stack.pop()
            elif units not in below:
                found = {cut.used: cut.value for cut in (cuts.least(units & ~(1 << k)) for k in bits(units))}
                below[units] = [(v, s, sum(problem.times[k] for k in bits(units & ~s))) for s, v in found.items()]
                stack += [s for _, s, _ in below[units]]
            else:
                cost[units], before[units] = min(
                    ((cost[s] + p * latency, s) for latency, s, p in below[units]), default=(0, 0)
                )
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    if limit is not Limit.NONE:
        return Answer(bound=_least(problem), limit=limit, solve_seconds=watch.seconds())
    order: list[int] = []
    units = last
    while units:
        order = [*bits(units & ~before[units]), *order]
        units = before[units]
    return Answer(
        problem.plan(order), cost[last], cost[last], solve_seconds=watch.seconds(),
        raw_status=f"{len(cost)} closed sets",
    )  # fmt: skip
