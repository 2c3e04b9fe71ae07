"""Greedy balance: layers in topological order, each where the objective grows least.

List scheduling (Graham 1966) on the layers of a network; such a topological greedy is the simplest baseline that
papers on device placement compare with (among them Tarnawski et al., NeurIPS 2020). It looks neither ahead nor back.
"""

from __future__ import annotations

import numpy as np

from optsplit.baselines.trivial import offer
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition


def balance(problem: Partition, options: Options) -> Answer:
    """Each layer at the place that raises the objective least and keeps the limits, pins, links and one_way."""
    return offer(problem, assignment(problem))


def assignment(problem: Partition) -> IntArray:
    """Shape (n,): the place of each layer; where no place obeys the rules, the least bad."""
    names = list(dict.fromkeys([*problem.objectives, *problem.limits]))
    compute = np.stack([problem.costs(m).compute for m in names])  # (M, n, P)
    way = np.stack([problem.costs(m).transfer + problem.costs(m).receive[None] for m in names])  # (M, P, P, T)
    send = np.stack([problem.costs(m).send for m in names])  # (M, P, T)
    limit = np.array([problem.limits.get(m, 2**62) for m in names], dtype=np.int64)
    k, places = len(problem.objectives), len(problem.places)
    reads: list[list[int]] = [[] for _ in problem.layers]
    writes: list[list[int]] = [[] for _ in problem.layers]
    for t, (source, readers) in enumerate(problem.tensors):
        writes[source].append(t)
        for v in set(readers):
            reads[v].append(t)
    outputs = set(problem.outputs) if problem.result_place >= 0 else set()
    group = {v: g for g, layers in enumerate(problem.together) for v in (problem.index[layer] for layer in layers)}
    at = np.full(len(problem.layers), -1, dtype=np.int64)
    sent: list[set[int]] = [set() for _ in problem.tensors]
    home: dict[int, int] = {}
    total = np.zeros(len(names), dtype=np.int64)

    def price(t: int, p: int, goes: set[int]) -> IntArray:
        more = np.zeros(len(names), dtype=np.int64)
        for q in goes:
            more += way[:, p, q, t]
        return more if not goes or sent[t] else more + send[:, p, t]

    for v in problem.order:
        best: tuple[tuple[int, int, int], int, IntArray] | None = None
        for q in range(places):
            wrong = int(problem.fixed[v] not in (-1, q)) + int(v in group and home.get(group[v], q) != q)
            after = total + compute[:, v, q]
            for t in reads[v]:
                p = int(at[problem.sources[t]])
                wrong += int(not problem.allowed[p, q]) + int(problem.one_way and q < p)
                after = after + price(t, p, {q} - {p} - sent[t])
            for t in outputs.intersection(writes[v]):
                wrong += int(not problem.allowed[q, problem.result_place])
                after = after + price(t, q, {problem.result_place} - {q})
            wrong += int((after > limit).sum())
            key = wrong, int(after[:k].max()), int(after[:k].sum())
            if best is None or key < best[0]:
                best = key, q, after
        assert best is not None
        _, q, total = best
        at[v] = q
        if v in group:
            home.setdefault(group[v], q)
        for t in reads[v]:
            sent[t] |= {q} - {int(at[problem.sources[t]])}
        for t in outputs.intersection(writes[v]):
            sent[t] |= {problem.result_place} - {q}
    return at
