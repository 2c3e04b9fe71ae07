"""Profile and Timing: what they refuse, merging, scaling, renaming, and the file."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optsplit.errors import InvalidInput
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.profiling.profile import Profile, Timing

GRAPH = LayerGraph("net", (Layer("a", "input"), Layer("b", "relu")), (Tensor("t", 0, (1,), 4),), ())
NOT_A_COST = [-1.0, math.nan, math.inf]


def refused(message):
    return pytest.raises(InvalidInput, match=re.escape(message))


def profile(graph=GRAPH, **places):
    return Profile(graph, {place: Timing(seconds) for place, seconds in places.items()})


def test_refuses_no_place():
    with refused("profile of 'net' has no place; give at least one timing"):
        Profile(GRAPH, {})


@pytest.mark.parametrize(
    ("timing", "what"),
    [
        (Timing((1.0,)), "seconds"),
        (Timing((1.0, 1.0), quantiles={"0.9": (1.0,)}), "quantile 0.9"),
        (Timing((1.0, 1.0), joules=(1.0,)), "joules"),
    ],
)
def test_refuses_the_wrong_number_of_values(timing, what):
    with refused(f"profile of 'net': {what} at place 'd' has 1 values; expected 2, one per layer"):
        Profile(GRAPH, {"d": timing})


@pytest.mark.parametrize("bad", NOT_A_COST)
def test_refuses_negative_and_not_finite_values(bad):
    for what, timing in {
        "seconds": Timing((1.0, bad)),
        "quantile 0.9": Timing((1.0, 1.0), quantiles={"0.9": (1.0, bad)}),
        "joules": Timing((1.0, 1.0), joules=(1.0, bad)),
    }.items():
        with refused(f"{what} of layer 'b' at place 'd' is {bad!r}; give a finite number, 0 or more"):
            Profile(GRAPH, {"d": timing})
    with refused(f"profile of 'net': seconds of the whole network at place 'd' are {bad!r}; give a finite"):
        Profile(GRAPH, {"d": Timing((1.0, 1.0), whole=bad)})


def test_unknown_place_is_refused_with_the_known_ones():
    both = profile(device=(0.0, 1.0), server=(0.0, 0.1))
    assert both.places == ("device", "server")
    assert both.timing("server").seconds == (0.0, 0.1)
    with refused("profile of 'net': unknown place 'sever'; did you mean 'server'? known: device, server"):
        both.timing("sever")


def test_ratio_is_the_sum_of_layers_over_the_whole():
    assert Timing((1.0, 2.0), whole=2.0).ratio == 1.5
    assert Timing((1.0, 2.0)).ratio is None
    assert Timing((0.0, 0.0), whole=0.0).ratio is None


def test_scaled_multiplies_every_second_drops_joules_and_says_so():
    timing = Timing((1.0, 2.0), {"0.9": (2.0, 3.0)}, 4.0, (5.0, 6.0), {"method": "measured"})
    twice = timing.scaled(2)
    assert twice.seconds == (2.0, 4.0)
    assert twice.quantiles == {"0.9": (4.0, 6.0)}
    assert twice.whole == 8.0
    assert twice.joules is None
    assert twice.source == {"method": "measured", "scaled": "2 times slower"}


def test_scaled_twice_keeps_both_factors():
    timing = Timing((1.0,)).scaled(2).scaled(3)
    assert timing.seconds == (6.0,)
    assert timing.source["scaled"] == "2 times slower, then 3 times slower"


@pytest.mark.parametrize("factor", [*NOT_A_COST, 0.0])
def test_scaled_refuses_what_is_not_positive(factor):
    with refused(f"timing scaled by {factor!r}; give a positive finite number"):
        Timing((1.0,)).scaled(factor)


def test_renamed():
    pair = profile(x=(0.0, 1.0), y=(0.0, 2.0)).renamed("device", "server")
    assert {place: t.seconds[1] for place, t in pair.timings.items()} == {"device": 1.0, "server": 2.0}
    with refused("1 names for the 2 places ('device', 'server'); give one each"):
        pair.renamed("device")


def test_merged_puts_the_other_places_behind():
    merged = profile(device=(0.0, 1.0)).merged(profile(server=(0.0, 2.0)))
    assert merged.places == ("device", "server")
    assert merged.timing("server").seconds == (0.0, 2.0)


def test_merged_refuses_a_place_that_both_have():
    with refused("place 'd' is in both profiles; rename one with Profile.renamed"):
        profile(d=(0.0, 1.0)).merged(profile(d=(0.0, 2.0)))


A, B = GRAPH.layers
T = GRAPH.tensors[0]


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (replace(GRAPH, layers=(A, Layer("c", "relu"))), "layer 'b' against 'c'"),
        (replace(GRAPH, layers=(A, Layer("b", "gelu"))), "layer 'b': kind 'relu' against 'gelu'"),
        (replace(GRAPH, tensors=(replace(T, bytes=8),)), "tensor 't': bytes 4 against 8"),
        (
            replace(GRAPH, layers=(A, B, Layer("c", "relu"))),
            "2 layers and 1 tensors against 3 layers and 1 tensors",
        ),
        (replace(GRAPH, tensors=()), "2 layers and 1 tensors against 2 layers and 0 tensors"),
    ],
)
def test_merged_refuses_another_network_and_names_the_first_difference(other, difference):
    other = replace(other, name="other")
    seconds = (0.0,) * len(other.layers)
    with refused(f"profiles of 'net' and 'other' differ ({difference}); profile the same network"):
        profile(d=(0.0, 1.0)).merged(profile(other, s=seconds))


@st.composite
def profiles(draw):
    """Profiles of `GRAPH` with any costs at any places."""
    row = st.tuples(*[st.floats(0, 1e9)] * len(GRAPH.layers))
    text = st.text(max_size=5)
    timing = st.builds(
        Timing,
        row,
        st.dictionaries(text, row, max_size=2),
        st.none() | st.floats(0, 1e9),
        st.none() | row,
        st.dictionaries(text, text, max_size=2),
    )
    return Profile(GRAPH, draw(st.dictionaries(text, timing, min_size=1, max_size=3)))


@settings(deadline=None)
@given(original=profiles())
def test_file_round_trip(original, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "profile.json"
    original.save(path)
    read = Profile.load(path)
    assert read == original
    assert read.places == original.places  # the order is part of it: the first place holds the input
