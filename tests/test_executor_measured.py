"""The report of a run, calibration from what it measured, validation, and plans that follow the link."""

import time
from dataclasses import replace

import pytest
import torch

from optsplit.errors import InvalidInput
from optsplit.executor.adapting import Adaptive, Rate
from optsplit.executor.calibration import Calibration, calibrated, fitted
from optsplit.executor.connection import Connection as Session
from optsplit.executor.execute import execute
from optsplit.executor.measured import COMPUTE, SEND, Execution, Frame, Span
from optsplit.executor.messaging import MessageCost, message_cost
from optsplit.executor.predicted import Predicted, predicted
from optsplit.executor.remote import Remote
from optsplit.executor.server import Server
from optsplit.executor.shaping import Shaper
from optsplit.executor.stages import Stages
from optsplit.executor.validation import validate
from optsplit.executor.wire import Open
from optsplit.executor.worker import Places
from optsplit.hardware import Connection, Link
from optsplit.profiling.profile import Profile, Timing
from optsplit.profiling.run import runnable
from tests.executor_networks import behind, diamond, one_thread, problem, served, split  # noqa: F401


def by_hand(device: float, sent: float, away: float) -> Execution:
    """Three frames of equal spans over two stages, the second at the server."""
    graph = diamond()
    stages = Stages(graph, behind(graph, 3), "device")
    spans = (
        Span(COMPUTE, 0, "device", 0.0, device),
        Span(SEND, 1, "device -> server", device, device + sent, 1000),
        Span(COMPUTE, 1, "server", device + sent, device + sent + away),
    )
    frames = tuple(Frame(i, device + sent + away, spans, stages) for i in range(3))
    guess = Predicted(0.9, (0.2, 0.3), {(1, ("device", "server")): 0.4}, 0.4)
    return Execution("diamond", stages, frames, 3.0, guess)


def test_errors_of_every_predicted_number() -> None:
    execution = by_hand(0.1, 0.5, 0.3)
    # (predicted - measured) / measured: 0.2 / 0.1, 0.4 / 0.5, 0.3 / 0.3, and 0.9 / 0.9 of the frame
    assert list(execution.errors.values()) == pytest.approx([1.0, -0.2, 0.0, 0.0])
    assert execution.content()["parts"][1]["bytes"] == 1000


def test_a_period_is_the_time_between_answers() -> None:
    execution = by_hand(0.1, 0.5, 0.3)
    # three frames of 0.9 s, half a second apart: the first takes its 0.9 s, but the stream gives one each 0.5 s
    frames = tuple(replace(frame, start=0.5 * i) for i, frame in enumerate(execution.frames))
    assert replace(execution, frames=frames, seconds=1.9).period.median == pytest.approx(0.5)
    assert replace(execution, frames=frames[:1], seconds=0.9).period.median == 0.9


def test_gantt_on_one_scale() -> None:
    lines = by_hand(0.1, 0.5, 0.3).gantt(width=90).splitlines()
    # 0.9 s are 90 characters: predicted 20, 40, 30 and measured 10, 50, 30
    bars = [line.split("|")[1] for line in lines if "|" in line]
    assert [len(bar.strip()) for bar in bars] == [20, 40, 30, 10, 50, 30]
    assert [len(bar) for bar in bars] == [20, 60, 90, 10, 60, 90]


def profile(device: float, server: float) -> Profile:
    graph = diamond()
    n = len(graph.layers)
    return Profile(graph, {"device": Timing((device,) * n), "server": Timing((server,) * n)})


def test_calibration_scales_the_layers_that_ran_and_the_others_by_their_place() -> None:
    graph = diamond()
    n = len(graph.layers)
    found = calibrated(profile(0.01, 0.02), [by_hand(0.09, 0.5, 0.04 * (n - 3))])
    # three layers took 0.09 s instead of 0.03; those at the server 0.04 s each instead of 0.02
    assert found.factors == pytest.approx({"device": 3.0, "server": 2.0})
    assert found.profile.timings["device"].seconds == pytest.approx((0.03,) * n)
    assert found.links["device", "server"].rate == pytest.approx(2000)
    assert found.links["device", "server"].latency == 0


def test_fitted_line() -> None:
    link = fitted([(n, 0.01 + n / 5000) for n in (100, 1000, 50_000)])
    assert (link.rate, link.latency) == (pytest.approx(5000), pytest.approx(0.01))
    # seconds that shrink with size have no line: the median rate
    assert fitted([(1000, 1.0), (2000, 0.5)]).latency == 0


def test_shaper_sends_one_message_after_the_other() -> None:
    shaper = Shaper(Link(1000.0, latency=0.5))
    now = time.monotonic()
    assert shaper.due(100) == pytest.approx(now + 0.6, abs=0.05)
    assert shaper.due(100) == pytest.approx(now + 0.7, abs=0.05)
    assert Shaper(None).due(10**9) == pytest.approx(time.monotonic(), abs=0.05)


