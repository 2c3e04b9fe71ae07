"""Limits and the largest of several metrics over places in a line: equal to enumeration, and what is refused."""

from __future__ import annotations

import random

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.algorithms import brute, intervals, tiers_limits
from optsplit.method import Options
from optsplit.result import Limit
from tests.test_tiers import additive, line


def several(rng: random.Random) -> Partition:
    """A random problem of `additive`, with more metrics that add up, some limited and some minimised together."""
    problem = additive(rng)
    metrics = dict(problem.metrics)
    for k in range(1, rng.choice((2, 3))):
        scale = [rng.choice((0, 1, 2)) for _ in problem.metrics["m0"].transfer]
        base = problem.metrics["m0"]
        compute = [[rng.choice((0, 1, 7, 30)) for _ in problem.places] for _ in problem.layers]
        # one factor for each direction keeps a sum of hops a sum of hops
        up, down = scale[0], scale[-1]
        order = {place: i for i, place in enumerate(problem.places)}
        transfer = {
            (p, q): [(up if order[p] < order[q] else down) * c for c in row] for (p, q), row in base.transfer.items()
        }
        metrics[f"m{k}"] = Metric(compute, transfer, base.send if rng.random() < 0.5 else {})
    names = list(metrics)
    minimize = names if rng.random() < 0.4 else names[:1]
    problem = problem.but(metrics=metrics, minimize=minimize)
    limits = {}
    for name in names:
        if name not in minimize or rng.random() < 0.3:
            limits[name] = int(problem.costs(name).total * rng.uniform(0.05, 0.6))
    return problem.but(limits=limits)


@pytest.mark.parametrize("seed", range(150))
def test_equals_enumeration(seed: int) -> None:
    problem = several(random.Random(seed))
    assert intervals.refuses(problem) is None
    found, every = tiers_limits.solve(problem, Options()), brute.solve(problem, Options())
    assert (found.objective, found.infeasible) == (every.objective, every.infeasible)
    assert found.bound == every.objective


def test_the_instances_above_are_of_every_sort() -> None:
    problems = [several(random.Random(seed)) for seed in range(150)]
    wide = [p for p in problems if len(p.places) > 2]
    infeasible = sum(brute.solve(p, Options()).infeasible for p in problems)
    assert len(wide) > 80
    assert 10 < infeasible < 100
    assert sum(len(p.objectives) > 1 for p in wide) > 20
    assert sum(bool(p.limits) for p in wide) > 60


@pytest.mark.parametrize("seed", range(12))
def test_an_early_stop_keeps_a_valid_bound(seed: int) -> None:
    rng = random.Random(seed)
    while (optimum := osp.solve(problem := several(rng), "brute").objective) is None or not problem.limits:
        pass
    for gap in (0.3, 0.05):
        found = osp.solve(problem, "tiers-lagrangian", gap=gap)
        assert found.bound <= optimum <= found.objective
        assert found.gap <= gap
    early = osp.solve(problem, "tiers-lagrangian", time_limit=1e-9)
    assert (early.status, early.limit, early.bound) == (Status.NO_SOLUTION, Limit.TIME, 0)


def test_auto_takes_it_for_a_network_that_branches() -> None:
    # two of three at the edge or further: b, c and d of the fork may not all be in the cloud
    layers, edges = ["a", "b", "c", "d"], [(0, 1), (0, 2), (1, 3), (2, 3)]
    hops = {("device", "edge"): [2, 1, 1, 0], ("edge", "cloud"): [2, 1, 1, 0], ("device", "cloud"): [4, 2, 2, 0]}
    back = {(q, p): row for (p, q), row in hops.items()}
    fork = Partition(
        layers, edges, ("device", "edge", "cloud"),
        {"latency": Metric([[0, 9, 9], [9, 4, 1], [9, 4, 1], [9, 4, 1]], {**hops, **back}),
         "cloud": Metric([[0, 0, 1]] * 4, unit="")},
        pins={"a": "device"}, result_at=None, limits={"cloud": 2},
    )  # fmt: skip
    result = osp.solve(fork)
    assert (result.method, result.objective) == ("tiers-lagrangian", osp.solve(fork, "brute").objective)
    assert osp.solve(fork.but(limits={})).objective < result.objective


def test_a_limited_metric_that_does_not_add_up_is_refused_by_name() -> None:
    problem = line()
    first, middle, _ = problem.places
    counts = [1] * len(problem.tensors)
    hop = Metric([[0, 0, 0]] * len(problem.layers), {(first, middle): counts, (middle, first): counts})
    limited = problem.but(metrics={**problem.metrics, "radio": hop}, limits={"radio": 2})
    with pytest.raises(osp.errors.MethodMismatch, match=r"radio of tensor .* is less than that of its parts"):
        osp.solve(limited, "tiers-lagrangian")
