"""Partition over places in a line (device, edge, cloud) as a minimum cut with thresholds, inside a branch and bound.

A layer v at place x_v has P - 1 nodes N(v, k), k = 1..P-1, on the sink side where x_v >= k; N(v, 0) is the sink and
N(v, P) the source. Endless arcs N(v, k) -> N(v, k + 1) order them, and the arc N(v, p + 1) -> N(v, p) carries
compute[v, p]: any cost of a single layer (Ishikawa 2003). A tensor of source u whose farthest reader to the right is
r pays F(x_u, x_r); where F is written as a sum of w(i, j) >= 0 over all i < j inside [x_u, x_r], each term is an arc
N(u, i + 1) -> N(r, j), and through one auxiliary node it is paid once for all readers. Such w exist when costs add up
along the line, or exceed it: F(p, q') + F(p', q) >= F(p, q) + F(p', q') for p <= p' <= q <= q', with F(p, p) = 0
(`optsplit.algorithms.intervals`). Ways to the left are the mirror image, so data may flow both ways; `one_way`
adds endless arcs N(reader, k) -> N(u, k).

A tensor that is read at two places on the same side is charged here for the farther one alone, and the problem charges
both. So the flow is a lower bound, equal to the price of its plan unless that happens; then the place of such a
reader is branched on. Readers whose ranges of places no longer meet are charged apart, so that the bound is exact
when the ranges are single places, and in practice after a handful of cuts. The certificate is the least flow over the
leaves of the tree.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time

from optsplit.algorithms.thresholds import ThresholdNetwork
from optsplit.backends import maxflow
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.result import Limit, TracePoint


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan of one metric over places in a line, proven by flows."""
    start = time.perf_counter()
    network = ThresholdNetwork(problem)
    built = time.perf_counter()
    deadline = math.inf if options.time_limit is None else start + options.time_limit
    low, high = network.domains()
    serial = itertools.count()
    open_nodes: list[tuple[int, int, IntArray, IntArray, IntArray]] = []
    best: int | None = None
    plan: PartitionPlan | None = None
    trace: list[TracePoint] = []
    limit, bound, flows = Limit.NONE, 0, 0

    def look(low: IntArray, high: IntArray) -> None:
        """Cut one box of ranges; keep its plan if it is the best, and the box if it may hold a better one."""
        nonlocal best, plan, flows
        flows += 1
        cut = network.cut(low, high)
        if cut is None:
            return
        value, at = cut
        paid = problem.price(at, network.costs)
        if (best is None or paid < best) and network.obeys(at):
            best, plan = paid, problem.plan(at)
        if value < paid:
            heapq.heappush(open_nodes, (value, next(serial), low, high, at))

    def report() -> None:
        point = TracePoint(time.perf_counter() - start, best, bound)
        if not trace or (trace[-1].objective, trace[-1].bound) != (best, bound):
            trace.append(point)
            if options.progress is not None:
                options.progress(point)

    try:
        look(low, high)
        while open_nodes:
            value, _, low, high, at = heapq.heappop(open_nodes)
            bound = max(bound, value if best is None else min(value, best))
            report()
            if best is not None and best - bound <= options.gap * max(abs(best), 1):
                break
            if time.perf_counter() > deadline:
                limit = Limit.TIME
                break
            layer, place = network.split(at, low, high)
            for left in (True, False):
                narrow_low, narrow_high = low.copy(), high.copy()
                if left:
                    narrow_high[layer] = place
                else:
                    narrow_low[layer] = place + 1
                look(narrow_low, narrow_high)
        else:
            bound = bound if best is None else best
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
    if limit is Limit.NONE and best is not None and bound < best:
        limit = Limit.GAP
    report()
    return Answer(
        plan=plan, objective=best, bound=None if best is None and limit is Limit.NONE else bound,
        infeasible=best is None and limit is Limit.NONE, limit=limit, build_seconds=built - start,
        solve_seconds=time.perf_counter() - built, trace=tuple(trace), solver=maxflow.SOLVER,
        versions=maxflow.VERSIONS, raw_status="every cut is infinite" if best is None else f"minimum cuts: {flows}",
    )  # fmt: skip
