"""Schedules of given cuts: `series`, CP-SAT and the disjunctive MILP against PyJobShop, in one run.

The peer is optional: `pip install pyjobshop` (0.0.9 was measured). `--limit 5` changes the seconds of each run, names
of networks restrict it to these.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import optsplit as osp
from benchmarks.ledger import markdown, page
from benchmarks.schedule import LINKS, LOAD, frames, ms
from optsplit.method import Options
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.result import percent
from optsplit.start_schedule import start

NETWORKS = ("alexnet", "alexnet_p", "googlenet", "resnet18", "siamese", "three_stream", "inception_v3")
SEVERAL = ("alexnet_p", "resnet18", "siamese", "three_stream")
COUNTS = (3, 5)
WORKERS = 1
SLICES = 8
SEED = 1
PEER = "PyJobShop"
STARTED = "PyJobShop, started"
OURS = ("series", "cpsat", "milp")
METHODS = (*OURS, PEER, STARTED)


@dataclass(frozen=True)
class Run:
    """What a method said of an instance, after `Schedule.evaluate`."""

    objective: int | None
    bound: int
    proven: bool
    seconds: float


# --- cuts -----------------------------------------------------------------------------------------------------


def joint(problem: Schedule) -> PartitionPlan | None:
    """The cut of the joint optimum of one frame; None where a side has less than a hundredth of the layers' time."""
    plan = osp.solve(problem, time_limit=30.0, workers=WORKERS).require_optimal().plan
    assert isinstance(plan, SchedulePlan)
    load = problem.cut_times(0, plan.assignments[0])
    work = [load[problem.machine[place]] for place in problem.places]
    return PartitionPlan(plan.assignments[0]) if min(work) * 100 >= sum(work) else None


def slices(problem: Schedule, count: int) -> PartitionPlan:
    """Slices of a topological order with equal work at the device, in turn at the device and at the server."""
    job = problem.jobs[0]
    work = job.costs("latency").compute[:, 0].tolist()
    total, done, at = sum(work), 0, [0] * len(work)
    for v in job.order:
        at[v] = min(count * done // total, count - 1) % 2
        done += work[v]
    return _plan(problem, at)


def tossed(problem: Schedule) -> PartitionPlan:
    """Every layer at a random side."""
    toss = random.Random(SEED)
    return _plan(problem, [toss.randrange(2) for _ in problem.jobs[0].layers])


def _plan(problem: Schedule, at: list[int]) -> PartitionPlan:
    """Pins and layers that go together keep their rules."""
    job = problem.jobs[0]
    for unit in job.bundles:
        pinned = [int(job.fixed[v]) for v in unit if job.fixed[v] >= 0]
        for v in unit:
            at[v] = pinned[0] if pinned else at[unit[0]]
    return job.plan(at)


# --- methods --------------------------------------------------------------------------------------------------


def ours(problem: Schedule, method: str, limit: float) -> Run:
    begun = time.perf_counter()
    result = osp.solve(problem, method, time_limit=limit, workers=WORKERS)
    seconds = time.perf_counter() - begun
    return Run(result.objective, result.bound or 0, result.status is osp.Status.OPTIMAL, seconds)


def peer(problem: Schedule, limit: float, started: bool) -> Run:
    """PyJobShop; operations of length 0 are tasks that need no machine, as they are in nobody's way here.

    `started` gives it what `cpsat` has: the best list schedule, and the sum of all lengths as its horizon.
    """
    import pyjobshop as pjs

    assert problem.cuts is not None
    begun = time.perf_counter()
    parts = [problem.steps(j, cut) for j, cut in enumerate(problem.cuts)]
    known = start(problem, Options(time_limit=limit, workers=WORKERS)) if started else None
    model = pjs.Model()
    machines = [model.add_machine(name=name) for name in problem.machines]
    far = {"latest_end": sum(step.duration for steps in parts for step in steps)} if started else {}
    tasks = [[model.add_task(**far) for _ in steps] for steps in parts]
    for row, steps in zip(tasks, parts):
        for task, step in zip(row, steps):
            model.add_mode(task, [machines[step.machine]] if step.duration else [], step.duration)
            for before in step.after:
                model.add_end_before_start(row[before], task)
    first = None
    if known is not None:
        at = {(o.job, o.item, o.machine): (o.start, o.end) for o in known.operations}
        keys = [(j, s.item, problem.machines[s.machine]) for j, steps in enumerate(parts) for s in steps]
        modes = model.modes
        first = pjs.Solution(
            model.data(), [pjs.ScheduledTask(i, modes[i].resources, *at[key]) for i, key in enumerate(keys)]
        )
    left = max(limit - (time.perf_counter() - begun), 1e-3)
    found = model.solve(time_limit=left, display=False, num_workers=WORKERS, initial_solution=first)
    seconds = time.perf_counter() - begun
    if not found.best.tasks:
        return Run(None, round(found.lower_bound), False, seconds)
    times = iter(found.best.tasks)
    plan = problem.plan(problem.cuts, [[next(times).start for _ in steps] for steps in parts])
    priced = problem.evaluate(plan)
    if priced.violations or priced.objective != round(found.objective):
        said = priced.violations[0] if priced.violations else priced.objective
        raise SystemExit(f"{problem.name}: PyJobShop says {found.objective}, evaluate says {said}")
    return Run(priced.objective, round(found.lower_bound), found.status.value == "Optimal", seconds)


def run(problem: Schedule, method: str, limit: float) -> Run:
    if method in OURS:
        return ours(problem, method, limit)
    return peer(problem, limit, started=method == STARTED)


def agreed(name: str, runs: dict[str, Run]) -> None:
    """Every plan is valid, so none is below any bound, nor is any proof above a plan."""
    plans = [(found.objective, method) for method, found in runs.items() if found.objective is not None]
    best, by = min(plans)
    for method, found in runs.items():
        if found.bound > best or (found.proven and found.objective != best):
            raise SystemExit(f"{name}: {by} has a plan of {best}, {method} claims {found}")


# --- page -----------------------------------------------------------------------------------------------------


def instances(names: Sequence[str]) -> list[tuple[str, str, str, Schedule]]:
    """Network, link, cut and the problem: one frame of each cut, then several."""
    one, several = [], []
    for name in names:
        for link in LINKS:
            free = frames(name, link)
            best = joint(free)
            cuts = {"joint": best, "halves": slices(free, 2), f"{SLICES} slices": slices(free, SLICES)}
            cuts["tossed"] = tossed(free)
            for kind, cut in cuts.items():
                if cut is not None:
                    one.append((name, link, kind, free.but(cuts=[cut], name=f"{name} {link} {kind}")))
            if name in SEVERAL and link != LINKS[0]:
                kind = "joint" if best is not None else "halves"
                for count in COUNTS:
                    more = frames(name, link, count)
                    title = f"{name} {link} {kind} x {count}"
                    several.append((name, link, kind, more.but(cuts=[cuts[kind]] * count, name=title)))
    return one + several


def compared(names: Sequence[str], limit: float) -> dict[str, dict[str, Run]]:
    """Every run, instance by instance; also the rows' heads."""
    found = {}
    for name, link, kind, problem in instances(names):
        single = len(problem.jobs) == 1
        runs = {method: run(problem, method, limit) for method in METHODS if single or method != "series"}
        agreed(problem.name, runs)
        found[problem.name] = runs
        print(problem.name, *(f"{m}: {r.seconds:.2f}{'' if r.proven else ' -'}" for m, r in runs.items()),
              sep=" | ", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    compared(sys.argv[2:], float(sys.argv[1]))
