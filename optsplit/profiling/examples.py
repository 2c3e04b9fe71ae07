"""Examples: a data set that a traced network answers, in batches, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput, TraceError, unknown
from optsplit.graph import LayerGraph, Tensor
from optsplit.profiling.run import Program, runnable
from optsplit.profiling.trace import Traced, trace

if TYPE_CHECKING:
    import torch

AGREEMENT = "agreement with the float32 network's own answers (no labels)"
LABELS = "labels"


@dataclass(frozen=True)
class Examples:
    """Inputs of a network and, where they are known, the right answers.

    Parameters
    ----------
    inputs
        One tensor per input of the network, samples along the first dimension, in the order of its arguments.
    labels
        (N,) class indices; None where nobody knows them.
    """

    inputs: tuple[torch.Tensor, ...]
    labels: torch.Tensor | None

    @property
    def count(self) -> int:
        """Number of samples."""
        return int(self.inputs[0].shape[0])

    @property
    def judge(self) -> str:
        """What counts as a right answer, in words."""
        return AGREEMENT if self.labels is None else LABELS


def examples_of(graph: LayerGraph, inputs: Any, labels: Any = None) -> Examples:
    """Check a data set against a network.

    Parameters
    ----------
    graph
        From `trace`, traced on one sample.
    inputs
        A tensor or array (N, ...), a sequence of those, or a dict of the network's arguments.
    labels
        (N,) class indices, or None.

    Raises
    ------
    InvalidInput
        A graph without a program or traced on several samples at once, no samples, shapes or numbers that differ.
    """
    import torch

    program = runnable(graph)
    for argument, example in zip(program.arguments, program.example, strict=True):
        if example.dim() == 0 or example.shape[0] != 1:
            raise InvalidInput(
                f"graph {graph.name!r} was traced with {argument!r} of shape {tuple(example.shape)}; "
                "trace it on one sample, its first dimension being 1"
            )
    found = [torch.as_tensor(value) for value in _in_order(program, inputs)]
    for argument, tensor, example in zip(program.arguments, found, program.example, strict=True):
        if tensor.dim() != example.dim() or tensor.shape[1:] != example.shape[1:]:
            raise InvalidInput(
                f"examples {argument!r} have shape {tuple(tensor.shape)}; expected "
                f"(N, {', '.join(map(str, example.shape[1:]))}), samples along the first dimension"
            )
        if tensor.dtype != example.dtype:
            raise InvalidInput(f"examples {argument!r} are {tensor.dtype}; the network was traced on {example.dtype}")
    counts = [int(tensor.shape[0]) for tensor in found]
    if min(counts) == 0 or len(set(counts)) > 1:
        raise InvalidInput(f"examples have {counts} samples per input; give as many of each, one or more")
    right = None if labels is None else torch.as_tensor(labels)
    if right is not None:
        if right.dim() != 1 or len(right) != counts[0] or right.is_floating_point():
            raise InvalidInput(
                f"labels are {right.dtype} of shape {tuple(right.shape)}; give {counts[0]} integers, one per sample"
            )
        right = right.long()
    return Examples(tuple(found), right)


def _in_order(program: Program, inputs: Any) -> Sequence[Any]:
    if isinstance(inputs, Mapping):
        for argument in inputs:
            if argument not in program.arguments:
                raise InvalidInput(f"examples: {unknown('argument', argument, program.arguments)}")
        missing = [argument for argument in program.arguments if argument not in inputs]
        if missing:
            raise InvalidInput(f"examples: argument {missing[0]!r} is missing; the network takes {program.arguments}")
        return [inputs[argument] for argument in program.arguments]
    values = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    if len(values) != len(program.arguments):
        raise InvalidInput(
            f"examples for {len(values)} inputs given; the network takes {len(program.arguments)}: {program.arguments}"
        )
    return values


@dataclass(frozen=True)
class Batch:
    """Some samples: the network's input tensors by name, labels, and how many of the rows are real."""

    given: Mapping[str, torch.Tensor]
    labels: torch.Tensor | None
    count: int


