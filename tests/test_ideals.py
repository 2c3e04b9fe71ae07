"""One way over places in a line by ideals: equal to enumeration, and refusals that say why."""

import random

import pytest

import optsplit as osp
from optsplit import Metric, Partition
from optsplit.algorithms import brute, ideals
from optsplit.method import Options
from optsplit.result import Limit
from tests.instances import random_partition


def ports(rng: random.Random) -> Partition:
    """A random one-way network whose tensors are paid at the ports of the places."""
    places = rng.choice((2, 3, 4))
    base = random_partition(rng, layers=rng.randint(1, 6 if places < 4 else 5), places=places, one_way=True)
    n, tensors = len(base.layers), len(base.tensors)
    metrics = {}
    for p, place in enumerate(base.places):
        metrics[place] = Metric(
            [[rng.randint(0, 9) if q == p else 0 for q in range(places)] for _ in range(n)],
            send={place: [rng.choice((0, 1, 7)) for _ in range(tensors)]},
            receive={place: [rng.choice((0, 1, 7)) for _ in range(tensors)]},
        )
        metrics[f"{place}_memory"] = Metric([[int(q == p) for q in range(places)]] * n)
    metrics["all"] = Metric(
        [[rng.randint(0, 9) for _ in range(places)] for _ in range(n)],
        receive={place: [rng.choice((0, 1, 7)) for _ in range(tensors)] for place in base.places},
    )
    limits = {f"{place}_memory": rng.randint(1, n) for place in base.places if rng.random() < 0.4}
    minimize = "all" if rng.random() < 0.3 else base.places
    return base.but(
        metrics=metrics, minimize=minimize, limits=limits, result_at=None, contiguous=rng.random() < 0.3, links=None
    )


@pytest.mark.parametrize("seed", range(120))
def test_equals_enumeration(seed):
    problem = ports(random.Random(seed))
    assert ideals.refuses(problem) is None
    found, every = ideals.solve(problem, Options()), brute.solve(problem, Options())
    assert (found.objective, found.bound, found.infeasible) == (every.objective, every.bound, every.infeasible)


def test_ideals_of_a_diamond():
    # a -> (b, c) -> d: {}, a, ab, ac, abc, abcd
    problem = Partition(
        ["a", "b", "c", "d"], [(0, 1), (0, 2), (1, 3), (2, 3)], metrics={"latency": Metric([[0, 0]] * 4)}
    )
    assert ideals.ideals(problem) == [0b0000, 0b0001, 0b0011, 0b0101, 0b0111, 0b1111]


def test_refusals():
    problem = ports(random.Random(1))
    assert "one_way" in ideals.refuses(problem.but(one_way=False))
    assert "result_at=None" in ideals.refuses(problem.but(result_at=problem.places[0]))
    wide = Partition(
        [f"l{i}" for i in range(12)], [], metrics={"m": Metric([[1, 1]] * 12)}, minimize="m", one_way=True,
        result_at=None,
    )  # fmt: skip
    assert "more than 1500 ideals" in ideals.refuses(wide)
    names = problem.places
    arcs = {"m": Metric([[1] * len(names)] * len(problem.layers), {names[:2]: [1] * len(problem.tensors)})}
    assert "costs of arcs" in ideals.refuses(problem.but(metrics=arcs, minimize="m", limits={}, links=None))


def test_a_time_limit_is_kept():
    found = ideals.solve(ports(random.Random(3)), Options(time_limit=1e-9))
    assert (found.limit, found.plan, found.bound) == (Limit.TIME, None, 0)


def test_the_door_knows_it():
    problem = ports(random.Random(5))
    assert osp.solve(problem, "ideals").objective == osp.solve(problem, "cpsat").objective
