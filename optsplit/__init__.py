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
from optsplit.problems.exits import ExitPattern, Exits
from optsplit.problems.flow_shop import FlowShop, FlowShopPlan
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import Precision, Sending
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_plan import Operation, SchedulePlan
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.profiling.profile import Profile, Timing
from optsplit.result import Limit, Result, Status, TracePoint
from optsplit.solve import compare, methods, solve
from optsplit.sweep import Run, sweep

if TYPE_CHECKING:
    from optsplit import io
    from optsplit.algorithms.decision_table import DecisionTable, decision_table
    from optsplit.algorithms.envelope import Envelope, envelope
    from optsplit.algorithms.front import Front
    from optsplit.data import bundled
    from optsplit.executor.execute import execute
    from optsplit.executor.validation import validate
    from optsplit.pareto import front
    from optsplit.problems.upload_replan import continued, moved, replan
    from optsplit.profiling.accuracy import measure_accuracy
    from optsplit.profiling.confidence import measure_exits
    from optsplit.profiling.measure import measure
    from optsplit.profiling.packings import measure_packing
    from optsplit.profiling.predict import Regressions, fit, predict, regressions
    from optsplit.profiling.trace import trace

try:
    __version__ = version("optsplit")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0"

# names that would import a solver or torch, or that few programs need
_LAZY = {
    "DecisionTable": "optsplit.algorithms.decision_table",
    "decision_table": "optsplit.algorithms.decision_table",
    "Front": "optsplit.algorithms.front",
    "execute": "optsplit.executor.execute",
    "front": "optsplit.pareto",
    "validate": "optsplit.executor.validation",
    "continued": "optsplit.problems.upload_replan",
    "moved": "optsplit.problems.upload_replan",
    "replan": "optsplit.problems.upload_replan",
    "Envelope": "optsplit.algorithms.envelope",
    "envelope": "optsplit.algorithms.envelope",
    "bundled": "optsplit.data",
    "measure": "optsplit.profiling.measure",
    "measure_accuracy": "optsplit.profiling.accuracy",
    "measure_exits": "optsplit.profiling.confidence",
    "measure_packing": "optsplit.profiling.packings",
    "Regressions": "optsplit.profiling.predict",
    "fit": "optsplit.profiling.predict",
    "predict": "optsplit.profiling.predict",
    "regressions": "optsplit.profiling.predict",
    "trace": "optsplit.profiling.trace",
}

__all__ = [
    "Answer",
    "Connection",
    "DecisionTable",
    "Device",
    "Envelope",
    "ExitPattern",
    "Exits",
    "FlowShop",
    "FlowShopPlan",
    "Front",
    "Layer",
    "LayerGraph",
    "Limit",
    "Link",
    "Method",
    "Metric",
    "Operation",
    "Options",
    "Partition",
    "PartitionPlan",
    "Precision",
    "Profile",
    "Regressions",
    "Result",
    "Run",
    "Schedule",
    "SchedulePlan",
    "Sending",
    "Status",
    "Tensor",
    "Timing",
    "TracePoint",
    "UploadOrder",
    "UploadPlan",
    "bundled",
    "compare",
    "continued",
    "decision_table",
    "devices",
    "envelope",
    "errors",
    "execute",
    "fit",
    "front",
    "io",
    "links",
    "measure",
    "measure_accuracy",
    "measure_exits",
    "measure_packing",
    "methods",
    "moved",
    "predict",
    "regressions",
    "replan",
    "solve",
    "sweep",
    "trace",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name == "io":
        return importlib.import_module("optsplit.io")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'optsplit' has no attribute {name!r}")
