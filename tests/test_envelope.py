"""The envelope by hand, and against the problem built anew at each bandwidth."""

from __future__ import annotations

import math
import random
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import optsplit as osp
from optsplit import Connection, Link, Metric, Partition, Profile, Timing
from optsplit.errors import InvalidInput
from tests.test_from_profile import network

UP, DOWN = ("device", "server"), ("server", "device")

# transfer costs times s: all here 20; after the input 2 + (5 + 1) s; after a 11 + (2 + 1) s.
# At s = 3 the first two meet the third at 20; so two lines: 2 + 6 s up to s = 3, then 20.
CHAIN = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics={"latency": Metric([[0, 0], [10, 1], [10, 1]], {UP: [5, 2, 0], DOWN: [0, 0, 1]})},
    pins={"input": "device"},
)


def refused(message: str) -> Any:
    return pytest.raises(InvalidInput, match=re.escape(message))


def lines(envelope: osp.Envelope) -> list[tuple[int, int, Fraction, Fraction]]:
    return [(s.fixed, s.slope, s.low, s.high) for s in envelope.segments]


def test_three_lines_through_one_point_give_two_plans() -> None:
    envelope = osp.envelope(CHAIN)
    assert lines(envelope) == [(2, 6, Fraction(1, 1000), Fraction(3)), (20, 0, Fraction(3), Fraction(1000))]
    assert envelope.breakpoints == (3,)
    # both ends, and one cut that shows that no line lies below where they meet
    assert envelope.cuts == 3
    assert not envelope.per_byte
    assert lines(envelope)[1] == (20, 0, Fraction(3), Fraction(1000))
    assert set(envelope.segments[1].plan.assignment.values()) == {"device"}


def test_a_third_plan_between_two() -> None:
    # after a: 11 + 2 s (its tensor 1, the result 1). 2 + 6 s meets it at 9/4, it meets 20 at 9/2.
    costs = Metric([[0, 0], [10, 1], [10, 1]], {UP: [5, 1, 0], DOWN: [0, 0, 1]})
    envelope = osp.envelope(CHAIN.but(metrics={"latency": costs}))
    assert envelope.breakpoints == (Fraction(9, 4), Fraction(9, 2))
    assert [segment.slope for segment in envelope.segments] == [6, 2, 0]
    # at a breakpoint both neighbours cost the same; beyond the range the nearer end answers
    for s in envelope.breakpoints:
        assert envelope.at_s(s).value(s) == {Fraction(9, 4): Fraction(31, 2), Fraction(9, 2): 20}[s]
    assert [envelope.at_s(s).slope for s in (0, 2.2, 2.3, 4.4, 4.6, 1e9)] == [6, 6, 2, 2, 0, 0]


def test_one_plan_for_every_bandwidth() -> None:
    here = osp.envelope(CHAIN.but(pins=dict.fromkeys(CHAIN.layers, "device")))
    assert [(s.fixed, s.slope) for s in here.segments] == [(20, 0)]
    assert here.breakpoints == ()
    assert here.cuts == 2
    assert here.at_s(5).fixed == 20


