"""The two formulations of the partition problem against hand-derived optima, and against enumeration."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import optsplit as osp
from optsplit import formulation
from optsplit.method import Answer, Options
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition, PartitionPlan
from tests.instances import partitions, random_partition

BOTH = ("partition_milp", "partition_cpsat")


def run(name: str, problem: Partition, **options: Any) -> Answer:
    answer: Answer = formulation.load(name).solve(problem, Options(**options))
    return answer


def enumerate_best(problem: Partition) -> int | None:
    """The least objective over every assignment that breaks no rule, by `evaluate` alone."""
    best = None
    for at in itertools.product(range(len(problem.places)), repeat=len(problem.layers)):
        priced = problem.evaluate(problem.plan(at))
        if not priced.violations and (best is None or priced.objective < best):
            best = priced.objective
    return best


def assert_optimal(problem: Partition, answer: Answer, best: int | None) -> None:
    if best is None:
        assert answer.infeasible
        assert answer.plan is None
        return
    priced = problem.evaluate(answer.plan)
    assert not priced.violations
    assert (priced.objective, answer.objective, answer.bound) == (best, best, best)


def diamond(**changes: Any) -> Partition:
    """input -> a -> (b, c) -> d; a's tensor has two readers."""
    given: dict[str, Any] = {
        "layers": ["input", "a", "b", "c", "d"],
        "edges": [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)],
        "metrics": {
            "latency": Metric(
                compute=[[0, 0], [4, 1], [10, 2], [10, 2], [3, 1]],
                transfer={("device", "server"): [20, 5, 9, 9, 9], ("server", "device"): [0, 1, 2, 2, 1]},
            ),
            "load": Metric(compute=[[0, 0], [0, 1], [0, 2], [0, 2], [0, 1]], unit=""),
        },
        "pins": {"input": "device"},
    }
    return Partition(**(given | changes))


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("changes", "best"),
    [
        # a on the device (4), its tensor sent once for both readers (5), b, c, d there (2 + 2 + 1), d back (1): 15.
        # All on the device is 27; all but the input there is 20 + 1 + 2 + 2 + 1 + 1 = 27.
        ({}, 15),
        # The result may stay: no way back.
        ({"result_at": None}, 14),
        # The server has room for load 4: b and c (4 + 5 + 2 + 2), both tensors back (2 + 2), d here (3): 20;
        # with b alone 4 + 5 + 2 + 2 + 10 + 3 = 26.
        ({"limits": {"load": 4}}, 20),
        # One-way forbids b and c there with d here: b alone is forbidden too, d there needs load 1 and both
        # tensors sent: 4 + 10 + 10 + 9 + 9 + 1 + 1 = 44; all on the device is 27.
        ({"limits": {"load": 4}, "one_way": True}, 27),
        # No room at all.
        ({"limits": {"load": 0}}, 27),
        # The largest of latency and load is latency here.
        ({"minimize": ("latency", "load")}, 15),
        # d pinned to the device: as above with room for b and c.
        ({"pins": {"input": "device", "d": "device"}}, 20),
        # Nothing may come back, and the result must: all on the device.
        ({"links": [("device", "server")]}, 27),
        ({"links": [("device", "server")], "result_at": "server"}, 14),
        # Something must run at the server, yet nothing may be sent there.
        ({"links": [], "pins": {"input": "device", "d": "server"}}, None),
        ({"limits": {"latency": 14}}, None),
        ({"limits": {"latency": 15}}, 15),
        ({"limits": {"latency": -5}}, None),
        ({"limits": {"load": 10**30}}, 15),
    ],
)
def test_diamond(name: str, changes: dict[str, Any], best: int | None) -> None:
    problem = diamond(**changes)
    assert enumerate_best(problem) == best
    assert_optimal(problem, run(name, problem), best)


