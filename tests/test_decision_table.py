"""The (bandwidth, deadline) table against enumeration, and its ranges against what lies just outside."""

from __future__ import annotations

import itertools
import math
import random
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import optsplit as osp
from optsplit import Connection, Metric, Partition
from optsplit.algorithms.decision_table import DecisionTable, decision_table
from optsplit.algorithms.envelope import parts
from optsplit.algorithms.lines import Line, lowest
from optsplit.errors import InvalidInput
from tests.instances import random_partition
from tests.test_envelope import CHAIN, profile

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

# CHAIN: 2 + 6 s up to s = 3, then 20. The small exit is a device only: 5 at any s.
SMALL = Partition(["input", "a"], [(0, 1)], metrics={"latency": Metric([[0, 0], [5, 9]])}, pins={"input": "device"})
# all on the server 1 + 7 s, or 8 here
MIDDLE = Partition(
    ["input", "a"],
    [(0, 1)],
    metrics={
        "latency": Metric([[0, 0], [8, 1]], {("device", "server"): [7, 0], ("server", "device"): [0, 0]}),
    },
    pins={"input": "device"},
)


def refused(message: str) -> Any:
    return pytest.raises(InvalidInput, match=re.escape(message))


def table() -> DecisionTable:
    return decision_table({"small": (0.5, SMALL), "middle": (0.7, MIDDLE), "whole": (0.9, CHAIN)})


@pytest.mark.parametrize(
    ("s", "deadline", "exit", "rates", "deadlines"),
    [
        # 2 + 6 s <= 20 for s <= 3, and 20 from there: this deadline is always met by the whole network
        (2, 20, "whole", (1 / 3, 1000), (14, math.inf)),
        (5, 20, "whole", (1 / 1000, 1 / 3), (20, math.inf)),
        # 2 + 6 s <= 17 for s <= 5/2; beyond, the middle exit: 1 + 7 s up to s = 1, then 8
        (2, 17, "whole", (2 / 5, 1000), (14, math.inf)),
        (4, 17, "middle", (1 / 1000, 2 / 5), (8, 20)),
        # 2 + 6 s <= 5 for s <= 1/2, 1 + 7 s <= 5 for s <= 4/7
        (0.25, 5, "whole", (2, 1000), (3.5, math.inf)),
        (0.55, 5, "middle", (7 / 4, 2), (4.85, 5.3)),
        (1, 5, "small", (1 / 1000, 7 / 4), (5, 8)),
    ],
)
def test_by_hand(
    s: float, deadline: float, exit: str, rates: tuple[float, float], deadlines: tuple[float, float]
) -> None:
    choice = table().at(1 / s, deadline)
    assert choice is not None
    assert choice.exit == exit
    assert choice.rates == pytest.approx(rates)
    assert choice.deadlines == pytest.approx(deadlines)


def test_a_deadline_that_nothing_meets() -> None:
    assert table().at(1.0, 4.9) is None
    assert table().fastest(1.0).exit == "small"
    assert table().fastest(1.0).latency == 5
    # on a fast link 1 + 7 / 1000 is less than 2 + 6 / 1000 and than 5
    assert table().fastest(1000.0).exit == "middle"


def test_a_deadline_met_exactly_is_met() -> None:
    # 2 + 6 s = 8 at s = 1 and = 6 at s = 2/3, whose inverse no float is: the floats on both sides differ
    found = decision_table({"small": (0.5, SMALL), "whole": (0.9, CHAIN)})
    for deadline in (8, 6):
        edge = Fraction(deadline - 2, 6)
        for rate in (float(1 / edge), math.nextafter(float(1 / edge), 0), math.nextafter(float(1 / edge), 9)):
            choice = found.at(rate, deadline)
            assert choice is not None
            assert choice.exit == ("whole" if 1 / Fraction(rate) <= edge else "small")


