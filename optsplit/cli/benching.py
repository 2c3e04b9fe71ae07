"""bench: exact methods against heuristics, on the user's own profiles and problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optsplit import files
from optsplit.cli import pictures, screen, sources, tables, words
from optsplit.cli.door import INFEASIBLE, INTERRUPTED, NO_PLAN, common
from optsplit.errors import InvalidInput, unknown
from optsplit.evidence.decisions import FAMILIES, HEADLINES, Instance, decisions, family_of
from optsplit.problems import stored
from optsplit.result import Status

if TYPE_CHECKING:
    from optsplit.evidence.record import Record
    from optsplit.evidence.runs import Call, Outcome
    from optsplit.sweep import Run

SHOWN = (
    "method", "runs", "optimal", "proved", "misses", "where it misses", "largest", "no plan", "other failures",
    "median",
)  # fmt: skip
"""Columns of the page that a terminal has room for."""

LINKS = ("3g", "4g", "wifi")
ALL = "all"
EXACT = "auto"


@dataclass(frozen=True)
class Benched:
    """The options that turn profiles into instances, as they were written."""

    server: str | None
    link: tuple[str, ...]
    link_latency: float | None
    load: tuple[str, ...]
    frames: tuple[int, ...]
    only: tuple[str, ...]


asks = sources.gathered(
    Benched,
    "asked",
    [
        click.option("--server", metavar="FILE", help="Profile whose first place is the server."),
        click.option("--link", multiple=True, metavar="LINK",
                     help=f"A preset or UP[:DOWN]mbit; repeat for more. Default: {', '.join(LINKS)}."),
        click.option("--link-latency", type=float, metavar="SECONDS", help="Seconds per message, both ways."),
        click.option("--load", multiple=True, metavar="PLACE=FACTOR", help="Times slower than profiled."),
        click.option("--frames", type=int, multiple=True, default=(1, 4), metavar="N",
                     help="Schedules of so many frames; repeat for more. Default: 1 and 4."),
        click.option("--only", type=click.Choice(FAMILIES), multiple=True,
                     help="Only this decision (repeat for more). Default: all that a profile has the data for."),
    ],
)  # fmt: skip
"""Adds the options of `Benched` to a command."""


@click.command()
@click.argument("source", nargs=-1, required=True, metavar="SOURCE...")
@asks
@click.option(
    "--methods",
    default="",
    metavar="NAMES",
    help="Separated by commas, or all. Default: auto and every baseline that applies.",
)
@click.option("--time-limit", type=float, default=10.0, metavar="SECONDS", help="Of each solve (default 10).")
@click.option(
    "--seeds",
    default="0,1,2,3,4",
    metavar="NUMBERS",
    help="Of the methods that draw random numbers; others take the first (default 0,1,2,3,4).",
)
@click.option(
    "--workers",
    type=int,
    default=1,
    metavar="N",
    help="Processes (default 1: times of runs side by side cannot be compared).",
)
@click.option("--folder", metavar="DIR", help="Keep each finished run there; those found are not run again.")
@click.option("-o", "--output", metavar="FILE", help="Write every run as CSV.")
@click.option("--page", metavar="FILE", help="Write the page as Markdown.")
@click.option("--plot", metavar="FILE", help="Draw performance profiles of the costs (.png, .pdf, .svg).")
@common
def bench(
    source: tuple[str, ...], asked: Benched, methods: str, time_limit: float, seeds: str, workers: int,
    folder: str | None, output: str | None, page: str | None, plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Exact methods against heuristics: how often these are optimal, what they lose, how long both take.

    SOURCE is a profile (a file of `optsplit profile`, or bundled:NAME), which is turned into decisions, or the file of
    a problem of any kind. Ctrl-C keeps what is finished.
    """
    screen.refuse_unwritable(output, page, plot)
    pictures.refuse_undrawable(plot)
    numbers = _seeds(seeds)
    with screen.progress("stating the problems"):
        instances = [instance for name in source for instance in instances_of(name, asked)]
    refuse_namesakes(instances)
    found = measured(instances, methods, numbers, time_limit, workers, folder)
    records = found.records
    if found.interrupted:
        screen.note(f"interrupted: {found.interrupted} runs are missing; with --folder the same command continues")
        if not records:
            click.get_current_context().exit(INTERRUPTED)
    said = sentences(records)
    if as_json:
        screen.emit("bench", content(records, said))
    else:
        show(records, said)
    if output is not None:
        from optsplit.evidence import record

        record.save(output, records)
    if page is not None:
        write_page(page, found)
    if plot is not None and any(r.objective is not None for r in records):
        from optsplit.plots.performance import save_sheet

        save_sheet(plot, records, HEADLINES, EXACT)
    if all(record.objective is None for record in records):
        infeasible = any(record.status is Status.INFEASIBLE for record in records)
        click.get_current_context().exit(INFEASIBLE if infeasible else NO_PLAN)


