"""Methods for flow shops that misbehave on purpose, found again by every process that runs a sweep."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from optsplit import Answer, FlowShop, Limit, Method, Options
from optsplit.errors import SolverError
from optsplit.problems.flow_shop import MACHINES_3, MACHINES_4, RELEASE


def _arrival(problem: FlowShop) -> Answer:
    return Answer(problem.plan(range(problem.jobs)))


def _counted(problem: FlowShop, options: Options) -> Answer:
    """Leaves a line in the file `log` each time that it runs."""
    with Path(options.extra["log"]).open("a", encoding="utf-8") as log:
        log.write(f"{problem.name}\n")
    return _arrival(problem)


def _failing(problem: FlowShop, options: Options) -> Answer:
    raise SolverError("it broke")


def _hungry(problem: FlowShop, options: Options) -> Answer:
    raise MemoryError


def _leaving(problem: FlowShop, options: Options) -> Answer:
    raise SystemExit(3)


def _dying(problem: FlowShop, options: Options) -> Answer:
    """Its process is killed each time or, with `marker`, the first time only."""
    marker = options.extra.get("marker")
    if marker is None or not Path(marker).exists():
        if marker is not None:
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _arrival(problem)


def _patient(problem: FlowShop, options: Options) -> Answer:
    """Says in the folder `at` which process it is, and then waits for Ctrl-C or for the file `go` there."""
    at = Path(options.extra["at"])
    (at / f"{os.getpid()}").touch()
    try:
        while not (at / "go").exists():
            time.sleep(0.01)
    except KeyboardInterrupt:
        return Answer(problem.plan(range(problem.jobs)), bound=0, limit=Limit.INTERRUPT)
    return _arrival(problem)


def _deaf(problem: FlowShop, options: Options) -> Answer:
    """As `_patient`, but Ctrl-C only makes it leave the file `heard`."""
    signal.signal(signal.SIGINT, lambda number, frame: (Path(options.extra["at"]) / "heard").touch())
    return _patient(problem, options)


def _method(run, *options: str) -> Method:
    takes = frozenset({MACHINES_3, MACHINES_4, RELEASE})
    return Method(run.__name__[1:], "FlowShop", False, takes, run, options=frozenset(options))


COUNTED = _method(_counted, "log")
FAILING = _method(_failing)
HUNGRY = _method(_hungry)
LEAVING = _method(_leaving)
DYING = _method(_dying, "marker")
PATIENT = _method(_patient, "at")
DEAF = _method(_deaf, "at")
