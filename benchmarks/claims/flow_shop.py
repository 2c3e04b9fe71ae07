"""Claims of Extended Johnson as a rule for three machines: Wang, Duan and Wu, and what was known before them."""

from __future__ import annotations

import functools
import itertools
import random
import statistics
from itertools import pairwise

from benchmarks.claims.networks import above, objective
from benchmarks.claims.verdict import (
    Finding,
    Measured,
    Said,
    claim,
    confirmed,
    in_shape,
    judged,
    refuted,
    unchecked,
    witness,
)
from optsplit import FlowShop
from optsplit.baselines import extended_johnson

COUNT = 1000
"""Random flow shops of each check, seeds 0, 1, 2, ..."""


def shop(seed: int, machines: int = 3) -> FlowShop:
    """Two to six jobs, times of 0 to 20 with many zeros."""
    rng = random.Random(seed)
    top = rng.choice([3, 20])
    return FlowShop([
        [rng.choice([0, rng.randint(0, top)]) if rng.random() < 0.4 else rng.randint(1, top) for _ in range(machines)]
        for _ in range(rng.randint(2, 6))
    ])  # fmt: skip


def dominated(seed: int) -> FlowShop:
    """As `shop`, the second machine never longer than the shortest of the first, or of the third."""
    rng = random.Random(seed)
    rows = [[rng.randint(1, 20) for _ in range(3)] for _ in range(rng.randint(2, 6))]
    side = rng.choice([0, 2])
    most = min(row[side] for row in rows)
    return FlowShop([[row[0], rng.randint(0, most), row[2]] for row in rows])


@functools.cache
def ratios() -> tuple[tuple[float, int], ...]:
    """Extended Johnson over the optimum by enumeration, and the seed."""
    found = []
    for seed in range(COUNT):
        problem = shop(seed)
        best = objective(problem, "brute")
        if best:
            found.append((objective(problem, "extended-johnson") / best, seed))
    return tuple(found)


def counterexample() -> FlowShop:
    """The smallest known against 5/3."""
    return FlowShop([[0, 14, 0], [0, 12, 0], [0, 9, 0], [18, 1, 20], [0, 15, 16]], unit="", name="above five thirds")


def family(k: int, length: int) -> FlowShop:
    """k jobs (0, L, 1) go before (2L, 1, kL), which then waits kL for the second machine."""
    return FlowShop([[0, length, 1]] * k + [[2 * length, 1, k * length]], unit="", name="near two")


def _five_thirds(problem: FlowShop) -> Measured:
    best, found = objective(problem), objective(problem, "extended-johnson")
    return Measured(5 * best / 3, found, f"Extended Johnson {found}, optimum {best}, ratio {found / best:.3f}")


FIVE_THIRDS = witness(
    "johnson-five-thirds", "five jobs: (0,14,0), (0,12,0), (0,9,0), (18,1,20), (0,15,16)", counterexample, _five_thirds
)


@claim("wang", "johnson-five-thirds", "Extended Johnson is within 5/3 of the optimum.",
       "Wang, Duan and Wu; the 5/3 of \"A new heuristic for three-machine flow shop scheduling\" (Operations Research "
       "44, 1996) is another heuristic's")  # fmt: skip
def five_thirds() -> Finding:
    """One instance, and the largest ratio of random ones against enumeration."""
    measured = _five_thirds(counterexample())
    text = f"{measured.words}; largest of {len(ratios())} random shops {max(ratios())[0]:.3f} (seed {max(ratios())[1]})"
    return judged(not measured.refutes and max(ratios())[0] <= 5 / 3, text, FIVE_THIRDS)


NEAR_TWO = witness(
    "johnson-near-two", "40 jobs (0, 10^6, 1) and one (2 10^6, 1, 40 10^6)", lambda: family(40, 10**6), _five_thirds
)


