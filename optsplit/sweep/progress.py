"""What a sweep shows while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from optsplit.result import Status

if TYPE_CHECKING:
    from optsplit.sweep import Run

Report = Callable[[int, int, "Run"], None]


@contextmanager
def report(progress: bool | Report | None, in_flight: Callable[[], int]) -> Iterator[Report]:
    """The callable that hears of each finished run: the caller's, a line on stderr, or none."""
    if callable(progress):
        yield progress
    elif progress:
        with _line(in_flight) as line:
            yield line
    else:
        yield lambda done, total, run: None


@contextmanager
def _line(in_flight: Callable[[], int]) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    text: Any = TextColumn("{task.description}", markup=False)  # names may hold brackets
    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), text)
    failed = 0
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as bar:
        row = bar.add_task("starting", total=None)

        def show(done: int, total: int, run: Run) -> None:
            nonlocal failed
            failed += run.result.status is Status.ERROR
            last = f"{run.name} {run.method}: {run.result.status.value}"
            text = f"{in_flight()} in flight  {failed} failed  {last}"
            bar.update(row, completed=done, total=total, description=text)

        yield show
