"""Many frames at once: which cuts and how many of each, in which order, and what is left to a solver.

The method "types" of `Schedule`. A model of whole schedules chooses a cut for each of many equal frames and orders all
their operations; its bound is weak, since halves of frames can be put anywhere. Here the numbers come first:

    load        minimum cuts: what the machines must do, whatever the cuts
    types       how many frames take which one-way cut, with heads and tails (formulations/schedule_types.py)
    positions   for chains, a sequence model that is exact (formulations/schedule_positions.py)

An iterated greedy search chooses sequence and cuts together; the frames' operations are then scheduled one by one in
that order. Where the bounds do not meet it, CP-SAT goes on from that plan. Where cuts may come back to the device, the
bounds are of classes of such cuts (`optsplit.algorithms.schedule_returning`), after a first round of one-way cuts that
finds a plan; plans still are of one-way cuts until CP-SAT goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from optsplit import formulation
from optsplit.algorithms import schedule_load, schedule_semi_active, schedule_sequence
from optsplit.backends.watch import Watch
from optsplit.frame_counts import Counting
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.problems.schedule_cuts import CutTypes, cut_types
from optsplit.problems.schedule_operations import topological
from optsplit.result import Limit, TracePoint

_SHORT = 24
"""Cuts of a network among which the search chooses."""

_ROUNDS = 200
"""Rounds of the search, at most."""

_EVALUATIONS = 20_000
"""Rounds of the search times the square of the frames, at most."""

_SEARCHES = 12
"""Sets of counts from which one programme's rounds start the search, at most."""

_POSITIONS = 1200
"""Cuts times frames up to which the sequence model is tried."""

_PATIENCE = 20.0
"""Seconds for the sequence model where it is a heuristic."""


def refuses(problem: Schedule) -> str | None:
    """Why the method cannot take a problem that its features allow, or None."""
    for first in dict.fromkeys(problem.kinds):
        job = problem.jobs[first]
        if job.result_place == 1:
            return f"the outputs of job {first} must end at {job.result_at!r}; it takes the first place, or anywhere"
        types = cut_types(job)
        if types is None:
            return f"job {first} has too many one-way cuts to list"
        if not len(types.device) and not job.one_way:
            return f"job {first} has no one-way cut, so there is nothing to start from"
    return None


