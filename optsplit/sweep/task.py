"""One solve of a sweep, as it is sent to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optsplit.method import Method
from optsplit.problems import stored
from optsplit.result import Limit, Result, Status
from optsplit.solve import solve


@dataclass(frozen=True)
class Task:
    """A question to `optsplit.solve`.

    Parameters
    ----------
    problem
        A problem, or the path of its file, which the worker then reads.
    method, options, seed
        As in `solve`; `options` are its keywords.
    """

    problem: Any
    method: str | Method
    options: Mapping[str, Any]
    seed: int

    @property
    def name(self) -> str:
        """Of the method."""
        return self.method if isinstance(self.method, str) else self.method.name

    @property
    def of_script(self) -> bool:
        """Whether its method or its kind of problem is defined in the program that runs, not in a module."""
        function = None if isinstance(self.method, str) else self.method.run
        return "__main__" in (getattr(function, "__module__", ""), type(self.problem).__module__)

    def run(self) -> Result:
        """The result, without its problem; whatever goes wrong is in its status."""
        try:
            problem = stored.load(self.problem) if isinstance(self.problem, Path) else self.problem
            return replace(solve(problem, self.method, seed=self.seed, **self.options), problem=None)
        except KeyboardInterrupt:
            return self.interrupted()
        except (Exception, SystemExit) as error:
            return self.failed(f"{type(error).__name__}: {error}")

    def failed(self, reason: str) -> Result:
        """The result of a run that failed."""
        return self._without_plan(Status.ERROR, Limit.NONE, reason)

    def interrupted(self) -> Result:
        """The result of a run that was stopped before it found anything."""
        return self._without_plan(Status.NO_SOLUTION, Limit.INTERRUPT, "interrupted")

    def _without_plan(self, status: Status, limit: Limit, reason: str) -> Result:
        return Result(
            self.name, status, limit, seed=self.seed, workers=self.options.get("workers", 1),
            time_limit=self.options.get("time_limit"), raw_status=reason,
        )  # fmt: skip


def work(task: Task, ticket: str) -> Result:
    """Run a task on an executor; `ticket` makes each call another, since Dask answers equal calls once."""
    return task.run()
