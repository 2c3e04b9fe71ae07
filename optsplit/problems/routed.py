"""A problem with exits, once its routing is chosen: a plain partition problem over the layers that are switched on.

Let n_l samples leave at exit l, and let N_l be the layers that they need: those of l and of every exit before it that
is switched on. The value of a metric is

    sum_l n_l * (value of the plan restricted to N_l),

so a layer counts once for each sample that reaches it, and a tensor, to each place, once for each sample that needs
it there. The second is not linear in the readers, but it is in copies of the tensor, one for each l with the readers
that N_l has: a plain problem. What is held, such as memory, counts once for all samples.

Values stay integers: totals over the samples. The mean is their quotient, rounded up, so mean <= L says exactly
total <= samples * L, and the plan of least total has the least mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optsplit.errors import InvalidInput, unknown
from optsplit.problems.evaluation import Evaluation
from optsplit.problems.exits import Routing
from optsplit.problems.metric import LARGEST_TOTAL, IntArray, Metric
from optsplit.problems.plan import PartitionPlan
from optsplit.problems.precision import ERROR

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition


@dataclass(frozen=True, eq=False)
class Routed:
    """A routing of a problem as a plain problem.

    Parameters
    ----------
    whole, routing
        Where it comes from.
    problem
        Over the layers that are switched on; its metrics, and its limits, are totals over `samples`.
    layers, tensors
        Positions in `whole` of its layers, and of its tensors (a tensor of `whole` may have several copies).
    """

    whole: Partition
    routing: Routing
    problem: Partition
    layers: IntArray
    tensors: IntArray

    @property
    def samples(self) -> int:
        return self.routing.samples

    def mean(self, total: int) -> int:
        """What a total over the samples is in the whole problem: the mean, rounded up."""
        return -(-total // self.samples)

    def outer(self, plan: PartitionPlan) -> PartitionPlan:
        """A plan of `problem` as one of `whole`."""
        bits = {
            self.whole.tensor_names[self.tensors[t]]: plan.bits[name]
            for t, name in enumerate(self.problem.tensor_names)
            if name in plan.bits
        }
        exits = self.whole.exits
        assert exits is not None
        alone = None if exits.by_confidence else exits.layers[self.routing.exits[0]]
        return PartitionPlan(plan.assignment, alone, bits, dict(self.routing.thresholds))

    def inner(self, plan: PartitionPlan) -> PartitionPlan:
        """A plan of `whole` with this routing as one of `problem`."""
        for name in plan.bits:
            if name not in self.whole.tensor_names:
                raise InvalidInput(f"plan: {unknown('tensor', name, self.whole.tensor_names)}")
        return PartitionPlan(
            plan.assignment,
            bits={
                name: plan.bits[before]
                for t, name in enumerate(self.problem.tensor_names)
                if (before := self.whole.tensor_names[self.tensors[t]]) in plan.bits
            },
        )


def chosen(problem: Partition, plan: PartitionPlan) -> Routing:
    """The routing that a plan names.

    Raises
    ------
    InvalidInput
        No exit, an unknown one, or thresholds that are not of the grid.
    """
    exits = problem.exits
    assert exits is not None
    if exits.by_confidence:
        if plan.exit is not None:
            raise InvalidInput(f"plan: exit {plan.exit!r}, but samples leave by confidence; give thresholds")
        return exits.by_thresholds(plan.thresholds)
    if plan.exit is None:
        raise InvalidInput(f"plan: no exit is chosen; give one of {', '.join(exits.layers)}")
    if plan.thresholds:
        raise InvalidInput("plan: thresholds, but one exit takes every request; leave them out")
    return exits.alone(plan.exit)


def evaluate(problem: Partition, plan: PartitionPlan) -> Evaluation:
    """Price a plan of a problem with exits: that of its routing, totals as means."""
    from optsplit.problems.rules import above

    routed = problem.routed(chosen(problem, plan))
    found = routed.problem.evaluate(routed.inner(plan))
    metrics = {name: routed.mean(total) for name, total in found.metrics.items()}
    objective = max(metrics[name] for name in problem.objectives)
    broken = [text for text in found.violations if text not in set(above(routed.problem, found.metrics))]
    return Evaluation(objective, metrics, (*broken, *above(problem, metrics)))


def needed(problem: Partition, exit: str) -> NDArray[np.bool_]:
    """Shape (n,): the layers that an exit's layer is, or reads from, directly or not."""
    mask = np.zeros(len(problem.layers), dtype=bool)
    stack = [problem.index[exit]]
    while stack:
        v = stack.pop()
        if not mask[v]:
            mask[v] = True
            stack.extend(problem.feeders[v])
    return mask


