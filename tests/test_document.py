"""Problems as JSON files: what is written, what is read back, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from optsplit import Metric, Partition
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.problems import document

UP, DOWN = ("device", "server"), ("server", "device")

PROBLEM = Partition(
    ["a", "b"],
    tensors=[(0, (1,)), (1, ())],
    metrics={
        "latency": Metric([[1, 2], [3, 4]], {UP: [5, 6]}, send={"device": [7, 8]}, receive={"server": [9, 10]}),
        "memory": Metric([[1, 0], [2, 0]], unit="B"),
    },
    limits={"memory": 3},
    pins={"a": "device"},
    result_at=None,
    one_way=True,
    outputs=[0, 1],
    links=[UP],
    together=[("b", "a")],
    contiguous=True,
    equal=[],
    name="two",
)


def test_the_file_of_a_problem_word_by_word(tmp_path: Path) -> None:
    PROBLEM.save(tmp_path / "two.json")
    assert json.loads((tmp_path / "two.json").read_text()) == {
        "optsplit": "partition",
        "version": 1,
        "content": {
            "layers": ["a", "b"],
            "tensors": [[0, [1]], [1, []]],
            "places": ["device", "server"],
            "metrics": {
                "latency": {
                    "compute": [[1, 2], [3, 4]],
                    "transfer": {"device>server": [5, 6]},
                    "send": {"device": [7, 8]},
                    "receive": {"server": [9, 10]},
                    "unit": "ns",
                },
                "memory": {"compute": [[1, 0], [2, 0]], "transfer": {}, "send": {}, "receive": {}, "unit": "B"},
            },
            "minimize": ["latency"],
            "outputs": [0, 1],
            "links": [["device", "server"]],
            "limits": {"memory": 3},
            "pins": {"a": "device"},
            "result_at": None,
            "one_way": True,
            "together": [["a", "b"]],
            "contiguous": True,
            "equal": [],
            "exits": None,
            "precisions": {},
            "same_bits": [],
            "name": "two",
        },
    }


@pytest.mark.parametrize("name", ["p.json", "p.json.gz"])
def test_what_is_loaded_costs_and_forbids_the_same(tmp_path: Path, name: str) -> None:
    PROBLEM.save(tmp_path / name)
    again = Partition.load(tmp_path / name)
    for at in ([0, 0], [0, 1], [1, 0], [1, 1]):
        assert again.evaluate(again.plan(at)) == PROBLEM.evaluate(PROBLEM.plan(at))
    assert document.write(again) == document.write(PROBLEM)


def test_an_arc_needs_its_arrow(tmp_path: Path) -> None:
    text = document.write(PROBLEM)
    text.metrics["latency"].transfer = {"device-server": [5, 6]}
    with pytest.raises(InvalidInput, match=re.escape("transfer key 'device-server'; write it as 'from>to'")):
        document.read(text)


def test_a_place_with_an_arrow_cannot_be_saved(tmp_path: Path) -> None:
    problem = Partition(["a"], places=("x>y", "z"), metrics={"latency": Metric([[0, 0]])})
    with pytest.raises(InvalidInput, match=re.escape("place 'x>y' cannot be saved: '>' stands between places")):
        problem.save(tmp_path / "p.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": [1]}, r"Expected `str`, got `int` - at `\$.layers\[0\]`"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"limits": {"memory": 2.5}}, r"Expected `int`, got `float` - at `\$.limits"),
    ],
)
def test_a_damaged_file_says_where(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "p.json"
    PROBLEM.save(path)
    text = json.loads(path.read_text())
    text["content"] |= change
    path.write_text(json.dumps(text))
    with pytest.raises(FileFormatError, match=message):
        Partition.load(path)


def test_the_schema_describes_what_is_written() -> None:
    schema = document.schema()
    properties = schema["$defs"]["PartitionDocument"]["properties"]
    written = msgspec.to_builtins(document.write(PROBLEM))
    assert set(properties) == set(written)
    assert set(schema["$defs"]["MetricDocument"]["properties"]) == set(written["metrics"]["latency"])
    assert schema["$defs"]["PartitionDocument"]["additionalProperties"] is False
