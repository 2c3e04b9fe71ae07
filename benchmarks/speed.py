"""Solve time against peers in one run: the automatic method, networkx's minimum cut on the same graph, and the MILP.

Medians of interleaved repeats, so that a drift of the machine's speed meets all of them alike. Also: problem building
from a loaded profile, the whole envelope per breakpoint, a lookup in it, and the MILP under two binding limits.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import networkx as nx

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.algorithms.mincut import CutNetwork
from optsplit.result import percent

NETWORKS = ("densenet201", "swin_t", "swin_s")
LOAD = {"device": 12.0}


def seconds(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def textbook(problem: osp.Partition) -> nx.DiGraph:
    """The cut graph as it is usually stated: both arcs of each layer, an auxiliary node each way for each tensor.

    A capacity that is left out is infinite. Its minimum cut is the optimum itself.
    """
    costs = problem.costs(problem.objectives[0])
    up, down = costs.crossing(0, 1).tolist(), costs.crossing(1, 0).tolist()
    graph = nx.DiGraph()
    for layer, (here, there) in zip(problem.layers, costs.compute.tolist(), strict=True):
        v = problem.index[layer]
        graph.add_edge("s", v, **({} if layer in problem.pins else {"capacity": there}))
        graph.add_edge(v, "t", capacity=here)
    graph.add_edge("s", "result")
    for t, (source, readers) in enumerate(problem.tensors):
        ends = [*readers, *(["result"] if t in problem.outputs else [])]
        graph.add_edge(source, ("up", t), capacity=up[t])
        graph.add_edge(("down", t), source, capacity=down[t])
        for end in ends:
            graph.add_edge(("up", t), end)
            graph.add_edge(end, ("down", t))
    return graph


def reduced(problem: osp.Partition) -> tuple[nx.DiGraph, int, int]:
    """The graph that `mincut` itself solves: terminals merged, one terminal arc for each layer, few auxiliary nodes."""
    network = CutNetwork(problem)
    arcs = network.arcs(problem.costs(problem.objectives[0]))
    graph = nx.DiGraph()
    graph.add_nodes_from((network.s, network.t))
    for u, v, capacity in zip(arcs.tails.tolist(), arcs.heads.tolist(), arcs.capacities.tolist(), strict=True):
        graph.add_edge(u, v, capacity=capacity + (graph.edges[u, v]["capacity"] if graph.has_edge(u, v) else 0))
    return graph, network.s, network.t


def against_peers(name: str, link: str, repeats: int) -> list[object]:
    """One row: medians in milliseconds and the ratios."""
    profile = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
    problem = osp.Partition.from_profile(profile, osp.links[link], load=LOAD)
    graph = textbook(problem)
    small, s, t = reduced(problem)
    constant = CutNetwork(problem).arcs(problem.costs("latency")).constant
    optimum = osp.solve(problem).objective
    assert optimum == nx.minimum_cut(graph, "s", "t")[0] == nx.minimum_cut(small, s, t)[0] + constant
    assert optimum == osp.solve(problem, "milp").objective
    times: dict[str, list[float]] = {key: [] for key in ("build", "auto", "textbook", "reduced", "milp")}
    for _ in range(repeats):
        fresh = osp.Partition.from_profile(profile, osp.links[link], load=LOAD)
        times["build"].append(seconds(lambda: osp.Partition.from_profile(profile, osp.links[link], load=LOAD)))
        times["auto"].append(seconds(lambda: osp.solve(fresh)))  # noqa: B023
        times["textbook"].append(seconds(lambda: nx.minimum_cut(graph, "s", "t")))
        times["reduced"].append(seconds(lambda: nx.minimum_cut(small, s, t)))
        times["milp"].append(seconds(lambda: osp.solve(problem, "milp")))
    build, auto, peer, fewer, milp = (1e3 * statistics.median(times[key]) for key in times)
    return [
        name, len(problem.layers), link, f"{build:.2f}", f"{auto:.2f}", f"{peer:.0f}", f"{fewer:.0f}", f"{milp:.0f}",
        f"{peer / auto:.0f}x", f"{fewer / auto:.0f}x", f"{milp / auto:.0f}x",
        f"{peer / (auto + build):.0f}x", f"{milp / (auto + build):.0f}x",
    ]  # fmt: skip


def envelopes(name: str, link: str, repeats: int) -> list[object]:
    """One row: the whole envelope per breakpoint against one cut, and the lookup."""
    profile = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
    problem = osp.Partition.from_profile(profile, osp.links[link], load=LOAD)
    envelope = osp.envelope(problem)
    points = max(1, len(envelope.breakpoints))
    whole, one, look = [], [], []
    rates = [1e3 * 1.01**i for i in range(1000)]
    for _ in range(repeats):
        one.append(seconds(lambda: osp.solve(problem)))
        whole.append(seconds(lambda: osp.envelope(problem)))
        look.append(seconds(lambda: [envelope.at(rate) for rate in rates]) / len(rates))
    cut, full, lookup = (statistics.median(values) for values in (one, whole, look))
    return [
        name, len(problem.layers), len(envelope.segments), envelope.cuts, f"{cut * 1e3:.2f}", f"{full * 1e3:.2f}",
        f"{full / points / cut:.2f}", f"{lookup * 1e6:.2f}",
    ]  # fmt: skip


def limited(name: str, link: str, time_limit: float) -> tuple[list[list[object]], list[str]]:
    """Two binding limits: every exact method, and the gap over time of each."""
    profile = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
    # a server of half the measured time per layer, so that there is something to trade
    problem = osp.Partition.from_profile(
        profile, osp.links[link], load={"device": 12.0, "server": 0.5}, device=osp.devices["odroid-xu4"]
    )
    fast = osp.solve(problem)
    frugal = osp.solve(problem.but(minimize="traffic"))
    limits = {m: (fast.metrics[m] + frugal.metrics[m]) // 2 for m in ("server_seconds", "device_server_seconds")}
    problem = problem.but(limits=limits)
    rows, traces = [], []
    for method in ("lagrangian", "cpsat", "milp"):
        result = osp.solve(problem, method, time_limit=time_limit)
        assert all(result.metrics[m] <= limit for m, limit in limits.items())
        rows.append([
            name, len(problem.layers), link, method, result.status.value, result.objective, result.bound,
            percent(result.gap), f"{result.build_seconds + result.solve_seconds:.2f}",
            f"{result.objective / fast.objective:.3f}",
        ])  # fmt: skip
        points = [p for p in result.trace if p.objective is not None and p.bound is not None]
        shown = points if len(points) <= 8 else [points[round(i * (len(points) - 1) / 7)] for i in range(8)]
        over_time = ", ".join(
            f"{p.seconds:.2f} s: {100 * (p.objective - p.bound) / max(p.objective, 1):.2g} %" for p in shown
        )
        traces.append(f"- {name}, {method}: {over_time}")
    return rows, traces


def main() -> None:
    quick = "--quick" in sys.argv
    repeats = 3 if quick else 15
    networks = [n for n in NETWORKS if Path(INSTANCES / f"{n}.operations.json.gz").exists()]
    body = ["## One metric, no limits (median ms; the peers get their graph, or the problem, finished)\n"]
    body.append(
        "`auto` gets a problem that was just built and makes its own graph and prices the plan by every metric. "
        "networkx gets the graph of the usual statement, and also the reduced one that `auto` makes.\n"
    )
    body.append(markdown(
        ["network", "layers", "link", "build", "auto", "networkx", "networkx, reduced graph", "milp", "networkx/auto",
         "reduced/auto", "milp/auto", "networkx/(build+auto)", "milp/(build+auto)"],
        [against_peers(n, link, repeats) for n in networks for link in ("4g", "wifi")],
    ))  # fmt: skip
    body.append("\n## The whole envelope\n")
    body.append(markdown(
        ["network", "layers", "plans", "cuts", "solve ms", "envelope ms", "per breakpoint / solve", "lookup us"],
        [envelopes(n, "4g", repeats) for n in networks],
    ))  # fmt: skip
    rows, traces = [], []
    for name in networks:
        for link in ("4g", "wifi"):
            some, more = limited(name, link, 10 if quick else 60)
            rows += some
            traces += more
    body.append(
        "\n## Two limits: the server's and the uplink's seconds, half way from the fastest plan to least traffic\n"
    )
    body.append(markdown(
        ["network", "layers", "link", "method", "status", "objective ns", "bound ns", "gap", "s", "to no limits"], rows
    ))  # fmt: skip
    body.append("\nGap over time:\n\n" + "\n".join(traces))
    print(page("speed", "Solve time against peers in one run", "\n".join(body)))


if __name__ == "__main__":
    main()
