"""Exits, thresholds and bits of a plan run as the plan says, and only what it needs runs."""

from collections.abc import Iterator

import msgspec
import pytest
import torch

from optsplit import packing
from optsplit.errors import InvalidInput
from optsplit.executor import chosen
from optsplit.executor.execute import execute, staged
from optsplit.executor.frames import Unreachable, confidence
from optsplit.executor.predicted import predicted
from optsplit.executor.remote import Remote, preparation
from optsplit.executor.running import run
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.graph import LayerGraph
from optsplit.problems.exits import ExitPattern, Exits
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import Precision, Sending
from optsplit.profiling.run import runnable
from optsplit.profiling.trace import trace
from tests.executor_networks import one_thread  # noqa: F401
from tests.test_executor_exits import TwoExits

UP, DOWN = ("device", "server"), ("server", "device")


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    torch.manual_seed(0)
    return trace(TwoExits().eval(), torch.rand(1, 4), name="exits")


@pytest.fixture(scope="module")
def server(graph: LayerGraph) -> Iterator[Server]:
    with Server({"exits": Model.of(graph)}, "127.0.0.1:0", threads=1) as running:
        yield running


def own(graph: LayerGraph) -> tuple[torch.Tensor, torch.Tensor]:
    program = runnable(graph)
    with torch.no_grad():
        early, last = program.module(*program.args)
    return early, last


def priced(graph: LayerGraph, **arguments: object) -> Partition:
    """3 ms a layer on the device, 1 ms at the server, 10 ms a tensor of which 9 ms are the link's latency."""
    n, t = len(graph.layers), len(graph.tensors)
    arcs = (UP, DOWN)
    return Partition(
        [layer.name for layer in graph.layers],
        tensors=[(tensor.source, tensor.readers) for tensor in graph.tensors],
        metrics={
            "latency": Metric([[3_000_000, 1_000_000]] * n, {arc: [10_000_000] * t for arc in arcs}),
            "fixed_latency": Metric([[3_000_000, 1_000_000]] * n, {arc: [9_000_000] * t for arc in arcs}),
        },
        minimize="latency", pins={"input": "device"},
        outputs=[i for i, tensor in enumerate(graph.tensors) if tensor.name in graph.outputs], **arguments,  # type: ignore[arg-type]
    )  # fmt: skip


def at(home: tuple[str, ...], on: tuple[str, ...], **more: object) -> PartitionPlan:
    return PartitionPlan({name: "device" if name in home else "server" for name in on}, **more)  # type: ignore[arg-type]


EARLY = ("input", "first", "relu", "early")


def test_one_exit_runs_only_what_it_needs(graph: LayerGraph, server: Server) -> None:
    early, last = own(graph)
    everything = tuple(layer.name for layer in graph.layers)
    rest = tuple(name for name in everything if name != "early")
    late = everything[-1]
    problem = priced(graph, exits={"early": 0.5, late: 0.9})
    # 3 ms of input, 3 or 6 layers of 1 ms, and two tensors of 10 ms
    for on, exit_, expected, seconds in ((EARLY, "early", early, 0.026), (rest, late, last, 0.029)):
        plan = at(("input",), on, exit=exit_)
        for found in (
            run(graph, plan, problem=problem, frames=2),
            run(graph, plan, problem=problem, frames=2, server=server.address),
        ):
            assert found.fallen == 0
            assert len(found.outputs) == 1
            assert torch.equal(found.outputs[0], expected)
            assert {layer for stage in found.stages.order for layer in stage.layers} == set(on)
            assert found.predicted is not None
            assert found.predicted.total == pytest.approx(problem.evaluate(plan).metrics["latency"] / 1e9)
            assert found.predicted.total == pytest.approx(seconds)
        parts = found.predicted
        assert sum(parts.stages) + sum(parts.messages.values()) == pytest.approx(parts.total)


def test_a_server_that_is_gone_leaves_the_exit(graph: LayerGraph) -> None:
    found = run(graph, at(("input",), EARLY, exit="early"), frames=2, server="127.0.0.1:1")
    assert found.fallen == 2
    assert len(found.outputs) == 1
    assert torch.equal(found.outputs[0], own(graph)[0])


