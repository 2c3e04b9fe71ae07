"""Local search over orders: the best of the simple ones, then one unit at a time to where it does most good.

The neighbourhood is insertion, as is usual for sequencing problems. It works for both objectives; under "lost_queries",
which counts whole queries, the integral decides between orders that lose the same number, and the bound of
`optsplit.algorithms.upload_frontier` comes with the answer: no exact method takes that objective on large networks.
"""

from __future__ import annotations

from optsplit.algorithms.upload_frontier import most_finished
from optsplit.backends.watch import Watch
from optsplit.baselines import ionn, upload_order
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import INTEGRAL, LOST, UploadOrder
from optsplit.result import Limit

_STARTS = (upload_order.in_order, upload_order.density, ionn.layerwise, ionn.efficiency)

Price = tuple[int, int]


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The best order that moving one unit does not improve, or the best so far at a limit."""
    watch = Watch(options)

    def price(order: list[int]) -> Price:
        found = problem.evaluate(problem.plan(order))
        return found.objective, found.metrics[INTEGRAL]

    plain = Options()
    starts = [problem.positions(rule(problem, plain).plan) for rule in _STARTS]
    if options.hint is not None and not problem.evaluate(options.hint).violations:
        starts.append(problem.positions(options.hint))
    best = min(starts, key=price)
    known = [(best, price(best))]
    bound = None
    if problem.objective == LOST and problem.least:
        bound = max(0, problem.horizon // problem.least - most_finished(problem))
    watch.built()
    watch.report(known[-1][1][0], bound)

    def search() -> bool:
        better = True
        while better:
            better = False
            for unit in list(known[-1][0]):
                for place in range(len(known[-1][0])):
                    if known[-1][1][0] == bound:
                        return True
                    if watch.left() == 0.0 or watch.stopped_by is not Limit.NONE:
                        return False
                    order = [k for k in known[-1][0] if k != unit]
                    order.insert(place, unit)
                    found = price(order)
                    if found < known[-1][1]:
                        known.append((order, found))
                        better = True
                        watch.report(found[0], None)
        return True

    ended = watch.run(search)
    limit = Limit.NONE if ended else watch.stopped_by if watch.stopped_by is not Limit.NONE else Limit.TIME
    order, found = known[-1]
    return Answer(
        problem.plan(order), found[0], bound, limit=limit, build_seconds=watch.build_seconds,
        solve_seconds=watch.solve_seconds, trace=tuple(watch.trace), raw_status=f"{len(known) - 1} moves",
    )  # fmt: skip
