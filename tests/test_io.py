"""Placement instances: what is read, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import optsplit as osp
from optsplit.errors import FileFormatError


def node(number: int, cpu: float = 2.0, accelerator: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"id": number, "cpuLatency": cpu, "fpgaLatency": accelerator, "size": 10.5, "supportedOnFpga": 1} | more


def edge(source: int, reader: int, cost: float = 0.25) -> dict[str, Any]:
    return {"sourceId": source, "destId": reader, "cost": cost, "size": 1.0}


def write(folder: Path, **changes: Any) -> Path:
    """7 -> 9 -> 8 and 7 -> 8."""
    given = {
        "maxSizePerFPGA": 22.9,
        "maxFPGAs": 2,
        "maxCPUs": 1,
        "nodes": [node(7, name="in"), node(8, colorClass=4), node(9, colorClass=4)],
        "edges": [edge(7, 9), edge(9, 8, 1e-6), edge(7, 8)],
    }
    path = folder / "tiny.json"
    path.write_text(json.dumps(given | changes))
    return path


def test_an_instance_as_a_problem(tmp_path: Path) -> None:
    problem = osp.io.read_placement(write(tmp_path), contiguous=True)
    assert problem.name == "tiny"
    assert problem.layers == ("7 in", "8", "9")
    assert problem.tensors == ((0, (1, 2)), (1, ()), (2, (1,)))
    assert problem.places == ("acc1", "acc2", "cpu1")
    assert problem.together == (("8", "9"),)
    assert problem.contiguous
    assert problem.equal == (("acc1", "acc2"),)
    assert problem.limits == {"acc1_memory": 22, "acc2_memory": 22}
    # 7 on acc1 sends once, 250 us; 8 and 9 on acc2 receive it once, and keep the third tensor: sizes 11 + 11
    priced = problem.evaluate(problem.plan([0, 1, 1]))
    assert priced.metrics == {
        "acc1_load": 750_000, "acc2_load": 1_250_000, "cpu1_load": 0, "acc1_memory": 11, "acc2_memory": 22,
    }  # fmt: skip
    assert priced.violations == ()
    # the CPU pays for no way: 2 ms
    assert problem.evaluate(problem.plan([2, 0, 0])).metrics["cpu1_load"] == 2_000_000
    assert osp.solve(problem).require_optimal().objective == 1_250_000


def test_a_node_that_no_accelerator_takes(tmp_path: Path) -> None:
    problem = osp.io.read_placement(write(tmp_path, nodes=[node(7, supportedOnFpga=0), node(8), node(9)]))
    assert problem.equal == (("acc1", "acc2"),)
    assert osp.solve(problem).plan.assignment["7"] == "cpu1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": [node(7), node(7)]}, "node id 7 stands twice; ids must be unique"),
        ({"edges": [edge(7, 6)]}, "an edge names node 6, which is not among the nodes"),
        ({"edges": [edge(7, 8), edge(7, 9, 1.0)]}, "edges out of node 7 differ in cost; a node has one tensor"),
        ({"nodes": [node(7, cpu=-1.0), node(8), node(9)]}, "cpuLatency of node 7 is -1.0; give a finite number"),
        ({"nodes": [node(7, isBackwardNode=1), node(8), node(9)]}, "node 7 is of a backward pass; give an inference"),
        ({"nodes": 3}, "not a placement instance (Expected `array`, got `int` - at `$.nodes`)"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(FileFormatError, match="^" + re.escape(f"{path}: {message}")):
        osp.io.read_placement(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read"):
        osp.io.read_placement(tmp_path / "none.json")
