"""Problems from other people's files."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from optsplit.errors import FileFormatError
from optsplit.problems.metric import IntArray, Metric
from optsplit.problems.partition import Partition

NANOSECONDS = 10**6
"""In a millisecond, the unit of the files."""


class _Node(msgspec.Struct, rename="camel"):
    id: int
    cpu_latency: float
    fpga_latency: float
    size: float
    name: str = ""
    supported_on_fpga: bool | int = True
    is_backward_node: bool | int = False
    color_class: int | None = None


class _Edge(msgspec.Struct, rename="camel"):
    source_id: int
    dest_id: int
    cost: float


class _Placement(msgspec.Struct):
    accelerators: int = msgspec.field(name="maxFPGAs")
    cpus: int = msgspec.field(name="maxCPUs")
    memory: float = msgspec.field(name="maxSizePerFPGA")
    nodes: list[_Node]
    edges: list[_Edge]


def read_placement(path: str | Path, *, contiguous: bool = False) -> Partition:
    """A device placement instance of Tarnawski et al. (NeurIPS 2020), objective the largest load.

    Places acc1, acc2, ... and cpu1, ...; the load of an accelerator is the time of its nodes and of every tensor
    that enters or leaves it, each once; the load of a CPU is the time of its nodes. Nodes of one colour class are
    together. Milliseconds become nanoseconds, bytes are rounded up, and the memory limit down.

    Parameters
    ----------
    path
        A JSON file of github.com/msr-fiddle/dnn-partitioning, folder throughput-inputs.
    contiguous
        Whether each machine's nodes must be contiguous.

    Raises
    ------
    FileFormatError
        Naming the file, the object and what is wrong with it.
    """
    try:
        given = msgspec.json.decode(Path(path).read_bytes(), type=_Placement)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FileFormatError(f"{path}: not a placement instance ({error}); see `read_placement`") from error
    for node in given.nodes:
        if node.is_backward_node:
            raise FileFormatError(f"{path}: node {node.id} is of a backward pass; give an inference instance")
    position = {node.id: i for i, node in enumerate(given.nodes)}
    if len(position) < len(given.nodes):
        twice = next(node.id for i, node in enumerate(given.nodes) if position[node.id] != i)
        raise FileFormatError(f"{path}: node id {twice} stands twice; ids must be unique")
    cost, readers = _tensors(path, given, position)

    accelerators = [f"acc{i + 1}" for i in range(given.accelerators)]
    cpus = [f"cpu{i + 1}" for i in range(given.cpus)]
    places = [*accelerators, *cpus]
    on_cpu = np.array([_nano(path, node.id, "cpuLatency", node.cpu_latency) for node in given.nodes])
    on_accelerator = np.array([_nano(path, node.id, "fpgaLatency", node.fpga_latency) for node in given.nodes])
    size = np.array([math.ceil(node.size) for node in given.nodes])
    refused = np.array([not node.supported_on_fpga for node in given.nodes])

    def only(values: IntArray, place: int) -> IntArray:
        column = np.zeros((len(values), len(places)), dtype=np.int64)
        column[:, place] = values
        return column

    metrics: dict[str, Metric] = {}
    limits: dict[str, int] = {}
    for p, place in enumerate(accelerators):
        metrics[f"{place}_load"] = Metric(only(on_accelerator, p), send={place: cost}, receive={place: cost})
        metrics[f"{place}_memory"] = Metric(only(size, p), unit="B")
        limits[f"{place}_memory"] = math.floor(given.memory)
        if refused.any():
            metrics[f"{place}_refused"] = Metric(only(refused.astype(np.int64), p), unit="nodes")
            limits[f"{place}_refused"] = 0
    for p, place in enumerate(cpus, len(accelerators)):
        metrics[f"{place}_load"] = Metric(only(on_cpu, p))
    names = [f"{node.id} {node.name}".strip() for node in given.nodes]
    colours: dict[int, list[str]] = {}
    for node, name in zip(given.nodes, names, strict=True):
        if node.color_class is not None:
            colours.setdefault(node.color_class, []).append(name)
    return Partition(
        layers=names,
        tensors=[(v, tuple(sorted(readers[v]))) for v in range(len(names))],
        places=places,
        metrics=metrics,
        minimize=[f"{place}_load" for place in places],
        limits=limits,
        result_at=None,
        together=list(colours.values()),
        contiguous=contiguous,
        name=Path(path).stem,
    )


def _tensors(path: str | Path, given: _Placement, position: dict[int, int]) -> tuple[list[int], list[set[int]]]:
    """What each node's tensor costs to move, and who reads it."""
    cost: list[int | None] = [None] * len(given.nodes)
    readers: list[set[int]] = [set() for _ in given.nodes]
    for edge in given.edges:
        for end in (edge.source_id, edge.dest_id):
            if end not in position:
                raise FileFormatError(f"{path}: an edge names node {end}, which is not among the nodes")
        source = position[edge.source_id]
        paid = _nano(path, edge.source_id, "edge cost", edge.cost)
        if cost[source] not in (None, paid):
            raise FileFormatError(f"{path}: edges out of node {edge.source_id} differ in cost; a node has one tensor")
        cost[source] = paid
        readers[source].add(position[edge.dest_id])
    return [paid or 0 for paid in cost], readers


def _nano(path: str | Path, node: int, what: str, milliseconds: float) -> int:
    if not (math.isfinite(milliseconds) and milliseconds >= 0):
        raise FileFormatError(f"{path}: {what} of node {node} is {milliseconds!r}; give a finite number, 0 or more")
    # exact: a float times 10^6 would be rounded twice
    return round(Fraction(milliseconds) * NANOSECONDS)


__all__ = ["read_placement"]