def first_exit(problem: Partition, routing: Routing) -> IntArray:
    """Shape (n,): position in `routing.exits` of the first exit that needs each layer, or -1: not switched on."""
    first = np.full(len(problem.layers), -1, dtype=np.int64)
    for j in reversed(range(len(routing.exits))):
        first[problem.needs[routing.exits[j]]] = j
    return first


def routed(problem: Partition, routing: Routing) -> Routed:
    """The plain problem of a routing."""
    assert problem.exits is not None
    first = first_exit(problem, routing)
    layers = np.nonzero(first >= 0)[0]
    position = np.full(len(first), -1, dtype=np.int64)
    position[layers] = np.arange(len(layers))
    reaching = np.array(routing.reaching, dtype=np.int64)[first[layers]]
    copies = _copies(problem, routing, first)
    taken = np.array([t for t, _, _, _ in copies], dtype=np.int64)
    weight = np.array([w for _, _, _, w in copies], dtype=np.int64)
    held = np.array([routing.samples if last else 0 for last in _last_copy(taken.tolist())], dtype=np.int64)
    weights = {name: held if name in problem.exits.held else weight for name in problem.metrics}
    _refuse_overflow(problem, routing)
    metrics = {}
    end = position[problem.index[problem.exits.layers[routing.exits[-1]]]]
    for name, metric in problem.metrics.items():
        costs, by = problem.costs(name), weights[name]
        compute = costs.compute[layers] * (routing.samples if name in problem.exits.held else reaching[:, None])
        if name == ERROR:
            compute[end] += routing.error
        ways = {arc: np.asarray(row)[taken] * by for arc, row in metric.transfer.items()}
        send, receive = (
            {place: np.asarray(row)[taken] * by for place, row in side.items()}
            for side in (metric.send, metric.receive)
        )
        metrics[name] = Metric(compute, ways, send, receive, metric.unit)
    on = [problem.layers[v] for v in layers]
    from optsplit.problems.partition import Partition

    plain = Partition(
        layers=on, places=problem.places, metrics=metrics, minimize=problem.objectives,
        tensors=[(int(position[problem.sources[t]]), tuple(position[list(readers)].tolist()))
                 for t, readers, _, _ in copies],
        outputs=[i for i, (_, _, answer, _) in enumerate(copies) if answer],
        limits={name: limit * routing.samples for name, limit in problem.limits.items()},
        pins={layer: place for layer, place in problem.pins.items() if first[problem.index[layer]] >= 0},
        result_at=problem.result_at, one_way=problem.one_way, links=problem.links,
        together=[[v for v in group if first[problem.index[v]] >= 0] for group in problem.together],
        contiguous=problem.contiguous, name=problem.name,
        precisions=None if problem.variants is None else problem.variants.taken(taken, weights),
    )  # fmt: skip
    return Routed(problem, routing, plain, layers, taken)


def _copies(problem: Partition, routing: Routing, first: IntArray) -> list[tuple[int, tuple[int, ...], bool, int]]:
    """(tensor, readers, whether it is an answer, samples) of each copy, tensor after tensor, readers growing."""
    assert problem.exits is not None
    ends = [problem.answers(problem.exits.layers[i]) for i in routing.exits]
    copies = []
    for t, (source, readers) in enumerate(problem.tensors):
        if first[source] < 0:
            continue
        mine: dict[tuple[tuple[int, ...], bool], int] = {}
        for j, leaving in enumerate(routing.leaving):
            used = tuple(v for v in readers if 0 <= first[v] <= j)
            answer = t in ends[j]
            if used or answer:
                mine[used, answer] = mine.get((used, answer), 0) + leaving
        copies += [(t, used, answer, samples) for (used, answer), samples in mine.items()]
    return copies


def _last_copy(taken: list[int]) -> list[bool]:
    return [i + 1 == len(taken) or taken[i + 1] != t for i, t in enumerate(taken)]


def _refuse_overflow(problem: Partition, routing: Routing) -> None:
    for name in problem.metrics:
        costs = problem.costs(name)
        if problem.variants is not None:
            costs = problem.variants.reach(costs, name)
        if costs.total * routing.samples + routing.error >= LARGEST_TOTAL:
            raise InvalidInput(
                f"metric {name!r}: over {routing.samples} samples its costs add up to 2**53 or more; "
                "give a coarser unit, or fewer samples"
            )
