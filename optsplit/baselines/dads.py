"""DADS (Hu et al., INFOCOM 2019): a minimum cut of the graph as the paper prints it, for light and for heavy load.

The printed graph has an arc edge -> v of the layer's cloud time, v -> cloud of its edge time, v -> reader of its
transmission time, and one auxiliary node where a layer has several readers. It has no arcs back, so data come
from cloud to edge for nothing, no pinned input, so that with all layers in the cloud nothing is uploaded, and no way
back for the result. Its plan is priced here by the problem's own prices, with the input where it is pinned.

Under heavy load the largest of the three stages counts: edge, transmission, cloud. The paper weighs the edge times by
alpha and the cloud times by gamma, cuts, and keeps the weights whose cut has the least largest stage. Which weights it
tries is not printed; here each runs over powers of two, 1/256 to 256.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optsplit.backends import maxflow
from optsplit.baselines.trivial import offer
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition

_SCALE = 256
_WEIGHTS = [2**k for k in range(17)]  # in units of 1 / _SCALE


def light(problem: Partition, options: Options) -> Answer:
    """The least cut of the printed graph, then the pins, then the problem's own price."""
    costs = problem.costs(problem.objectives[0])
    return offer(problem, _printed(problem, costs.compute[:, 0], costs.compute[:, 1], costs.crossing(0, 1)))


def heavy(problem: Partition, options: Options) -> Answer:
    """The cut of least largest stage over the grid of weights, by the problem's own prices."""
    metrics = [problem.costs(name) for name in problem.objectives]
    here, there = (sum(costs.compute[:, p] for costs in metrics) for p in (0, 1))
    up = sum(costs.crossing(0, 1) for costs in metrics)
    # exact integers: the weighted sums may leave 64 bits
    edge, cloud, way = (np.asarray(part).astype(object) for part in (here, there, up))
    best: tuple[int, Answer] | None = None
    reason = ""
    seen: set[bytes] = set()
    for alpha in _WEIGHTS:
        for gamma in _WEIGHTS:
            at = _printed(problem, edge * alpha, cloud * gamma, way * _SCALE)
            if at.tobytes() in seen:
                continue
            seen.add(at.tobytes())
            answer = offer(problem, at)
            if answer.plan is None:
                reason = reason or answer.raw_status
                continue
            value = problem.evaluate(answer.plan).objective
            if best is None or value < best[0]:
                best = value, answer
    return Answer(raw_status=f"no cut of the grid obeys the rules; of the first, {reason}") if best is None else best[1]


def _printed(problem: Partition, here: NDArray[Any], there: NDArray[Any], up: NDArray[Any]) -> IntArray:
    """The least cut of the printed graph, then the pins."""
    n = len(problem.layers)
    s, t = n, n + 1
    read, reader = problem.reads
    several = np.bincount(read, minlength=len(up)) > 1
    hubs = np.nonzero(several)[0]
    hub = np.full(len(up), -1, dtype=np.int64)
    hub[hubs] = n + 2 + np.arange(len(hubs))
    endless = int(here.sum()) + int(there.sum()) + int(up.sum()) + 1
    layers = np.arange(n)
    # a tensor with one reader has its arc to it; with several, one arc to its auxiliary node
    single = ~several[read]
    tails = [np.full(n, s), layers, problem.sources[read[single]], problem.sources[hubs], hub[read[~single]]]
    heads = [layers, np.full(n, t), reader[single], hub[hubs], reader[~single]]
    capacities = [there, here, up[read[single]], up[hubs], np.full(int((~single).sum()), endless, dtype=up.dtype)]
    capacity = np.concatenate(capacities)
    if capacity.dtype == object and n * endless < 2**62:
        capacity = capacity.astype(np.int64)
    _, side = maxflow.minimum_cut(np.concatenate(tails), np.concatenate(heads), capacity, s, t)
    at = np.ones(n, dtype=np.int64)
    at[side[side < n]] = 0
    return np.where(problem.fixed >= 0, problem.fixed, at)
