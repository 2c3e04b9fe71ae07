"""The table of methods: one module for each problem, and what other packages add."""

from __future__ import annotations

import functools
import importlib
from importlib.metadata import entry_points

from optsplit.errors import InvalidInput
from optsplit.method import Method

PROBLEMS = ("partition", "upload_order", "schedule", "flow_shop")


@functools.cache
def known() -> dict[tuple[str, str], Method]:
    """Every method by (problem, name); those of the entry-point group `optsplit.methods` replace none built in."""
    found: dict[tuple[str, str], Method] = {}
    for problem in PROBLEMS:
        for method in importlib.import_module(f"optsplit.table.{problem}").METHODS:
            found[method.problem, method.name] = method
    for point in entry_points(group="optsplit.methods"):
        method = point.load()
        if not isinstance(method, Method):
            raise InvalidInput(f"entry point {point.name!r} is a {type(method).__name__}; register an optsplit.Method")
        found.setdefault((method.problem, method.name), method)
    return found
