"""What a problem says about a plan's stages: seconds of each stage and each message, and the period of a stream.

A problem pays a link's latency for every tensor, the executor for every message, which holds all tensors that go
the same way at once. Where the problem has the metric "fixed_latency", from which the latency of a tensor is known,
the prediction pays it once for each message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from optsplit.errors import InvalidInput
from optsplit.executor.stages import Stages
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition

Arc = tuple[str, str]
Message = tuple[int | None, Arc]

FIXED = "fixed_latency"


@dataclass(frozen=True)
class Predicted:
    """Seconds.

    Parameters
    ----------
    total
        Latency of one frame: the problem's own price, less latencies of links that messages share. With exits by
        confidence the mean over the samples of its calibration set.
    stages
        One per stage.
    messages
        (stage, arc) -> the tensors that enter the stage by that arc; stage None: outputs on their way home.
    period
        Largest busy time of any place or link: what a stream of frames waits between two of them.
    busy
        That of each place and link.
    ends
        Exit by confidence -> latency of a frame that ends there; None -> of one that passes them all.
    """

    total: float
    stages: tuple[float, ...]
    messages: Mapping[Message, float]
    period: float
    busy: Mapping[str, float] = field(default_factory=dict)
    ends: Mapping[str | None, float] = field(default_factory=dict)


def predicted(stages: Stages, problem: Partition, metric: str = "latency") -> Predicted:
    """Price the stages of a plan by a problem's metric in nanoseconds.

    Raises
    ------
    InvalidInput
        The problem has no such metric, or is of other layers.
    """
    if metric not in problem.metrics:
        raise InvalidInput(f"problem {problem.name!r} has no metric {metric!r}; it predicts no seconds")
    priced = problem.evaluate(stages.plan)
    prices = _Prices(stages, problem, metric)
    seconds = tuple(prices.stage(s) for s in range(len(stages.order)))
    messages, shared = prices.messages()
    busy = {
        name.removesuffix("_seconds"): value / 1e9
        for name, value in priced.metrics.items()
        if name.endswith("_seconds")
    }
    for (start, end), saved in shared.items():
        if f"{start}_{end}" in busy:
            busy[f"{start}_{end}"] -= saved
    ends = _ends(prices, seconds, messages)
    # a mean over samples has no messages of its own: what they share is left in
    total = priced.metrics[metric] / 1e9 - (0.0 if ends else sum(shared.values()))
    return Predicted(total, seconds, messages, max(busy.values(), default=total), busy, ends)


class _Prices:
    """A metric of a problem, by the stages of a plan of it."""

    def __init__(self, stages: Stages, problem: Partition, metric: str) -> None:
        self.stages, self.problem = stages, problem
        self.tensor = {tensor.name: t for t, tensor in enumerate(stages.graph.tensors)}
        if len(self.tensor) != len(problem.tensors):
            raise InvalidInput(
                f"problem {problem.name!r} has {len(problem.tensors)} tensors, network {stages.graph.name!r} "
                f"{len(self.tensor)}; give the problem of the same network and grain"
            )
        self.place = {name: p for p, name in enumerate(problem.places)}
        assignment, layers = stages.plan.assignment, stages.graph.layers
        self.origin = {t.name: assignment.get(layers[t.source].name, "") for t in stages.graph.tensors}
        variant = self._variant()
        self.costs = problem.sent(metric, variant)
        self.fixed: Costs | None = problem.sent(FIXED, variant) if FIXED in problem.metrics else None

    def _variant(self) -> IntArray | None:
        if self.problem.variants is None:
            return None
        variant = np.zeros(len(self.tensor), dtype=np.int64)
        for name, bits in self.stages.bits.items():
            t = self.tensor[name]
            variant[t] = self.problem.variants.bits[t].index(bits)
        return variant

    def stage(self, s: int) -> float:
        """Seconds of a stage's layers."""
        stage = self.stages.order[s]
        p, index = self.place[stage.place], self.problem.index
        return sum(int(self.costs.compute[index[layer], p]) for layer in stage.layers) / 1e9

    def messages(self) -> tuple[dict[Message, float], dict[Arc, float]]:
        """Seconds of each message, and by arc what tensors save that share one with another."""
        stages, found, shared = self.stages, dict[Message, float](), dict[Arc, float]()
        giver = {name: g for g, stage in enumerate(stages.order) for name in stage.gives}
        begun: set[tuple[object, ...]] = set()

        def send(key: int | None, names: Sequence[str], to: str) -> None:
            for name in names:
                arc = self.origin[name], to
                if arc[0] == to:
                    continue
                # a stage elsewhere is sent all that it needs at once, and answers with all that it gives
                message = ("from", giver.get(name)) if to == stages.home else ("to", key, arc)
                saved = self._latency(arc, name) if message in begun else 0.0
                begun.add(message)
                found[key, arc] = found.get((key, arc), 0.0) + self._price(arc, name) - saved
                shared[arc] = shared.get(arc, 0.0) + saved

        for s, stage in enumerate(stages.order):
            send(s, stage.needs, stage.place)
        # the executor always brings outputs home; a problem whose results end elsewhere does not price that
        home = self.problem.result_at
        if home is not None:
            there = {name for stage in stages.order if stage.place == home for name in stage.needs}
            send(None, [name for name in dict.fromkeys(stages.answers) if name not in there], home)
        return found, shared

    def scores(self, s: int) -> float:
        """Seconds of the scores of the exits in a stage on their way home."""
        stage, home = self.stages.order[s], self.stages.home
        names = [name for name in stage.gives if name in self.stages.exits]
        return sum(self._price((stage.place, home), name) for name in names) if stage.place != home else 0.0

    def _price(self, arc: Arc, name: str) -> float:
        p, q, t = self.place[arc[0]], self.place[arc[1]], self.tensor[name]
        return int(self.costs.transfer[p, q, t] + self.costs.send[p, t] + self.costs.receive[q, t]) / 1e9

    def _latency(self, arc: Arc, name: str) -> float:
        """What one tensor costs on an arc whatever its size."""
        if self.fixed is None:
            return 0.0
        return int(self.fixed.transfer[self.place[arc[0]], self.place[arc[1]], self.tensor[name]]) / 1e9


def _ends(prices: _Prices, seconds: Sequence[float], messages: Mapping[Message, float]) -> dict[str | None, float]:
    """What a frame takes to each exit by confidence, and to the end."""
    stages = prices.stages
    if not stages.exits:
        return {}
    found: dict[str | None, float] = {}
    clock = 0.0
    for s, stage in enumerate(stages.order):
        clock += seconds[s] + sum(value for (to, _), value in messages.items() if to == s)
        # whether the frame goes on is known at home, which waits for the scores
        clock += prices.scores(s)
        found |= {name: clock for name in stage.gives if name in stages.exits}
    found[None] = clock + sum(value for (to, _), value in messages.items() if to is None)
    return found