def test_accuracies_that_do_not_grow_and_ties() -> None:
    # the middle exit is better than the whole network, and as good as the small one
    found = decision_table({"small": (0.9, SMALL), "middle": (0.9, MIDDLE), "whole": (0.7, CHAIN)})
    assert [level.accuracy for level in found.levels] == [0.9, 0.7]
    # 1 + 7 s up to s = 4/7, then 5: always the faster of the two
    assert [line.exit for line in found.levels[0].lines] == ["middle", "small"]
    assert found.levels[0].ends == (Fraction(4, 7),)
    assert found.at(1 / 0.5, 100).exit == "middle"
    assert found.at(1 / 0.6, 100).exit == "small"
    # the whole network answers only where neither is in time, and there it is not either: 2 + 6 s <= 1 + 7 s from s = 1


def test_picture() -> None:
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib.figure import Figure

    axes = Figure(figsize=(3.3, 2.4)).subplots()
    assert table().plot(ax=axes) is axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["whole (0.9)", "middle (0.7)", "small (0.5)"]
    assert axes.get_xlabel() == "factor on bandwidth"


def test_save_and_load(tmp_path: Any) -> None:
    found = table()
    found.save(tmp_path / "table.json")
    again = DecisionTable.load(tmp_path / "table.json")
    assert again == found
    assert again.at(2.0, 6.0).plan == found.at(2.0, 6.0).plan


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        ({}, "decision table of no exits; give at least one"),
        (CHAIN, "problem 'partition' has no exits; give them by exits={layer: accuracy}"),
        ({"a": (1.2, CHAIN)}, "exit 'a': accuracy is 1.2; give a number from 0 to 1"),
        ({"a": (0.5, CHAIN.but(limits={"latency": 9}))}, "envelope does not take limits"),
        (
            {"a": (0.5, CHAIN), "b": (0.6, Partition.from_profile(profile(), Connection.mbit(1)))},
            "exits 'b' and 'a': one knows bytes and the other not; build both alike",
        ),
    ],
)
def test_what_is_refused(exits: dict[str, tuple[float, Partition]] | Partition, message: str) -> None:
    with refused(message):
        decision_table(exits)


