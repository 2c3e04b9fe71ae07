"""Random upload problems, small enough to try every order."""

from __future__ import annotations

import itertools
import random

import numpy as np
from hypothesis import strategies as st

from optsplit import Metric, Partition
from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import INTEGRAL, UploadOrder
from optsplit.problems.upload_units import needed
from tests.instances import random_partition


def random_upload(
    rng: random.Random, layers: int = 6, magnitude: int = 20, chain: bool = False, objective: str = INTEGRAL
) -> UploadOrder:
    """A random problem: weights of single layers or shared, some present, pins, missing links and one-way now and then.

    The same generator state gives the same problem.
    """
    while True:
        partition = random_partition(
            rng, layers=layers, magnitude=magnitude, pins=0.1, chain=chain, one_way=rng.random() < 0.2,
            result_at=rng.choice(["", None, "cloud"]), missing_links=0.05,
        )  # fmt: skip
        if rng.random() < 0.85:
            partition = _worth_sending(partition, magnitude)
        if rng.random() < 0.6:
            upload = [rng.choice([0, rng.randint(1, magnitude)]) for _ in range(layers)]
            present = [f"layer{v}" for v, p in enumerate(upload) if p and rng.random() < 0.1]
        else:
            count = rng.randint(1, min(6, layers))
            upload = {
                f"unit{i}": (rng.randint(0, magnitude), rng.sample(range(layers), rng.randint(1, min(3, layers))))
                for i in range(count)
            }
            present = [f"unit{i}" for i in range(count) if rng.random() < 0.1]
        try:
            problem = UploadOrder(partition, upload, present, objective=objective)
            problem.latency(0)
        except InvalidInput:
            continue  # a pin or a missing link excludes every plan
        return problem


def _worth_sending(partition: Partition, magnitude: int) -> Partition:
    """The same network with a slow device and cheap tensors: otherwise most have nothing to send."""
    costs = partition.costs(partition.objectives[0])
    compute = np.stack([costs.compute[:, 0] + magnitude, costs.compute[:, 1] // 4], axis=1)
    here, there = partition.places
    ways = {(here, there): costs.crossing(0, 1) // 3, (there, here): costs.crossing(1, 0) // 3}
    return partition.but(metrics={partition.objectives[0]: Metric(compute, ways)})


@st.composite
def uploads(draw: st.DrawFn, max_layers: int = 7, magnitudes: tuple[int, ...] = (3, 20)) -> UploadOrder:
    """A problem drawn by hypothesis; small magnitudes give many ties."""
    return random_upload(
        random.Random(draw(st.integers(0, 2**32))),
        layers=draw(st.integers(2, max_layers)),
        magnitude=draw(st.sampled_from(magnitudes)),
        chain=draw(st.booleans()),
    )


def least_by_enumeration(problem: UploadOrder) -> int:
    """The objective of the best of all orders of the needed units."""
    return min(problem.evaluate(problem.plan(order)).objective for order in itertools.permutations(needed(problem)))
