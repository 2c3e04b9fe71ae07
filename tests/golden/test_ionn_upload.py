"""The optimal upload order of IONN's published data, blocks between dominators as units, without load time.

Mean latency over the upload, in milliseconds: AlexNet 308.68, GoogLeNet 343.32 (recomputed from the authors'
prediction_model.txt, 80 Mbit/s as they count it: 10485.76 bytes per millisecond).
"""

from __future__ import annotations

import json

import pytest

from optsplit.algorithms import upload_intervals, upload_sidney
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder
from tests.golden.test_ionn_partition import BYTES_PER_MS, INSTANCES, blocks


@pytest.mark.parametrize(("name", "milliseconds"), [("alexnet", 308.68), ("googlenet", 343.32)])
def test_least_mean_latency(name: str, milliseconds: float) -> None:
    partition = blocks(name)
    rows = json.loads((INSTANCES / "ionn" / f"{name}.json").read_text())["blocks"]
    upload = [0, *(round(row["weight_bytes"] / BYTES_PER_MS * 1e6) for row in rows), 0]
    problem = UploadOrder(partition, upload)
    for method in (upload_intervals.solve, upload_sidney.solve):
        answer = method(problem, Options())
        evaluation = problem.evaluate(answer.plan)
        assert evaluation.objective == answer.objective == answer.bound
        assert round(evaluation.metrics["mean_latency"] / 1e6, 2) == milliseconds
