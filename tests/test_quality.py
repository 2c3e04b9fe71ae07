"""Packings and exits of a profile: what they refuse, merging, renaming, and the file."""

import math
import re
from dataclasses import replace

import msgspec
import pytest

from optsplit import files
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.profiling.profile import Profile, Timing
from optsplit.profiling.quality import ExitPattern, ExitTable, Packing

GRAPH = LayerGraph(
    "net",
    (Layer("a", "input"), Layer("b", "relu"), Layer("c", "linear")),
    (Tensor("t", 0, (1,), 400), Tensor("u", 1, (2,), 400), Tensor("v", 2, (), 40)),
    ("u", "v"),
)
EIGHT = Packing(8, 110, {"d": 1e-4}, {"d": 2e-4}, 0.01)
FOUR = Packing(4, 60, {"d": 1e-4}, {"d": 2e-4}, 0.05)
PATTERNS = (ExitPattern((2, 2), (True, True), 6), ExitPattern((0, 1), (False, True), 4))
EXITS = ExitTable(("b", "c"), (0.6, 1.0), (0.5, 0.9), PATTERNS)


def refused(message, error=InvalidInput):
    return pytest.raises(error, match=re.escape(message))


def profile(*places, **more):
    return Profile(GRAPH, {place: Timing((0.0, 1.0, 1.0)) for place in places or ("d",)}, **more)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bits": 0}, "packing with 0 bits per value; give 1 to 32"),
        ({"bits": 33}, "packing with 33 bits per value; give 1 to 32"),
        ({"bytes": -1}, "packing with 8 bits: -1 bytes; give 0 or more"),
        ({"pack_seconds": {"d": -1.0}}, "pack_seconds at place 'd' is -1.0; give a finite number, 0 or more"),
        ({"unpack_seconds": {"d": math.inf}}, "unpack_seconds at place 'd' is inf"),
        ({"drop": -0.01}, "accuracy drop is -0.01; give a number in [0, 1]"),
        ({"drop": math.nan}, "accuracy drop is nan"),
    ],
)
def test_packing_refuses(changes, message):
    with refused(message):
        replace(EIGHT, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": (), "accuracy": ()}, "table of exits has no layer; give at least one exit"),
        ({"layers": ("b", "b")}, "exit 'b' stands twice in the table of exits; give it once"),
        ({"accuracy": (0.5,)}, "1 accuracies for 2 exits; give one each"),
        ({"accuracy": (0.5, 1.2)}, "exit 'c': accuracy is 1.2; give a number in [0, 1]"),
        ({"accuracy": (math.nan, 1.0)}, "exit 'b': accuracy is nan; give a number in [0, 1]"),
        ({"thresholds": (0.5, 1.5)}, "threshold is 1.5; give a number in [0, 1]"),
        ({"thresholds": (0.9, 0.5)}, "thresholds (0.9, 0.5) do not ascend; sort them, each once"),
        ({"thresholds": (0.5, 0.5)}, "do not ascend"),
        ({"thresholds": ()}, "0 thresholds but 2 patterns; give both, or neither"),
        ({"patterns": ()}, "2 thresholds but 0 patterns; give both, or neither"),
        ({"patterns": (ExitPattern((1,), (True, True), 1),)}, "levels has 1 values for 2 exits; give one each"),
        ({"patterns": (ExitPattern((1, 1), (True,), 1),)}, "correct has 1 values for 2 exits; give one each"),
        ({"patterns": (ExitPattern((1, 3), (True, True), 1),)}, "level 3 at exit 'c'; the grid has levels 0 to 2"),
        ({"patterns": (ExitPattern((1, 1), (True, True), 0),)}, "exit pattern: count is 0; give 1 or more"),
    ],
)
def test_table_of_exits_refuses(changes, message):
    with refused(message):
        replace(EXITS, **changes)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"packings": {"x": (EIGHT,)}}, "profile of 'net': packing of unknown tensor 'x'; known: t, u, v"),
        ({"packings": {"t": (EIGHT, EIGHT)}}, "tensor 't' has two packings with 8 bits; give one"),
        (
            {"packings": {"t": (replace(EIGHT, unpack_seconds={"phone": 0.1}),)}},
            "packing of tensor 't' with 8 bits: unknown place 'phone'; known: d",
        ),
        ({"exits": replace(EXITS, layers=("b", "z"))}, "profile of 'net': exit is unknown layer 'z'; known: a, b, c"),
    ],
)
def test_profile_refuses_names_that_it_does_not_have(more, message):
    with refused(message):
        profile(**more)


def test_file_round_trip(tmp_path):
    rich = profile(packings={"t": (EIGHT, FOUR)}, exits=EXITS, quality={"exits": "labels"})
    rich.save(tmp_path / "rich.json.gz")
    assert Profile.load(tmp_path / "rich.json.gz") == rich
    assert rich.exits.samples == 10


def test_a_file_from_before_has_neither():
    content = msgspec.to_builtins(profile())
    for name in ("packings", "exits", "quality"):
        del content[name]
    old = files.loads(files.dumps("profile", content), "profile", Profile)
    assert old == profile()
    assert (old.packings, old.exits, old.quality) == ({}, None, {})


def test_a_wrong_number_in_a_file_is_refused_with_its_place():
    content = msgspec.to_builtins(profile(exits=EXITS))
    content["exits"]["accuracy"] = (0.5, 2)
    with refused("exit 'c': accuracy is 2", FileFormatError):
        files.loads(files.dumps("profile", content), "profile", Profile)


def test_renamed_places_are_renamed_in_packings_too():
    renamed = profile(packings={"t": (EIGHT,)}).renamed("phone")
    assert renamed.packings["t"][0] == replace(EIGHT, pack_seconds={"phone": 1e-4}, unpack_seconds={"phone": 2e-4})


def test_merged_profiles_know_the_seconds_of_both_and_the_worse_bytes_and_drop():
    mine = profile("d", packings={"t": (EIGHT, FOUR)}, exits=EXITS, quality={"exits": "mine"})
    other = replace(EIGHT, bytes=100, drop=0.02, pack_seconds={"s": 1e-5}, unpack_seconds={"s": 2e-5})
    theirs = profile("s", packings={"t": (other,), "u": (other,)}, quality={"exits": "theirs", "packings": "labels"})
    merged = mine.merged(theirs)
    assert merged.packings == {
        "t": (Packing(8, 110, {"d": 1e-4, "s": 1e-5}, {"d": 2e-4, "s": 2e-5}, 0.02), FOUR),
        "u": (other,),
    }
    assert merged.exits == theirs.merged(mine).exits == EXITS
    assert merged.quality == {"exits": "mine", "packings": "labels"}
