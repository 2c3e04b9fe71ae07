"""Tensors that are packed on their way: the same on the wire as in one process, and as `optsplit.packing` says."""

import pytest
import torch

from optsplit import packing
from optsplit.errors import InvalidInput
from optsplit.executor.frames import Line
from optsplit.executor.remote import Remote
from optsplit.executor.server import Server
from optsplit.executor.stages import Stages
from optsplit.executor.wire import ToServer, Weights, WireError, decode, encode
from optsplit.executor.worker import Places
from optsplit.profiling.run import Runner, runnable
from tests.executor_networks import behind, diamond, one_thread, served  # noqa: F401

pytest.importorskip("blosc2")


@pytest.mark.parametrize("bits", [2, 4, 8, 16, 32])
def test_a_packed_crossing_by_wire_and_in_one_process(bits: int) -> None:
    graph = diamond()
    program = runnable(graph)
    inputs = dict(zip(program.inputs, program.example, strict=True))
    # the tensor behind the stem and its activation crosses
    crossing = graph.tensors[2].name
    stages = Stages(graph, behind(graph, 3), "device", {crossing: bits})
    runner = Runner(program)
    whole = runner.run(inputs, [crossing])[crossing]
    sent = torch.from_numpy(packing.quantised(whole.numpy(), bits))
    expected = runner.only(stages.plan.at("server")).run({crossing: sent}, program.outputs)
    places = Places()
    near = Line(stages, {place: places.worker(stages, place) for place in stages.places}).run(0, inputs)
    with (
        Server({"diamond": served()}, "127.0.0.1:0", threads=1) as server,
        Remote(stages, {"server": server.address}, places) as remote,
    ):
        far = remote.run(0, inputs)
    assert far.frame.fallback is None
    for name, one, other in zip(program.outputs, near.outputs, far.outputs, strict=True):
        assert torch.equal(one, expected[name])
        assert torch.equal(other, expected[name])


def test_packed_bytes_are_fewer() -> None:
    tensor = torch.rand(1, 64, 28, 28).relu()
    message = Weights(number=0, weight="w", start=0)
    raw, small = encode(message, {"x": tensor}), encode(message, {"x": tensor}, {"x": 4})
    assert len(small) < len(raw) / 7
    assert torch.equal(decode(small, ToServer)[1]["x"], torch.from_numpy(packing.quantised(tensor.numpy(), 4)))


def test_packed_bytes_that_are_cut_or_of_another_shape_are_refused() -> None:
    message = Weights(number=0, weight="w", start=0)
    small = encode(message, {"x": torch.rand(8, 8)}, {"x": 8})
    with pytest.raises(WireError, match="cannot be unpacked"):
        decode(small.replace(b'"shape":[8,8]', b'"shape":[4,8]'), ToServer)
    with pytest.raises(WireError, match="another shape"):
        decode(small.replace(b'"shape":[8,8]', b'"shape":[9,8]'), ToServer)
    for end in range(len(small) - 60, len(small)):
        with pytest.raises(WireError):
            decode(small[:end], ToServer)


def test_bits_of_a_tensor_that_nobody_knows() -> None:
    graph = diamond()
    with pytest.raises(InvalidInput, match="unknown tensor 'stemm'; did you mean 'stem'"):
        Stages(graph, behind(graph, 3), "device", {"stemm": 8})
