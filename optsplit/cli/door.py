"""The door of the command line: errors become one message and an exit status."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from optsplit.errors import OptsplitError
from optsplit.result import Limit, Result, Status

ERROR = 2
INFEASIBLE = 3
NO_PLAN = 4
INTERRUPTED = 130

_DEBUG = "optsplit.debug"

F = TypeVar("F", bound=Callable[..., Any])


class Door(click.Group):
    """A group of commands that turns `OptsplitError` into a message on stderr and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OptsplitError as error:
            if ctx.meta.get(_DEBUG):
                traceback.print_exc()
            click.echo(f"optsplit: {error}", err=True)
            ctx.exit(ERROR)
        except KeyboardInterrupt:
            click.echo("optsplit: interrupted", err=True)
            ctx.exit(INTERRUPTED)


def _debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True


def common(command: F) -> F:
    """The options of every command: --json and --debug."""
    command = click.option(
        "--debug", is_flag=True, envvar="OPTSPLIT_DEBUG", expose_value=False, callback=_debug,
        help="Show the traceback of an error (also: OPTSPLIT_DEBUG=1).",
    )(command)  # fmt: skip
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and nothing else.")(command)


def leave(results: Iterable[Result]) -> None:
    """End the command with the status that the results call for: 0 where one of them has a plan."""
    found = list(results)
    if any(result.plan is not None for result in found):
        return
    context = click.get_current_context()
    if any(result.status is Status.INFEASIBLE for result in found):
        context.exit(INFEASIBLE)
    if any(result.limit is Limit.INTERRUPT for result in found):
        context.exit(INTERRUPTED)
    context.exit(NO_PLAN)
