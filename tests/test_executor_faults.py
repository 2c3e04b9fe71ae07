"""What goes wrong between device and server: every frame is answered, once, and nothing hangs, breaks or grows."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from optsplit.executor.connection import Connection
from optsplit.executor.execute import execute
from optsplit.executor.frames import Refused, Unreachable, stream
from optsplit.executor.remote import Remote
from optsplit.executor.rpc import SERVICE, SESSION, need_grpc
from optsplit.executor.server import Server
from optsplit.executor.stages import Stages
from optsplit.executor.wire import Open
from optsplit.executor.worker import Places
from optsplit.hardware import Connection as Link
from optsplit.profiling.run import runnable
from tests.executor_networks import behind, cable, diamond, eventually, one_thread, served  # noqa: F401


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({"diamond": served()}, "127.0.0.1:0", threads=1) as running:
        yield running


def remote(address: str, **options: object) -> Remote:
    graph = diamond()
    settings: dict[str, object] = {"deadline": 1.0, "retry": 0.1, **options}
    return Remote(Stages(graph, behind(graph, 3), "device"), {"server": address}, Places(), **settings)  # type: ignore[arg-type]


def inputs(count: int) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return [{runnable(diamond()).inputs[0]: torch.rand(1, 3, 16, 16)} for _ in range(count)]


def right(index_and_outputs: object, given: dict[str, torch.Tensor]) -> bool:
    with torch.no_grad():
        own = runnable(diamond()).module(*given.values())
    return all(torch.equal(a, b) for a, b in zip(index_and_outputs, own, strict=True))  # type: ignore[call-overload]


def again(port: int) -> Server:
    """A server on a port that was just left."""
    return Server({"diamond": served()}, f"127.0.0.1:{port}", threads=1).start()


def test_the_server_goes_in_the_middle_of_a_stream_and_comes_back() -> None:
    server = again(0)
    given = inputs(300)
    with remote(server.address) as line:
        answers = []
        for answer in stream(line.run, given, window=3):
            answers.append(answer)
            if len(answers) == 20:
                server.stop(0)
            if len(answers) == 60:
                server = again(server.port)
                assert eventually(lambda: line.connected)
        decided = [text for _, text in line.decisions]
    server.stop(0)
    assert [answer.frame.index for answer in answers] == list(range(300))
    assert all(right(answer.outputs, own) for answer, own in zip(answers, given, strict=True))
    fallen = [answer.frame.index for answer in answers if answer.frame.fallback]
    assert fallen
    assert fallen[0] >= 15
    assert answers[-1].frame.fallback is None
    assert decided[0].startswith("device alone")
    assert decided[-1] == "back to plan"


def test_the_server_is_killed_in_the_middle_of_a_frame(server: Server) -> None:
    # the frame has left, its stage has not ended: the answer never comes, or comes too late to count
    with cable(server.port) as line, remote(f"127.0.0.1:{line.port}") as device:
        device.run(0, inputs(1)[0])
        line.cut_after = 300
        given = inputs(2)[1]
        answer = device.run(1, given)
        assert answer.frame.fallback
        assert right(answer.outputs, given)
        assert eventually(lambda: device.connected)
        assert device.run(2, given).frame.fallback is None


def test_a_link_that_is_down_for_seconds(server: Server) -> None:
    given = inputs(1)[0]
    with cable(server.port) as line, remote(f"127.0.0.1:{line.port}", deadline=0.5) as device:
        assert device.run(0, given).frame.fallback is None
        line.up.clear()
        begin = time.monotonic()
        index, slowest = 1, 0.0
        while time.monotonic() - begin < 5.0:
            answer = device.run(index, given)
            assert right(answer.outputs, given)
            slowest = max(slowest, answer.frame.seconds)
            index += 1
            time.sleep(0.05)
        # one frame waited for its deadline; those behind it did not
        waited = [answer for answer in device.decisions if answer[1].startswith("device alone")]
        assert len(waited) == 1
        assert slowest < 5.0
        line.up.set()
        assert eventually(lambda: device.connected)
        assert device.run(index, given).frame.fallback is None


def test_a_server_that_is_not_there_at_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable):
        remote(f"127.0.0.1:{port}")
    with remote(f"127.0.0.1:{port}", required=False) as device:
        assert device.run(0, inputs(1)[0]).frame.fallback
        server = again(port)
        assert eventually(lambda: device.connected)
        assert device.run(1, inputs(1)[0]).frame.fallback is None
        server.stop(0)


def test_a_server_that_never_answers_costs_one_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        with pytest.raises(Unreachable):
            Connection(f"127.0.0.1:{silent.getsockname()[1]}", opening(), patience=1.0)
        assert time.monotonic() - begin < 10


def opening() -> Open:
    return Open(model="diamond", structure=served().structure, weights=served().weights)


def test_a_late_answer_is_dropped(server: Server) -> None:
    # the link delivers after the deadline: the frame is answered by the device, and only by it
    given = inputs(1)[0]
    link = Link.mbit(1000, latency=0.4)
    graph = diamond()
    with Remote(
        Stages(graph, behind(graph, 3), "device"),
        {"server": server.address},
        Places(),
        link=link,
        deadline=0.3,
        retry=0.1,
    ) as device:
        answer = device.run(0, given)
        assert answer.frame.fallback is not None
        assert "did not answer in 0.3 s" in answer.frame.fallback
        assert right(answer.outputs, given)


def test_random_bytes_at_the_port(server: Server) -> None:
    rng = random.Random(0)
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as guest, contextlib.suppress(OSError):
            guest.sendall(rng.randbytes(rng.randrange(1, 400)))
    graph = diamond()
    assert execute(behind(graph, 3), graph, server=server.address, frames=2).fallen == 0


def test_random_bytes_as_messages(server: Server) -> None:
    grpc = need_grpc()
    rng = random.Random(1)
    with grpc.insecure_channel(server.address) as channel:
        call = channel.stream_stream(f"/{SERVICE}/{SESSION}")
        for _ in range(100):
            with pytest.raises(grpc.RpcError) as refused:
                list(call(iter([rng.randbytes(rng.randrange(1, 400))]), timeout=10))
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    graph = diamond()
    assert execute(behind(graph, 3), graph, server=server.address, frames=2).fallen == 0


def test_a_message_written_by_half(server: Server) -> None:
    with cable(server.port) as line:
        session = Connection(f"127.0.0.1:{line.port}", opening())
        line.cut_after = 10_000
        with pytest.raises(Unreachable):
            session.ping(1 << 20, patience=5.0)
        session.close()
    graph = diamond()
    assert execute(behind(graph, 3), graph, server=server.address, frames=2).fallen == 0


def test_a_client_that_leaves_frees_its_place() -> None:
    with Server({"diamond": served()}, "127.0.0.1:0", sessions=2) as small:
        for _ in range(6):
            assert eventually(lambda: _enters(small.address))
        first, second = (Connection(small.address, opening()) for _ in range(2))
        with pytest.raises((Refused, Unreachable)):
            Connection(small.address, opening(), patience=2.0)
        first.close()
        assert eventually(lambda: _enters(small.address))
        second.close()


def _enters(address: str) -> bool:
    try:
        Connection(address, opening(), patience=2.0).close()
    except Unreachable:
        return False
    return True


PROGRAM = """
import sys
import torch
from optsplit.executor.server import Server
from tests.executor_networks import served
torch.set_num_threads(1)
server = Server({"diamond": served()}, "127.0.0.1:0", threads=1).start()
print(server.port, flush=True)
server.wait()
"""


def test_a_server_process_that_is_killed() -> None:
    root = Path(__file__).parents[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, cwd=root)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        given = inputs(200)
        with remote(f"127.0.0.1:{port}") as device:
            killer = threading.Timer(0.2, process.kill)
            answers = []
            for answer in stream(device.run, given, window=2):
                answers.append(answer)
                if len(answers) == 5:
                    killer.start()
                time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
    assert [answer.frame.index for answer in answers] == list(range(200))
    assert all(right(answer.outputs, own) for answer, own in zip(answers, given, strict=True))
    assert answers[0].frame.fallback is None
    assert answers[-1].frame.fallback is not None


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grown(frames: int, server: Server) -> tuple[int, int]:
    """Bytes of memory and descriptors that `frames` frames add, after a hundred of warm-up."""
    given = inputs(1)[0]
    with remote(server.address, deadline=20.0) as device:
        for index in range(100):
            device.run(index, given)
        memory, files = resident(), descriptors()
        for index in range(frames):
            assert device.run(100 + index, given).frame.fallback is None
        return resident() - memory, descriptors() - files


def test_memory_and_descriptors_stay(server: Server) -> None:
    memory, files = grown(500, server)
    assert files <= 1
    assert memory < 20 << 20


@pytest.mark.slow
def test_memory_and_descriptors_stay_over_many_frames(server: Server) -> None:
    memory, files = grown(10_000, server)
    assert files <= 1
    assert memory < 20 << 20


def test_sessions_that_come_and_go_leave_nothing(server: Server) -> None:
    for _ in range(3):
        Connection(server.address, opening()).close()
    threads, files = threading.active_count(), descriptors()
    for _ in range(20):
        Connection(server.address, opening()).close()
    assert eventually(lambda: threading.active_count() <= threads + 1)
    assert eventually(lambda: descriptors() <= files + 2)


def test_a_plan_that_no_server_takes_any_more_costs_no_frame(server: Server) -> None:
    given = inputs(1)[0]
    graph = diamond()
    with cable(server.port) as line, remote(f"127.0.0.1:{line.port}", retry=60.0) as device:
        device.run(0, given)
        line.close()
        with contextlib.suppress(Unreachable):
            device.switch(Stages(graph, behind(graph, 5), "device"), "another")
        answer = device.run(1, given)
        assert answer.frame.fallback
        assert right(answer.outputs, given)
