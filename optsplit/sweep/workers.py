"""Who runs the tasks of a sweep: an executor that is given, or processes of our own."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from optsplit.errors import OptsplitError
from optsplit.result import Result
from optsplit.sweep.task import Task, work

DEATHS = 3
"""How many workers may die over one task."""

GRACE = 10.0
"""Seconds for which an interrupted solve may go on before its process is killed."""

_POLL = 0.1


class Crew:
    """Tasks on an executor of the caller's, which is never shut down.

    Parameters
    ----------
    tasks
        By key, in the order in which they should start.
    executor
        With the interface of `concurrent.futures.Executor`; its futures need `add_done_callback`, `result`, `cancel`.
    """

    def __init__(self, tasks: Mapping[str, Task], executor: Executor | None) -> None:
        self.tasks = tasks
        self.executor = executor
        self.pending: dict[str, Future[Result]] = {}
        self.waiting = deque(tasks)
        self.stopping = False
        # safe to put into from a signal handler and from any thread
        self.events: queue.SimpleQueue[tuple[str, Future[Result]] | None] = queue.SimpleQueue()

    def stop(self) -> None:
        """Start nothing more, and end what is running; may be called from a signal handler."""
        self.events.put(None)

    def __iter__(self) -> Iterator[tuple[str, Result]]:
        """Keys and results as they come; after `stop` only those that can still be had."""
        self._submit_waiting()
        while self.pending:
            event = self._next_event()
            if event is None:
                if not self.stopping:
                    self.stopping = True
                    self.waiting.clear()
                    self._stop_pending()
                continue
            key, future = event
            if self.pending.pop(key, None) is None:
                continue
            result = self._outcome(key, future)
            self._submit_waiting()
            if result is not None:
                yield key, result

    def _submit_waiting(self) -> None:
        assert self.executor is not None
        while self.waiting:
            key = self.waiting.popleft()
            try:
                future = self.executor.submit(work, self.tasks[key], uuid.uuid4().hex)
            except BrokenExecutor as error:
                future = Future()
                future.set_exception(error)
            self._watch(key, future)

    def _watch(self, key: str, future: Future[Result]) -> None:
        self.pending[key] = future
        future.add_done_callback(partial(self._finished, key))

    def _finished(self, key: str, future: Future[Result]) -> None:
        self.events.put((key, future))

    def _next_event(self) -> tuple[str, Future[Result]] | None:
        return self.events.get()

    def _stop_pending(self) -> None:
        for key, future in list(self.pending.items()):
            # what already runs cannot be ended from here: it is left to its executor
            if future.cancel() or not future.done():
                del self.pending[key]

    def _outcome(self, key: str, future: Future[Result]) -> Result | None:
        try:
            return future.result()
        except (CancelledError, KeyboardInterrupt):
            return None
        except (Exception, SystemExit) as error:
            return self.tasks[key].failed(f"{type(error).__name__}: {error}")

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for future in self.pending.values():
                future.cancel()


class _Worker:
    """A pool of one process, so that one that dies takes only its own task with it, and one knows which.

    With `script` the process imports the program that sweeps, as it must to find what is defined there.
    """

    def __init__(self, script: bool) -> None:
        self.pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare)
        # the process inherits the mask: Ctrl-C waits until it can listen
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        main = sys.modules["__main__"]
        if not script:
            # multiprocessing would import it anew: without a guard it would sweep again, and it may import torch
            sys.modules["__main__"] = ModuleType("__main__")
        try:
            self.greeting = self.pool.submit(os.getpid)
        finally:
            sys.modules["__main__"] = main
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # before Python 3.14 a pool has no public way to kill what it runs
        self.process = next(iter(self.pool._processes.values()))
        self.told = False

    @property
    def started(self) -> bool:
        return self.greeting.done() and self.greeting.exception() is None

    def interrupt(self) -> None:
        """Send Ctrl-C, once: a second one would reach past what handles the first."""
        if not self.told and self.process.pid is not None and self.process.is_alive():
            self.told = True
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGINT)


class Processes(Crew):
    """Tasks on processes of our own, each replaced when it dies.

    Parameters
    ----------
    tasks
        By key, in the order in which they should start.
    count
        Processes at most.
    """

    def __init__(self, tasks: Mapping[str, Task], count: int) -> None:
        super().__init__(tasks, None)
        self.places = min(count, len(tasks))
        self.idle: list[_Worker] = []
        self.busy: dict[str, _Worker] = {}
        self.deaths: Counter[str] = Counter()
        self.script = any(task.of_script for task in tasks.values())
        self.proven = False  # some worker has started
        self.deadline = 0.0

    def _submit_waiting(self) -> None:
        while self.waiting and len(self.busy) < self.places:
            key = self.waiting.popleft()
            self.busy[key] = worker = self.idle.pop() if self.idle else _Worker(self.script)
            try:
                future = worker.pool.submit(_work, self.tasks[key])
            except BrokenExecutor as error:
                future = Future()
                future.set_exception(error)
            self._watch(key, future)

    def _next_event(self) -> tuple[str, Future[Result]] | None:
        while self.stopping:
            for worker in self.busy.values():
                worker.interrupt()
                if time.monotonic() > self.deadline:
                    worker.process.kill()
            with suppress(queue.Empty):
                return self.events.get(timeout=_POLL)
        return self.events.get()

    def _stop_pending(self) -> None:
        self.deadline = time.monotonic() + GRACE

    def _outcome(self, key: str, future: Future[Result]) -> Result | None:
        worker = self.busy.pop(key)
        self.proven = self.proven or worker.started
        if not isinstance(future.exception(), BrokenExecutor):
            self.idle.append(worker)
            return super()._outcome(key, future)
        worker.pool.shutdown()
        if self.stopping:
            return None
        if not self.proven:
            raise OptsplitError(
                "the worker processes of a sweep do not start: their message is above; a script with a method of its "
                "own must call sweep under `if __name__ == '__main__':`, because each worker imports it"
            )
        self.deaths[key] += 1
        if self.deaths[key] == DEATHS:
            return self.tasks[key].failed(f"{DEATHS} worker processes died over it (killed, crashed or out of memory)")
        self.waiting.appendleft(key)
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        workers = [*self.idle, *self.busy.values()]
        for worker in workers:
            worker.pool.shutdown(wait=False, cancel_futures=True)
            if kind is not None:
                worker.process.kill()
        for worker in workers:
            worker.pool.shutdown()


class _Interruption:
    """SIGINT in a worker: raised during a task, and remembered before one."""

    asked = False
    working = False

    def __call__(self, number: int, frame: Any) -> None:
        self.asked = True
        if self.working:
            raise KeyboardInterrupt


_interruption = _Interruption()


def _prepare() -> None:
    """Make a new process a worker."""
    # out of the terminal's group: the sweep passes Ctrl-C on, once
    os.setpgrp()
    signal.signal(signal.SIGINT, _interruption)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # HiGHS 1.12 prints on file descriptor 1 even when it is told not to: that is the caller's
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(task: Task) -> Result:
    """Run a task in a worker process, whose main thread hears SIGINT."""
    try:
        _interruption.working = True
        return task.interrupted() if _interruption.asked else task.run()
    except KeyboardInterrupt:
        return task.interrupted()
    finally:
        _interruption.working = False
