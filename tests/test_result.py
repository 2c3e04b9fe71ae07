"""Result: its gap, its table, its file."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

import optsplit as osp
from optsplit import Limit, Metric, Partition, PartitionPlan, Result, Status, TracePoint
from optsplit.errors import FileFormatError, InvalidInput, NotOptimal
from optsplit.result import Conflict, percent, quantity

FULL = Result(
    "mincut", Status.FEASIBLE, Limit.TIME, 1_500_000, 1_200_000,
    plan=PartitionPlan({"a": "device", "b": "server", "c": "server"}),
    metrics={"latency": 1_500_000, "weights": 2048}, minimize=("latency",), build_seconds=0.25, solve_seconds=1.5,
    trace=(TracePoint(0.5, None, 3), TracePoint(1.0, 1_500_000, 1_200_000)), solver="x", versions={"x": "1"}, seed=3,
    workers=2, time_limit=1.5, raw_status="stopped", units={"latency": "ns", "weights": "B"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [
        (8, 6, 0.25),
        (8, 8, 0.0),
        (0, 0, 0.0),
        (0, -3, 3.0),
        (-4, -6, 0.5),
        (1, 0, 1.0),
        (8, None, None),
        (None, 6, None),
    ],
)
def test_gap(objective: int | None, bound: int | None, gap: float | None) -> None:
    assert Result("m", Status.FEASIBLE, objective=objective, bound=bound).gap == gap


def test_the_table() -> None:
    assert str(FULL).splitlines() == [
        "method      mincut",
        "status      feasible (time limit)",
        "minimises   latency",
        "objective   1.5 ms",
        "bound       1.2 ms",
        "gap         20 %",
        "time        build 250 ms, solve 1.5e+03 ms",
        "latency     1.5 ms",
        "weights     2 KiB",
        "layers      device 1, server 2",
        "raw status  stopped",
    ]


def test_the_table_of_an_infeasible_problem_has_its_conflicts() -> None:
    conflicts = (Conflict("latency", 5000, 7000, "ns"), Conflict("memory", 3, None, "B"))
    text = str(Result("m", Status.INFEASIBLE, conflicts=conflicts))
    assert re.search(r"^limit latency +5 us conflicts \(least 7 us\)$", text, re.MULTILINE)
    assert re.search(r"^limit memory +3 B conflicts \(least value not settled\)$", text, re.MULTILINE)
    assert re.search(r"^objective +-$", text, re.MULTILINE)


def test_require_optimal() -> None:
    best = Result("m", Status.OPTIMAL, objective=3, bound=3)
    assert best.require_optimal() is best
    for status in set(Status) - {Status.OPTIMAL}:
        result = replace(FULL, status=status)
        with pytest.raises(NotOptimal) as error:
            result.require_optimal()
        assert str(error.value) == f"method 'mincut' did not prove an optimum:\n{result}"


@pytest.mark.parametrize("name", ["r.json", "r.json.gz"])
def test_round_trip_through_a_file(tmp_path: Path, name: str) -> None:
    for result in (
        FULL,
        Result("m", Status.INFEASIBLE, conflicts=(Conflict("energy", 3, None), Conflict("x", 1, 2, "B"))),
    ):
        result.save(tmp_path / name)
        again = Result.load(tmp_path / name)
        assert again == result
        assert type(again.status) is Status
        assert type(again.limit) is Limit


def test_another_file_is_refused(tmp_path: Path) -> None:
    Partition(["a"], metrics={"latency": Metric([[0, 0]])}).save(tmp_path / "p.json")
    with pytest.raises(FileFormatError, match="holds a 'partition', expected a 'result'"):
        Result.load(tmp_path / "p.json")


def test_every_method_gives_a_result_that_is_plain_data(tmp_path: Path) -> None:
    problem = Partition(["a", "b"], [(0, 1)], metrics={"latency": Metric([[3, 1], [4, 1]])}, pins={"a": "device"})
    for result in osp.compare(problem):
        again = pickle.loads(pickle.dumps(result))
        assert again == result
        assert again.problem.evaluate(again.plan).objective == result.objective
        result.save(tmp_path / "r.json")
        again = Result.load(tmp_path / "r.json")
        assert again == result
        assert again.problem.evaluate(again.plan).objective == result.objective


@pytest.mark.parametrize("kind", ["partition", "upload_order", "schedule", "flow_shop"])
def test_the_file_of_a_result_holds_its_problem(tmp_path: Path, kind: str) -> None:
    part = Partition(["a", "b"], [(0, 1)], metrics={"latency": Metric([[3, 1], [4, 1]])}, pins={"a": "device"})
    problem = {
        "partition": part,
        "upload_order": osp.UploadOrder(part, [0, 5]),
        "schedule": osp.Schedule([part, part]),
        "flow_shop": osp.FlowShop([[3, 2, 5], [3, 2, 2]]),
    }[kind]
    result = osp.solve(problem)
    result.save(tmp_path / "r.json.gz")
    again = Result.load(tmp_path / "r.json.gz").problem
    assert type(again) is type(problem)
    assert again.evaluate(result.plan) == problem.evaluate(result.plan)
    again.save(tmp_path / "again.json")
    problem.save(tmp_path / "problem.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "problem.json").read_bytes()


def test_a_problem_that_no_file_can_hold_does_not_lose_the_result(tmp_path: Path) -> None:
    problem = Partition(["a"], places=("a>b", "c"), metrics={"latency": Metric([[3, 1]])})
    result = osp.solve(problem)
    result.save(tmp_path / "r.json")
    assert Result.load(tmp_path / "r.json") == result
    assert Result.load(tmp_path / "r.json").problem is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"optsplit":"partition"', b'"optsplit":"riddle"', "a problem of kind 'riddle'; this release reads partition"),
        (b'"layers":["a"]', b'"layers":7', r"damaged partition: .*layers"),
    ],
)
def test_a_damaged_problem_within_a_result_is_named(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    result = osp.solve(Partition(["a"], metrics={"latency": Metric([[3, 1]])}))
    result.save(tmp_path / "r.json")
    text = (tmp_path / "r.json").read_bytes()
    assert old in text
    (tmp_path / "r.json").write_bytes(text.replace(old, new))
    with pytest.raises(FileFormatError, match=message):
        Result.load(tmp_path / "r.json")


def test_a_result_without_its_problem_has_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="needs a plan and its problem; solve the problem again"):
        FULL.plot()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ns", "-"),
        (0, "ns", "0 ns"),
        (999, "ns", "999 ns"),
        (1000, "ns", "1 us"),
        (1_234_567, "ns", "1.23457 ms"),
        (2_500_000_000, "ns", "2.5 s"),
        (3_000_000, "nJ", "3 mJ"),
        (1023, "B", "1023 B"),
        (1536, "B", "1.5 KiB"),
        (5 * 2**30, "B", "5 GiB"),
        (1_000_000, "", "1000000"),
        (1_000_000, "EUR", "1000000 EUR"),
        (-2_000, "ns", "-2 us"),
    ],
)
def test_quantity(value: int | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(("gap", "text"), [(None, "-"), (0.0, "0 %"), (0.0341, "3.41 %"), (1.2e-9, "1.2e-07 %")])
def test_percent(gap: float | None, text: str) -> None:
    assert percent(gap) == text
