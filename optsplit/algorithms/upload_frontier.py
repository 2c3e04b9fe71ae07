"""What no order can beat at any moment: the hull of (time of upload, latency), and the queries that it lets finish.

After t nanoseconds an order has uploaded a set S with p(S) <= t, so a query that starts then takes at least
f(t) = min {L(S): p(S) <= t}, which is at least the lower convex hull h(t). Its corners are found by minimum cuts
(Eisner and Severance 1976), as in `optsplit.algorithms.hull`.

Queries asked back to back start at t_0 = 0 and t_i+1 >= t_i + h(t_i). Where latency falls faster than time passes, a
later start ends earlier; so let g(t) = min over s >= t of s + h(s), which never falls. By induction t_i is at least
the i-th iterate of g from 0, and no order finishes more queries by H than iterates other than the first fit.
"""

from __future__ import annotations

from itertools import pairwise

from optsplit.algorithms.upload_cut import network
from optsplit.problems.upload_order import UploadOrder

Corner = tuple[int, int]
"""(nanoseconds of upload, latency)."""


def hull(problem: UploadOrder) -> list[Corner]:
    """The corners of the lower hull, from nothing uploaded to the least latency."""
    cuts = network(problem)

    def corner(units: int) -> Corner:
        fresh = units & ~problem.there
        return sum(p for k, p in enumerate(problem.times) if fresh >> k & 1), problem.latency(fresh)

    def between(low: Corner, high: Corner) -> list[Corner]:
        wide, steep = high[0] - low[0], low[1] - high[1]
        found = corner(cuts.least(-1, price=steep, scale=wide).used)
        if wide * found[1] + steep * found[0] >= wide * low[1] + steep * low[0]:
            return []
        return [*between(low, found), found, *between(found, high)]

    start, end = (0, problem.latency(0)), (problem.horizon, problem.least)
    return [start, *between(start, end), end] if start != end else [start]


def most_finished(problem: UploadOrder) -> int:
    """No order finishes more queries, asked back to back, within the horizon. `problem.least` is above 0."""
    corners = hull(problem)
    # corners are convex: from the first whose fall is slower than time on, an earlier start ends earlier
    turn = next((low for low, high in pairwise(corners) if low[1] - high[1] <= high[0] - low[0]), corners[-1])
    clock = finished = 0
    while True:
        clock = max(clock, turn[0])
        clock += hull_at(corners, clock)
        if clock > problem.horizon:
            return finished
        finished += 1


def hull_at(corners: list[Corner], moment: int) -> int:
    """The hull at a moment, rounded up: latencies are integers."""
    for low, high in pairwise(corners):
        if moment < high[0]:
            return low[1] - (low[1] - high[1]) * (moment - low[0]) // (high[0] - low[0])
    return corners[-1][1]
