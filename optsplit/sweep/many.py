"""Many solves at once: every problem by every method with every seed, resumable from what is on disk."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.method import Method, Problem
from optsplit.result import Result

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from optsplit.sweep.plan import Planned
    from optsplit.sweep.progress import Report
    from optsplit.sweep.task import Task
    from optsplit.sweep.workers import Crew

Asked = str | Method | tuple[str | Method, Mapping[str, Any]]


@dataclass(frozen=True)
class Run:
    """One solve of a sweep.

    Parameters
    ----------
    name
        Of the problem, as in the sweep.
    method, options, seed
        What was asked; `result.method` is what answered ("auto" chooses).
    result
        Status ERROR where the solve failed; its `raw_status` then starts with the exception's name, "MethodMismatch"
        for a method that does not take the problem.
    """

    name: str
    method: str
    options: Mapping[str, Any]
    seed: int
    result: Result


def sweep(
    problems: Mapping[str, Problem | str | Path] | Iterable[Problem | str | Path],
    methods: Iterable[Asked] | str | None = ("auto",),
    *,
    seeds: Iterable[int] = (0,),
    executor: Executor | None = None,
    workers: int | None = None,
    folder: str | Path | None = None,
    progress: bool | Report | None = None,
    time_limit: float | None = None,
    gap: float = 0.0,
    **options: Any,
) -> list[Run]:
    """Solve every problem by every method with every seed, many at once.

    The runs are those of a loop over `optsplit.solve`, in its order, whichever finishes first. Each solve has one
    thread unless its method's options say `workers`: many processes times many threads is slower.

    Parameters
    ----------
    problems
        Name -> problem; or problems, which are called by position and name; or paths of problem files, called by what
        stands before ".json". A worker reads the file itself, so that no problem is sent to it.
    methods
        Names, "auto", or `Method`s of your own; or pairs of one and its options, among which may be `time_limit`,
        `gap`, `workers` (threads) and `hint` of `solve`. None or "all": those that apply to the problem.
    seeds
        Every one with every method.
    executor
        Any `concurrent.futures.Executor`, such as `Client.get_executor()` of Dask; it is not shut down. Default:
        processes of our own; a script that defines its own methods must then call `sweep` under
        `if __name__ == "__main__":`.
    workers
        How many processes of our own; default the cores. One: each solve has the machine to itself, and the times of
        methods can be compared.
    folder
        Each finished run is written there at once, and not run again by a later sweep that asks the same: problem
        (whatever its name), method, options, seed, limits, release of optsplit. Errors and interrupted runs are run
        again. What one sweep asks twice is run once. After a change to a method's code take another folder.
    progress
        True for a line on stderr; or called as `progress(done, total, run)` for each run, those on disk first.
    time_limit, gap
        Of each solve.
    options
        Options of methods, given to those that have them.

    Returns
    -------
    One run for each, by problem, then method, then seed. A solve that raises, or over which three processes die, has
    status ERROR. After Ctrl-C what is running is interrupted and keeps its best plan, and what had not started has
    status NO_SOLUTION with limit INTERRUPT; an executor of yours is asked to cancel, and what it cannot stop goes on
    there. A second Ctrl-C raises KeyboardInterrupt.

    Raises
    ------
    InvalidInput
        An unknown method or option, a file that is no problem, a limit that is none.
    FileFormatError
        A file cannot be read or written.
    """
    import optsplit
    from optsplit.sweep.plan import planned
    from optsplit.sweep.progress import report
    from optsplit.sweep.store import Store

    if workers is not None and workers < 1:
        raise InvalidInput(f"workers is {workers!r}; give 1 or more")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        kind = type(executor).__name__
        raise InvalidInput(f"executor is a {kind}; give one that can submit, such as a ProcessPoolExecutor")
    store = None if folder is None else Store(folder, optsplit.__version__)
    common = {"time_limit": time_limit, "gap": gap, "workers": 1}
    asked = planned(problems, methods, seeds, common, options, None if store is None else store.version)

    alike: dict[str, list[Planned]] = {}
    for each in asked:
        alike.setdefault(each.key, []).append(each)
    found: dict[str, Result] = {}
    if store is not None:
        for key, (first, *_) in alike.items():
            if (kept := store.read(key, first.problem)) is not None:
                found[key] = kept
    tasks = {key: group[0].task for key, group in alike.items() if key not in found}

    with _crew(tasks, executor, workers) as crew, _interrupting(crew.stop):  # noqa: SIM117
        with report(progress, lambda: len(crew.pending)) as tell:
            done = itertools.count(1)
            for key, result in itertools.chain(list(found.items()), crew):
                if store is not None and key in tasks:
                    store.write(key, alike[key][0].name, tasks[key], result)
                found[key] = result
                for each in alike[key]:
                    tell(next(done), len(asked), _run(each, result))
    return [_run(each, found[each.key] if each.key in found else each.task.interrupted()) for each in asked]


def _run(asked: Planned, result: Result) -> Run:
    if not result.minimize:  # a run without an answer knows nothing of its problem
        result = replace(result, minimize=asked.problem.objectives, units=dict(asked.problem.units))
    return Run(asked.name, asked.task.name, asked.options, asked.task.seed, replace(result, problem=asked.problem))


def _crew(tasks: Mapping[str, Task], executor: Executor | None, workers: int | None) -> Crew:
    from optsplit.sweep.workers import Crew, Processes

    if executor is not None:
        return Crew(tasks, executor)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Processes(tasks, workers or cores)


@contextmanager
def _interrupting(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C calls `stop` while the body runs; a second one is the caller's."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield
        return

    def handler(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
