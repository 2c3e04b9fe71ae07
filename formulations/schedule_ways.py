"""The variables of `schedule_milp`: where layers run, what is sent, when; and the operations of each machine."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pulp

from optsplit.backends.pulp import ROW_SIZE, scale_to
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import LATENCY, link

from .rows import Affine, Rows, one, possible, total

_YES: Affine = (1, {})
_NO: Affine = (0, {})


@dataclass
class Way:
    """Tensor from p to q: whether its layer is at p, and for each reader its start and whether it is at q."""

    job: int
    tensor: int
    p: int
    q: int
    source: Affine
    ends: list[tuple[Affine, Affine]]
    present: Affine = _NO
    leave: Affine = _NO
    duration: int = 0

    @property
    def open(self) -> bool:
        """Whether there is a link."""
        return possible(self.present)


class Timed(Rows):
    """A model with the variables of every job in it, and no rows yet."""

    def __init__(self, problem: Schedule) -> None:
        super().__init__("schedule")
        self.problem = problem
        self.timed = problem.objective != "period"
        costs = [job.costs(LATENCY) for job in problem.jobs]
        longest = sum(int(c.compute.max(axis=1).sum()) + int(c.transfer.max(axis=0).sum()) for c in costs)
        self.horizon = max(problem.release) + longest
        self.unit = self.scale = scale_to(self.horizon, ROW_SIZE)
        self.top = -(-self.horizon // self.unit)
        # times of an optimum are whole; said to HiGHS 1.12, it no longer stops at tiny models with a "Solve error"
        self.whole = pulp.LpInteger if self.unit == 1 else pulp.LpContinuous
        self.impossible = False
        self.x = [self._places(j) for j in range(len(problem.jobs))]
        # for each machine (start, length, presence, (job, layer) or None)
        self.operations: list[list[tuple[Any, int, Affine, Any]]] = [[] for _ in problem.machines]
        self.start: list[list[Affine]] = []
        self.length: list[list[Affine]] = []
        self.end: list[Affine] = []
        self.ways: list[Way] = []
        for j in range(len(problem.jobs)):
            self._job(j)

    def _time(self, name: str) -> Affine:
        """A time in ns, held as a variable in the model's own unit."""
        return 0, {self.milp.add_variable(name, 0, self.top, self.whole): self.unit}

    def row(self, name: str, parts: list[tuple[int, Affine]], right: float = 0) -> None:
        """A row of times: sum >= right."""
        self._row(name, parts, pulp.LpConstraintGE, right, self.unit)

    def fixed(self, j: int) -> IntArray:
        """The place of each layer that is pinned or given, else -1."""
        job = self.problem.jobs[j]
        return job.fixed if self.problem.cuts is None else job.positions(self.problem.cuts[j])

    def _places(self, j: int) -> list[list[Affine]]:
        job, fixed = self.problem.jobs[j], self.fixed(j)
        places = range(len(job.places))
        x: list[list[Affine]] = [[]] * len(job.layers)
        for unit in job.bundles:
            pinned = {int(fixed[v]) for v in unit} - {-1}
            self.impossible |= len(pinned) > 1
            if pinned:
                chosen: list[Affine] = [(int(p in pinned), {}) for p in places]
            elif len(places) == 2:
                there = self.milp.add_variable(f"x_{j}_{unit[0]}", 0, 1, pulp.LpInteger)
                chosen = [(1, {there: -1}), one(there)]
            else:
                chosen = [one(self.milp.add_variable(f"x_{j}_{unit[0]}_{p}", 0, 1, pulp.LpInteger)) for p in places]
            for v in unit:
                x[v] = chosen
        return x

    def _job(self, j: int) -> None:
        job, x = self.problem.jobs[j], self.x[j]
        costs = job.costs(LATENCY)
        self.start.append([self._time(f"S_{j}_{v}") for v in range(len(job.layers))])
        self.end.append(self._time(f"C_{j}"))
        self.length.append([total((int(c), a) for c, a in zip(costs.compute[v], x[v])) for v in range(len(job.layers))])
        for v, place in itertools.product(range(len(job.layers)), range(len(job.places))):
            if costs.compute[v, place] and possible(x[v][place]):
                machine = self.problem.machine[job.places[place]]
                self.operations[machine].append((self.start[j][v], int(costs.compute[v, place]), x[v][place], (j, v)))
        for t in range(len(job.tensors)):
            for p, q in itertools.permutations(range(len(job.places)), 2):
                self._way(j, job, t, p, q)

    def _way(self, j: int, job: Partition, t: int, p: int, q: int) -> None:
        u, readers = job.tensors[t]
        x, source = self.x[j], self.x[j][u][p]
        ends = [(self.start[j][v], x[v][q]) for v in readers if x[v] is not x[u] and possible(x[v][q])]
        if t in job.outputs and q == job.result_place:
            ends.append((self.end[j], _YES))
        if not possible(source) or not ends:
            return
        way = Way(j, t, p, q, source, ends)
        self.ways.append(way)
        if not job.allowed[p, q]:
            self.impossible |= any(source == _YES == reader for _, reader in ends)
            return
        way.present = one(self.milp.add_variable(f"y_{j}_{t}_{p}_{q}", 0, 1))
        way.leave = self._time(f"B_{j}_{t}_{p}_{q}")
        way.duration = int(job.costs(LATENCY).transfer[p, q, t])
        if way.duration:
            machine = self.problem.machine[link(job.places[p], job.places[q])]
            self.operations[machine].append((way.leave, way.duration, way.present, None))
