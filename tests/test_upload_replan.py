"""An upload looked at again: what has arrived, what remains, and another server."""

from fractions import Fraction

import pytest

from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.problems.upload_replan import Arrived, arrived, continued, moved, replan
from tests.conformance.upload_cases import CHAIN

PROBLEM = UploadOrder(CHAIN, [0, 5, 6])
PLAN = UploadPlan(["b", "a"])


def test_what_has_arrived():
    assert arrived(PROBLEM, PLAN, 0) == Arrived((), None, Fraction(0))
    assert arrived(PROBLEM, PLAN, 4) == Arrived((), "b", Fraction(2, 3))
    assert arrived(PROBLEM, PLAN, 6) == Arrived(("b",), None, Fraction(0))
    assert arrived(PROBLEM, PLAN, 7) == Arrived(("b",), "a", Fraction(1, 5))
    assert arrived(PROBLEM, PLAN, 99) == Arrived(("b", "a"), None, Fraction(0))
    with pytest.raises(InvalidInput, match="give 0 or more"):
        arrived(PROBLEM, PLAN, -1)


def test_the_unit_under_way_has_its_rest_to_send():
    left = replan(PROBLEM, PLAN, 7)
    assert left.present == {"b"}
    assert dict(zip(left.names, left.times)) == {"a": 4, "b": 6}
    # 14 while the rest of a travels
    assert left.evaluate(UploadPlan(["a"])).objective == 4 * 14


def test_what_is_left_of_a_unit_takes_its_part_of_the_time_on_the_new_link():
    slow = UploadOrder(CHAIN, [0, 25, 30])
    left = replan(PROBLEM, UploadPlan(["a", "b"]), 1, slow)
    assert dict(zip(left.names, left.times)) == {"a": 20, "b": 30}
    assert left.evaluate(UploadPlan(["a", "b"])).objective == 20 * 20 + 30 * 16
    early = replan(PROBLEM, PLAN, 5, slow)
    assert dict(zip(early.names, early.times)) == {"a": 25, "b": 5}
    # going on with b: 5 * 20 + 25 * 14; turning to a: 25 * 20 + 5 * 16
    assert early.evaluate(continued(early, PLAN)).objective == 450
    assert early.evaluate(UploadPlan(["a", "b"])).objective == 580


def test_bytes_are_rounded_to_the_slower_side():
    odd = UploadOrder(CHAIN, [0, 5, 7])
    assert replan(PROBLEM, PLAN, 4, odd).times == (5, 3)  # 7 / 3, up


def test_units_of_an_incomplete_batch_are_there():
    left = replan(PROBLEM, UploadPlan(["b", "a"], [2]), 6)
    assert left.present == {"b"}


def test_another_server_holds_what_it_holds():
    there = moved(PROBLEM, ["a"])
    assert there.present == {"a"}
    assert continued(there, PLAN).order == ["b"]
    assert there.evaluate(continued(there, PLAN)).objective == 6 * 16
    assert moved(replan(PROBLEM, PLAN, 6), []).present == frozenset()
    with pytest.raises(InvalidInput, match="unit 'x'"):
        moved(PROBLEM, ["x"])


def test_units_needed_only_now_come_last():
    short = continued(PROBLEM, UploadPlan(["b"]))
    assert short.order == ["b", "a"]


def test_another_network_is_refused():
    other = UploadOrder(CHAIN, {"c": (5, ["a"])})
    with pytest.raises(InvalidInput, match="its units are not those of"):
        replan(PROBLEM, PLAN, 3, other)
