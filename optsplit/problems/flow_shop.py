"""FlowShop: in which order jobs pass the machines. Frozen integer data and `evaluate`, which is the specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from optsplit.errors import InvalidInput
from optsplit.problems.evaluation import Evaluation
from optsplit.problems.metric import LARGEST_TOTAL, IntArray, integers

MACHINES_3 = "more than two machines"
MACHINES_4 = "more than three machines"
RELEASE = "release times"


class FlowShopPlan(msgspec.Struct, frozen=True, tag="flow_shop"):
    """The order of the jobs, the same on every machine: positions of the jobs, first to last."""

    sequence: tuple[int, ...]

    def rows(self) -> list[tuple[str, str]]:
        """What a reader sees of it: the order."""
        shown = ", ".join(map(str, self.sequence[:20]))
        return [("sequence", shown + (f", ... ({len(self.sequence)} jobs)" if len(self.sequence) > 20 else ""))]


@dataclass(frozen=True, eq=False, init=False)
class FlowShop:
    """Order n jobs that pass m machines one after the other, so that the last one ends early: Fm|prmu, r_j|Cmax.

    Each machine works on one job at a time, without preemption and in the same order of jobs; buffers between machines
    are unbounded. With two or three machines and no release times no other schedule is better (Conway, Maxwell and
    Miller, "Theory of scheduling", 1967).

    Parameters
    ----------
    times
        Shape (jobs, machines): what each job needs on each machine, integers, 0 or more.
    release
        Shape (jobs,): when each job arrives at the first machine; default 0.
    unit
        Of the times, for print only.
    name
        For reports.

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """

    times: IntArray
    release: IntArray
    unit: str
    name: str

    objectives: ClassVar[tuple[str, ...]] = ("makespan",)

    def __init__(
        self, times: ArrayLike, release: ArrayLike | None = None, *, unit: str = "ns", name: str = "flow shop"
    ) -> None:
        try:
            shape = np.shape(times)
        except ValueError as error:
            raise InvalidInput("flow shop times: rows of unequal length; give each job one time per machine") from error
        if len(shape) != 2 or 0 in shape:
            raise InvalidInput(f"flow shop times have shape {shape}; give (jobs, machines), at least one of each")
        checked = integers("flow shop times", times, shape)
        arrivals = np.zeros(shape[0], dtype=np.int64) if release is None else release
        released = integers("flow shop release", arrivals, (shape[0],))
        # summed as floats first: a sum in int64 could itself wrap around
        total = float(checked.sum(dtype=np.float64)) + float(released.max())
        if total >= LARGEST_TOTAL:
            raise InvalidInput(f"flow shop: all its times together are about {total:.3g}, above 2**53; "
                               "give a coarser unit")  # fmt: skip
        for key, value in (("times", checked), ("release", released), ("unit", unit), ("name", name)):
            object.__setattr__(self, key, value)

    @property
    def jobs(self) -> int:
        """How many jobs there are."""
        return int(self.times.shape[0])

    @property
    def machines(self) -> int:
        """How many machines there are."""
        return int(self.times.shape[1])

    @cached_property
    def features(self) -> frozenset[str]:
        """What a method must be able to take."""
        found = {MACHINES_3: self.machines > 2, MACHINES_4: self.machines > 3, RELEASE: bool(self.release.any())}
        return frozenset(feature for feature, there in found.items() if there)

    @property
    def units(self) -> dict[str, str]:
        """Metric -> unit."""
        return dict.fromkeys(("makespan", "total_completion", "idle"), self.unit)

    @property
    def limits(self) -> MappingProxyType[str, int]:
        """None: no metric of a flow shop can be limited."""
        return MappingProxyType({})

    def plan(self, sequence: Sequence[int]) -> FlowShopPlan:
        """The plan of an order of jobs."""
        return FlowShopPlan(tuple(int(j) for j in sequence))

    def ends(self, sequence: Sequence[int]) -> IntArray:
        """Shape (jobs, machines), rows as in `sequence`: when each operation ends, all as early as they can."""
        rows, before = [], [0] * self.machines
        for j in sequence:
            now, row = int(self.release[j]), []
            for earliest, p in zip(before, self.times[j].tolist()):
                now = max(now, earliest) + p
                row.append(now)
            rows.append(row)
            before = row
        return np.array(rows, dtype=np.int64)

    def evaluate(self, plan: FlowShopPlan) -> Evaluation:
        """Price a plan.

        Metrics: `makespan`, when the last job ends; `total_completion`, the sum over jobs of when they end; `idle`,
        the sum over machines of what they wait between their first start and their last end.

        Raises
        ------
        InvalidInput
            The sequence names a job that does not exist, or not each job once.
        """
        for j in plan.sequence:
            if isinstance(j, bool) or not isinstance(j, int) or not 0 <= j < self.jobs:
                raise InvalidInput(f"sequence names job {j!r}; jobs are 0..{self.jobs - 1}")
        counts = np.bincount(plan.sequence, minlength=self.jobs) if plan.sequence else np.zeros(self.jobs, int)
        if (counts != 1).any():
            j = int(np.argmax(counts != 1))
            raise InvalidInput(f"sequence has job {j} {counts[j]} times; give every job once")
        end = self.ends(plan.sequence)
        first = end[0] - self.times[plan.sequence[0]]
        metrics = {
            "makespan": int(end[-1, -1]),
            "total_completion": sum(end[:, -1].tolist()),
            "idle": int((end[-1] - first - self.times.sum(axis=0)).sum()),
        }
        return Evaluation(metrics["makespan"], metrics, ())

    def save(self, path: str | Path) -> None:
        """Write the problem as a JSON file."""
        from optsplit.problems import flow_shop_document

        flow_shop_document.save(self, path)

    @staticmethod
    def load(path: str | Path) -> FlowShop:
        """Read a problem from a JSON file."""
        from optsplit.problems import flow_shop_document

        return flow_shop_document.load(path)

    @staticmethod
    def taillard(jobs: int, machines: int, seed: int) -> FlowShop:
        """A random instance of Taillard's generator: times uniform in 1..99.

        Source: Taillard, "Benchmarks for basic scheduling problems", EJOR 64, 1993, with the seeds printed there.
        """
        if not 0 < seed < 2**31 - 1:
            raise InvalidInput(f"seed is {seed}; give one from 1 to 2**31 - 2")
        state, rows = seed, []
        for _ in range(machines):
            row = []
            for _ in range(jobs):
                state = 16807 * state % (2**31 - 1)
                row.append(1 + 99 * state // (2**31 - 1))
            rows.append(row)
        return FlowShop(np.array(rows).T, unit="", name=f"taillard {jobs}x{machines} {seed}")

    def __repr__(self) -> str:
        return f"FlowShop({self.name!r}, {self.jobs} jobs, {self.machines} machines)"
