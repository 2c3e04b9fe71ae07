"""How much the machines must do for so many frames, whatever the cuts: a bound from minimum cuts.

For weights w_m >= 0 of the machines with sum W, and any cut c_f of each frame f,

    W * makespan >= sum_m w_m sum_f load_m(c_f) >= sum_f min_c sum_m w_m load_m(c),

one minimum cut for each network. The weights that make this largest are found by column generation, as in
`optsplit.algorithms.lagrangian`; with integer weights the bound is exact. It holds for cuts that come back to the
device too. Groups of layers are left out, which only lowers it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ortools.linear_solver import pywraplp

from optsplit.algorithms.mincut import CutNetwork
from optsplit.problems.metric import Costs, IntArray, Metric
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_operations import LATENCY

_FINE = 2**20
"""Integer weights add up to about this."""


def machine_loads(job: Partition) -> Partition:
    """The job with a metric for each of its four machines, device, uplink, server and downlink; two places."""
    costs = job.costs(LATENCY)
    device, server = costs.compute.copy(), costs.compute.copy()
    device[:, 1], server[:, 0] = 0, 0
    nothing = np.zeros_like(costs.compute)
    here, there = job.places
    metrics = {
        "device": Metric(device),
        "uplink": Metric(nothing, {(here, there): costs.transfer[0, 1]}),
        "server": Metric(server),
        "downlink": Metric(nothing, {(there, here): costs.transfer[1, 0]}),
    }
    return job.but(metrics=metrics, minimize=tuple(metrics), limits={}, links=job.links)


def bound(
    networks: Sequence[tuple[Partition, int]], late: Callable[[], bool] = lambda: False
) -> tuple[int, IntArray] | None:
    """The largest load of any machine, at least, for so many frames of each network, and the weights that prove it.

    None where a network has no cut at all. The weights have shape (4,): device, uplink, server, downlink.

    Parameters
    ----------
    networks
        Jobs over the same two places, and the number of frames of each.
    late
        Asked between cuts; when it says so, the best bound so far is returned.
    """
    problems = [machine_loads(job) for job, _ in networks]
    costs = [[problem.costs(name) for name in problem.objectives] for problem in problems]
    return largest(problems, [CutNetwork(problem) for problem in problems], costs, [n for _, n in networks], late)


def largest(
    problems: Sequence[Partition],
    cutters: Sequence[CutNetwork],
    costs: Sequence[Sequence[Costs]],
    counts: Sequence[int],
    late: Callable[[], bool] = lambda: False,
) -> tuple[int, IntArray] | None:
    """The same for networks that are laid out already, by the costs of each machine."""
    machines = len(costs[0])
    weights = np.full(machines, _FINE // machines, dtype=np.int64)
    columns: list[list[tuple[int, ...]]] = [[] for _ in problems]
    best, proof = 0, weights
    while True:
        value, fresh = 0, False
        for k, (problem, network) in enumerate(zip(problems, cutters)):
            cut = network.cut(weighted(costs[k], weights))
            if cut.at is None:
                return None
            way = problem.ways(cut.at)
            column = tuple(problem.price(cut.at, cost, way) for cost in costs[k])
            value += counts[k] * cut.value
            if column not in columns[k]:
                columns[k].append(column)
                fresh = True
        proven = -(-value // int(weights.sum()))
        if proven >= best:
            best, proof = proven, weights
        if not fresh or late():
            return best, proof
        weights = _next_weights(columns, counts)


def weighted(costs: Sequence[Costs], weights: IntArray) -> Costs:
    total: Costs | None = None
    for weight, cost in zip(weights.tolist(), costs):
        if weight:
            total = cost.plus(cost, 0, weight) if total is None else total.plus(cost, weight)
    assert total is not None
    return total


def _next_weights(columns: Sequence[Sequence[tuple[int, ...]]], counts: Sequence[int]) -> IntArray:
    """Duals of: the largest load, over mixtures of the cuts seen so far."""
    lp = pywraplp.Solver.CreateSolver("GLOP")
    size = float(max(max(column) for seen in columns for column in seen) or 1)
    z = lp.NumVar(0.0, lp.infinity(), "z")
    rows = [lp.Constraint(0.0, lp.infinity()) for _ in columns[0][0]]
    for row in rows:
        row.SetCoefficient(z, 1.0)
    for seen, count in zip(columns, counts):
        one = lp.Constraint(1.0, 1.0)
        for column in seen:
            share = lp.NumVar(0.0, 1.0, "")
            one.SetCoefficient(share, 1.0)
            for row, load in zip(rows, column):
                row.SetCoefficient(share, -count * load / size)
    lp.Minimize(z)
    if lp.Solve() != lp.OPTIMAL:
        return np.full(len(rows), _FINE // len(rows), dtype=np.int64)
    duals = np.abs([row.dual_value() for row in rows])
    weights = np.rint(duals * _FINE).astype(np.int64)
    return weights if weights.any() else np.full(len(rows), _FINE // len(rows), dtype=np.int64)
