"""What is printed where: answers on stdout, notes and the progress line on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from optsplit import files
from optsplit.errors import InvalidInput, OptsplitError
from optsplit.result import Result, TracePoint, percent, quantity

WIDTH_OF_A_FILE = 120

T = TypeVar("T")


def _console(stream: Any) -> Console:
    # names of layers may hold brackets and colons: they are text, never markup
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def keep_stdout() -> None:
    """Send what libraries write to file descriptor 1 to stderr: HiGHS 1.12 prints there even when it is told not to."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:  # closed by the shell: >&-
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            setattr(sys, name, os.fdopen(descriptor, "w", encoding="utf-8"))
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    os.dup2(2, 1)
    sys.stdout = answers


def show(*what: Any) -> None:
    """Print texts and tables on stdout; None is left out."""
    console = _console(sys.stdout)
    for part in what:
        if part is not None:
            console.print(part, soft_wrap=isinstance(part, str))


def note(text: str) -> None:
    """Print a remark on stderr."""
    click.echo(f"note: {text}", err=True)


def emit(kind: str, content: Any) -> None:
    """Print a JSON document, with the header of the package's files, on stdout."""
    click.echo(msgspec.json.format(files.dumps(kind, content), indent=2))


def result_content(result: Result) -> dict[str, Any]:
    """A result as in its file, with its gap; its problem is left out."""
    content: dict[str, Any] = msgspec.to_builtins(replace(result, problem=None))
    return {**content, "gap": result.gap}


@contextmanager
def saved(*writes: tuple[str | None, Callable[[str], None]]) -> Iterator[None]:
    """Write files, each by a function of its path (None: not asked for), before the body prints.

    A reader that closes the pipe loses no file then, and a file that cannot be written loses no answer: its error
    comes after the body.
    """
    errors = []
    for path, write in writes:
        if path is not None:
            try:
                write(path)
            except OptsplitError as error:
                errors.append(error)
    yield
    if errors:
        raise errors[0]


def beside(rest: Callable[[], T], nothing: T) -> T:
    """What is shown beside a result that is there already; Ctrl-C gives it up, and the result stays."""
    try:
        return rest()
    except KeyboardInterrupt:
        note("interrupted; what else there is to compare is left out")
        return nothing


def refuse_unwritable(*paths: str | None) -> None:
    """Refuse an output file that cannot be written, before any long work.

    Raises
    ------
    InvalidInput
        Naming the path and the repair.
    """
    for path in (path for path in paths if path is not None):
        target = Path(path)
        if not path:
            raise InvalidInput("an output file has an empty name; give one such as out.json")
        if target.is_dir():
            raise InvalidInput(f"{path}: is a folder; name a file in it")
        if not target.absolute().parent.is_dir():
            raise InvalidInput(f"{path}: there is no folder {str(target.parent)!r}; create it, or choose another")


class Progress:
    """One line on stderr: what runs, for how long, and how far it is. Silent unless stderr is a terminal."""

    def __init__(self, what: str) -> None:
        self.what, self.text = what, ""
        self.start = time.perf_counter()
        self.spinner = Spinner("line")

    def __rich__(self) -> Spinner:
        self.spinner.update(text=f"{self.what}  {time.perf_counter() - self.start:.0f} s  {self.text}")
        return self.spinner

    def solving(self, unit: str) -> Callable[[TracePoint], None]:
        """The callback of a solve: incumbent, bound and gap."""

        def callback(point: TracePoint) -> None:
            both = point.objective is not None and point.bound is not None
            gap = (point.objective - point.bound) / max(abs(point.objective), 1) if both else None  # type: ignore[operator, arg-type]
            self.text = (
                f"incumbent {quantity(point.objective, unit)}  bound {quantity(point.bound, unit)}  gap {percent(gap)}"
            )

        return callback

    def measuring(self, place: str, rounds: int, difference: float | None) -> None:
        """The callback of a measurement: rounds, and how much its halves differ."""
        self.text = f"{place}: round {rounds}, halves differ by {percent(difference)}"


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show a progress line while the body runs."""
    line = Progress(what)
    if not sys.stderr.isatty():
        yield line
        return
    with Live(line, console=_console(sys.stderr), transient=True, refresh_per_second=8):
        yield line
