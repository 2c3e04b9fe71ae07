"""The load bound: mixtures of cuts, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from optsplit import Metric, Partition
from optsplit.algorithms import schedule_load

UP = ("device", "server")


def layer(device: int, server: int, up: int) -> Partition:
    """An input and one layer, whose result may stay where it is."""
    return Partition(
        ["in", "x"], [(0, 1)], metrics={"latency": Metric([[0, 0], [device, server]], {UP: [up, 0]})},
        pins={"in": "device"}, result_at=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("device", "server", "up", "frames", "least"),
    [
        # of three frames two go up: the device works 4, the uplink 2 * 2
        (4, 1, 2, 3, 4),
        # half of one frame would be 12 on each side
        (24, 24, 1, 1, 12),
        # the device is so slow that nothing stays
        (1000, 1, 3, 5, 15),
        # 1000 (1 - a) = 3 a: 1000 * 3 / 1003 = 2.99.., rounded up
        (1000, 1, 3, 1, 3),
        (0, 5, 5, 4, 0),
    ],
)
def test_the_largest_load_of_the_best_mixture(device: int, server: int, up: int, frames: int, least: int) -> None:
    found = schedule_load.bound([(layer(device, server, up), frames)])
    assert found is not None
    bound, weights = found
    assert bound == least
    assert weights.shape == (4,)
    # the weights prove it: no cut of a frame has less of their sum
    loads = np.array([[device, 0, 0, 0], [0, up, server, 0]])
    assert -(-int((loads @ weights).min()) * frames // int(weights.sum())) == least


def test_two_networks_share_the_machines() -> None:
    # the first stays at 6, the second goes up at 6; any other choice loads a machine more
    found = schedule_load.bound([(layer(6, 1, 60), 1), (layer(60, 1, 6), 1)])
    assert found is not None
    # a little of each is traded: 6 (1 - a) + 60 b = 60 a + 6 (1 - b), the same on both sides at a = b = 0
    assert found[0] == 6


def test_no_way_at_all_has_no_bound() -> None:
    closed = layer(1, 1, 1).but(pins={"in": "device", "x": "server"}, links=[("server", "device")])
    assert schedule_load.bound([(closed, 1)]) is None
