"""report: a result as one page for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec

from optsplit import files, pages
from optsplit.algorithms.front import Front
from optsplit.cli import screen
from optsplit.cli.door import common
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.problems import stored
from optsplit.result import Result


@click.command()
@click.argument("source")
@click.option("-o", "--output", metavar="FILE", help="Default: the name of SOURCE with .html.")
@click.option("--problem", metavar="FILE", help="The problem, for a result that was saved without it.")
@common
def report(source: str, output: str | None, problem: str | None, as_json: bool) -> None:
    """Write SOURCE as one page of HTML, with pictures, numbers and a slider over bandwidth; it needs no network.

    SOURCE is a result (-o of plan, solve, upload or schedule), a front (-o of front), or the output of
    `optsplit compare --json`.
    """
    target = named(source) if output is None else output
    screen.refuse_unwritable(target)
    pages.need_jinja2()
    if Path(target).absolute() == Path(source).absolute():
        raise InvalidInput(f"{target}: is the result itself; give the page another name by -o")
    found = pages.content(loaded(source, problem), Path(source).name, problem)
    write(target, pages.html(found))
    if as_json:
        data = {"page": target, "answer": found.answer, "status": found.status, "sliders": found.sliders}
        screen.emit("report", data)
    else:
        screen.show(f"{target}: {found.answer}")


def named(source: str) -> str:
    """The page's name: that of the file without .json or .json.gz, with .html."""
    return source.removesuffix(".gz").removesuffix(".json") + ".html"


def loaded(source: str, problem: str | None) -> Result | Front | Sequence[Result]:
    """What a file holds, of the kinds that have a page."""
    kind = files.kind_of(source)
    if kind != "result" and problem is not None:
        raise InvalidInput(f"{source}: is a {kind}; --problem is for a result, leave it out")
    if kind == "front":
        return Front.load(source)
    if kind == "comparison":
        return compared(source)
    if kind != "result":
        raise InvalidInput(f"{source}: holds a {kind!r}; a report is of a result, a front or a comparison")
    found = Result.load(source)
    if problem is not None:
        return replace(found, problem=stored.load(problem))
    if found.problem is None:
        raise InvalidInput(f"{source}: was saved without its problem; add --problem FILE")
    return found


def compared(source: str) -> list[Result]:
    """The results of `optsplit compare --json`."""
    document = files.read(source, "comparison", dict[str, Any])
    try:
        return [msgspec.convert(each, Result) for each in document["results"]]
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise FileFormatError(f"{source}: damaged comparison ({error}); write it again with optsplit") from error


def write(target: str, text: str) -> None:
    """Write a page whole."""
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{target}: cannot be written ({error.strerror}); check the path") from error
