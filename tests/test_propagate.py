"""What limits force: no plan within them may be lost, and what is forced by hand is found."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from optsplit import Metric, Partition
from optsplit.algorithms.propagate import propagate
from tests.instances import random_partition


@pytest.mark.parametrize("seed", range(60))
def test_every_plan_within_the_limits_is_kept(seed: int) -> None:
    rng = random.Random(seed)
    problem = random_partition(
        rng, layers=6, limits=2, one_way=seed % 3 == 0, result_at=[None, "device", "cloud"][seed % 3], missing_links=0.2
    )
    costs = [problem.costs(name) for name in problem.limits]
    forced = propagate(problem, problem.fixed, costs, list(problem.limits.values()))
    for places in itertools.product((0, 1), repeat=len(problem.layers)):
        at = np.array(places)
        if not problem.evaluate(problem.plan(at)).violations:
            assert forced is not None
            assert forced.keeps(problem, at)
        if forced is not None and any(p >= 0 and p != q for p, q in zip(forced.fixed.tolist(), places)):
            assert not forced.keeps(problem, at)


def test_a_tensor_dearer_than_the_limit_keeps_its_layers_together() -> None:
    # sending costs 5, 2, 1; a limit of 4 leaves the input, and so a, on the device; then a's tensor may still go
    sends = Metric([[0, 0]] * 3, {("device", "server"): [5, 2, 1]})
    problem = Partition(["input", "a", "b"], [(0, 1), (1, 2)], metrics={"latency": sends}, pins={"input": "device"},
                        result_at=None)  # fmt: skip
    forced = propagate(problem, problem.fixed, [problem.costs("latency")], [4])
    assert forced is not None
    assert forced.fixed.tolist() == [0, 0, -1]
    assert forced.up.tolist() == [True, False, False]


def test_a_layer_dearer_than_the_rest_runs_at_the_other_place() -> None:
    # the input takes 3 of 10 on the device; b needs 8 there, so the server runs it, and what it reads may be anywhere
    works = Metric([[3, 0], [1, 0], [8, 0]])
    problem = Partition(["input", "a", "b"], [(0, 1), (1, 2)], metrics={"latency": works}, pins={"input": "device"})
    forced = propagate(problem, problem.fixed, [problem.costs("latency")], [10])
    assert forced is not None
    assert forced.fixed.tolist() == [0, -1, 1]


def test_what_is_decided_already_may_exceed_the_limit() -> None:
    works = Metric([[3, 0], [1, 0]])
    problem = Partition(["input", "a"], [(0, 1)], metrics={"latency": works}, pins={"input": "device"})
    assert propagate(problem, problem.fixed, [problem.costs("latency")], [2]) is None


def test_a_result_dearer_than_the_limit_is_made_where_it_must_end() -> None:
    # coming down costs 9 for the result, 0 for the others; going up costs nothing
    sends = Metric([[0, 0]] * 3, {("device", "server"): [0, 0, 0], ("server", "device"): [0, 0, 9]})
    problem = Partition(["input", "a", "b"], [(0, 1), (1, 2)], metrics={"latency": sends}, pins={"input": "device"})
    forced = propagate(problem, problem.fixed, [problem.costs("latency")], [4])
    assert forced is not None
    assert forced.fixed.tolist() == [0, -1, 0]
    assert forced.down.tolist() == [False, False, True]


def test_a_layer_too_dear_at_both_places_leaves_no_plan() -> None:
    works = Metric([[0, 0], [9, 7]])
    problem = Partition(["input", "a"], [(0, 1)], metrics={"latency": works}, pins={"input": "device"})
    assert propagate(problem, problem.fixed, [problem.costs("latency")], [6]) is None
    # the least of each layer fits the two limits, and no place of the layer fits both
    two = [Metric([[0, 0], [9, 0]]), Metric([[0, 0], [0, 9]])]
    problem = problem.but(metrics={"here": two[0], "there": two[1]}, minimize="here")
    assert propagate(problem, problem.fixed, [problem.costs("here"), problem.costs("there")], [4, 4]) is None
