"""Frames in a row with a choice of cut: prices by hand, the best place by enumeration."""

from __future__ import annotations

import itertools
import random

import pytest

from optsplit.algorithms.schedule_sequence import best_place, makespan, search


def test_the_makespan_by_hand() -> None:
    # stages end at (2, 5, 6), then (6, 7, 10), then (6, 11, 11)
    times = [[(2, 3, 1), (4, 1, 3)], [(0, 4, 0)]]
    assert makespan(times, [(0, 0), (0, 1), (1, 0)]) == 11
    assert makespan(times, [(1, 0)]) == 4


def frames(rng: random.Random, count: int) -> tuple[list[list[tuple[int, ...]]], list[tuple[int, int]]]:
    """Stage times of two networks with three cuts each, and a sequence."""
    times = [[tuple(rng.randint(0, 6) for _ in range(4)) for _ in range(3)] for _ in range(2)]
    return times, [(rng.randrange(2), rng.randrange(3)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(30))
def test_the_best_place_is_the_best_of_all(seed: int) -> None:
    rng = random.Random(seed)
    times, sequence = frames(rng, rng.randint(0, 5))
    end, position, cut = best_place(times, sequence, 1)
    every = {
        (p, c): makespan(times, [*sequence[:p], (1, c), *sequence[p:]])
        for p, c in itertools.product(range(len(sequence) + 1), range(3))
    }
    assert end == every[position, cut] == min(every.values())


@pytest.mark.parametrize("seed", range(8))
def test_the_search_keeps_its_frames_and_ends_near_the_optimum(seed: int) -> None:
    times, start = frames(random.Random(seed), 5)
    found = search(times, start, seed=0, stop=lambda _: False, rounds=60)
    assert sorted(k for k, _ in found) == sorted(k for k, _ in start)
    networks = [k for k, _ in start]
    least = min(
        makespan(times, list(zip(order, cuts)))
        for order in set(itertools.permutations(networks))
        for cuts in itertools.product(range(3), repeat=5)
    )
    assert makespan(times, found) == least
    # the bound is met at once, so nothing is tried
    assert search(times, start, seed=0, stop=lambda _: True, rounds=60) == start
