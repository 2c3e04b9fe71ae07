"""A plan as stages: what each needs and gives; outputs equal to the whole module's, bit for bit; prices that add up."""

import random

import pytest
import torch

from optsplit import zoo
from optsplit.errors import InvalidInput
from optsplit.executor.execute import execute
from optsplit.executor.predicted import predicted
from optsplit.executor.stages import Stages, all_at, rest_at, weights_of
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.problems.partition import PartitionPlan
from optsplit.profiling.run import runnable
from optsplit.profiling.trace import trace
from tests.executor_networks import diamond, one_thread, problem, split  # noqa: F401


def layered(edges: list[tuple[int, int]], n: int) -> LayerGraph:
    readers: dict[int, list[int]] = {v: [] for v in range(n)}
    for u, v in edges:
        readers[u].append(v)
    layers = tuple(Layer(f"l{v}", "input" if v == 0 else "conv") for v in range(n))
    tensors = tuple(Tensor(f"t{v}", v, tuple(readers[v]), 10) for v in range(n))
    return LayerGraph("hand", layers, tensors, (f"t{n - 1}",))


def places(graph: LayerGraph, text: str) -> PartitionPlan:
    names = {"d": "device", "s": "server", "c": "cloud"}
    return PartitionPlan({layer.name: names[letter] for layer, letter in zip(graph.layers, text, strict=True)})


def test_two_way_cut_keeps_what_a_later_stage_of_the_same_place_reads() -> None:
    # 0 -> 1 -> 2 -> 3 -> 4, and 1 -> 4: the server computes 1, 2 and 4, the device 0 and 3
    graph = layered([(0, 1), (1, 2), (2, 3), (3, 4), (1, 4)], 5)
    first, away, back, last = Stages(graph, places(graph, "dssds"), "device").order
    assert (first.layers, first.gives) == (("l0",), ("t0",))
    assert (away.needs, away.gives, away.keeps) == (("t0",), ("t2",), ("t1",))
    assert (back.needs, back.gives) == (("t2",), ("t3",))
    assert (last.needs, sorted(last.reads), last.gives) == (("t3",), ["t1", "t3"], ("t4",))


def test_branches_that_cross_both_ways_share_stages() -> None:
    # both branches of the server run in one stage, although the device's branch lies between them in the order
    graph = layered([(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)], 5)
    order = Stages(graph, places(graph, "dsdsd"), "device").order
    assert [(stage.place, stage.layers) for stage in order] == [
        ("device", ("l0", "l2")), ("server", ("l1", "l3")), ("device", ("l4",))
    ]  # fmt: skip
    assert order[1].needs == ("t0",)
    assert order[0].keeps == ("t2",)


def test_a_tensor_is_sent_once_to_a_place_that_reads_it_twice() -> None:
    graph = layered([(0, 1), (0, 3), (1, 2), (2, 3)], 4)
    order = Stages(graph, places(graph, "dsds"), "device").order
    assert [stage.needs for stage in order] == [(), ("t0",), ("t1",), ("t2",)]
    assert order[1].keeps == ("t0",)


def test_a_plan_of_another_network_is_refused() -> None:
    graph = layered([(0, 1)], 2)
    with pytest.raises(InvalidInput, match="another network"):
        Stages(graph, PartitionPlan({"l0": "device", "conv1": "server"}), "device")
    with pytest.raises(InvalidInput, match="'l1' of 'hand' has no place"):
        Stages(graph, PartitionPlan({"l0": "device"}), "device")


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "branchy_alexnet_3",
        *(pytest.param(n, marks=pytest.mark.slow) for n in zoo.names() if n not in ("resnet18", "branchy_alexnet_3")),
    ],
)
def test_outputs_are_the_modules_own_under_random_plans(name: str) -> None:
    module, example = zoo.build(name)
    graph = trace(module, example, name=name)
    given = runnable(graph)
    with torch.no_grad():
        whole = given.module(*given.args, **given.kwargs)
    expected = [whole] if isinstance(whole, torch.Tensor) else list(whole)
    rng = random.Random(0)
    for count in (2, 3):
        at = {layer.name: "p0" if layer.kind == "input" else f"p{rng.randrange(count)}" for layer in graph.layers}
        outputs = execute(PartitionPlan(at), graph, frames=1).outputs
        assert all(torch.equal(mine, own) for mine, own in zip(outputs, expected, strict=True))


def test_inputs_that_the_plan_puts_elsewhere_are_sent_there() -> None:
    graph = diamond()
    plan = PartitionPlan(dict.fromkeys((layer.name for layer in graph.layers), "server"))
    stages = Stages(graph, plan, "device")
    assert stages.order[0].needs == runnable(graph).inputs


def test_predicted_parts_add_up_to_the_problems_price() -> None:
    graph = diamond()
    rng = random.Random(1)
    priced = problem(graph)
    for _ in range(20):
        away = {layer.name for layer in graph.layers if layer.kind != "input" and rng.random() < 0.5}
        stages = Stages(graph, split(graph, away), "device")
        guess = predicted(stages, priced)
        assert guess.total == priced.evaluate(stages.plan).metrics["latency"] / 1e9
        assert sum(guess.stages) + sum(guess.messages.values()) == pytest.approx(guess.total, rel=1e-12)


def test_all_and_rest() -> None:
    graph = diamond()
    assert Stages(graph, all_at(graph, "device"), "device").places == ("device",)
    assert len(Stages(graph, rest_at(graph, "device", "server"), "device").order) == 2
    assert weights_of(graph, [layer.name for layer in graph.layers]) == graph.weight_bytes