class _Frames:
    """The frames of a problem, by network, and what is known of them."""

    def __init__(self, problem: Schedule, options: Options) -> None:
        self.problem, self.watch = problem, Watch(options)
        self.kinds = list(dict.fromkeys(problem.kinds))
        self.members = [[j for j, kind in enumerate(problem.kinds) if kind == first] for first in self.kinds]
        self.counts = [len(members) for members in self.members]
        self.jobs = [problem.jobs[first] for first in self.kinds]
        self.one_way = all(job.one_way for job in self.jobs)
        self.types: list[CutTypes] = []
        for job in self.jobs:
            types = cut_types(job)
            assert types is not None
            self.types.append(types)
        self.bounds: dict[str, int] = {}
        self.sequence: list[tuple[int, int]] = []
        self.plan: SchedulePlan | None = None
        self.value: int | None = None

    @property
    def bound(self) -> int:
        return max(self.bounds.values(), default=0)

    def done(self) -> bool:
        """Whether the plan is good enough, or the time over."""
        close = self.value is not None and self.value - self.bound <= self.watch.options.gap * max(self.value, 1)
        return close or self.watch.left() == 0.0 or self.watch.stopped_by is not Limit.NONE

    def prove(self, name: str, bound: int | None) -> None:
        if bound is not None:
            self.bounds[name] = max(bound, self.bounds.get(name, bound))
            self.watch.report(self.value, self.bound)

    # --- plans ------------------------------------------------------------------------------------------------

    def offer(self, sequence: Sequence[tuple[int, int]]) -> None:
        """Schedule the operations of frames (network, cut) in this order, and keep the plan if it is the best."""
        waiting = [iter(members) for members in self.members]
        order = [(next(waiting[k]), k, c) for k, c in sequence]
        cuts: list[Any] = [None] * len(self.problem.jobs)
        for j, k, c in order:
            cuts[j] = self.types[k].at(c)
        rank = {j: i for i, (j, _, _) in enumerate(order)}
        in_turn = [(j, i) for j, k, _ in order for i in topological(self.jobs[k], self.problem.steps(j, cuts[j]))]
        for starts in (
            schedule_semi_active.in_order(self.problem, cuts, in_turn),
            schedule_semi_active.dispatched(self.problem, cuts, lambda j, i, ready: rank[j]),
        ):
            plan = self.problem.plan(cuts, starts)
            value = self.problem.evaluate(plan).objective
            if self.value is None or value < self.value:
                self.plan, self.value, self.sequence = plan, value, list(sequence)
                self.watch.report(value, self.bound or None)

    def short(self, counts: Sequence[dict[int, int]], weights: Sequence[Sequence[float]]) -> list[list[int]]:
        """For each network the cuts worth trying: those counted, and the cheapest by some weights of machines."""
        found = []
        for types, counted in zip(self.types, counts):
            loads = types.loads
            chosen = dict.fromkeys(counted)
            for weight in weights:
                chosen[int(np.argmin(loads @ np.asarray(weight)))] = None
            found.append(list(chosen)[:_SHORT])
        return found

    def search(self, counts: Sequence[dict[int, int]] = ()) -> list[tuple[int, int]]:
        """A good sequence of frames and cuts, by iterated greedy search, from the counts where there are any."""
        weights = [(a, 1 - a, 0.02, 0.02) for a in np.linspace(0, 1, 17)]
        short = self.short(counts or [{}] * len(self.types), weights)
        times = [[tuple(row) for row in types.loads[cuts].tolist()] for types, cuts in zip(self.types, short)]
        start = sorted(
            ((k, short[k].index(c)) for k, found in enumerate(counts) for c, n in found.items() for _ in range(n)),
            key=lambda frame: _johnson(times[frame[0]][frame[1]]),
        )
        for k, count in enumerate(self.counts):
            for _ in range(count - sum(1 for network, _ in start if network == k)):
                _, position, cut = schedule_sequence.best_place(times, start, k)
                start.insert(position, (k, cut))
        best = schedule_sequence.search(
            times, start, seed=self.watch.options.seed, rounds=max(2, min(_ROUNDS, _EVALUATIONS // len(start) ** 2)),
            stop=lambda value: value <= self.bound or self.watch.left() == 0.0,
        )  # fmt: skip
        return [(k, short[k][c]) for k, c in best]

    def count(self, weights: IntArray, one_way: bool) -> None:
        """The bound of the types; every set of counts on the way there is also a start for the search."""
        assert self.value is not None
        programme = Counting(self.jobs, self.types, self.counts, weights, self.value, self.watch, one_way)
        if programme.networks is None:
            return
        searched: list[list[dict[int, int]]] = []

        def improve(counts: Sequence[dict[int, int]]) -> int:
            found = programme.one_way_cuts(counts)
            if any(found) and found not in searched and len(searched) < _SEARCHES:
                searched.append(found)
                self.offer(self.search(found))
            assert self.value is not None
            return self.value

        bound = formulation.load("schedule_types").bound
        if one_way and not self.one_way:
            # its counts are good starts; its bound is none
            aside = Watch(replace(self.watch.options, time_limit=_half(self.watch.left()), progress=None))
            bound(programme.networks, aside, programme.weights, improve)
            if aside.stopped_by is Limit.INTERRUPT:
                self.watch.interrupt()
            return
        self.prove("types", bound(programme.networks, self.watch, programme.weights, improve, programme.narrow))

    def positions(self) -> None:
        """The sequence model: exact for chains, else among the cuts of the best sequence and their neighbours."""
        model = formulation.load("schedule_positions")
        exact = self.one_way and all(job.is_chain for job in self.jobs) and all(map(_same_way_back, self.types))
        types_model = formulation.load("schedule_types")
        if exact:
            cuts = [types_model.undominated(types.loads) for types in self.types]
        else:
            cuts = [sorted({c for k, c in self.sequence if k == network}) for network in range(len(self.types))]
        if sum(map(len, cuts)) * len(self.sequence) > _POSITIONS:
            return
        left = self.watch.left()
        patience = left if exact else min(_PATIENCE, _half(left) or _PATIENCE)
        options = replace(self.watch.options, time_limit=patience, progress=None, hint=None)
        times = [types.loads[chosen].tolist() for types, chosen in zip(self.types, cuts)]
        found = model.solve(times, self.counts, options)
        if exact:
            self.prove("positions", found.bound)
        if found.frames is not None:
            self.offer([(k, cuts[k][c]) for k, c in found.frames])


def _half(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 2


def _same_way_back(types: CutTypes) -> bool:
    return len(set(types.back[types.back > 0].tolist())) <= 1 and bool(
        ((types.back > 0) == (types.loads[:, 1:3].sum(axis=1) > 0)).all() or not types.back.any()
    )


def _johnson(times: tuple[int, ...]) -> tuple[int, int]:
    first, last = times[0] + times[1], times[1] + times[2]
    return (0, first) if first <= last else (1, -last)


def solve(problem: Schedule, options: Options) -> Answer:
    """The least makespan of many frames whose cuts are free."""
    frames = _Frames(problem, options)
    watch = frames.watch
    watch.built()
    later: Answer | None = None
    if not all(len(types.device) for types in frames.types):
        return Answer(infeasible=True, raw_status="a job has no one-way cut")
    try:
        load = schedule_load.bound(list(zip(frames.jobs, frames.counts)), lambda: watch.left() == 0.0)
        if load is None:
            return Answer(infeasible=True, raw_status="every cut is infinite")
        frames.prove("load", load[0])
        frames.offer(frames.search())
        if not frames.done():
            frames.count(load[1], one_way=True)
        if not frames.one_way and not frames.done():
            frames.count(load[1], one_way=False)
        if not frames.done():
            frames.positions()
        if not frames.done():
            later = _go_on(frames)
    except KeyboardInterrupt:
        watch.interrupt()
    return _answer(frames, later)


def _go_on(frames: _Frames) -> Answer:
    """CP-SAT from the plan found so far, in the time that is left."""
    options = replace(
        frames.watch.options, time_limit=frames.watch.left(), hint=frames.plan or frames.watch.options.hint
    )
    answer: Answer = formulation.load("schedule_cpsat").solve(frames.problem, options)
    if answer.bound is not None:
        frames.prove("solver", answer.bound)
    for name, bound in answer.bounds.items():
        frames.prove(name, bound)
    if answer.plan is not None:
        value = frames.problem.evaluate(answer.plan).objective
        if frames.value is None or value < frames.value:
            frames.plan, frames.value = answer.plan, value
            frames.watch.report(value, frames.bound)
    return answer


def _answer(frames: _Frames, later: Answer | None) -> Answer:
    watch = frames.watch
    limit = Limit.INTERRUPT if watch.stopped_by is Limit.INTERRUPT else Limit.NONE
    if limit is Limit.NONE and frames.value != frames.bound:
        gap = frames.value is not None and watch.options.gap > 0 and later is None
        limit = later.limit if later is not None else Limit.GAP if gap else Limit.TIME
    return Answer(
        plan=frames.plan,
        objective=frames.value,
        bounds=dict(frames.bounds),
        limit=limit,
        build_seconds=watch.build_seconds,
        solve_seconds=watch.solve_seconds,
        trace=_monotone(watch.trace),
        solver="HiGHS" if later is None else f"HiGHS, {later.solver}",
        versions={} if later is None else later.versions,
        raw_status="" if later is None else later.raw_status,
    )


def _monotone(trace: Sequence[TracePoint]) -> tuple[TracePoint, ...]:
    return tuple(point for point, following in pairwise([*trace, None]) if point != following and point is not None)
