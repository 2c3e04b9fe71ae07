"""Exits and precisions: exact methods against Edgent and DynO, and jointly against one after the other.

    python -m benchmarks.exits [PROFILE]

PROFILE is a trained branchy network with its exits and packings (default: the digits network of these instances). Its
packings also stand in for those of the reference networks, which have none: bytes by its mean ratio at each width,
seconds by its mean speed, accuracy drops drawn from its own with a fixed seed.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.profiling.quality import ExitTable, Packing

LINKS = ("cat1", "3g", "4g", "wifi")
LOADS = {"phone": {"device": 12.0}, "camera": {"device": 40.0}, "sensor": {"device": 150.0}}
FACTORS = (1.0, 1.02, 1.05, 1.1, 1.2, 1.4, 2.0)
WIDTHS = (32, 16, 8, 4, 2)
DROPS = (0.0, 0.002, 0.01, 0.05)
TRAINED = INSTANCES / "branchy-digits.modules.json.gz"
LIMIT = 20.0


def branchy(trained: osp.Profile) -> dict[str, osp.Profile]:
    """The trained network, and the reference ones with exits; theirs are assumed to be as accurate as the first."""
    found = {trained.graph.name: trained}
    table = trained.exits
    assert table is not None
    for name in ("branchy_alexnet_3", "branchy_alexnet_5"):
        for grain in ("modules", "operations"):
            profile = osp.Profile.load(INSTANCES / f"{name}.{grain}.json.gz")
            source = {tensor.name: tensor.source for tensor in profile.graph.tensors}
            layers = tuple(profile.graph.layers[source[output]].name for output in profile.graph.outputs)
            accuracy = (*table.accuracy[: len(layers) - 1], table.accuracy[-1])
            found[f"{name}.{grain}"] = replace(profile, exits=ExitTable(layers, accuracy), packings={})
    return found


def deadlines(problem: osp.Partition) -> list[float]:
    """From the least latency of any exit to three times as much, and just enough for the most accurate exit."""
    least = osp.solve(problem.but(minimize="latency", limits={})).require_optimal().objective
    best = osp.solve(problem.but(maximize="accuracy", limits={})).require_optimal().objective
    enough = osp.solve(problem.but(minimize="latency", limits={"error": best})).require_optimal().objective
    return sorted({int(least * factor) for factor in FACTORS} | {enough})


def against_edgent(profiles: dict[str, osp.Profile]) -> list[str]:
    """For every network, link, load and deadline: the accuracy of each method's exit."""
    rows: list[list[object]] = []
    for name, profile in profiles.items():
        lost: dict[str, list[float]] = {"edgent": [], "edgent-repaired": []}
        none = dict.fromkeys(lost, 0)
        count, seconds = 0, []
        for link in LINKS:
            for load in LOADS.values():
                problem = osp.Partition.from_profile(profile, osp.links[link], exits="one", load=load)
                for deadline in deadlines(problem):
                    asked = problem.but(maximize="accuracy", limits={"latency": deadline})
                    start = time.perf_counter()
                    best = osp.solve(asked).require_optimal()
                    seconds.append(time.perf_counter() - start)
                    count += 1
                    for method, losses in lost.items():
                        found = osp.solve(asked, method)
                        if found.plan is None:
                            none[method] += 1
                        else:
                            losses.append((found.objective - best.objective) / 1e4)
        for method, losses in lost.items():
            missed = [loss for loss in losses if loss > 0]
            rows.append([
                name, method, count, len(losses) - len(missed), len(missed),
                f"{statistics.mean(missed):.2f}" if missed else "-", f"{max(missed, default=0):.2f}", none[method],
                f"{1e3 * statistics.median(seconds):.1f}",
            ])  # fmt: skip
    devices = ", ".join(f"{name} (times {load['device']:g})" for name, load in LOADS.items())
    return [
        "## The most accurate exit under a deadline\n",
        f"Links {', '.join(LINKS)}; devices "
        f"{devices}; deadlines from the least "
        f"latency that any exit has to {FACTORS[-1]:g} times as much. Every problem has a plan. "
        "Lost accuracy in points, where a plan was found.\n",
        markdown(
            ["network", "baseline", "problems", "optimal", "less accurate", "mean points", "largest points",
             "no plan", "exact, median ms"], rows,
        ),
    ]  # fmt: skip


def packed(profile: osp.Profile, trained: osp.Profile, seed: int) -> osp.Profile:
    """A profile with packings as the trained network's: see the module."""
    rng = random.Random(seed)
    size = {tensor.name: tensor.bytes for tensor in trained.graph.tensors}
    known = [
        (size[name], packing) for name, choice in trained.packings.items() for packing in choice if size[name] > 4096
    ]
    by_width = {width: [(n, p) for n, p in known if p.bits == width] for width in WIDTHS[1:]}
    packings: dict[str, tuple[Packing, ...]] = {}
    for tensor in profile.graph.tensors:
        choice = []
        for width, measured in by_width.items():
            ratio = statistics.mean(p.bytes / n for n, p in measured)
            work = [statistics.mean(min(s.values()) / n for n, p in measured if (s := getattr(p, side)))
                    for side in ("pack_seconds", "unpack_seconds")]  # fmt: skip
            pack, unpack = (dict.fromkeys(profile.places, tensor.bytes * each) for each in work)
            drop = rng.choice(measured)[1].drop
            choice.append(Packing(width, round(tensor.bytes * ratio), pack, unpack, drop))
        packings[tensor.name] = tuple(choice)
    return replace(profile, packings=packings)


