"""Result: what a method found, how good it provably is, and how it was obtained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from optsplit import files
from optsplit.errors import NotOptimal
from optsplit.problems import stored
from optsplit.problems.flow_shop import FlowShopPlan
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.schedule_plan import SchedulePlan
from optsplit.problems.upload_order import UploadPlan

Plan = PartitionPlan | UploadPlan | SchedulePlan | FlowShopPlan


class Status(StrEnum):
    OPTIMAL = "optimal"
    """bound == objective."""
    FEASIBLE = "feasible"
    """A plan whose gap is known but not closed."""
    HEURISTIC = "heuristic"
    """A plan, no bound claimed."""
    INFEASIBLE = "infeasible"
    """Proved: no plan obeys the rules."""
    NO_SOLUTION = "no solution"
    """No plan was found and none is excluded."""
    ERROR = "error"
    """The method failed; `raw_status` says how."""


class Limit(StrEnum):
    NONE = "none"
    TIME = "time"
    GAP = "gap"
    INTERRUPT = "interrupt"


@dataclass(frozen=True)
class TracePoint:
    """Incumbent and bound after `seconds` of solving; None where there is none yet."""

    seconds: float
    objective: int | None
    bound: int | None


@dataclass(frozen=True)
class Conflict:
    """A limit that takes part in making a problem infeasible.

    `best` is the least value of the metric when its own limit is lifted and the other conflicting ones stand; None
    when that was not settled in time.
    """

    metric: str
    limit: int
    best: int | None
    unit: str = ""


@dataclass(frozen=True)
class Result:
    """What `optsplit.solve` returns.

    Parameters
    ----------
    method, status, limit
        The method, how it ended, and what stopped it early.
    objective, bound
        Price of the plan, and the least price that any plan can have; integers in the problem's units, None
        where there is none.
    plan, metrics
        The decision as plain data, and every metric priced.
    build_seconds, solve_seconds, trace
        Times, and incumbents and bounds over time.
    solver, versions, seed, workers, time_limit, raw_status
        Provenance.
    bounds
        Lower bounds by name, so that one sees which closed the gap; `bound` is the best of all.
    conflicts
        For an infeasible problem: the limits that conflict.
    units
        Metric -> unit, for print.
    problem
        The problem, for pictures and reports; not compared. Files hold it too.
    """

    method: str
    status: Status
    limit: Limit = Limit.NONE
    objective: int | None = None
    bound: int | None = None
    plan: Plan | None = None
    metrics: Mapping[str, int] = field(default_factory=dict)
    minimize: tuple[str, ...] = ()
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    trace: tuple[TracePoint, ...] = ()
    solver: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    workers: int = 1
    time_limit: float | None = None
    raw_status: str = ""
    bounds: Mapping[str, int] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    problem: Any = field(default=None, compare=False, repr=False)  # Any: of any kind

    @property
    def gap(self) -> float | None:
        """(objective - bound) / max(|objective|, 1), or None where one of them is missing."""
        if self.objective is None or self.bound is None:
            return None
        return (self.objective - self.bound) / max(abs(self.objective), 1)

    def require_optimal(self) -> Result:
        """This result, if it is proven optimal.

        Raises
        ------
        NotOptimal
            With the result's table in the message.
        """
        if self.status is not Status.OPTIMAL:
            raise NotOptimal(f"method {self.method!r} did not prove an optimum:\n{self}")
        return self

    def rows(self) -> list[tuple[str, str]]:
        """What a reader sees of it, as (name, value)."""
        rows = [
            ("method", self.method),
            ("status", self.status.value + (f" ({self.limit} limit)" if self.limit != Limit.NONE else "")),
        ]
        unit = self.units.get(self.minimize[0], "") if self.minimize else ""
        rows.append(("minimises", ", ".join(self.minimize)))
        rows.append(("objective", quantity(self.objective, unit)))
        rows.append(("bound", quantity(self.bound, unit)))
        if self.bounds:
            rows.append(("bounds", ", ".join(f"{name} {quantity(value, unit)}" for name, value in self.bounds.items())))
        rows.append(("gap", percent(self.gap)))
        rows.append(("time", f"build {self.build_seconds * 1e3:.3g} ms, solve {self.solve_seconds * 1e3:.3g} ms"))
        rows += [(name, quantity(value, self.units.get(name, ""))) for name, value in self.metrics.items()]
        if self.plan is not None:
            rows += self.plan.rows()
        for conflict in self.conflicts:
            best = (
                "least value not settled"
                if conflict.best is None
                else f"least {quantity(conflict.best, conflict.unit)}"
            )
            rows.append((f"limit {conflict.metric}", f"{quantity(conflict.limit, conflict.unit)} conflicts ({best})"))
        if self.raw_status:
            rows.append(("raw status", self.raw_status))
        return rows

    def __str__(self) -> str:
        rows = self.rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def plot(self, ax: Any = None, kind: str = "plan") -> Any:
        """Draw the result.

        Parameters
        ----------
        ax
            Matplotlib axes; new ones of pyplot by default.
        kind
            "plan": the plan, whatever the problem, which is also "network" (`Partition`), "upload" (`UploadOrder`) or
            "gantt" (`Schedule`, `FlowShop`). "progress": incumbent and bound over time. "envelope" (`Partition`): the
            least value over bandwidth, and where this result stands.

        Returns
        -------
        The axes.

        Raises
        ------
        InvalidInput
            There is nothing to draw, or no such picture of this problem.
        MissingDependency
            matplotlib is not installed.
        """
        from optsplit import plots

        return plots.picture(self, ax, kind)

    def _repr_html_(self) -> str:
        from optsplit import html

        return html.result(self)

    def save(self, path: str | Path) -> None:
        """Write the result as a JSON file, with its problem where that can be written."""
        files.write(path, "result", replace(self, problem=stored.embedded(self.problem)))

    @staticmethod
    def load(path: str | Path) -> Result:
        """Read a result, and its problem where the file has it, from a JSON file."""
        found = files.read(path, "result", Result)
        return found if found.problem is None else replace(found, problem=stored.extracted(found.problem, str(path)))


SCALES = {
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "us")),
    "nJ": ((1e9, "J"), (1e6, "mJ"), (1e3, "uJ")),
    "ns2": ((1e18, "s^2"), (1e12, "ms^2"), (1e6, "us^2")),
    "ppm": ((1e4, "%"),),
    "B": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB")),
}


def quantity(value: int | None, unit: str) -> str:
    """A value for a reader: 1234567 ns as "1.23457 ms"; "-" for None."""
    if value is None:
        return "-"
    for scale, name in SCALES.get(unit, ()):
        if abs(value) >= scale:
            return f"{value / scale:.6g} {name}"
    return f"{value} {unit}".rstrip()


def percent(gap: float | None) -> str:
    """A gap for a reader: "0 %", "1.2e-07 %", "3.41 %"; "-" for None."""
    return "-" if gap is None else f"{100 * gap:.3g} %"
