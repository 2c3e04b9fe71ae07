"""UploadOrder as a JSON file: its partition, and for each unit its nanoseconds and layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.problems import document as partition_document
from optsplit.problems.document import PartitionDocument
from optsplit.problems.upload_order import INTEGRAL, UploadOrder

KIND = "upload_order"


class UnitDocument(msgspec.Struct, forbid_unknown_fields=True):
    """What is uploaded as one: `layers` are positions in the partition."""

    name: str
    time: int
    layers: list[int]


class UploadOrderDocument(msgspec.Struct, forbid_unknown_fields=True):
    """An upload problem."""

    partition: PartitionDocument
    units: list[UnitDocument]
    present: list[str] = []
    objective: str = INTEGRAL
    name: str = "upload order"


def schema() -> dict[str, Any]:
    """The JSON schema of the file's content."""
    return msgspec.json.schema(UploadOrderDocument)


def write(problem: UploadOrder) -> UploadOrderDocument:
    """The document of a problem."""
    units = [
        UnitDocument(name, p, list(layers)) for name, p, layers in zip(problem.names, problem.times, problem.holders)
    ]
    return UploadOrderDocument(
        partition_document.write(problem.partition), units, sorted(problem.present), problem.objective, problem.name
    )


def read(document: UploadOrderDocument) -> UploadOrder:
    """The problem of a document, validated."""
    upload = {unit.name: (unit.time, unit.layers) for unit in document.units}
    return UploadOrder(
        partition_document.read(document.partition), upload, document.present,
        objective=document.objective, name=document.name,
    )  # fmt: skip


def save(problem: UploadOrder, path: str | Path) -> None:
    """Write the problem as a JSON file."""
    files.write(path, KIND, write(problem))


def load(path: str | Path) -> UploadOrder:
    """Read a problem from a JSON file."""
    return read(files.read(path, KIND, UploadOrderDocument))
