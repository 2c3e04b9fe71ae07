"""Places in a line, one way, where the network is narrow: a dynamic programme over ideals.

With `one_way` the layers at the first q places form an ideal: with each layer it holds all that it reads from. So a
plan is an ascending chain of ideals, and with D[q, I] the least objective of the first q places holding I,

    D[q, I] = min over ideals J inside I of D[q - 1, J] (+) what the layers of I outside J cost at place q,

where (+) is the sum, or the larger for the largest of several metrics (Tarnawski et al., NeurIPS 2020, section 5, for
equal places). What a place costs follows from J and I alone when tensors are paid where they leave (`send`) and where
they enter (`receive`): a tensor leaves when some reader is outside I, and enters when it is written in J and read in I
outside J. Costs of arcs do not, and are refused, as are more than `LARGEST_NUMBER` ideals.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.result import Limit

LARGEST_NUMBER = 1500
_NO_WAY = np.iinfo(np.int64).max // 4


def refuses(problem: Partition) -> str | None:
    """Why ideals do not describe the problem; None when they do."""
    if not problem.one_way:
        return "its data may return to an earlier place; it takes one_way problems"
    if problem.result_at is not None:
        return f"its result must end at {problem.result_at!r}; it takes problems with result_at=None"
    if not problem.allowed[np.triu_indices(len(problem.places), 1)].all():
        return "some later place has no link from an earlier one"
    several = problem.objectives if len(problem.objectives) > 1 else ()
    for name in dict.fromkeys([*problem.objectives, *problem.limits]):
        costs = problem.costs(name)
        if costs.transfers:
            return f"metric {name!r} has costs of arcs; it takes send and receive"
        used = costs.compute.any(axis=0) | costs.send.any(axis=1) | costs.receive.any(axis=1)
        if (name in several or name in problem.limits) and used.sum() > 1:
            return (
                f"metric {name!r} adds up over several places; one that is limited, or balanced, must be of one place"
            )
    if ideals(problem) is None:
        return f"the network is too wide: it has more than {LARGEST_NUMBER} ideals"
    return None


def ideals(problem: Partition) -> list[int] | None:
    """Every ideal as the bits of its layers, the smaller first; None when there are too many."""
    needs = [0] * len(problem.layers)
    for u, v in problem.edges:
        needs[v] |= 1 << u
    follow: list[list[int]] = [[] for _ in needs]
    for u, v in problem.edges:
        follow[u].append(v)
    sources = [v for v, need in enumerate(needs) if not need]
    # (ideal, layers that could be added): each layer only becomes free when its last source enters
    level: dict[int, frozenset[int]] = {0: frozenset(sources)}
    found: list[int] = []
    while level:
        following: dict[int, frozenset[int]] = {}
        for ideal, free in level.items():
            found.append(ideal)
            for v in free:
                grown = ideal | 1 << v
                if grown not in following:
                    freed = {w for w in follow[v] if needs[w] & ~grown == 0}
                    following[grown] = (free - {v}) | freed
        if len(found) + len(following) > LARGEST_NUMBER:
            return None
        level = following
    return found


class _Ideals:
    """The ideals as arrays, and what the layers between two of them cost at a place."""

    def __init__(self, problem: Partition, found: list[int]) -> None:
        n = len(problem.layers)
        self.problem = problem
        self.holds = np.array([[ideal >> v & 1 for v in range(n)] for ideal in found], dtype=bool)
        self.written = self.holds[:, problem.sources]
        self.readers = [np.array(sorted(set(readers)), dtype=np.int64) for _, readers in problem.tensors]
        unread = [(~self.holds[:, r]).any(axis=1) for r in self.readers]
        # tensors written inside and read outside
        self.out = self.written & np.array(unread, dtype=bool).reshape(len(unread), len(found)).T
        sizes = self.holds.sum(axis=1)
        self.inside = [np.nonzero((self.holds & self.holds[j]).sum(axis=1) == sizes[j])[0] for j in range(len(found))]

    def step(self, j: int, names: list[str], q: int) -> tuple[IntArray, IntArray]:
        """The ideals that hold ideal j, and shape (M, them): what their layers outside it cost at place q."""
        problem, above = self.problem, self.inside[j]
        between = self.holds[above] & ~self.holds[j]
        leaves = self.out[above] & ~self.written[j]
        crossing = np.nonzero(self.out[j])[0]
        enters = [between[:, self.readers[t]].any(axis=1) for t in crossing]
        price = np.zeros((len(names), len(above)), dtype=np.int64)
        for m, name in enumerate(names):
            costs = problem.costs(name)
            if costs.compute[:, q].any():
                price[m] += _dot(between, costs.compute[:, q])
            if costs.send[q].any():
                price[m] += _dot(leaves, costs.send[q])
            if len(enters) and costs.receive[q].any():
                price[m] += _dot(np.array(enters).T, costs.receive[q, crossing])
        return above, price


def _dot(chosen: NDArray[np.bool_], costs: IntArray) -> IntArray:
    """Row sums of the chosen costs: exact in floats, since all costs together stay below 2**53."""
    return np.rint(chosen @ costs.astype(np.float64)).astype(np.int64)


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan over ascending chains of ideals."""
    start = time.perf_counter()
    deadline = math.inf if options.time_limit is None else start + options.time_limit
    found = ideals(problem)
    assert found is not None, "refused before"
    table = _Ideals(problem, found)
    names = list(dict.fromkeys([*problem.objectives, *problem.limits]))
    objectives, largest = len(problem.objectives), len(problem.objectives) > 1
    limits = np.array([problem.limits.get(name, _NO_WAY) for name in names], dtype=np.int64)
    built = time.perf_counter()
    value = np.full(len(found), _NO_WAY, dtype=np.int64)
    value[0] = 0
    came: list[IntArray] = []
    for q in range(len(problem.places)):
        astray = ((problem.fixed >= 0) & (problem.fixed != q)).astype(np.int64)
        after, origin = np.full(len(found), _NO_WAY, dtype=np.int64), np.full(len(found), -1, dtype=np.int64)
        for j in np.nonzero(value < _NO_WAY)[0].tolist():
            if time.perf_counter() > deadline:
                return Answer(bound=0, limit=Limit.TIME, raw_status="no plan before the last place")
            above, price = table.step(j, names, q)
            own = price[:objectives].max(axis=0)
            whole = np.maximum(value[j], own) if largest else value[j] + own
            wrong = (price > limits[:, None]).any(axis=0)
            if astray.any():
                wrong |= _dot(table.holds[above] & ~table.holds[j], astray) > 0
            better = ~wrong & (whole < after[above])
            after[above[better]], origin[above[better]] = whole[better], j
        value = after
        came.append(origin)
    best = int(value[-1])
    timing = Answer(build_seconds=built - start, solve_seconds=time.perf_counter() - built)
    if best >= _NO_WAY:
        return replace(timing, infeasible=True, raw_status="no chain of ideals obeys the rules")
    at = np.empty(len(problem.layers), dtype=np.int64)
    i = len(found) - 1
    for q in range(len(problem.places) - 1, -1, -1):
        j = int(came[q][i])
        at[table.holds[i] & ~table.holds[j]] = q
        i = j
    return replace(timing, plan=problem.plan(at), objective=best, bound=best, raw_status=f"ideals: {len(found)}")
