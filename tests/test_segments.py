"""One-way chains over places in a line, under limits of places and arcs: equal to enumeration, and fast."""

import itertools
import random
import time

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.algorithms import brute, segments
from optsplit.method import Options
from tests.instances import random_partition


def limited(rng: random.Random) -> Partition:
    """A random one-way chain with busy times of places and arcs, some of them limited or minimised."""
    n, places = rng.randint(2, 6), rng.choice((2, 3, 3, 4))
    base = random_partition(
        rng, layers=n, places=places, one_way=True, chain=True, result_at=rng.choice(["", None, "cloud"]),
        missing_links=rng.choice((0.0, 0.15)), pins=0.1, magnitude=rng.choice((3, 50)),
    )  # fmt: skip
    metrics = dict(base.metrics)
    for p, place in enumerate(base.places):
        load = [[rng.randint(0, 9) if q == p else 0 for q in range(places)] for _ in range(n)]
        metrics[place] = Metric(load)
    for arc in sorted(base.links):
        metrics["_".join(arc)] = Metric([[0] * places] * n, {arc: [rng.randint(0, 9) for _ in base.tensors]})
    local = [name for name in metrics if name != "m0"]
    minimize = "m0" if rng.random() < 0.5 else tuple(local)
    limits = {name: rng.randint(3, 25) for name in local if rng.random() < 0.5}
    outputs = [*base.outputs, *([rng.randrange(len(base.tensors))] if rng.random() < 0.2 else [])]
    return base.but(metrics=metrics, minimize=minimize, limits=limits, outputs=sorted(set(outputs)))


@pytest.mark.parametrize("seed", range(150))
def test_equals_enumeration(seed):
    problem = limited(random.Random(seed))
    if segments.refuses(problem) is not None:
        assert len(problem.outputs) > 1  # an output inside a run uses its arc more than once
        return
    found, every = segments.solve(problem, Options()), brute.solve(problem, Options())
    assert (found.objective, found.bound, found.infeasible) == (every.objective, every.bound, every.infeasible)


def long_chain(n: int, places: int, seed: int = 0, one_way: bool = True) -> Partition:
    """A chain of n layers over many places, each with room for a few layers' weights."""
    rng = random.Random(seed)
    names = [f"p{p}" for p in range(places)]
    work = [rng.randint(1, 100) for _ in range(n)]
    speed = [rng.randint(1, 10) for _ in range(places)]
    size = [rng.randint(1, 50) for _ in range(n)]
    weights = [rng.randint(1, 20) for _ in range(n)]
    arcs = [(a, b) for a in names for b in names if a != b]
    metrics = {"latency": Metric([[w * s for s in speed] for w in work], dict.fromkeys(arcs, size))}
    for p, place in enumerate(names):
        metrics[f"{place}_memory"] = Metric([[w if q == p else 0 for q in range(places)] for w in weights], unit="B")
    room = max(max(weights), 2 * sum(weights) // places)
    return Partition(
        [f"l{i}" for i in range(n)], [(i, i + 1) for i in range(n - 1)], names, metrics,
        limits={f"{place}_memory": room for place in names}, pins={"l0": "p0"}, result_at=None, one_way=one_way,
    )  # fmt: skip


def test_a_chain_of_32_layers_over_15_places_is_proven_at_once():
    problem = long_chain(32, 15)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        result = osp.solve(problem)
        times.append(time.perf_counter() - start)
    assert (result.method, result.status) == ("segments", Status.OPTIMAL)
    assert result.objective == osp.solve(problem, "milp").objective
    assert min(times) < 0.05


def test_what_it_cannot_describe_is_refused_by_name():
    problem = long_chain(4, 3)
    assert "one_way" in segments.refuses(problem.but(one_way=False))
    assert "'latency' is neither" in segments.refuses(problem.but(limits={"latency": 5}))
    assert "single chain" in segments.refuses(problem.but(tensors=[(0, [1]), (1, []), (2, [3]), (3, [])]))


def test_a_metric_of_two_arcs_in_a_row_is_refused():
    # a path may use both arcs, so a limit on their sum is no matter of one way
    problem = long_chain(4, 3)
    way = {(p, q): [3] * len(problem.tensors) for p, q in itertools.pairwise(problem.places)}
    both = problem.but(metrics={**problem.metrics, "way": Metric([[0] * 3] * 4, way)}, limits={"way": 5})
    assert "'way' is neither of one place's layers nor of one arc's tensors" in segments.refuses(both)
    one = {arc: values for arc, values in way.items() if arc == problem.places[:2]}
    alone = problem.but(metrics={**problem.metrics, "way": Metric([[0] * 3] * 4, one)}, limits={"way": 5})
    assert segments.refuses(alone) is None
