"""Groups, contiguity and equal places: what is refused, what a plan breaks, what is found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optsplit as osp
from optsplit import Metric, Partition
from optsplit.errors import InvalidInput, MethodMismatch
from optsplit.problems.metric import dense

PLACES = ("x", "y", "z")


def machines(**changes: Any) -> Partition:
    """a -> b -> c over three equal machines, the largest load least."""
    given: dict[str, Any] = {
        "layers": ["a", "b", "c"],
        "edges": [("a", "b"), ("b", "c")],
        "places": PLACES,
        "metrics": {
            place: Metric([[int(other == place) for other in PLACES]] * 3, send={place: [1, 1, 1]}) for place in PLACES
        },
        "minimize": PLACES,
        "result_at": None,
    }
    return Partition(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"together": ["ab"]}, "together: group 'ab'; give each group as a sequence of layer names"),
        ({"together": [3]}, "together: group 3; give each group as a sequence of layer names"),
        ({"together": [("a", "B")]}, "together: unknown layer 'B'; did you mean 'b'? known: a, b, c"),
        ({"equal": [("x", "w")]}, "equal: unknown place 'w'; known: x, y, z"),
        ({"equal": [("x", "y"), ("y", "z")]}, "equal: place 'y' stands in two groups; give each place once"),
        (
            {"equal": [PLACES], "pins": {"a": "x"}},
            "equal: places 'x' and 'y' are not interchangeable: layer 'a' is pinned to 'x'; "
            "make them alike or leave one out",
        ),
        (
            {"equal": [PLACES], "limits": {"z": 2}},
            "equal: places 'x' and 'z' are not interchangeable: metric 'x' has no counterpart once they are "
            "exchanged; make them alike or leave one out",
        ),
        (
            {"equal": [PLACES], "links": [("x", "y"), ("y", "x")]},
            "equal: places 'x' and 'z' are not interchangeable: their links differ; make them alike or leave one out",
        ),
        (
            {"equal": [PLACES], "one_way": True},
            "equal: places 'x' and 'y' are not interchangeable: under one_way their order counts; "
            "make them alike or leave one out",
        ),
    ],
)
def test_bad_input_is_refused_with_object_value_and_repair(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match="^" + re.escape(message) + "$"):
        machines(**changes)


def test_groups_with_a_layer_in_common_are_one() -> None:
    assert machines(together=[("c", "b"), ("b", "a")]).together == (("a", "b", "c"),)
    assert machines(together=[("a",), ()]).together == ()
    assert machines(together=[("c", "a")]).bundles == ((0, 2), (1,))


def test_what_a_plan_breaks() -> None:
    problem = machines(together=[("a", "c")], contiguous=True)
    assert problem.evaluate(problem.plan([0, 0, 0])).violations == ()
    assert problem.evaluate(problem.plan([0, 1, 0])).violations == (
        "a path comes back to 'x' at layer 'c' although places are contiguous",
    )
    assert problem.evaluate(problem.plan([0, 0, 1])).violations == (
        "layers 'a' at 'x' and 'c' at 'y' are apart although they must be together",
    )


def test_a_path_comes_back_through_layers_far_apart() -> None:
    # a -> b -> c -> d and a -> d: the direct edge stays, the long way leaves
    problem = machines(
        layers=["a", "b", "c", "d"], edges=[(0, 1), (1, 2), (2, 3), (0, 3)], metrics={"x": Metric([[1] * 3] * 4)},
        minimize="x", contiguous=True,
    )  # fmt: skip
    assert len(problem.evaluate(problem.plan([0, 1, 2, 0])).violations) == 1
    assert problem.evaluate(problem.plan([0, 0, 2, 2])).violations == ()


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({}, (PLACES,)),
        ({"equal": ()}, ()),
        ({"equal": [("z", "x"), ("y",)]}, (("z", "x"),)),
        ({"pins": {"a": "x"}}, (("y", "z"),)),
        ({"result_at": "z"}, (("x", "y"),)),
        ({"limits": {"y": 2}}, (("x", "z"),)),
        ({"limits": {"x": 2, "y": 2, "z": 2}}, (PLACES,)),
        ({"minimize": ("x", "y")}, (("x", "y"),)),
        ({"one_way": True}, ()),
        ({"links": [("x", "y"), ("y", "x"), ("x", "z"), ("y", "z")]}, (("x", "y"),)),
    ],
)
def test_interchangeable_places_are_found(changes: dict[str, Any], groups: tuple[tuple[str, ...], ...]) -> None:
    assert machines(**changes).equal == groups


def test_two_pairs_of_equal_places() -> None:
    metrics = {"latency": Metric([[1, 2, 1, 2]] * 3)}
    problem = machines(places=("p", "q", "r", "s"), metrics=metrics, minimize="latency")
    assert problem.equal == (("p", "r"), ("q", "s"))


def test_changes_keep_groups_contiguity_and_equality() -> None:
    problem = machines(together=[("a", "b")], contiguous=True, equal=[("x", "y")]).but(name="other")
    assert (problem.together, problem.contiguous, problem.equal) == ((("a", "b"),), True, (("x", "y"),))
    assert machines().but(pins={"a": "x"}).equal == (("y", "z"),)


def test_files_written_before_there_were_groups_still_load(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    machines().save(path)
    text = json.loads(path.read_text())
    for key in ("together", "contiguous", "equal"):
        del text["content"][key]
    path.write_text(json.dumps(text))
    problem = Partition.load(path)
    assert (problem.together, problem.contiguous, problem.equal) == ((), False, (PLACES,))


@pytest.mark.parametrize("changes", [{"together": [("a", "b")]}, {"contiguous": True}])
def test_methods_that_cannot_take_them_refuse(changes: dict[str, Any]) -> None:
    problem = Partition(["a", "b"], [("a", "b")], metrics={"latency": Metric([[1, 2]] * 2)}, **changes)
    for method in ("chain", "mincut", "lagrangian", "neurosurgeon", "dads-light"):
        with pytest.raises(MethodMismatch, match="it does not take"):
            osp.solve(problem, method)


def test_fifty_places_need_no_room_for_transfers_that_are_not_there() -> None:
    layers, places = [f"l{i}" for i in range(700)], [f"p{i}" for i in range(50)]
    costs = dense("load", Metric(np.ones((700, 50), dtype=np.int64)), layers, layers, places)
    assert costs.transfer.shape == (50, 50, 700)
    assert costs.transfer.base is None or costs.transfer.base.nbytes <= 8
    assert not costs.transfers
    assert not costs.ends
    assert costs.total == 700 * 50
    # one number for all layers is no absence of costs
    same = dense("load", Metric(np.broadcast_to(np.int64(3), (700, 50))), layers, layers, places)
    assert same.computes
    assert same.total == 3 * 700 * 50


@pytest.mark.parametrize("method", ["cpsat", "milp"])
@pytest.mark.parametrize(
    ("changes", "optimum"),
    [
        # one layer each: the first two send, 1 + 1
        ({}, 2),
        # a and c 2 + 1 sent, b alone 1 + 1
        ({"together": [("a", "c")]}, 3),
        # so a and c with b between them are all at one place
        ({"together": [("a", "c")], "contiguous": True}, 3),
        ({"together": [("a", "b"), ("b", "c")]}, 3),
        ({"together": [("a", "b")], "pins": {"a": "x", "b": "y"}}, None),
    ],
)
def test_hand_derived(method: str, changes: dict[str, Any], optimum: int | None) -> None:
    result = osp.solve(machines(**changes), method)
    assert result.objective == optimum
    assert result.status is (osp.Status.INFEASIBLE if optimum is None else osp.Status.OPTIMAL)
