"""Fronts of every reference network, and the (bandwidth, deadline) table against a map of states on bandwidth traces.

The traces are synthetic and seeded: no public trace could be reached. A Markov chain moves between five levels of the
range of a radio (CAT1 0.03 to 0.4, 3G 0.1 to 2, LTE 1 to 20 Mbit/s); each sample adds noise in the logarithm.
The accuracies of the five exits are illustrative: the network is not trained.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import time
from collections.abc import Callable

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.algorithms.decision_table import Choice, DecisionTable, decision_table
from optsplit.baselines.edgent_dynamic import StateMap, states
from optsplit.hardware import MBIT
from optsplit.pareto import front
from optsplit.result import percent

LINKS = ("3g", "4g", "wifi")
LOADS = {"device": 12.0}
POWER = osp.devices["odroid-xu4"]
PAIRS = (("latency", "energy"), ("latency", "server_seconds"), ("latency", "bytes"))
TRIPLE = ("latency", "energy", "server_seconds")
LIMIT = 30.0
ACCURACY = (0.62, 0.68, 0.73, 0.76, 0.78)
RADIOS = {"CAT1": (0.03, 0.4), "3G": (0.1, 2.0), "LTE": (1.0, 20.0)}
DEADLINES = {"CAT1": (0.75, 1.1, 1.4), "3G": (0.1, 0.2, 0.4), "LTE": (0.02, 0.05, 0.1)}
ALONE = 2.0  # seconds of AlexNet on a Raspberry Pi 3 alone: "more than 2 s" (Edgent, section 3)
FRAMES, HISTORY, TRACES = 1500, 2000, 3


def instances() -> list[str]:
    """Every network measured at the grain of operations."""
    return sorted(path.name.removesuffix(".operations.json.gz") for path in INSTANCES.glob("*.operations.json.gz"))


def problem(name: str, link: str) -> osp.Partition:
    """The network with a slow device, whose power is known."""
    profile = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
    return osp.Partition.from_profile(profile, osp.links[link], device=POWER, load=LOADS)


def sizes(names: list[str], metrics: tuple[str, ...]) -> list[str]:
    """How many points, how many of them supported, and the seconds."""
    rows, incomplete, large = [], 0, []
    for name in names:
        row: list[object] = [name]
        for link in LINKS:
            found = front(problem(name, link), metrics, time_limit=LIMIT)
            incomplete += not found.complete
            on_hull = f"{sum(found.supported)}" if len(metrics) == 2 else "-"
            large.append(len(found))
            state = "" if found.complete else f", gap {percent(found.gap)}"
            row += [f"{len(found)} ({on_hull}){state}", f"{found.seconds:.2f}"]
        rows.append(row)
        print(metrics, row, flush=True)
    head = ["network"] + [cell for link in LINKS for cell in (link, "s")]
    return [
        f"\n## {', '.join(metrics)}\n",
        f"Points (on the convex hull), seconds. Incomplete after {LIMIT:g} s: {incomplete} of {len(large)}; largest "
        f"{max(large)} points, median {statistics.median(large):g}.\n",
        markdown(head, rows),
    ]


def five_exits() -> dict[str, tuple[float, osp.Partition]]:
    """Edgent's reconstructed AlexNet: for each exit the problem of the layers that it needs."""
    profile = osp.Profile.load(INSTANCES / "branchy_alexnet_5.operations.json.gz")
    load = ALONE / sum(profile.timings["device"].seconds)
    whole = osp.Partition.from_profile(profile, osp.links["3g"], load={"device": load})
    ends = [whole.tensors[t][0] for t in whole.outputs]
    found = {}
    for accuracy, end in zip(ACCURACY, ends, strict=True):
        needed, stack = {end}, [end]
        while stack:
            for u in whole.feeders[stack.pop()]:
                if u not in needed:
                    needed.add(u)
                    stack.append(u)
        # what an exit does not need costs nothing anywhere
        idle = [v not in needed for v in range(len(whole.layers))]
        kept = [t for t, (u, _) in enumerate(whole.tensors) if not idle[u]]
        position = {v: i for i, v in enumerate(sorted(needed))}
        costs = {name: whole.costs(name) for name in ("latency", "fixed_latency", "traffic", "bytes")}
        metrics = {
            name: osp.Metric(
                cost.compute[sorted(needed)],
                {(p, q): cost.transfer[i, j][kept] for i, p in enumerate(whole.places)
                 for j, q in enumerate(whole.places) if i != j},
                unit=cost.unit,
            )
            for name, cost in costs.items()
        }  # fmt: skip
        found[whole.layers[end]] = accuracy, osp.Partition(
            [whole.layers[v] for v in sorted(needed)], metrics=metrics,
            tensors=[(position[whole.tensors[t][0]], [position[v] for v in whole.tensors[t][1] if v in needed])
                     for t in kept],
            outputs=[kept.index(t) for t in whole.outputs if whole.tensors[t][0] == end],
            pins={layer: place for layer, place in whole.pins.items() if whole.layers.index(layer) in needed},
            name=profile.graph.name,
        )  # fmt: skip
    return found


def trace(radio: str, seed: int, length: int) -> list[float]:
    """Synthetic bandwidth in bytes/s: five levels, a mean stay of 50 samples, log noise of 0.15 around them."""
    rng = random.Random(f"{radio} {seed}")
    low, high = RADIOS[radio]
    levels = [low * (high / low) ** (k / 4) for k in range(5)]
    at, samples = 2, []
    for _ in range(length):
        if rng.random() < 0.02:
            at = rng.choice([k for k in range(5) if abs(k - at) in (1, 2)])
        samples.append(min(high, max(low, levels[at] * math.exp(rng.gauss(0, 0.15)))) * MBIT)
    return samples