@dataclass(frozen=True)
class Batched:
    """A network traced for `size` samples at once, with the names of the graph for one.

    Parameters
    ----------
    program
        Of the larger trace.
    size
        Samples per run.
    shared
        Tensors without samples: constants that the network computes with.
    """

    program: Program
    size: int
    shared: frozenset[str]

    def batches(self, examples: Examples) -> Iterator[Batch]:
        """The samples in order; the last batch is filled up with its own last sample."""
        import torch

        for start in range(0, examples.count, self.size):
            rows = torch.arange(start, start + self.size).clamp(max=examples.count - 1)
            count = min(self.size, examples.count - start)
            labels = None if examples.labels is None else examples.labels[rows]
            given = dict(zip(self.program.inputs, (tensor[rows] for tensor in examples.inputs), strict=True))
            yield Batch(given, labels, count)


def batched(graph: LayerGraph, size: int) -> Batched:
    """Trace the network behind a graph again for `size` samples at once.

    Where that gives other layers, or tensors that do not hold their samples along the first dimension, the graph's own
    program runs the samples one by one.

    Raises
    ------
    InvalidInput
        A size below 1.
    """
    if size < 1:
        raise InvalidInput(f"batch of {size} samples; give 1 or more")
    program = runnable(graph)
    size_one = Batched(program, 1, frozenset(tensor.name for tensor in graph.tensors if _constant(graph, tensor)))
    if size == 1:
        return size_one
    args = tuple(_repeated(tensor, size) for tensor in program.args)
    kwargs = {name: _repeated(tensor, size) for name, tensor in program.kwargs.items()}
    names = program.arguments[: len(args)]
    example = {**dict(zip(names, args, strict=True)), **kwargs} if kwargs else args
    try:
        larger = trace(program.module, example, grain=graph.grain, name=graph.name)  # type: ignore[arg-type]
    except TraceError:
        return size_one
    shared = _shared(graph, larger, size)
    return size_one if shared is None else Batched(runnable(larger), size, shared)


def _repeated(tensor: torch.Tensor, size: int) -> torch.Tensor:
    return tensor.repeat(size, *(1 for _ in tensor.shape[1:]))


def _constant(graph: LayerGraph, tensor: Tensor) -> bool:
    return graph.layers[tensor.source].kind == "constant"


def _shared(one: LayerGraph, many: Traced, size: int) -> frozenset[str] | None:
    """Tensors that are the same for every sample; None where the larger trace is not the smaller one, row by row."""
    same_layers = [layer.name for layer in one.layers] == [layer.name for layer in many.layers]
    if not same_layers or [t.name for t in one.tensors] != [t.name for t in many.tensors]:
        return None
    shared = set()
    for small, large in zip(one.tensors, many.tensors, strict=True):
        if _constant(one, small) and large.shape == small.shape:
            shared.add(small.name)
        elif small.shape[:1] != (1,) or large.shape != (size, *small.shape[1:]):
            return None
    return frozenset(shared)


def right_answers(output: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Share of right answers of each sample: the largest entry along the last dimension is the answer.

    Parameters
    ----------
    output
        (B, classes), or (B, ..., classes) where a sample has several answers.
    expected
        Class indices of shape (B,) or (B, ...).

    Returns
    -------
    torch.Tensor
        (B,) float64 in [0, 1].

    Raises
    ------
    InvalidInput
        Shapes that do not belong together.
    """
    found = output.argmax(-1)
    if found.shape != expected.shape:
        raise InvalidInput(
            f"an output of shape {tuple(output.shape)} answers {tuple(found.shape)} questions, labels are of shape "
            f"{tuple(expected.shape)}; leave the labels out to compare with the network's own answers"
        )
    return (found == expected).double().reshape(len(found), -1).mean(1)
