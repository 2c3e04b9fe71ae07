"""How time and memory grow with the number of layers, on synthetic networks shaped like real ones.

Three shapes: a chain of blocks with skip connections (ResNet), dense blocks in which a layer reads all before it in
the block (DenseNet), parallel branches that join (Inception). Each size runs in a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import time

import psutil

import optsplit as osp
from benchmarks.ledger import markdown, page

SHAPES = ("residual", "dense", "branches")
SIZES = (100, 316, 1000, 3162, 10_000, 31_623, 100_000)


def edges(shape: str, n: int) -> list[tuple[int, int]]:
    """Readers of each layer, in topological order; blocks of 12 layers."""
    found = {(i, i + 1) for i in range(n - 1)}
    for start in range(0, n - 12, 12):
        block = range(start, start + 12)
        if shape == "residual":
            found |= {(block[0], block[5]), (block[6], block[11])}
        elif shape == "dense":
            found |= {(u, v) for u in block[::2] for v in block[1::2] if u < v}
        else:
            found -= {(block[3], block[4]), (block[6], block[7]), (block[9], block[10])}
            found |= {(block[0], block[k]) for k in (4, 7, 10)} | {(block[k], block[11]) for k in (3, 6, 9)}
    return sorted(found)


def problem(shape: str, n: int, seed: int = 0) -> osp.Partition:
    """Layers of 0.1 to 10 ms on the device and a tenth of that on the server; tensors shrink along the network."""
    rng = random.Random(seed)
    device = [rng.randint(10**5, 10**7) for _ in range(n)]
    size = [int(rng.choice((1, 2, 4)) * 10**5 * (1 - 0.9 * i / n)) for i in range(n)]
    # the bandwidth grows with the network, so that a cut stays worth while at every size
    transfer = [s * 1000 * n // 1000 for s in size]
    arcs = {("device", "server"): transfer, ("server", "device"): transfer}
    return osp.Partition(
        [f"layer{i}" for i in range(n)],
        edges(shape, n),
        metrics={"latency": osp.Metric([[d, d // 10] for d in device], arcs)},
        pins={"layer0": "device"},
    )


def one(shape: str, n: int) -> dict[str, float]:
    """Seconds and peak bytes of one size, in this process."""
    process = psutil.Process()
    osp.solve(problem(shape, 50))  # imports and warms up
    before = process.memory_info().rss
    start = time.perf_counter()
    built = problem(shape, n)
    build = time.perf_counter() - start
    solve = []
    for _ in range(3):
        start = time.perf_counter()
        result = osp.solve(built, "mincut").require_optimal()
        solve.append(time.perf_counter() - start)
    start = time.perf_counter()
    envelope = osp.envelope(built)
    whole = time.perf_counter() - start
    here = sum(place == "device" for place in result.plan.assignment.values())
    return {
        "build": build, "solve": min(solve), "envelope": whole, "plans": len(envelope.segments), "here": here,
        "bytes": process.memory_info().rss - before,
    }  # fmt: skip


def exponent(sizes: list[int], values: list[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    x, y = [math.log(s) for s in sizes], [math.log(v) for v in values]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]))))
        return
    rows, slopes = [], []
    for shape in SHAPES:
        found = []
        for n in SIZES:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.growth", "--one", shape, str(n)],
                capture_output=True,
                text=True,
                check=True,
            )
            r = json.loads(done.stdout)
            found.append(r)
            rows.append([
                shape, n, f"{r['build'] * 1e3:.1f}", f"{r['solve'] * 1e3:.2f}", f"{r['envelope'] * 1e3:.1f}",
                r["plans"], r["here"], f"{r['bytes'] / 2**20:.1f}",
            ])  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)
        large = [i for i, n in enumerate(SIZES) if n >= 1000]
        slopes.append([shape, *(
            f"{exponent([SIZES[i] for i in large], [found[i][key] for i in large]):.2f}"
            for key in ("build", "solve", "envelope", "bytes")
        )])  # fmt: skip
    body = markdown(
        ["shape", "layers", "build ms", "solve ms", "envelope ms", "plans", "layers here", "memory MiB"], rows
    )
    body += "\nExponents of growth from 1,000 layers on (least squares of the logarithms):\n\n"
    body += markdown(["shape", "build", "solve", "envelope", "memory"], slopes)
    print(page("growth", "How time and memory grow with the number of layers", body))


if __name__ == "__main__":
    main()
