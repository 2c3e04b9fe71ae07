"""Pictures: a plan of each problem, the envelope over bandwidth, the progress of a solve.

Each takes `ax` and returns it, is legible 3.3 inches wide (one column of a paper), and in greyscale.
"""

from __future__ import annotations

import importlib
from typing import Any

from optsplit.errors import InvalidInput
from optsplit.plots.axes import need_matplotlib
from optsplit.plots.bandwidth import envelope
from optsplit.plots.network import partition
from optsplit.plots.progress import trace
from optsplit.result import Result

_OF = {"Partition": "network", "UploadOrder": "upload", "Schedule": "schedule", "FlowShop": "flow_shop"}

__all__ = ["draw", "envelope", "need_matplotlib", "partition", "trace"]


def draw(problem: Any, result: Result, ax: Any = None) -> Any:
    """Draw the plan of a result, whatever its problem.

    Raises
    ------
    InvalidInput
        A problem of a kind that has no picture.
    """
    kind = type(problem).__name__
    if kind not in _OF:
        raise InvalidInput(f"{kind} has no picture; those of {', '.join(_OF)} have")
    return importlib.import_module(f"optsplit.plots.{_OF[kind]}").draw(problem, result, ax=ax)
