"""A problem of any kind, from its file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from optsplit import files
from optsplit.errors import InvalidInput

KINDS = {
    "partition": "optsplit.problems.partition:Partition",
    "upload_order": "optsplit.problems.upload_order:UploadOrder",
    "schedule": "optsplit.problems.schedule:Schedule",
    "flow_shop": "optsplit.problems.flow_shop:FlowShop",
}


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
    module, _, name = KINDS[kind].partition(":")
    return getattr(importlib.import_module(module), name).load(path)