@pytest.mark.parametrize("name", BOTH)
def test_sending_is_paid_once_for_all_places(name: str) -> None:
    # a must be read at b's and c's places; sending costs 7 once, the two arcs 1 each, receiving 2 at each end: 13
    problem = Partition(
        layers=["a", "b", "c"],
        edges=[(0, 1), (0, 2)],
        places=("device", "edge", "cloud"),
        metrics={
            "latency": Metric(
                compute=[[0] * 3] * 3,
                transfer={arc: [1, 1, 1] for arc in itertools.permutations(("device", "edge", "cloud"), 2)},
                send={"device": [7, 0, 0]},
                receive={"edge": [2, 0, 0], "cloud": [2, 0, 0]},
            )
        },
        pins={"a": "device", "b": "edge", "c": "cloud"},
        result_at=None,
    )
    assert_optimal(problem, run(name, problem), 13)


@pytest.mark.parametrize("name", BOTH)
def test_one_layer(name: str) -> None:
    problem = Partition(layers=["only"], metrics={"latency": Metric(compute=[[3, 1]])}, result_at=None)
    assert_optimal(problem, run(name, problem), 1)


@pytest.mark.parametrize("name", BOTH)
def test_limit_is_exact_at_large_magnitude(name: str) -> None:
    # two layers of 10^12 and 10^12 + 1: one tick decides whether both stay (money 0), the first alone (4) or none (9)
    costs = Metric(compute=[[10**12, 0], [10**12 + 1, 0]])
    problem = Partition(
        layers=["a", "b"],
        metrics={"energy": costs, "money": Metric(compute=[[0, 5], [0, 4]])},
        minimize="money",
        limits={"energy": 2 * 10**12},
        result_at=None,
    )
    for limit, best in ((2 * 10**12, 4), (10**12, 4), (2 * 10**12 + 1, 0), (10**12 - 1, 9)):
        limited = problem.but(limits={"energy": limit})
        assert_optimal(limited, run(name, limited), best)


CASES = [
    (places, limits, minmax, one_way, result, seed)
    for places in (2, 3)
    for limits in (0, 1, 2)
    for minmax in (1, 2)
    for one_way in (False, True)
    for seed, result in enumerate(("", None, "cloud"))
]


@pytest.mark.parametrize(("places", "limits", "minmax", "one_way", "result", "seed"), CASES)
def test_equal_to_enumeration(
    places: int, limits: int, minmax: int, one_way: bool, result: str | None, seed: int
) -> None:
    problem = random_partition(
        random.Random(f"{places} {limits} {minmax} {one_way} {result} {seed}"),
        layers=7 if places == 2 else 5, places=places, limits=limits, minmax=minmax, one_way=one_way,
        result_at=result, magnitude=(3, 100, 10**6)[seed], missing_links=0.15 * (seed % 2),
    )  # fmt: skip
    best = enumerate_best(problem)
    for name in BOTH:
        assert_optimal(problem, run(name, problem), best)


@settings(max_examples=60, deadline=None)
@given(partitions(max_layers=5))
def test_formulations_agree_with_enumeration(problem: Partition) -> None:
    best = enumerate_best(problem)
    for name in BOTH:
        assert_optimal(problem, run(name, problem), best)


@pytest.mark.parametrize("name", BOTH)
def test_a_layer_that_costs_nothing_anywhere(name: str) -> None:
    # b stands in no row and in no objective: its variable is not part of the model, and it still gets a place
    problem = Partition(layers=["a", "b"], metrics={"latency": Metric(compute=[[1, 2], [0, 0]])}, result_at=None)
    assert_optimal(problem, run(name, problem), 1)
    limited = problem.but(minimize=("latency", "latency"), limits={"latency": 1})
    assert_optimal(limited, run(name, limited), 1)


