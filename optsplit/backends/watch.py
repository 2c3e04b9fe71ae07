"""Watch: the clock, the trace and the Ctrl-C of one solve, the same for every solver."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from optsplit.method import Options
from optsplit.result import Limit, TracePoint

T = TypeVar("T")


class Watch:
    """Started before a model is built, so that the time limit counts building too.

    Attributes
    ----------
    trace
        Incumbents and bounds so far, each better than the one before.
    stopped_by
        The limit that this watch has reached: gap or interrupt; the clock itself is the solver's to keep.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.start = time.perf_counter()
        self.build_seconds = 0.0
        self.trace: list[TracePoint] = []
        self.stopped_by = Limit.NONE
        self._failure: BaseException | None = None

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def left(self) -> float | None:
        """Seconds that remain, at least 0; None without a time limit."""
        return None if self.options.time_limit is None else max(0.0, self.options.time_limit - self.seconds())

    def built(self) -> None:
        """Mark the end of building; only the first call counts, a later solve of the same model is solving."""
        self.build_seconds = self.build_seconds or self.seconds()

    @property
    def solve_seconds(self) -> float:
        """Seconds since the end of building."""
        return self.seconds() - self.build_seconds

    def report(self, objective: int | None, bound: int | None) -> bool:
        """Record what the solver knows now; True when it should stop.

        Called from the solver's threads: an exception of the caller's `progress` is kept, and raised again by `run`.
        """
        last = self.trace[-1] if self.trace else TracePoint(0.0, None, None)
        objective = _best(min, last.objective, objective)
        bound = _best(max, last.bound, bound)
        if (objective, bound) != (last.objective, last.bound):
            point = TracePoint(self.solve_seconds, objective, bound)
            self.trace.append(point)
            if self.options.progress is not None:
                try:
                    self.options.progress(point)
                except BaseException as failure:  # whatever it is, it must not cross the solver's own frames
                    self._failure = failure
        known = self.stopped_by is Limit.NONE and objective is not None and bound is not None
        if known and 0 < objective - bound <= self.options.gap * max(abs(objective), 1):  # type: ignore[operator,arg-type]
            self.stopped_by = Limit.GAP
        return self.stopped_by is not Limit.NONE or self._failure is not None

    def withdraw(self) -> None:
        """Forget the incumbent: its formulation found that it breaks a rule after all, and searches on."""
        bound = self.trace[-1].bound if self.trace else None
        self.trace.append(TracePoint(self.solve_seconds, None, bound))
        if self.stopped_by is Limit.GAP:
            self.stopped_by = Limit.NONE

    def interrupt(self) -> None:
        """Ask for an end as by Ctrl-C."""
        self.stopped_by = Limit.INTERRUPT

    def run(self, solve: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
        """Run a solver in a thread of its own, so that Ctrl-C reaches Python while the solver works.

        Python runs signal handlers only in the main thread, between its own instructions: a solver that holds the
        main thread would delay them to its end. `stop` is called at Ctrl-C; the caller's handler is put back.
        Outside the main thread no handler can be set, and Ctrl-C is the affair of whoever holds it.
        """
        outcome: list[T] = []

        def work() -> None:
            try:
                outcome.append(solve())
            except BaseException as failure:
                self._failure = self._failure or failure

        def handler(number: int, frame: Any) -> None:
            self.interrupt()
            stop()

        worker = threading.Thread(target=work, name="optsplit-solver", daemon=True)
        previous = signal.getsignal(signal.SIGINT)
        ours = threading.current_thread() is threading.main_thread() and previous not in (None, signal.SIG_IGN)
        if ours:
            signal.signal(signal.SIGINT, handler)
        try:
            worker.start()
            while worker.is_alive():
                worker.join(0.1)
                if worker.is_alive() and self.stopped_by is Limit.INTERRUPT:
                    stop()  # again: the first one may have come before the solver could hear it
        finally:
            if ours:
                signal.signal(signal.SIGINT, previous)
        if self._failure is not None:
            raise self._failure
        return outcome[0]


def _best(choose: Callable[[int, int], int], old: int | None, new: int | None) -> int | None:
    if old is None or new is None:
        return new if old is None else old
    return choose(old, new)
