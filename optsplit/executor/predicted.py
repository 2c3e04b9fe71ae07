"""What a problem says about a plan's stages: nanoseconds of each stage and each message, and the period of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from optsplit.errors import InvalidInput
from optsplit.executor.stages import Stages
from optsplit.problems.partition import Partition

Arc = tuple[str, str]


@dataclass(frozen=True)
class Predicted:
    """Seconds.

    Parameters
    ----------
    total
        Latency of one frame, equal to the problem's own price.
    stages
        One per stage.
    messages
        (stage, arc) -> the tensors that enter the stage by that arc; stage None: outputs on their way home.
    period
        Largest busy time of any place or link: what a stream of frames waits between two of them.
    """

    total: float
    stages: tuple[float, ...]
    messages: Mapping[tuple[int | None, Arc], float]
    period: float
    busy: Mapping[str, float] = field(default_factory=dict)


def predicted(stages: Stages, problem: Partition, metric: str = "latency") -> Predicted:
    """Price the stages of a plan by a problem's metric in nanoseconds.

    Raises
    ------
    InvalidInput
        The problem has no such metric, or is of other layers.
    """
    if metric not in problem.metrics:
        raise InvalidInput(f"problem {problem.name!r} has no metric {metric!r}; it predicts no seconds")
    at = problem.positions(stages.plan)
    costs = problem.costs(metric)
    layer_at = {name: i for i, name in enumerate(problem.layers)}
    tensor_at = {tensor.name: t for t, tensor in enumerate(stages.graph.tensors)}
    if len(tensor_at) != len(problem.tensors):
        raise InvalidInput(
            f"problem {problem.name!r} has {len(problem.tensors)} tensors, network {stages.graph.name!r} "
            f"{len(tensor_at)}; give the problem of the same network and grain"
        )
    place_at = {name: p for p, name in enumerate(problem.places)}
    layers = stages.graph.layers
    origin = {t.name: problem.places[at[layer_at[layers[t.source].name]]] for t in stages.graph.tensors}

    def sent(names: Sequence[str], to: str) -> dict[Arc, float]:
        found: dict[Arc, float] = {}
        for name in names:
            start = origin[name]
            if start != to:
                p, q, t = place_at[start], place_at[to], tensor_at[name]
                price = int(costs.transfer[p, q, t] + costs.send[p, t] + costs.receive[q, t])
                found[start, to] = found.get((start, to), 0.0) + price / 1e9
        return found

    seconds = [
        sum(int(costs.compute[layer_at[v], place_at[stage.place]]) for v in stage.layers) / 1e9
        for stage in stages.order
    ]
    messages: dict[tuple[int | None, Arc], float] = {}
    for s, stage in enumerate(stages.order):
        messages |= {(s, arc): value for arc, value in sent(stage.needs, stage.place).items()}
    # the executor always brings outputs home; a problem whose results end elsewhere does not price that
    home = problem.result_at
    if home is not None:
        there = {name for stage in stages.order if stage.place == home for name in stage.needs}
        outputs = [name for name in dict.fromkeys(stages.graph.outputs) if name not in there]
        messages |= {(None, arc): value for arc, value in sent(outputs, home).items()}
    priced = problem.evaluate(stages.plan)
    busy = {
        name.removesuffix("_seconds"): value / 1e9
        for name, value in priced.metrics.items()
        if name.endswith("_seconds")
    }
    total = priced.metrics[metric] / 1e9
    return Predicted(total, tuple(seconds), messages, max(busy.values(), default=total), busy)
