"""Small networks, places and a link that can be cut, for the tests of the executor."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import torch

from optsplit.executor.session import Model
from optsplit.graph import LayerGraph
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.profiling.trace import trace


class Diamond(torch.nn.Module):
    """Two branches that meet, and two outputs."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, width, 3, padding=1)
        self.left = torch.nn.Conv2d(width, width, 3, padding=1)
        self.right = torch.nn.Conv2d(width, width, 1)
        self.head = torch.nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        stem = self.stem(x).relu()
        both = self.left(stem).relu() + self.right(stem)
        return self.head(both.mean((2, 3))), both


@functools.cache
def diamond(width: int = 4, seed: int = 0, size: int = 16) -> LayerGraph:
    """A traced Diamond."""
    torch.manual_seed(seed)
    return trace(Diamond(width).eval(), torch.rand(1, 3, size, size), name="diamond")


@functools.cache
def served(width: int = 4, seed: int = 0, size: int = 16) -> Model:
    """The same with its digests."""
    return Model.of(diamond(width, seed, size))


def problem(graph: LayerGraph, device: int = 5_000_000, server: int = 1_000_000, per_byte: int = 100) -> Partition:
    """Every layer takes the same time at a place, and a byte the same on the way."""
    n = len(graph.layers)
    size = [tensor.bytes for tensor in graph.tensors]
    arcs = [("device", "server"), ("server", "device")]
    bytes_ = dict.fromkeys(arcs, size)
    return Partition(
        [layer.name for layer in graph.layers],
        tensors=[(tensor.source, tensor.readers) for tensor in graph.tensors],
        metrics={
            "latency": Metric([[device, server]] * n, {arc: [per_byte * b for b in size] for arc in arcs}),
            "fixed_latency": Metric([[device, server]] * n),
            "traffic": Metric([[0, 0]] * n, bytes_, unit="weighted B"),
            "bytes": Metric([[0, 0]] * n, bytes_, unit="B"),
            "device_seconds": Metric([[device, 0]] * n),
            "server_seconds": Metric([[0, server]] * n),
        },
        pins={layer.name: "device" for layer in graph.layers if layer.kind == "input"},
        outputs=[i for i, tensor in enumerate(graph.tensors) if tensor.name in graph.outputs],
    )  # fmt: skip


def split(graph: LayerGraph, away: set[str]) -> PartitionPlan:
    """The plan with some layers on the server."""
    return PartitionPlan({layer.name: "server" if layer.name in away else "device" for layer in graph.layers})


def behind(graph: LayerGraph, first: int) -> PartitionPlan:
    """The plan with every layer from position `first` on at the server."""
    return split(graph, {layer.name for layer in graph.layers[first:]})


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of torch that wait for a core of a busy machine would make these tests crawl."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Cable:
    """A TCP relay that can be cut: nothing passes while it is down, and connections can be torn."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.up = threading.Event()
        self.up.set()
        self.stop = False
        self.pairs: list[socket.socket] = []
        self.cut_after: int | None = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.pairs += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(a, b, a is near), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                self.up.wait()
                if self.stop:
                    return
                if upward and self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after <= 0:
                        # half of what was to come
                        sink.sendall(data[: len(data) // 2])
                        self.cut_after = None
                        self.tear()
                        return
                sink.sendall(data)

    def tear(self) -> None:
        """Break every connection."""
        pairs, self.pairs = self.pairs, []
        for end in pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self.stop = True
        self.up.set()
        self.listener.close()
        self.tear()


@contextlib.contextmanager
def cable(to: int) -> Iterator[Cable]:
    """A relay to a port of this machine."""
    made = Cable(to)
    try:
        yield made
    finally:
        made.close()


def eventually(condition: object, seconds: float = 20.0) -> bool:
    """Whether a condition comes true in time."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
