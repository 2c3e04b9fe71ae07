"""Chains under any limits, by labels: equal to enumeration, and honest when stopped."""

import math
import random

import numpy as np
import pytest

import optsplit as osp
from optsplit import Status
from optsplit.algorithms import brute, labels
from optsplit.method import Options
from optsplit.result import Limit
from tests.instances import random_partition
from tests.test_segments import limited, long_chain


@pytest.mark.parametrize("seed", range(150))
def test_equals_enumeration(seed):
    rng = random.Random(seed)
    places = rng.choice((2, 3, 4))
    problem = random_partition(
        rng, layers=rng.randint(1, 5 if places == 4 else 6), places=places, limits=rng.randint(0, 2), chain=True,
        minmax=rng.randint(1, 3), one_way=rng.random() < 0.5, missing_links=rng.choice((0.0, 0.2)),
        result_at=rng.choice(["", None, "cloud"]), magnitude=rng.choice((3, 100, 10**9)), tightness=(0.3, 0.7),
    )  # fmt: skip
    found, every = labels.solve(problem, Options()), brute.solve(problem, Options())
    assert (found.objective, found.bound, found.infeasible) == (every.objective, every.bound, every.infeasible)


@pytest.mark.parametrize("seed", range(40))
def test_equals_the_runs_where_both_apply(seed):
    problem = limited(random.Random(1000 + seed))
    if osp.solve.__module__ and "segments" in {m.name for m in osp.methods(problem)}:
        assert osp.solve(problem, "labels").objective == osp.solve(problem, "segments").objective


def test_many_places_one_way():
    problem = long_chain(24, 8)
    result = osp.solve(problem, "labels")
    assert result.status is Status.OPTIMAL
    assert result.objective == osp.solve(problem, "segments").objective


def test_returning_to_a_place():
    problem = long_chain(14, 4, one_way=False)
    assert osp.solve(problem, "labels").objective == osp.solve(problem, "cpsat").objective


def test_a_time_limit_leaves_a_valid_bound():
    problem = long_chain(20, 6, one_way=False)
    stopped = labels.solve(problem, Options(time_limit=1e-9))
    assert stopped.limit is Limit.TIME
    assert stopped.plan is None
    assert stopped.bound is None or stopped.bound <= osp.solve(problem, "cpsat").objective


@pytest.mark.parametrize("seed", range(40))
def test_the_front_of_labels_has_no_dominated_row_and_no_gap(seed):
    rng = random.Random(seed)
    columns = rng.randint(1, 4)
    rows = [[rng.randint(0, 4) for _ in range(columns)] for _ in range(rng.randint(1, 30))]
    kept = labels._front(np.array(rows))
    found = [tuple(rows[k]) for k in kept.tolist()]

    def dominated(row):
        return any(other != row and all(a <= b for a, b in zip(other, row)) for other in rows)

    assert sorted(found) == sorted({tuple(row) for row in rows if not dominated(row)})


def test_the_last_pass_keeps_every_label():
    # layer i takes 2^i of either place: all 2^10 paths differ, and none dominates another
    here, there = ([[(1 - p) * 2**i, p * 2**i] for i in range(10)] for p in (0, 1))
    names = [f"l{i}" for i in range(10)]
    problem = osp.Partition(
        names, [(i, i + 1) for i in range(9)], metrics={"a": osp.Metric(here), "b": osp.Metric(there)},
        minimize="a", limits={"b": 500}, result_at=None,
    )  # fmt: skip
    last = labels._Pass(labels._Graph(problem), labels._NO_WAY, 0, labels._WIDTHS[-1], math.inf)
    last.run()
    assert not last.cut
    assert last.best == last.bound == 1023 - 500
    first = labels._Pass(labels._Graph(problem), labels._NO_WAY, 0, labels._WIDTHS[0], math.inf)
    first.run()
    assert first.cut
