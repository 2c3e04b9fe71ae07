"""Upload order: exact against every baseline, gap over time, where the order matters, and planning again on the way.

    python -m benchmarks.upload [--networks alexnet,vgg16] [--links 5,50] [--limit 60] [--workers 2]

Links are symmetric, in Mbit/s. The device is 12 times as slow as measured, the server is two threads of the CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Any

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.hardware import Connection
from optsplit.problems.upload_order import UploadOrder
from optsplit.problems.upload_replan import continued, moved, replan
from optsplit.result import percent

NETWORKS = "alexnet,vgg16,googlenet,resnet18,resnet50,mobilenet_v1,inception_v3,bert_base"
LINKS = "5,10,20,50,100,200"
LOAD = {"device": 12.0}
BASELINES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("in-order", {}),
    ("ionn", {"k": 0.1}),
    ("ionn", {"k": 0.5}),
    ("ionn", {"k": 0.8}),
    ("ionn-layerwise", {"k": 0.1}),
    ("ionn-layerwise", {"k": 0.5}),
    ("ionn-efficiency", {}),
    ("density", {}),
    ("largest-first", {}),
    ("all-at-once", {}),
)
MOMENTS = (1, 3, 10, 30, 60)


@dataclass(frozen=True)
class Run:
    """One network over one link: the exact result, and the objective of each baseline."""

    network: str
    link: float
    problem: UploadOrder
    exact: osp.Result
    others: tuple[int, ...]

    @property
    def best(self) -> int:
        """The least objective of any order found."""
        return min([*self.others, *([] if self.exact.objective is None else [self.exact.objective])])

    def mean(self, objective: int | None) -> str:
        """Mean latency while uploading, in ms."""
        known = objective is not None and self.problem.horizon
        return f"{objective / self.problem.horizon / 1e6:.2f}" if known else "-"

    def loss(self, objective: int | None) -> str:
        """How much worse than the best order found."""
        return "-" if objective is None or not self.best else f"{100 * (objective / self.best - 1):.2f}"


def profile(network: str) -> osp.Profile:
    """A measured profile at the grain of operations."""
    return osp.Profile.load(INSTANCES / f"{network}.operations.json.gz")


def problem(network: str, mbit: float, **options: Any) -> UploadOrder:
    """The upload problem of a network over a link."""
    return UploadOrder.from_profile(profile(network), Connection.mbit(mbit), load=LOAD, **options)


def run(network: str, mbit: float, limit: float, workers: int) -> Run:
    """Solve exactly and by every baseline."""
    asked = problem(network, mbit)
    exact = osp.solve(asked, time_limit=limit, workers=workers)
    others = tuple(osp.solve(asked, method, **options).objective or 0 for method, options in BASELINES)
    found = Run(network, mbit, asked, exact, others)
    print(
        network, mbit, exact.method, exact.status, percent(exact.gap), f"{exact.solve_seconds:.1f} s", file=sys.stderr
    )
    return found


def proofs(runs: list[Run]) -> str:
    """The exact method: units, bounds, gap, seconds."""
    rows = [
        [
            r.network, f"{r.link:g}", len(r.problem.names), f"{r.problem.horizon / 1e9:.2f}",
            f"{r.problem.latency(0) / 1e6:.1f}", f"{r.problem.least / 1e6:.1f}", r.exact.method, r.exact.status.value,
            r.mean(r.exact.objective), r.mean(r.exact.bound), percent(r.exact.gap),
            f"{r.exact.build_seconds + r.exact.solve_seconds:.2f}",
        ]
        for r in runs
    ]  # fmt: skip
    head = [
        "network", "Mbit/s", "units", "upload s", "ms before", "ms after", "method", "status", "mean ms", "bound ms",
        "gap", "s",
    ]  # fmt: skip
    return markdown(head, rows)


def losses(runs: list[Run]) -> str:
    """Each baseline in per cent above the best order found; IONN at the three K of its paper."""
    names = ["exact", *(", ".join([m, *(f"{k} {v}" for k, v in o.items())]) for m, o in BASELINES)]
    rows = [
        [r.network, f"{r.link:g}", r.mean(r.best), *(r.loss(v) for v in (r.exact.objective, *r.others))] for r in runs
    ]
    return markdown(["network", "Mbit/s", "best mean ms", *names], rows)


def where(runs: list[Run]) -> str:
    """What the loss of IONN is made of, where front to back loses most, and where no order matters."""
    index = {(m, o.get("k")): i for i, (m, o) in enumerate(BASELINES)}
    front, ionn, layers, once = (index[key] for key in (("in-order", None), ("ionn", 0.5), ("ionn-layerwise", 0.5),
                                                        ("all-at-once", None)))  # fmt: skip

    # over some links a network stays on the device, and nothing is sent
    runs = [r for r in runs if r.best]
    if not runs:
        return "Nothing is ever sent.\n"

    def most(value: Any) -> Run:
        return max(runs, key=value)

    a = most(lambda r: r.others[front] / r.best)
    b = most(lambda r: (r.others[ionn] - r.others[layers]) / r.best)
    c = most(lambda r: r.others[layers] / r.best)
    d = most(lambda r: r.others[once] / r.best)
    close = [r for r in runs if r.others[front] <= 1.01 * r.best]
    return "\n".join([
        f"- Front to back is within 1 % of the best order in {len(close)} of {len(runs)} cases. It loses most on "
        f"{a.network} at {a.link:g} Mbit/s: {a.loss(a.others[front])} %.",
        f"- Granularity: on {b.network} at {b.link:g} Mbit/s IONN (K = 0.5) as published is {b.loss(b.others[ionn])} % "
        f"above the best, its own order layer by layer {b.loss(b.others[layers])} %.",
        f"- Order: counted layer by layer, IONN's order (K = 0.5) is furthest from the best on {c.network} at "
        f"{c.link:g} Mbit/s: {c.loss(c.others[layers])} %.",
        f"- Waiting for everything costs most on {d.network} at {d.link:g} Mbit/s: {d.loss(d.others[once])} %.",
    ]) + "\n"  # fmt: skip


def over_time(runs: list[Run]) -> str:
    """The gap after so many seconds, of the runs that took more than the first of them."""
    rows = []
    for r in runs:
        if r.exact.solve_seconds < MOMENTS[0] or not r.exact.trace:
            continue
        gaps = []
        for moment in MOMENTS:
            known = [p for p in r.exact.trace if p.seconds <= moment and None not in (p.objective, p.bound)]
            gaps.append(percent((known[-1].objective - known[-1].bound) / known[-1].objective) if known else "-")
        rows.append([r.network, f"{r.link:g}", *gaps, percent(r.exact.gap)])
    if not rows:
        return f"Every case was proven within {MOMENTS[0]} s.\n"
    return markdown(["network", "Mbit/s", *(f"{moment} s" for moment in MOMENTS), "end"], rows)


def again(networks: list[str], limit: float, workers: int) -> str:
    """The bandwidth changes when a third of the time is over, and the client moves half-way."""
    rows = []
    for network in networks:
        for before, after in ((50.0, 5.0), (5.0, 50.0)):
            asked = problem(network, before)
            plan = osp.solve(asked, time_limit=limit, workers=workers).plan
            left = replan(asked, plan, asked.horizon // 3, problem(network, after))
            rows.append(_compared(network, f"{before:g} to {after:g} Mbit/s", left, plan, limit, workers))
        asked = problem(network, 20.0)
        plan = osp.solve(asked, time_limit=limit, workers=workers).plan
        # the new server kept what an earlier client sent in the second half of its upload
        held = plan.order[len(plan.order) // 2 :]
        rows.append(_compared(network, "to a server with the last half", moved(asked, held), plan, limit, workers))
    head = ["network", "change", "units left", "going on, ms", "planned again, ms", "saved %", "gap", "s"]
    return markdown(head, rows)


def _compared(network: str, change: str, left: UploadOrder, plan: Any, limit: float, workers: int) -> list[object]:
    going_on = left.evaluate(continued(left, plan)).objective
    start = time.perf_counter()
    found = osp.solve(left, time_limit=limit, workers=workers)
    seconds = time.perf_counter() - start
    whole = left.horizon
    best = found.objective or 0
    if not left.horizon:
        return [network, change, 0, "-", "-", "-", "-", "-"]
    return [
        network, change, len(found.plan.order), f"{going_on / whole / 1e6:.2f}", f"{best / whole / 1e6:.2f}",
        f"{100 * (1 - best / going_on) if going_on else 0:.2f}", percent(found.gap), f"{seconds:.2f}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", default=NETWORKS)
    parser.add_argument("--links", default=LINKS)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    networks = asked.networks.split(",")
    runs = [
        run(network, float(mbit), asked.limit, asked.workers) for network in networks for mbit in asked.links.split(",")
    ]
    body = [
        f"Device {LOAD['device']:g} times as slow as measured; at most {asked.limit:g} s and {asked.workers} worker(s) "
        "a solve. A unit is all weights that the same layers read. Mean latency of queries during the upload.\n",
        "## Exact\n", proofs(runs),
        "\n## Baselines, per cent above the best order found\n", losses(runs),
        "\n## Where it matters\n", where(runs),
        "\n## Gap over time\n", over_time(runs),
        "\n## Planned again\n",
        "The old order goes on, or what remains is planned anew; a unit under way keeps the bytes that have arrived.\n",
        again(networks, asked.limit, asked.workers),
    ]  # fmt: skip
    print(page("upload", "In which order to upload", "\n".join(body)))


if __name__ == "__main__":
    main()
