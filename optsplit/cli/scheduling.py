"""schedule: what runs where and when, for frames of one or several networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

import optsplit
from optsplit import report, report_schedule
from optsplit.cli import pictures, planning, screen, sources, tables, words
from optsplit.cli.door import common, leave
from optsplit.cli.tables import LONGEST
from optsplit.errors import InvalidInput
from optsplit.problems.schedule import OBJECTIVES, Schedule
from optsplit.result import Limit, Result, Status, quantity

SECONDS = 60.0
"""The time limit unless another is asked for: a stream of frames need not have a proof."""


@dataclass(frozen=True)
class Frames:
    """The options that turn profiles into a schedule, as they were written."""

    server: str | None
    link: str
    link_latency: float | None
    frames: tuple[int, ...]
    release: float | None
    due: float | None
    cut: str
    objective: str
    load: tuple[str, ...]
    one_way: bool
    result_at: str | None


asks = sources.gathered(
    Frames,
    "asked",
    [
        click.option("--server", metavar="FILE", help="Profile whose first place is the server."),
        click.option("--link", required=True, metavar="LINK", help="A preset (optsplit presets) or UP[:DOWN]mbit."),
        click.option("--link-latency", type=float, metavar="SECONDS", help="Seconds per message, both ways."),
        click.option("--frames", type=int, multiple=True, default=(1,), metavar="N",
                     help="Frames of each network; repeat for another number for each."),
        click.option("--release", type=float, metavar="SECONDS", help="Between two frames of a network; default: 0."),
        click.option("--due", type=float, metavar="SECONDS", help="After the release of a frame, for lateness."),
        click.option("--cut", type=click.Choice(["free", "min"]), default="free",
                     help="Free: decided with the schedule. Min: that of least latency of each network."),
        click.option("--objective", type=click.Choice(OBJECTIVES), default=OBJECTIVES[0],
                     help="Default: makespan, the end of the last operation."),
        click.option("--load", multiple=True, metavar="PLACE=FACTOR", help="Times slower than profiled."),
        click.option("--one-way", is_flag=True, help="No layer may read from a later place."),
        click.option("--result-at", metavar="PLACE",
                     help=f"Where the outputs must end: a place (default: the device), or {sources.ANYWHERE}."),
    ],
)  # fmt: skip
"""Adds the options of `Frames` to a command."""


@click.command()
@click.argument("profiles", nargs=-1, required=True)
@asks
@planning.method
@planning.efforts
@planning.output
@click.option("--save-problem", metavar="FILE", help="Save the problem as JSON, for optsplit solve.")
@click.option("--plot", multiple=True, metavar="FILE", help="Draw the Gantt chart (.png, .pdf, .svg; repeat for more).")
@common
def schedule(
    profiles: tuple[str, ...], asked: Frames, method: str, effort: planning.Effort, output: str | None,
    save_problem: str | None, plot: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """What runs where and when: frames of PROFILES over a device, a link and a server at once.

    A profile is a file of `optsplit profile`, or bundled:NAME for one that comes with the package. Several networks
    share the machines. Without --time-limit the search ends after 60 seconds.
    """
    if effort.time_limit is None:
        effort = replace(effort, time_limit=SECONDS)
    screen.refuse_unwritable(output, save_problem, *plot)
    for path in plot:
        pictures.refuse_undrawable(path)
    problem = problem_of(profiles, asked)
    if save_problem is not None:
        problem.save(save_problem)
    result = planning.solved(problem, method, effort)
    nothing: list[Result] = []
    results = [result, *screen.beside(lambda: compared(problem, result), nothing)]
    drawn = plot if result.plan is not None else ()
    charts = [(path, lambda path: pictures.save(path, result.plot, width=6.6)) for path in drawn]
    with screen.saved((output, result.save), *charts):
        if as_json:
            screen.emit("schedule_result", content(problem, results))
        else:
            show(problem, results)
    planning.why(problem, result)
    leave([result])


def problem_of(profiles: Sequence[str], asked: Frames) -> Schedule:
    """The problem that the options ask for."""
    if len(asked.frames) not in (1, len(profiles)):
        raise InvalidInput(
            f"--frames stands {len(asked.frames)} times for {len(profiles)} networks; give it once, or once for each"
        )
    return Schedule.from_profile(
        [sources.two_places(name, asked.server) for name in profiles],
        words.connection(asked.link, asked.link_latency),
        asked.frames[0] if len(asked.frames) == 1 else asked.frames,
        release=asked.release, due=asked.due, cut=None if asked.cut == "free" else "min cut", objective=asked.objective,
        load=words.numbers("--load", asked.load, "device=12"), one_way=asked.one_way,
        result_at={None: "", sources.ANYWHERE: None}.get(asked.result_at, asked.result_at),
    )  # fmt: skip


def compared(problem: Schedule, result: Result) -> list[Result]:
    """The published and the trivial ways of the same problem; they take milliseconds."""
    if result.limit is Limit.INTERRUPT:
        return []
    names = [method.name for method in optsplit.methods(problem) if not method.exact and method.name != result.method]
    return optsplit.compare(problem, names) if names else []


def show(problem: Schedule, results: Sequence[Result]) -> None:
    """Print the result, its frames, its machines, its chart, and what other methods give."""
    result = results[0]
    parts: list[Any] = [f"{problem.name}: {result.method}", str(result), ""]
    if result.plan is not None:
        plan: Any = result.plan
        rows = report_schedule.frames(problem, plan)
        parts += [_frames(rows), _machines(problem, report_schedule.bursts(problem, plan), result)]
        parts += [report_schedule.gantt(problem, plan), ""]
    title = f"{problem.name}: {problem.objective.replace('_', ' ')}"
    screen.show(*parts, tables.comparison(report.comparison(results), title))


def _frames(rows: Sequence[report_schedule.FrameRow]) -> Any:
    shown = rows if len(rows) <= 2 * LONGEST else rows[: 2 * LONGEST]
    return tables.table(
        "frames" + ("" if shown is rows else f" (the first {len(shown)} of {len(rows)})"),
        ("job", "network", "layers", "sent"), ("start", "end"),
        (
            (
                str(row.job), row.network, ", ".join(f"{place} {count}" for place, count in row.layers.items()),
                ", ".join(row.sent[:3]) + (f", {len(row.sent) - 3} more" if len(row.sent) > 3 else "") or "-",
                quantity(row.start, "ns"), quantity(row.end, "ns"),
            )
            for row in shown
        ),
    )  # fmt: skip


def _machines(problem: Schedule, rows: Sequence[report_schedule.Burst], result: Result) -> Any:
    def order(machine: str) -> str:
        jobs = [str(burst.job) for burst in rows if burst.machine == machine]
        return " ".join(jobs[: 4 * LONGEST]) + (" ..." if len(jobs) > 4 * LONGEST else "") or "-"

    makespan = result.metrics["makespan"]
    return tables.table(
        "order of the jobs on each machine", ("machine", "jobs"), ("busy",),
        ((machine, order(machine), f"{100 * report_schedule.share(rows, machine, makespan):.1f} %")
         for machine in problem.machines),
    )  # fmt: skip


def content(problem: Schedule, results: Sequence[Result]) -> dict[str, Any]:
    """The result with its frames and machines, and the comparison, as plain data."""
    result = results[0]
    plan: Any = result.plan
    found = plan is not None
    return {
        "problem": problem.name,
        "result": screen.result_content(result),
        "frames": [asdict(row) for row in report_schedule.frames(problem, plan)] if found else [],
        "machines": [asdict(burst) for burst in report_schedule.bursts(problem, plan)] if found else [],
        "comparison": [
            {"method": row.method, "status": str(row.status), "objective": row.objective, "loss": row.loss}
            for row in report.comparison([r for r in results if r.status is not Status.ERROR])
        ],
    }
