"""Claims of DADS and of QDMP, which cut networks with branches by minimum cuts."""

from __future__ import annotations

import functools
import statistics
from itertools import pairwise

import numpy as np

import optsplit as osp
from benchmarks.claims.networks import above, least, ms, names, objective, partition, partitions, profile
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, unchecked, witness
from benchmarks.zoo import CLASSES, LINKS
from optsplit import Metric, Partition
from optsplit.cli import places

ABSTRACT = "abstract of DADS"
QDMP = "abstract of QDMP"


def _light(problem: Partition) -> Measured:
    best, found = objective(problem), objective(problem, "dads-light")
    return Measured(best, found, f"the printed cut {ms(found)}, optimum {ms(best)}")


LIGHT = witness(
    "dads-light", "GoogLeNet on a phone over 4G: the printed graph sends all to the cloud, for it uploads no input",
    lambda: partition("googlenet", "4g"), _light,
)  # fmt: skip


@claim("dads", "dads-light", "DSL's minimum cut gives the globally optimal partition.", ABSTRACT)
def light() -> Finding:
    """The printed graph's cut at full prices, over all networks, links and device classes."""
    losses = [
        (above(objective(problem, "dads-light"), least(name, link, device)), f"{name} over {link}")
        for device in CLASSES
        for name, link, problem in partitions(device)
    ]
    missed = [loss for loss in losses if loss[0] > 0]
    middle = statistics.median(loss for loss, _ in losses)
    text = f"optimal on {len(losses) - len(missed)} of {len(losses)}, median loss {middle:.0f} %"
    note = "As printed the input is not pinned, so all in the cloud uploads nothing, and data come back for nothing."
    return judged(not missed, text, LIGHT, note)


@claim("dads", "min-cut", "With the input pinned and both directions priced, a minimum cut is optimal.",
       "what the abstract of DADS means", Said.OTHERS)  # fmt: skip
def repaired() -> Finding:
    """The cut against the MILP's proven optimum, on all networks over 3G and Wi-Fi."""
    equal = count = 0
    for name in names():
        for link in ("3g", "wifi"):
            milp = osp.solve(partition(name, link), "milp", time_limit=20)
            count += milp.status is osp.Status.OPTIMAL
            equal += objective(partition(name, link), "mincut") == milp.objective
    text = f"equal on {equal} of {2 * len(names())}, {count} of them proven by the MILP alone"
    return confirmed(text) if equal == 2 * len(names()) else in_shape(text, "A theorem: a defect here.")


def relaxed(problem: Partition) -> float:
    """The linear relaxation of the cut, written down once more and solved by SciPy.

    x_v is the share of layer v at the server; y >= x_v - x_u and y >= x_u - x_v are paid up and down, once a tensor.
    """
    from scipy.optimize import linprog  # of the extra "bench"
    from scipy.sparse import coo_array

    costs = problem.costs(problem.objectives[0])
    n, up, down = len(problem.layers), costs.crossing(0, 1), costs.crossing(1, 0)
    tensors = len(problem.tensors)
    rows: list[tuple[int, int, int]] = []  # y, plus, minus: plus - minus <= y; -1 is the result's reader at the device
    ends = set(problem.outputs) if problem.result_place == 0 else set()
    for t, (u, readers) in enumerate(problem.tensors):
        for v in [*readers, *([-1] if t in ends else [])]:
            rows += [(n + t, v, u), (n + tensors + t, u, v)]
    data, at, to = [], [], []
    for i, (y, plus, minus) in enumerate(rows):
        for variable, sign in ((plus, 1.0), (minus, -1.0), (y, -1.0)):
            if variable >= 0:
                data.append(sign)
                at.append(i)
                to.append(variable)

    matrix = coo_array((data, (at, to)), shape=(len(rows), n + 2 * tensors))
    here, there = costs.compute[:, 0].astype(float), costs.compute[:, 1].astype(float)
    bounds = [(float(max(0, p)), float(p if p >= 0 else 1)) for p in problem.fixed.tolist()]
    found = linprog(
        np.concatenate([there - here, up, down]), A_ub=matrix.tocsr(), b_ub=np.zeros(len(rows)),
        bounds=[*bounds, *[(0.0, None)] * (2 * tensors)], method="highs",
    )  # fmt: skip
    return float(found.fun + here.sum())


@claim("dads", "relaxation", "The linear relaxation of the cut is integral (total unimodularity).",
       "theory of network matrices; why DADS's problem is polynomial", Said.OTHERS)  # fmt: skip
