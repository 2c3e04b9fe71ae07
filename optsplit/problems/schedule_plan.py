"""The plan of a schedule as plain data."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Operation(msgspec.Struct, frozen=True, order=True):
    """A layer on the machine of its place, or a tensor on that of a link, from `start` to `end` in ns."""

    job: int
    item: str
    machine: str
    start: int
    end: int


class SchedulePlan(msgspec.Struct, frozen=True, tag="schedule"):
    """For each job layer name -> place, and every operation with its time, machine by machine."""

    assignments: list[dict[str, str]]
    operations: list[Operation]

    def on(self, machine: str) -> list[Operation]:
        """The operations of a machine, in the plan's order."""
        return [operation for operation in self.operations if operation.machine == machine]

    def text(self) -> str:
        """The plan in the grammar of `optsplit.problems.schedule_text`: one line for each machine."""
        from optsplit.problems import schedule_text

        return schedule_text.write(self)

    @staticmethod
    def parse(text: str) -> SchedulePlan:
        """The plan of a text, exactly.

        Raises
        ------
        InvalidInput
            With the line and the word that cannot be read.
        """
        from optsplit.problems import schedule_text

        return schedule_text.parse(text)

    def rows(self) -> list[tuple[str, str]]:
        """What a reader sees of it: the layers of each job by place."""
        counts: dict[str, list[int]] = {}
        for job, assignment in enumerate(self.assignments):
            at: dict[str, int] = {}
            for place in assignment.values():
                at[place] = at.get(place, 0) + 1
            counts.setdefault(", ".join(f"{place} {count}" for place, count in at.items()), []).append(job)
        return [(f"layers of {_jobs(jobs)}", text) for text, jobs in counts.items()]


def _jobs(jobs: Sequence[int]) -> str:
    return f"job {jobs[0]}" if len(jobs) == 1 else f"jobs {', '.join(map(str, jobs))}"
