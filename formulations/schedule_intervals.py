"""The variables and constraints of each job of `schedule_cpsat`: places, starts, what is sent, precedence."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import LATENCY, link

Literal = Any
"""A Boolean variable or its negation, or a bool where it is known."""


def _no(literal: Literal) -> Literal:
    return not literal if isinstance(literal, bool) else ~literal


@dataclass
class JobVariables:
    """The variables of one job, named as in `schedule_cpsat`."""

    at: list[list[Literal]]
    start: list[Any]
    sent: dict[tuple[int, int, int], Literal] = field(default_factory=dict)
    leave: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    end: Any = None


class Intervals:
    """A model with every job in it, and for each machine its optional intervals and what they load it with."""

    def __init__(self, problem: Schedule) -> None:
        self.problem = problem
        self.cp = cp_model.CpModel()
        self.timed = problem.objective != "period"
        costs = [job.costs(LATENCY) for job in problem.jobs]
        self.horizon = max(problem.release) + sum(
            int(c.compute.max(axis=1).sum()) + int(c.transfer.max(axis=0).sum()) for c in costs
        )
        self.intervals: list[list[Any]] = [[] for _ in problem.machines]
        self.loads: list[list[tuple[Literal, int]]] = [[] for _ in problem.machines]
        self.jobs = [self._job(j) for j in range(len(problem.jobs))]

    def _job(self, j: int) -> JobVariables:
        job, cp = self.problem.jobs[j], self.cp
        fixed = job.fixed if self.problem.cuts is None else job.positions(self.problem.cuts[j])
        at: list[list[Literal]] = [[]] * len(job.layers)
        for unit in job.bundles:
            pinned = {int(fixed[v]) for v in unit} - {-1}
            literals = self._place(f"{j}_{unit[0]}", len(job.places), next(iter(pinned), -1))
            for v in unit:
                at[v] = literals
                for p in pinned:
                    cp.add_bool_and(literals[p])
        release = self.problem.release[j]
        start = [cp.new_int_var(release, self.horizon, f"S_{j}_{v}") for v in range(len(at))] if self.timed else []
        found = JobVariables(at, start)
        costs = job.costs(LATENCY)
        for v, literals in enumerate(at):
            for p, literal in enumerate(literals):
                machine = self.problem.machine[job.places[p]]
                self._occupy(machine, literal, int(costs.compute[v, p]), start[v] if self.timed else None)
        for t in range(len(job.tensors)):
            self._tensor(j, found, t)
        self._one_way(job, found)
        if self.timed:
            self._precedence(j, found)
        return found

    def _place(self, name: str, places: int, pinned: int) -> list[Literal]:
        if pinned >= 0:
            return [p == pinned for p in range(places)]
        if places == 2:
            there = self.cp.new_bool_var(f"at_{name}")
            return [~there, there]
        literals = [self.cp.new_bool_var(f"at_{name}_{p}") for p in range(places)]
        self.cp.add_exactly_one(literals)
        return literals

    def _occupy(self, machine: int, literal: Literal, length: int, start: Any) -> None:
        """An operation of a machine, where it takes time and may be present."""
        if not length or literal is False:
            return
        self.loads[machine].append((literal, length))
        if start is None:
            return
        name = f"on_{machine}_{len(self.intervals[machine])}"
        new = self.cp.new_optional_fixed_size_interval_var
        self.intervals[machine].append(new(start, length, literal, name))

    def _tensor(self, j: int, found: JobVariables, t: int) -> None:
        """`transfer`, `only`, `links`, and the operation of each way that a tensor may be sent."""
        job, cp, u = self.problem.jobs[j], self.cp, self.problem.jobs[j].tensors[t][0]
        ends = self.readers(job, found, t)
        for p, q in itertools.permutations(range(len(job.places)), 2):
            source = found.at[u][p]
            wanted = [at[q] for at in ends if at is not found.at[u] and at[q] is not False]
            if source is False or not wanted:
                continue
            if not job.allowed[p, q]:
                for reader in wanted:
                    cp.add_bool_or(_no(source), _no(reader))
                continue
            sure = source is True and any(reader is True for reader in wanted)
            sent: Literal = True if sure else cp.new_bool_var(f"sent_{j}_{t}_{p}_{q}")
            found.sent[t, p, q] = sent
            if not sure:
                for reader in wanted:
                    cp.add_bool_or(_no(source), _no(reader), sent)
                cp.add_implication(sent, source)
                cp.add_bool_or(*wanted, _no(sent))
            length = int(job.costs(LATENCY).transfer[p, q, t])
            machine = self.problem.machine[link(job.places[p], job.places[q])]
            if self.timed:
                found.leave[t, p, q] = cp.new_int_var(self.problem.release[j], self.horizon, f"B_{j}_{t}_{p}_{q}")
            self._occupy(machine, sent, length, found.leave.get((t, p, q)))

    def readers(self, job: Partition, found: JobVariables, t: int) -> list[list[Literal]]:
        """Where each reader of a tensor runs; an output's end is a reader that is known."""
        ends = [found.at[v] for v in job.tensors[t][1]]
        if t in job.outputs and job.result_place >= 0:
            ends.append([p == job.result_place for p in range(len(job.places))])
        return ends

    def _one_way(self, job: Partition, found: JobVariables) -> None:
        for u, v in sorted(set(job.edges)) if job.one_way else ():
            for q, p in itertools.combinations(range(len(job.places)), 2):
                if found.at[u] is not found.at[v]:
                    self.cp.add_bool_or(_no(found.at[u][p]), _no(found.at[v][q]))

    def length(self, j: int, v: int, found: JobVariables) -> Any:
        """d[v], affine in where v runs."""
        lengths = [int(c) for c in self.problem.jobs[j].costs(LATENCY).compute[v]]
        return sum(c * literal for c, literal in zip(lengths, found.at[v]) if c)

    def _precedence(self, j: int, found: JobVariables) -> None:
        """`after`, `leaves`, `arrives`, `crossing`, `ends`."""
        job, cp = self.problem.jobs[j], self.cp
        done = [found.start[v] + self.length(j, v, found) for v in range(len(job.layers))]
        found.end = cp.new_int_var(self.problem.release[j], self.horizon, f"C_{j}")
        for u, v in sorted(set(job.edges)):
            cp.add(found.start[v] >= done[u])
        for (t, p, q), sent in found.sent.items():
            u, readers = job.tensors[t]
            leave, length = found.leave[t, p, q], int(job.costs(LATENCY).transfer[p, q, t])
            cp.add(leave >= done[u])
            for v in readers:
                if found.at[v][q] is False or found.at[v] is found.at[u]:
                    continue
                cp.add(found.start[v] >= leave + length).only_enforce_if(sent, found.at[v][q])
                if length:
                    cp.add(found.start[v] >= done[u] + length * (found.at[u][p] + found.at[v][q] - 1))
            if t in job.outputs and q == job.result_place:
                cp.add(found.end >= leave + length).only_enforce_if(sent)
                cp.add(found.end >= done[u] + length * found.at[u][p])
        read = {u for u, _ in job.edges}
        for v in range(len(job.layers)):
            if v not in read:
                cp.add(found.end >= done[v])