@pytest.mark.parametrize("home", [("input",), EARLY, EARLY[:3]])
def test_thresholds_of_the_plan(graph: LayerGraph, server: Server, home: tuple[str, ...]) -> None:
    early, last = own(graph)
    sure = confidence(early)
    everything = tuple(layer.name for layer in graph.layers)
    grid = (sure - 0.01, sure + 0.01)
    exits = Exits({"early": 0.5, everything[-1]: 0.9}, grid, (ExitPattern((1, 2), (True, True), 1),))
    problem = priced(graph, exits=exits)
    for threshold, ends in zip(grid, (True, False), strict=True):
        plan = at(home, everything, thresholds={"early": threshold})
        for found in (
            run(graph, plan, problem=problem, frames=3),
            run(graph, plan, problem=problem, frames=3, server=server.address),
        ):
            assert found.fallen == 0
            # the answer of one exit, not of all
            assert len(found.outputs) == 1
            assert torch.equal(found.outputs[0], early if ends else last)
            assert found.exits == {"early" if ends else "end": 3}
            assert f"ended at {'early' if ends else 'end'}: 3" in str(found)
        if ends:
            # its one sample leaves early, as the frame does
            assert found.total.predicted == pytest.approx(problem.evaluate(plan).metrics["latency"] / 1e9)


def test_only_the_last_exit_is_on(graph: LayerGraph) -> None:
    rest = tuple(layer.name for layer in graph.layers if layer.name != "early")
    (output,) = execute(at((), rest), graph, frames=1).outputs
    assert torch.equal(output, own(graph)[1])


def test_bits_of_the_plan_are_packed_and_priced(graph: LayerGraph, server: Server) -> None:
    pytest.importorskip("blosc2")
    everything = tuple(layer.name for layer in graph.layers)
    small = Precision(4, 0, {"latency": Sending(dict.fromkeys((UP, DOWN), 2_000_000), {"device": 500_000})})
    problem = priced(graph, precisions={"relu": (Precision(32), small)})
    plan = at(EARLY[:3], everything, bits={"relu": 4})
    program = runnable(graph)
    crossing = chosen.bits_of(graph, plan)
    assert list(crossing.values()) == [4]
    whole = program.module.first(program.args[0]).relu().detach()  # type: ignore[operator,union-attr]
    sent = torch.from_numpy(packing.quantised(whole.numpy(), 4))
    with torch.no_grad():
        expected = program.module.early(sent)  # type: ignore[operator]
    found = run(graph, plan, problem=problem, frames=2, server=server.address)
    assert torch.equal(found.outputs[0], expected)
    line = next(line for line in found.lines if line.what == "device -> server")
    # 2 ms on the way and 0.5 ms of packing, as the precision says
    assert line.predicted == pytest.approx(0.0025)
    assert line.size == len(packing.pack(whole.numpy(), 4))


def test_a_message_pays_the_latency_of_the_link_once(graph: LayerGraph) -> None:
    everything = tuple(layer.name for layer in graph.layers)
    plan = at(("input",), everything)
    problem = priced(graph)
    guess = predicted(staged(graph, plan), problem)
    # both outputs come in one message: 10 + 10 - 9 ms
    assert guess.messages[None, DOWN] == pytest.approx(0.011)
    assert guess.total == pytest.approx(problem.evaluate(plan).metrics["latency"] / 1e9 - 0.009)


def test_plans_that_do_not_hang_together(graph: LayerGraph) -> None:
    everything = tuple(layer.name for layer in graph.layers)
    for plan, said in (
        (at((), EARLY[:2], exit="early"), "'relu' of 'exits' has no place"),
        (at((), everything[:-1], exit="early"), "no answer needs it"),
        (at((), EARLY, exit="earl"), "unknown exit 'earl'; did you mean 'early'"),
        (at((), everything, thresholds={"early": 0.5, everything[-1]: 0.5}), "leave out that of the last"),
        (at((), everything, bits={"rel": 4}), "bits of unknown tensor 'rel'"),
    ):
        with pytest.raises(InvalidInput, match=said):
            staged(graph, plan)


def test_a_session_that_asks_for_nonsense_ends(graph: LayerGraph, server: Server) -> None:
    stages = staged(graph, at(("input",), EARLY, exit="early"))
    with Remote(stages, {"server": server.address}) as remote:
        message = preparation(stages, ("device", "server"), 9, "server")
        with pytest.raises(Unreachable, match="stands twice"):
            remote.sessions["server"].prepare(msgspec.structs.replace(message, runs=((0,), (0, 1))), 5.0)
