"""Neurosurgeon (Kang et al., ASPLOS 2017), algorithm 1: where to cut a chain of layers.

Candidates j = 0..N: the first j layers on the device, the rest on the server; j = 0 sends the input, j = N
sends nothing. The candidate of least predicted latency, or mobile energy, wins. Server times are multiplied by
the datacentre's load K. As printed it charges neither the way of the result back nor the energy of waiting.

The paper knows chains only. On a DAG it works on the prefixes of the topological order, as reproductions do, and
pays each tensor that crosses once. With limits or pins it keeps the candidates that obey them by the problem's own
prices: the paper has neither.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from optsplit.baselines.trivial import offer
from optsplit.errors import InvalidInput
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition


def predicted(problem: Partition, load: float) -> NDArray[np.float64]:
    """Shape (N + 1,): the objective of each prefix of the non-input layers, by the paper's formula.

    The input is the set of layers pinned to the device that come first in the order; it is on the device in every
    candidate. For energy, the waiting energy of server layers is left out, as printed.
    """
    metric = problem.objectives[0]
    costs = problem.costs(metric)
    order = np.array(problem.order)
    device = costs.compute[order, 0].astype(float)
    server = costs.compute[order, 1] * (0.0 if problem.metrics[metric].unit == "nJ" else load)
    up = costs.crossing(0, 1).astype(float)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    # tensor t crosses every prefix that holds its source and not its last reader
    crossing = np.zeros(len(order) + 2)
    for t, (source, readers) in enumerate(problem.tensors):
        if readers:
            crossing[rank[source] + 1] += up[t]
            crossing[int(rank[list(readers)].max()) + 1] -= up[t]
    sums = np.concatenate([[0.0], np.cumsum(device)])
    rest = np.concatenate([np.cumsum(server[::-1])[::-1], [0.0]])
    value: NDArray[np.float64] = sums + rest + np.cumsum(crossing)[: len(order) + 1]
    return value


def inputs(problem: Partition) -> int:
    """How many layers at the head of the order are the input: pinned to the first place, reading nothing."""
    reads = {v for _, readers in problem.tensors for v in readers}
    count = 0
    for layer in problem.order:
        if layer in reads or problem.fixed[layer] != 0:
            break
        count += 1
    return count


def solve(problem: Partition, options: Options) -> Answer:
    """The best prefix by the paper's own formula, priced by the problem."""
    load = options.extra.get("load", 1.0)
    if not (isinstance(load, (int, float)) and math.isfinite(load) and load > 0):
        raise InvalidInput(f"neurosurgeon: load is {load!r}; give a positive finite number")
    values = predicted(problem, float(load))
    first = inputs(problem)
    reason = ""
    # ties go to the later cut: it sends nothing that an earlier one would not
    for j in sorted(range(first, len(values)), key=lambda j: (values[j], -j)):
        answer = offer(problem, prefix(problem, j))
        if answer.plan is not None:
            return answer
        reason = reason or answer.raw_status
    return Answer(raw_status=f"no prefix obeys the rules; of the best, {reason}")


def prefix(problem: Partition, j: int) -> IntArray:
    """The first j layers of the order at the first place, the others at the second."""
    at = np.ones(len(problem.layers), dtype=np.int64)
    at[list(problem.order[:j])] = 0
    return at
