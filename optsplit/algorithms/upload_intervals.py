"""Upload orders of a chain in polynomial time: a dynamic programme over the runs of layers between two on the device.

Where a layer of a chain stays on the device, the parts before and behind it have nothing to do with each other: their
gains add up. Take the units between two layers that stay on the device, and let U be those in use once all of these
are there. Some unit c of U is in the set that is sent last; before that, c was on the device, so the order was one
of the units left of c and one of those right of it, independent of each other. Two independent orders of least cost
are merged into one of least cost by sending the steps of their lower convex hulls by falling density (the job modules
of Sidney 1975 and Lawler 1978: the cost of merging two staircases is at least that of merging their hulls, which the
best orders of each reach). So with n units there are n**2 / 2 runs, each with at most n choices of c.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from optsplit.algorithms.upload_cut import Network, network
from optsplit.algorithms.upload_search import bits
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit


@dataclass(frozen=True)
class Step:
    """Units that are sent as one: how long it takes, and by how much the latency drops then."""

    units: tuple[int, ...]
    time: int
    drop: int


@dataclass(frozen=True)
class Sequence:
    """An order of steps; `cost` is the area of latency above its end."""

    steps: tuple[Step, ...]

    @cached_property
    def cost(self) -> int:
        """The sum over steps of their drop times the time until their end."""
        clock = total = 0
        for step in self.steps:
            clock += step.time
            total += clock * step.drop
        return total

    @cached_property
    def composites(self) -> list[tuple[int, int, list[Step]]]:
        """The steps grouped by the lower convex hull: (time, drop, steps), density falling strictly."""
        found: list[tuple[int, int, list[Step]]] = []
        for step in self.steps:
            now = (step.time, step.drop, [step])
            while found and found[-1][1] * now[0] <= now[1] * found[-1][0]:
                early = found.pop()
                now = (early[0] + now[0], early[1] + now[1], early[2] + now[2])
            found.append(now)
        return found


def merge(one: Sequence, other: Sequence) -> Sequence:
    """The least order of two independent sequences."""
    left, right = one.composites, other.composites
    steps: list[Step] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if j == len(right) or (i < len(left) and left[i][1] * right[j][0] >= right[j][1] * left[i][0]):
            steps += left[i][2]
            i += 1
        else:
            steps += right[j][2]
            j += 1
    return Sequence(tuple(steps))


class Runs:
    """The best orders of all runs of units of a chain; `units` in the order of its layers."""

    def __init__(self, cuts: Network, units: list[int], times: tuple[int, ...]) -> None:
        self.cuts, self.units, self.times = cuts, units, times
        self.empty = cuts.least(0).value
        self.best: dict[tuple[int, int], Sequence] = {}

    def find(self, first: int, end: int) -> None:
        """The best order of units first..end-1, from those of all shorter runs."""
        best: Sequence | None = None
        units = sum(1 << k for k in self.units[first:end])
        cut = self.cuts.least(units)
        if out := [i for i in range(first, end) if not cut.used >> self.units[i] & 1]:
            # a unit out of use here is out of use in every subset
            best = merge(self.at(first, out[0]), self.at(out[0] + 1, end))
        else:
            gain = self.empty - cut.value
            for i in range(first, end):
                before = merge(self.at(first, i), self.at(i + 1, end))
                sent = {k for step in before.steps for k in step.units}
                rest = tuple(k for k in self.units[first:end] if k not in sent)
                step = Step(
                    rest, sum(self.times[k] for k in rest),
                    gain - sum(step.drop for step in before.steps),
                )  # fmt: skip
                sequence = Sequence((*before.steps, step))
                if best is None or sequence.cost < best.cost:
                    best = sequence
        assert best is not None
        self.best[first, end] = best

    def at(self, first: int, end: int) -> Sequence:
        """The best order of a run that is known already."""
        return self.best[first, end] if first < end else Sequence(())


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The least integral over a chain; stopped early, it has no plan."""
    watch = Watch(options)
    cuts = network(problem)
    last = cuts.last().used
    place = {v: i for i, v in enumerate(problem.partition.chain or ())}
    runs = Runs(cuts, sorted(bits(last), key=lambda k: place[problem.holders[k][0]]), problem.times)
    n = len(runs.units)
    try:
        for width in range(1, n + 1):
            for first in range(n - width + 1):
                if watch.left() == 0:
                    return Answer(bound=problem.least * problem.horizon, limit=Limit.TIME)
                runs.find(first, first + width)
    except KeyboardInterrupt:
        return Answer(bound=problem.least * problem.horizon, limit=Limit.INTERRUPT)
    best = runs.at(0, n)
    objective = problem.least * problem.horizon + best.cost
    plan = problem.plan([k for step in best.steps for k in step.units])
    return Answer(plan, objective, objective, solve_seconds=watch.seconds(), raw_status=f"{len(runs.best)} runs")
