"""front: every trade-off of several metrics, and a chosen one as a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click
import msgspec

from optsplit import files
from optsplit.algorithms.front import Front, named
from optsplit.cli import pictures, screen, sources, tables, words
from optsplit.cli.door import INFEASIBLE, INTERRUPTED, NO_PLAN, common
from optsplit.errors import InvalidInput
from optsplit.result import Limit, percent, quantity

_METRICS = "latency,energy"


@click.command()
@click.argument("source")
@sources.asks
@click.option("--metrics", metavar="A,B[,...]", help=f"What is traded off (default {_METRICS}).")
@click.option("--eps", type=float, default=0.0, metavar="EPS", help="A point within a factor 1 + EPS is enough.")
@click.option(
    "--step", multiple=True, metavar="METRIC=VALUE", help="A point within so many seconds, joules, bytes is enough."
)
@click.option("--time-limit", type=float, metavar="SECONDS", help="Then return the points found, and what is open.")
@click.option("--choose", metavar="K", help="Point K (a number), or METRIC=VALUE[,...]: the best under these limits.")
@click.option("-o", "--output", metavar="FILE", help="Save the front as JSON; with --choose the chosen point's result.")
@click.option("--plot", metavar="FILE", help="Draw the front (.png, .pdf, .svg).")
@common
def front(
    source: str, asked: sources.Asked, metrics: str | None, eps: float, step: tuple[str, ...],
    time_limit: float | None, choose: str | None, output: str | None, plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Every trade-off of two or more metrics, each with its plan, and the proof that none is missing.

    SOURCE is a profile (with the options of `optsplit plan`), the file of a problem, or a front saved before.
    """
    screen.refuse_unwritable(output, plot)
    pictures.refuse_undrawable(plot)
    found = _from_file(source, metrics, eps, step)
    if found is None:
        found = _searched(source, asked, metrics, eps, step, time_limit)
    chosen = None if choose is None else _chosen(found, choose)
    result = None if chosen is None else found.result(chosen)
    drawn = plot if found.points else None
    save = found.save if result is None else result.save
    with screen.saved((output, save), (drawn, lambda path: pictures.save(path, found.plot))):
        if as_json:
            screen.emit("front", content(found)) if result is None else screen.emit(
                "result", screen.result_content(result)
            )
        elif result is None:
            screen.show(*table(found))
        else:
            screen.show(f"{found.name}: point {chosen} of {len(found)}", str(result))
    _leave(found)


def _from_file(source: str, metrics: str | None, eps: float, step: Sequence[str]) -> Front | None:
    if source.startswith(sources.BUNDLED) or files.kind_of(source) != "front":
        return None
    if metrics is not None or eps or step:
        raise InvalidInput(f"{source}: is a front and has its metrics and resolution inside; leave these options out")
    return Front.load(source)


def _searched(
    source: str, asked: sources.Asked, metrics: str | None, eps: float, step: Sequence[str], time_limit: float | None
) -> Front:
    from optsplit import pareto

    names = [name.strip() for name in (metrics or _METRICS).split(",")]
    problem = sources.partition(source, asked, "a front")
    if "energy" in names and "energy" not in problem.units:
        raise InvalidInput("energy needs the power of the device; add --device-power, or other --metrics")
    units = dict(problem.units)
    steps = {
        named(name, tuple(units)): words.ticks(f"--step {name}=", value, units[named(name, tuple(units))])
        for name, value in words.numbers("--step", step, "latency=0.001").items()
    }
    with screen.progress(f"front of {', '.join(names)}") as line:

        def progress(points: int, zones: int) -> None:
            line.text = f"points {points}  open zones {zones}"

        return pareto.front(problem, names, step=steps, eps=eps, time_limit=time_limit, progress=progress)


def _chosen(found: Front, text: str) -> int:
    if "=" not in text:
        if not (text.isdecimal() and int(text) < len(found)):
            raise InvalidInput(f"--choose {text!r}: give a point from 0 to {len(found) - 1}, or METRIC=VALUE")
        return int(text)
    limits = {}
    for name, value in words.numbers("--choose", text.split(","), "latency=0.1").items():
        unit = found.units.get(named(name, found.metrics), "")
        limits[name] = words.ticks(f"--choose {name}=", value, unit)
    return found.points.index(found.choose(limits))


def content(found: Front) -> dict[str, Any]:
    """A front as in its file, with what is proven of it; its problem is left out."""
    data: dict[str, Any] = msgspec.to_builtins(replace(found, problem=None))
    return {**data, "complete": found.complete, "gap": found.gap, "covers": found.covers}


def table(found: Front) -> list[Any]:
    """The points, and what is proven of them."""
    two = len(found.metrics) == 2
    on_hull = found.supported if two else [False] * len(found)
    columns = []
    for k, metric in enumerate(found.metrics):
        unit, texts = tables.column([point.values[k] for point in found.points], found.units.get(metric, ""))
        columns.append((f"{metric}, {unit}" if unit else metric, texts))
    kept = [*range(len(found))] if len(found) <= tables.LONGEST else _spread(len(found))
    rows = [
        (str(i), "proven" if found[i].proven else "found", *(["hull" if on_hull[i] else ""] if two else []),
         ", ".join(value for _, value in found[i].plan.rows()), *(texts[i] for _, texts in columns))
        for i in kept
    ]  # fmt: skip
    # the gap is measured up to the worst points found, so that it can be 0 while zones beyond them are open
    still = f"{len(found.open)} open zones, " if found.open else ""
    state = "complete" if found.complete else f"{still}gap {percent(found.gap)}"
    left = ("point", "status", *(["supported"] if two else []), "plan")
    shown = f", {len(kept)} of them shown" if len(kept) < len(found) else ""
    title = (
        f"{found.name}: {', '.join(found.metrics)}: {len(found)} points{shown}, {state}; {found.solves} solves, "
        f"{found.seconds:.3g} s" + (f" ({found.limit} limit)" if found.limit is not Limit.NONE else "")
    )
    ideal = ", ".join(
        f"{metric} {quantity(low, found.units.get(metric, ''))}" for metric, low in zip(found.metrics, found.low)
    )
    return [tables.table(title, left, [name for name, _ in columns], rows), f"least possible: {ideal}", found.covers]


def _spread(count: int) -> list[int]:
    """Rows of a long front, evenly along it, both ends among them."""
    return sorted({round(k * (count - 1) / (tables.LONGEST - 1)) for k in range(tables.LONGEST)})


def _leave(found: Front) -> None:
    if found.points:
        return
    context = click.get_current_context()
    if found.infeasible:
        click.echo(f"optsplit: {found.name}: {found.covers}", err=True)
        context.exit(INFEASIBLE)
    context.exit(INTERRUPTED if found.limit is Limit.INTERRUPT else NO_PLAN)