@claim("wang", "johnson-near-two", "If not 5/3, then some constant below 2.", "what one might hope for", Said.OTHERS)
def near_two() -> Finding:
    """The family k x (0, L, 1), (2L, 1, kL) for k = 5, 10, 20, 40 and L = 10^6."""
    found = []
    for k in (5, 10, 20, 40):
        problem = family(k, 10**6)
        found.append(objective(problem, "extended-johnson") / objective(problem))
    text = ", ".join(f"{ratio:.3f}" for ratio in found)
    near = all(a < b for a, b in pairwise(found)) and found[-1] > 1.9
    return refuted(f"{text}: rises towards 2", NEAR_TWO) if near else unchecked("The family does not rise.", text)


@claim("wang", "johnson-two", "It is within 2 of the optimum.", 
       "C <= Johnson on (p1 + p2, p2 + p3) <= C* + sum p2 <= 2 C*", Said.OTHERS)  # fmt: skip
def two() -> Finding:
    """Largest ratio over the same random shops and the family."""
    problem = family(40, 10**6)
    worst = max(max(ratios())[0], objective(problem, "extended-johnson") / objective(problem))
    text = f"at most {worst:.3f} on {len(ratios()) + 1}"
    return confirmed(text) if worst <= 2 else in_shape(text, "A theorem: a defect here.")


@claim(
    "wang", "johnson-dominated", "It is optimal when max{min p1, min p3} >= max p2.", "Wang, Duan and Wu; Johnson, 1954"
)
def middle() -> Finding:
    """Random shops that keep the condition, against enumeration."""
    equal = sum(objective(p, "extended-johnson") == objective(p, "brute") for p in map(dominated, range(COUNT)))
    text = f"optimal on {equal} of {COUNT}"
    return confirmed(text) if equal == COUNT else in_shape(text, "A theorem: a defect here.")


@claim(
    "wang", "johnson-toy", "Toy (3,2,5), (3,2,2), (4,3,3), (4,2,3): order 1, 3, 4, 2, makespan 18, optimal.", "slides"
)
def toy() -> Finding:
    """Its order, its makespan, and the optimum by enumeration."""
    problem = FlowShop([[3, 2, 5], [3, 2, 2], [4, 3, 3], [4, 2, 3]])
    order = [j + 1 for j in extended_johnson.order(problem.times.tolist())]
    found, best = objective(problem, "extended-johnson"), objective(problem, "brute")
    text = f"order {order}, makespan {found}, optimum {best}"
    return (
        confirmed(text) if (order, found, best) == ([1, 3, 4, 2], 18, 18) else in_shape(text, "otherwise than printed")
    )


@claim("wang", "johnson-often", "It is close to the optimum.", "evaluation")
def often() -> Finding:
    """The same random shops."""
    found = [ratio for ratio, _ in ratios()]
    mean = above(statistics.mean(found), 1)
    text = f"optimal on {sum(r == 1 for r in found)} of {len(found)}, {mean:.2f} % above on average"
    return confirmed(text) if statistics.mean(found) < 1.05 else in_shape(text, "more than 5 % above on average")


def _unordered(problem: FlowShop) -> int:
    """The least makespan when every machine may have an order of its own."""
    times, jobs = problem.times.tolist(), range(problem.jobs)
    best = None
    for orders in itertools.product(list(itertools.permutations(jobs)), repeat=problem.machines):
        ready = [0] * problem.jobs
        for machine, order in enumerate(orders):
            clock = 0
            for j in order:
                clock = max(clock, ready[j]) + times[j][machine]
                ready[j] = clock
        best = max(ready) if best is None else min(best, max(ready))
    assert best is not None
    return best


@claim("wang", "permutations", "On three machines permutation schedules suffice.",
       "Conway, Maxwell and Miller, Theory of scheduling, 1967", Said.OTHERS)  # fmt: skip
def permutations() -> Finding:
    """All orders on every machine by itself against the best one order; random shops of two and three jobs."""
    equal = 0
    for seed in range(200):
        rng = random.Random(seed)
        small = FlowShop([[rng.randint(0, 9) for _ in range(3)] for _ in range(rng.choice([2, 3]))])
        equal += _unordered(small) == objective(small, "brute")
    four = FlowShop([[1, 4, 4, 1], [4, 1, 1, 4]])
    text = (
        f"equal on {equal} of 200; with four machines no longer: {_unordered(four)} against {objective(four, 'brute')}"
    )
    return confirmed(text) if equal == 200 else in_shape(text, "not everywhere")
