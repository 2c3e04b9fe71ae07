"""DADS (Hu et al., INFOCOM 2019), light workload: a minimum cut of the graph as the paper prints it.

The printed graph has an arc edge -> v of the layer's cloud time, v -> cloud of its edge time, v -> reader of its
transmission time, and one auxiliary node where a layer has several readers. It has no arcs back, so data come
from cloud to edge for nothing, no pinned input, so that with all layers in the cloud nothing is uploaded, and no way
back for the result. Its plan is priced here by the problem's own prices, with the input where it is pinned.
"""

from __future__ import annotations

import numpy as np

from optsplit.backends import maxflow
from optsplit.baselines.trivial import offer
from optsplit.method import Answer, Options
from optsplit.problems.partition import Partition


def light(problem: Partition, options: Options) -> Answer:
    """The least cut of the printed graph, then the pins, then the problem's own price."""
    costs = problem.costs(problem.objectives[0])
    n, up = len(problem.layers), costs.crossing(0, 1)
    s, t = n, n + 1
    read, reader = problem.reads
    several = np.bincount(read, minlength=len(up)) > 1
    hubs = np.nonzero(several)[0]
    hub = np.full(len(up), -1, dtype=np.int64)
    hub[hubs] = n + 2 + np.arange(len(hubs))
    endless = costs.total + 1
    layers = np.arange(n)
    # a tensor with one reader has its arc to it; with several, one arc to its auxiliary node
    single = ~several[read]
    tails = [np.full(n, s), layers, problem.sources[read[single]], problem.sources[hubs], hub[read[~single]]]
    heads = [layers, np.full(n, t), reader[single], hub[hubs], reader[~single]]
    capacities = [
        costs.compute[:, 1],
        costs.compute[:, 0],
        up[read[single]],
        up[hubs],
        np.full(int((~single).sum()), endless),
    ]
    _, side = maxflow.minimum_cut(np.concatenate(tails), np.concatenate(heads), np.concatenate(capacities), s, t)
    at = np.ones(n, dtype=np.int64)
    at[side[side < n]] = 0
    return offer(problem, np.where(problem.fixed >= 0, problem.fixed, at))
