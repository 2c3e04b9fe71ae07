"""Schedule as a JSON file: each network once, and which of them every job is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.errors import InvalidInput
from optsplit.problems import document
from optsplit.problems.document import PartitionDocument
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.schedule import Schedule

KIND = "schedule"


class ScheduleDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A schedule problem: `jobs` are positions of `networks`; a cut is layer -> place."""

    networks: list[PartitionDocument]
    jobs: list[int]
    release: list[int]
    due: list[int] | None = None
    cuts: list[dict[str, str]] | None = None
    objective: str = "makespan"
    name: str = "schedule"


def schema() -> dict[str, Any]:
    """The JSON schema of the file's content."""
    return msgspec.json.schema(ScheduleDocument)


def write(problem: Schedule) -> ScheduleDocument:
    """The document of a problem."""
    position = {kind: i for i, kind in enumerate(dict.fromkeys(problem.kinds))}
    return ScheduleDocument(
        networks=[document.write(problem.jobs[kind]) for kind in position],
        jobs=[position[kind] for kind in problem.kinds],
        release=list(problem.release),
        due=None if problem.due is None else list(problem.due),
        cuts=None if problem.cuts is None else [dict(cut.assignment) for cut in problem.cuts],
        objective=problem.objective,
        name=problem.name,
    )


def read(given: ScheduleDocument) -> Schedule:
    """The problem of a document, validated."""
    networks = [document.read(network) for network in given.networks]
    for j, network in enumerate(given.jobs):
        if not 0 <= network < len(networks):
            raise InvalidInput(f"job {j} is network {network}; networks are 0..{len(networks) - 1}")
    return Schedule(
        [networks[network] for network in given.jobs], given.release, given.due,
        None if given.cuts is None else [PartitionPlan(cut) for cut in given.cuts],
        objective=given.objective, name=given.name,
    )  # fmt: skip


def save(problem: Schedule, path: str | Path) -> None:
    """Write the problem as a JSON file."""
    files.write(path, KIND, write(problem))


def load(path: str | Path) -> Schedule:
    """Read a problem from a JSON file."""
    return read(files.read(path, KIND, ScheduleDocument))
