"""Random partition problems, seeded or drawn by hypothesis: small enough to enumerate, with every feature in them."""

from __future__ import annotations

import itertools
import random

from hypothesis import strategies as st

from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition

_PLACES = ("device", "edge", "cloud", "moon")


def random_partition(
    rng: random.Random,
    layers: int = 6,
    places: int = 2,
    limits: int = 0,
    minmax: int = 1,
    one_way: bool = False,
    result_at: str | None = "",
    magnitude: int = 100,
    zeros: float = 0.25,
    pins: float = 0.15,
    send_receive: bool = True,
    missing_links: float = 0.0,
    tightness: tuple[float, float] = (0.15, 0.9),
    chain: bool = False,
    together: int = 0,
    contiguous: bool = False,
) -> Partition:
    """A random problem: the same generator state gives the same problem.

    Parameters
    ----------
    layers, places
        Their number; places are called device, edge, cloud, moon (two of them: device, cloud).
    limits
        How many metrics are limited, besides those minimised.
    minmax
        How many metrics the largest of which is minimised; 1 for a plain objective.
    one_way, result_at
        As in `Partition`; "" is the first place.
    magnitude
        Costs lie in 0..magnitude. Small ones (3) give many ties.
    zeros
        Share of costs that are zero.
    pins
        Chance of each layer to be pinned; the first layer always is, at the first place.
    send_receive
        Whether metrics may have costs paid once at an end.
    missing_links
        Chance of each arc to be closed to every tensor.
    tightness
        Range of a limit as a share of the metric's total: low shares are often infeasible.
    chain
        Every layer reads the one before it, and nothing else.
    together
        How many pairs of layers must share a place; pairs with a layer in common make larger groups.
    contiguous
        Whether each place is visited once.
    """
    names = _PLACES[:places] if places > 2 else ("device", "cloud")
    tensors = _chain(layers) if chain else _tensors(rng, layers)
    outputs = [t for t, (_, readers) in enumerate(tensors) if not readers]
    if tensors and not chain and rng.random() < 0.3:
        outputs.append(rng.randrange(len(tensors)))  # an output that layers read, too
    metrics = {
        f"m{i}": _metric(rng, layers, len(tensors), names, magnitude, zeros, send_receive)
        for i in range(minmax + limits)
    }
    arcs = [arc for arc in itertools.permutations(names, 2) if rng.random() >= missing_links]
    problem = Partition(
        layers=[f"layer{i}" for i in range(layers)],
        tensors=tensors,
        outputs=outputs,
        places=names,
        metrics=metrics,
        minimize=tuple(f"m{i}" for i in range(minmax)),
        pins={"layer0": names[0]} | {f"layer{i}": rng.choice(names) for i in range(1, layers) if rng.random() < pins},
        result_at=names[0] if result_at == "" else result_at,
        one_way=one_way,
        links=arcs,
        together=_groups(rng, layers, together),
        contiguous=contiguous,
    )
    low, high = tightness
    # a plan uses one of the places, so an average plan costs about a share 1 / places of the total
    limited = {
        f"m{i}": int(2 * rng.uniform(low, high) * problem.costs(f"m{i}").total / places)
        for i in range(minmax, minmax + limits)
    }
    return problem.but(limits=limited)


