"""upload: in which order to send the weights, and what a query takes meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

import optsplit
from optsplit import files, report_upload
from optsplit.cli import pictures, planning, screen, sources, tables, words
from optsplit.cli.door import common, leave
from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import INTEGRAL, LOST, UploadOrder, UploadPlan
from optsplit.result import Result, Status, percent, quantity

KIND = "upload_order"
SECONDS = 20.0


@dataclass(frozen=True)
class Upload:
    """The options that turn a profile into an upload problem, as they were written."""

    server: str | None
    link: str | None
    link_latency: float | None
    share: float | None
    load_seconds: float
    load_seconds_per_byte: float
    present: tuple[str, ...]
    queries: bool
    pin: tuple[str, ...]
    result_at: str | None
    load: tuple[str, ...]


asks = sources.gathered(
    Upload,
    "asked",
    [
        click.option("--server", metavar="FILE", help="Profile whose first place is the server."),
        click.option("--link", metavar="LINK", help="As in optsplit plan: wifi, 10mbit, 6:13mbit."),
        click.option("--link-latency", type=float, metavar="SECONDS", help="Seconds per message of a query."),
        click.option("--share", type=float, metavar="PART",
                     help="Part of the uplink that the upload takes; queries have the rest. Default: each has all."),
        click.option("--load-seconds", type=float, default=0.0, metavar="SECONDS",
                     help="What the server needs to load a layer before it can be used."),
        click.option("--load-seconds-per-byte", type=float, default=0.0, metavar="SECONDS", help="The same, per byte."),
        click.option("--present", multiple=True, metavar="LAYER",
                     help="A layer whose weights the server has already (repeat for more)."),
        click.option("--queries", is_flag=True, help="Lose fewest queries asked back to back, not mean latency."),
        click.option("--pin", multiple=True, metavar="LAYER=PLACE", help="Where a layer must run."),
        click.option("--result-at", metavar="PLACE", help="As in optsplit plan."),
        click.option("--load", multiple=True, metavar="PLACE=FACTOR", help="Times slower than profiled."),
    ],
)  # fmt: skip
"""Adds the options of `Upload` to a command."""


@click.command()
@click.argument("source")
@asks
@planning.method
@planning.efforts
@click.option("--compare", is_flag=True, help="Every method that applies, not only the usual orders.")
@planning.output
@click.option("--save-problem", metavar="FILE", help="Save the problem as JSON, for optsplit solve.")
@click.option("--plot", metavar="FILE", help="Draw the latency over time (.png, .pdf, .svg).")
@common
def upload(
    source: str, asked: Upload, method: str, effort: planning.Effort, compare: bool, output: str | None,
    save_problem: str | None, plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """In which order to send the weights to a server that has none, so that queries are fast meanwhile.

    SOURCE is a profile, bundled:NAME, or the file of an upload problem. Without --time-limit the search ends after 20
    seconds, with the best order so far and a proven bound.
    """
    screen.refuse_unwritable(output, save_problem, plot)
    pictures.refuse_undrawable(plot)
    problem = from_source(source, asked)
    if save_problem is not None:
        problem.save(save_problem)
    if effort.time_limit is None:
        effort = replace(effort, time_limit=SECONDS)
    if method == "auto" and not any(able.exact for able in optsplit.methods(problem)):
        screen.note(
            "no exact method takes this objective at this size; the order is by local search, its bound by the hull"
        )
        method = "local-search"
    result = planning.solved(problem, method, effort)
    others: dict[str, Result] = {}
    if result.plan is not None:
        others = screen.beside(lambda: report_upload.usual(problem), others)
    if compare and result.plan is not None:
        nothing: list[Result] = []
        found = screen.beside(lambda: planning.compared(problem, (), effort), nothing)
        others = {**{r.method: r for r in found if r.method not in ("ionn", result.method)}, **others}
    rows = report_upload.order_rows({result.method: result, **others}, best_bound(result, others))
    drawn = plot if result.plan is not None else None
    with screen.saved((output, result.save), (drawn, lambda path: pictures.save(path, result.plot))):
        if as_json:
            screen.emit("upload", content(problem, result, rows))
        else:
            screen.show(*shown(problem, result, rows))
    planning.why(problem, result)
    leave([result])


def from_source(source: str, asked: Upload) -> UploadOrder:
    """The problem in a file, or that of a profile with the options."""
    if not source.startswith(sources.BUNDLED) and files.kind_of(source) == KIND:
        plain = [name for name, value in asdict(asked).items() if value not in (None, (), 0.0, False)]
        if plain:
            option = "--" + plain[0].replace("_", "-")
            raise InvalidInput(f"{source}: is a problem and has its own {option} inside; leave {option} out")
        return UploadOrder.load(source)
    profile = sources.two_places(source, asked.server)
    if asked.link is None:
        raise InvalidInput("no link; add --link with a preset (4g, wifi, ...; see optsplit presets) or such as 10mbit")
    return UploadOrder.from_profile(
        profile, words.connection(asked.link, asked.link_latency), share=asked.share,
        load_seconds=asked.load_seconds, load_seconds_per_byte=asked.load_seconds_per_byte, present=asked.present,
        pins=words.pairs("--pin", asked.pin, "conv1=device"),
        result_at={None: "", sources.ANYWHERE: None}.get(asked.result_at, asked.result_at),
        load=words.numbers("--load", asked.load, "server=2"), objective=LOST if asked.queries else INTEGRAL,
    )  # fmt: skip


def best_bound(result: Result, others: Mapping[str, Result]) -> int | None:
    """The largest bound that any of the results proved."""
    return max((r.bound for r in (result, *others.values()) if r.bound is not None), default=None)


def shown(problem: UploadOrder, result: Result, rows: list[report_upload.OrderRow]) -> list[Any]:
    """What a reader sees."""
    if not isinstance(result.plan, UploadPlan):
        return [f"{problem.name}: {result.method}", str(result)]
    sent = report_upload.sent(problem, result.plan)
    few = len(sent) <= tables.LONGEST
    head, tail = (sent, []) if few else (sent[: tables.LONGEST - 2], sent[-1:])

    def line(row: report_upload.Sent) -> tuple[str, ...]:
        return row.unit, f"{row.end / 1e9:.3f}", f"{row.before / 1e6:.3f}", f"{row.after / 1e6:.3f}"

    lines = [line(row) for row in head]
    if tail:
        lines += [("...", f"{len(sent) - len(head) - len(tail)} more", "", ""), *map(line, tail)]
    order = tables.table(
        f"Order of upload: {len(sent)} units in {quantity(result.metrics['upload'], 'ns')}, sent while a query takes",
        ("unit",), ("there after, s", "before, ms", "then, ms"), lines,
    )  # fmt: skip
    if not sent:
        return [headline(problem, result), "", "nothing to send: the server holds all that helps"]
    exact = any(row.status is Status.OPTIMAL for row in rows)
    other = problem.objective == LOST
    table = tables.table(
        "Beside other orders",
        ("order",),
        ("mean latency, ms", *(("queries lost",) if other else ()), "least latency after, s",
         "above optimum" if exact else "above bound"),
        [
            (
                row.label,
                "-" if row.mean_latency is None else f"{row.mean_latency / 1e6:.3f}",
                *((str(row.objective),) if other else ()),
                "-" if row.finish is None else f"{row.finish / 1e9:.3f}",
                percent(row.above),
            )
            for row in rows
        ],
    )  # fmt: skip
    return [headline(problem, result), "", order, table]


def headline(problem: UploadOrder, result: Result) -> str:
    """The result in a few lines."""

    def ms(value: int) -> str:
        return quantity(value, "ns")

    status = result.status.value + (f" ({result.limit} limit)" if result.limit != "none" else "")
    proven = report_upload.proven_mean(problem, result)
    bound = "" if proven is None else f", no order below {proven / 1e6:.3f} ms"
    lines = [
        f"{problem.name}: {result.method}, {status}, gap {percent(result.gap)}, {result.solve_seconds:.3g} s",
        f"mean latency while uploading  {ms(result.metrics['mean_latency'])}{bound}",
        f"a query takes                 {ms(problem.latency(0))} before, {ms(problem.least)} after",
    ]
    if problem.objective == LOST:
        fit = problem.horizon // problem.least
        lines.append(f"queries finished meanwhile    {fit - (result.objective or 0)} of {fit}")
    return "\n".join(lines)


def content(problem: UploadOrder, result: Result, rows: list[report_upload.OrderRow]) -> dict[str, Any]:
    """The upload as plain data; times in nanoseconds."""
    plan = result.plan if isinstance(result.plan, UploadPlan) else None
    return {
        "problem": problem.name,
        "result": screen.result_content(result),
        "horizon": problem.horizon,
        "proven_mean_latency": report_upload.proven_mean(problem, result),
        "sent": [] if plan is None else [asdict(row) for row in report_upload.sent(problem, plan)],
        "curve": [] if plan is None else problem.curve(plan),
        "orders": [asdict(row) for row in rows],
    }
