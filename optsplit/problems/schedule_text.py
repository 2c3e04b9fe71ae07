"""A schedule as text: one line for each machine, an exact parser, and the grid that shows a clash.

    plan      = line { newline line }
    line      = machine ":" { " " operation }
    operation = job ":" item "@" start "-" end

`device: 0:conv1@0-12 1:conv1@12-24`. In names, white space, control characters and "%" are written "%XX" as in URLs,
and so is ":" in those of machines. A layer's machine is its place, so the assignments follow from the operations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from optsplit.errors import InvalidInput
from optsplit.problems.schedule_operations import ARROW
from optsplit.problems.schedule_plan import Operation, SchedulePlan

_OPERATION = re.compile(r"(?P<job>\d+):(?P<item>\S*)@(?P<start>-?\d+)-(?P<end>-?\d+)", re.ASCII)
_ESCAPED = re.compile(r"[\s%\x00-\x1f\x7f-\x9f]")
_ESCAPED_MACHINE = re.compile(r"[\s%:\x00-\x1f\x7f-\x9f]")
_WIDTH = 48


def _escape(name: str, what: re.Pattern[str] = _ESCAPED) -> str:
    return what.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


def write(plan: SchedulePlan) -> str:
    """The text of a plan: its machines in the order in which its operations name them."""
    lines: dict[str, list[str]] = {}
    for o in plan.operations:
        lines.setdefault(o.machine, []).append(f"{o.job}:{_escape(o.item)}@{o.start}-{o.end}")
    return "\n".join(f"{_escape(machine, _ESCAPED_MACHINE)}: {' '.join(line)}" for machine, line in lines.items())


def parse(text: str) -> SchedulePlan:
    """The plan of a text.

    Raises
    ------
    InvalidInput
        With the line and the word that cannot be read.
    """
    operations: list[Operation] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        machine, colon, rest = line.partition(":")
        if not colon or not machine or machine.split() != [machine]:
            raise InvalidInput(f"schedule line {number}: {line!r}; write 'machine: job:item@start-end ...'")
        for word in rest.split():
            found = _OPERATION.fullmatch(word)
            if found is None:
                raise InvalidInput(f"schedule line {number}: {word!r}; write job:item@start-end, as in 0:conv1@0-12")
            job, item, start, end = found.groups()
            operations.append(Operation(int(job), unquote(item), unquote(machine), int(start), int(end)))
    return SchedulePlan(_assignments(operations), operations)


def _assignments(operations: Sequence[Operation]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = [{} for _ in range(1 + max((o.job for o in operations), default=-1))]
    for o in operations:
        if ARROW in o.machine:
            continue
        if o.item in found[o.job]:
            raise InvalidInput(f"schedule: job {o.job} runs {o.item!r} at two places or twice; keep one")
        found[o.job][o.item] = o.machine
    return found


def clash_grid(machines: Sequence[str], plan: SchedulePlan, one: Operation, other: Operation) -> str:
    """Every machine around the moment at which two operations overlap, the clash marked by X and an arrow."""
    low, high = min(one.start, other.start), max(one.end, other.end)
    around = max(1, (high - low) // 4)
    low, high = low - around, high + around
    label = max(map(len, machines))
    rows = []
    for machine in machines:
        cells = ["."] * _WIDTH
        for o in plan.on(machine):
            for column in _columns(o.start, o.end, low, high):
                cells[column] = _digit(o.job)
        mark = ""
        if machine == one.machine:
            for column in _columns(max(one.start, other.start), min(one.end, other.end), low, high):
                cells[column] = "X"
            mark = f"  <-- {other.job}:{other.item} over {one.job}:{one.item}"
        rows.append(f"  {machine:<{label}} |{''.join(cells)}|{mark}")
    return "\n".join([f"  {'':<{label}}  {low} .. {high} ns", *rows])


def _columns(start: int, end: int, low: int, high: int) -> range:
    if end <= start or end <= low or start >= high:
        return range(0)
    first = max(0, (start - low) * _WIDTH // (high - low))
    last = min(_WIDTH - 1, ((end - low) * _WIDTH - 1) // (high - low))
    return range(first, max(first, last) + 1)


def _digit(job: int) -> str:
    """One character for a job; X is kept for the clash."""
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWYZ"
    return alphabet[job % len(alphabet)]
