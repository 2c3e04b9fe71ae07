"""Reports of an upload: what is sent when, what a query takes meanwhile, and the usual orders beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.result import Result, Status

USUAL: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("in-order", {}),
    ("ionn", {"k": 0.1}),
    ("ionn", {"k": 0.5}),
    ("ionn", {"k": 0.8}),
    ("all-at-once", {}),
)
"""The orders that every upload is compared with: (method, its options)."""


@dataclass(frozen=True)
class Sent:
    """A unit on its way: nanoseconds since the upload began, and the latency of a query before and after it is there.

    Within a batch that is not complete, `after` is `before`.
    """

    unit: str
    start: int
    end: int
    before: int
    after: int


@dataclass(frozen=True)
class OrderRow:
    """One order among others.

    Parameters
    ----------
    label
        The method, with its options.
    status
        As in the result.
    mean_latency
        Nanoseconds; None without a plan.
    finish
        Nanoseconds until the least latency is reached.
    objective
        In the problem's integer units; None without a plan.
    above
        (objective - best bound) / max(|best bound|, 1); None where no bound is known.
    """

    label: str
    status: Status
    mean_latency: int | None
    finish: int | None
    objective: int | None
    above: float | None


def sent(problem: UploadOrder, plan: UploadPlan) -> list[Sent]:
    """Each unit of a plan, in the order sent."""
    rows, clock = [], 0
    steps = problem.steps(plan)
    behind = [now for _, now in steps[1:]] + [problem.curve(plan)[-1][1]]
    for name, (p, now), then in zip(plan.order, steps, behind):
        rows.append(Sent(name, clock, clock + p, now, then))
        clock += p
    return rows


def label(method: str, options: Mapping[str, Any]) -> str:
    """A method with its options: "ionn, k = 0.1"."""
    return ", ".join([method, *(f"{name} = {value}" for name, value in options.items())])


def usual(problem: UploadOrder, orders: Iterable[tuple[str, Mapping[str, Any]]] = USUAL) -> dict[str, Result]:
    """The orders that a plan is compared with, by label."""
    from optsplit.solve import solve

    return {label(method, options): solve(problem, method, **options) for method, options in orders}


def order_rows(results: Mapping[str, Result], bound: int | None) -> list[OrderRow]:
    """One row for each result, against the best bound known."""
    rows = []
    for name, result in results.items():
        known = result.objective is not None and bound is not None
        above = (result.objective - bound) / max(abs(bound), 1) if known else None  # type: ignore[operator, arg-type]
        rows.append(
            OrderRow(
                name, result.status, result.metrics.get("mean_latency"), result.metrics.get("finish"),
                result.objective, above,
            )
        )  # fmt: skip
    return rows


def proven_mean(problem: UploadOrder, result: Result) -> float | None:
    """Mean latency that no order can beat, in nanoseconds, from the bound on the integral; None where there is none."""
    if result.bound is None or problem.objective != "integral" or not problem.horizon:
        return None
    return result.bound / problem.horizon
