"""Baselines for several places and for throughput: their rules by hand, and never better than the optimum."""

import random

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.method import Options
from optsplit.start import started
from tests.instances import random_partition
from tests.test_ideals import ports
from tests.test_segments import long_chain

NAMES = ("dads-heavy", "pipedream", "greedy-balance", "local-search", "best-single-place")


def shared_load(**changes):
    # four equal layers in a row over three equal places; each hop costs 1 on its link
    names = ("p", "q", "r")
    metrics = {x: Metric([[4 * (x == y) for y in names]] * 4) for x in names}
    arcs = [(a, b) for a in names for b in names if a != b]
    metrics |= {"_".join(arc): Metric([[0] * 3] * 4, {arc: [1] * 4}) for arc in arcs}
    base = {
        "layers": ["a", "b", "c", "d"],
        "edges": [(0, 1), (1, 2), (2, 3)],
        "places": names,
        "metrics": metrics,
        "minimize": tuple(metrics),
        "result_at": None,
    }
    return Partition(**{**base, **changes})


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("name", NAMES)
def test_no_baseline_beats_enumeration(name, seed):
    rng = random.Random(seed)
    problem = random_partition(
        rng, layers=5, places=2 if name == "dads-heavy" else 3, limits=rng.randint(0, 1), minmax=rng.randint(1, 3),
        one_way=rng.random() < 0.3, missing_links=rng.choice((0.0, 0.2)), tightness=(0.4, 0.9),
    )  # fmt: skip
    if name not in {method.name for method in osp.methods(problem)}:
        assert len(problem.objectives) == 1
        return
    found, best = osp.solve(problem, name), osp.solve(problem, "brute")
    assert found.status in (Status.HEURISTIC, Status.NO_SOLUTION)
    if found.plan is not None:
        assert found.objective >= best.objective


def test_balance_by_hand():
    problem = shared_load()
    # two layers share a place in every plan: 8
    assert osp.solve(problem, "cpsat").objective == 8
    assert osp.solve(problem, "pipedream").objective == 8
    assert osp.solve(problem, "local-search").objective == 8
    assert osp.solve(problem, "best-single-place").objective == 16


def test_greedy_takes_the_emptiest_place():
    # a at p (4), b elsewhere (4, one hop), c at the third (4), d where it raises the sum least: 8
    result = osp.solve(shared_load(), "greedy-balance")
    assert result.objective == 8
    assert len({place for layer, place in result.plan.assignment.items() if layer != "d"}) == 3


def test_pipedream_is_exact_on_a_chain_that_goes_one_way():
    problem = long_chain(20, 4)
    assert osp.solve(problem, "pipedream").objective == osp.solve(problem, "segments").objective


def test_local_search_is_seeded():
    problem = random_partition(random.Random(4), layers=12, places=3, minmax=3)
    first, again = (osp.solve(problem, "local-search", seed=7) for _ in range(2))
    assert first.plan == again.plan


def test_groups_stay_together():
    problem = shared_load(together=[("a", "d")])
    for name in ("greedy-balance", "local-search"):
        plan = osp.solve(problem, name).plan
        assert plan.assignment["a"] == plan.assignment["d"]


def test_dads_heavy_balances_what_one_cut_cannot():
    # two branches of 3 here or 1 there; the printed graph uploads the input for nothing, the problem charges it
    names = ("device", "server")
    metrics = {
        "device": Metric([[0, 0], [3, 0], [3, 0]]),
        "uplink": Metric([[0, 0]] * 3, {names: [2, 0, 0]}),
        "server": Metric([[0, 0], [0, 1], [0, 1]]),
    }
    problem = Partition(
        ["input", "x", "y"], [(0, 1), (0, 2)], names, metrics, tuple(metrics), pins={"input": "device"}, result_at=None
    )
    assert osp.solve(problem, "dads-heavy").objective == osp.solve(problem, "cpsat").objective == 2


def test_dads_heavy_is_for_the_largest_of_several():
    with pytest.raises(osp.errors.MethodMismatch, match="balances the largest of several metrics"):
        osp.solve(shared_load(places=("p", "q"), metrics={"p": Metric([[1, 2]] * 4)}, minimize="p"), "dads-heavy")


def test_auto_starts_a_balance_from_the_best_baseline():
    problem = shared_load()
    hint = started(problem, Options(time_limit=10.0)).hint
    assert problem.evaluate(hint).objective == 8
    assert started(problem.but(minimize="p"), Options()).hint is None
    assert started(problem, Options(hint=hint)).hint is hint
    result = osp.solve(problem, time_limit=10.0)
    assert (result.method, result.objective, result.time_limit) == ("cpsat", 8, 10.0)


def test_a_balance_that_goes_one_way_is_a_start():
    problem = ports(random.Random(7)).but(one_way=False, minimize=("device", "cloud"), limits={})
    hint = started(problem, Options()).hint
    forward = osp.solve(problem.but(one_way=True), "ideals")
    assert problem.evaluate(hint).objective <= forward.objective
