"""measure_accuracy: how right a network is under a plan, with its exits taken and its crossing tensors packed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.profiling.confidence import confidences, exit_tensors
from optsplit.profiling.examples import Batched, batched, examples_of, right_answers
from optsplit.profiling.packings import quantised_rows
from optsplit.profiling.run import Call, Runner

if TYPE_CHECKING:
    import torch

LOSSLESS = 32


class Decided(Protocol):
    """What this module reads of a plan, see `optsplit.problems.plan.PartitionPlan`."""

    @property
    def assignment(self) -> Mapping[str, str]: ...
    @property
    def exit(self) -> str | None: ...
    @property
    def bits(self) -> Mapping[str, int]: ...
    @property
    def thresholds(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Accuracy:
    """Measured answers of one plan.

    Parameters
    ----------
    accuracy
        Share of right answers.
    samples
        How many were asked.
    leaving
        Exit -> share of the samples that leave there.
    packed
        Tensors that crossed with fewer bits.
    judge
        What counts as right.
    """

    accuracy: float
    samples: int
    leaving: Mapping[str, float]
    packed: tuple[str, ...]
    judge: str


def measure_accuracy(
    graph: LayerGraph,
    plan: Decided,
    inputs: Any,
    labels: Any = None,
    *,
    exits: Sequence[str] | None = None,
    result_at: str | None = None,
    batch: int = 32,
) -> Accuracy:
    """Run a data set as a plan would: what a reader at another place reads was packed, and samples leave at exits.

    Parameters
    ----------
    graph
        From `trace`, on one sample.
    plan
        `assignment`, and `exit` or `thresholds`, and `bits`. Layers without a place do not run.
    inputs, labels
        See `examples_of`; best data that the plan was not calibrated on. Without labels, a right answer is what the
        float32 network says at its last exit.
    exits
        As in `measure_exits`.
    result_at
        Place where answers end; None for that of the network's first input.
    batch
        Samples that run at once.

    Raises
    ------
    InvalidInput
        A plan with unknown layers or tensors, or an exit whose layers it leaves out.
    """
    examples = examples_of(graph, inputs, labels)
    tensors = exit_tensors(graph, exits)
    run = _PlannedRun(graph, batched(graph, batch), plan, result_at)
    order = _order(plan, tensors)
    reference = None if labels is not None else Runner(run.network.program)
    last = list(tensors.values())[-1]
    right, leaving = 0.0, dict.fromkeys(order, 0)
    for part in run.network.batches(examples):
        scores = run.outputs(part.given, [tensors[layer] for layer in order])
        expected = part.labels if reference is None else reference.run(part.given, [last])[last].argmax(-1)
        assert expected is not None
        for row, layer in enumerate(_taken(plan, scores, [(layer, tensors[layer]) for layer in order], part.count)):
            answer = scores[tensors[layer]][row : row + 1]
            right += float(right_answers(answer, expected[row : row + 1]))
            leaving[layer] += 1
    shares = {layer: count / examples.count for layer, count in leaving.items()}
    judge = examples.judge if labels is not None else "agreement with the float32 network's last answer (no labels)"
    return Accuracy(right / examples.count, examples.count, shares, run.packed, judge)


def _order(plan: Decided, tensors: Mapping[str, str]) -> list[str]:
    """The exits that are switched on, earliest first; the last takes all that are left."""
    for layer in (*plan.thresholds, *([plan.exit] if plan.exit is not None else [])):
        if layer not in tensors:
            raise InvalidInput(f"plan: {unknown('exit', layer, tensors)}")
    if plan.exit is not None:
        order = [plan.exit]
    else:
        last = [layer for layer in tensors if layer in plan.assignment][-1:]
        order = [layer for layer in tensors if layer in plan.thresholds and layer not in last] + last
    if not order or any(layer not in plan.assignment for layer in order):
        raise InvalidInput(
            f"plan places no layer of the exits {', '.join(tensors)} that it needs; give each exit's layers a place"
        )
    return order


def _taken(
    plan: Decided, scores: Mapping[str, torch.Tensor], order: Sequence[tuple[str, str]], count: int
) -> list[str]:
    """The exit at which each sample leaves."""
    taken = [order[-1][0]] * count
    for layer, tensor in reversed(order[:-1]):
        sure = confidences(scores[tensor])[:count] >= plan.thresholds[layer]
        taken = [layer if leaves else other for leaves, other in zip(sure.tolist(), taken, strict=True)]
    return taken


class _PlannedRun:
    """The layers of a plan on this machine, each reading what would arrive at its place."""

    def __init__(self, graph: LayerGraph, network: Batched, plan: Decided, result_at: str | None) -> None:
        known = [layer.name for layer in graph.layers]
        for layer in plan.assignment:
            if layer not in graph.index:
                raise InvalidInput(f"plan: {unknown('layer', layer, known)}")
        self.network, self.plan = network, plan
        self.runner = Runner(network.program, layers=list(plan.assignment))
        self.calls: dict[str, Call] = {call.layer: call for call in network.program.calls}
        self.written_at = {
            tensor.name: plan.assignment[known[tensor.source]]
            for tensor in graph.tensors
            if known[tensor.source] in plan.assignment
        }
        for tensor in plan.bits:
            if tensor not in self.written_at:
                raise InvalidInput(f"plan: bits of {unknown('tensor', tensor, self.written_at)}")
        first = self.written_at.get(network.program.inputs[0])
        self.result_at = first if result_at is None else result_at
        crossing = {
            name
            for layer, place in plan.assignment.items()
            for name in self.calls[layer].inputs
            if self.written_at.get(name, place) != place
        }
        crossing |= {name for name in network.program.outputs if self.written_at.get(name) != self.result_at}
        self.packed = tuple(name for name, bits in plan.bits.items() if bits < LOSSLESS and name in crossing)

    def outputs(self, given: Mapping[str, torch.Tensor], wanted: Sequence[str]) -> dict[str, torch.Tensor]:
        """The scores that arrive where answers end."""
        arrived: dict[str, torch.Tensor] = {}

        def at(name: str, value: torch.Tensor, place: str | None) -> torch.Tensor:
            bits = self.plan.bits.get(name, LOSSLESS)
            if bits >= LOSSLESS or self.written_at.get(name) == place:
                return value
            if name not in arrived:
                arrived[name] = quantised_rows(value, bits, shared=name in self.network.shared)
            return arrived[name]

        def observe(layer: str, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
            place = self.plan.assignment[layer]
            names = self.calls[layer].inputs
            read = [at(name, value, place) for name, value in zip(names, arguments, strict=False)]
            return function(*read, *arguments[len(names) :])

        found = self.runner.run(given, wanted, observe)
        return {name: at(name, value, self.result_at) for name, value in found.items()}