def integral() -> Finding:
    """The relaxation, solved by SciPy, against the cut: all networks over four links."""
    gaps = [abs(relaxed(problem) / least(name, link) - 1) for name, link, problem in partitions()]
    text = f"{len(gaps)} problems, largest relative difference {max(gaps):.1e} (floats)"
    return confirmed(text) if max(gaps) < 1e-9 else in_shape(text, "differences above the solver's tolerance")


# --- heavy load -------------------------------------------------------------------------------------------------------


@functools.cache
def stream(name: str, link: str, device: str = "phone CPU, CPU server") -> Partition:
    """Least period: the largest of the busy times of device, links and server."""
    problem = partition(name, link, device)
    return problem.but(minimize=places.busy(problem))


def summed(problem: Partition) -> Partition:
    """Least sum of the stages, on the true graph."""
    parts = [problem.costs(name) for name in problem.objectives]
    compute, transfer = sum(part.compute for part in parts), sum(part.transfer for part in parts)
    here, there = problem.places
    ways = {(here, there): transfer[0, 1], (there, here): transfer[1, 0]}
    return problem.but(metrics={"sum": Metric(compute, ways)}, minimize="sum")


def _three_times(problem: Partition) -> Measured:
    best, found = objective(problem), objective(problem, "dads-heavy")
    words = f"largest stage {found} of its best cut, {best} of the optimum, three times that is {3 * best}"
    return Measured(3 * best, found, words)


def free_pooling() -> Partition:
    """By the printed graph, whatever the weights, pooling in the cloud costs nothing: it uploads no input."""
    metrics = {
        "edge_busy": Metric([[0, 0], [1, 0], [100, 0]]),
        "link_busy": Metric([[0, 0]] * 3, {("edge", "cloud"): [100, 1, 0]}),
        "cloud_busy": Metric([[0, 0], [0, 0], [0, 1]]),
    }
    return Partition(
        ["input", "pooling", "head"], [(0, 1), (1, 2)], ("edge", "cloud"), metrics, minimize=tuple(metrics),
        pins={"input": "edge"}, result_at=None, name="free pooling",
    )  # fmt: skip


HEAVY = witness(
    "dads-heavy-three",
    "pooling (1 ns at the edge, 0 in the cloud) makes 100 ns of input 1 ns of data; the head takes 100 ns and 1 ns",
    free_pooling, _three_times,
)  # fmt: skip


@claim("dads", "dads-heavy-three", "DSH's throughput is within 3 times the best (approximation ratio 3).", ABSTRACT)
def three() -> Finding:
    """An instance of two layers; and one cut of the true graph with weights of 1 on all networks, 4G and Wi-Fi."""
    ratios = []
    for name in names():
        for link in ("4g", "wifi"):
            problem = stream(name, link)
            plan = osp.solve(summed(problem), "mincut").plan
            ratios.append(problem.evaluate(plan).objective / objective(problem))
    text = f"{_three_times(free_pooling()).words}; the true graph's: at most {max(ratios):.2f} times on {len(ratios)}"
    note = (
        "Holds of the true graph: its least sum is at most the sum of the best plan's stages. As printed at no weights."
    )
    return judged(not _three_times(free_pooling()).refutes and max(ratios) <= 3, text, HEAVY, note)


@claim("dads", "dads-heavy-optimal", "DSH's reweighed cuts come near the best throughput.", ABSTRACT)
def heavy() -> Finding:
    """Its grid (powers of two from 1/256 to 256: the paper's is not printed) against the exact least period."""
    found = []
    for name in names():
        for link in ("4g", "wifi"):
            problem = stream(name, link)
            found.append((objective(problem, "dads-heavy") / objective(problem), f"{name} over {link}"))
    optimal = sum(x == 1 for x, _ in found)
    text = (
        f"optimal on {optimal} of {len(found)}, mean ratio {statistics.mean(x for x, _ in found):.3f}, largest "
        f"{max(found)[0]:.2f} ({max(found)[1]})"
    )
    return confirmed(text) if optimal == len(found) else in_shape(text, "Near is not said how near; the grid is ours.")


