"""Neurosurgeon's candidates by hand, as printed, and what they cost in truth."""

from __future__ import annotations

import re

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.baselines.neurosurgeon import predicted
from optsplit.errors import InvalidInput

UP, DOWN = ("device", "server"), ("server", "device")


def chain(up: list[int], down: int = 0, **changes: object) -> Partition:
    """input -> a (4, 1) -> b (6, 1) -> c (2, 1): here and there."""
    given = {
        "layers": ["input", "a", "b", "c"],
        "edges": [(0, 1), (1, 2), (2, 3)],
        "metrics": {"latency": Metric([[0, 0], [4, 1], [6, 1], [2, 1]], {UP: up, DOWN: [down] * 4})},
        "pins": {"input": "device"},
    }
    return Partition(**(given | changes))  # type: ignore[arg-type]


# j = 0: 9 + 3 = 12; j = 1: 4 + 3 + 2 = 9; j = 2: 10 + 8 + 1 = 19; j = N: 4 + 6 + 2 = 12, and c's tensor is not sent
PLAIN = chain([9, 3, 8, 5])


def test_the_candidates() -> None:
    # the first entry has the input at the server, too: no candidate, since it is pinned
    assert predicted(PLAIN, 1.0).tolist() == [3, 12, 9, 19, 12]
    result = osp.solve(PLAIN, "neurosurgeon")
    assert (result.status, result.objective, result.plan.at("device")) == (Status.HEURISTIC, 9, ["input", "a"])


@pytest.mark.parametrize(
    ("up", "here"),
    [
        ([1, 3, 8, 5], ["input"]),  # 1 + 3 = 4 is least: j = 0
        ([99, 99, 99, 0], ["input", "a", "b", "c"]),  # j = N
    ],
)
def test_both_ends(up: list[int], here: list[str]) -> None:
    assert osp.solve(chain(up), "neurosurgeon").plan.at("device") == here


@pytest.mark.parametrize(("load", "values", "cut"), [(2.0, [6, 15, 11, 20, 12], 2), (4, [12, 21, 15, 22, 12], 4)])
def test_load_multiplies_the_times_of_the_server_alone(load: float, values: list[float], cut: int) -> None:
    assert predicted(PLAIN, load).tolist() == values
    assert len(osp.solve(PLAIN, "neurosurgeon", load=load).plan.at("device")) == cut


@pytest.mark.parametrize("load", [0, -1.0, float("inf"), "2"])
def test_a_load_that_is_none(load: object) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f"neurosurgeon: load is {load!r}; give a positive finite number")):
        osp.solve(PLAIN, "neurosurgeon", load=load)


def test_of_equal_candidates_the_later_cut() -> None:
    # j = 0: 9 + 3 = 12; j = 1: 4 + 6 + 2 = 12; j = N: 12
    assert osp.solve(chain([9, 6, 8, 5]), "neurosurgeon").plan.at("server") == []


def test_it_loses_because_it_does_not_charge_the_way_of_the_result() -> None:
    # its 9 at j = 1 becomes 9 + 20 with the result's way back; all here costs 12: it loses 17
    problem = chain([9, 3, 8, 5], down=20)
    assert predicted(problem, 1.0).tolist() == predicted(PLAIN, 1.0).tolist()
    assert osp.solve(problem, "neurosurgeon").objective == 29
    assert osp.solve(problem).objective == 12


def test_energy_leaves_out_the_waiting() -> None:
    # here 4 + 6 + 2 = 12; sending the input 3 and waiting 30 for the server: as printed 3 against 12, in truth 33
    energy = Metric([[0, 0], [4, 10], [6, 10], [2, 10]], {UP: [3, 50, 50, 50], DOWN: [0] * 4}, unit="nJ")
    problem = chain([0] * 4, metrics={"energy": energy}, minimize="energy")
    assert predicted(problem, 5.0).tolist() == [0, 3, 54, 60, 12]
    assert osp.solve(problem, "neurosurgeon").objective == 33
    assert osp.solve(problem).objective == 12


def test_on_a_graph_it_takes_prefixes_and_pays_a_shared_tensor_once() -> None:
    # a -> b, c -> d; b is slow here, c is slow there; every tensor costs 4 to send
    problem = Partition(
        ["a", "b", "c", "d"],
        [(0, 1), (0, 2), (1, 3), (2, 3)],
        metrics={"latency": Metric([[1, 9], [30, 1], [2, 40], [1, 1]], {UP: [4] * 4, DOWN: [0] * 4})},
        pins={"a": "device"},
    )
    # a: 1 + 4 + 1 + 40 + 1; a b: 31 + 4 (a to c) + 4 (b to d) + 41; a b c: 33 + 8 + 1; all 34
    assert predicted(problem, 1.0).tolist() == [51, 47, 80, 42, 34]
    assert osp.solve(problem, "neurosurgeon").objective == 34
    # no prefix has b there and c here: 1 + 4 + 1 + 2, and d here 1 (the way down is free)
    assert osp.solve(problem).objective == 9


def test_under_a_limit_it_keeps_the_best_prefix_that_obeys() -> None:
    server = Metric([[0, 0], [0, 1], [0, 1], [0, 1]])
    problem = chain([9, 3, 8, 5], metrics={**PLAIN.metrics, "server": server}, limits={"server": 1})
    # j = 1 uses 2, j = 0 uses 3; of j = 2 (19) and j = N (12) the latter
    assert osp.solve(problem, "neurosurgeon").objective == 12
    none = osp.solve(problem.but(limits={"server": 1, "latency": 11}), "neurosurgeon")
    assert none.status is Status.NO_SOLUTION
    assert (
        none.raw_status
        == "no prefix obeys the rules; of the best, its plan breaks a rule: server is 2 ns, above its limit 1"
    )
