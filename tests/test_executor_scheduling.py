"""A schedule run as planned: every machine keeps its order, and every job has its network's own outputs."""

import threading
from collections.abc import Iterator

import pytest
import torch

import optsplit
from optsplit.errors import InvalidInput
from optsplit.executor.frames import Unreachable
from optsplit.executor.jobs import graph_of, jobs
from optsplit.executor.scheduled import Scheduled
from optsplit.executor.scheduling import run_schedule
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import ARROW
from optsplit.problems.schedule_plan import SchedulePlan
from optsplit.profiling.run import runnable
from optsplit.profiling.trace import trace
from tests.executor_networks import behind, diamond, one_thread, problem, split  # noqa: F401


class Chain(torch.nn.Module):
    """Another network, with layers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.two = torch.nn.Conv2d(4, 4, 3, padding=1)
        self.three = torch.nn.Conv2d(4, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.three(self.two(self.one(x)).relu())
        return out


@pytest.fixture(scope="module")
def chain() -> LayerGraph:
    torch.manual_seed(1)
    return trace(Chain().eval(), torch.rand(1, 3, 16, 16), name="chain")


@pytest.fixture(scope="module")
def server(chain: LayerGraph) -> Iterator[Server]:
    with Server({"diamond": Model.of(diamond()), "chain": Model.of(chain)}, "127.0.0.1:0", threads=1) as running:
        yield running


def own(graph: LayerGraph) -> list[torch.Tensor]:
    program = runnable(graph)
    with torch.no_grad():
        whole = program.module(*program.args)
    return [whole] if isinstance(whole, torch.Tensor) else list(whole)


def check(found: Scheduled, graphs: list[LayerGraph]) -> None:
    for outputs, graph in zip(found.outputs, graphs, strict=True):
        assert all(torch.equal(mine, its) for mine, its in zip(outputs, own(graph), strict=True))
    for each in found.rounds:
        for machine, turns in found.jobs.turns.items():
            seen = [each.spans[turn] for turn in turns if turn in each.spans]
            assert seen or ARROW in machine
            starts = [start for start, _ in seen]
            assert starts == sorted(starts)
            if ARROW not in machine:
                assert len(seen) == len(turns)


def planned(asked: Schedule) -> SchedulePlan:
    plan = optsplit.solve(asked, time_limit=2.0).plan
    assert isinstance(plan, SchedulePlan)
    assert not asked.evaluate(plan).violations
    return plan


def test_frames_with_different_cuts(server: Server) -> None:
    graph = diamond()
    part = problem(graph, device=2_000_000, server=1_000_000)
    cuts = [
        behind(graph, 3), split(graph, {layer.name for layer in graph.layers[1:]}),
        split(graph, {graph.layers[3].name}), behind(graph, 5),
    ]  # fmt: skip
    plan = planned(Schedule([part] * 4, cuts=cuts))
    for address in (None, server.address):
        check(run_schedule(plan, [graph] * 4, server=address, rounds=2), [graph] * 4)


def test_two_networks_share_the_machines(server: Server, chain: LayerGraph) -> None:
    graphs = [diamond(), chain, diamond(), chain]
    parts = {graph.name: problem(graph, device=3_000_000, server=1_000_000) for graph in graphs}
    cuts = [behind(graph, 2 + j % 3) for j, graph in enumerate(graphs)]
    asked = Schedule([parts[graph.name] for graph in graphs], release=[0, 0, 10**7, 10**7], cuts=cuts)
    plan = planned(asked)
    found = run_schedule(plan, graphs, release=asked.release, server=server.address, link=Connection.mbit(8))
    check(found, graphs)
    assert found.jobs.makespan == asked.evaluate(plan).metrics["makespan"] / 1e9
    for turn, (start, _) in found.rounds[0].spans.items():
        assert start >= asked.release[turn.job] / 1e9
    # 8 Mbit/s are 1 MB/s: no round is faster than what crosses
    sent = sum(
        next(t.bytes for t in graphs[turn.job].tensors if t.name == turn.tensor)
        for turn in found.jobs.turns["device>server"]
    )
    assert min(each.makespan for each in found.rounds) >= sent / 1e6
    assert "emulated" in str(found)
    assert found.content()["makespan"]["measured"] == found.makespan


def test_turns_by_hand() -> None:
    # two frames whose convolutions interleave on the device: 0:stem 1:stem 0:relu ...
    graph = diamond()
    part = problem(graph, device=1_000, server=1_000, per_byte=0)
    cuts = [behind(graph, 3)] * 2
    asked = Schedule([part, part], cuts=cuts)
    starts = [[0] * len(asked.steps(j, cuts[j])) for j in (0, 1)]
    steps = asked.steps(0, cuts[0])
    # input, stem, relu of job 0 at 0, 2000, 4000 and of job 1 at 1000, 3000, 5000; the rest after 10 us
    for j in (0, 1):
        clock = 10_000 + 100_000 * j
        for i, step in enumerate(steps):
            if i < 3:
                starts[j][i] = 2_000 * i + 1_000 * j
            elif step.duration:
                starts[j][i] = clock
                clock += 1_000
            elif ARROW in asked.machines[step.machine]:
                starts[j][i] = 9_000 if "device>" in asked.machines[step.machine] else clock
    plan = asked.plan(cuts, starts)
    ready = jobs(plan, [graph, graph])
    assert [turn.job for turn in ready.turns["device"]] == [0, 1, 0, 1, 0, 1]
    assert [len(stages.order) for stages in ready.stages] == [4, 4]
    assert [turn.job for turn in ready.turns["server"]] == [0, 1]
    check(run_schedule(plan, [graph, graph]), [graph, graph])


def test_a_server_that_is_gone_is_an_error(server: Server) -> None:
    graph = diamond()
    plan = planned(Schedule([problem(graph)] * 2, cuts=[behind(graph, 3)] * 2))
    with pytest.raises(Unreachable):
        run_schedule(plan, [graph] * 2, server="127.0.0.1:1")


def test_a_server_that_goes_in_the_middle_is_done_without() -> None:
    graph = diamond()
    cuts = [behind(graph, 3), split(graph, set()), behind(graph, 3)]
    release = [0, 0, 10**9]
    plan = planned(Schedule([problem(graph)] * 3, release=release, cuts=cuts))
    with Server({"diamond": Model.of(graph)}, "127.0.0.1:0", threads=1) as brief:
        threading.Timer(1.5, brief.stop).start()
        found = run_schedule(plan, [graph] * 3, server=brief.address, rounds=3, release=release)
    for each in found.rounds:
        for outputs in each.outputs:
            assert all(torch.equal(mine, its) for mine, its in zip(outputs, own(graph), strict=True))
    # the job that is all on the device needs no other way
    assert sorted(found.rounds[-1].fallback) == [0, 2]
    assert found.rounds[-1].ends[2] >= 1.0
    assert "round 2: jobs 0, 2 on the device alone" in str(found)
    assert sorted(found.content()["fallback"][-1]) == ["0", "2"]


def test_plans_of_other_networks(chain: LayerGraph) -> None:
    graph = diamond()
    plan = planned(Schedule([problem(graph)] * 2, cuts=[behind(graph, 3)] * 2))
    with pytest.raises(InvalidInput, match="no network given has the layers of job 0"):
        graph_of(0, plan, [chain])
    assert graph_of(0, plan, [chain, graph]) is graph
    with pytest.raises(InvalidInput, match="1 networks are given"):
        run_schedule(plan, [graph])
    with pytest.raises(InvalidInput, match="another network or grain"):
        run_schedule(plan, [chain, chain])
    lost = SchedulePlan(plan.assignments, [o for o in plan.operations if o.machine != "device>server"])
    with pytest.raises(InvalidInput, match="nothing sends it"):
        run_schedule(lost, [graph] * 2)
