"""Many frames at once, cuts free and one way: proof, gap over the number of frames, and what joint decisions gain.

The device is the measured one-thread CPU 12 times slower. Every method gets the same limit (`--limit`, default 60
seconds) and one worker.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.cli import words
from optsplit.problems.schedule_operations import LATENCY
from optsplit.problems.series import points
from optsplit.result import percent

LINKS = ("4g", "wifi", "50mbit")
SINGLE = ("alexnet", "resnet18", "googlenet")
PAIRS = (("alexnet", "resnet18"), ("alexnet", "googlenet"), ("resnet18", "googlenet"))
GROWTH = (1, 2, 3, 5, 10, 20, 50, 100)
BASELINES = ("extended-johnson", "list", "fcfs", "no-overlap", "device-only", "server-only")


@dataclass(frozen=True)
class Run:
    """One problem and what `method` made of it."""

    name: str
    problem: osp.Schedule
    result: osp.Result
    seconds: float


def frames(names: Sequence[str], link: str, count: int, one_way: bool = True) -> osp.Schedule:
    """So many frames of each network over a link."""
    profiles = [osp.Profile.load(INSTANCES / f"{name}.operations.json.gz") for name in names]
    return osp.Schedule.from_profile(
        profiles, words.connection(link, None), count, load={"device": 12.0}, one_way=one_way
    )


def blocks(link: str, count: int) -> osp.Schedule:
    """ResNet-34 as the chain of what lies between its series points; the result stays where it is."""
    job = frames(["resnet34"], link, 1).jobs[0]
    ends, rank = points(job), {v: i for i, v in enumerate(job.order)}
    block = [next(k for k, end in enumerate(ends) if rank[v] <= rank[end]) for v in range(len(job.layers))]
    costs = job.costs(LATENCY)
    compute = [[0, 0] for _ in ends]
    for v, k in enumerate(block):
        for p in (0, 1):
            compute[k][p] += int(costs.compute[v, p])
    tensor = {int(job.sources[t]): t for t in range(len(job.sources))}
    up = [int(costs.transfer[0, 1, tensor[end]]) for end in ends]
    chain = osp.Partition(
        [job.layers[end] for end in ends], list(itertools.pairwise(range(len(ends)))), job.places,
        {LATENCY: osp.Metric(compute, {job.places: up})}, pins={job.layers[ends[0]]: job.places[0]}, result_at=None,
        one_way=True, name="resnet34 by blocks",
    )  # fmt: skip
    return osp.Schedule([chain] * count, name=f"resnet34 by blocks x {count}")


def run(name: str, problem: osp.Schedule, method: str, limit: float) -> Run:
    """Solve, and say so."""
    start = time.perf_counter()
    result = osp.solve(problem, method, time_limit=limit)
    seconds = time.perf_counter() - start
    print(f"{name:34} {method:6} {result.status!s:9} gap {percent(result.gap):9} {seconds:6.1f} s", flush=True)
    return Run(name, problem, result, seconds)


def ms(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.3f}"


def row(done: Run) -> list[str]:
    result = done.result
    bounds = ", ".join(f"{name} {ms(value)}" for name, value in result.bounds.items())
    return [
        done.name, result.method, str(result.status), ms(result.objective), ms(result.bound), percent(result.gap),
        f"{done.seconds:.1f}", bounds,
    ]  # fmt: skip


HEAD = ("frames", "method", "status", "makespan, ms", "bound, ms", "gap", "s", "bounds by name, ms")


def gain(done: Run) -> list[float]:
    """Makespan of each baseline over that of the joint plan."""
    assert done.result.objective is not None
    results = osp.compare(done.problem, BASELINES)
    return [(other.objective or 0) / done.result.objective for other in results]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each solve")
    parser.add_argument("--networks", nargs="*", default=list(SINGLE))
    parser.add_argument("--peers", action="store_true", help="CP-SAT on whole schedules beside it, for ten frames")
    asked = parser.parse_args()
    ten = [
        run(f"10 x {name}, {link}", frames([name], link, 10), "types", asked.limit)
        for name in asked.networks for link in LINKS
    ]  # fmt: skip
    several = [
        run(f"5 x {a} + 5 x {b}, {link}", frames([a, b], link, 5), "types", asked.limit)
        for a, b in PAIRS if {a, b} <= set(asked.networks) for link in LINKS
    ]  # fmt: skip
    chain = [run(f"8 x resnet34 by blocks, {link}", blocks(link, 8), "types", 15.0) for link in LINKS]
    back = [
        run(f"10 x {name}, {link}, two way", frames([name], link, 10, one_way=False), "types", asked.limit)
        for name in asked.networks for link in LINKS
    ]  # fmt: skip
    peers = [
        run(f"10 x {name}, wifi", frames([name], "wifi", 10), "cpsat", asked.limit)
        for name in (asked.networks if asked.peers else ())
    ]  # fmt: skip
    growth = [
        run(f"{count} x {name}, wifi", frames([name], "wifi", count), "types", asked.limit)
        for name in asked.networks for count in GROWTH
    ]  # fmt: skip
    joint = [done for done in (*ten, *several) if done.result.objective]
    gains = [gain(done) for done in joint]
    body = [
        "## Ten frames of one network, and five each of two\n",
        markdown(HEAD, [row(done) for done in (*ten, *several)]),
        "\n## Eight frames of a chain, 15 seconds\n", markdown(HEAD, [row(done) for done in chain]),
        "\n## Cuts that may come back to the device\n",
        "The plans start from one-way cuts; only the bound \"load\" and CP-SAT's hold.\n",
        markdown(HEAD, [row(done) for done in back]),
    ]  # fmt: skip
    if peers:
        body += ["\n## CP-SAT on whole schedules\n", markdown(HEAD, [row(done) for done in peers])]
    body += [
        "\n## The gap over the number of frames\n", markdown(HEAD, [row(done) for done in growth]),
        "\n## What others lose: makespan over that of the joint plan\n",
        "All but device-only and server-only cut each network at its least latency first.\n",
        markdown(("frames", *BASELINES), [[d.name, *(f"{g:.3f}" for g in gs)] for d, gs in zip(joint, gains)]),
        "\n" + markdown(
            ("", *BASELINES),
            [
                ["mean", *(f"{statistics.mean(column):.3f}" for column in zip(*gains))],
                ["largest", *(f"{max(column):.3f}" for column in zip(*gains))],
            ],
        ),
    ]  # fmt: skip
    print(page("frames", "Many frames: types of cuts, then a sequence", "\n".join(body)))


if __name__ == "__main__":
    main()
