"""Record: one run of one method on one instance, as a row of a table; CSV in and out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from optsplit.errors import FileFormatError, InvalidInput, unknown
from optsplit.evidence.best import Best, best_known
from optsplit.result import Limit, Result, Status

_OF_SOLVE = frozenset({"time_limit", "gap", "workers", "hint"})

POINTS = "points"
"""Unit of the loss where the objective is a share: percentage points, since a ratio to an error near 0 says nothing."""
PERCENT = "%"


class Failure(StrEnum):
    """Why a run has nothing to average; each kind is counted on its own."""

    NONE = ""
    NO_PLAN = "no plan"
    """It ended by itself without a plan, on a problem that has one."""
    TIME = "time limit without plan"
    INTERRUPT = "interrupted"
    NOT_TAKEN = "problem not taken"
    ERROR = "error"
    REFUTED = "claim refuted"
    """A bound above the cost of a known plan, infeasible claimed where there is a plan, or a plan priced wrongly."""


_OF_ERROR = {"MethodMismatch": Failure.NOT_TAKEN, "SolverDisagreement": Failure.REFUTED}


@dataclass(frozen=True)
class Record:
    """One run.

    Parameters
    ----------
    instance, family, kind, size, tags
        The problem's name, the paper or the decision that it belongs to, its class ("Partition", ...), its size class
        and labels such as "trivial" or "synthetic".
    method, options, seed
        What was asked; options as text, such as "k=0.5".
    exact
        Whether the method ends with a proof unless a limit stops it.
    used
        The method that answered: for "auto" the one that it took.
    status, limit, objective, bound, build_seconds, solve_seconds, time_limit, raw_status
        As in `Result`.
    unit
        Of objective and bound.
    best, proven
        The least cost known of this instance from any run, and whether it is proven: see `judged`.
    """

    instance: str
    method: str
    status: Status
    family: str = ""
    kind: str = ""
    size: str = ""
    tags: tuple[str, ...] = ()
    options: str = ""
    seed: int = 0
    exact: bool = False
    used: str = ""
    limit: Limit = Limit.NONE
    unit: str = ""
    objective: int | None = None
    bound: int | None = None
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    time_limit: float | None = None
    raw_status: str = ""
    best: int | None = None
    proven: bool = False

    @property
    def label(self) -> str:
        """Method and options, as in a table."""
        return f"{self.method} {self.options}".rstrip()

    @property
    def seconds(self) -> float:
        """Building and solving."""
        return self.build_seconds + self.solve_seconds

    @property
    def gap(self) -> float | None:
        """The method's own gap, as in `Result`."""
        if self.objective is None or self.bound is None:
            return None
        return (self.objective - self.bound) / max(abs(self.objective), 1)

    @property
    def loss_unit(self) -> str:
        """Unit of `loss`: per cent of the best cost, or percentage points where the objective is a share."""
        return POINTS if self.unit == "ppm" else PERCENT

    @property
    def loss(self) -> float | None:
        """How much the plan costs above the best known, in `loss_unit`.

        The best is the proven optimum where `proven`. None without a plan, and where the best cost is not positive and
        the plan misses it: a ratio to it has no meaning (`excess` has one).
        """
        if self.excess is None or self.best is None:
            return None
        if self.loss_unit == POINTS:
            return self.excess / 1e4
        if self.excess == 0:
            return 0.0
        return 100 * self.excess / self.best if self.best > 0 else None

    @property
    def excess(self) -> int | None:
        """Cost of the plan above the best known, in the problem's integer units; None without a plan."""
        return None if self.objective is None or self.best is None else self.objective - self.best

    @property
    def failure(self) -> Failure:
        """Why this run has no plan to compare, or whose claim another run refutes."""
        if self.status is Status.ERROR:
            return _OF_ERROR.get(self.raw_status.partition(":")[0], Failure.ERROR)
        if self.best is not None and (
            self.status is Status.INFEASIBLE or (self.bound is not None and self.bound > self.best)
        ):
            return Failure.REFUTED
        excluded = self.best is None and self.proven
        if self.objective is not None or self.status is Status.INFEASIBLE or excluded:
            return Failure.NONE
        return {Limit.TIME: Failure.TIME, Limit.INTERRUPT: Failure.INTERRUPT}.get(self.limit, Failure.NO_PLAN)

    @property
    def solved(self) -> bool:
        """Ended by its own proof, of an optimum or of infeasibility, that no other run refutes."""
        return self.status in (Status.OPTIMAL, Status.INFEASIBLE) and self.failure is Failure.NONE


