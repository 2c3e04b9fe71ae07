"""Partition: what is refused, what a plan costs by hand, and which rules it breaks."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optsplit import Metric, Partition, PartitionPlan
from optsplit.errors import InvalidInput
from optsplit.problems.partition import BRANCHES, LARGEST, LIMITS, PLACES

UP, DOWN = ("device", "server"), ("server", "device")


def part(**changes: Any) -> Partition:
    """a -> b -> c with latency and memory."""
    given: dict[str, Any] = {
        "layers": ["a", "b", "c"],
        "edges": [(0, 1), (1, 2)],
        "metrics": {"latency": Metric([[1, 2]] * 3, {UP: [1, 1, 1]}), "memory": Metric([[1, 0]] * 3, unit="B")},
    }
    return Partition(**(given | changes))


def refused(message: str) -> Any:
    return pytest.raises(InvalidInput, match="^" + re.escape(message) + "$")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": []}, "partition has no layers; give at least one"),
        ({"layers": ["a", "b", "a"]}, "partition: layer name 'a' stands twice; names must be unique"),
        ({"places": ("device",)}, "partition has places ('device',); give at least two"),
        ({"places": ("x", "x")}, "partition: place name 'x' stands twice; names must be unique"),
        (
            {"edges": [(0, 1), (1, 2), (2, 1)]},
            "partition has a cycle: 'b' -> 'c' -> 'b'; a network must be acyclic, remove one of these edges",
        ),
        (
            {"edges": [(1, 1)]},
            "partition has a cycle: 'b' -> 'b'; a network must be acyclic, remove one of these edges",
        ),
        ({"edges": [("a", "B")]}, "edge names unknown layer 'B'; did you mean 'b'? known: a, b, c"),
        ({"edges": [(0, 3)]}, "edge names layer 3; layers are 0..2"),
        ({"edges": [(-1, 1)]}, "edge names layer -1; layers are 0..2"),
        ({"edges": [(0.5, 1)]}, "edge names layer 0.5; give its name, or its position 0..2"),
        ({"edges": [(0, 1, 2)]}, "edge (0, 1, 2); give a pair (source, reader)"),
        ({"edges": [3]}, "edge 3; give a pair (source, reader)"),
        ({"tensors": [(0, (1,))]}, "partition has both edges and tensors; give one of them"),
        ({"edges": (), "tensors": [(0, 1)]}, "tensor (0, 1); give a pair (source, readers)"),
        ({"metrics": None}, "minimize: unknown metric 'latency'; known: none"),
        ({"minimize": "latenzy"}, "minimize: unknown metric 'latenzy'; did you mean 'latency'? known: latency, memory"),
        ({"minimize": ()}, "partition minimises nothing; name a metric"),
        ({"limits": {"energy": 3}}, "limit on unknown metric 'energy'; known: latency, memory"),
        ({"limits": {"memory": 2.5}}, "limit on 'memory' is 2.5; give an integer in B"),
        ({"limits": {"latency": True}}, "limit on 'latency' is True; give an integer in ns"),
        ({"limits": {"latency": None}}, "limit on 'latency' is None; give an integer in ns"),
        ({"pins": {"d": "device"}}, "pin of unknown layer 'd'; known: a, b, c"),
        ({"pins": {"a": "moon"}}, "pin of layer 'a': unknown place 'moon'; known: device, server"),
        ({"result_at": "moon"}, "result_at: unknown place 'moon'; known: device, server"),
        ({"links": [("device", "moon")]}, "link ('device', 'moon'): unknown place 'moon'; known: device, server"),
        ({"links": [("device", "device")]}, "link ('device', 'device') joins a place to itself; give two places"),
        ({"links": ["device>server"]}, "link 'device>server'; give a pair of two places (from, to)"),
        ({"outputs": [3]}, "output tensor 3; tensors are 0..2"),
        ({"outputs": [-1]}, "output tensor -1; tensors are 0..2"),
        ({"outputs": [0.5]}, "output tensor 0.5; tensors are 0..2"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_bad_input_is_refused_with_object_value_and_repair(changes: dict[str, Any], message: str) -> None:
    with refused(message):
        part(**changes)


def test_metrics_are_checked_against_the_problem() -> None:
    with refused("metric 'latency' compute['c', 0] is -1; give 0 or more"):
        part(metrics={"latency": Metric([[0, 0], [0, 0], [-1, 0]])})
    with refused("metric 'latency' compute has shape (2, 2); expected (3, 2)"):
        part(metrics={"latency": Metric([[0, 0]] * 2)})


def test_tensors_of_one_layer_are_numbered() -> None:
    problem = Partition(["a", "b"], tensors=[(0, (1,)), (0, ()), (1, ())], metrics={"latency": Metric([[0, 0]] * 2)})
    assert problem.tensor_names == ("a:0", "a:1", "b")
    assert problem.outputs == (1, 2)


# a's tensor is read by b and c. Device, server: a 1, 9; b 5, 2; c 7, 3. Up 10 for a's, down 20, 30, 40.
BRANCH = Partition(
    ["a", "b", "c"],
    [("a", "b"), ("a", "c")],
    metrics={
        "latency": Metric([[1, 9], [5, 2], [7, 3]], {UP: [10, 11, 12], DOWN: [20, 30, 40]}),
        "messages": Metric([[0, 0]] * 3, send={"device": [1, 1, 1]}, receive={"device": [100, 100, 100]}, unit=""),
    },
)


@pytest.mark.parametrize(
    ("at", "latency", "messages"),
    [
        ([0, 0, 0], 1 + 5 + 7, 0),
        # sent once for both readers; both results come back
        ([0, 1, 1], 1 + 10 + 2 + 3 + 30 + 40, 1 + 200),
        # one reader there: sent all the same, one result comes back
        ([0, 1, 0], 1 + 10 + 2 + 30 + 7, 1 + 100),
        # all there: a's tensor is no output, nothing of it comes back
        ([1, 1, 1], 9 + 2 + 3 + 30 + 40, 200),
        # a there, its readers here: it comes down once
        ([1, 0, 0], 9 + 20 + 5 + 7, 100),
        ([1, 0, 1], 9 + 20 + 5 + 3 + 40, 200),
    ],
)
def test_a_shared_tensor_is_paid_once_each_way(at: list[int], latency: int, messages: int) -> None:
    priced = BRANCH.evaluate(BRANCH.plan(at))
    assert priced.metrics == {"latency": latency, "messages": messages}
    assert priced.objective == latency
    assert priced.violations == ()


def test_send_and_receive_are_paid_once_per_tensor_and_place() -> None:
    # a is read at edge twice and at cloud: it leaves once (7), enters edge (20) and cloud (300), by two ways (1, 2)
    problem = Partition(
        ["a", "b", "c", "d"],
        [(0, 1), (0, 2), (0, 3)],
        ("device", "edge", "cloud"),
        {
            "latency": Metric(
                [[0, 0, 0]] * 4,
                {("device", "edge"): [1, 0, 0, 0], ("device", "cloud"): [2, 0, 0, 0]},
                send={"device": [7, 0, 0, 0]},
                receive={"edge": [20, 0, 0, 0], "cloud": [300, 0, 0, 0]},
            )
        },
        result_at=None,
    )
    assert problem.evaluate(problem.plan([0, 1, 1, 2])).objective == 7 + 20 + 300 + 1 + 2


def test_an_output_that_is_also_read_goes_back_and_on() -> None:
    # a at the server is an output (back to the device: 20) and read there by b (30 back)
    both = BRANCH.but(outputs=[0, 1])
    assert both.evaluate(both.plan([1, 1, 0])).metrics["latency"] == 9 + 2 + 7 + 20 + 30
    # at the server nothing moves but c's result, which is no output
    there = BRANCH.but(outputs=[0, 1], result_at="server")
    assert there.evaluate(there.plan([1, 1, 1])).metrics["latency"] == 9 + 2 + 3
    assert there.evaluate(there.plan([0, 0, 0])).metrics["latency"] == 1 + 5 + 7 + 10 + 11


def test_the_largest_of_several_metrics_is_the_objective() -> None:
    problem = BRANCH.but(minimize=("latency", "messages"))
    assert problem.evaluate(problem.plan([1, 1, 1])).objective == 200
    assert problem.evaluate(problem.plan([0, 0, 0])).objective == 13


@pytest.mark.parametrize(
    ("changes", "at", "says"),
    [
        ({"pins": {"b": "server"}}, [0, 0, 0], ["layer 'b' runs at 'device' but is pinned to 'server'"]),
        (
            {"links": [DOWN]},
            [0, 1, 1],
            ["tensor 'a' is sent over ('device', 'server'), where there is no link"],
        ),
        (
            {"links": [UP]},
            [0, 1, 0],
            ["tensor 'b' is sent over ('server', 'device'), where there is no link"],
        ),
        (
            {"one_way": True},
            [1, 0, 1],
            ["layer 'b' at 'device' reads from a later place ('a') although the cut is one-way"],
        ),
        ({"one_way": True}, [0, 1, 1], []),
        ({"limits": {"latency": 12}}, [0, 0, 0], ["latency is 13 ns, above its limit 12"]),
        ({"limits": {"latency": 13}}, [0, 0, 0], []),
        (
            {"pins": {"a": "server"}, "limits": {"latency": 0}},
            [0, 0, 0],
            ["layer 'a' runs at 'device' but is pinned to 'server'", "latency is 13 ns, above its limit 0"],
        ),
    ],
)
def test_each_broken_rule_is_told(changes: dict[str, Any], at: list[int], says: list[str]) -> None:
    problem = BRANCH.but(**changes)
    assert list(problem.evaluate(problem.plan(at)).violations) == says


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ({"a": "device", "b": "device"}, "plan: layer 'c' has no place; assign every layer"),
        ({"a": "device", "x": "device"}, "plan: unknown layer 'x'; known: a, b, c"),
        ({"a": "moon"}, "plan: layer 'a' at unknown place 'moon'; known: device, server"),
    ],
)
def test_a_plan_of_another_problem_is_refused(assignment: dict[str, str], message: str) -> None:
    with refused(message):
        BRANCH.evaluate(PartitionPlan(assignment))


def test_a_plan_and_its_positions() -> None:
    plan = BRANCH.plan([0, 1, 0])
    assert plan.assignment == {"a": "device", "b": "server", "c": "device"}
    assert plan.at("device") == ["a", "c"]
    assert BRANCH.positions(plan).tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="shorter"):
        BRANCH.plan([0, 1])


def test_but_changes_what_it_names_and_nothing_else() -> None:
    problem = BRANCH.but(
        pins={"a": "device"}, limits={"messages": 300}, result_at=None, one_way=True, outputs=[2], links=[UP], name="x"
    )
    same = problem.but()
    for field in (
        "layers",
        "tensors",
        "places",
        "objectives",
        "limits",
        "pins",
        "result_at",
        "one_way",
        "outputs",
        "links",
        "name",
    ):
        assert getattr(same, field) == getattr(problem, field), field
    assert problem.but(limits={}).limits == {}
    assert problem.limits == {"messages": 300}
    assert problem.but(minimize="messages").objectives == ("messages",)


def test_a_problem_does_not_follow_the_arrays_it_was_given() -> None:
    compute = np.array([[1, 2]] * 3)
    problem = part(metrics={"latency": Metric(compute)})
    compute[0, 0] = 50
    for same in (problem, problem.but(), problem.but(pins={"b": "device"})):
        assert same.evaluate(same.plan([0, 0, 0])).objective == 3


@pytest.mark.parametrize(
    ("edges", "order", "chain"),
    [
        ([(0, 1), (1, 2)], (0, 1, 2), True),
        ([(2, 1), (1, 0)], (2, 1, 0), True),
        ([(0, 1), (0, 2)], (0, 1, 2), False),
        # positions as near to the given ones as the arcs allow
        ([(2, 0)], (1, 2, 0), True),
        ([], (0, 1, 2), True),
    ],
)
def test_order_and_chains(edges: list[tuple[int, int]], order: tuple[int, ...], chain: bool) -> None:
    problem = part(edges=edges)
    assert problem.order == order
    assert problem.is_chain is chain
    assert (BRANCHES in problem.features) is not chain


def test_features_say_what_a_method_must_take() -> None:
    assert part().features == frozenset()
    assert BRANCH.but(limits={"latency": 5}, minimize=("latency", "messages")).features == {BRANCHES, LIMITS, LARGEST}
    assert Partition(["a"], (), ("x", "y", "z"), {"latency": Metric([[0, 0, 0]])}).features == {PLACES}


def test_links_default_to_the_arcs_of_some_metric_or_to_all() -> None:
    assert part().links == {UP}
    assert part(metrics={"latency": Metric([[0, 0]] * 3)}).links == {UP, DOWN}
    assert part(links=[]).links == frozenset()


@pytest.mark.parametrize("warm", [lambda p: None, lambda p: (p.order, p.reads, p.allowed, p.fixed, p.is_chain)])
def test_pickling(warm: Callable[[Partition], Any]) -> None:
    problem = BRANCH.but(limits={"messages": 300}, pins={"a": "device"})
    warm(problem)
    again = pickle.loads(pickle.dumps(problem))
    plan = problem.plan([0, 1, 1])
    assert again.evaluate(plan) == problem.evaluate(plan)
    assert again.features == problem.features
    assert again.pins == {"a": "device"}


def test_positions_may_be_numpy_integers() -> None:
    tensors = [(np.int64(0), (np.int64(1), np.int64(2))), (np.int32(1), ())]
    given = Partition(["a", "b", "c"], tensors=tensors, metrics={"latency": Metric([[1, 2]] * 3)})
    assert given.tensors == ((0, (1, 2)), (1, ()))
    assert all(type(i) is int for source, readers in given.tensors for i in (source, *readers))


@pytest.mark.parametrize("cost", [-1, 1.5, float("nan"), 2**53, "3"])
def test_a_single_cost_is_checked_like_many(cost: Any) -> None:
    with pytest.raises(InvalidInput, match=r"transfer|compute"):
        Partition(["a"], metrics={"latency": Metric([[1, 1]], {("device", "server"): [cost]})})


def test_readers_out_of_order_are_sorted() -> None:
    # the second tensor begins where a short cut could take it for the first one's end
    given = Partition(list("abcdef"), tensors=[(0, (2, 1, 3)), (4, (5,))], metrics={"latency": Metric([[1, 1]] * 6)})
    assert given.tensors == ((0, (1, 2, 3)), (4, (5,)))
