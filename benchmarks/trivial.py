"""When a problem needs no method, so that a heuristic that is optimal there shows nothing."""

from __future__ import annotations

from typing import Any

import optsplit as osp
from optsplit.problems.upload_units import needed


def needs_no_method(problem: Any, optimum: int) -> bool:
    """Whether a trivial policy attains the optimum.

    - partition: all layers that are not pinned at one place (and, with exits or precisions, the best of those);
    - upload order: fewer than two units are sent, or the first gain comes with the last of them (all at once);
    - schedule: device only or server only; with given cuts, first come first served;
    - flow shop: first come first served.
    """
    match problem:
        case osp.Partition():
            return any(_at(problem, place) == optimum for place in problem.places)
        case osp.UploadOrder():
            return len(needed(problem)) < 2 or osp.solve(problem, "all-at-once").objective == optimum
        case osp.Schedule() if problem.cuts is None:
            return optimum in {osp.solve(problem, name).objective for name in ("device-only", "server-only")}
        case _:
            return bool(osp.solve(problem, "fcfs").objective == optimum)


def _at(problem: osp.Partition, place: str) -> int | None:
    """The best that is possible with every layer that is not pinned at one place."""
    fixed = problem.but(pins=dict.fromkeys(problem.layers, place) | dict(problem.pins))
    return osp.solve(fixed, time_limit=5).objective
