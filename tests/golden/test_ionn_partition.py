"""The steady state of IONN's published data: once everything is uploaded, the plan is a partition problem.

Source: jinevening/IONN-client, prediction_model.txt of AlexNet and GoogLeNet (ODROID-XU4 and GTX 1080 Ti), 80 Mbit/s as
the authors count it: 10485.76 bytes per millisecond both ways. Their plans end at 61.0 ms and 63.8 ms a query.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import optsplit as osp

INSTANCES = Path(os.environ.get("OPTSPLIT_INSTANCES", Path(__file__).parents[2] / ".." / "shared" / "instances"))
BYTES_PER_MS = 10485.76


def blocks(name: str) -> osp.Partition:
    """Input and softmax on the client; what lies between two dominators is one block."""
    path = INSTANCES / "ionn" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is absent; set OPTSPLIT_INSTANCES to the folder of outside instances")
    rows = json.loads(path.read_text())["blocks"]
    size = [rows[0]["in_bytes"], *(row["out_bytes"] for row in rows)]
    send = [round(bytes_ / BYTES_PER_MS * 1e6) for bytes_ in size] + [0]
    compute = [[0, 0], *([round(row["client_ms"] * 1e6), round(row["server_ms"] * 1e6)] for row in rows), [0, 0]]
    names = ["input", *(row["name"] for row in rows), "softmax"]
    return osp.Partition(
        names,
        [(i, i + 1) for i in range(len(names) - 1)],
        metrics={"latency": osp.Metric(compute, {("device", "server"): send, ("server", "device"): send})},
        pins={"input": "device", "softmax": "device"},
    )


@pytest.mark.parametrize(("name", "milliseconds"), [("alexnet", 61.0), ("googlenet", 63.8)])
@pytest.mark.parametrize("method", ["chain", "mincut", "lagrangian", "milp", "cpsat"])
def test_steady_state_latency(name: str, milliseconds: float, method: str) -> None:
    problem = blocks(name)
    result = osp.solve(problem, method)
    assert result.objective == osp.solve(problem, "mincut").require_optimal().objective
    assert round(result.objective / 1e6, 1) == milliseconds
