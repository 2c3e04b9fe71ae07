"""Seeded generators of small and middling problems in which a heuristic's assumption is kept, or broken."""

from __future__ import annotations

import random
from collections.abc import Sequence

import optsplit as osp

MS = 10**6
PLACES = ("device", "server")
SYNTHETIC = "drawn: benchmarks.families.drawn, seed in the name"
"""The source of what is drawn here, as the index says it."""


def chain(rng: random.Random, count: int, falling: bool = True) -> osp.Partition:
    """A chain. `falling`: tensors shrink on the way, as Neurosurgeon expects; else they grow and shrink at random."""
    sizes = [60.0]
    for _ in range(count - 1):
        sizes.append(sizes[-1] * (rng.uniform(0.7, 1.0) if falling else rng.choice([0.4, 0.7, 1.0, 1.5, 2.2])))
    return _network(rng, [(i, (i + 1,)) for i in range(count - 1)] + [(count - 1, ())], count, sizes)


def fork_join(rng: random.Random, blocks: int, heavy: bool = False) -> osp.Partition:
    """Blocks of two to four branches that join again; a cut may pass through each branch at another depth.

    `heavy`: the tensors between blocks are the large ones, so that no prefix of the order cuts cheaply.
    """
    readers: list[list[int]] = [[]]
    sizes = [rng.uniform(30, 80)]
    last = 0
    for _ in range(blocks):
        ends = []
        for _ in range(rng.randint(2, 4)):
            before = last
            for _ in range(rng.randint(1, 4)):
                readers.append([])
                sizes.append(rng.uniform(1, 25))
                readers[before].append(len(readers) - 1)
                before = len(readers) - 1
            ends.append(before)
        readers.append([])
        sizes.append(rng.uniform(40, 90) if heavy else rng.uniform(5, 50))
        last = len(readers) - 1
        for end in ends:
            readers[end].append(last)
    return _network(rng, [(u, tuple(vs)) for u, vs in enumerate(readers)], len(readers), sizes)


def random_dag(rng: random.Random, count: int) -> osp.Partition:
    """Each layer reads one to three of the six before it."""
    readers: list[set[int]] = [set() for _ in range(count)]
    for v in range(1, count):
        near = range(max(0, v - 6), v)
        for u in rng.sample(near, min(len(near), rng.choice([1, 1, 2, 3]))):
            readers[u].add(v)
    sizes = [rng.choice([2.0, 8.0, 30.0, 70.0]) * rng.uniform(0.6, 1.4) for _ in range(count)]
    return _network(rng, [(u, tuple(sorted(vs))) for u, vs in enumerate(readers)], count, sizes)


def _network(
    rng: random.Random, tensors: Sequence[tuple[int, tuple[int, ...]]], count: int, sizes: Sequence[float]
) -> osp.Partition:
    """Layers of 1 to 12 ms at the device, 3 to 50 times faster at the server; `sizes` are ms on the way up.

    The server gains about what sending the first tensor costs, so that neither end wins by itself.
    """
    device = [0.0, *(rng.uniform(1, 12) for _ in range(count - 1))]
    scale = max(sizes[0], 1.0) * rng.uniform(0.8, 2.5) / sum(device)
    compute = [[round(MS * d * scale), round(MS * d * scale / rng.choice([3, 8, 20, 50])) if d else 0] for d in device]
    down = rng.choice([0.3, 1.0])
    up = [round(MS * size) for size in sizes]
    ways = {("device", "server"): up, ("server", "device"): [round(down * size) for size in up]}
    return osp.Partition(
        [f"l{v}" for v in range(count)], tensors=tensors, places=PLACES,
        metrics={"latency": osp.Metric(compute, ways)}, pins={"l0": "device"},
    )  # fmt: skip


def several(rng: random.Random) -> osp.Partition:
    """One of the above, of 8 to 40 layers."""
    draw = rng.randrange(4)
    if draw == 0:
        return chain(rng, rng.randint(8, 30), falling=rng.random() < 0.5)
    if draw == 1:
        return random_dag(rng, rng.randint(10, 40))
    return fork_join(rng, rng.randint(1, 4), heavy=draw == 3)
