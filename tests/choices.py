"""Random problems with exits and precisions, small enough to enumerate, drawn by hypothesis."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from optsplit import Partition
from optsplit.problems.exits import ExitPattern, Exits
from optsplit.problems.precision import Precision, Sending
from tests.instances import partitions


def random_exits(rng: random.Random, problem: Partition, most: int = 3, confidence: bool = False) -> Exits:
    """Up to `most` exits of random layers; by confidence, of ends only, with a few patterns."""
    read = {u for u, readers in problem.tensors if readers}
    layers = [layer for v, layer in enumerate(problem.layers) if not (confidence and v in read)]
    chosen = sorted(rng.sample(layers, min(len(layers), rng.randint(1, most))), key=problem.index.__getitem__)
    if rng.random() < 0.2:
        rng.shuffle(chosen)
    accuracy = {layer: rng.randint(0, 20) / 20 for layer in chosen}
    if not confidence:
        return Exits(accuracy)
    grid = sorted({rng.randint(1, 9) / 10 for _ in range(rng.randint(1, 2))})
    patterns = [
        ExitPattern(
            tuple(rng.randint(0, len(grid)) for _ in chosen),
            tuple(rng.random() < 0.6 for _ in chosen),
            rng.randint(1, 4),
        )
        for _ in range(rng.randint(1, 4))
    ]
    held = tuple(name for name in problem.metrics if rng.random() < 0.2)
    return Exits(accuracy, grid, tuple(patterns), held)


def random_precisions(
    rng: random.Random, problem: Partition, most: int = 3, magnitude: int = 100
) -> dict[str, tuple[Precision, ...]]:
    """One to `most` precisions for most tensors, some as the tensor is."""

    def sending() -> Sending:
        return Sending(
            {(p, q): rng.randint(0, magnitude) for p in problem.places for q in problem.places if p != q},
            {p: rng.randint(0, magnitude // 3) for p in problem.places if rng.random() < 0.5},
            {p: rng.randint(0, magnitude // 3) for p in problem.places if rng.random() < 0.5},
        )

    found = {}
    for name in problem.tensor_names:
        if rng.random() < 0.2:
            continue
        widths = rng.sample((32, 16, 8, 4, 2), rng.randint(1, most))
        found[name] = tuple(
            Precision(32)
            if bits == 32
            else Precision(
                bits, rng.randint(0, 30) * 10_000, {m: sending() for m in problem.metrics if rng.random() < 0.8}
            )
            for bits in sorted(widths, reverse=True)
        )
    return found


@st.composite
def choices(
    draw: st.DrawFn, exits: bool = True, confidence: bool = False, precisions: bool = True, **given: object
) -> Partition:
    """Problems of `tests.instances.partitions` with exits, precisions, and perhaps a limit on the error."""
    base = draw(partitions(**{"max_layers": 5, "max_limits": 1, "max_minmax": 2, **given}))  # type: ignore[arg-type]
    rng = draw(st.randoms(use_true_random=False))
    changes: dict[str, object] = {}
    if exits:
        changes["exits"] = random_exits(rng, base, confidence=confidence)
    if precisions:
        changes["precisions"] = random_precisions(rng, base)
    if base.together:
        changes["together"] = base.together
    problem = base.but(**changes)
    if "error" not in problem.metrics:  # no tensor has a choice
        return problem
    if rng.random() < 0.5:
        problem = problem.but(limits={**problem.limits, "error": rng.randint(0, 20) * 50_000})
    if rng.random() < 0.3:
        problem = problem.but(minimize="error")
    return problem