@claim("dads", "dads-data", "Data of some intermediate layers are significantly smaller than the raw input.", ABSTRACT)
def data() -> Finding:
    """Smallest tensor with a tenth of the time before it and behind it, over the input; networks of images."""
    shares = {}
    for name in names():
        one = profile(name)
        graph, seconds = one.graph, one.timings["device"].seconds
        if len(graph.tensors[0].shape) != 4 or sum(layer.kind == "input" for layer in graph.layers) > 1:
            continue
        whole = sum(seconds)
        inner = [
            t.bytes for t in graph.tensors
            if whole / 10 <= sum(seconds[: t.source + 1]) <= 9 * whole / 10 and not graph.layers[t.source].free
        ]  # fmt: skip
        shares[name] = min(inner) / graph.tensors[0].bytes
    small = [name for name, share in shares.items() if share <= 0.5]
    text = (
        f"at most half of the input on {len(small)} of {len(shares)}; median {statistics.median(shares.values()):.2f}"
    )
    if len(small) == len(shares):
        return confirmed(text)
    return in_shape(
        text, f"Not on {', '.join(sorted(set(shares) - set(small)))}. One branch's tensor, not a whole cut."
    )


@claim("dads", "dads-latency", "Latency 1.91-6.45x against edge only, 1.35-8.08x against cloud only.",
       "abstract (the largest), evaluation (the ranges)")  # fmt: skip
def latency() -> Finding:
    """Both ratios of the optimum on all networks over four links, device twelve times as slow."""
    edge, cloud = [], []
    for name, link, problem in partitions():
        best = least(name, link)
        edge.append(objective(problem, "device-only") / best)
        cloud.append(objective(problem, "server-only") / best)
    text = (
        f"{len(edge)} problems: {min(edge):.2f}-{max(edge):.2f}x and {min(cloud):.2f}-{max(cloud):.0f}x, medians "
        f"{statistics.median(edge):.2f}x and {statistics.median(cloud):.2f}x"
    )
    if min(edge) < 1 or min(cloud) < 1:
        return unchecked("Its own optimum is slower than a trivial plan here.", text)
    return in_shape(text, "Never slower than either; its layer times are not published, so the factors are ours.")


@claim("dads", "dads-resnet", "ResNet-18 against edge only: CAT1 1.46x, 3G 4.14x, 4G 7.23x, Wi-Fi 8.32x.",
       "evaluation")  # fmt: skip
def resnet() -> Finding:
    """Gains of the optimum in throughput and latency on ResNet-18, for device factors 2^0 .. 2^10."""
    printed = (1.46, 4.14, 7.23, 8.32)
    best: tuple[float, str] = (float("inf"), "")
    rising = True
    for kind in ("latency", "throughput"):
        for k in range(11):
            gains = []
            for link in LINKS:
                problem = Partition.from_profile(profile("resnet18"), osp.links[link], load={"device": 2.0**k})
                if kind == "throughput":
                    problem = problem.but(minimize=places.busy(problem))
                gains.append(objective(problem, "device-only") / objective(problem))
            rising &= all(a <= b for a, b in pairwise(gains))
            error = max(abs(gain / value - 1) for gain, value in zip(gains, printed, strict=True))
            best = min(best, (error, f"{kind}, factor {2**k}: {', '.join(f'{gain:.2f}' for gain in gains)}"))
    text = f"nearest is {best[1]} (off by {100 * best[0]:.0f} % at most)"
    if best[0] < 0.1:
        return confirmed(text)
    note = "More bandwidth, more gain; but float32 tensors at these rates give the four factors at no device speed."
    return in_shape(text, note) if rising else unchecked("The gains do not even rise here.", text)


@claim("dads", "dads-figures", "Throughput up to 8.31x against edge only, 14.01x against cloud only.", ABSTRACT)
def throughput() -> Finding:
    """Both ratios of the least period, all networks, 4G and Wi-Fi; and the printed figures among themselves."""
    edge, cloud = [], []
    for name in names():
        for link in ("4g", "wifi"):
            problem = stream(name, link)
            best = objective(problem)
            edge.append(objective(problem, "device-only") / best)
            cloud.append(objective(problem, "server-only") / best)
    middle = f"{statistics.median(edge):.2f}x, {statistics.median(cloud):.2f}x"
    text = f"at most {max(edge):.2f}x and {max(cloud):.2f}x, medians {middle}"
    note = (
        "Other hardware. ResNet-18's printed 8.32x is above the largest printed latency gain (6.45x), so it can only "
        "be a throughput, whose largest is printed as 8.31x."
    )
    return in_shape(text, note) if min(edge) >= 1 and min(cloud) >= 1 else unchecked(note, text)