@pytest.mark.parametrize(("rate", "deadline"), [(0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (1.0, -1.0), (1.0, math.nan)])
def test_what_a_lookup_refuses(rate: float, deadline: float) -> None:
    with refused("give a positive rate and a deadline, 0 or more"):
        table().at(rate, deadline)


@pytest.mark.parametrize("mbit", [0.05, 0.4, 2.0, 8.0, 70.0])
def test_the_problem_built_at_a_rate_agrees(mbit: float) -> None:
    connection = Connection.mbit(mbit, 2 * mbit)
    problem = Partition.from_profile(profile(), connection)
    found = decision_table({"only": (0.9, Partition.from_profile(profile(), Connection.mbit(3, 6)))})
    best = osp.solve(problem).objective
    choice = found.at(connection.down.rate, best / 1e9 + 1e-6)
    assert choice is not None
    assert choice.latency * 1e9 == pytest.approx(best, abs=10)
    assert found.at(connection.down.rate, best / 1e9 - 1e-6) is None


@st.composite
def networks(draw: st.DrawFn) -> dict[str, tuple[float, Partition]]:
    rng = draw(st.randoms(use_true_random=False))
    magnitude = draw(st.sampled_from([3, 100, 10**9]))
    return {
        f"exit{k}": (
            draw(st.sampled_from([0.25, 0.5, 0.75])),
            random_partition(rng, layers=draw(st.integers(1, 5)), magnitude=magnitude),
        )
        for k in range(draw(st.integers(1, 4)))
    }


def least(problem: Partition, s: Fraction) -> Fraction:
    """By enumeration."""
    fixed, slope, _ = parts(problem)
    values = []
    for assignment in itertools.product((0, 1), repeat=len(problem.layers)):
        plan = problem.plan(assignment)
        if not problem.evaluate(plan).violations:
            at = problem.positions(plan)
            values.append(problem.price(at, fixed) + s * problem.price(at, slope))
    return min(values)


@few
@given(networks(), st.sampled_from([0.01, 0.3, 1.0, 3.5, 300.0]), st.integers(0, 10), st.randoms(use_true_random=False))
def test_every_lookup_against_enumeration(
    exits: dict[str, tuple[float, Partition]], rate: float, share: int, rng: random.Random
) -> None:
    found = decision_table(exits)
    s = 1 / Fraction(rate)
    values = {exit: least(problem, s) for exit, (_, problem) in exits.items()}
    worst = max(values.values())
    deadline = rng.choice([int(worst * share / 10), *(math.ceil(value) for value in values.values())])
    in_time = [exit for exit, value in values.items() if value <= deadline]
    choice = found.at(rate, deadline)
    assert (choice is None) == (not in_time)
    quickest = found.fastest(rate)
    assert quickest.latency == pytest.approx(float(min(values.values())))
    if choice is None:
        return
    best = max(exits[exit][0] for exit in in_time)
    assert choice.accuracy == best
    assert values[choice.exit] == min(value for exit, value in values.items() if exits[exit][0] == best)
    problem = exits[choice.exit][1]
    fixed, slope, _ = parts(problem)
    at = problem.positions(choice.plan)
    assert not problem.evaluate(choice.plan).violations
    assert problem.price(at, fixed) + s * problem.price(at, slope) == values[choice.exit]
    low, high = choice.deadlines
    assert low == pytest.approx(float(values[choice.exit]))
    better = [value for exit, value in values.items() if exits[exit][0] > best]
    assert high == pytest.approx(float(min(better))) if better else high == math.inf
    assert low <= deadline < high or low == pytest.approx(deadline)


@few
@given(networks(), st.floats(-2.5, 2.5), st.floats(0.02, 1.1))
def test_the_range_of_a_plan_is_all_of_it(
    exits: dict[str, tuple[float, Partition]], power: float, share: float
) -> None:
    found = decision_table(exits)
    rate = 10.0**power
    deadline = round(share * max(float(level.least(found.t_of(rate))) for level in found.levels))
    choice = found.at(rate, deadline)
    assume(choice is not None)
    low, high = choice.rates
    assert low <= rate * (1 + 1e-12)
    assert rate <= high * (1 + 1e-12)
    assume(high > low * 1.001)
    for k in range(1, 8):
        same = found.at(low * (high / low) ** (k / 8), deadline)
        assert (same.exit, same.plan) == (choice.exit, choice.plan)
    for outside in (low / 1.0001, high * 1.0001):
        if 1.01e-3 < outside < 990:
            other = found.at(outside, deadline)
            assert other is None or other.at != choice.at


def test_a_line_that_is_least_at_one_point_only_is_left_out() -> None:
    plan = osp.PartitionPlan({})
    lines = [Line("e", fixed, rise, 1, plan) for fixed, rise in ((2, 0), (1, 1), (0, 2), (5, 1))]
    # 2 t, 1 + t and 2 meet at t = 1
    assert [line.rise for line in lowest(lines, Fraction(0), Fraction(10))] == [2, 0]
    assert [line.rise for line in lowest(lines, Fraction(0), Fraction(1))] == [2]
    assert [line.rise for line in lowest(lines, Fraction(1), Fraction(10))] == [0]


def test_a_choice_shows_its_exit() -> None:
    choice = table().at(1.0, 17.0)
    assert choice is not None
    assert repr(choice).startswith(f"Choice({choice.exit!r}, accuracy={choice.accuracy:g}, latency=")


def test_ranges_of_a_profile_are_in_bytes_per_second_and_seconds() -> None:
    connection = Connection.mbit(3, 6)
    found = decision_table({"only": (0.9, Partition.from_profile(profile(), connection))})
    rate = connection.down.rate
    choice = found.at(rate, 1e3)
    assert choice is not None
    best = osp.solve(Partition.from_profile(profile(), connection)).objective
    assert choice.deadlines == (pytest.approx(best / 1e9, abs=1e-8), math.inf)
    low, high = choice.rates
    assert low <= rate <= high
    # at the least deadline itself floats do not decide
    assert found.at(rate, choice.deadlines[0] + 1e-12) is not None
    assert found.at(rate, choice.deadlines[0] - 1e-8) is None
