"""Metric: what is refused at the border of integers, and weighted sums that stay exact."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from optsplit.errors import InvalidInput
from optsplit.problems.metric import Costs, Metric, dense

UP = ("device", "server")
LAYERS = ("a", "b")
PLACES = ("device", "server")


def laid_out(compute: Any = ((0, 0), (0, 0)), **ends: Any) -> Costs:
    return dense("latency", Metric(compute, **ends), LAYERS, LAYERS, PLACES)


def refused(message: str) -> Any:
    return pytest.raises(InvalidInput, match="^" + re.escape(message) + "$")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1.5, "1.5; give integers (seconds as nanoseconds, joules as nanojoules)"),
        (math.nan, "nan; give integers (seconds as nanoseconds, joules as nanojoules)"),
        (math.inf, "inf; give integers (seconds as nanoseconds, joules as nanojoules)"),
        (None, "None; give integers (seconds as nanoseconds, joules as nanojoules)"),
        (-1, "-1; give 0 or more"),
        (-1.0, "-1; give 0 or more"),
        (2**53, "9007199254740992, at or above 2**53; give a coarser unit"),
        (float(2**53), "9007199254740992.0, at or above 2**53; give a coarser unit"),
        (2**63, "9.223372036854776e+18, at or above 2**53; give a coarser unit"),
        (10**30, f"{10**30}, at or above 2**53; give a coarser unit"),
    ],
)
def test_a_value_that_is_no_cost_is_named_with_its_layer_and_place(value: Any, says: str) -> None:
    with refused(f"metric 'latency' compute['b', 1] is {says}"):
        laid_out([[0, 0], [0, value]])


@pytest.mark.parametrize("side", ["send", "receive"])
def test_a_value_at_an_end_is_named_with_its_tensor(side: str) -> None:
    with refused(f"metric 'latency' {side} 'server'['a'] is -3; give 0 or more"):
        laid_out(**{side: {"server": [-3, 0]}})
    with refused("metric 'latency' transfer ('device', 'server')['b'] is -4; give 0 or more"):
        laid_out(transfer={UP: [0, -4]})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"compute": [[0, 0]]}, "compute has shape (1, 2); expected (2, 2)"),
        ({"compute": [0, 0]}, "compute has shape (2,); expected (2, 2)"),
        ({"compute": [[0, 0], [0]]}, "compute: rows of unequal length; expected shape (2, 2)"),
        ({"compute": [["x", "y"], ["z", "w"]]}, "compute holds <U1 values; give integers"),
        ({"transfer": {UP: [1]}}, "transfer ('device', 'server') has shape (1,); expected (2,)"),
        ({"send": {"device": 3}}, "send 'device' has shape (); expected (2,)"),
    ],
)
def test_a_wrong_shape_is_refused_with_the_expected_one(given: dict[str, Any], says: str) -> None:
    separator = ": " if says.startswith(": ") else " "
    with refused(f"metric 'latency'{separator}{says}"):
        laid_out(**given)


@pytest.mark.parametrize("arc", [("device", "device"), "device>server", ("device",)])
def test_a_transfer_needs_two_places(arc: Any) -> None:
    with refused(f"metric 'latency': transfer arc {arc!r}; give a pair of two places (from, to)"):
        laid_out(transfer={arc: [0, 0]})


def test_unknown_places_are_refused_with_the_nearest() -> None:
    unknown = "metric 'latency': unknown place 'sever'; did you mean 'server'? known: device, server"
    for given in (
        {"transfer": {("device", "sever"): [0, 0]}},
        {"send": {"sever": [0, 0]}},
        {"receive": {"sever": [0, 0]}},
    ):
        with refused(unknown):
            laid_out(**given)


def test_a_metric_must_be_a_metric() -> None:
    with refused("metric 'latency' is a list; give an optsplit.Metric"):
        dense("latency", [[0, 0], [0, 0]], LAYERS, LAYERS, PLACES)  # type: ignore[arg-type]


def test_costs_that_overflow_together_are_refused_and_one_less_is_not() -> None:
    half = 2**52
    with refused("metric 'latency': all its costs together are about 9.01e+15, above 2**53; give a coarser unit"):
        laid_out([[half, half], [0, 0]])
    assert laid_out([[half, half - 1], [0, 0]]).total == 2**53 - 1


def test_whole_floats_and_booleans_are_integers() -> None:
    costs = laid_out([[2.0, True], [np.float32(3), np.uint8(4)]])
    assert costs.compute.tolist() == [[2, 1], [3, 4]]
    assert costs.compute.dtype == np.int64


def test_costs_are_frozen_and_do_not_follow_the_given_array() -> None:
    given = np.ones((2, 2), dtype=np.int64)
    costs = laid_out(given)
    given[0, 0] = 99
    assert costs.compute[0, 0] == 1
    for part in (costs.compute, costs.transfer, costs.send, costs.receive):
        with pytest.raises(ValueError, match="read-only"):
            part[...] = 5


def test_crossing_adds_the_way_and_both_ends() -> None:
    costs = laid_out(transfer={UP: [1, 2]}, send={"device": [10, 20]}, receive={"server": [100, 200], "device": [7, 7]})
    assert costs.crossing(0, 1).tolist() == [111, 222]
    assert costs.crossing(1, 0).tolist() == [7, 7]
    assert costs.total == 3 + 30 + 300 + 14


@pytest.mark.parametrize("weight", [3, 2**40])
def test_weighted_sums_are_exact_beyond_64_bits(weight: int) -> None:
    large = laid_out([[2**52, 1], [0, 3]], transfer={UP: [5, 0]})
    both = large.plus(large, weight=weight, scale=2)
    assert both.compute.tolist() == [[(2 + weight) * 2**52, 2 + weight], [0, 3 * (2 + weight)]]
    assert both.total == (2 + weight) * large.total
