"""Confidence exits: a frame ends at the first exit that is sure enough, and nothing behind it runs."""

import pytest
import torch

from optsplit.errors import InvalidInput
from optsplit.executor.frames import Line, confidence
from optsplit.executor.remote import Remote
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.executor.stages import Stages
from optsplit.executor.worker import Places
from optsplit.graph import LayerGraph
from optsplit.problems.partition import PartitionPlan
from optsplit.profiling.run import runnable
from optsplit.profiling.trace import trace
from tests.executor_networks import one_thread  # noqa: F401


class TwoExits(torch.nn.Module):
    """An exit behind the first layer, and the end."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 4)
        self.early = torch.nn.Linear(4, 3)
        self.second = torch.nn.Linear(4, 4)
        self.last = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first = self.first(x).relu()
        return self.early(first), self.last(self.second(first).relu() + first)


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    torch.manual_seed(0)
    return trace(TwoExits().eval(), torch.rand(1, 4), name="exits")


def plan(graph: LayerGraph, *home: str) -> PartitionPlan:
    return PartitionPlan({layer.name: "device" if layer.name in home else "server" for layer in graph.layers})


def test_confidence_by_hand() -> None:
    # e^0 / (e^0 + e^0 + e^0) = 1/3; ln 2 against 0 and 0: 2 / 4
    assert confidence(torch.zeros(1, 3)) == pytest.approx(1 / 3)
    assert confidence(torch.tensor([[0.6931472, 0.0, 0.0], [9.0, 0.0, 0.0]])) == pytest.approx(0.5)


@pytest.mark.parametrize("home", [(), ("input", "first", "relu", "early"), ("input", "first", "relu")])
def test_a_frame_ends_at_the_first_exit_that_is_sure(graph: LayerGraph, home: tuple[str, ...]) -> None:
    program = runnable(graph)
    inputs = dict(zip(program.inputs, program.example, strict=True))
    with torch.no_grad():
        early, last = program.module(*program.args)
    sure = confidence(early)
    chosen = plan(graph, "input", *home)
    with Server({"exits": Model.of(graph)}, "127.0.0.1:0", threads=1) as server:
        for threshold, ends in ((sure - 0.01, True), (sure + 0.01, False)):
            stages = Stages(graph, chosen, "device", {}, {program.outputs[0]: threshold})
            places = Places()
            near = Line(stages, {place: places.worker(stages, place) for place in stages.places})
            with Remote(stages, {"server": server.address}, places) as remote:
                answers = [near.run(0, inputs), *(remote.run(index, inputs) for index in range(100))]
            for answer in answers:
                assert answer.frame.fallback is None
                assert answer.exit == (program.outputs[0] if ends else None)
                assert torch.equal(answer.outputs[0], early)
                assert len(answer.outputs) == (1 if ends else 2)
            if ends:
                ran = {span.stage for span in answers[0].frame.spans}
                names = {layer for s in ran if s is not None for layer in stages.order[s].layers}
                assert "second" not in names
            else:
                assert torch.equal(answers[-1].outputs[1], last)


def test_an_exit_is_an_output(graph: LayerGraph) -> None:
    with pytest.raises(InvalidInput, match="an exit is an output"):
        Stages(graph, plan(graph, "input"), "device", {}, {"relu": 0.5})
    with pytest.raises(InvalidInput, match="give 0 or more"):
        Stages(graph, plan(graph, "input"), "device", {}, {graph.outputs[0]: -1.0})
