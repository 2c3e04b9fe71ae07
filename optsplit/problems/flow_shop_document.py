"""FlowShop as a JSON file: a row of times for each job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.problems.flow_shop import FlowShop

KIND = "flow_shop"


class FlowShopDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A flow shop: `times` has a row for each job, `release` an entry."""

    times: list[list[int]]
    release: list[int] | None = None
    unit: str = "ns"
    name: str = "flow shop"


def schema() -> dict[str, Any]:
    """The JSON schema of the file's content."""
    return msgspec.json.schema(FlowShopDocument)


def write(problem: FlowShop) -> FlowShopDocument:
    """The document of a problem."""
    release = problem.release.tolist() if problem.release.any() else None
    return FlowShopDocument(problem.times.tolist(), release, problem.unit, problem.name)


def read(document: FlowShopDocument) -> FlowShop:
    """The problem of a document, validated."""
    return FlowShop(document.times, document.release, unit=document.unit, name=document.name)


def save(problem: FlowShop, path: str | Path) -> None:
    """Write the problem as a JSON file."""
    files.write(path, KIND, write(problem))


def load(path: str | Path) -> FlowShop:
    """Read a problem from a JSON file."""
    return read(files.read(path, KIND, FlowShopDocument))