def latency(table: DecisionTable, choice: Choice, rate: float) -> float:
    """Seconds of a chosen plan at the bandwidth that the frame really has."""
    level, line = choice.at
    return float(table.levels[level].lines[line].value(table.t_of(rate))) / 1e9


def drive(table: DecisionTable, deadline: float, rates: list[float], policy: Callable[[int], Choice]) -> list[float]:
    """(share missed, mean accuracy of frames in time, mean accuracy counting a late frame as wrong)."""
    late, right = 0, []
    for k in range(1, len(rates)):
        choice = policy(k)
        in_time = latency(table, choice, rates[k]) <= deadline
        late += not in_time
        right.append(choice.accuracy if in_time else 0.0)
    kept = [accuracy for accuracy in right if accuracy]
    return [late / len(right), statistics.fmean(kept) if kept else 0.0, statistics.fmean(right)]


def traces(table: DecisionTable) -> list[str]:
    """The table on the last measured bandwidth, Edgent's map of states, and the table on the frame's own bandwidth."""
    rows = []
    for radio in RADIOS:
        history = trace(radio, 0, HISTORY)
        for deadline in DEADLINES[radio]:
            total: dict[str, list[list[float]]] = {}
            for seed in range(1, TRACES + 1):
                rates = trace(radio, seed, FRAMES)

                def exact(k: int, rates: list[float] = rates, deadline: float = deadline) -> Choice:
                    return table.at(rates[k - 1], deadline) or table.fastest(rates[k - 1])

                def oracle(k: int, rates: list[float] = rates, deadline: float = deadline) -> Choice:
                    return table.at(rates[k], deadline) or table.fastest(rates[k])

                def safe(k: int, rates: list[float] = rates, deadline: float = deadline) -> Choice:
                    rate = 0.8 * rates[k - 1]
                    return table.at(rate, deadline) or table.fastest(rate)

                policies: dict[str, Callable[[int], Choice]] = {
                    "table, own bandwidth": oracle, "table, last sample": exact, "table, 0.8 of last sample": safe,
                }  # fmt: skip
                for count in (5, 20):
                    follow = StateMap(table, deadline, states(history, count))

                    def mapped(k: int, follow: StateMap = follow, rates: list[float] = rates) -> Choice:
                        return follow.choose(rates[k - 1])

                    policies[f"edgent-dynamic, {count} states"] = mapped
                for name, policy in policies.items():
                    total.setdefault(name, []).append(drive(table, deadline, rates, policy))
            for name, found in total.items():
                missed, kept, right = (statistics.fmean(column) for column in zip(*found, strict=True))
                rows.append([
                    radio, f"{1e3 * deadline:.0f}", name, f"{100 * missed:.2f}", f"{kept:.4f}", f"{right:.4f}"
                ])  # fmt: skip
                print(rows[-1], flush=True)
    return [
        "\n## On bandwidth traces (synthetic, seeded)\n",
        f"{FRAMES - 1} frames on each of {TRACES} traces; states are quantiles of another. Where no exit is in time "
        f"the fastest plan runs. The device is so slow that the whole network takes {ALONE:g} s on it. Each state of "
        "the map keeps the plan that is optimal at that state, which is kinder to the baseline than its own search. "
        "Late frames count as wrong in the last column.\n",
        markdown(["radio", "deadline ms", "policy", "late %", "accuracy in time", "accuracy"], rows),
    ]


def lookups(exits: dict[str, tuple[float, osp.Partition]]) -> tuple[DecisionTable, list[str]]:
    """Seconds to build the table, microseconds of a lookup, and what one solve of one exit takes in the same run."""
    builds = []
    for _ in range(5):
        start = time.perf_counter()
        table = decision_table(exits)
        builds.append(time.perf_counter() - start)
    rng = random.Random(0)
    asked = [(10 ** rng.uniform(4, 7), 10 ** rng.uniform(-3, 0)) for _ in range(20_000)]
    start = time.perf_counter()
    answers = [table.at(rate, deadline) for rate, deadline in asked]
    each = (time.perf_counter() - start) / len(asked)
    start = time.perf_counter()
    for _, smaller in exits.values():
        osp.solve(smaller)
    solve = (time.perf_counter() - start) / len(exits)
    plans = sum(len(level.lines) for level in table.levels)
    none = sum(answer is None for answer in answers)
    text = (
        f"Five exits, {plans} plans over {table.rate_of(table.high):.0f} to {table.rate_of(table.low):.3g} bytes/s: "
        f"built in {1e3 * statistics.median(builds):.1f} ms. A lookup takes {1e6 * each:.2f} us over {len(asked)} "
        f"random points ({none} of them met by no exit); one solve of one exit at one bandwidth takes "
        f"{1e3 * solve:.2f} ms, {solve / each:.0f} times as long.\n"
    )
    return table, ["\n## The (bandwidth, deadline) table\n", text]


def main() -> None:
    names = sys.argv[1:] or instances()
    body = [
        f"Measured times x {LOADS}, power of {POWER.name}. Every front marked complete is proven: all nondominated "
        "points, supported or not.\n"
    ]
    for metrics in (*PAIRS, TRIPLE):
        body += sizes(names, metrics)
    table, text = lookups(five_exits())
    body += text
    body += traces(table)
    print(page("fronts", "Fronts and the table for run time", "\n".join(body)))


if __name__ == "__main__":
    main()
