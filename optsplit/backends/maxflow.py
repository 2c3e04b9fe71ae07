"""Minimum s-t cuts by OR-Tools' push-relabel in exact 64-bit integers."""

from __future__ import annotations

import numpy as np
import ortools
from ortools.graph.python.max_flow import SimpleMaxFlow

from optsplit.errors import InvalidInput
from optsplit.problems.metric import IntArray

SOLVER = "ortools max flow"


def versions() -> dict[str, str]:
    """The version behind the answer."""
    return {"ortools": ortools.__version__}


def minimum_cut(tails: IntArray, heads: IntArray, capacities: IntArray, s: int, t: int) -> tuple[int, IntArray]:
    """The maximum flow from node s to node t, and the nodes on the source side of the least minimum cut.

    Raises
    ------
    InvalidInput
        The flow could leave 64 bits.
    """
    used = capacities > 0
    flow = SimpleMaxFlow()
    flow.add_arcs_with_capacity(tails[used], heads[used], capacities[used])
    # both terminals must exist, also where no arc touches them
    flow.add_arc_with_capacity(s, t, 0)
    if flow.solve(s, t) != flow.OPTIMAL:
        raise InvalidInput(f"a flow through {int(used.sum())} arcs could overflow 64 bits; give costs in a coarser unit")
    return flow.optimal_flow(), np.asarray(flow.get_source_side_min_cut(), dtype=np.int64)
