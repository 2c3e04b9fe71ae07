"""Partition as a JSON file: plain lists, arcs written "from>to", a schema of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.errors import InvalidInput
from optsplit.problems.exits import Exits
from optsplit.problems.metric import Arc, Metric
from optsplit.problems.partition import Partition
from optsplit.problems.precision import Precision, Sending, written

ARROW = ">"


class MetricDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A metric: `compute` has a row for each layer; arcs are keys "from>to"."""

    compute: list[list[int]]
    transfer: dict[str, list[int]] = {}
    send: dict[str, list[int]] = {}
    receive: dict[str, list[int]] = {}
    unit: str = "ns"


class SendingDocument(msgspec.Struct, forbid_unknown_fields=True):
    """What sending one tensor costs in one metric; arcs are keys "from>to"."""

    transfer: dict[str, int] = {}
    send: dict[str, int] = {}
    receive: dict[str, int] = {}


class PrecisionDocument(msgspec.Struct, forbid_unknown_fields=True):
    """One way to send a tensor: metric -> what it costs; accuracy drops stand in the metric "error"."""

    bits: int
    costs: dict[str, SendingDocument] = {}


class PartitionDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A partition problem: `tensors` are pairs [source, [readers]] of layer positions."""

    layers: list[str]
    tensors: list[tuple[int, list[int]]]
    places: list[str]
    metrics: dict[str, MetricDocument]
    minimize: list[str]
    outputs: list[int]
    links: list[tuple[str, str]]
    limits: dict[str, int] = {}
    pins: dict[str, str] = {}
    result_at: str | None = None
    one_way: bool = False
    together: list[list[str]] = []
    contiguous: bool = False
    equal: list[list[str]] | None = None
    exits: Exits | None = None
    precisions: dict[str, list[PrecisionDocument]] = {}
    same_bits: list[list[str]] = []
    name: str = "partition"


def schema() -> dict[str, Any]:
    """The JSON schema of the file's content."""
    return msgspec.json.schema(PartitionDocument)


def write(problem: Partition) -> PartitionDocument:
    """The document of a problem."""
    for place in problem.places:
        if ARROW in place:
            raise InvalidInput(f"place {place!r} cannot be saved: {ARROW!r} stands between places in files; rename it")
    metrics = {}
    for name, metric in problem.metrics.items():
        costs = problem.costs(name)
        position = {place: i for i, place in enumerate(problem.places)}
        metrics[name] = MetricDocument(
            costs.compute.tolist(),
            {ARROW.join(arc): costs.transfer[position[arc[0]], position[arc[1]]].tolist() for arc in metric.transfer},
            {place: costs.send[position[place]].tolist() for place in metric.send},
            {place: costs.receive[position[place]].tolist() for place in metric.receive},
            metric.unit,
        )
    return PartitionDocument(
        layers=list(problem.layers), tensors=[(u, list(vs)) for u, vs in problem.tensors],
        places=list(problem.places), metrics=metrics, minimize=list(problem.objectives),
        outputs=list(problem.outputs), links=sorted(problem.links),
        limits={name: int(value) for name, value in problem.limits.items()}, pins=dict(problem.pins),
        result_at=problem.result_at, one_way=problem.one_way, together=[list(group) for group in problem.together],
        contiguous=problem.contiguous, equal=None if problem.declared is None else [list(g) for g in problem.declared],
        exits=problem.exits, precisions=_precisions(problem), same_bits=_same_bits(problem), name=problem.name,
    )  # fmt: skip


def _precisions(problem: Partition) -> dict[str, list[PrecisionDocument]]:
    def sending(costs: Sending) -> SendingDocument:
        ways = {ARROW.join(arc): cost for arc, cost in costs.transfer.items()}
        return SendingDocument(ways, dict(costs.send), dict(costs.receive))

    return {
        tensor: [PrecisionDocument(p.bits, {m: sending(costs) for m, costs in p.costs.items()}) for p in choice]
        for tensor, choice in written(problem).items()
    }


def _same_bits(problem: Partition) -> list[list[str]]:
    groups = () if problem.variants is None else problem.variants.groups
    return [[problem.tensor_names[t] for t in group] for group in groups if len(group) > 1]


def read(document: PartitionDocument) -> Partition:
    """The problem of a document, validated."""

    def sending(costs: SendingDocument) -> Sending:
        return Sending({_arc(key): cost for key, cost in costs.transfer.items()}, costs.send, costs.receive)

    return Partition(
        layers=document.layers, tensors=document.tensors, places=document.places,
        metrics={
            name: Metric(m.compute, {_arc(key): row for key, row in m.transfer.items()}, m.send, m.receive, m.unit)
            for name, m in document.metrics.items()
        },
        minimize=document.minimize, limits=document.limits, pins=document.pins, result_at=document.result_at,
        one_way=document.one_way, outputs=document.outputs, links=document.links, together=document.together,
        contiguous=document.contiguous, equal=document.equal, exits=document.exits,
        precisions={
            tensor: [Precision(p.bits, costs={m: sending(costs) for m, costs in p.costs.items()}) for p in choice]
            for tensor, choice in document.precisions.items()
        },
        same_bits=document.same_bits, name=document.name,
    )  # fmt: skip


def _arc(key: str) -> Arc:
    start, arrow, end = key.partition(ARROW)
    if not arrow:
        raise InvalidInput(f"transfer key {key!r}; write it as 'from{ARROW}to'")
    return start, end


def save(problem: Partition, path: str | Path) -> None:
    """Write the problem as a JSON file."""
    files.write(path, "partition", write(problem))


def load(path: str | Path) -> Partition:
    """Read a problem from a JSON file."""
    return read(files.read(path, "partition", PartitionDocument))
