"""Edgent's map of states: what each state keeps, and when the detector moves to another."""

from __future__ import annotations

import math
import random

import pytest

from optsplit.baselines.edgent_dynamic import ChangePoints, StateMap, states
from optsplit.errors import InvalidInput
from tests.test_decision_table import table


def steps(levels: list[float], stay: int, seed: int, noise: float = 0.1) -> list[float]:
    rng = random.Random(seed)
    return [level * math.exp(rng.gauss(0, noise)) for level in levels for _ in range(stay)]


def test_states_are_quantiles() -> None:
    assert states([1, 2, 3, 4, 5], 1) == [3]
    assert states([1, 2, 3, 4, 5], 5) == pytest.approx([1.4, 2.2, 3, 3.8, 4.6])
    assert states([7, 7, 7], 4) == [7]
    for history, count in (([], 2), ([1.0], 0)):
        with pytest.raises(InvalidInput, match="give at least one of each"):
            states(history, count)


@pytest.mark.parametrize("seed", range(5))
def test_changes_are_found_where_they_are(seed: int) -> None:
    detector = ChangePoints()
    changes = [i for i, sample in enumerate(steps([1.0, 6.0, 0.5], 80, seed)) if detector.observe(sample)]
    for true in (80, 160):
        assert any(true <= change <= true + 8 for change in changes)
    # after a change the level is that of the new run
    assert detector.mean == pytest.approx(0.5, rel=0.15)


def test_a_steady_level_is_one_run() -> None:
    detector = ChangePoints()
    found = [detector.observe(sample) for sample in steps([3.0], 600, 1)]
    assert sum(found[20:]) <= 3
    assert detector.mean == pytest.approx(3.0, rel=0.05)


def test_each_state_keeps_the_optimal_plan_there() -> None:
    # factors 0.2, 0.5 and 4, deadline 17: 2 + 6 s = 32, 14, 3.5; the middle exit 8 at most
    follow = StateMap(table(), 17, [4.0, 0.2, 0.5])
    assert follow.states == [0.2, 0.5, 4.0]
    assert [strategy.exit for strategy in follow.strategies] == ["middle", "whole", "whole"]
    # nothing meets 4 at the slow states: the fastest plan
    assert [strategy.exit for strategy in StateMap(table(), 4, [0.2, 4.0]).strategies] == ["small", "whole"]
    with pytest.raises(InvalidInput, match="a map of no states"):
        StateMap(table(), 17, [])


def test_the_strategy_follows_the_level() -> None:
    follow = StateMap(table(), 17, [0.2, 0.5, 4.0])
    taken = [follow.choose(sample).exit for sample in steps([0.2, 3.0], 60, 2)]
    assert set(taken[5:60]) == {"middle"}
    assert set(taken[70:]) == {"whole"}
