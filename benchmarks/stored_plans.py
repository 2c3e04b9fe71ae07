"""Best-known plans in few bytes: places as digits, operations by their starts; the problem has the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

import optsplit as osp
from optsplit.problems.flow_shop import FlowShopPlan
from optsplit.problems.partition import PartitionPlan

ABSENT = "-"
"""A layer that no exit needs."""


def compact(problem: Any, plan: Any) -> dict[str, Any]:
    """Plain data from which `expanded` makes the plan again."""
    match problem:
        case osp.Partition():
            found: dict[str, Any] = {"at": _places(problem, plan.assignment)}
            if plan.exit is not None:
                found["exit"] = plan.exit
            if plan.bits:
                found["bits"] = dict(plan.bits)
            if plan.thresholds:
                found["thresholds"] = dict(plan.thresholds)
            return found
        case osp.UploadOrder():
            return {"order": problem.positions(plan)} | ({} if plan.batches is None else {"batches": plan.batches})
        case osp.Schedule():
            starts = {(o.job, o.item, o.machine): o.start for o in plan.operations}
            return {
                "at": [_places(job, cut) for job, cut in zip(problem.jobs, plan.assignments, strict=True)],
                "starts": [
                    [starts[j, step.item, problem.machines[step.machine]] for step in problem.steps(j, cut)]
                    for j, cut in enumerate(plan.assignments)
                ],
            }
        case _:
            return {"sequence": list(plan.sequence)}


def expanded(problem: Any, found: dict[str, Any]) -> Any:
    """The plan of `compact`."""
    match problem:
        case osp.Partition():
            return PartitionPlan(
                _assignment(problem, found["at"]), found.get("exit"), found.get("bits", {}), found.get("thresholds", {})
            )
        case osp.UploadOrder():
            return problem.plan(found["order"], found.get("batches"))
        case osp.Schedule():
            cuts = [
                np.array([problem.places.index(job.places[int(p)]) for p in at])
                for job, at in zip(problem.jobs, found["at"], strict=True)
            ]
            return problem.plan(cuts, found["starts"])
        case _:
            return FlowShopPlan(tuple(found["sequence"]))


def _places(problem: osp.Partition, assignment: dict[str, str]) -> str:
    digit = {place: str(p) for p, place in enumerate(problem.places)}
    return "".join(digit[assignment[layer]] if layer in assignment else ABSENT for layer in problem.layers)


def _assignment(problem: osp.Partition, at: str) -> dict[str, str]:
    pairs = zip(problem.layers, at, strict=True)
    return {layer: problem.places[int(digit)] for layer, digit in pairs if digit != ABSENT}
