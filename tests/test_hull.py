"""The linear programme over cuts: its multipliers are the duals, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optsplit.algorithms.hull import Column, Hull


def column(place: int, *values: int) -> Column:
    return Column(np.array([place]), np.array(values), np.array([-1]))


def test_a_limit_mixes_two_cuts() -> None:
    # a share a of the first: z = 10 - 8 a, and 8 a <= 4; so a = 1/2, z = 6, and each unit more of the limit saves one
    hull = Hull([column(1, 2, 8), column(0, 10, 0)], 1, np.array([4]), np.array([10.0, 8.0]))
    proposal = hull.solve()
    assert proposal.theta == pytest.approx(6)
    assert proposal.multipliers == pytest.approx([1, 1])
    assert proposal.shares == pytest.approx([0.5, 0.5])
    assert proposal.mix == pytest.approx([0.5])


def test_the_largest_of_two_metrics_weighs_both() -> None:
    # 3 a + 1 against 7 - 5 a: equal at a = 3/4, where both are 3.25; weights (5, 3) / 8 make the two cuts cost the same
    hull = Hull([column(1, 4, 2), column(0, 1, 7)], 2, np.array([], dtype=np.int64), np.array([7.0, 7.0]))
    proposal = hull.solve()
    assert proposal.theta == pytest.approx(3.25)
    assert proposal.multipliers == pytest.approx([5 / 8, 3 / 8])


def test_cuts_that_break_the_limit_ask_for_less_of_it() -> None:
    hull = Hull([column(1, 2, 8)], 1, np.array([4]), np.array([10.0, 8.0]))
    proposal = hull.solve()
    assert proposal.theta == math.inf
    assert proposal.multipliers[0] == 0
    assert proposal.multipliers[1] > 0
    assert proposal.mix == pytest.approx([1])
    assert hull.add(column(0, 10, 0))
    assert hull.solve().theta == pytest.approx(6)
    assert not hull.add(column(0, 10, 0))


def test_without_a_cut_every_metric_weighs_the_same() -> None:
    proposal = Hull([], 2, np.array([4]), np.ones(3)).solve()
    assert proposal.multipliers.tolist() == [0.5, 0.5, 0]
    assert proposal.theta == math.inf
