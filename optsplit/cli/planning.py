"""plan, solve and compare: one problem, one method or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

import optsplit
from optsplit import report
from optsplit.cli import pictures, screen, sources, tables
from optsplit.cli.door import common, leave
from optsplit.errors import SolverError
from optsplit.method import Problem, Progress
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.result import Limit, Result, Status


@dataclass(frozen=True)
class Effort:
    """The options of a solve."""

    time_limit: float | None
    gap: float
    workers: int
    seed: int

    def of(self, progress: Progress) -> dict[str, Any]:
        """The keywords of `optsplit.solve`."""
        return {
            "time_limit": self.time_limit, "gap": self.gap, "workers": self.workers, "seed": self.seed,
            "progress": progress,
        }  # fmt: skip


efforts = sources.gathered(
    Effort,
    "effort",
    [
        click.option("--time-limit", type=float, metavar="SECONDS", help="Then return the best plan so far."),
        click.option("--gap", type=float, default=0.0, metavar="GAP", help="Stop at this relative gap, such as 0.01."),
        click.option("--workers", type=int, default=1, metavar="N", help="Threads of the solver (default 1)."),
        click.option("--seed", type=int, default=0, metavar="N", help="Of the solver (default 0)."),
    ],
)  # fmt: skip
"""Adds the options of `Effort` to a command."""

method = click.option("--method", default="auto", metavar="NAME", help="See: optsplit methods. Default: auto.")
output = click.option("-o", "--output", metavar="FILE", help="Save the result as JSON.")
plot = click.option("--plot", metavar="FILE", help="Draw the plan (.png, .pdf, .svg).")


@click.command()
@click.argument("profile")
@sources.asks
@method
@efforts
@output
@click.option("--save-problem", metavar="FILE", help="Save the problem as JSON, for optsplit solve.")
@plot
@common
def plan(
    profile: str, asked: sources.Asked, method: str, effort: Effort, output: str | None, save_problem: str | None,
    plot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Decide which layers of PROFILE run where.

    PROFILE is a file of `optsplit profile`, or bundled:NAME for one that comes with the package.
    """
    screen.refuse_unwritable(output, save_problem, plot)
    pictures.refuse_undrawable(plot)
    problem = sources.from_profile(profile, asked)
    if save_problem is not None:
        problem.save(save_problem)
    finish(problem, solved(problem, method, effort), as_json, output, plot)


@click.command()
@click.argument("problem")
@method
@efforts
@output
@plot
@common
def solve(problem: str, method: str, effort: Effort, output: str | None, plot: str | None, as_json: bool) -> None:
    """Solve the problem in the file PROBLEM: of a problem, or of a result, which holds it."""
    screen.refuse_unwritable(output, plot)
    pictures.refuse_undrawable(plot)
    loaded = sources.from_problem(problem)
    finish(loaded, solved(loaded, method, effort), as_json, output, plot)


def solved(problem: Problem, method: str, effort: Effort) -> Result:
    """The result of one method, with a progress line."""
    with screen.progress(f"solving by {method}") as line:
        return optsplit.solve(problem, method, **effort.of(line.solving(unit(problem))))


def unit(problem: Problem) -> str:
    """The unit of the objective."""
    return problem.units.get(problem.objectives[0], "")


def finish(problem: Problem, result: Result, as_json: bool, output: str | None, plot: str | None) -> None:
    """Print and save a result, and end with the status that it calls for."""
    drawn = plot if result.plan is not None else None
    with screen.saved((output, result.save), (drawn, lambda path: pictures.save(path, result.plot, width=6.6))):
        if as_json:
            screen.emit("result", screen.result_content(result))
        else:
            screen.show(f"{problem.name}: {result.method}", str(result), *plan_tables(problem, result))
    why(problem, result)
    leave([result])


def plan_tables(problem: Problem, result: Result) -> Sequence[Any]:
    """What a reader sees of a plan."""
    if not (isinstance(problem, Partition) and isinstance(result.plan, PartitionPlan)):
        return ()
    summary = report.plan_summary(problem, result.plan)
    accuracy = report.accuracy(result)
    said = () if accuracy is None else (f"accuracy   {100 * accuracy:.4g} %",)
    return *said, "", tables.runs(summary), tables.crossings(summary)


def why(problem: Problem, result: Result) -> None:
    """Say on stderr why there is no plan."""
    if result.status is Status.INFEASIBLE and isinstance(problem, Partition):
        click.echo(f"optsplit: {report.infeasibility(problem, result)}", err=True)
    elif result.plan is None:
        reason = "interrupted" if result.limit is Limit.INTERRUPT else result.raw_status or str(result.status)
        click.echo(f"optsplit: method {result.method!r} has no plan ({reason})", err=True)


@click.command()
@click.argument("source")
@sources.asks
@click.option("--method", "methods", multiple=True, metavar="NAME", help="Only this (repeat for more); default: all.")
@efforts
@common
def compare(source: str, asked: sources.Asked, methods: tuple[str, ...], effort: Effort, as_json: bool) -> None:
    """Every method that applies, side by side.

    SOURCE is a profile (with the options of `optsplit plan`) or the file of a problem.
    """
    problem = sources.from_either(source, asked)
    results = compared(problem, methods, effort)
    if as_json:
        screen.emit("comparison", comparison_content(problem, results))
    else:
        screen.show(tables.comparison(report.comparison(results), title(problem)))
    for result in results:
        if result.status is Status.INFEASIBLE:
            why(problem, result)
            break
    leave(results)


def title(problem: Problem) -> str:
    """The problem in a few words."""
    largest = "the largest of " if len(problem.objectives) > 1 else ""
    limits = f" under limits on {', '.join(problem.limits)}" if problem.limits else ""
    return f"{problem.name}: least {largest}{', '.join(problem.objectives)}{limits}"


def compared(problem: Problem, names: Sequence[str], effort: Effort) -> list[Result]:
    """One result for each method; Ctrl-C ends the list with what the method that runs has found."""
    results: list[Result] = []
    for name in names or [method.name for method in optsplit.methods(problem)]:
        with screen.progress(f"solving by {name}") as line:
            try:
                results += optsplit.compare(problem, [name], **effort.of(line.solving(unit(problem))))
            except SolverError as error:
                screen.note(f"method {name!r} failed: {error}")
                results.append(Result(name, Status.ERROR, minimize=problem.objectives, raw_status=str(error)))
            except KeyboardInterrupt:
                if not results:
                    raise
                screen.note(f"interrupted in method {name!r}")
                return results
        if results[-1].limit is Limit.INTERRUPT:
            return results
    return results


def comparison_content(problem: Problem, results: Sequence[Result]) -> dict[str, Any]:
    """A comparison as plain data: the best proven bound, and each result with its gap and its loss."""
    rows = report.comparison(results)
    return {
        "problem": problem.name,
        "bound": report.best_bound(results),
        "results": [
            {**screen.result_content(result), "loss": row.loss} for result, row in zip(results, rows, strict=True)
        ],
    }
