"""Minimum s-t cuts by OR-Tools' push-relabel, in exact integers of any size."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python.max_flow import SimpleMaxFlow

from optsplit.errors import InvalidInput
from optsplit.problems.metric import IntArray

SOLVER = "ortools max flow"
VERSIONS = {"ortools": version("ortools")}

_FITS = 2**62


def minimum_cut(tails: IntArray, heads: IntArray, capacities: NDArray[Any], s: int, t: int) -> tuple[int, IntArray]:
    """The maximum flow from node s to node t, and the nodes on the source side of the least minimum cut.

    Capacities that do not fit 64 bits come as an array of Python integers.

    Raises
    ------
    InvalidInput
        The flow could leave 64 bits, or, for Python integers, about 120.
    """
    used = (capacities > 0).astype(bool)
    tails, heads, capacities = tails[used], heads[used], capacities[used]
    if capacities.dtype != object or not len(capacities):
        flow = _solve(tails, heads, capacities.astype(np.int64, copy=False), s, t)
        return flow.optimal_flow(), _side(flow)
    return _wide(tails, heads, capacities, s, t)


def _solve(tails: IntArray, heads: IntArray, capacities: IntArray, s: int, t: int) -> SimpleMaxFlow:
    flow = SimpleMaxFlow()
    flow.add_arcs_with_capacity(tails, heads, capacities)
    # both terminals must exist, also where no arc touches them
    flow.add_arc_with_capacity(s, t, 0)
    if flow.solve(s, t) != flow.OPTIMAL:
        raise InvalidInput(f"a flow through {len(tails)} arcs could overflow 64 bits; give costs in a coarser unit")
    return flow


def _side(flow: SimpleMaxFlow) -> IntArray:
    return np.asarray(flow.get_source_side_min_cut(), dtype=np.int64)


def _wide(tails: IntArray, heads: IntArray, capacities: NDArray[Any], s: int, t: int) -> tuple[int, IntArray]:
    """Two flows of 64 bits: the high bits first, then what they leave.

    With capacities c = q * high + low, a minimum cut of `high` shows that the maximum flow exceeds q times its flow by
    less than q for each arc. So in the residual graph no arc carries more than that, and a cap there changes nothing.
    """
    arcs = len(tails)
    # no flow is larger than what leaves s, so no arc needs more
    leaving = int(capacities[tails == s].sum())
    capacities = np.minimum(capacities, leaving + 1)
    shift = max(0, leaving.bit_length() - 60)
    first = _solve(tails, heads, (capacities >> shift).astype(np.int64), s, t)
    carried = np.asarray(first.flows(np.arange(arcs)), dtype=np.int64).astype(object) << shift
    cap = (arcs << shift) + 1
    if cap >= _FITS:
        raise InvalidInput(f"a flow through {arcs} arcs could overflow its integers; give costs in a coarser unit")
    left = np.concatenate([np.minimum(capacities - carried, cap), np.minimum(carried, cap)]).astype(np.int64)
    # a source of its own before s keeps the preflow inside 64 bits
    before = int(max(tails.max(), heads.max(), s, t)) + 1
    second = _solve(
        np.concatenate([tails, heads, [before]]), np.concatenate([heads, tails, [s]]), np.append(left, cap), before, t
    )
    side = _side(second)
    return (first.optimal_flow() << shift) + second.optimal_flow(), side[side != before]
