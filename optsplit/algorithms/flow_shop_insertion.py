"""Insertion of a job at every position of a sequence at once.

Source: Taillard, "Some efficient heuristic methods for the flow shop sequencing problem", EJOR 47, 1990: heads of the
sequence, heads with the job put in, and tails give the makespan of every position in O(jobs * machines). Here each
machine is one scan over the positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.metric import IntArray


def makespans(problem: FlowShop, sequence: Sequence[int], job: int) -> IntArray:
    """Shape (len(sequence) + 1,): the makespan with `job` before each position, or last."""
    p = problem.times[list(sequence)]
    head = np.zeros((len(sequence) + 1, problem.machines), dtype=np.int64)
    tail = np.zeros_like(head)
    head[1:] = scanned(p, problem.release[list(sequence)])
    tail[:-1] = scanned(p[::-1, ::-1], np.zeros(len(sequence), dtype=np.int64))[::-1, ::-1]
    now = np.full(len(sequence) + 1, problem.release[job])
    total = np.zeros_like(now)
    for k in range(problem.machines):
        now = np.maximum(now, head[:, k]) + problem.times[job, k]
        np.maximum(total, now + tail[:, k], out=total)
    # a path may also start at the release of a job that comes later
    late = problem.release[list(sequence)] + tail[:-1, 0]
    waits = np.append(np.maximum.accumulate(late[::-1])[::-1], 0)
    found: IntArray = np.maximum(total, waits)
    return found


def sequence(problem: FlowShop) -> list[int]:
    """NEH: the jobs with most work first, each put where the makespan is least, the first such place of several.

    Source: Nawaz, Enscore and Ham, "A heuristic algorithm for the m-machine, n-job flow-shop sequencing problem",
    Omega 11, 1983.
    """
    placed: list[int] = []
    for job in np.argsort(-problem.times.sum(axis=1), kind="stable").tolist():
        placed.insert(int(makespans(problem, placed, job).argmin()), job)
    return placed


def scanned(times: IntArray, release: IntArray) -> IntArray:
    """Shape (positions, machines): when each operation of a sequence ends, all as early as they can."""
    ready, ends = release, np.empty_like(times)
    for k in range(times.shape[1]):
        sums = np.cumsum(times[:, k])
        ready = np.maximum.accumulate(ready - sums + times[:, k]) + sums
        ends[:, k] = ready
    return ends
