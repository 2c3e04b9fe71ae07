"""table: the exits over bandwidth and deadline, from the shell."""

from __future__ import annotations

import pytest

import optsplit as osp
from tests.test_cli import content, refused, run

UP, DOWN = ("device", "server"), ("server", "device")

# first exit: 9 + 2 on the device, 8 + 1 + 1 + 1 at the server: 11. second: all but the input at the server,
# 8 + 1 + 1 + 1 + 1 for the result: 12
BRANCHY = osp.Partition(
    layers=["input", "conv", "exit1", "fc", "exit2"],
    edges=[("input", "conv"), ("conv", "exit1"), ("conv", "fc"), ("fc", "exit2")],
    metrics={
        "latency": osp.Metric(
            [[0, 0], [9, 1], [2, 1], [9, 1], [2, 1]],
            {UP: [8, 4, 1, 2, 1], DOWN: [8, 4, 1, 2, 1]},
        )
    },
    pins={"input": "device"},
    exits={"exit1": 0.81, "exit2": 0.93},
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    BRANCHY.save("problem.json")
    return tmp_path


def test_the_table_by_levels_and_what_is_looked_up(folder):
    found = content("table", "problem.json", "--at", "1=12", "--at", "1=11", "--at", "1=1", "-o", "table.json")
    assert [level["accuracy"] for level in found["levels"]] == [0.93, 0.81]
    assert [(row["exit"], row["latency"]) for row in found["lookups"]] == [("exit2", 12), ("exit1", 11), (None, None)]
    again = content("table", "table.json", "--at", "1=12")
    assert again["levels"] == found["levels"]
    assert again["lookups"] == found["lookups"][:1]


def test_a_reader_sees_the_exit_that_is_in_time_or_the_fastest(folder):
    seen = run("table", "problem.json", "--at", "1=12", "--at", "1=1").stdout
    assert "exit2" in seen
    assert "in time" in seen
    assert "too late" in seen
    late = run("table", "problem.json", "--at", "1=1", status=3)
    assert "no exit is in time; give a longer deadline" in late.stderr


def test_a_picture_of_the_table(folder):
    pytest.importorskip("matplotlib")
    run("table", "problem.json", "--plot", "table.svg")
    assert "<svg" in (folder / "table.svg").read_text()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("'x' is no bandwidth; write it as in 4=0.3", ["--at", "x=1"]),
        ("--slowest is -1 Mbit/s; give a positive finite number", ["--slowest", "-1"]),
        ("has its own --limit inside", ["--limit", "bytes=1"]),
    ],
)
def test_bad_options_are_named(folder, message, arguments):
    refused(message, "table", "problem.json", *arguments)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--minimize", "bytes"), ("--maximize", "accuracy"), ("--deadline", "1"), ("--min-accuracy", "0.5"),
     ("--exits", "confidence")],
)  # fmt: skip
def test_what_the_table_does_not_heed_is_refused(folder, option, value):
    refused(f"{option}", "table", "bundled:branchy_digits", option, value)


def test_the_range_is_in_mbit_whatever_the_problem_minimises(folder):
    options = ("bundled:branchy_digits", "--load", "device=12", "--link", "3g", "--maximize", "accuracy")
    run("plan", *options, "--save-problem", "accurate.json")
    found = content("table", "accurate.json", "--slowest", "1", "--fastest", "10")
    ends = [plan[end] for level in found["levels"] for plan in level["plans"] for end in ("slowest", "fastest")]
    assert found["bandwidth"] == "Mbit/s"
    assert min(ends) == pytest.approx(1)
    assert max(ends) == pytest.approx(10)


def test_a_network_without_exits_and_a_table_with_options_are_refused(folder):
    BRANCHY.at_exit("exit2").save("plain.json")
    refused("has no exits", "table", "plain.json")
    run("table", "problem.json", "-o", "table.json")
    refused("is a table and has its problem and range inside", "table", "table.json", "--link", "4g")