def test_a_range_that_holds_no_breakpoint() -> None:
    assert [s.slope for s in osp.envelope(CHAIN, slowest=0.5, fastest=2.0).segments] == [6]
    assert [s.slope for s in osp.envelope(CHAIN, slowest=0.1, fastest=0.2).segments] == [0]
    # the breakpoint is an end of the range: one plan is enough
    assert len(osp.envelope(CHAIN, slowest=Fraction(1, 3), fastest=1.0).segments) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limits": {"latency": 50}}, "envelope does not take limits; solve the problem at each bandwidth instead"),
        ({"minimize": ("latency", "latency")}, "envelope does not take largest of several metrics"),
        ({"together": [["a", "b"]]}, "envelope does not take layers together"),
        ({"contiguous": True}, "envelope does not take contiguous places"),
        ({"pins": {"a": "server"}, "links": []}, "has no plan: pins, links and one_way exclude each other"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with refused(message):
        osp.envelope(CHAIN.but(**changes))


def test_more_than_two_places_are_refused() -> None:
    with refused("envelope does not take more than two places"):
        osp.envelope(Partition(["a"], (), ("x", "y", "z"), {"latency": Metric([[0, 0, 0]])}))


@pytest.mark.parametrize("ends", [(0, 1), (2, 1), (1, 1), (1, math.inf), (math.nan, 1)])
def test_the_range_must_be_one(ends: tuple[float, float]) -> None:
    with refused("give two positive numbers, the slower first"):
        osp.envelope(CHAIN, *ends)


def test_a_factor_is_not_a_rate() -> None:
    with refused("this envelope is over a factor of the transfer costs; use at_s(factor)"):
        osp.envelope(CHAIN).at(1e6)


def test_a_metric_that_happens_to_be_called_traffic() -> None:
    problem = CHAIN.but(metrics={**CHAIN.metrics, "traffic": Metric([[0, 0]] * 3, {UP: [1, 1, 1]})})
    assert lines(osp.envelope(problem)) == lines(osp.envelope(CHAIN))


def profile() -> Profile:
    return Profile(
        network((600_000, 90_000, 4000)),
        {"device": Timing((0.0, 0.050, 0.020)), "server": Timing((0.0, 0.002, 0.001))},
    )


CONNECTIONS = [
    osp.links["lte"],
    osp.links["wifi"],
    Connection.mbit(5.85, 18.88, latency=0.003),
    Connection("faster up", Link(3e6), Link(1e6, 0.001)),
]


@pytest.mark.parametrize("connection", CONNECTIONS, ids=lambda c: c.name)
@pytest.mark.parametrize("factor", [0.01, 0.3, 1.0, 2.7, 40.0, 3000.0])
def test_the_problem_built_at_a_rate_agrees(connection: Connection, factor: float) -> None:
    envelope = osp.envelope(Partition.from_profile(profile(), connection))
    scaled = connection.scaled(factor)
    rate = max(scaled.up.rate, scaled.down.rate)
    problem = Partition.from_profile(profile(), scaled)
    segment = envelope.at(rate)
    s = 1e9 / (rate * envelope.weight)
    assert segment.low <= s <= segment.high
    # each tensor that crosses is rounded to a nanosecond: half a nanosecond at most
    rounding = 0.5 * len(problem.tensors) + 1e-3
    best = osp.solve(problem).objective
    assert abs(segment.value(s) - best) <= rounding
    assert problem.evaluate(segment.plan).objective - best <= 2 * rounding


def test_faster_links_never_choose_a_later_line() -> None:
    envelope = osp.envelope(Partition.from_profile(profile(), osp.links["lte"]))
    assert len(envelope.segments) >= 3
    rates = sorted(10 ** random.Random(5).uniform(2, 10.2) for _ in range(200))
    slopes = [envelope.at(rate).slope for rate in rates]
    assert slopes == sorted(slopes)
    assert envelope.at(math.inf) is envelope.segments[0]
    assert envelope.at(1e-3) is envelope.segments[-1]
    for wrong in (0.0, -1.0, math.nan):
        with refused(f"rate is {wrong!r} bytes/s; give a positive number"):
            envelope.at(wrong)


@pytest.mark.parametrize("fastest", [1.25e10, 1e13, 1e17])
def test_the_range_is_the_one_asked_for(fastest: float) -> None:
    envelope = osp.envelope(Partition.from_profile(profile(), Connection.mbit(5.85, 18.88)), 125.0, fastest)
    ends = [1e9 / (float(s) * envelope.weight) for s in (envelope.segments[-1].high, envelope.segments[0].low)]
    assert ends == pytest.approx([125.0, fastest], rel=1e-3)


def test_numbers_near_the_largest_stay_exact() -> None:
    large = 2**50
    costs = Metric([[0, 0], [large + 1, 1], [large, 0]], {UP: [large // 4 + 3, 5, 0], DOWN: [0, 0, 3]})
    envelope = osp.envelope(CHAIN.but(metrics={"latency": costs}))
    # 1 + (large / 4 + 6) s meets large + 1 + 8 s (a here), which meets 2 large + 1 at s = large / 8
    assert envelope.breakpoints[0] == Fraction(large, large // 4 - 2)
    assert envelope.segments[0].fixed == 1
    assert envelope.segments[1].value(1) == large + 9


def test_a_file_gives_the_same_envelope(tmp_path: Path) -> None:
    for problem in (CHAIN, Partition.from_profile(osp.bundled("googlenet"), osp.links["4g"], load={"device": 12.0})):
        envelope = osp.envelope(problem)
        envelope.save(tmp_path / "e.json.gz")
        assert osp.Envelope.load(tmp_path / "e.json.gz") == envelope
