"""The flow back end against networkx, with capacities of every size."""

from __future__ import annotations

import random

import networkx as nx
import numpy as np
import pytest

from optsplit.backends import maxflow
from optsplit.errors import InvalidInput


@pytest.mark.parametrize("bits", [4, 40, 70, 90])
@pytest.mark.parametrize("seed", range(20))
def test_value_and_side_against_networkx(bits: int, seed: int) -> None:
    rng = random.Random(1000 * bits + seed)
    n = rng.randint(2, 12)
    arcs = [
        (u, v, rng.randrange(2 ** rng.choice((3, bits))))
        for u in range(n)
        for v in range(n)
        if u != v and rng.random() < 0.4
    ]
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(arcs, weight="capacity")
    tails, heads = (np.array([a[i] for a in arcs], dtype=np.int64) for i in (0, 1))
    capacities = np.array([a[2] for a in arcs], dtype=object if bits > 60 else np.int64)
    value, side = maxflow.minimum_cut(tails, heads, capacities, 0, 1)
    assert value == nx.maximum_flow_value(graph, 0, 1)
    inside = set(side.tolist())
    assert 0 in inside
    assert 1 not in inside
    # the certificate: the arcs that leave the side carry exactly the flow
    assert sum(c for u, v, c in arcs if u in inside and v not in inside) == value


def test_terminals_without_arcs() -> None:
    none = np.array([], dtype=np.int64)
    value, side = maxflow.minimum_cut(none, none, none, 3, 4)
    assert (value, side.tolist()) == (0, [3])


def test_a_sum_beyond_64_bits_is_refused() -> None:
    arcs = np.zeros(3, dtype=np.int64)
    with pytest.raises(InvalidInput, match="could overflow"):
        maxflow.minimum_cut(arcs, arcs + 1, np.full(3, 2**62), 0, 1)
