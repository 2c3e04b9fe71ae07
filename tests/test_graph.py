"""LayerGraph: what it refuses, what it computes, and its file."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optsplit.errors import InvalidInput
from optsplit.graph import Layer, LayerGraph, Tensor

# a -> b -> d, a -> c -> d; b and c share a weight
DIAMOND = LayerGraph(
    name="diamond",
    layers=(
        Layer("a", "input"),
        Layer("b", "conv", flops=100, weights=("w", "bias")),
        Layer("c", "conv", flops=50, weights=("w",), features={"input_size": 4.0}),
        Layer("d", "add", flops=2),
    ),
    tensors=(
        Tensor("ta", 0, (1, 2), 16, (4,)),
        Tensor("tb", 1, (3,), 8, (2,)),
        Tensor("tc", 2, (3,), 8, (2,)),
        Tensor("td", 3, (), 8, (2,)),
    ),
    outputs=("td",),
    weights={"w": 40, "bias": 4},
)


def refused(message):
    return pytest.raises(InvalidInput, match=re.escape(message))


def with_tensors(*tensors):
    return replace(DIAMOND, tensors=tensors, outputs=())


def test_refuses_no_layers():
    with refused("graph 'g' has no layers; give at least one"):
        LayerGraph("g", (), (), ())


def test_refuses_duplicate_layers():
    with refused("graph 'diamond': layer name 'a' stands twice; names must be unique"):
        replace(DIAMOND, layers=(*DIAMOND.layers[:3], Layer("a", "add")))


def test_refuses_duplicate_tensors():
    with refused("graph 'diamond': tensor name 't' stands twice; names must be unique"):
        with_tensors(Tensor("t", 0, (1,), 1), Tensor("t", 1, (3,), 1))


def test_refuses_negative_flops():
    with refused("graph 'g': layer 'a' has flops -1; give 0 or more"):
        LayerGraph("g", (Layer("a", "input", flops=-1),), (), ())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_refuses_features_that_are_not_finite(value):
    with refused(f"graph 'g': layer 'a' has input_size {value!r}; give a finite number"):
        LayerGraph("g", (Layer("a", "relu", features={"input_size": value}),), (), ())


def test_refuses_unknown_weights():
    with refused("graph 'g': layer 'a' reads unknown weight 'ww'; did you mean 'w'? known: w"):
        LayerGraph("g", (Layer("a", "conv", weights=("ww",)),), (), (), {"w": 1})


def test_refuses_negative_weights():
    with refused("graph 'diamond': weight 'w' has -4 bytes; give 0 or more"):
        replace(DIAMOND, weights={"w": -4, "bias": 4})


def test_refuses_negative_tensors():
    with refused("graph 'diamond': tensor 't' has -8 bytes; give 0 or more"):
        with_tensors(Tensor("t", 0, (1,), -8))


@pytest.mark.parametrize(("source", "reader", "named"), [(4, 1, 4), (0, 9, 9), (-1, 1, -1)])
def test_refuses_layer_indices_that_do_not_exist(source, reader, named):
    with refused(f"graph 'diamond': tensor 't' names layer index {named}; layers are 0..3"):
        with_tensors(Tensor("t", source, (reader,), 8))


def test_refuses_unknown_outputs():
    with refused("graph 'diamond': output is unknown tensor 'zz'; known: ta, tb, tc, td"):
        replace(DIAMOND, outputs=("zz",))


def test_refuses_a_cycle_and_shows_it():
    with pytest.raises(InvalidInput) as caught:
        with_tensors(Tensor("x", 1, (2,), 8), Tensor("y", 2, (3,), 8), Tensor("z", 3, (1,), 8))
    assert str(caught.value) in {
        f"graph 'diamond' has a cycle: {path}; a network must be acyclic, remove one of these edges"
        for path in ("'b' -> 'c' -> 'd' -> 'b'", "'c' -> 'd' -> 'b' -> 'c'", "'d' -> 'b' -> 'c' -> 'd'")
    }


def test_refuses_a_layer_that_reads_itself():
    with refused("graph 'diamond' has a cycle: 'b' -> 'b'; a network must be acyclic"):
        with_tensors(Tensor("t", 1, (1,), 8))


def test_refuses_layers_out_of_order():
    with refused("graph 'diamond': layers are not in topological order; sort them so that readers come later"):
        with_tensors(Tensor("t", 3, (1,), 8))


def test_sizes():
    assert DIAMOND.flops == 152
    assert DIAMOND.weight_bytes == 44  # the shared weight once
    assert DIAMOND.layer_weight_bytes == (0, 44, 40, 0)  # and here for each reader
    assert DIAMOND.index == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_to_networkx():
    graph = DIAMOND.to_networkx()
    assert graph.name == "diamond"
    assert graph.nodes["b"] == {"kind": "conv", "flops": 100, "weight_bytes": 44}
    assert {(u, v): d["bytes"] for u, v, d in graph.edges(data=True)} == {
        ("a", "b"): 16,
        ("a", "c"): 16,
        ("b", "d"): 8,
        ("c", "d"): 8,
    }


def test_to_networkx_adds_tensors_of_one_edge_but_counts_each_once():
    # b reads x twice (x + x) and y once: 16 + 8 bytes
    graph = with_tensors(Tensor("x", 0, (1, 1), 16), Tensor("y", 0, (1,), 8)).to_networkx()
    assert graph.edges["a", "b"]["bytes"] == 24


@st.composite
def graphs(draw):
    """Any valid graph: readers always come after the source."""
    text = st.text(max_size=5)
    size = st.integers(0, 2**63 - 1)
    weights = draw(st.dictionaries(text, size, max_size=3))
    names = draw(st.lists(text, unique=True, min_size=1, max_size=6))
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    read = st.lists(st.sampled_from(sorted(weights)), max_size=3).map(tuple) if weights else st.just(())
    layers = tuple(
        Layer(
            name,
            draw(text),
            draw(size),
            draw(read),
            draw(st.booleans()),
            draw(st.dictionaries(text, numbers, max_size=2)),
        )
        for name in names
    )
    tensors = []
    for name in draw(st.lists(text, unique=True, max_size=6)):
        source = draw(st.integers(0, len(names) - 1))
        later = range(source + 1, len(names))
        readers = draw(st.lists(st.sampled_from(later), max_size=3)) if later else []
        shape = tuple(draw(st.lists(st.integers(0, 9), max_size=4)))
        tensors.append(Tensor(name, source, tuple(readers), draw(size), shape, draw(text)))
    outputs = draw(st.lists(st.sampled_from([t.name for t in tensors]), max_size=2)) if tensors else []
    return LayerGraph(
        draw(text),
        layers,
        tuple(tensors),
        tuple(outputs),
        weights,
        draw(st.sampled_from(["operations", "modules"])),
    )


@settings(deadline=None)
@given(graph=graphs())
def test_file_round_trip(graph, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "graph.json"
    graph.to_networkx()
    _ = graph.index, graph.layer_weight_bytes  # what is cached must not reach the file
    graph.save(path)
    assert LayerGraph.load(path) == graph
