"""demo: from a bundled profile to a proven plan, in a few seconds and without torch."""

from __future__ import annotations

from dataclasses import asdict

import click

import optsplit
from optsplit import report
from optsplit.cli import planning, screen, sources, tables
from optsplit.cli.door import common, leave
from optsplit.cli.words import connection
from optsplit.hardware import MBIT
from optsplit.problems.partition import PartitionPlan
from optsplit.result import Status

SLOWER = 12.0
"""How many times slower than one thread of a server CPU the demo's device is: it stands for a phone."""


@click.command()
@click.option("--network", default="densenet201", metavar="NAME", help="A bundled profile (default: densenet201).")
@click.option("--link", default="4g", metavar="LINK", help="A preset, or UP[:DOWN]mbit (default: 4g).")
@common
def demo(network: str, link: str, as_json: bool) -> None:
    """Where to cut a network between a phone and a server: the proven optimum beside the baselines."""
    profile = optsplit.bundled(network)
    joined = connection(link)
    asked = sources.Asked(load=(f"{profile.places[0]}={SLOWER:g}",))
    problem = sources.of_profile(profile, asked, joined)
    results = planning.compared(problem, (), planning.Effort(None, 0.0, 1, 0))
    best = min((r for r in results if r.plan is not None), key=lambda r: (r.status is not Status.OPTIMAL, r.objective))
    assert isinstance(best.plan, PartitionPlan)
    summary, plan = report.network_summary(profile), report.plan_summary(problem, best.plan)
    if as_json:
        screen.emit(
            "demo",
            {
                "network": asdict(summary), "link": asdict(joined), "load": {profile.places[0]: SLOWER},
                "comparison": planning.comparison_content(problem, results), "plan": asdict(plan),
            },
        )  # fmt: skip
        leave(results)
        return
    cuts = optsplit.envelope(problem)
    down = "" if joined.up.rate == joined.down.rate else f" up, {joined.down.rate / MBIT:g} Mbit/s down"
    options = f"bundled:{network} --load {profile.places[0]}={SLOWER:g}"
    screen.show(
        tables.network(summary, title=f"{network}, as measured"),
        f"To stand for a phone, the device is taken {SLOWER:g} times slower than measured.\n"
        f"Link {joined.name!r}: {joined.up.rate / MBIT:g} Mbit/s{down}. "
        "The input is on the device, the result returns to it.\n",
        tables.comparison(report.comparison(results), "Least latency, by every method that applies"),
        tables.runs(plan),
        tables.crossings(plan) or "No tensor crosses: the network stays whole.\n",
        tables.envelope(
            report.envelope_rows(cuts), "The optimal plans from 1 kbit/s to 100 Gbit/s", cuts.per_byte, "ns"
        ),
        "What to type next:\n"
        f"  optsplit envelope {options} --plot envelope.png\n      the same as a picture\n"
        f"  optsplit plan {options} --link wifi --device-power odroid-xu4 --minimize energy --limit latency=0.5\n"
        "      another link, another metric, a limit\n"
        '  pip install "optsplit[torch]" && optsplit profile googlenet --device cpu --threads 1 -o phone.json\n'
        "      your own device, or your own network as FILE.py:FUNCTION",
    )
    leave(results)
