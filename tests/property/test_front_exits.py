"""Fronts and the table for run time of networks with exits, against enumeration of every exit and assignment."""

from __future__ import annotations

import itertools
import random

import pytest

from optsplit import Partition
from optsplit.algorithms.decision_table import decision_table
from optsplit.pareto import front
from tests.instances import random_partition


def branchy(seed: int) -> Partition:
    """A random network with two or three exits; accuracies need not grow, and may be equal."""
    rng = random.Random(seed)
    problem = random_partition(rng, layers=6, minmax=2, magnitude=rng.choice([3, 100]), send_receive=False)
    exits = {f"layer{i}": rng.choice([0.5, 0.75, 0.9]) for i in sorted(rng.sample(range(1, 6), rng.choice([2, 3])))}
    metrics = {"latency": problem.metrics["m0"], "energy": problem.metrics["m1"]}
    return Partition(
        layers=problem.layers, tensors=problem.tensors, places=problem.places, metrics=metrics, minimize="latency",
        pins={"layer0": problem.places[0]}, exits=exits,
    )  # fmt: skip


def vectors(problem: Partition, names: tuple[str, ...]) -> set[tuple[int, ...]]:
    found = set()
    for exit, accuracy in problem.exits.accuracy.items():
        inner = problem.at_exit(exit)
        for assignment in itertools.product(range(len(inner.places)), repeat=len(inner.layers)):
            evaluation = inner.evaluate(inner.plan(assignment))
            if not evaluation.violations:
                values = {**evaluation.metrics, "error": round(1e6 * (1 - accuracy))}
                found.add(tuple(values[name] for name in names))
    return found


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("names", [("latency", "error"), ("latency", "energy"), ("latency", "error", "energy")])
def test_fronts_with_exits_are_complete(seed: int, names: tuple[str, ...]) -> None:
    problem = branchy(seed)
    every = vectors(problem, names)
    best = sorted(v for v in every if not any(w != v and all(a <= b for a, b in zip(w, v)) for w in every))
    found = front(problem, names)
    assert [point.values for point in found] == best
    assert found.complete
    for point in found:
        assert not problem.evaluate(point.plan).violations


@pytest.mark.parametrize("seed", range(25))
def test_the_table_at_the_problem_itself(seed: int) -> None:
    problem = branchy(seed)
    table = decision_table(problem)
    every = vectors(problem, ("latency", "error"))
    for deadline in {latency for latency, _ in every} | {0, 10**6}:
        fit = [v for v in every if v[0] <= deadline]
        choice = table.at(1.0, deadline)
        assert (choice is None) == (not fit)
        if choice is not None:
            error = min(v[1] for v in fit)
            assert round(1e6 * (1 - choice.accuracy)) == error
            assert choice.latency == min(v[0] for v in every if v[1] == error)
