"""Frames over a server on this machine: outputs, who may enter, and what is refused."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from optsplit.errors import InvalidInput
from optsplit.executor.connection import Connection
from optsplit.executor.execute import execute
from optsplit.executor.frames import Refused, Unreachable, stream
from optsplit.executor.remote import Remote
from optsplit.executor.rpc import Trust, is_loopback
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.executor.stages import Stages
from optsplit.executor.wire import Open, Prepare, Run
from optsplit.executor.worker import Places
from optsplit.hardware import Connection as Link
from optsplit.profiling.run import runnable
from tests.executor_networks import behind, diamond, one_thread, problem, served, split  # noqa: F401

INPUT = runnable(diamond()).inputs[0]
TOKEN = "a token of sixteen or more"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server({"diamond": served()}, "127.0.0.1:0", threads=1) as running:
        yield running


def opening(model: Model | None = None, name: str = "diamond") -> Open:
    model = model or served()
    return Open(model=name, structure=model.structure, weights=model.weights)


def whole() -> tuple[torch.Tensor, ...]:
    program = runnable(diamond())
    with torch.no_grad():
        outputs: tuple[torch.Tensor, ...] = program.module(*program.args)
    return outputs


@pytest.mark.parametrize("first", range(1, 8))
def test_every_cut_gives_the_modules_own_outputs(server: Server, first: int) -> None:
    graph = diamond()
    plan = behind(graph, first)
    execution = execute(plan, graph, server=server.address, problem=problem(graph), frames=2)
    assert all(torch.equal(mine, own) for mine, own in zip(execution.outputs, whole(), strict=True))
    assert execution.fallen == 0
    assert execution.errors["frame"] == execution.total.error


def test_a_plan_that_goes_back_and_forth(server: Server) -> None:
    graph = diamond()
    away = {layer.name for i, layer in enumerate(graph.layers) if i % 2 and layer.kind != "input"}
    execution = execute(split(graph, away), graph, server=server.address, frames=2)
    assert all(torch.equal(mine, own) for mine, own in zip(execution.outputs, whole(), strict=True))
    assert len(execution.stages.order) > 3


def test_spans_are_in_order_and_fill_the_frame(server: Server) -> None:
    graph = diamond()
    execution = execute(behind(graph, 3), graph, server=server.address, frames=3)
    for frame in execution.frames:
        ends = [0.0] + [end for span in frame.spans for end in (span.start, span.end)]
        assert ends == sorted(ends)
        assert frame.spans[-1].end <= frame.seconds


def test_several_places_each_with_a_server(server: Server) -> None:
    graph = diamond()
    names = [layer.name for layer in graph.layers]
    at = {name: "device" if i < 2 else ("edge", "cloud")[i % 2] for i, name in enumerate(names)}
    with Server({"diamond": served()}, "127.0.0.1:0", threads=1) as other:
        servers = {"edge": server.address, "cloud": other.address}
        plan = type(behind(graph, 1))(at)
        execution = execute(plan, graph, server=servers, frames=2)
        assert all(torch.equal(mine, own) for mine, own in zip(execution.outputs, whole(), strict=True))
        with pytest.raises(InvalidInput, match="one server for the places"):
            execute(plan, graph, server=server.address)


def test_frames_in_flight_are_answered_in_order_and_once(server: Server) -> None:
    graph = diamond()
    program = runnable(graph)
    inputs = [{program.inputs[0]: torch.rand(1, 3, 16, 16)} for _ in range(40)]
    with torch.no_grad():
        expected = [program.module(*given.values()) for given in inputs]
    stages = Stages(graph, behind(graph, 4), "device")
    with Remote(stages, {"server": server.address}, Places()) as remote:
        answers = list(stream(remote.run, inputs, window=6))
    assert [answer.frame.index for answer in answers] == list(range(40))
    assert all(torch.equal(a.outputs[0], own[0]) for a, own in zip(answers, expected, strict=True))


def test_a_stream_over_a_slow_link_is_faster_than_its_frames(server: Server) -> None:
    # device, link and server work at once: frames take longer than the time between them
    graph = diamond()
    size = max(tensor.bytes for tensor in graph.tensors if tensor.name in runnable(graph).inputs)
    link = Link.mbit(size * 8 / 1e6 / 0.02, latency=0.03)
    execution = execute(behind(graph, 1), graph, server=server.address, link=link, window=4, frames=12)
    assert execution.total.median > 1.5 * execution.period.median


def test_two_clients_at_once(server: Server) -> None:
    graph = diamond()
    found: list[bool] = []

    def client(first: int) -> None:
        execution = execute(behind(graph, first), graph, server=server.address, frames=30)
        found.append(torch.equal(execution.outputs[0], whole()[0]) and execution.fallen == 0)

    clients = [threading.Thread(target=client, args=(first,)) for first in (2, 5)]
    for one in clients:
        one.start()
    for one in clients:
        one.join(60)
    assert found == [True, True]


# --- who may enter ------------------------------------------------------------------------------------------------


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1:1", "127.8.9.1:1", "localhost:1", "[::1]:1")))
    assert not any(map(is_loopback, ("0.0.0.0:1", "10.0.0.1:1", "example.org:1", "[::]:1")))
    with pytest.raises(InvalidInput, match="host:port"):
        is_loopback("7443")


def test_no_server_for_others_without_tls_or_token() -> None:
    with pytest.raises(InvalidInput, match="without TLS"):
        Server({"diamond": served()}, "0.0.0.0:0")
    with pytest.raises(InvalidInput, match="without a token"):
        Server({"diamond": served()}, "0.0.0.0:0", trust=Trust(certificate=b"c", key=b"k"))


def test_no_client_to_others_without_tls_or_token() -> None:
    with pytest.raises(InvalidInput, match="without TLS"):
        Connection("192.0.2.1:7443", opening())
    with pytest.raises(InvalidInput, match="without a token"):
        Connection("192.0.2.1:7443", opening(), trust=Trust(authority=b"ca"))


def test_a_wrong_or_missing_token_is_refused() -> None:
    with Server({"diamond": served()}, "127.0.0.1:0", trust=Trust(token=TOKEN)) as server:
        for trust in (Trust(token="another token"), Trust()):
            with pytest.raises(Refused, match="token is missing or wrong"):
                Connection(server.address, opening(), trust=trust)
        Connection(server.address, opening(), trust=Trust(token=TOKEN)).close()


def test_a_short_token_and_half_a_pair_are_refused(tmp_path: Path) -> None:
    short = tmp_path / "token"
    short.write_text("secret\n")
    with pytest.raises(InvalidInput, match="6 characters"):
        Trust.read(token=str(short))
    with pytest.raises(InvalidInput, match="both"):
        Trust.read(certificate=str(short))
    with pytest.raises(InvalidInput, match="cannot be read"):
        Trust.read(authority=str(tmp_path / "none"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    trust = Trust(certificate.read_bytes(), key.read_bytes(), certificate.read_bytes(), TOKEN)
    graph = diamond()
    with Server({"diamond": served()}, "0.0.0.0:0", trust=trust) as server:
        address = f"127.0.0.1:{server.port}"
        execution = execute(behind(graph, 3), graph, server=address, frames=1, trust=trust)
        assert torch.equal(execution.outputs[0], whole()[0])
        with pytest.raises(Unreachable):
            Connection(address, opening(), trust=Trust(token=TOKEN), patience=2.0)


# --- what is refused ----------------------------------------------------------------------------------------------


def test_other_networks_shapes_and_weights_are_refused(server: Server) -> None:
    with pytest.raises(Refused, match="unknown network 'diamant'; did you mean 'diamond'"):
        Connection(server.address, opening(name="diamant"))
    with pytest.raises(Refused, match="other layers or shapes"):
        Connection(server.address, opening(served(width=5)))
    with pytest.raises(Refused, match="other weights"):
        Connection(server.address, opening(served(seed=1)))


@pytest.mark.parametrize(
    ("message", "tensors", "match"),
    [
        (Run(frame=0, plan=7, stage=1), {}, "plan 7 has no stage"),
        (Run(frame=0, plan=1, stage=0), {}, "no stage 0"),
        (Run(frame=0, plan=1, stage=1), {}, "lacks tensor"),
        (Run(frame=0, plan=1, stage=1), {INPUT: torch.rand(1, 3, 999, 16)}, "expected float32 of shape"),
        (Run(frame=0, plan=1, stage=1), {INPUT: torch.rand(1, 3, 16, 16).double()}, "is float64"),
        (Run(frame=0, plan=1, stage=1), {"y": torch.rand(3)}, "is not needed"),
        (Prepare(plan=2, places=("a", "b"), at=(0,), home="a", here="b"), {}, "one place to each"),
        (Prepare(plan=2, places=("a", "b"), at=(9,) * 9, home="a", here="b"), {}, "one place to each"),
    ],
)
def test_requests_that_break_a_rule_end_the_session(
    server: Server, message: Run | Prepare, tensors: dict[str, torch.Tensor], match: str
) -> None:
    graph = diamond()
    session = Connection(server.address, opening())
    at = tuple(0 if layer.kind == "input" else 1 for layer in graph.layers)
    session.prepare(Prepare(plan=1, places=("d", "s"), at=at, home="d", here="s"), 5.0)
    with pytest.raises(Refused, match=match):
        session.ask(message, ("ran", 0, message.stage if isinstance(message, Run) else 0), 5.0, tensors)
    session.close()
    # and the next one is served
    Connection(server.address, opening()).close()


def test_an_oversized_message_is_refused_on_both_sides(server: Server) -> None:
    with Server({"diamond": served()}, "127.0.0.1:0", limit=20_000) as small:
        session = Connection(small.address, opening())
        with pytest.raises(Refused):
            session.ping(30_000)
        session.close()
    session = Connection(server.address, opening(), limit=20_000)
    with pytest.raises(Refused, match="at most 20000"):
        session.ping(30_000)
    session.close()


def test_nothing_runs_before_a_network_is_open(server: Server) -> None:
    with pytest.raises(Refused, match="open it first"):
        Connection(server.address, Run(frame=0, plan=0, stage=0))  # type: ignore[arg-type]


def test_a_taken_port_is_refused(server: Server) -> None:
    with pytest.raises(InvalidInput, match="cannot listen"):
        Server({"diamond": served()}, server.address)


def test_two_plans_of_one_name_are_two_plans(server: Server) -> None:
    graph = diamond()
    program = runnable(graph)
    inputs = dict(zip(program.inputs, program.example, strict=True))
    first, second = (Stages(graph, behind(graph, cut), "device") for cut in (2, 5))
    with Remote(first, {"server": server.address}, Places()) as remote:
        for stages in (first, second, first):
            remote.switch(stages, "a name")
            assert remote.run(0, inputs).frame.stages is stages
