"""The command line, over the Python interface and nothing more."""

from __future__ import annotations

import click

from optsplit import __version__
from optsplit.cli.benching import bench
from optsplit.cli.decisions import table
from optsplit.cli.demo import demo
from optsplit.cli.door import Door
from optsplit.cli.envelopes import envelope
from optsplit.cli.fronts import front
from optsplit.cli.lab import lab
from optsplit.cli.listing import methods, presets, version
from optsplit.cli.planning import compare, plan, solve
from optsplit.cli.profiling import profile, trace
from optsplit.cli.quality import quality
from optsplit.cli.reporting import report
from optsplit.cli.running import run as run_plan
from optsplit.cli.scheduling import schedule
from optsplit.cli.screen import keep_stdout
from optsplit.cli.serving import serve
from optsplit.cli.uploading import upload


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="optsplit")
def main() -> None:
    """Decide which part of a network runs on the device and which on the server, and prove it.

    Exit status: 0 done, 2 an error (its message is on stderr), 3 no plan can obey the limits, 4 a time limit came
    before the first plan, 130 interrupted before the first plan.

    Start with: optsplit demo
    """


_COMMANDS = (
    demo, trace, profile, quality, plan, solve, compare, bench, envelope, table, front, upload, schedule, report, serve,
    run_plan, lab, methods, presets, version,
)  # fmt: skip
for command in _COMMANDS:
    main.add_command(command)


def run() -> None:
    """The program `optsplit`."""
    keep_stdout()
    main(prog_name="optsplit")