@pytest.mark.parametrize("name", BOTH)
def test_presolve_of_cpsat_9_15_loses_this_optimum(name: str) -> None:
    # or-tools issue 5293: with all of its presolve CP-SAT calls 21_639_625_540 optimal
    up, down = ("device", "cloud"), ("cloud", "device")
    a, b, c, d = [2276304168, 9080512925], [0, 6446992023], [637305496, 0], [0, 2419708319]
    first = Metric([a, b, c, d], send={"device": [3048339796]}, receive={"cloud": [3199155851]})
    a, b, c, d = [4787504102, 4027665147], [500663955, 4769656282], [6065055655, 1999783121], [9841647829, 617862385]
    second = Metric([a, b, c, d], {up: [241034206]}, receive={"device": [6766875243]})
    a, b, c, d = [2747470869, 583200179], [9508263989, 4689077646], [6470053707, 3014140395], [6625656352, 2396538782]
    transfer = {up: [4170206564], down: [4874163563]}
    third = Metric([a, b, c, d], transfer, send={"device": [2325736342]}, receive={"cloud": [658465201]})
    problem = Partition(
        ["a", "b", "c", "d"],
        tensors=[(0, (1, 2, 3))],
        places=("device", "cloud"),
        metrics={"first": first, "second": second, "third": third},
        minimize=("first", "second", "third"),
        pins={"a": "device"},
        result_at=None,
        links=[up, down],
    )
    # a stays, b, c, d leave; the third metric: 2747470869 + 4689077646 + 3014140395 + 2396538782, and one tensor on
    # its way: 4170206564 + 2325736342 + 658465201
    assert enumerate_best(problem) == 20_001_635_799
    assert_optimal(problem, run(name, problem), 20_001_635_799)


@pytest.mark.parametrize("name", BOTH)
def test_same_input_same_plan(name: str) -> None:
    problem = random_partition(random.Random(3), layers=30, limits=2, magnitude=3, tightness=(0.4, 0.6))
    plans: list[PartitionPlan] = [run(name, problem).plan for _ in range(3)]
    assert plans[0] is not None
    assert plans[0] == plans[1] == plans[2]


def test_hint_is_complete_and_used() -> None:
    problem = random_partition(random.Random(1), layers=12, places=3, limits=1, minmax=2, pins=0, tightness=(0.8, 0.9))
    best = run("partition_cpsat", problem)
    again = run("partition_cpsat", problem, hint=best.plan)
    assert again.objective == best.objective
    assert next(point.objective for point in again.trace if point.objective is not None) == best.objective


@pytest.mark.parametrize("seed", range(10))
def test_exact_duals_certify_nanoseconds(seed: int) -> None:
    # two places, no limits: the relaxation is a network, and its integer duals prove 10^10 to the last tick
    problem = random_partition(random.Random(seed), layers=60, magnitude=10**9)
    answer = run("partition_milp", problem)
    assert answer.bound == answer.objective == run("partition_cpsat", problem).objective
    assert "exact" in answer.raw_status


@pytest.mark.parametrize("seed", range(6))
def test_limits_at_nanoseconds_are_proven(seed: int) -> None:
    problem = random_partition(random.Random(seed), layers=25, limits=2, magnitude=10**9, tightness=(0.5, 0.8))
    milp, cpsat = run("partition_milp", problem), run("partition_cpsat", problem)
    assert milp.bound == milp.objective == cpsat.objective == cpsat.bound


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_that_only_the_floats_accept_is_cut_off(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # a limit row divided until one tick is far below HiGHS's tolerance: the problem's own evaluation must catch it
    milp = formulation.load("partition_milp")
    rng = random.Random(seed)
    problem = random_partition(rng, layers=7, limits=1, magnitude=1000, tightness=(0.9, 0.9), result_at=None)
    within = problem.evaluate(run("partition_cpsat", problem.but(limits={})).plan)
    problem = problem.but(limits={"m1": within.metrics["m1"] - 1})
    best = enumerate_best(problem)
    calls = []
    exclude = milp._Model.exclude

    def counted(self: Any, at: Any) -> None:
        calls.append(1)
        exclude(self, at)

    monkeypatch.setattr(milp._Model, "exclude", counted)
    rows = formulation.load("rows")
    monkeypatch.setattr(rows, "scale_to", lambda total, size: 2**60 if size == rows.ROW_SIZE else 1)
    answer = milp.solve(problem, Options())
    assert calls or best is None
    assert_optimal(problem, answer, best)


@pytest.mark.parametrize(("file", "optimum"), [("probing", 5_388_572_420_825), ("no_probing", 37_885_824_086_769)])
def test_cpsat_does_not_call_a_feasible_problem_infeasible(file: str, optimum: int) -> None:
    # with the presolve that it has by default, or without its probing, CP-SAT 9.15 does; costs near 1e13
    problem = Partition.load(Path(__file__).parent / "data" / f"cpsat_{file}.json")
    assert osp.solve(problem, "lagrangian").objective == optimum
    assert osp.solve(problem, "cpsat").objective == optimum
