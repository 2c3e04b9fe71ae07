"""Where to cut every reference network: exact cuts against the published heuristics, over links and device classes.

First table: every network at both grains on four links, minimum cut and MILP with equal objectives. Then, for each
device class, the pattern: all local, all remote or in between; and what Neurosurgeon's prefixes lose on DAGs.
"""

from __future__ import annotations

import time
from collections import Counter

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.baselines.neurosurgeon import inputs, prefix

BASELINES = ("neurosurgeon", "dads-light", "device-only", "server-only")
LINKS = ("cat1", "3g", "4g", "wifi")
# factors on the measured CPU times; stand-ins, since no phone and no GPU was measured
CLASSES = {
    "phone CPU, CPU server": {"device": 12.0, "server": 1.0},
    "phone CPU, GPU server": {"device": 12.0, "server": 0.1},
    "phone GPU, GPU server": {"device": 2.0, "server": 0.1},
}


# Neurosurgeon's table of chosen cuts (Kang et al., ASPLOS 2017): "input" = all remote, "argmax" = all local
PUBLISHED_NETWORKS = ("alexnet", "vgg19", "deepface", "lenet", "kaldi", "senna_pos", "senna_ner", "senna_chk")
PUBLISHED = {
    ("latency", "CPU", "wifi"): "input input input input input",
    ("latency", "CPU", "lte"): "input input input argmax input",
    ("latency", "CPU", "3g"): "argmax input input argmax input",
    ("latency", "GPU", "wifi"): "pool5 input input argmax input",
    ("latency", "GPU", "lte"): "argmax argmax input argmax input",
    ("latency", "GPU", "3g"): "argmax argmax argmax argmax input",
    ("energy", "CPU", "wifi"): "input input input input input",
    ("energy", "CPU", "lte"): "input input input input input",
    ("energy", "CPU", "3g"): "input input input argmax input",
    ("energy", "GPU", "wifi"): "input input input argmax input",
    ("energy", "GPU", "lte"): "pool5 input input argmax input",
    ("energy", "GPU", "3g"): "argmax argmax input argmax input",
}
# stand-ins for a Jetson TK1's CPU and GPU and a K40, whose layer times are not published
PUBLISHED_LOAD = {"CPU": {"device": 20.0, "server": 0.25}, "GPU": {"device": 3.0, "server": 0.25}}


def kind(problem: osp.Partition, plan: osp.PartitionPlan) -> str:
    """ "local", "remote" or "split", counting only layers that are not pinned."""
    places = {place for layer, place in plan.assignment.items() if layer not in problem.pins}
    return "split" if len(places) > 1 else {"device": "local", "server": "remote"}[places.pop()]


def cut(problem: osp.Partition, plan: osp.PartitionPlan) -> str:
    """The cut in the paper's words: "input", "argmax", or the last layer at the device."""
    which = kind(problem, plan)
    if which != "split":
        return {"local": "argmax", "remote": "input"}[which]
    return [layer for layer in problem.layers if plan.assignment[layer] == "device"][-1]


def published(profiles: dict[str, osp.Profile]) -> list[str]:
    """Neurosurgeon's table beside ours: chains, so its own search is exact up to the way back and idle energy."""
    rows, same, near, count = [], 0, 0, 0
    for (metric, device, link), text in PUBLISHED.items():
        theirs = [*text.split(), "argmax", "argmax", "argmax"]
        row: list[object] = [metric, device, link]
        for name, expected in zip(PUBLISHED_NETWORKS, theirs, strict=True):
            problem = osp.Partition.from_profile(
                profiles[f"{name}.modules"], osp.links[link], minimize=metric, load=PUBLISHED_LOAD[device],
                device=osp.devices["odroid-xu4"],
            )  # fmt: skip
            best, heuristic = osp.solve(problem), osp.solve(problem, "neurosurgeon")
            ours = cut(problem, best.plan)
            count += 1
            same += ours == expected
            near += heuristic.objective == best.objective
            row.append(ours if ours == expected else f"{ours} ({expected})")
        rows.append(row)
    return [
        "\n## Neurosurgeon's published pattern\n",
        f"Optimal cuts here, in brackets the published one where it differs. Measured times x {PUBLISHED_LOAD}, "
        "float32 inputs of our reference networks, ODROID-XU4 power: the published layer times, input encodings and "
        f"powers are not known. Equal cuts: {same} of {count}; "
        f"Neurosurgeon's own choice is optimal on {near} of {count}.\n",
        markdown(["metric", "device", "link", *PUBLISHED_NETWORKS], rows),
    ]


