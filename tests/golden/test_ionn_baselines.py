"""IONN on its authors' data: the published algorithm's plans and mean latencies, and the trivial orders beside it.

Source: jinevening/IONN-client, prediction_model.txt of AlexNet and GoogLeNet (ODROID-XU4 and GTX 1080 Ti), 80 Mbit/s as
the authors count it: 10485.76 bytes per millisecond both ways. Blocks between dominators are the units. The plans are
the published algorithm's, recomputed from the data; the paper prints neither plans nor these means.
"""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest

from optsplit import Metric, Partition, formulation
from optsplit.baselines import ionn, upload_order
from optsplit.baselines.ionn_layers import MacroChain
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder, UploadPlan

INSTANCES = Path(os.environ.get("OPTSPLIT_INSTANCES", Path(__file__).parents[2] / ".." / "shared" / "instances"))
BYTES_PER_MS = 10485.76


def nano(milliseconds: float) -> int:
    return round(milliseconds * 1e6)


def rows(name: str) -> list[dict[str, float]]:
    path = INSTANCES / "ionn" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is absent; set OPTSPLIT_INSTANCES to the folder of outside instances")
    blocks: list[dict[str, float]] = json.loads(path.read_text())["blocks"]
    return blocks


def problem(name: str, loading: bool = False) -> UploadOrder:
    """Input and softmax at the client; `loading` counts the server's time to load a block, too."""
    blocks = rows(name)
    size = [blocks[0]["in_bytes"], *(block["out_bytes"] for block in blocks)]
    send = [nano(bytes_ / BYTES_PER_MS) for bytes_ in size] + [0]
    compute = [[0, 0], *([nano(block["client_ms"]), nano(block["server_ms"])] for block in blocks), [0, 0]]
    names = ["input", *(str(block["name"]) for block in blocks), "softmax"]
    partition = Partition(
        names,
        [(i, i + 1) for i in range(len(names) - 1)],
        metrics={"latency": Metric(compute, {("device", "server"): send, ("server", "device"): send})},
        pins={"input": "device", "softmax": "device"},
    )
    upload = {}
    for i, block in enumerate(blocks, 1):
        upload[names[i]] = (
            nano(block["weight_bytes"] / BYTES_PER_MS + (block["server_load_ms"] if loading else 0)),
            [i],
        )
    return UploadOrder(partition, upload)


def means(found: UploadOrder, *plans: UploadPlan | None) -> list[float]:
    return [round(found.evaluate(plan).metrics["mean_latency"] / 1e6, 2) for plan in plans if plan is not None]


Partitions = list[tuple[str, str, float, float, float]]


def shown(name: str, k: float) -> Partitions:
    """Of each partition: its first and last block of any weight, MiB, seconds when complete, ms of latency then."""
    found = problem(name)
    plan = ionn.solve(found, Options(extra={"k": k})).plan
    weights = {str(row["name"]): row["weight_bytes"] for row in rows(name)}
    seen, left, clock, there = [], iter(plan.order), 0, 0
    for size in plan.batches:
        batch = [next(left) for _ in range(size)]
        clock += sum(found.times[found.index[block]] for block in batch)
        there |= sum(1 << found.index[block] for block in batch)
        mib = sum(weights[block] for block in batch) / 2**20
        seen.append((batch[0], batch[-1], round(mib, 2), round(clock / 1e9, 2), round(found.latency(there) / 1e6, 1)))
    return seen


@pytest.mark.parametrize("k", [0.1, 0.5, 0.8])
def test_alexnet_partitions(k: float) -> None:
    assert shown("alexnet", k) == [
        ("conv1", "conv2", 1.31, 0.13, 609.5),
        ("conv3", "conv5", 7.60, 0.89, 375.9),
        ("fc6", "fc8", 223.66, 23.26, 61.0),
    ]


def test_googlenet_partitions() -> None:
    assert shown("googlenet", 0.1) == [
        ("conv1/7x7_s2", "inception_3b/output", 2.58, 0.26, 614.0),
        ("inception_4a/output", "inception_5b/output", 20.21, 2.28, 69.2),
        ("loss3/classifier", "loss3/classifier", 3.91, 2.67, 63.8),
    ]


def test_no_pass_at_zero_would_leave_the_fully_connected_layers() -> None:
    """The slide's rule K^n >= 0.01 alone never sends fc6 to fc8 at K = 0.5: the last pass, f = 0, does."""
    chain = MacroChain(problem("alexnet"))
    first = [i for i, macro in enumerate(chain.macros) if "fc6" in {chain.partition.layers[v] for v in macro.layers}]
    assert first[0] not in ionn.server_side(chain, Fraction(1, 64))
    assert first[0] in ionn.server_side(chain, Fraction(0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("alexnet", (386.04, 386.04, 386.04, 308.68, 821.62)), ("googlenet", (604.40, 452.12, 452.12, 343.35, 1339.73))],
)
def test_mean_latencies(name: str, expected: tuple[float, ...]) -> None:
    """IONN with K = 0.1, 0.5, 0.8, in order by layer, all at once."""
    found = problem(name)
    plans = [ionn.solve(found, Options(extra={"k": k})).plan for k in (0.1, 0.5, 0.8)]
    plans += [upload_order.in_order(found, Options()).plan, upload_order.all_at_once(found, Options()).plan]
    assert means(found, *plans) == list(expected)


@pytest.mark.parametrize(("name", "optimum"), [("alexnet", 308.68), ("googlenet", 343.32)])
@pytest.mark.parametrize("model", ["upload_linear_ordering", "upload_cpsat"])
def test_models_prove_the_optimum(name: str, optimum: float, model: str) -> None:
    """To all digits that a product of two times leaves a float: parts in 10^16 and 10^12."""
    found = problem(name)
    answer = formulation.load(model).solve(found, Options())
    assert means(found, answer.plan) == [optimum]
    assert 0 <= answer.objective - answer.bound < 1e-11 * answer.objective
