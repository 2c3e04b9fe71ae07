"""optsplit: decide exactly which part of a network runs on the device and which on the server.

Importing this package imports neither a solver nor torch; both come when they are first used.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from optsplit import errors
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.hardware import Connection, Device, Link, devices, links
from optsplit.method import Answer, Method, Options
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.profiling.profile import Profile, Timing
from optsplit.result import Limit, Result, Status, TracePoint
from optsplit.solve import compare, methods, solve

if TYPE_CHECKING:
    from optsplit import io
    from optsplit.algorithms.envelope import Envelope, envelope
    from optsplit.data import bundled
    from optsplit.profiling.measure import measure
    from optsplit.profiling.predict import Regressions, fit, predict, regressions
    from optsplit.profiling.trace import trace

try:
    __version__ = version("optsplit")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0"

# names that would import a solver or torch, or that few programs need
_LAZY = {
    "Envelope": "optsplit.algorithms.envelope",
    "envelope": "optsplit.algorithms.envelope",
    "bundled": "optsplit.data",
    "measure": "optsplit.profiling.measure",
    "Regressions": "optsplit.profiling.predict",
    "fit": "optsplit.profiling.predict",
    "predict": "optsplit.profiling.predict",
    "regressions": "optsplit.profiling.predict",
    "trace": "optsplit.profiling.trace",
}

__all__ = [
    "Answer",
    "Connection",
    "Device",
    "Envelope",
    "Layer",
    "LayerGraph",
    "Limit",
    "Link",
    "Method",
    "Metric",
    "Options",
    "Partition",
    "PartitionPlan",
    "Profile",
    "Regressions",
    "Result",
    "Status",
    "Tensor",
    "Timing",
    "TracePoint",
    "bundled",
    "compare",
    "devices",
    "envelope",
    "errors",
    "fit",
    "io",
    "links",
    "measure",
    "methods",
    "predict",
    "regressions",
    "solve",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name == "io":
        return importlib.import_module("optsplit.io")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'optsplit' has no attribute {name!r}")
