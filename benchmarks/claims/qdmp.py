"""Claims of QDMP, which looks for the cut between two adjacent cut vertices."""

from __future__ import annotations

import statistics
import time

import optsplit as osp
from benchmarks.claims.networks import PHONE, names, partitions, profile
from benchmarks.claims.verdict import Finding, claim, confirmed, in_shape, unchecked
from benchmarks.zoo import CLASSES
from optsplit import Partition
from optsplit.problems.series import points

ABSTRACT = "abstract"


@claim("qdmp", "qdmp-time", "The optimal partition of hundreds of layers is found in less than 300 ms.", ABSTRACT)
def decision() -> Finding:
    """Building and solving by minimum cut, wall time on this machine, networks of a hundred layers and more."""
    slowest, count = (0.0, "", 0), 0
    for name, link, problem in partitions():
        if len(problem.layers) >= 100:
            start = time.perf_counter()
            fresh = Partition.from_profile(profile(name), osp.links[link], load=PHONE)
            osp.solve(fresh, "mincut").require_optimal()
            count += 1
            slowest = max(slowest, (time.perf_counter() - start, name, len(fresh.layers)))
    text = f"{count} problems, the slowest {1e3 * slowest[0]:.1f} ms ({slowest[1]}, {slowest[2]} layers)"
    note = "Our cut, not their two stages, and a server's processor; what the claim needs is that it can be done."
    return confirmed(text, note) if slowest[0] < 0.3 else in_shape(text, note)


@claim("qdmp", "qdmp-faster", "Up to 66.3x faster than the state of the art.", ABSTRACT)
def faster() -> Finding:
    """Nothing is run."""
    why = "What it was compared with is not known to us; our cut against networkx: `python -m benchmarks.speed`."
    return unchecked(why)


def _spans(problem: Partition, at: list[int]) -> int:
    """How many of the stretches between adjacent cut vertices a plan changes place in."""
    position = {v: k for k, v in enumerate(problem.order)}
    ends = sorted(position[v] for v in points(problem))
    stretches = set()
    for u, readers in problem.tensors:
        for v in readers:
            if at[u] != at[v]:
                stretches.add(sum(end < position[v] for end in ends))
    return len(stretches)


@claim("qdmp", "qdmp-blocks", "The optimal partition lies between two adjacent cut vertices.", ABSTRACT)
def blocks() -> Finding:
    """In how many stretches between cut vertices the best one-way plan changes place, and the best plan at all."""
    one, two, count = 0, [], 0
    for device in CLASSES:
        for name, link, problem in partitions(device):
            count += 1
            asked = problem.but(one_way=True)
            one += _spans(asked, asked.positions(osp.solve(asked).plan).tolist()) <= 1
            if _spans(problem, problem.positions(osp.solve(problem).plan).tolist()) > 1:
                two.append(f"{name} over {link}")
    text = f"one way: {one} of {count}; when plans may come back: all but {len(two)}"
    if one == count and not two:
        return confirmed(text)
    if one == count:
        return in_shape(
            text, f"Holds one way, as it is meant. Coming back takes a second stretch: {', '.join(two[:3])}."
        )
    return in_shape(text, "A theorem one way: a defect here.")


@claim("qdmp", "qdmp-sums", "The latency of a series of layers is not the sum of the layers' latencies.", ABSTRACT)
def sums() -> Finding:
    """Sum of measured layers over the measured whole, every profile, both grains, both numbers of threads."""
    ratios = [
        (timing.ratio, f"{name}.{grain} at {place}")
        for name in names()
        for grain in ("modules", "operations")
        for place, timing in profile(name, grain).timings.items()
        if timing.ratio is not None
    ]
    off = [ratio for ratio, _ in ratios if abs(ratio - 1) > 0.05]
    text = (
        f"sum / whole from {min(ratios)[0]:.2f} ({min(ratios)[1]}) to {max(ratios)[0]:.2f} ({max(ratios)[1]}), median "
        f"{statistics.median(r for r, _ in ratios):.2f}; off by more than 5 % on {len(off)} of {len(ratios)}"
    )
    note = "Measured without fusion (plain torch): runtimes that fuse differ by more."
    return confirmed(text, note) if off else in_shape(text, note)
