"""envelope: the optimal plan for every bandwidth."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import click

import optsplit
from optsplit import report
from optsplit.cli import pictures, screen, sources, tables
from optsplit.cli.door import common
from optsplit.errors import InvalidInput
from optsplit.hardware import MBIT
from optsplit.problems.partition import Partition


@click.command()
@click.argument("source")
@sources.asks
@click.option("--slowest", type=float, metavar="MBIT", help="Slowest bandwidth, in Mbit/s (default 0.001).")
@click.option("--fastest", type=float, metavar="MBIT", help="Fastest bandwidth, in Mbit/s (default 100000).")
@click.option("-o", "--output", metavar="FILE", help="Save the envelope as JSON, for `optsplit.Envelope.load`.")
@click.option("--plot", metavar="FILE", help="Draw the least latency over bandwidth (.png, .pdf, .svg).")
@common
def envelope(
    source: str, asked: sources.Asked, slowest: float | None, fastest: float | None, output: str | None,
    plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """The optimal plan for every bandwidth, with the proven breakpoints.

    SOURCE is a profile (with the options of `optsplit plan`; of the link only the latency and the ratio of its
    directions matter, default 1:1mbit) or the file of a problem. Bandwidth is that of the faster direction.
    """
    screen.refuse_unwritable(output, plot)
    pictures.refuse_undrawable(plot)
    problem = sources.partition(source, asked, "an envelope", default_link="1mbit")
    with screen.progress("cutting"):
        found = optsplit.envelope(problem, *rates(problem, slowest, fastest))
    rows = report.envelope_rows(found)
    unit = problem.units[problem.objectives[0]]
    with screen.saved((output, found.save), (plot, lambda path: pictures.save(path, found.plot))):
        if as_json:
            screen.emit("envelope", content(found, rows))
        else:
            what = f"{found.name}: optimal plans {len(rows)}, minimum cuts to find and prove them {found.cuts}"
            screen.show(tables.envelope(rows, what, found.per_byte, unit))


def rates(problem: Partition, slowest: float | None, fastest: float | None) -> tuple[float | None, float | None]:
    """The range in the units of `optsplit.envelope`: bytes/s, or a plain factor where the problem knows no bytes."""
    for option, value in (("--slowest", slowest), ("--fastest", fastest)):
        if value is not None and not 0 < value < math.inf:
            raise InvalidInput(f"{option} is {value:g} Mbit/s; give a positive finite number")
    if slowest is not None and fastest is not None and not slowest < fastest:
        raise InvalidInput(f"--slowest {slowest:g} is not below --fastest {fastest:g} Mbit/s; give the slower first")
    unit = MBIT if "traffic" in problem.metrics and problem.objectives == ("latency",) else 1.0
    return tuple(None if value is None else value * unit for value in (slowest, fastest))  # type: ignore[return-value]


def content(found: optsplit.Envelope, rows: list[report.EnvelopeRow]) -> dict[str, Any]:
    """The envelope as plain data, from the slowest link to the fastest."""
    return {
        "problem": found.name,
        "bandwidth": "Mbit/s" if found.per_byte else "factor",
        "cuts": found.cuts,
        "plans": [
            {**asdict(row), "assignment": segment.plan.assignment}
            for row, segment in zip(rows, reversed(found.segments), strict=True)
        ],
    }
