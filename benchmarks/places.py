"""More than two places: latency and throughput over device, edge and cloud, dads-heavy, and long chains.

The profiles have two places; the edge is the server some times slower, the cloud is the server. There is a link from
the device to the edge and one from the edge to the cloud, and what goes from the device to the cloud passes both.
"""

from __future__ import annotations

import random
import statistics
import sys
import time

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.cli import places, sources
from optsplit.hardware import Connection, Link
from optsplit.result import percent

NEAR = "wifi"
FAR = Connection.mbit(100, 100)
LOAD = {"device": 12.0, "edge": 3.0, "cloud": 1.0}
GRID = [2**k for k in range(17)]  # as in optsplit.baselines.dads, in units of 1/256
DELAY = 0.01  # seconds per message between edge and cloud


def instances() -> list[str]:
    """Every network measured at the grain of operations."""
    return sorted(path.name.removesuffix(".operations.json.gz") for path in INSTANCES.glob("*.operations.json.gz"))


def three_tiers(name: str) -> osp.Partition:
    """Latency over device, edge and cloud."""
    given = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
    first, last = (given.timings[given.places[i]] for i in (0, -1))
    profile = osp.Profile(given.graph, {"device": first, "edge": last, "cloud": last})
    near = osp.links[NEAR]
    links = {("device", "edge"): near.up, ("edge", "device"): near.down}
    for arc, link in ((("edge", "cloud"), FAR.up), (("cloud", "edge"), FAR.down)):
        links[arc] = Link(link.rate, DELAY)
    return places.routed(osp.Partition.from_profile(profile, links, load=LOAD), links)


