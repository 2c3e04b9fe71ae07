"""Schedules of given cuts: `series`, CP-SAT and the disjunctive MILP against PyJobShop, in one run.

The peer is optional: `pip install pyjobshop` (0.0.9 was measured). `--limit 5` changes the seconds of each run.
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
from optsplit.errors import SolverDisagreement
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
HARD_LINK = "4g"
SEED = 1
PEER = "PyJobShop"
STARTED = "PyJobShop, started"
OURS = ("series", "cpsat", "milp")
METHODS = (*OURS, PEER, STARTED)


@dataclass(frozen=True)
class Run:
    """What a method said of an instance, after `Schedule.evaluate`."""

    objective: int | None
    bound: int | None
    proven: bool
    seconds: float
    refused: str = ""


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


def ours(problem: Schedule, method: str, limit: float) -> Run:
    """One of this project's methods; what `solve` refuses because the solver contradicts itself is a row, too."""
    begun = time.perf_counter()
    try:
        result = osp.solve(problem, method, time_limit=limit, workers=WORKERS)
    except SolverDisagreement as error:
        return Run(None, None, False, time.perf_counter() - begun, str(error))
    seconds = time.perf_counter() - begun
    return Run(result.objective, result.bound, result.status is osp.Status.OPTIMAL, seconds)


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
        # it says 0 where it has no plan
        return Run(None, None, False, seconds)
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
        if (found.bound is not None and found.bound > best) or (found.proven and found.objective != best):
            raise SystemExit(f"{name}: {by} has a plan of {best}, {method} claims {found}")


def instances(names: Sequence[str]) -> list[Schedule]:
    """One frame of each cut, then several of a cut each."""
    one, several = [], []
    for name in names:
        for link in LINKS:
            free = frames(name, link)
            best = joint(free)
            cuts = {"halves": slices(free, 2)} | ({} if best is None else {"joint": best})
            if link == HARD_LINK:
                cuts |= {f"{SLICES} slices": slices(free, SLICES), "tossed": tossed(free)}
            one += [free.but(cuts=[cut], name=f"{name} {link} {kind}") for kind, cut in cuts.items()]
            if name in SEVERAL and link != LINKS[0]:
                kind = "halves" if best is None else "joint"
                for count in COUNTS:
                    title = f"{name} {link} {kind} x {count}"
                    several.append(frames(name, link, count).but(cuts=[cuts[kind]] * count, name=title))
    return one + several


Table = dict[str, dict[str, Run]]


def compared(problems: Sequence[Schedule], limit: float) -> Table:
    """Every run, instance by instance."""
    found = {}
    for problem in problems:
        single = len(problem.jobs) == 1
        runs = {method: run(problem, method, limit) for method in METHODS if single or method != "series"}
        agreed(problem.name, runs)
        found[problem.name] = runs
        said = [f"{m} {r.seconds:.2f}{'' if r.proven else ' -'}{r.refused}" for m, r in runs.items()]
        print(problem.name, *said, sep=" | ", file=sys.stderr, flush=True)
    return found


def least(runs: dict[str, Run]) -> int:
    return min(found.objective for found in runs.values() if found.objective is not None)


def summary(found: Table) -> str:
    """A row for each method."""
    rows = []
    for method in METHODS:
        mine = [(runs[method], least(runs)) for runs in found.values() if method in runs]
        if not mine:
            continue
        proofs = [run.seconds for run, _ in mine if run.proven]
        above = [run.objective / best - 1 for run, best in mine if run.objective is not None]
        rows.append([
            method, len(mine), len(proofs), f"{statistics.median(proofs):.3f}" if proofs else "-",
            f"{max(proofs):.2f}" if proofs else "-", sum(run.objective is None and not run.refused for run, _ in mine),
            sum(bool(run.refused) for run, _ in mine),
            percent(statistics.mean(above)) if above else "-", percent(max(above)) if above else "-",
        ])  # fmt: skip
    return markdown(
        ["method", "instances", "proven", "median s of a proof", "longest", "without a plan", "refused",
         "mean above best plan", "largest"], rows,
    )  # fmt: skip


