"""Random schedule problems, seeded: small enough to enumerate, with every feature in them."""

from __future__ import annotations

import random

from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import OBJECTIVES, Schedule

_PLACES = ("device", "edge", "cloud")


def random_job(
    rng: random.Random,
    layers: int = 4,
    places: int = 2,
    magnitude: int = 9,
    zeros: float = 0.2,
    one_way: bool = False,
    result: bool = True,
    together: bool = False,
    closed: float = 0.0,
) -> Partition:
    """A random network: layer 0 is the input; costs lie in 0..magnitude, a share `zeros` of them is 0.

    `closed` is the chance of a link to be missing, `together` pairs two layers.
    """
    names = _PLACES[:places] if places > 2 else ("device", "server")

    def cost() -> int:
        return 0 if rng.random() < zeros else rng.randint(1, magnitude)

    readers: list[set[int]] = [set() for _ in range(layers)]
    for v in range(1, layers):
        for u in rng.sample(range(v), min(v, rng.choice([1, 1, 2]))):
            readers[u].add(v)
    tensors = [(u, tuple(sorted(vs))) for u, vs in enumerate(readers)]
    if layers > 1 and rng.random() < 0.2:
        tensors.append((0, (layers - 1,)))  # a layer that writes two tensors
    arcs = [(p, q) for p in names for q in names if p != q and rng.random() >= closed]
    metric = Metric([[cost() for _ in names] for _ in range(layers)], {a: [cost() for _ in tensors] for a in arcs})
    pair = [[f"l{i}" for i in sorted(rng.sample(range(layers), 2))]] if together and layers > 1 else []
    pins = {"l0": names[0]}
    if layers > 1 and rng.random() < 0.2:
        pins[f"l{layers - 1}"] = rng.choice(names)
    return Partition(
        [f"l{i}" for i in range(layers)], tensors=tensors, places=names, metrics={"latency": metric}, pins=pins,
        result_at=names[0] if result else None, one_way=one_way, links=arcs, together=pair,
    )  # fmt: skip


def random_schedule(rng: random.Random, layers: int = 4, jobs: int = 1, objective: str | None = None) -> Schedule:
    """A random problem of any kind; `layers` is the most that a job has."""
    places = rng.choice([2, 2, 3])
    one_way, result, zeros = rng.random() < 0.4, rng.random() < 0.6, rng.choice([0.0, 0.25])
    together, closed = rng.random() < 0.2, rng.choice([0.0, 0.0, 0.3])

    def job() -> Partition:
        return random_job(
            rng, rng.randint(1, layers), places, zeros=zeros, one_way=one_way, result=result, together=together,
            closed=closed,
        )  # fmt: skip

    networks = [job() for _ in range(rng.randint(1, jobs))]
    frames = [networks[rng.randrange(len(networks))] for _ in range(rng.randint(1, jobs))]
    chosen = objective or rng.choice(OBJECTIVES)
    release = [rng.choice([0, rng.randint(0, 8)]) for _ in frames] if rng.random() < 0.4 else None
    due = [rng.randint(0, 25) for _ in frames] if chosen == "lateness" or rng.random() < 0.2 else None
    return Schedule(frames, release, due, objective=chosen)


def random_passages(rng: random.Random, jobs: int = 2) -> Schedule:
    """A problem whose jobs have layers without length, in a row and beside each other, and some with two tensors."""

    def job() -> Partition:
        count = rng.randint(3, 6)
        readers: list[list[list[int]]] = [[] for _ in range(count)]
        for v in range(1, count):
            u = rng.randrange(max(0, v - 2), v)
            if readers[u] and rng.random() < 0.5:
                rng.choice(readers[u]).append(v)
            else:
                readers[u].append([v])
        tensors = [(u, tuple(vs)) for u, rows in enumerate(readers) for vs in rows or [[]]]
        compute = [[0, 0] if rng.random() < 0.5 else [rng.randint(1, 9), rng.randint(1, 3)] for _ in range(count)]
        arcs = {arc: [rng.randint(0, 6) for _ in tensors] for arc in (("device", "server"), ("server", "device"))}
        return Partition(
            [f"l{v}" for v in range(count)], tensors=tensors, metrics={"latency": Metric(compute, arcs)},
            pins={"l0": "device"}, result_at=rng.choice(["device", "server", None]), one_way=rng.random() < 0.3,
        )  # fmt: skip

    frames = [job() for _ in range(rng.randint(1, jobs))]
    chosen = rng.choice(OBJECTIVES)
    return Schedule(frames, due=[rng.randint(0, 20) for _ in frames], objective=chosen)