def random_machines(
    rng: random.Random,
    layers: int = 6,
    equal: int = 2,
    others: int = 1,
    magnitude: int = 20,
    together: int = 0,
    contiguous: bool = False,
    limited: bool = True,
) -> Partition:
    """Equal machines and others, the largest load least: device placement as in `optsplit.io.read_placement`.

    Parameters
    ----------
    layers, equal, others
        Their number: machines acc1, acc2, ... cost the same, cpu1, ... each its own.
    magnitude
        Costs lie in 0..magnitude.
    together, contiguous
        As in `random_partition`.
    limited
        Whether the equal machines have a memory each.
    """
    accelerators = [f"acc{i + 1}" for i in range(equal)]
    names = [*accelerators, *(f"cpu{i + 1}" for i in range(others))]
    tensors = _tensors(rng, layers)
    ways = [[rng.randint(0, magnitude) for _ in tensors] for _ in range(2)]
    work = [[rng.randint(0, magnitude) for _ in range(layers)] for _ in range(1 + others)]
    size = [rng.randint(0, magnitude) for _ in range(layers)]

    def only(values: list[int], place: str) -> list[list[int]]:
        return [[value if name == place else 0 for name in names] for value in values]

    metrics = {
        place: Metric(only(work[0], place), send={place: ways[0]}, receive={place: ways[1]}) for place in accelerators
    }
    metrics |= {place: Metric(only(row, place)) for place, row in zip(names[equal:], work[1:], strict=True)}
    memory = {f"{place}_memory": Metric(only(size, place), unit="B") for place in accelerators if limited}
    return Partition(
        layers=[f"layer{i}" for i in range(layers)], tensors=tensors, places=names, metrics=metrics | memory,
        minimize=names, limits=dict.fromkeys(memory, rng.randint(sum(size) // len(names), sum(size))),
        result_at=None, together=_groups(rng, layers, together), contiguous=contiguous,
    )  # fmt: skip


def _groups(rng: random.Random, layers: int, pairs: int) -> list[list[str]]:
    return [[f"layer{i}" for i in rng.sample(range(layers), 2)] for _ in range(pairs if layers > 1 else 0)]


def _chain(n: int) -> list[tuple[int, list[int]]]:
    return [(v, [v + 1] if v + 1 < n else []) for v in range(n)]


def _tensors(rng: random.Random, n: int) -> list[tuple[int, list[int]]]:
    """Tensors with no, one or several readers; some layers write two, a few none."""
    tensors: list[tuple[int, list[int]]] = []
    for u in range(n):
        for _ in range(rng.choices((1, 2, 0), (8, 2, 1))[0]):
            later = list(range(u + 1, n))
            tensors.append((u, sorted(rng.sample(later, min(len(later), rng.choice((0, 1, 1, 2, 2, 3)))))))
    return tensors


def _metric(
    rng: random.Random, n: int, tensors: int, places: tuple[str, ...], magnitude: int, zeros: float, ends: bool
) -> Metric:
    def costs(count: int) -> list[int]:
        return [0 if rng.random() < zeros else rng.randint(0, magnitude) for _ in range(count)]

    return Metric(
        compute=[costs(len(places)) for _ in range(n)],
        transfer={arc: costs(tensors) for arc in itertools.permutations(places, 2) if rng.random() < 0.85},
        send={place: costs(tensors) for place in places if ends and rng.random() < 0.4},
        receive={place: costs(tensors) for place in places if ends and rng.random() < 0.4},
    )


@st.composite
def partitions(
    draw: st.DrawFn,
    places: tuple[int, ...] = (2, 3),
    max_layers: int = 6,
    max_limits: int = 2,
    max_minmax: int = 2,
    chain: bool | None = None,
    together: int = 0,
    contiguous: bool = False,
) -> Partition:
    """Problems of at most `max_layers` layers with any mixture of features."""
    number = draw(st.sampled_from(places), label="places")
    names = _PLACES[:number] if number > 2 else ("device", "cloud")
    return random_partition(
        draw(st.randoms(use_true_random=False)),
        layers=draw(st.integers(1, max_layers), label="layers"),
        places=number,
        limits=draw(st.integers(0, max_limits), label="limits"),
        minmax=draw(st.integers(1, max_minmax), label="minmax"),
        one_way=draw(st.booleans(), label="one_way"),
        result_at=draw(st.sampled_from([None, *names]), label="result_at"),
        magnitude=draw(st.sampled_from([3, 100, 10**6, 10**10]), label="magnitude"),
        missing_links=draw(st.sampled_from([0.0, 0.2]), label="missing links"),
        chain=draw(st.booleans(), label="chain") if chain is None else chain,
        together=draw(st.integers(0, together), label="together") if together else 0,
        contiguous=contiguous and draw(st.booleans(), label="contiguous"),
    )


@st.composite
def machines(draw: st.DrawFn, max_layers: int = 6) -> Partition:
    """Equal machines and others, four of them at most, at most `max_layers` layers."""
    equal = draw(st.integers(2, 3), label="equal")
    return random_machines(
        draw(st.randoms(use_true_random=False)),
        layers=draw(st.integers(1, max_layers), label="layers"),
        equal=equal,
        others=draw(st.integers(0, 4 - equal), label="others"),
        magnitude=draw(st.sampled_from([3, 100, 10**6]), label="magnitude"),
        together=draw(st.integers(0, 2), label="together"),
        contiguous=draw(st.booleans(), label="contiguous"),
        limited=draw(st.booleans(), label="limited"),
    )