def duel(found: Table, method: str, other: str) -> str:
    """One of ours against one of theirs: proofs that only one has, and who is faster where both have one."""
    pairs = {name: (runs[method], runs[other]) for name, runs in found.items() if method in runs}
    alone = [name for name, (a, b) in pairs.items() if a.proven and not b.proven]
    theirs = [name for name, (a, b) in pairs.items() if b.proven and not a.proven]
    ratio = {name: a.seconds / b.seconds for name, (a, b) in pairs.items() if a.proven and b.proven}
    times = ratio.values()
    middle = f"takes {statistics.median(times):.2f} times its time (median)" if ratio else "has nothing in common"
    far = [name for name, x in ratio.items() if x >= 5]
    near = [name for name, x in ratio.items() if x <= 1 / 5]
    return (
        f"- `{method}` against {other}, {len(pairs)} instances: only `{method}` proves {_names(alone)}; only {other} "
        f"proves {_names(theirs)}; of {len(ratio)} that both prove, {other} is first on {sum(x > 1 for x in times)}, "
        f"and `{method}` {middle}; five times faster or more: {other} on {_names(far)}, `{method}` on {_names(near)}"
    )


def _names(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def table(problems: Sequence[Schedule], found: Table) -> str:
    """Every instance: operations, the best plan, and for each method its seconds, or the gap it has left."""
    rows = []
    for problem in problems:
        runs = found[problem.name]
        parts = [step for j, cut in enumerate(problem.cuts or ()) for step in problem.steps(j, cut)]
        sent = sum(">" in problem.machines[step.machine] for step in parts)
        bound = max(run.bound for run in runs.values() if run.bound is not None)
        rows.append([
            problem.name, len(parts), sent, ms(least(runs)), "yes" if bound == least(runs) else "no",
            *(_cell(runs.get(method)) for method in METHODS),
        ])  # fmt: skip
    return markdown(["instance", "operations", "sent", "best plan ms", "proven by any", *METHODS], rows)


def _cell(run: Run | None) -> str:
    if run is None:
        return ""
    if run.refused:
        return "refused"
    if run.proven:
        return f"{run.seconds:.3f} s"
    if run.objective is None:
        return "no plan"
    return "gap " + percent(None if run.bound is None else (run.objective - run.bound) / run.objective)


def main() -> None:
    """Run all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of each run")
    given = parser.parse_args()
    problems = instances(given.networks)
    found = compared(problems, given.limit)
    single = {p.name: found[p.name] for p in problems if len(p.jobs) == 1}
    several = {p.name: found[p.name] for p in problems if len(p.jobs) > 1}
    body = [
        f"PyJobShop {version('pyjobshop')} (CP-SAT below it); {given.limit:g} s and {WORKERS} worker for every run; "
        "seconds are wall time, building included. Operations, device "
        f"{LOAD['device']:g} times slower than measured, input and result at the device, whole ns.\n",
        "Cuts: `joint` is the joint optimum's of one frame, where no side has less than 1 % of the layers' time; "
        "`halves` is the first half of the device's work at the device, the rest at the server; over 4G also "
        f"`{SLICES} slices` in turn, and `tossed`: every layer at a random side (seed {SEED}), which nobody would run "
        "and which is hard. PyJobShop: a task with one mode for each operation, end before start; operations of length "
        "0 need no machine. `started` gives it the best list schedule and a horizon, as `cpsat` has them. `series` "
        "takes one frame only. Every plan of PyJobShop was priced by `Schedule.evaluate`, and none is below a bound "
        "of another method, nor any proof above a plan. `refused`: CP-SAT proved a bound above its own plan, "
        "which `solve` reports instead of a result.\n",
    ]
    for title, part in (("One frame", single), ("Several frames of the same cut", several)):
        if part:
            duels = [duel(part, mine, peer) for mine in ("series", "cpsat") for peer in (PEER, STARTED)
                     if any(mine in runs for runs in part.values())]  # fmt: skip
            body += [f"## {title}\n", summary(part), *duels, ""]
    refused = [f"- {name}, `{m}`: {r.refused}" for name, runs in found.items() for m, r in runs.items() if r.refused]
    body += ["## Refused\n", *refused, ""] if refused else []
    body += ["## Every instance\n", "Seconds to proof, or the gap left at the limit.\n", table(problems, found)]
    print(page("schedule-peers", "Schedules of given cuts against PyJobShop", "\n".join(body)))


if __name__ == "__main__":
    main()
