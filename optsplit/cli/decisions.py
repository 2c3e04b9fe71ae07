"""table: the best exit and plan for every bandwidth and deadline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

import optsplit
from optsplit import files
from optsplit.cli import envelopes, pictures, screen, sources, tables, words
from optsplit.cli.door import INFEASIBLE, common
from optsplit.errors import InvalidInput
from optsplit.hardware import MBIT

if TYPE_CHECKING:
    from optsplit.algorithms.decision_table import Choice, DecisionTable

_SHOWN = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Mbit/s, or factors, at which the table is printed."""


@click.command("table")
@click.argument("source")
@sources.asks
@click.option("--slowest", type=float, metavar="MBIT", help="Slowest bandwidth, in Mbit/s (default 0.001).")
@click.option("--fastest", type=float, metavar="MBIT", help="Fastest bandwidth, in Mbit/s (default 100000).")
@click.option("--at", multiple=True, metavar="MBIT=SECONDS", help="Look up a bandwidth and a deadline (repeat).")
@click.option("-o", "--output", metavar="FILE", help="Save the table as JSON.")
@click.option("--plot", metavar="FILE", help="Draw which exit answers where (.png, .pdf, .svg).")
@common
def table(
    source: str, asked: sources.Asked, slowest: float | None, fastest: float | None, at: tuple[str, ...],
    output: str | None, plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """The most accurate exit in time, and its optimal plan, for every bandwidth and deadline.

    SOURCE is a profile with exits (with the options of `optsplit plan`; of the link only the latency and the ratio of
    its directions matter, default 1:1mbit), the file of a problem with exits, or a table saved before.
    """
    screen.refuse_unwritable(output, plot)
    pictures.refuse_undrawable(plot)
    asked_for = [_pair(text) for text in at]
    found = _of(source, asked, slowest, fastest)
    choices = [found.at(rate * _unit(found), deadline) for rate, deadline in asked_for]
    with screen.saved((output, found.save), (plot, lambda path: pictures.save(path, found.plot))):
        if as_json:
            screen.emit("decisions", content(found, asked_for, choices))
        else:
            screen.show(_levels(found), *([_lookups(found, asked_for, choices)] if at else []))
    if choices and not any(choices):
        click.echo(f"optsplit: {found.name}: no exit is in time; give a longer deadline or more bandwidth", err=True)
        click.get_current_context().exit(INFEASIBLE)


def _pair(text: str) -> tuple[float, float]:
    (rate, deadline), *_ = words.numbers("--at", [text], "4=0.3").items()
    try:
        return float(rate), deadline
    except ValueError:
        raise InvalidInput(f"--at {text!r}: {rate!r} is no bandwidth; write it as in 4=0.3") from None


def _of(source: str, asked: sources.Asked, slowest: float | None, fastest: float | None) -> DecisionTable:
    if not source.startswith(sources.BUNDLED) and files.kind_of(source) == "decision_table":
        if asked != sources.Asked() or slowest is not None or fastest is not None:
            raise InvalidInput(f"{source}: is a table and has its problem and range inside; leave these options out")
        return optsplit.DecisionTable.load(source)
    for option, given in (
        ("--minimize", asked.minimize), ("--maximize", asked.maximize), ("--deadline", asked.deadline),
        ("--min-accuracy", asked.min_accuracy), ("--exits confidence", asked.exits == "confidence"),
    ):  # fmt: skip
        if given:
            raise InvalidInput(
                f"{option}: the table has every accuracy and deadline, with one exit for each; leave it out"
            )
    problem = sources.partition(source, asked, "a table", default_link="1mbit").but(minimize="latency")
    with screen.progress("cutting"):
        return optsplit.decision_table(problem, *envelopes.rates(problem, slowest, fastest))


def _levels(found: DecisionTable) -> Any:
    shown = [value for value in _SHOWN if found.low <= found.t_of(value * _unit(found)) <= found.high]
    rows = []
    for level in found.levels:
        exits = ", ".join(dict.fromkeys(line.exit for line in level.lines))
        least = [float(level.least(found.t_of(value * _unit(found)))) for value in shown]
        scaled = [f"{value / 1e6:.3f}" if found.per_byte else f"{value:.6g}" for value in least]
        rows.append((exits, f"{100 * level.accuracy:.4g}", str(len(level.lines)), *scaled))
    unit, what = ("Mbit/s", "least latency, ms") if found.per_byte else ("x", "least value")
    plans = sum(len(level.lines) for level in found.levels)
    return tables.table(
        f"{found.name}: {len(found.levels)} exits, {plans} plans; {what}, at a bandwidth of",
        ("exit",), ("accuracy, %", "plans", *(f"{value:g} {unit}" for value in shown)), rows,
    )  # fmt: skip


def _lookups(found: DecisionTable, asked: Sequence[tuple[float, float]], choices: Sequence[Choice | None]) -> Any:
    scale = 1e3 if found.per_byte else 1.0
    rows = []
    for (rate, deadline), choice in zip(asked, choices, strict=True):
        fallback = choice or found.fastest(rate * _unit(found))
        counts: dict[str, int] = {}
        for place in fallback.plan.assignment.values():
            counts[place] = counts.get(place, 0) + 1
        where = ", ".join(f"{place} {count}" for place, count in counts.items())
        rows.append((
            f"{rate:g}", f"{deadline * scale:g}", fallback.exit, "in time" if choice else "too late", where,
            f"{100 * fallback.accuracy:.4g}", f"{fallback.latency * scale:.6g}",
        ))  # fmt: skip
    bandwidth, unit = ("Mbit/s", ", ms") if found.per_byte else ("factor", "")
    return tables.table(
        "the most accurate exit in time, or the fastest", (bandwidth, f"deadline{unit}", "exit", "", "layers"),
        ("accuracy, %", f"latency{unit}"), rows,
    )  # fmt: skip


def _unit(found: DecisionTable) -> float:
    """Rates of the table in what a reader gives and sees."""
    return MBIT if found.per_byte else 1.0


def content(
    found: DecisionTable, asked: Sequence[tuple[float, float]], choices: Sequence[Choice | None]
) -> dict[str, Any]:
    """The table as plain data: each level's plans by bandwidth, and what was looked up."""
    levels = []
    for level in found.levels:
        ends = [found.low, *level.ends, found.high]
        levels.append({
            "accuracy": level.accuracy,
            "plans": [
                {"exit": line.exit, "fastest": _rate(found, ends[k]), "slowest": _rate(found, ends[k + 1]),
                 "assignment": dict(line.plan.assignment)}
                for k, line in enumerate(level.lines)
            ],
        })  # fmt: skip
    looked = [
        {"bandwidth": rate, "deadline": deadline, "exit": choice and choice.exit, "latency": choice and choice.latency}
        for (rate, deadline), choice in zip(asked, choices, strict=True)
    ]
    return {
        "problem": found.name, "bandwidth": "Mbit/s" if found.per_byte else "factor", "levels": levels,
        "lookups": looked,
    }  # fmt: skip


def _rate(found: DecisionTable, t: Any) -> float | None:
    """A bandwidth as a reader sees it; None for one without end."""
    return found.rate_of(t) / _unit(found) if t else None
