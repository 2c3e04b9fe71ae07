"""One job, exactly, as a shortest path over its series points: CP-SAT only sees what lies between two.

A layer v is a *series point* when every other layer comes before it or behind it (is its ancestor or its descendant),
and no tensor passes it by: none is written before v and read behind it, and no output that must be sent is written
before v.

Claim. Let v_1, ..., v_k be the series points in their order, and let a cut be given. The least makespan is the sum of
the least makespans of the blocks between consecutive points, where a block has its own layers, its end v_{i+1}, and the
tensors of v_i, which are there at time 0.

Proof. An operation before v (a layer, or the way of a tensor that a layer up to v reads) precedes v: by the definition
its result is needed, directly or not, by v, since no tensor passes by. So every one of them has ended when v starts. An
operation behind v starts after v has ended, for the same reason. So while the operations between v_i and v_{i+1} run,
no other does: every machine is empty when a block starts, and blocks can be put one after the other in no less and no
more time than each needs. For the joint problem minimise over cuts: a block depends on the places of v_i and v_{i+1},
and on those of its own layers, which no other block sees. So the least makespan is a shortest path over the nodes
(i, place of v_i), whose arcs are the blocks' optima.

Blocks are small (13 layers in GoogLeNet, 6 in DenseNet-201, 35 in Swin), and few of the arcs are needed: every arc
starts with its path bound, the shortest path is found, its arcs that are only bounded are solved, until a shortest path
has none. Its length is then the optimum, since bounds never exceed the true lengths; stopped early, it is a valid
bound. A block is first bounded by the least load of its most loaded machine (its period, without any times): where the
link is slow that alone shows that no cut of the block pays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise

from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray, Metric
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule, SchedulePlan
from optsplit.problems.schedule_operations import LATENCY
from optsplit.problems.series import points
from optsplit.result import Limit

from . import schedule_cpsat
from .schedule_bounds import named

ALONE = 20
"""A block of fewer layers is solved by one worker: more only cost time to start."""


@dataclass
class _Arc:
    """A block with its ends at two places: what is known of its least makespan."""

    problem: Schedule
    bound: int
    plan: SchedulePlan | None = None
    length: int | None = None
    loaded: bool = False
    settled: bool = False
    impossible: bool = False


class _Series:
    def __init__(self, problem: Schedule) -> None:
        self.problem, self.job = problem, problem.jobs[0]
        self.fixed: IntArray = self.job.fixed if problem.cuts is None else self.job.positions(problem.cuts[0])
        self.points = points(self.job)
        ends: list[int | None] = [None, *self.points, None]
        position = {v: i for i, v in enumerate(self.job.order)}
        self.blocks = [
            (first, last, [v for v in self.job.order
                           if (first is None or position[v] > position[first])
                           and (last is None or position[v] <= position[last])])
            for first, last in pairwise(ends)
        ]  # fmt: skip
        self.arcs: dict[tuple[int, int, int], _Arc] = {}

    def places(self, v: int | None) -> Sequence[int]:
        """Where a point may run; the ends of the job are at one place that means nothing."""
        if v is None:
            return (0,)
        return range(len(self.job.places)) if self.fixed[v] < 0 else (int(self.fixed[v]),)

    def arc(self, i: int, p: int, q: int) -> _Arc:
        """Block i with its first point at p and its last at q."""
        if (i, p, q) not in self.arcs:
            block = self._block(i, p, q)
            low = named(block)["path"] if block is not None else 0
            arc = self.arcs[i, p, q] = _Arc(block or self.problem, low)
            if block is None:
                arc.length, arc.settled = 0, True
        return self.arcs[i, p, q]

    def _block(self, i: int, p: int, q: int) -> Schedule | None:
        """The block as a job of its own; None where nothing is left of it."""
        first, last, inner = self.blocks[i]
        job, head = self.job, [] if first is None else [first]
        if not inner and not head:
            return None
        layers = [*head, *inner]
        index = {v: k for k, v in enumerate(layers)}
        kept = [t for t, (u, _) in enumerate(job.tensors) if u in index and u != last]
        if not inner and not kept:
            return None
        costs = job.costs(LATENCY)
        compute = costs.compute[layers].copy()
        compute[: len(head)] = 0
        pins = {job.layers[v]: job.places[int(self.fixed[v])] for v in layers if self.fixed[v] >= 0}
        pins |= {job.layers[v]: job.places[at] for v, at in ((first, p), (last, q)) if v is not None}
        arcs = {(a, b): costs.transfer[job.places.index(a), job.places.index(b), kept] for a, b in job.links}
        block = Partition(
            [job.layers[v] for v in layers],
            tensors=[(index[job.tensors[t][0]], tuple(sorted(index[v] for v in job.tensors[t][1]))) for t in kept],
            places=job.places, metrics={LATENCY: Metric(compute, arcs)}, pins=pins, result_at=job.result_at,
            one_way=job.one_way, outputs=[k for k, t in enumerate(kept) if t in job.outputs], links=job.links,
            together=[inside for group in job.bundles
                      if len(inside := [job.layers[v] for v in group if v in index]) > 1],
        )  # fmt: skip
        return Schedule([block], name=f"block {i}")

    def shortest(self) -> tuple[float, list[tuple[int, int, int]]]:
        """The shortest path by what is known, and its arcs."""
        reach: dict[int, tuple[float, list[tuple[int, int, int]]]] = {0: (0.0, [])}
        for i, (_, last, _) in enumerate(self.blocks):
            then: dict[int, tuple[float, list[tuple[int, int, int]]]] = {}
            for q in self.places(last):
                for p, (length, way) in reach.items():
                    arc = self.arc(i, p, q)
                    total = math.inf if arc.impossible else length + arc.bound
                    if q not in then or total < then[q][0]:
                        then[q] = total, [*way, (i, p, q)]
            reach = then
        return min(reach.values(), key=lambda found: found[0])

    def settle(self, arc: _Arc, options: Options) -> Limit:
        """Bound one block by its least load, or solve it; the limit that stopped it, if any."""
        if len(arc.problem.jobs[0].layers) < ALONE:
            options = replace(options, workers=1)
        if not arc.loaded:
            answer = schedule_cpsat.solve(arc.problem.but(objective="period"), options)
            length = None if answer.plan is None else arc.problem.evaluate(answer.plan).objective
        else:
            answer = schedule_cpsat.solve(arc.problem, replace(options, hint=arc.plan), least=arc.bound)
            length = answer.objective
        arc.impossible = answer.infeasible
        arc.bound = max(arc.bound, answer.bound or 0)
        if length is not None and (arc.length is None or length < arc.length):
            arc.plan, arc.length = answer.plan, length
        arc.settled = arc.loaded or arc.length == arc.bound
        arc.loaded = True
        return answer.limit

    def whole(self, way: Sequence[tuple[int, int, int]]) -> SchedulePlan | None:
        """The blocks of a path, one after the other; None where one of them has no plan."""
        now = self.problem.release[0]
        begin: dict[tuple[str, str], int] = {}
        at: dict[str, str] = {}
        for key in way:
            arc = self.arc(*key)
            if arc.length is None or (arc.plan is None and arc.length):
                return None
            if arc.plan is not None:
                first = self.blocks[key[0]][0]
                for o in arc.plan.operations:
                    # the point that a block starts from was the end of the one before
                    if first is None or o.item != self.job.layers[first] or o.machine not in self.job.places:
                        begin[o.item, o.machine] = now + o.start
                at |= arc.plan.assignments[0]
            now += arc.length
        machines = self.problem.machines
        starts = [begin[step.item, machines[step.machine]] for step in self.problem.steps(0, at)]
        return self.problem.plan([at], [starts])


def solve(problem: Schedule, options: Options) -> Answer:
    """The least schedule of one job: makespan, completion and lateness differ by constants."""
    watch = Watch(options)
    series = _Series(problem)
    shift = {"makespan": problem.release[0], "total_completion": 0}.get(
        problem.objective, problem.release[0] - (problem.due or (0,))[0]
    )
    plan, limit = options.hint, Limit.NONE
    watch.built()
    length, way = series.shortest()
    while math.isfinite(length):
        # the largest block first: where it moves the path away, the others of this one are not needed
        left = [arc for arc in (series.arc(*key) for key in way) if not arc.settled]
        watch.report(None, int(length) + shift)
        if not left:
            break
        arc = max(left, key=lambda one: len(one.problem.jobs[0].layers))
        seconds = watch.left()
        if seconds == 0.0:
            limit = Limit.TIME
            break
        try:
            limit = series.settle(arc, replace(options, time_limit=seconds, hint=None, progress=None, gap=0.0))
        except KeyboardInterrupt:  # between two solves, where no watch hears it
            limit = Limit.INTERRUPT
        if limit is not Limit.NONE:
            break
        length, way = series.shortest()
    bounds = {name: value for name, value in named(problem).items() if name != "best"}
    if math.isinf(length):
        return Answer(infeasible=True, build_seconds=watch.build_seconds, solve_seconds=watch.solve_seconds,
                      raw_status="no cut obeys the rules", solver="CP-SAT", bounds=bounds)  # fmt: skip
    if (found := series.whole(way)) is not None:
        plan = found if plan is None else min(found, plan, key=lambda one: problem.evaluate(one).objective)
    bound = int(length) + shift
    objective = None if plan is None else problem.evaluate(plan).objective
    watch.report(objective, bound)
    solved = sum(arc.settled for arc in series.arcs.values())
    words = f"{len(series.points)} series points, {solved} of {len(series.arcs)} blocks solved"
    return Answer(
        plan, objective, bound, limit=Limit.NONE if bound == objective else limit, build_seconds=watch.build_seconds,
        solve_seconds=watch.solve_seconds, trace=tuple(watch.trace), solver="CP-SAT", raw_status=words,
        bounds={**bounds, "series": bound}, versions={"ortools": version("ortools")},
    )  # fmt: skip
