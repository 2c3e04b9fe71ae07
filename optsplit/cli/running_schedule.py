"""run, of a schedule: all its jobs at once, each machine in the plan's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optsplit.cli import screen
from optsplit.errors import InvalidInput
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_plan import SchedulePlan


def run(
    graphs: Sequence[Any], plan: SchedulePlan, problem: Any, rounds: int, options: dict[str, Any], as_json: bool
) -> None:
    """Run a schedule of traced networks, and show its makespan and machines, planned and measured."""
    from optsplit.executor.execute import home_of
    from optsplit.executor.jobs import graph_of
    from optsplit.executor.scheduling import run_schedule
    from optsplit.executor.worker import Places
    from optsplit.problems.partition import PartitionPlan

    if not (problem is None or isinstance(problem, Schedule)):
        raise InvalidInput("the problem is no schedule; give the one that the plan was solved for, or none")
    if problem is not None and len(problem.jobs) != len(plan.assignments):
        raise InvalidInput(f"the problem has {len(problem.jobs)} jobs, the plan {len(plan.assignments)}; give its own")
    names = [None] * len(plan.assignments) if problem is None else [job.name for job in problem.jobs]
    chosen = [graph_of(j, plan, graphs, name) for j, name in enumerate(names)]
    home = home_of(chosen[0], PartitionPlan(plan.assignments[0]))
    threads = options["threads"]
    places = Places({home: options["device"]}, {} if threads is None else {home: threads}, {home: options["slowdown"]})
    with screen.progress(f"running {len(chosen)} jobs"):
        found = run_schedule(
            plan, chosen, release=None if problem is None else problem.release, server=options["server"],
            rounds=rounds, places=places, link=options["link"], trust=options["trust"], deadline=options["deadline"],
        )  # fmt: skip
    if as_json:
        screen.emit("scheduled", found.content())
    else:
        screen.show(str(found))
