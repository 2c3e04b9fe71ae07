"""Many frames from types of cuts: the listed cuts are all there are, bounds hold, the optimum is brute force's."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optsplit import frames
from optsplit.algorithms import schedule_brute, schedule_load, schedule_returning
from optsplit.method import Options
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_cuts import cut_types
from tests.schedule_instances import random_job

SEEDS = st.integers(0, 10**6)


def _job(rng: random.Random, layers: int, one_way: bool = True):
    return random_job(
        rng, layers, zeros=rng.choice([0.0, 0.3]), one_way=one_way, result=rng.random() < 0.6,
        together=rng.random() < 0.2, closed=rng.choice([0.0, 0.2]),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_every_one_way_cut_is_listed_with_its_loads(seed):
    job = _job(random.Random(seed), 6)
    types = cut_types(job)
    listed = {tuple(types.at(c).tolist()): c for c in range(len(types.device))}
    problem = Schedule([job])
    for at in itertools.product((0, 1), repeat=len(job.layers)):
        valid = not job.evaluate(job.plan(at)).violations
        assert valid == (at in listed)
        if valid:
            time = dict(zip(problem.machines, problem.cut_times(0, at)))
            names = ("device", "device>server", "server", "server>device")
            assert types.loads[listed[at]].tolist() == [time.get(name, 0) for name in names]


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_optimum_is_that_of_brute_force(seed):
    rng = random.Random(seed)
    networks = [_job(rng, rng.randint(2, 3)) for _ in range(rng.choice([1, 1, 2]))]
    problem = Schedule([rng.choice(networks) for _ in range(2)])
    if frames.refuses(problem) or schedule_brute.refuses(problem):
        return
    exact = schedule_brute.solve(problem, Options())
    found = frames.solve(problem, Options(time_limit=60))
    assert found.infeasible == exact.infeasible
    assert found.objective == exact.objective
    if not exact.infeasible:
        assert max(found.bounds.values()) == exact.objective


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_each_bound_holds_by_itself(seed):
    """CP-SAT's part is left out, so that a wrong bound of the types cannot hide behind a proof."""
    rng = random.Random(seed)
    job = _job(rng, rng.randint(2, 3))
    problem = Schedule([job] * 2)
    if frames.refuses(problem) or schedule_brute.refuses(problem):
        return
    least = schedule_brute.solve(problem, Options()).objective
    if least is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "_go_on", lambda _: None)
        found = frames.solve(problem, Options(time_limit=60))
    assert all(bound <= least for bound in found.bounds.values()), found.bounds
    assert found.objective >= least


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_load_bound_holds_for_cuts_that_come_back(seed):
    rng = random.Random(seed)
    job = _job(rng, rng.randint(2, 3), one_way=False)
    problem = Schedule([job] * 2)
    if schedule_brute.refuses(problem):
        return
    least = schedule_brute.solve(problem, Options()).objective
    found = schedule_load.bound([(job, 2)])
    if least is not None:  # groups are not seen by a cut: it may have a value where no plan exists
        assert found is not None
        assert found[0] <= least


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_every_cut_that_comes_back_has_a_class_that_asks_no_more(seed):
    job = _job(random.Random(seed), 6, one_way=False)
    weights = schedule_returning.around(np.array([5, 3, 1, 2]))
    cheap = schedule_returning.cheapest(job, weights)
    classes = schedule_returning.Classes(job, weights, np.full(len(weights), 10**9), cheap, lambda: False)
    problem = Schedule([job])
    names = ("device", "device>server", "server", "server>device")
    for _ in range(2):
        asked, prices = classes.types.loads, classes.prices
        for at in itertools.product((0, 1), repeat=len(job.layers)):
            if not job.evaluate(job.plan(at)).violations:
                time = dict(zip(problem.machines, problem.cut_times(0, at)))
                loads = np.array([time.get(name, 0) for name in names])
                assert ((asked <= loads).all(axis=1) & (prices <= weights @ loads).all(axis=1)).any()
        classes.narrow(range(len(prices)))


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_each_bound_holds_for_cuts_that_come_back(seed):
    rng = random.Random(seed)
    job = _job(rng, rng.randint(2, 4), one_way=False)
    problem = Schedule([job] * 2)
    if frames.refuses(problem) or schedule_brute.refuses(problem):
        return
    exact = schedule_brute.solve(problem, Options(time_limit=5))
    if exact.objective is None or exact.bound != exact.objective:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "_go_on", lambda _: None)
        found = frames.solve(problem, Options(time_limit=60))
    assert all(bound <= exact.objective for bound in found.bounds.values()), found.bounds
    assert found.objective >= exact.objective


def test_outputs_that_return_one_by_one():
    """Two outputs: behind the server's last operation stands the way of one of them, not of both."""
    rng = random.Random(5036)
    problem = Schedule([_job(rng, rng.randint(2, 4))] * 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "_go_on", lambda _: None)
        found = frames.solve(problem, Options(time_limit=60))
    least = schedule_brute.solve(problem, Options()).objective
    assert max(found.bounds.values()) <= least
