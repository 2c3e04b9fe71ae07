"""Files: the header, and every way in which a file can be damaged."""

import json
import os
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optsplit import files
from optsplit.errors import FileFormatError
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.profiling.profile import Profile, Timing

GRAPH = LayerGraph(
    "net",
    (Layer("a", "input"), Layer("b", "relu", features={"input_size": 1.0})),
    (Tensor("t", 0, (1,), 4, (1,)),),
    (),
)
GOOD = files.dumps("graph", GRAPH)


def refused(message):
    return pytest.raises(FileFormatError, match=re.escape(message))


def read(data, kind="graph", type_=LayerGraph):
    return files.loads(data, kind, type_, "net.json")


def test_header_and_content():
    text = json.loads(GOOD)
    assert list(text) == ["optsplit", "version", "content"]
    assert (text["optsplit"], text["version"]) == ("graph", files.VERSION)
    assert read(GOOD) == GRAPH


def test_write_and_read(tmp_path):
    path = tmp_path / "net.json"
    files.write(path, "graph", GRAPH)
    assert files.read(path, "graph", LayerGraph) == GRAPH
    assert files.kind_of(path) == "graph"
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path):
    real, link, pipe = tmp_path / "real.json", tmp_path / "link.json", tmp_path / "pipe"
    real.write_text("old")
    link.symlink_to(real)
    files.write(link, "graph", GRAPH)
    assert link.is_symlink()
    assert files.read(real, "graph", LayerGraph) == GRAPH
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write(pipe, "graph", GRAPH)
        assert os.read(reader, len(GOOD)) == GOOD
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_failed_encoding_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.json"
    files.write(path, "graph", GRAPH)
    with pytest.raises(TypeError):
        files.write(path, "graph", object())
    assert files.read(path, "graph", LayerGraph) == GRAPH
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_refuses_paths_that_cannot_be_read(tmp_path):
    with refused("absent.json: cannot be read (No such file or directory); check the path"):
        files.kind_of(tmp_path / "absent.json")
    with refused("cannot be read (Is a directory); check the path"):
        files.read(tmp_path, "graph", LayerGraph)


def test_refuses_paths_that_cannot_be_written_and_leaves_nothing(tmp_path):
    with refused("net.json: cannot be written (No such file or directory); check the path"):
        files.write(tmp_path / "absent" / "net.json", "graph", GRAPH)
    (tmp_path / "folder").mkdir()
    with refused("folder: cannot be written (Is a directory); check the path"):
        files.write(tmp_path / "folder", "graph", GRAPH)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_refuses_another_kind():
    with refused("net.json: holds a 'graph', expected a 'profile'; give the other file"):
        read(GOOD, "profile", Profile)


def test_refuses_another_version():
    with refused("net.json: version 2 of the file format; this release reads version 1"):
        read(GOOD.replace(b'"version":1', b'"version":2'))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `optsplit`"),
        (GOOD[:-9], "Input data was truncated"),
        (GOOD[:-1] + b',"x":' + b"[" * 9999 + b"]" * 9999 + b"}", "maximum recursion depth exceeded"),
        (GOOD + b"x", "JSON is malformed: trailing characters"),
        (b"\xff" + GOOD, "JSON is malformed"),
        (GOOD.replace(b'"graph"', b'"gr\xffph"'), "'utf-8' codec can't decode byte 0xff"),
        (GOOD.replace(b'"version":1', b'"version":"one"'), "Expected `int`, got `str` - at `$.version`"),
        (GOOD.replace(b'"input_size":1.0', b'"input_size":NaN'), "JSON is malformed"),
    ],
)
def test_refuses_what_is_no_optsplit_file(data, why):
    with refused(f"net.json: not an optsplit file ({why}"):
        read(data)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"readers":[1]', b'"readers":["b"]', "Expected `int`, got `str` - at `$.tensors[0].readers[0]`"),
        (b'"readers":[1]', b'"readers":[7]', "graph 'net': tensor 't' names layer index 7; layers are 0..1"),
        (b'"bytes":4', b'"bytes":4.5', "Expected `int`, got `float` - at `$.tensors[0].bytes`"),
        (b'"kind":"relu",', b"", "Object missing required field `kind` - at `$.layers[1]`"),
        (
            b'"input_size":1.0',
            b'"input_size":null',
            "Expected `float`, got `null` - at `$.layers[1].features[...]`",
        ),
        (b'"input_size":1.0', b'"input_size":1e999', "Number out of range - at `$.layers[1].features[...]`"),
        (b'"relu"', b'"re\xffu"', "'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_refuses_damaged_content_with_its_place(old, new, why):
    assert old in GOOD
    with refused(f"net.json: damaged graph file: {why}"):
        read(GOOD.replace(old, new))


def test_refuses_a_profile_that_breaks_a_rule():
    data = files.dumps("profile", Profile(GRAPH, {"d": Timing((0.0, 2.5))}))
    with refused("net.json: damaged profile file: profile of 'net': seconds of layer 'b' at place 'd' is -2.5"):
        read(data.replace(b"2.5", b"-2.5"), "profile", Profile)


@given(data=st.binary(max_size=40))
def test_refuses_any_bytes(data):
    with pytest.raises(FileFormatError):
        read(data)


@given(cut=st.integers(0, len(GOOD) - 1))
def test_refuses_every_truncation(cut):
    with pytest.raises(FileFormatError):
        read(GOOD[:cut])


@given(position=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused_never_another_error(position, byte):
    data = GOOD[:position] + bytes([byte]) + GOOD[position + 1 :]
    with suppress(FileFormatError):
        assert isinstance(read(data), LayerGraph)
