"""The front against enumeration of every plan: complete, nondominated, covering, and honest when it stops early."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optsplit import Partition
from optsplit.algorithms import front_labels, front_supported
from optsplit.algorithms.front import Front
from optsplit.algorithms.front_zones import Zones, hypervolume, nondominated
from optsplit.pareto import front
from tests.instances import random_partition

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def problems(draw: st.DrawFn, metrics: int = 2, max_layers: int = 6) -> Partition:
    places = draw(st.sampled_from([2, 2, 3]), label="places")
    return random_partition(
        draw(st.randoms(use_true_random=False)),
        layers=draw(st.integers(1, max_layers if places == 2 else 4), label="layers"),
        places=places,
        limits=draw(st.sampled_from([0, 0, 1]), label="limits"),
        minmax=metrics,
        one_way=draw(st.booleans(), label="one_way"),
        result_at=draw(st.sampled_from([None, ""]), label="result_at"),
        magnitude=draw(st.sampled_from([3, 100, 10**10]), label="magnitude"),
        missing_links=draw(st.sampled_from([0.0, 0.2]), label="missing links"),
        together=draw(st.sampled_from([0, 0, 1]), label="together"),
    )


@contextmanager
def way(swept: bool) -> Iterator[None]:
    """By the sweep where it applies, or by zones alone."""
    if swept:
        yield
    else:
        with mock.patch("optsplit.algorithms.front_labels.sweep", return_value=None):
            yield


def vectors(problem: Partition, names: tuple[str, ...]) -> set[tuple[int, ...]]:
    """The metrics of every plan that obeys the rules."""
    found = set()
    for assignment in itertools.product(range(len(problem.places)), repeat=len(problem.layers)):
        evaluation = problem.evaluate(problem.plan(assignment))
        if not evaluation.violations:
            found.add(tuple(evaluation.metrics[name] for name in names))
    return found


def dominates(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b))


def priced(problem: Partition, found: Front) -> None:
    """Every plan obeys the rules and costs what its point says."""
    for point in found:
        evaluation = problem.evaluate(point.plan)
        assert not evaluation.violations
        assert tuple(evaluation.metrics[name] for name in found.metrics) == point.values


@few
@given(problems(), st.booleans())
def test_two_metrics_are_complete(problem: Partition, swept: bool) -> None:
    names = ("m0", "m1")
    every = vectors(problem, names)
    expected = sorted(v for v in every if not any(dominates(w, v) for w in every))
    with way(swept):
        found = front(problem, names)
    assert [point.values for point in found] == expected
    assert found.complete
    assert found.infeasible == (not every)
    assert all(point.proven for point in found)
    assert found.gap in (None, 0.0)
    priced(problem, found)
    # supported: least for some positive weights; the normals of the hull's edges and the ends are enough
    for point, on in zip(found, found.supported, strict=True):
        weights = [(10**30, 1), (1, 10**30)]
        weights += [(a[1] - b[1], b[0] - a[0]) for a, b in itertools.combinations(expected, 2)]
        least = [min(u * v[0] + w * v[1] for v in expected) for u, w in weights]
        assert on == any(u * point.values[0] + w * point.values[1] == b for (u, w), b in zip(weights, least))


@few
@given(problems(metrics=3, max_layers=5), st.booleans())
def test_three_metrics_are_complete(problem: Partition, swept: bool) -> None:
    names = ("m0", "m1", "m2")
    every = vectors(problem, names)
    with way(swept):
        found = front(problem, names)
    assert [point.values for point in found] == sorted(v for v in every if not any(dominates(w, v) for w in every))
    assert found.complete
    priced(problem, found)


@few
@given(
    problems(metrics=3, max_layers=5),
    st.sampled_from([0.1, 0.5]),
    st.sampled_from([0, 7]),
    st.integers(2, 3),
    st.booleans(),
)
def test_a_resolution_covers_every_plan(problem: Partition, eps: float, step: int, count: int, swept: bool) -> None:
    names = ("m0", "m1", "m2")[:count]
    every = vectors(problem, names)
    with way(swept):
        found = front(problem, names, eps=eps, step=step)
    assert not found.open
    assert found.infeasible == (not every)
    for point in found:
        assert not any(dominates(v, point.values) for v in every)
        assert point.proven
    for v in every:
        assert any(all(p <= max(x + step, x * (1 + eps)) for p, x in zip(point.values, v)) for point in found)
    priced(problem, found)


@few
@given(problems(metrics=3, max_layers=5), st.integers(0, 6), st.integers(2, 3))
def test_an_interrupted_front_says_what_is_open(problem: Partition, after: int, count: int) -> None:
    names = ("m0", "m1", "m2")[:count]
    calls = iter(range(10**6))

    def interrupt(points: int, zones: int) -> None:
        if next(calls) >= after:
            raise KeyboardInterrupt

    every = vectors(problem, names)
    best = sorted(v for v in every if not any(dominates(w, v) for w in every))
    with way(swept=False):
        found = front(problem, names, progress=interrupt)
    values = [point.values for point in found]
    for v in best:
        inside = any(
            all(low <= x and (high is None or x < high) for low, x, high in zip(zone.low, v, zone.high))
            for zone in found.open
        )
        assert v in values or inside
    assert all(point.values in best for point in found if point.proven)
    if found.points:
        assert (found.gap == 0.0) >= (not found.open)
        reference = [max(column) + 1 for column in zip(*values)]
        share = 1 - hypervolume(values, reference) / max(hypervolume(best, reference), 1)
        assert found.gap >= share - 1e-12
    priced(problem, found)


@few
@given(
    st.integers(1, 4).flatmap(
        lambda k: st.tuples(st.just(k), st.lists(st.tuples(*[st.integers(0, 5)] * k), max_size=8))
    )
)
def test_zones_and_volume_against_a_grid(case: tuple[int, list[tuple[int, ...]]]) -> None:
    k, points = case
    zones = Zones((0,) * k)
    for point in points:
        zones.cover(point)
    covered = 0
    for z in itertools.product(range(6), repeat=k):
        above = any(all(p <= x for p, x in zip(point, z)) for point in points)
        covered += above
        assert above != any(all(h is None or x < h for x, h in zip(z, zone.high)) for zone in zones.open)
    assert hypervolume(points, [6] * k) == covered
    assert not any(a is not b and a.inside(b) for a in zones.open for b in zones.open)
    assert nondominated(points) == sorted({v for v in points if not any(dominates(w, v) for w in points)})


@few
@given(st.integers(1, 4), st.integers(1, 1500), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_rows_that_nothing_dominates(k: int, count: int, largest: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, largest, (count, k + 1))
    limit = np.full(k + 1, int(0.9 * largest))
    rows = front_labels.pareto(values, limit)
    inside = [tuple(row) for row in values.tolist() if max(row) <= limit[0]]
    assert [tuple(row) for row in values[rows].tolist()] == nondominated(inside)


@pytest.mark.parametrize("seed", range(20))
def test_sweep_and_zones_agree_on_larger_problems(seed: int) -> None:
    rng = random.Random(seed)
    problem = random_partition(rng, layers=12, minmax=2, limits=seed % 2, one_way=seed % 3 == 0)
    names = ("m0", "m1")
    with way(swept=False):
        zones = front(problem, names)
    labels = front_labels.sweep(problem, names)
    assert labels is not None
    assert labels.values.tolist() == [list(point.values) for point in zones]


def test_the_same_problem_gives_the_same_front() -> None:
    problem = random_partition(random.Random(3), layers=8, minmax=2)
    assert front(problem, ("m0", "m1")).points == front(problem, ("m0", "m1")).points


@pytest.mark.parametrize("seed", range(40))
def test_supported_plans_are_the_vertices_of_the_hull(seed: int) -> None:
    rng = random.Random(seed)
    problem = random_partition(rng, layers=6, minmax=2, one_way=seed % 2 == 0, missing_links=0.2, magnitude=20)
    every = vectors(problem, ("m0", "m1"))
    found = [problem.evaluate(problem.plan(at)).metrics for at in front_supported.supported(problem, "m0", "m1")]
    hull: list[tuple[int, ...]] = []
    for a in sorted(v for v in every if not any(dominates(w, v) for w in every)):
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (a[1] - hull[-2][1]) <= (hull[-1][1] - hull[-2][1]) * (
            a[0] - hull[-2][0]
        ):
            hull.pop()
        hull.append(a)
    assert sorted((metrics["m0"], metrics["m1"]) for metrics in found) == hull


def test_a_sweep_gives_up_where_time_or_room_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, names = random_partition(random.Random(4), layers=7, minmax=2), ("m0", "m1")
    whole = front_labels.sweep(problem, names)
    assert whole is not None
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(front_labels, "time", SimpleNamespace(perf_counter=clock))
    ended = []
    for deadline in range(200):
        now[0] = 0.0
        found = front_labels.sweep(problem, names, deadline)
        ended.append(found is not None)
        assert found is None or (found.values == whole.values).all()
    assert ended == sorted(ended)
    assert not ended[0]
    assert ended[-1]
    with monkeypatch.context() as patch:
        patch.setattr(front_labels, "BUDGET", 1)
        assert front_labels.sweep(problem, names) is None
    monkeypatch.setattr(front_labels, "WIDEST", 0)
    assert front_labels.sweep(problem, names) is None