def against_dyno(trained: osp.Profile) -> list[str]:
    """For every reference network, link and accuracy budget: the latency of each method's plan."""
    rows: list[list[object]] = []
    total: dict[str, list[float]] = {"dyno": [], "float32": []}
    slow = []
    for seed, path in enumerate(sorted(INSTANCES.glob("*.modules.json.gz"))):
        if path == TRAINED:
            continue
        profile = packed(osp.Profile.load(path), trained, seed)
        mine: dict[str, list[float]] = {"dyno": [], "float32": []}
        mixed, open_ = 0, 0
        for link in LINKS:
            problem = osp.Partition.from_profile(
                profile, osp.links[link], exits="none", precisions=WIDTHS, load=LOADS["phone"]
            )
            for drop in DROPS:
                asked = problem.but(at_least={"accuracy": 1 - drop})
                start = time.perf_counter()
                best = osp.solve(asked, time_limit=LIMIT)
                slow.append(time.perf_counter() - start)
                open_ += best.status is not osp.Status.OPTIMAL
                mixed += len(set(best.plan.bits.values())) > 1
                for method, losses in mine.items():
                    found = osp.solve(asked, method)
                    losses.append(100 * (found.objective / best.objective - 1))
        for method, losses in mine.items():
            total[method] += losses
        rows.append([
            path.name.removesuffix(".modules.json.gz"), len(LINKS) * len(DROPS), open_, mixed,
            *(cell for losses in mine.values() for cell in (
                    sum(loss > 1e-9 for loss in losses), f"{statistics.mean(losses):.1f}", f"{max(losses):.1f}")),
        ])  # fmt: skip
    words = "; ".join(
        f"{method} above the optimum on {sum(loss > 1e-9 for loss in losses)} of {len(losses)}, by "
        f"{statistics.mean(losses):.1f} % on average, {max(losses):.0f} % at most"
        for method, losses in total.items()
    )
    return [
        "\n## The least latency under an accuracy budget\n",
        f"Device times 12. Budgets (sum of drops) {', '.join(f'{drop:g}' for drop in DROPS)}. Packings of the "
        f"reference networks are stand-ins made from the trained one's. {words}. `open`: not proven in {LIMIT:g} s; "
        f"`mixed`: optimal plans with more than one width. Exact: {1e3 * statistics.median(slow):.0f} ms median, "
        f"{max(slow):.1f} s at most.\n",
        markdown(
            ["network", "problems", "open", "mixed", "dyno misses", "mean %", "largest %", "float32 misses", "mean %",
             "largest %"], rows,
        ),
    ]  # fmt: skip


def jointly(trained: osp.Profile) -> list[str]:
    """Exits and precisions in one model, against the exit first and then the precisions."""
    assert trained.exits is not None
    top = max(trained.exits.accuracy)
    rows = []
    for link in LINKS:
        for load, factor in LOADS.items():
            both = osp.Partition.from_profile(trained, osp.links[link], exits="one", precisions=WIDTHS, load=factor)
            plain = osp.Partition.from_profile(trained, osp.links[link], exits="one", load=factor)
            sure = osp.Partition.from_profile(
                trained, osp.links[link], exits="confidence", precisions=WIDTHS, load=factor
            )
            for share in (top - 0.05, top - 0.02, top - 0.005):
                least = {"accuracy": share}
                alone = osp.solve(plain.but(at_least=least)).require_optimal()
                fixed = both.at_exit(alone.plan.exit).but(limits={"error": round(1e6 * (1 - share))})
                after, joint = osp.solve(fixed).require_optimal(), osp.solve(both.but(at_least=least)).require_optimal()
                start = time.perf_counter()
                free = osp.solve(sure.but(at_least=least), time_limit=LIMIT)
                seconds = time.perf_counter() - start
                milliseconds = [f"{r.objective / 1e6:.3f}" for r in (alone, after, joint)]
                rows.append([
                    link, load, f"{share:.3f}", *milliseconds, f"{100 * (1 - joint.objective / after.objective):.1f}",
                    alone.plan.exit, joint.plan.exit,
                    "-" if free.objective is None else f"{free.objective / 1e6:.3f}", free.status.value,
                    f"{seconds:.1f}",
                ])  # fmt: skip
    gains = [float(row[6]) for row in rows]
    return [
        f"\n## Exit and precisions: jointly, or one after the other ({trained.graph.name})\n",
        "Least latency in ms at a least accuracy. `exit`: one exit, tensors as they are. `then bits`: precisions for "
        "that exit, with what is left of the accuracy. `joint`: one model. `confidence`: exits by confidence, "
        f"thresholds and precisions together. Joint is faster on {sum(gain > 0.05 for gain in gains)} of {len(gains)}, "
        f"by {statistics.mean(gains):.1f} % on average and {max(gains):.1f} % at most.\n",
        markdown(
            ["link", "load", "accuracy", "exit", "then bits", "joint", "gain %", "exit taken", "joint exit",
             "confidence", "status", "s"], rows,
        ),
    ]  # fmt: skip


def main() -> None:
    trained = osp.Profile.load(Path(sys.argv[1]) if len(sys.argv) > 1 else TRAINED)
    body = [*against_edgent(branchy(trained)), *against_dyno(trained), *jointly(trained)]
    print(page("exits", "Exits and precisions: exact against Edgent and DynO", "\n".join(body)))


if __name__ == "__main__":
    main()
