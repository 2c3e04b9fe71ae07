"""Runs of many methods on many instances, as judged records; times that can be compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optsplit.evidence.best import Best
from optsplit.evidence.gaps import Steps, over_time
from optsplit.evidence.record import Failure, Record, judged, of_result
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit
from optsplit.solve import methods
from optsplit.sweep import Run, sweep
from optsplit.table import known

Call = tuple[str, Mapping[str, Any]]
"""A method and its options."""

RANDOM = frozenset({("Partition", "local-search")})
"""(kind of problem, method) whose plan depends on the seed: baselines; a proof ends with the same cost at any seed."""

AT_ONCE = 1.0
"""Seconds: what an exact method closes within them needs no curve."""

WARM_UP = "warm-up/"


@dataclass(frozen=True)
class Case:
    """An instance as a sweep takes it.

    Parameters
    ----------
    name, family, kind, size, tags
        As in `Record`.
    problem
        The problem, or the path of its file.
    """

    name: str
    family: str
    kind: str
    problem: Any
    size: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What `run` returns.

    Parameters
    ----------
    records
        Judged, in the order asked.
    gaps
        (instance, label) -> how the gap closed, of the exact runs that took longer than `AT_ONCE`.
    interrupted
        How many runs Ctrl-C has stopped or prevented; they have no record, since their times would say nothing.
    """

    records: list[Record]
    gaps: dict[tuple[str, str], Steps]
    interrupted: int = 0


def usual(problems: Iterable[Any], *, every: bool = False) -> list[Call]:
    """ "auto" and the baselines that take one of the problems, or every method that does."""
    names: dict[str, None] = {"auto": None}
    for problem in problems:
        names.update((m.name, None) for m in methods(problem) if every or not m.exact)
    return [(name, {}) for name in names]


def run(
    cases: Sequence[Case],
    calls: Sequence[Call],
    *,
    seeds: Sequence[int] = (0,),
    time_limit: float | None = None,
    workers: int = 1,
    folder: str | Path | None = None,
    progress: bool | Callable[[int, int, Run], None] | None = None,
    best: Mapping[str, Best] | None = None,
) -> Outcome:
    """Run every call on every case that takes it, and judge the records by what they know together.

    With one worker all runs of a case follow one another in one process, which has imported its solvers by small solves
    before: their times can be compared. With more, times depend on what runs beside.

    Parameters
    ----------
    cases, calls
        Names of cases are unique. Calls that a case does not take leave no record, except "auto".
    seeds
        All of them for the methods of `RANDOM`, the first for the others.
    time_limit, workers, folder, progress
        As in `optsplit.sweep`.
    best
        What was known before, by the name of the case.
    """
    named = {case.name: case for case in cases}
    records: list[Record] = []
    gaps: dict[tuple[str, str], Steps] = {}
    interrupted = 0
    random = {kind for kind, name in RANDOM if name in {name for name, _ in calls}}
    again = [call for call in calls if call[0] in {name for _, name in RANDOM}]
    for each, chosen, among in (
        (calls, tuple(seeds)[:1], cases),
        (again, tuple(seeds)[1:], [case for case in cases if case.kind in random]),
    ):
        if not (each and chosen and among) or interrupted:
            continue
        problems = {**_warm_up(), **{case.name: case.problem for case in among}}
        runs = sweep(problems, each, seeds=chosen, time_limit=time_limit, workers=workers, folder=folder,
                     progress=progress)  # fmt: skip
        for done in runs:
            if (case := named.get(done.name)) is None:
                continue
            if done.result.limit is Limit.INTERRUPT:
                interrupted += 1
                continue
            record = _record(case, done)
            if record.failure is Failure.NOT_TAKEN and done.method != "auto":
                continue
            if record.exact and record.seconds > AT_ONCE:
                gaps[record.instance, record.label] = over_time(done.result)
            records.append(record)
    return Outcome(judged(records, best), gaps, interrupted)


def _record(case: Case, done: Run) -> Record:
    method = known().get((case.kind, done.method))
    return of_result(
        case.name, done.method, done.result, exact=done.method == "auto" or (method is not None and method.exact),
        options=done.options, family=case.family, kind=case.kind, size=case.size, tags=case.tags, seed=done.seed,
    )  # fmt: skip


def _warm_up() -> dict[str, Any]:
    """Small problems that bring a worker to import what later ones need.

    Their numbers change with the clock, since a folder of finished runs would spare the worker the same ones.
    """
    cost = 10 + time.time_ns() % 1_000_000
    there_and_back = {("device", "server"): [5, 2, 1, 1], ("server", "device"): [5, 2, 1, 1]}
    latency = Metric([[0, 0], [9, 1], [cost, 1], [9, 1]], there_and_back)
    memory = Metric([[0, 0], [0, 3], [0, 2], [0, 4]], {}, unit="B")
    diamond = Partition(
        ["in", "left", "right", "out"], [(0, 1), (0, 2), (1, 3), (2, 3)],
        metrics={"latency": latency, "memory": memory}, minimize="latency", pins={"in": "device"},
    )  # fmt: skip
    found = [
        diamond,
        diamond.but(limits={"memory": 5}),
        diamond.but(minimize=("latency", "memory")),
        diamond.but(limits={"memory": 5}, contiguous=True),
        UploadOrder(diamond.but(one_way=True), [0, 3, 4, 5]),
        Schedule([diamond]),
        Schedule([diamond, diamond]),
        FlowShop([[cost, 2, 5], [3, 2, 2], [4, 3, 3]]),
    ]
    return {f"{WARM_UP}{i}": problem for i, problem in enumerate(found)}
