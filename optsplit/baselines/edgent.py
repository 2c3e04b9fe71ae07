"""Edgent (Li, Zhou, Chen, MECOMM 2018; Li, Zeng, Zhou, Chen, IEEE TWC 2020): the largest exit that meets a deadline.

Algorithm 1: exits from the last to the first; for each, the partition point p in 1..N of least

    A(i, p) = sum_{j < p} ES_j + sum_{j >= p} ED_j + Input / B + D_{p-1} / B,

so the first p - 1 layers run at the edge and the others at the device; the first exit whose least A meets the deadline
is taken. As printed, Input / B is paid also for p = 1, where nothing is sent, and no p puts every layer at the edge.
It takes accuracy to grow with the exits: where it does not, its first exit is not the best.

`repaired` prices each point as the problem does, with all layers at the device and all at the edge among them, tries
the exits by accuracy, and keeps every other limit. Both know edge first, device after it, only: never the other way
round. On a network that is no chain the points are those of the topological order.
"""

from __future__ import annotations

import numpy as np

from optsplit.baselines.neurosurgeon import inputs
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.precision import ERROR
from optsplit.problems.routed import Routed

LATENCY = "latency"


def refuses(problem: Partition) -> str | None:
    """Why the paper's question is not asked, or None."""
    if problem.exits is None:
        return "it chooses among exits, and this problem has none"
    if problem.objectives == (ERROR,) and LATENCY in problem.limits:
        return None
    return "it maximises accuracy under a deadline, a limit on the metric 'latency'"


def edge_first(plain: Partition, points: int) -> IntArray:
    """Shape (n,): the input and all but the first `points` layers behind it at the first place, those at the second."""
    at = np.zeros(len(plain.layers), dtype=np.int64)
    first = inputs(plain)
    at[list(plain.order[first : first + points])] = 1
    return at


def printed(plain: Partition) -> list[int]:
    """A(i, p) for p = 1..N: what the paper's formula says of each partition point."""
    costs = plain.costs(LATENCY)
    first, up, down = inputs(plain), costs.crossing(0, 1), costs.crossing(1, 0)
    rank = {v: i for i, v in enumerate(plain.order)}
    received = sum(int(up[t]) for t, (u, _) in enumerate(plain.tensors) if rank[u] < first)
    device = [int(costs.compute[v, 0]) for v in plain.order]
    edge = [int(costs.compute[v, 1]) for v in plain.order]
    found = []
    for p in range(1, len(plain.order) - first + 1):
        last = first + p - 1  # layers before it run at the edge
        sent = sum(
            int(down[t])
            for t, (u, readers) in enumerate(plain.tensors)
            if first <= rank[u] < last and any(rank[v] >= last for v in readers)
        )
        found.append(sum(device[:first]) + sum(edge[first:last]) + sum(device[last:]) + received + sent)
    return found


def as_printed(problem: Partition, options: Options) -> Answer:
    """The last exit whose least latency, by the paper's formula, meets the deadline."""
    assert problem.exits is not None
    for layer in reversed(problem.exits.layers):
        routed = problem.routed(problem.exits.alone(layer))
        latency = printed(routed.problem)
        p = min(range(len(latency)), key=latency.__getitem__, default=None)
        if p is not None and latency[p] <= problem.limits[LATENCY]:
            return _offer(problem, routed, edge_first(routed.problem, p))
    return Answer(raw_status="by its formula no exit meets the deadline at any partition point")


def repaired(problem: Partition, options: Options) -> Answer:
    """The most accurate exit at which some partition point obeys every rule, and there the fastest such point."""
    assert problem.exits is not None
    for layer in sorted(problem.exits.layers, key=lambda layer: -problem.exits.accuracy[layer]):  # type: ignore[union-attr]
        routed = problem.routed(problem.exits.alone(layer))
        plain = routed.problem
        costs = plain.costs(LATENCY)
        points = [edge_first(plain, k) for k in range(len(plain.layers) - inputs(plain) + 1)]
        for at in sorted(points, key=lambda at: plain.price(at, costs)):
            answer = _offer(problem, routed, at)
            if answer.plan is not None:
                return answer
    return Answer(raw_status="no exit meets the deadline at any partition point")


def _offer(problem: Partition, routed: Routed, at: IntArray) -> Answer:
    plan = routed.outer(routed.problem.plan(at))
    violations = problem.evaluate(plan).violations
    return Answer(raw_status=f"its plan breaks a rule: {violations[0]}") if violations else Answer(plan)