def test_validation_after_one_calibration_is_better() -> None:
    # a profile that is wrong by far more than any noise, and a link that is wrong by five
    graph = diamond()
    wrong = profile(1.0, 1.0)
    found = validate(
        behind(graph, 3), graph, profile=wrong, links=Connection.mbit(8), frames=5, threads={"device": 1, "server": 1}
    )
    first, then = found.errors["frame"]
    assert abs(then) < abs(first)
    assert found.calibration.links["device", "server"].rate == pytest.approx(1e6, rel=0.3)
    assert "before" in str(found)


def test_validation_refuses_one_place() -> None:
    graph = diamond()
    alone = Profile(graph, {"device": Timing((0.0,) * len(graph.layers))})
    with pytest.raises(InvalidInput, match="give two"):
        validate(behind(graph, 3), graph, profile=alone, links=Connection.mbit(8))


def test_rate_follows_messages_and_ignores_small_ones() -> None:
    rate = Rate()
    assert rate.bytes_per_second is None
    rate.add(10, 5.0)
    assert rate.bytes_per_second is None
    for _ in range(20):
        rate.add(1 << 20, 1.0)
    assert rate.bytes_per_second == pytest.approx(1 << 20)
    for _ in range(20):
        rate.add(1 << 20, 4.0)
    assert rate.bytes_per_second == pytest.approx(1 << 18, rel=0.01)


def test_the_plan_follows_the_link() -> None:
    # the device takes 8 x 20 ms; at 0.5 Mbit/s the 12 KiB of input and the 16 KiB of output alone take 459 ms
    graph = diamond(size=32)
    asked = problem(graph, device=20_000_000, server=1_000_000)
    program = runnable(graph)
    inputs = dict(zip(program.inputs, program.example, strict=True))
    everything = {layer.name for layer in graph.layers if layer.kind != "input"}
    start = Stages(graph, split(graph, everything), "device")
    fast, slow = Connection.mbit(100), Connection.mbit(0.5)
    with (
        Server({"diamond": served(size=32)}, "127.0.0.1:0", threads=1) as server,
        Remote(start, {"server": server.address}, Places(), link=fast) as remote,
    ):
        follow = Adaptive(remote, asked, patience=2)
        for index in range(4):
            follow.run(index, inputs)
        before = remote.stages.plan
        for session in remote.sessions.values():
            session.up.link, session.down.link = slow.up, slow.down
        for index in range(4, 10):
            answer = follow.run(index, inputs)
        after = remote.stages.plan
        for session in remote.sessions.values():
            session.up.link, session.down.link = fast.up, fast.down
        for index in range(10, 30):
            answer = follow.run(index, inputs)
        texts = [text for _, text in remote.decisions]
    with torch.no_grad():
        assert torch.equal(answer.outputs[0], program.module(*program.args)[0])
    assert len(before.at("server")) > len(after.at("server"))
    assert remote.stages.plan == before
    assert all("Mbit/s" in text for text in texts)
    assert len(texts) >= 3


def test_one_process_says_so() -> None:
    graph = diamond()
    assert "messages take no time" in str(execute(behind(graph, 3), graph, frames=1))
    with pytest.raises(InvalidInput, match="unknown place 'sever'"):
        execute(behind(graph, 3), graph, devices={"sever": "cpu"})
    with pytest.raises(InvalidInput, match="0 frames"):
        execute(behind(graph, 3), graph, frames=0)


def test_messages_keep_the_device_busy() -> None:
    graph = diamond()
    cost = MessageCost(0.001, 1e-6, 2e-6)
    links = {arc: Link(1e6) for arc in (("device", "server"), ("server", "device"))}
    plain = Calibration(profile(0.01, 0.01), links)
    priced = Calibration(profile(0.01, 0.01), links, {}, {"device": cost})
    plan = split(graph, {layer.name for layer in graph.layers if layer.kind != "input"})
    before, after = (found.partition().evaluate(plan).metrics for found in (plain, priced))
    size = {tensor.name: tensor.bytes for tensor in graph.tensors}
    up, down = sum(size[name] for name in runnable(graph).inputs), sum(size[name] for name in graph.outputs)
    # one tensor leaves and two come back: 1 ms each, 1 us a byte sent and 2 us a byte received
    assert after["device_seconds"] - before["device_seconds"] == 3_000_000 + 1_000 * up + 2_000 * down
    # the latency has it inside the link
    assert after["latency"] == before["latency"]
    assert predicted(Stages(graph, plan, "device"), priced.partition()).busy["device"] == pytest.approx(
        after["device_seconds"] / 1e9
    )
    assert "1 ms a message" in str(priced)


def test_message_cost_is_measured() -> None:
    model = served()
    with Server({"diamond": model}, "127.0.0.1:0", threads=1) as server:
        opening = Open(model="diamond", structure=model.structure, weights=model.weights)
        session = Session(server.address, opening)
        cost = message_cost(session)
        session.close()
    # no message is free, and none takes a second of processor time
    assert 0 < cost.each < 1
    assert 0 <= cost.sent < 1e-4
    assert 0 <= cost.received < 1e-4
