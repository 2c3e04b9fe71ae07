"""A problem of any kind, from its file or from within another."""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.errors import FileFormatError, InvalidInput

KINDS = {
    "partition": ("Partition", "optsplit.problems.document", "PartitionDocument"),
    "upload_order": ("UploadOrder", "optsplit.problems.upload_document", "UploadOrderDocument"),
    "schedule": ("Schedule", "optsplit.problems.schedule_document", "ScheduleDocument"),
    "flow_shop": ("FlowShop", "optsplit.problems.flow_shop_document", "FlowShopDocument"),
}
"""Kind in a file's header -> the problem's class, and where its document stands."""


def load(path: str | Path) -> Any:
    """Read a problem; the file's header says of which kind.

    Raises
    ------
    InvalidInput
        The file holds something else.
    FileFormatError
        It cannot be read.
    """
    kind = files.kind_of(path)
    if kind not in KINDS:
        raise InvalidInput(f"{path}: holds a {kind!r}, not a problem; one of {', '.join(KINDS)} is")
    return importlib.import_module(KINDS[kind][1]).load(path)


def embedded(problem: Any) -> dict[str, Any] | None:
    """A problem as it stands in a file, to be part of another; None for one that no file can hold.

    A kind from elsewhere has no file, nor has a problem with names that a file cannot tell apart: what it is part of
    is not lost for that.
    """
    for kind, (name, module, _) in KINDS.items():
        if type(problem).__name__ == name:
            with suppress(InvalidInput):
                content = importlib.import_module(module).write(problem)
                return {"optsplit": kind, "version": files.VERSION, "content": content}
    return None


def extracted(given: Any, name: str) -> Any:
    """The problem that `embedded` wrote, from the plain data of the file `name`.

    Raises
    ------
    FileFormatError
        Of no known kind or version, or damaged.
    """
    kind = given.get("optsplit") if isinstance(given, dict) else None
    if kind not in KINDS or given.get("version") != files.VERSION:
        raise FileFormatError(
            f"{name}: holds a problem of kind {kind!r}; this release reads {', '.join(KINDS)}, version {files.VERSION}"
        )
    _, where, document = KINDS[kind]
    module = importlib.import_module(where)
    try:
        return module.read(msgspec.convert(given.get("content"), getattr(module, document)))
    except msgspec.ValidationError as error:
        raise FileFormatError(f"{name}: damaged {kind}: {error}; write it again with optsplit") from error