def of_result(
    instance: str, method: str, result: Result, *, exact: bool, options: Mapping[str, Any] | None = None, **labels: Any
) -> Record:
    """The record of a result, its times to the tenth of a microsecond.

    Parameters
    ----------
    instance, method, options
        What was asked: `result.method` is what answered.
    result
        From `optsplit.solve` or a sweep.
    exact
        Whether the method asked for is an exact one.
    labels
        `family`, `kind`, `size`, `tags`, `seed`, as in `Record`.
    """
    unit = result.units.get(result.minimize[0], "") if result.minimize else ""
    return Record(
        instance=instance, method=method, options=options_text(options or {}), exact=exact, used=result.method,
        status=result.status, limit=result.limit, unit=unit, objective=result.objective, bound=result.bound,
        build_seconds=round(result.build_seconds, 7), solve_seconds=round(result.solve_seconds, 7),
        time_limit=result.time_limit, raw_status=result.raw_status, **{"seed": result.seed, **labels},
    )  # fmt: skip


def options_text(options: Mapping[str, Any]) -> str:
    """Options of a method as one text: "k=0.5 threshold=3"; the limits of a solve have columns of their own."""
    return " ".join(f"{name}={value}" for name, value in sorted(options.items()) if name not in _OF_SOLVE)


def judged(records: Iterable[Record], known: Mapping[str, Best] | None = None) -> list[Record]:
    """The records with the best cost of their instance from all of them, and from what was known before.

    Parameters
    ----------
    records
        Of any instances.
    known
        Instance -> what earlier runs found and proved.
    """
    rows = list(records)
    claims: dict[str, list[Best]] = {}
    for row in rows:
        claims.setdefault(row.instance, []).append(
            Best(row.objective, row.bound, infeasible=row.status is Status.INFEASIBLE)
        )
    for name, best in (known or {}).items():
        if name in claims:
            claims[name].append(best)
    found = {name: best_known(each) for name, each in claims.items()}
    return [replace(row, best=(best := found[row.instance]).objective, proven=best.proven) for row in rows]


_DERIVED = ("gap", "loss", "loss_unit", "failure")


def to_csv(records: Sequence[Record]) -> str:
    """The records as CSV text: a column for each field, then gap, loss, its unit and failure."""
    stored = [field.name for field in fields(Record)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*stored, *_DERIVED])
    for record in records:
        derived = [getattr(record, name) for name in _DERIVED]
        writer.writerow([
            *(_cell(getattr(record, name)) for name in stored),
            *(f"{value:.6g}" if isinstance(value, float) else _cell(value) for value in derived),
        ])  # fmt: skip
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, bool):
        return int(value)
    return repr(value) if isinstance(value, float) else "" if value is None else value


def from_csv(text: str, name: str = "<text>") -> list[Record]:
    """The records of `to_csv`; columns that follow from others are computed again.

    Raises
    ------
    FileFormatError
        A column is missing or unknown, or a cell has the wrong type: the message has the line.
    """
    reader = csv.DictReader(io.StringIO(text))
    stored = [field.name for field in fields(Record)]
    for column in reader.fieldnames or ():
        if column not in {*stored, *_DERIVED}:
            raise FileFormatError(f"{name}: {unknown('column', column, stored)}")
    for column in ("instance", "method", "status"):
        if column not in (reader.fieldnames or ()):
            raise FileFormatError(f"{name}: has no column {column!r}; write it again by optsplit bench")
    rows = []
    for row in reader:
        given: dict[str, Any] = {k: v for k, v in row.items() if k in stored and v not in ("", None)}
        given["instance"], given["method"] = row["instance"], row["method"]
        if "tags" in given:
            given["tags"] = given["tags"].split()
        for flag in {"exact", "proven"} & set(given):
            given[flag] = given[flag] == "1"
        try:
            rows.append(msgspec.convert(given, Record, strict=False))
        except msgspec.ValidationError as error:
            raise FileFormatError(
                f"{name}: line {reader.line_num}: {error}; write it again by optsplit bench"
            ) from error
    return rows


def save(path: str | Path, records: Sequence[Record]) -> None:
    """Write the records to a CSV file."""
    try:
        Path(path).write_text(to_csv(records), encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror}); check the path") from error


def load(path: str | Path) -> list[Record]:
    """Read the records of a CSV file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read ({error}); check the path") from error
    return from_csv(text, str(path))
