"""Taillard's flow shops: what "auto" proves, the two models and PyJobShop beside it, baselines, larger classes.

The peer is optional: `pip install pyjobshop` (0.0.9 was measured). The argument is what limits each run of the
comparison, in seconds ("auto" itself has 60), or `larger` for the larger classes, a page of their own.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time

import optsplit as osp
from benchmarks.ledger import markdown, page
from optsplit.problems.flow_shop import FlowShop
from optsplit.result import Result, percent
from tests.golden.test_taillard import FIFTY, TWENTY

PROOF = 60.0
"""Seconds for "auto"."""
WORKERS = 2
# first instances of Taillard's larger classes, by (jobs, machines)
LARGER = {
    (20, 10): [587595453, 1401007982, 873136276, 268827376],
    (20, 20): [479340445, 268827376, 1958948863, 918272953],
    (50, 10): [1958948863, 575633267, 655816003, 1977864101],
    (100, 5): [896678084, 1179439976, 1122278347, 416756875],
    (50, 20): [1539989115, 691823909, 655816003, 1315102446],
}


def instances() -> list[tuple[FlowShop, int]]:
    """The twenty flow shops of five machines, and their published optima."""
    return [
        (FlowShop.taillard(jobs, 5, seed), optimum)
        for jobs, table in ((20, TWENTY), (50, FIFTY))
        for seed, optimum in table.items()
    ]


def timed(problem: FlowShop, method: str, limit: float) -> tuple[Result, float]:
    """A result and its wall seconds, building included."""
    start = time.perf_counter()
    result = osp.solve(problem, method, time_limit=limit, workers=WORKERS)
    return result, time.perf_counter() - start


def proofs() -> str:
    """What "auto" does with each instance, and the baselines beside it."""
    rows = []
    for problem, optimum in instances():
        result, seconds = timed(problem, "auto", PROOF)
        names = ("neh", "cds", "johnson-halves", "fcfs")
        loss = [osp.solve(problem, name).objective / optimum for name in names]
        rows.append([
            problem.name.removeprefix("taillard "), optimum, result.objective, result.bound, result.status.value,
            result.bounds["load"], result.bounds["johnson"], result.raw_status.removesuffix(" nodes"),
            f"{seconds:.2f}", *(f"{ratio:.3f}" for ratio in loss),
        ])  # fmt: skip
        print(rows[-1], file=sys.stderr)
    return markdown(
        ["instance", "published", "objective", "bound", "status", "load", "johnson", "nodes", "s", "neh", "cds",
         "johnson-halves", "fcfs"], rows,
    )  # fmt: skip


def peer(problem: FlowShop, limit: float) -> tuple[int | None, int, bool, float]:
    """PyJobShop: objective, bound, whether it calls it optimal, wall seconds, building included."""
    from pyjobshop import Model

    start = time.perf_counter()
    model = Model()
    machines = [model.add_machine() for _ in range(problem.machines)]
    tasks = [[model.add_task() for _ in machines] for _ in range(problem.jobs)]
    for row, times in zip(tasks, problem.times.tolist()):
        for task, machine, duration in zip(row, machines, times):
            model.add_mode(task, machine, duration)
        for task, following in itertools.pairwise(row):
            model.add_end_before_start(task, following)
    for k in range(problem.machines - 1):
        model.add_same_sequence(machines[k], machines[k + 1], [row[k] for row in tasks], [row[k + 1] for row in tasks])
    found = model.solve(time_limit=limit, display=False, num_workers=WORKERS)
    seconds = time.perf_counter() - start
    objective = int(found.objective) if found.objective < float("inf") else None
    return objective, round(found.lower_bound), found.status.value == "Optimal", seconds


def against(limit: float) -> tuple[str, str]:
    """Branching, CP-SAT, MILP and PyJobShop: a row for each instance, and a summary."""
    rows, proven, gaps = [], dict[str, list[float]](), dict[str, list[float]]()
    for problem, optimum in instances():
        row: list[object] = [problem.name.removeprefix("taillard "), optimum]
        for name in ("branching", "cpsat", "milp", "pyjobshop"):
            if name == "pyjobshop":
                objective, bound, optimal, seconds = peer(problem, limit)
            else:
                result, seconds = timed(problem, name, limit)
                objective, bound, optimal = result.objective, result.bound, result.status is osp.Status.OPTIMAL
            if objective is not None and objective < optimum:
                raise SystemExit(f"{name} claims {objective} on {problem.name}, below the published optimum {optimum}")
            proven.setdefault(name, []).extend([seconds] if optimal else [])
            gaps.setdefault(name, []).append(1.0 if objective is None else objective / optimum - 1)
            row += ["-" if objective is None else objective, bound, f"{seconds:.2f}" if optimal else "-"]
        rows.append(row)
        print(row, file=sys.stderr)
    head = ["instance", "published"]
    for name in proven:
        head += [f"{name}", "bound", "proof s"]
    summary = [
        [name, len(proven[name]), f"{statistics.median(proven[name]):.2f}" if proven[name] else "-",
         f"{max(proven[name]):.2f}" if proven[name] else "-", percent(statistics.mean(gaps[name]))]
        for name in proven
    ]  # fmt: skip
    return markdown(head, rows), markdown(
        ["method", "proven of 20", "median s of a proof", "longest", "mean above published"], summary
    )


def larger() -> str:
    """Classes beyond the twenty."""
    rows = []
    for (jobs, machines), seeds in LARGER.items():
        for seed in seeds:
            problem = FlowShop.taillard(jobs, machines, seed)
            result, seconds = timed(problem, "auto", PROOF)
            rows.append([
                f"{jobs}x{machines} {seed}", result.objective, result.bound, percent(result.gap), result.status.value,
                result.raw_status.removesuffix(" nodes"), f"{seconds:.2f}",
            ])  # fmt: skip
            print(rows[-1], file=sys.stderr)
    return markdown(["instance", "objective", "bound", "gap", "status", "nodes", "s"], rows)


def main() -> None:
    """Write the page of the twenty, or that of the larger classes."""
    note = "Instances by Taillard's generator, seeds as printed in EJOR 64 (1993). `auto` is `branching`, one thread"
    if sys.argv[1:] == ["larger"]:
        body = f"{note}; {PROOF:.0f} s each. Seconds are wall time, building included.\n\n{larger()}"
        print(page("flow-shop-larger", "Permutation flow shop, larger classes", body))
        return
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else PROOF
    print(page("flow-shop", "Permutation flow shop", text(note, limit, proofs(), *against(limit))))


def text(note: str, limit: float, table: str, rows: str, summary: str) -> str:
    """The body of the page of the twenty."""
    return (
        f"{note}; CP-SAT, MILP and PyJobShop have {WORKERS} workers. Seconds are wall time, building included.\n\n"
        f"## auto, {PROOF:.0f} s, one thread; baselines as multiples of the optimum\n\n{table}\n\n"
        f"## The models and PyJobShop, {limit:g} s each, in one run\n\n{summary}\n\n{rows}\n\n"
        "`proof s` is empty (-) where the limit came first. PyJobShop: tasks, end before start, same sequence "
        "on neighbouring machines, makespan, by CP-SAT.\n"
    )


if __name__ == "__main__":
    main()
