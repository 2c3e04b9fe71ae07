"""The slider over bandwidth: every optimal plan and the lines that say where each holds, as data for its script.

What the script computes is `Envelope.at`, or `DecisionTable.at`, in the same floats: the line by bisection over the
rates where plans change, and its value, fixed + slope * seconds per byte.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.hardware import MBIT, links
from optsplit.pages import layout, words
from optsplit.problems.partition import CONFIDENCE, EXITS, PLACES, Partition
from optsplit.result import SCALES, Result

if TYPE_CHECKING:
    from optsplit.algorithms.decision_table import DecisionTable
    from optsplit.algorithms.envelope import Envelope

_MARKED = ("3g", "4g", "wifi")
_AROUND = 4
"""How far beyond the first and the last change of plan the slider goes."""


@dataclass(frozen=True)
class Bandwidth:
    """What holds over bandwidth: an envelope or a table, or why there is none; `data` for the script."""

    envelope: Envelope | None = None
    table: DecisionTable | None = None
    data: dict[str, Any] | None = None
    without: str = ""


def over(problem: Partition, result: Result) -> Bandwidth:
    """The optimal plans of a problem over bandwidth, where they are known for every bandwidth at once."""
    if refused := sorted(problem.features & {PLACES, CONFIDENCE}):
        return Bandwidth(without=_without(", ".join(refused)))
    from optsplit.algorithms.decision_table import decision_table
    from optsplit.algorithms.envelope import envelope  # solvers come when they are first used

    try:
        if EXITS in problem.features:
            table = decision_table(problem)
            return Bandwidth(table=table, data=_of_table(problem, result, table))
        found = envelope(problem)
    except InvalidInput as error:
        return Bandwidth(without=_without(str(error)))
    return Bandwidth(envelope=found, data=_of_envelope(problem, result, found))


def _without(reason: str) -> str:
    return (
        "There is no slider over bandwidth: the optimal plans of all bandwidths at once are known for two places and "
        f"one metric without limits, or for one exit per request and a deadline. Here: {reason}."
    )


def _of_envelope(problem: Partition, result: Result, found: Envelope) -> dict[str, Any]:
    lines = [
        {"fixed": segment.fixed, "slope": float(segment.slope), "plan": layout.coded(problem, segment.plan.assignment),
         "sent": layout.sent(problem, segment.plan, problem)}
        for segment in reversed(found.segments)
    ]  # fmt: skip
    rates = [_rate(s * (found.weight or 1), found.per_byte) for s in reversed(found.breakpoints)]
    ends = (
        _rate(found.segments[-1].high * (found.weight or 1), found.per_byte),
        _rate(found.segments[0].low * (found.weight or 1), found.per_byte),
    )
    return {
        **_common(problem, result, found.per_byte, ends, rates), "weight": found.weight or 1,
        "levels": [{"lines": lines, "rates": rates}], "what": problem.objectives[0],
    }  # fmt: skip


def _of_table(problem: Partition, result: Result, table: DecisionTable) -> dict[str, Any]:
    levels: list[dict[str, Any]] = []
    for level in table.levels:
        lines = [
            {"fixed": line.fixed, "slope": float(line.slope), "plan": layout.coded(problem, line.plan.assignment),
             "sent": layout.sent(problem.at_exit(line.exit), line.plan, problem), "exit": line.exit}
            for line in reversed(level.lines)
        ]  # fmt: skip
        rates = [table.rate_of(end) for end in reversed(level.ends)]
        levels.append({"lines": lines, "rates": rates, "accuracy": level.accuracy})
    every = sorted(rate for level in levels for rate in level["rates"])
    ends = table.rate_of(table.high), table.rate_of(table.low)
    asked = problem.limits.get("latency", result.metrics.get("latency", 0))
    least = [float(level.least(t)) for level in table.levels for t in (table.low, table.high)]
    return {
        **_common(problem, result, table.per_byte, ends, every), "weight": 1, "levels": levels, "what": "latency",
        "deadline": {"low": max(min(least) / 2, 1.0), "high": max(*least, asked) * 1.2, "asked": asked},
    }  # fmt: skip


def _rate(s: Any, per_byte: bool) -> float:
    return float((10**9 if per_byte else 1) / s) if s else math.inf


def _common(
    problem: Partition, result: Result, per_byte: bool, ends: tuple[float, float], rates: list[float]
) -> dict[str, Any]:
    own = _own(problem, per_byte)
    marks = [(name, links[name].up.rate) for name in _MARKED] if per_byte else []
    near = [*rates, *(rate for _, rate in marks), *([] if own is None else [own])]
    low, high = max(ends[0], min(near) / _AROUND), min(ends[1], max(near) * _AROUND)
    metric = "latency" if "latency" in problem.metrics else problem.objectives[0]
    unit = problem.units[metric if problem.exits is not None else problem.objectives[0]]
    return {
        **layout.network(problem), "per_byte": per_byte, "low": low, "high": high, "proven": ends, "own": own,
        "marks": marks, "unit": unit,
        "scales": SCALES.get(unit, ()), "sizes": SCALES["B"], "scale": MBIT if per_byte else 1.0,
        "found": None if problem.exits is not None else result.objective, "status": str(result.status),
    }  # fmt: skip


def _own(problem: Partition, per_byte: bool) -> float | None:
    """The rate of the problem's fastest link; its times are rounded to nanoseconds, so to six digits."""
    if not per_byte:
        return 1.0
    known = [rate for rate in (words.rate(problem, *arc) for arc in problem.links) if rate is not None]
    return float(f"{max(known) / MBIT:.6g}") * MBIT if known else None
