"""From a profile: units of shared weights, the uplink shared with queries, loading, and what is there already."""

import pytest

from optsplit import Profile
from optsplit.errors import InvalidInput
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.hardware import Connection, Link
from optsplit.problems.upload_from_profile import shared, weight_units
from optsplit.problems.upload_order import UploadOrder
from optsplit.profiling.profile import Timing

# 1 byte per microsecond up, 2 down
LINK = Connection("test", Link(1e6), Link(2e6))


def graph():
    """Input -> a -> b -> c, where a and c share one weight, and b has a buffer of no bytes besides its own."""
    weights = {"a": ("tied", "a.bias"), "b": ("b.w", "b.bias", "b.count"), "c": ("tied",)}
    layers = (Layer("input", "input"), *(Layer(name, "linear", weights=of) for name, of in weights.items()))
    tensors = tuple(Tensor(layer.name, i, (i + 1,) if i < 3 else (), 100) for i, layer in enumerate(layers))
    sizes = {"tied": 1000, "a.bias": 10, "b.w": 500, "b.bias": 20, "b.count": 0}
    return LayerGraph("tied", layers, tensors, ("c",), sizes)


def profile():
    timings = {"device": Timing((0.0, 1e-3, 1e-3, 1e-3)), "server": Timing((0.0, 1e-4, 1e-4, 1e-4))}
    return Profile(graph(), timings)


def test_units_are_weights_with_the_same_readers():
    assert weight_units(graph()) == {"tied": (1000, [1, 3]), "a": (10, [1]), "b": (520, [2])}


def test_nanoseconds_of_upload():
    problem = UploadOrder.from_profile(profile(), LINK)
    assert dict(zip(problem.names, problem.times)) == {"tied": 1_000_000, "a": 10_000, "b": 520_000}
    assert problem.features == {"shared weights"}
    loaded = UploadOrder.from_profile(profile(), LINK, load_seconds=1e-6, load_seconds_per_byte=1e-9)
    assert dict(zip(loaded.names, loaded.times)) == {"tied": 1_002_000, "a": 11_010, "b": 521_520}


def test_downlink_and_uplink_are_priced():
    problem = UploadOrder.from_profile(profile(), LINK)
    assert problem.latency(0) == 3_000_000
    # 100 us up, 3 * 100 us there, 50 us down
    assert problem.least == 450_000


def test_queries_have_the_rest_of_the_uplink():
    problem = UploadOrder.from_profile(profile(), LINK, share=0.75)
    assert dict(zip(problem.names, problem.times)) == {"tied": 1_333_333, "a": 13_333, "b": 693_333}
    assert problem.least == 400_000 + 300_000 + 50_000
    assert shared(LINK, None) == (LINK, 1e6)
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(InvalidInput, match=r"share is .*; give a number above 0 and below 1"):
            UploadOrder.from_profile(profile(), LINK, share=wrong)


def test_present_pins_and_load():
    problem = UploadOrder.from_profile(
        profile(), LINK, present=["tied"], pins={"b": "device"}, load={"device": 2.0}, objective="lost_queries"
    )
    assert problem.present == {"tied"}
    assert problem.partition.pins == {"input": "device", "b": "device"}
    assert problem.latency(0) == 3 * 2_000_000 - 2_000_000 + 100_000 + 100_000 + 50_000  # c alone moves
    assert problem.objective == "lost_queries"


def test_a_name_that_a_layer_has_already_is_told_apart():
    layers = (Layer("x", "input"), Layer("w", "linear", weights=("w",)), Layer("v", "linear", weights=("w", "v.b")))
    tensors = tuple(Tensor(layer.name, i, (i + 1,) if i < 2 else (), 1) for i, layer in enumerate(layers))
    found = weight_units(LayerGraph("n", layers, tensors, ("v",), {"w": 5, "v.b": 1}))
    assert found == {"w (shared)": (5, [1, 2]), "v": (1, [2])}


def test_wrong_arguments_are_named():
    with pytest.raises(InvalidInput, match="load_seconds is -1"):
        UploadOrder.from_profile(profile(), LINK, load_seconds=-1)
    with pytest.raises(InvalidInput, match="an upload needs an optsplit"):
        UploadOrder.from_profile(profile(), {("device", "server"): LINK.up})
    timings = {**profile().timings, "edge": profile().timings["server"]}
    with pytest.raises(InvalidInput, match="has the places device, server, edge; an upload has two"):
        UploadOrder.from_profile(Profile(graph(), timings), LINK)
    slow = Connection("slow", Link(1e-9), Link(1.0))
    with pytest.raises(InvalidInput, match=r"give a faster link|coarser unit"):
        UploadOrder.from_profile(profile(), slow)


def test_an_upload_beyond_the_integers_is_named():
    with pytest.raises(InvalidInput, match=r"upload of unit 'tied', 1000 bytes, takes 1e\+18 ns; give a faster link"):
        UploadOrder.from_profile(profile(), LINK, share=1e-12)


def test_weights_of_no_bytes_are_no_unit():
    layers = (Layer("x", "input"), Layer("a", "linear", weights=("a.count",)), Layer("b", "linear", weights=("b.w",)))
    tensors = tuple(Tensor(layer.name, i, (i + 1,) if i < 2 else (), 1) for i, layer in enumerate(layers))
    found = weight_units(LayerGraph("n", layers, tensors, ("b",), {"a.count": 0, "b.w": 3}))
    assert found == {"b": (3, [2])}