def _seeds(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(f"--seeds {text!r}; give whole numbers such as 0,1,2") from None
    if len(set(found)) < len(found):
        raise InvalidInput(f"--seeds {text!r}: a number stands twice; leave one out")
    return found


def instances_of(source: str, asked: Benched) -> list[Instance]:
    """The problem in a file, or the decisions that a profile poses over every link."""
    if not source.startswith(sources.BUNDLED) and files.kind_of(source) in stored.KINDS:
        problem = stored.load(source)
        family = family_of(problem)
        return [Instance(_stem(source), family, problem)] if family in (asked.only or (family,)) else []
    profile = sources.two_places(source, asked.server)
    load = words.numbers("--load", asked.load, "device=12")
    return [
        instance
        for link in asked.link or LINKS
        for instance in decisions(
            profile, words.connection(link, asked.link_latency), frames=asked.frames, load=load,
            families=asked.only or FAMILIES,
        )
    ]  # fmt: skip


def _stem(path: str) -> str:
    return Path(path).name.removesuffix(".gz").removesuffix(".json")


def refuse_namesakes(instances: Sequence[Instance]) -> None:
    """Refuse no instances, and two of one name, whose runs could not be told apart."""
    if not instances:
        raise InvalidInput("nothing to run: no source has the data for what --only asks; leave --only out")
    names = [instance.name for instance in instances]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput(f"two instances are called {twice!r}; rename a file, or give a source or link once")


def measured(
    instances: Sequence[Instance], methods: str, seeds: Sequence[int], time_limit: float, workers: int,
    folder: str | None,
) -> Outcome:  # fmt: skip
    """The records of all instances."""
    from optsplit.evidence import runs

    cases = [runs.Case(i.name, i.family, type(i.problem).__name__, i.problem) for i in instances]
    with screen.progress("running") as line:

        def tell(done: int, total: int, run: Run) -> None:
            line.text = f"{done} of {total}  {run.name} {run.method}: {run.result.status.value}"

        return runs.run(
            cases, calls(instances, methods), seeds=seeds, time_limit=time_limit, workers=workers, folder=folder,
            progress=tell,
        )  # fmt: skip


def calls(instances: Sequence[Instance], methods: str) -> list[Call]:
    """The methods asked for by name, or the usual ones."""
    from optsplit.evidence import runs
    from optsplit.table import known

    problems = [instance.problem for instance in instances]
    if methods in ("", ALL):
        return runs.usual(problems, every=methods == ALL)
    names = list(dict.fromkeys(methods.split(",")))
    there = [EXACT, *dict.fromkeys(method.name for method in known().values())]
    for name in names:
        if name not in there:
            raise InvalidInput(unknown("method", name, there))
    return [(name, {}) for name in names]


def sentences(records: Sequence[Record]) -> list[tuple[str, str]]:
    """What follows for each family and the heuristics it is known for."""
    from optsplit.evidence import page

    return page.sentences(records, HEADLINES, EXACT)


def show(records: Sequence[Record], said: Sequence[tuple[str, str]]) -> None:
    """Print a table of methods for each family, and the sentences."""
    from optsplit.evidence.page import METHODS_HEAD, methods_rows
    from optsplit.evidence.summary import summarise

    for family in dict.fromkeys(record.family for record in records):
        mine = [record for record in records if record.family == family]
        rows = [dict(zip(METHODS_HEAD, row, strict=True)) for row in methods_rows(summarise(mine))]
        count = len({record.instance for record in mine})
        title = f"{family}: {count} instance{'s' * (count > 1)}"
        screen.show(tables.table(title, SHOWN[:1], SHOWN[1:], [[row[name] for name in SHOWN] for row in rows]))
    screen.show(*(f"{family}: {text}" for family, text in said))


def write_page(path: str, found: Outcome) -> None:
    """Write the page."""
    from optsplit.evidence import page

    text = f"# Exact methods against heuristics\n\n{page.body(found.records, found.gaps, HEADLINES, EXACT)}"
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror}); check the path") from error


def content(records: Sequence[Record], said: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The runs, the summaries and the sentences as plain data."""
    from optsplit.evidence.summary import summarise

    return {
        "runs": [{**asdict(r), "gap": r.gap, "loss": r.loss, "loss_unit": r.loss_unit, "failure": r.failure}
                 for r in records],
        "summaries": [asdict(each) for each in summarise(records)],
        "sentences": [{"family": family, "text": text} for family, text in said],
    }  # fmt: skip