def long_chain(n: int, count: int, seed: int = 0) -> osp.Partition:
    """A one-way chain over places of different speeds, each with room for about twice its share of the weights."""
    rng = random.Random(seed)
    names = [f"p{p}" for p in range(count)]
    work, size, weights = ([rng.randint(1, top) for _ in range(n)] for top in (100, 50, 20))
    speed = [rng.randint(1, 10) for _ in names]
    metrics = {
        "latency": osp.Metric(
            [[w * s for s in speed] for w in work], {(a, b): size for a in names for b in names if a != b}
        )
    }
    for p, place in enumerate(names):
        metrics[f"{place}_memory"] = osp.Metric([[w * (q == p) for q in range(count)] for w in weights], unit="B")
    room = max(max(weights), 2 * sum(weights) // count)
    return osp.Partition(
        [f"l{i}" for i in range(n)], [(i, i + 1) for i in range(n - 1)], names, metrics,
        limits={f"{place}_memory": room for place in names}, pins={"l0": "p0"}, result_at=None, one_way=True,
    )  # fmt: skip


def timed(problem: osp.Partition, method: str = "auto", limit: float | None = None) -> tuple[osp.Result, float]:
    """A result and its wall seconds, building included."""
    start = time.perf_counter()
    result = osp.solve(problem, method, time_limit=limit)
    return result, time.perf_counter() - start


def spread(result: osp.Result, problem: osp.Partition) -> str:
    """How many layers run at each place."""
    return "/".join(str(len(result.plan.at(place))) for place in problem.places) if result.plan else "-"


def latency(names: list[str]) -> str:
    """Device, edge, cloud: the least latency, and the baselines beside it."""
    rows = []
    for name in names:
        problem = three_tiers(name)
        result, seconds = timed(problem, limit=10)
        loss = []
        for method in ("pipedream", "local-search", "best-single-place"):
            found = osp.solve(problem, method, time_limit=5)
            loss.append("-" if found.objective is None else f"{found.objective / result.objective:.3f}")
        rows.append([
            name, len(problem.layers), result.method, result.status.value, percent(result.gap), f"{seconds:.3f}",
            result.raw_status.removeprefix("minimum cuts: "), f"{result.objective / 1e6:.2f}", spread(result, problem),
            *loss,
        ])  # fmt: skip
    return markdown(
        ["network", "layers", "method", "status", "gap", "s", "cuts", "ms", "layers at device/edge/cloud",
         "pipedream", "local search", "single place"], rows,
    )  # fmt: skip


def throughput(names: list[str], limit: float) -> str:
    """Device, edge, cloud: the least period, proven or with its gap."""
    rows = []
    for name in names:
        problem = three_tiers(name)
        problem = problem.but(minimize=places.busy(problem))
        result, seconds = timed(problem, limit=limit)
        loss = []
        for method in ("pipedream", "greedy-balance", "local-search"):
            found = osp.solve(problem, method, time_limit=5)
            none = found.objective is None or result.objective is None
            loss.append("-" if none else f"{found.objective / result.objective:.3f}")
        rows.append([
            name, len(problem.layers), result.method, result.status.value, percent(result.gap), f"{seconds:.2f}",
            "-" if result.objective is None else f"{result.objective / 1e6:.3f}", spread(result, problem), *loss,
        ])  # fmt: skip
        print(rows[-1], file=sys.stderr)
    return markdown(
        ["network", "layers", "method", "status", "gap", "s", "period ms", "layers at device/edge/cloud", "pipedream",
         "greedy", "local search"], rows,
    )  # fmt: skip


def mended(problem: osp.Partition) -> int:
    """The best of the same grid on the true cut graph: input pinned, ways back priced."""
    parts = [problem.costs(name) for name in problem.objectives]
    compute, transfer = sum(part.compute for part in parts), sum(part.transfer for part in parts)
    names, best = problem.places, 2**62
    for alpha in GRID:
        for gamma in GRID:
            arcs = {(names[p], names[q]): transfer[p, q] * 256 for p, q in ((0, 1), (1, 0))}
            weighed = problem.but(metrics={"w": osp.Metric(compute * [alpha, gamma], arcs)}, minimize="w")
            plan = osp.solve(weighed, "mincut").plan
            best = min(best, problem.evaluate(plan).objective)
    return best


def accelerators(names: list[str], limit: float) -> str:
    """Equal places with a port each, one way: ideals against CP-SAT."""
    rows = []
    for name in names:
        given = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
        server = osp.Profile(given.graph, {"gpu": given.timings[given.places[-1]]})
        asked = sources.Asked(equal=4, maximize="throughput", one_way=True)
        problem = places.equal(server, asked, Connection.mbit(10000))
        if "ideals" not in {method.name for method in osp.methods(problem)}:
            continue
        found, seconds = timed(problem, "ideals", limit)
        other, spent = timed(problem, "cpsat", limit)
        line = osp.solve(problem, "pipedream")
        rows.append([
            name, len(problem.layers), found.raw_status.removeprefix("ideals: "), found.status.value, f"{seconds:.2f}",
            f"{found.objective / 1e6:.3f}", percent(other.gap), f"{spent:.2f}",
            f"{line.objective / found.objective:.3f}",
        ])  # fmt: skip
    return markdown(
        ["network", "layers", "ideals", "status", "s", "period ms", "cpsat gap", "cpsat s", "pipedream"], rows
    )


def heavy(names: list[str], limit: float) -> str:
    """Two places: how far the grid of dads-heavy misses the exact least period."""
    rows = []
    for name in names:
        profile = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
        for link in ("4g", "wifi"):
            problem = osp.Partition.from_profile(profile, osp.links[link], load={"device": 12.0})
            problem = problem.but(minimize=places.busy(problem))
            exact, seconds = timed(problem, limit=limit)
            grid, spent = timed(problem, "dads-heavy")
            true = mended(problem)
            miss = "no plan" if grid.objective is None else f"{grid.objective / exact.objective:.3f}"
            rows.append([
                name, link, exact.method, percent(exact.gap), f"{seconds:.2f}", f"{exact.objective / 1e6:.3f}", miss,
                f"{spent:.2f}", f"{true / exact.objective:.3f}",
            ])  # fmt: skip
    return markdown(
        [
            "network",
            "link",
            "exact",
            "gap",
            "s",
            "period ms",
            "dads-heavy / exact",
            "dads-heavy s",
            "same grid, true graph / exact",
        ],
        rows,
    )


def chains() -> str:
    """Growth of the chain with memory at every place."""
    rows = []
    for n, count in ((16, 8), (32, 15), (64, 15), (100, 25), (200, 50)):
        problem = long_chain(n, count)
        times = [timed(problem)[1] for _ in range(5)]
        result = osp.solve(problem)
        labels = timed(problem, "labels", 30)
        assert labels[0].objective == result.objective
        milp = timed(problem, "milp", 60) if n * count <= 500 else None
        rows.append([
            n, count, result.method, result.status.value, f"{1e3 * statistics.median(times):.1f}",
            f"{1e3 * labels[1]:.1f}", "-" if milp is None else f"{1e3 * milp[1]:.0f}",
        ])  # fmt: skip
    return markdown(["layers", "places", "auto", "status", "auto ms", "labels ms", "milp ms"], rows)


def main() -> None:
    limit = 5.0 if "--quick" in sys.argv else 60.0
    names = [arg for arg in sys.argv[1:] if not arg.startswith("-")] or instances()
    near = osp.links[NEAR]
    body = [
        f"Device {LOAD['device']:g}, edge {LOAD['edge']:g}, cloud {LOAD['cloud']:g} times as slow as measured. Link "
        f"device - edge {NEAR!r} ({near.up.rate * 8e-6:.5g} Mbit/s up), edge - cloud 100 Mbit/s with {DELAY:g} s for "
        "each message, device - cloud by both. Baselines as multiples of the best plan found.\n",
        "## Least latency\n", latency(names),
        f"\n## Least period of a stream, {limit:g} s\n", throughput(names, limit),
        "\n## Two places: the grid of dads-heavy against the exact least period\n", heavy(names, limit),
        "\n## Four equal places, one way, 10 Gbit/s a port: least period\n", accelerators(names, min(limit, 20.0)),
        "\n## A one-way chain with memory at every place (solving and checking, median of 5)\n", chains(),
    ]  # fmt: skip
    print(page("places", "More than two places, and throughput", "\n".join(body)))


if __name__ == "__main__":
    main()
