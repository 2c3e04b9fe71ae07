"""The methods of the upload order; exact ones stand in the order in which "auto" tries them."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from optsplit.formulation import load
from optsplit.method import Method
from optsplit.problems.partition import BRANCHES
from optsplit.problems.upload_order import QUERIES, SHARED, UploadOrder
from optsplit.table.entry import formulation

_ALL = frozenset({BRANCHES, SHARED, QUERIES})
_INTEGRAL = _ALL - {QUERIES}


def _too_large(file: str) -> Callable[[UploadOrder], str | None]:
    def refuses(problem: UploadOrder) -> str | None:
        reason: str | None = load(file).refuses(problem)
        return reason

    return refuses


def _refuses(function: str) -> Callable[[UploadOrder], str | None]:
    def refuses(problem: UploadOrder) -> str | None:
        subsets = importlib.import_module("optsplit.algorithms.upload_subsets")
        reason: str | None = getattr(subsets, function)(problem)
        return reason

    return refuses


_SEARCHES = (
    Method("sidney", "UploadOrder", True, _INTEGRAL, "optsplit.start_upload:sidney",
           "blocks by parametric cut (Sidney 1975), closed sets backwards inside them, with bounds"),
    Method("interval-dp", "UploadOrder", True, frozenset(), "optsplit.algorithms.upload_intervals:solve",
           "runs of a chain between layers that stay on the device, merged by density"),
    Method("subset-dp", "UploadOrder", True, _INTEGRAL, "optsplit.algorithms.upload_subsets:subsets",
           "dynamic programme over closed sets", _refuses("refuses_subsets")),
)  # fmt: skip

_EVERY = (
    Method("brute", "UploadOrder", True, _ALL, "optsplit.algorithms.upload_subsets:brute",
           "every order, one by one", _refuses("refuses_orders")),
)  # fmt: skip

_MODELS = (
    Method("linear-ordering", "UploadOrder", True, _INTEGRAL, formulation("upload_linear_ordering"),
           "MILP: u before v, a copy of the cut for each unit, PuLP and HiGHS", _too_large("upload_linear_ordering")),
    Method("time-indexed", "UploadOrder", True, _INTEGRAL, formulation("upload_time_indexed"),
           "MILP: what is there in each slot, slots refined to a proof, PuLP and HiGHS",
           _too_large("upload_time_indexed"), options=frozenset({"slots"})),
    Method("cpsat", "UploadOrder", True, _INTEGRAL, formulation("upload_cpsat"), "positions, OR-Tools CP-SAT",
           _too_large("upload_cpsat")),
)  # fmt: skip

_BASELINES = (
    Method("in-order", "UploadOrder", False, _ALL, "optsplit.baselines.upload_order:in_order",
           "front to back, layer by layer"),
    Method("all-at-once", "UploadOrder", False, _ALL, "optsplit.baselines.upload_order:all_at_once",
           "useful when all is there; IONN's comparison (SoCC 2018)"),
    Method("ionn", "UploadOrder", False, _ALL, "optsplit.baselines.ionn:solve",
           "Jeong et al. (SoCC 2018): partitions, each counts when complete", options=frozenset({"k", "threshold"})),
    Method("ionn-layerwise", "UploadOrder", False, _ALL, "optsplit.baselines.ionn:layerwise",
           "the order of IONN's partitions, layer by layer", options=frozenset({"k", "threshold"})),
    Method("ionn-efficiency", "UploadOrder", False, _ALL, "optsplit.baselines.ionn:efficiency",
           "interval of the server run with the largest gain per upload time, refined"),
    Method("density", "UploadOrder", False, _ALL, "optsplit.baselines.upload_order:density",
           "compute time saved per upload time of each unit alone (Smith 1956)"),
    Method("local-search", "UploadOrder", False, _ALL, "optsplit.baselines.upload_local_search:solve",
           "the best of the simple orders, then insertion"),
    Method("largest-first", "UploadOrder", False, _ALL, "optsplit.baselines.upload_order:largest_first",
           "longest upload first"),
)  # fmt: skip

METHODS: tuple[Method, ...] = (*_SEARCHES, *_MODELS, *_EVERY, *_BASELINES)
