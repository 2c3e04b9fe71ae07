"""The order of an upload, block by block and backwards inside the blocks, until it is proven or time is up.

Units outside the set of least latency and least upload never help: the gain is supermodular, so what they add to a
set is at most what they add to that one, nothing.

Units of next to no upload time (biases, normalisation) double the number of sets and hardly change a cost. Where the
search does not end at once, a second one takes them for present: its bound holds, since no upload is longer and no
latency higher, segment by segment; its order with those units put back where they come into use is a good one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from optsplit.algorithms.upload_cut import Network, network
from optsplit.algorithms.upload_search import Search, bits
from optsplit.backends import maxflow
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit

_PAUSE = 0.05
"""Seconds between two looks at what was found."""

_ALONE = 0.5
"""Seconds after which the second search begins."""

_LIGHT = 0.003
"""Share of the upload time that light units may have together."""

_SHARE = 4
"""Seconds of the second search, until it ends, for each one of the first, which its bounds then guide."""


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The least integral of latency; stopped early, the best order so far and a bound."""
    watch = Watch(options)
    pair = Pair(problem)
    watch.built()
    limit = watch.run(lambda: pair.run(watch))
    plan = problem.plan(pair.order)
    return Answer(
        plan=plan,
        objective=pair.objective,
        bound=pair.bound,
        limit=limit,
        build_seconds=watch.build_seconds,
        solve_seconds=watch.solve_seconds,
        trace=tuple(watch.trace),
        solver=maxflow.SOLVER,
        versions=maxflow.VERSIONS,
        raw_status=f"{len(pair.exact.blocks)} blocks, {len(pair.exact.search.segments)} segments",
        bounds=pair.bounds,
    )


class Blocks:
    """The blocks of a problem and their search."""

    def __init__(self, problem: UploadOrder) -> None:
        whole = network(problem)
        self.last = whole.last().used
        self.search = Search(problem.times)
        start, end = whole.least(0), whole.least(self.last)
        units = {1 << k: problem.times[k] for k in bits(self.last)}
        low, high = (0, start.value, start.device), (self.last, end.value, end.device)
        self.blocks = self.search.between(whole, low, high, units) if units else []
        self.seconds = 0.0

    @property
    def lower(self) -> int:
        """What no order costs less than."""
        return sum(block.lower for block in self.blocks)

    @property
    def upper(self) -> int:
        """What the best order costs."""
        return sum(block.upper for block in self.blocks)

    @property
    def order(self) -> list[int]:
        """The best order."""
        return [k for block in self.blocks for k in self.search.order(block)]

    def step(self) -> bool:
        """Refine the block with the largest gap; False when there is none."""
        unsure = [block for block in self.blocks if not block.closed]
        if unsure:
            begin = time.perf_counter()
            self.search.refine(max(unsure, key=lambda block: block.upper - block.lower))
            self.seconds += time.perf_counter() - begin
        return bool(unsure)


class Pair:
    """The search over all units, and after a while beside it that without the light ones."""

    def __init__(self, problem: UploadOrder) -> None:
        self.problem = problem
        self.exact = Blocks(problem)
        self.cuts: Network = network(problem)
        self.bounds = {"hull": self.exact.lower}
        self.light = _light(problem, self.exact.last)
        self.coarse: Blocks | None = None
        self._taken: int | None = None
        self.order = list(bits(self.exact.last))
        self.objective = problem.evaluate(problem.plan(self.order)).objective

    @property
    def bound(self) -> int:
        """The best bound of both searches."""
        return max(self.bounds.values())

    def run(self, watch: Watch) -> Limit:
        """Both searches in turn until the gap is closed, or a limit comes."""
        said = 0.0
        for block in self.exact.blocks:
            self.exact.search.dive(block, lambda: _left(watch))
        limit = Limit.NONE
        for _ in self._steps(watch):
            if watch.seconds() > said + _PAUSE:
                self._look()
                watch.report(self.objective, self.bound)
                said = watch.seconds()
            if self.bound >= self.objective:
                break
            limit = Limit.TIME if watch.left() == 0 else watch.stopped_by
            if limit is not Limit.NONE:
                break
        self._look()
        watch.report(self.objective, self.bound)
        return limit

    def _steps(self, watch: Watch) -> Iterator[None]:
        while self.exact.step():
            yield
            if self.coarse is None and self.light and self.exact.seconds > _ALONE:
                self.coarse = self.without()
                self.exact.search.guide, self.exact.search.light = self.coarse.search, self.light
                for block in self.coarse.blocks:
                    self.coarse.search.dive(block, lambda: _left(watch))
            while self.coarse is not None and self.coarse.seconds < _SHARE * self.exact.seconds:
                if not self.coarse.step():
                    break
                yield

    def without(self) -> Blocks:
        """The search over the other units, with the light ones present."""
        problem = self.problem
        units = {name: (p, layers) for name, p, layers in zip(problem.names, problem.times, problem.holders)}
        present = problem.present | {problem.names[k] for k in bits(self.light)}
        return Blocks(UploadOrder(problem.partition, units, present, name=problem.name))

    def _look(self) -> None:
        """Take over what both searches have found."""
        self.bounds["search"] = self.exact.lower
        self._offer(self.exact.upper, self.exact.order)
        if self.coarse is not None:
            self.bounds["without light units"] = self.coarse.lower
            if self.coarse.upper != self._taken:
                self._taken = self.coarse.upper
                self._offer(self.coarse.upper, self.put_back(self.coarse.order))

    def _offer(self, claim: int, order: list[int]) -> None:
        if claim < self.objective:
            objective = self.problem.evaluate(self.problem.plan(order)).objective
            if objective < self.objective:
                self.objective, self.order = objective, order

    def put_back(self, order: list[int]) -> list[int]:
        """The light units just before the unit with which they come into use."""
        found, sent = list[int](), 0
        for k in order:
            sent |= 1 << k
            new = self.cuts.least(sent | self.light).used & self.light & self.exact.last & ~sum(1 << v for v in found)
            found += [*bits(new), k]
        return found + [k for k in bits(self.exact.last) if k not in found]


def _left(watch: Watch) -> float | None:
    """Seconds that remain; none after Ctrl-C or once the gap is reached."""
    return watch.left() if watch.stopped_by is Limit.NONE else 0.0


def _light(problem: UploadOrder, last: int) -> int:
    """The units of least upload time that together take next to none; none where they are few."""
    units = sorted(bits(last), key=lambda k: problem.times[k])
    left, light = _LIGHT * sum(problem.times[k] for k in units), 0
    for k in units:
        left -= problem.times[k]
        if left < 0:
            break
        light |= 1 << k
    return light if 10 * light.bit_count() >= len(units) else 0