def best_prefix(problem: osp.Partition) -> int:
    """The best cut that is a prefix of the topological order, by the problem's own prices.

    What it loses against the optimum is the price of cutting once along that order, which branches make worse and a way
    back to the device could mend; what Neurosurgeon loses beyond it is the price of its formula, which charges neither
    the way back of the result nor idle energy.
    """
    costs = problem.costs(problem.objectives[0])
    return min(problem.price(prefix(problem, j), costs) for j in range(inputs(problem), len(problem.layers) + 1))


def main() -> None:
    files = sorted(INSTANCES.glob("*.json.gz"))
    profiles = {path.name.removesuffix(".json.gz"): osp.Profile.load(path) for path in files}
    body = ["## Minimum cut and MILP, phone CPU and CPU server\n"]
    rows, unequal, proven = [], 0, 0
    for name, profile in profiles.items():
        for link in LINKS:
            problem = osp.Partition.from_profile(profile, osp.links[link], load=CLASSES["phone CPU, CPU server"])
            cut, milp = osp.solve(problem, "mincut"), osp.solve(problem, "milp", time_limit=60)
            unequal += cut.objective != milp.objective
            proven += milp.status is osp.Status.OPTIMAL
            rows.append([
                name, len(problem.layers), link, f"{cut.objective / 1e6:.3f}", "=" if cut.objective == milp.objective
                else f"{milp.objective}", milp.status.value, f"{milp.gap:.1e}", kind(problem, cut.plan),
                f"{cut.build_seconds * 1e3 + cut.solve_seconds * 1e3:.2f}",
                f"{milp.build_seconds * 1e3 + milp.solve_seconds * 1e3:.0f}",
            ])  # fmt: skip
    body.append(f"{len(rows)} problems; objectives differ on {unequal}; the MILP's own bound closes {proven}.\n")
    body.append(markdown(
        ["network.grain", "layers", "link", "latency ms", "milp", "milp status", "gap", "plan", "cut ms", "milp ms"],
        rows,
    ))  # fmt: skip
    body += patterns(profiles)
    body += published(profiles)
    print(page("zoo", "Where to cut every reference network", "\n".join(body)))


def patterns(profiles: dict[str, osp.Profile]) -> list[str]:
    """For each class of device: the kind of the optimal plan, and the loss of each baseline."""
    out = []
    for title, load in CLASSES.items():
        rows = []
        kinds: Counter[str] = Counter()
        worst: dict[str, tuple[float, str]] = {}
        losses: dict[str, list[float]] = {}
        start = time.perf_counter()
        for name, profile in profiles.items():
            if not name.endswith(".operations"):
                continue
            row: list[object] = [name.removesuffix(".operations")]
            for link in LINKS:
                problem = osp.Partition.from_profile(profile, osp.links[link], load=load)
                best = osp.solve(problem)
                kinds[kind(problem, best.plan)] += 1
                values = {m: osp.solve(problem, m).objective for m in BASELINES}
                values["best prefix"] = best_prefix(problem)
                loss = {method: 100 * (value / best.objective - 1) for method, value in values.items()}
                for method, percent in loss.items():
                    losses.setdefault(method, []).append(percent)
                    if percent > worst.get(method, (-1.0, ""))[0]:
                        worst[method] = percent, f"{row[0]} on {link}"
                mark = f" (+{loss['neurosurgeon']:.1f} %)" if loss["neurosurgeon"] > 0.005 else ""
                row.append(kind(problem, best.plan) + mark)
            rows.append(row)
        out.append(f"\n## Pattern: {title} (measured times x {load})\n")
        out.append(
            "The optimal plan on each link; in brackets what Neurosurgeon's choice loses. `best prefix` is the best "
            "cut of the topological order at true prices: its loss is that of cutting once, one way.\n"
        )
        out.append(markdown(["network", *LINKS], rows))
        out.append(f"Optimal plans: {dict(kinds)}; {time.perf_counter() - start:.1f} s for all.\n")
        out.append(markdown(
            ["baseline", "optimal on", "mean loss %", "largest loss %", "where"],
            [[m, f"{sum(v < 1e-9 for v in vs)} of {len(vs)}", f"{sum(vs) / len(vs):.2f}", f"{worst[m][0]:.1f}",
              worst[m][1]] for m, vs in losses.items()],
        ))  # fmt: skip
    return out


if __name__ == "__main__":
    main()
