"""Relaxations of a partition problem whose own optimum bounds the largest of several metrics from below.

Both are partition problems again, over the same costs and never dearer than the problem that they relax:

    packing     every way is free, layers that cost nothing are gone: units of work into places. Strong where a few
                heavy units do not fit evenly.
    merged      equal places are one, which pays for what enters or leaves all of them together. The metrics that they
                exchange are added up: sum_{m in C} value_m <= |C| z for a class C of them. Strong where giving a
                layer to an unequal place costs its way.

In neither a place has to be contiguous, and limits stay as far as they can be said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from optsplit.backends.outcome import Outcome
from optsplit.backends.watch import Watch
from optsplit.method import Options
from optsplit.problems.metric import LARGEST_TOTAL, IntArray, Metric
from optsplit.problems.partition import Partition
from optsplit.result import Limit

SEARCH_SHARE = 0.75
"""Of the time limit, what the search gets before the relaxations."""


@dataclass(frozen=True)
class Relaxation:
    """A problem whose optimum, times `times`, divided by `over` and rounded up, is a bound."""

    name: str
    problem: Partition
    times: int = 1
    over: int = 1

    def bound(self, found: int) -> int:
        """What a bound on the relaxation's objective says about the problem's."""
        return -(-found * self.times // self.over)


def search_time(problem: Partition, options: Options) -> float | None:
    """What the search itself gets of the time limit: less than all where equal places make its own bound weak."""
    limit = options.time_limit
    weak = problem.equal and not problem.contiguous and len(problem.objectives) > 1
    return limit if limit is None or not weak else SEARCH_SHARE * limit


def floor(problem: Partition, watch: Watch, search: Callable[[Partition, Watch], Outcome]) -> int:
    """The best bound of the relaxations in the time that is left."""
    best = 0
    for relaxation, share in ((merged(problem), 0.5), (packing(problem), 1.0)):
        left = watch.left()
        if relaxation is None or not left or watch.stopped_by is not Limit.NONE:
            continue
        given = Options(share * left, workers=watch.options.workers, seed=watch.options.seed)
        outcome = search(relaxation.problem, Watch(given))
        if outcome.bound is not None:
            best = max(best, relaxation.bound(outcome.bound))
        if outcome.limit is Limit.INTERRUPT:
            watch.interrupt()
    return best


def packing(problem: Partition) -> Relaxation:
    """Units of work into places, the heaviest first; costs are divided by what they have in common."""
    load = {name: _units(problem, problem.costs(name).compute) for name in problem.objectives}
    tight = {name: limit for name, limit in problem.limits.items() if limit < problem.costs(name).total}
    limited = {name: _units(problem, problem.costs(name).compute) for name in tight}
    shared = int(np.gcd.reduce([int(np.gcd.reduce(costs, axis=None)) for costs in load.values()])) or 1
    weight = np.max([costs.max(axis=1) for costs in load.values()], axis=0)
    works = np.any([costs.any(axis=1) for costs in (*load.values(), *limited.values())], axis=0)
    works[0] = True  # a problem has at least one layer
    kept = [i for i in np.argsort(-weight, kind="stable").tolist() if works[i]]
    pins = {}
    for i in kept:
        first, *_ = unit = problem.bundles[i]
        for v in unit:
            if problem.layers[v] in problem.pins:
                pins[problem.layers[first]] = problem.pins[problem.layers[v]]
    return Relaxation(
        "packing",
        Partition(
            layers=[problem.layers[problem.bundles[i][0]] for i in kept], tensors=[], places=problem.places,
            metrics={name: Metric(costs[kept] // shared) for name, costs in load.items()}
            | {f"{name}, limited": Metric(costs[kept]) for name, costs in limited.items()},
            minimize=problem.objectives, pins=pins, result_at=None,
            limits={f"{name}, limited": limit for name, limit in tight.items()},
        ),
        times=shared,
    )  # fmt: skip


def merged(problem: Partition) -> Relaxation | None:
    """Equal places as one; None where only one would be left, or the sums would leave the range of costs."""
    groups = {group[0]: [problem.places.index(place) for place in group] for group in problem.equal}
    others = {place for group in problem.equal for place in group[1:]}
    places = [place for place in problem.places if place not in others]
    at = [groups.get(place, [problem.places.index(place)]) for place in places]
    if len(places) < 2:
        return None
    classes = _classes(problem, problem.objectives, at)
    over = math.lcm(*map(len, classes))
    weights = [over // len(names) for names in classes]
    if any(w * sum(problem.costs(m).total for m in names) >= LARGEST_TOTAL for w, names in zip(weights, classes)):
        return None
    metrics = {f"load {i}": _sum(problem, names, at, places, w) for i, (w, names) in enumerate(zip(weights, classes))}
    limits = {}
    for names in _classes(problem, list(problem.limits), at):
        metrics[f"limit {names[0]}"] = _sum(problem, names, at, places, 1)
        limits[f"limit {names[0]}"] = sum(problem.limits[m] for m in names)
    rank = {place: places[i] for i, group in enumerate(at) for place in (problem.places[p] for p in group)}
    links = {(rank[p], rank[q]) for p, q in problem.links}
    return Relaxation(
        "merged",
        Partition(
            layers=problem.layers, tensors=problem.tensors, places=places, metrics=metrics,
            minimize=[f"load {i}" for i in range(len(classes))], limits=limits,
            pins={layer: rank[place] for layer, place in problem.pins.items()},
            result_at=None if problem.result_at is None else rank[problem.result_at], outputs=problem.outputs,
            links={(p, q) for p, q in links if p != q}, together=problem.together,
        ),
        over=over,
    )  # fmt: skip


def _units(problem: Partition, compute: IntArray) -> IntArray:
    """Shape (units, P)."""
    return np.array([compute[list(unit)].sum(axis=0) for unit in problem.bundles])


def _classes(problem: Partition, names: Sequence[str], at: Sequence[Sequence[int]]) -> list[list[str]]:
    """Metrics that look alike once equal places are one. Any division gives a valid bound; this one a good one."""
    classes: dict[tuple[int, ...], list[str]] = {}
    for name in names:
        costs = problem.costs(name)
        key = [int(costs.compute[:, group].sum()) for group in at]
        if costs.ends:
            key += [int(ends[group].sum()) for ends in (costs.send, costs.receive) for group in at]
        if costs.transfers:
            key += [int(costs.transfer[np.ix_(a, b)].sum()) for a in at for b in at]
        classes.setdefault((problem.limits.get(name, -1), *key), []).append(name)
    return list(classes.values())


def _sum(
    problem: Partition, names: Sequence[str], at: Sequence[Sequence[int]], places: Sequence[str], weight: int
) -> Metric:
    """The sum of some metrics at merged places: what any of a group's members would pay at least."""
    costs = [problem.costs(name) for name in names]
    compute = weight * np.sum([c.compute for c in costs], axis=0)
    ends, ways = any(c.ends for c in costs), any(c.transfers for c in costs)
    send, receive = (weight * np.sum([getattr(c, kind) for c in costs], axis=0) for kind in ("send", "receive"))
    way = weight * np.sum([c.transfer for c in costs], axis=0) if ways else None
    return Metric(
        np.stack([compute[:, group].min(axis=1) for group in at], axis=1),
        {} if way is None else {
            (p, q): way[np.ix_(a, b)].min(axis=(0, 1))
            for p, a in zip(places, at) for q, b in zip(places, at) if p != q
        },
        {place: send[group].min(axis=0) for place, group in zip(places, at)} if ends else {},
        {place: receive[group].min(axis=0) for place, group in zip(places, at)} if ends else {},
    )  # fmt: skip
