"""Cuts and a sequence for many frames at once: iterated greedy search in a flow shop with a choice of cut.

A frame that takes a one-way cut is seen as a job of four stages: device, uplink, server, way back, each with the cut's
load. That forgets that a frame's stages can overlap, so a schedule of its operations ends no later. Johnson's and
Wang's order are about given cuts; here taking a frame out and putting it back chooses its position and its cut
together, priced in a few operations each by Taillard's heads and tails (EJOR 47, 1990). Around that descent some
frames are torn out and put back (Ruiz and Stuetzle, EJOR 177, 2007).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Times = tuple[int, ...]
"""ns of each stage."""

Frames = list[tuple[int, int]]
"""Frames in their order: (network, cut)."""

_TORN = 3
"""Frames torn out at once."""


def makespan(times: Sequence[Sequence[Times]], sequence: Frames) -> int:
    """The end of the last stage in ns; `times[network][cut]`."""
    return max(_heads([times[k][c] for k, c in sequence])[-1])


def _heads(jobs: Sequence[Times]) -> list[list[int]]:
    """When each stage is free after the first 0, 1, ... jobs."""
    stages = len(jobs[0]) if jobs else 0
    found = [[0] * stages]
    for job in jobs:
        now, before = [], 0
        for free, time in zip(found[-1], job):
            before = (free if free > before else before) + time
            now.append(before)
        found.append(now)
    return found


def _tails(jobs: Sequence[Times]) -> list[list[int]]:
    """What is left from the start of each stage, behind the last 0, 1, ... jobs, last job first."""
    return [row[::-1] for row in _heads([job[::-1] for job in reversed(jobs)])]


def best_place(times: Sequence[Sequence[Times]], sequence: Frames, network: int) -> tuple[int, int, int]:
    """(makespan, position, cut) of the best way to put one more frame of a network into a sequence."""
    jobs = [times[k][c] for k, c in sequence]
    heads = _heads(jobs) if jobs else [[0] * len(times[network][0])]
    tails = _tails(jobs)[::-1] if jobs else heads
    best: tuple[int, int, int] | None = None
    for position, (head, tail) in enumerate(zip(heads, tails)):
        for cut, job in enumerate(times[network]):
            end, before = 0, 0
            for free, time, rest in zip(head, job, tail):
                before = (free if free > before else before) + time
                if before + rest > end:
                    end = before + rest
            if best is None or end < best[0]:
                best = end, position, cut
    assert best is not None
    return best


def search(
    times: Sequence[Sequence[Times]],
    start: Frames,
    *,
    seed: int,
    stop: Callable[[int], bool],
    rounds: int,
) -> Frames:
    """The best sequence found from `start` in so many rounds, or until `stop(best makespan)` says so.

    Parameters
    ----------
    times
        Stage times of each cut of each network, in ns.
    start
        A sequence with the right number of frames of each network.
    """
    generator = random.Random(seed)
    current = _descend(times, list(start), generator, stop)
    value = makespan(times, current)
    best, least = current, value
    for _ in range(rounds):
        if stop(least) or len(current) < 2:
            break
        rest = list(current)
        torn = [rest.pop(generator.randrange(len(rest))) for _ in range(min(_TORN, len(rest) - 1))]
        for network, _ in torn:
            _, position, cut = best_place(times, rest, network)
            rest.insert(position, (network, cut))
        rest = _descend(times, rest, generator, stop)
        found = makespan(times, rest)
        # now and then a worse one, so that the search does not stay where it is
        if found <= value or generator.random() < 0.05:
            current, value = rest, found
        if found < least:
            best, least = rest, found
    return best


def _descend(
    times: Sequence[Sequence[Times]], sequence: Frames, generator: random.Random, stop: Callable[[int], bool]
) -> Frames:
    """Take out each frame in turn and put it back where, and so cut as, is best, until nothing improves."""
    value, better = makespan(times, sequence), True
    while better and not stop(value):
        better = False
        for frame in generator.sample(range(len(sequence)), len(sequence)):
            rest = sequence[:frame] + sequence[frame + 1 :]
            found, position, cut = best_place(times, rest, sequence[frame][0])
            if found < value:
                rest.insert(position, (sequence[frame][0], cut))
                sequence, value, better = rest, found, True
    return sequence
