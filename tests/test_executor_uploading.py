"""Weights uploaded in a plan's order: queries are right all the while, and a layer runs there only once it is whole."""

from collections.abc import Iterator

import pytest
import torch

from optsplit.errors import InvalidInput
from optsplit.executor.connection import Connection
from optsplit.executor.frames import Refused
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.executor.store import Store
from optsplit.executor.uploaded import Asked, Uploaded
from optsplit.executor.uploading import constants_of, upload
from optsplit.executor.wire import Open, Prepare, Run, WireError
from optsplit.hardware import Connection as Link
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.profiling.run import runnable
from tests.executor_networks import diamond, one_thread, problem, served  # noqa: F401

WIDTH = 48


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # other weights than the client's: what it computes with must have come by the wire
    with Server({"diamond": Model.of(diamond(WIDTH, seed=7), known=True)}, "127.0.0.1:0", threads=1) as running:
        yield running


def order() -> UploadOrder:
    """Units of one layer each, as long as their bytes at 1 MB/s."""
    graph = diamond(WIDTH)
    times = [round(1e3 * sum(graph.weights[w] for w in layer.weights)) for layer in graph.layers]
    return UploadOrder(problem(graph, device=20_000_000, per_byte=1), times)


def test_queries_while_uploading_are_the_modules_own(server: Server) -> None:
    graph, asked = diamond(WIDTH), order()
    program = runnable(graph)
    inputs = dict(zip(program.inputs, program.example, strict=True))
    names = [name for k, name in enumerate(asked.names) if not asked.there >> k & 1]
    with torch.no_grad():
        own = program.module(*program.args)
    for plan in (UploadPlan(names), UploadPlan(names[::-1]), UploadPlan(names, [len(names)])):
        found = upload(graph, asked, plan, inputs, server.address, link=Link.mbit(8))
        assert all(torch.equal(query.outputs[0], own[0]) for query in found.queries)
        assert [unit for _, unit in found.arrivals] == plan.order
        assert found.queries[-1].there == len(names)
        there = [query.there for query in found.queries]
        assert there == sorted(there)
        # 1 MB/s: what was sent took as long as its bytes, headers on top
        assert found.finish >= sum(asked.times) / 1e9


def test_nothing_runs_on_weights_that_are_not_there(server: Server) -> None:
    graph = diamond(WIDTH)
    model = served(WIDTH)
    opening = Open(model="diamond", structure=model.structure, weights=model.weights, upload=True)
    session = Connection(server.address, opening)
    at = tuple(0 if layer.kind == "input" else 1 for layer in graph.layers)
    session.prepare(Prepare(plan=0, places=("d", "s"), at=at, home="d", here="s"), 5.0)
    given = dict(zip(runnable(graph).inputs, runnable(graph).example, strict=True))
    with pytest.raises(Refused, match="which is not uploaded"):
        session.run(Run(frame=0, plan=0, stage=1), given, 5.0)
    session.close()


def test_a_network_with_weights_takes_none(server: Server) -> None:
    model = served(WIDTH)
    with pytest.raises(Refused, match="known without weights"):
        Connection(server.address, Open(model="diamond", structure=model.structure, weights=model.weights))
    with Server({"diamond": model}, "127.0.0.1:0") as full, pytest.raises(Refused, match="served with its weights"):
        Connection(full.address, Open(model="diamond", structure=model.structure, weights="", upload=True))


def test_parts_must_follow_each_other() -> None:
    program = runnable(diamond(WIDTH))
    store = Store(program, "cpu")
    name = next(name for name, value in program.constants.items() if value.numel() > 10)
    layer = next(call.layer for call in program.calls if name in call.constants)
    store.put(name, 0, {"part": torch.ones(4)})
    for weight, start, part in (
        (name, 5, torch.ones(1)),
        (name, 0, torch.ones(1)),
        (name, 4, torch.ones(10**6)),
        (name, 4, torch.ones(1, dtype=torch.float64)),
        (name, 4, torch.ones(1, 1)),
        ("other", 0, torch.ones(1)),
    ):
        with pytest.raises(WireError):
            store.put(weight, start, {"part": part})
    assert store.missing([layer]) is not None


def test_units_are_the_constants_of_the_same_layers() -> None:
    found = constants_of(runnable(diamond(WIDTH)), order())
    assert found[""] == []
    assert all(len(found[name]) == 2 for name in ("stem", "left", "right", "head"))
    with pytest.raises(InvalidInput, match="no weight in this network"):
        constants_of(runnable(diamond(WIDTH)), UploadOrder(order().partition, [1] * len(order().partition.layers)))


def test_mean_latency_by_hand() -> None:
    # two queries of 2 s, then one of 1 s: until 5 s the mean over time is (4 x 2 + 1 x 1) / 5
    queries = tuple(Asked(start, seconds, 0, ()) for start, seconds in ((0.0, 2.0), (2.0, 2.0), (4.0, 1.0)))
    found = Uploaded(queries, ((4.0, "a"),), ((0.0, 2.0), (3.0, 1.0)))
    assert found.mean_latency(5.0) == pytest.approx(1.8)
    # predicted: 3 s at 2 and 2 s at 1
    assert found.predicted_mean(5.0) == pytest.approx(1.6)
    assert found.finish == 4.0


def test_steps_by_hand() -> None:
    # one unit changes nothing, the second halves the latency; it was there half a second late
    queries = tuple(
        Asked(start, seconds, there, ())
        for start, seconds, there in ((0.0, 2.0, 0), (2.0, 4.0, 1), (6.0, 1.0, 2), (7.0, 1.5, 2), (8.5, 1.1, 2))
    )
    expected = ((0.0, 2.0), (1.5, 2.0), (5.0, 1.0))
    found = Uploaded(queries, ((1.6, "a"), (5.5, "b")), ((0.0, 2.0), (5.0, 1.0)), expected, "net", ("a note",))
    first, then = found.steps()
    assert (first.units, first.predicted, first.median, first.queries) == (0, 2.0, 3.0, 2)
    assert (then.units, then.predicted_start, then.start, then.median) == (2, 5.0, 5.5, 1.1)
    text = str(found)
    assert "finish        predicted 5 s, measured 5.5 s (-9.1 %)" in text
    assert text.endswith("a note")
    assert found.content()["finish"] == {"predicted": 5.0, "measured": 5.5}
