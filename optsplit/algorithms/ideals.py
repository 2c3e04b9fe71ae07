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
    """The ideals as arrays, and what the layers between two of them cost at a place.

    Sums over the layers between two ideals are differences of sums over ideals; only the tensors that cross the smaller
    ideal need a look, and a narrow network has few of them.
    """

    def __init__(self, problem: Partition, found: list[int], names: list[str]) -> None:
        self.holds = np.array([[ideal >> v & 1 for v in range(len(problem.layers))] for ideal in found], dtype=bool)
        written = self.holds[:, problem.sources]
        readers = [np.array(sorted(set(readers)), dtype=np.int64) for _, readers in problem.tensors]
        count = [self.holds[:, r].sum(axis=1) for r in readers]
        # how many readers of each tensor an ideal holds; a tensor crosses when it is written inside and read outside
        self.read = np.array(count, dtype=np.int64).reshape(len(count), len(found)).T
        self.crosses = written & (self.read < np.array([len(r) for r in readers], dtype=np.int64))
        dense = self.holds.astype(np.float64)
        common, sizes = dense @ dense.T, self.holds.sum(axis=1)
        self.inside = [np.nonzero(common[j] == sizes[j])[0] for j in range(len(found))]
        self.costs = [problem.costs(name) for name in names]
        self.compute = [_dot(self.holds, costs.compute) for costs in self.costs]
        self.send = [_dot(self.crosses, costs.send.T) for costs in self.costs]
        away = (problem.fixed >= 0)[:, None] & (problem.fixed[:, None] != np.arange(len(problem.places)))
        self.away = _dot(self.holds, away.astype(np.int64))

    def above(self, j: int) -> tuple[IntArray, list[IntArray], NDArray[np.bool_]]:
        """The ideals I that hold ideal j; for each metric (I, P) what lies between costs; (I, P) which pins allow."""
        index = self.inside[j]
        crossing = np.nonzero(self.crosses[j])[0]
        still = self.crosses[np.ix_(index, crossing)]
        enters = self.read[np.ix_(index, crossing)] > self.read[j, crossing]
        prices = []
        for costs, compute, send in zip(self.costs, self.compute, self.send):
            price = compute[index] - compute[j]
            if costs.ends:
                price += send[index] - _dot(still, costs.send[:, crossing].T)
                price += _dot(enters, costs.receive[:, crossing].T)
            prices.append(price)
        return index, prices, self.away[index] == self.away[j]


def _dot(chosen: NDArray[np.bool_], costs: IntArray) -> IntArray:
    """Row sums of the chosen costs: exact in floats, since all costs together stay below 2**53."""
    return np.rint(chosen.astype(np.float64) @ costs.astype(np.float64)).astype(np.int64)


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan over ascending chains of ideals."""
    start = time.perf_counter()
    deadline = math.inf if options.time_limit is None else start + options.time_limit
    found = ideals(problem)
    assert found is not None, "refused before"
    names = list(dict.fromkeys([*problem.objectives, *problem.limits]))
    table = _Ideals(problem, found, names)
    largest = len(problem.objectives) > 1
    built = time.perf_counter()
    places = len(problem.places)
    value = np.full((places + 1, len(found)), _NO_WAY, dtype=np.int64)
    value[0, 0] = 0
    came = np.full((places + 1, len(found)), -1, dtype=np.int64)
    # a smaller ideal comes first, so all that leads to ideal j is settled before it is left
    for j in range(len(found)):
        if time.perf_counter() > deadline:
            return Answer(bound=0, limit=Limit.TIME, raw_status="no plan before the last ideal")
        if (value[:, j] >= _NO_WAY).all():
            continue
        index, prices, allowed = table.above(j)
        own = np.max(prices[: len(problem.objectives)], axis=0)
        for name, price in zip(names, prices):
            allowed &= price <= problem.limits.get(name, _NO_WAY)
        for q in range(places):
            whole = np.maximum(value[q, j], own[:, q]) if largest else value[q, j] + own[:, q]
            better = allowed[:, q] & (whole < value[q + 1, index])
            value[q + 1, index[better]], came[q + 1, index[better]] = whole[better], j
    best = int(value[-1, -1])
    timing = Answer(build_seconds=built - start, solve_seconds=time.perf_counter() - built)
    if best >= _NO_WAY:
        return replace(timing, infeasible=True, raw_status="no chain of ideals obeys the rules")
    at = np.empty(len(problem.layers), dtype=np.int64)
    i = len(found) - 1
    for q in range(len(problem.places) - 1, -1, -1):
        j = int(came[q + 1, i])
        at[table.holds[i] & ~table.holds[j]] = q
        i = j
    return replace(timing, plan=problem.plan(at), objective=best, bound=best, raw_status=f"ideals: {len(found)}")
