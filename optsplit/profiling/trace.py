"""trace: from a torch module to a LayerGraph that can still run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.profiling.assemble import Assembly
from optsplit.profiling.capture import capture, need_torch
from optsplit.profiling.grouping import group_operations
from optsplit.profiling.run import Program

if TYPE_CHECKING:
    import torch

GRAINS = ("operations", "modules")


@dataclass(frozen=True)
class Traced(LayerGraph):
    """A layer graph with its runnable program; in a file, and wherever it is compared, only the structure counts."""

    @property
    def program(self) -> Program | None:
        """What runs the layers; no field, so that files never see it, also in a profile of this graph."""
        program: Program | None = self.__dict__.get("_program")
        return program

    @property
    def structure(self) -> LayerGraph:
        """The same graph without the program, equal to what `LayerGraph.load` reads back."""
        return LayerGraph(self.name, self.layers, self.tensors, self.outputs, self.weights, self.grain)

    def save(self, path: str | Path) -> None:
        """Write the structure as a JSON file."""
        self.structure.save(path)


def trace(
    module: torch.nn.Module,
    example: torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor],
    *,
    grain: Literal["operations", "modules"] = "operations",
    name: str | None = None,
) -> Traced:
    """Turn a module into a graph of layers.

    Parameters
    ----------
    module
        In the state to trace: call `.eval()` first.
    example
        A tensor, a sequence of positional tensors, or a dict of keyword tensors.
    grain
        "operations": every operation is a layer. "modules": the operations of one call of a module without
        submodules are one layer.
    name
        Of the network; by default the module's class.

    Returns
    -------
    Traced
        The graph, with the module's operations attached, so that `run_layers` and `measure` can run it.

    Raises
    ------
    InvalidInput
        An example that is not made of tensors, an unknown grain.
    TraceError
        The module cannot be traced; the message names the operation and the repair.
    MissingDependency
        torch is not installed.
    """
    need_torch()
    import torch

    if grain not in GRAINS:
        raise InvalidInput(unknown("grain", grain, GRAINS))
    if not isinstance(module, torch.nn.Module):
        raise InvalidInput(f"trace of a {type(module).__name__}; give a torch.nn.Module")
    args, kwargs = _arguments(example)
    name = type(module).__name__ if name is None else name
    captured = capture(module, args, kwargs, name)
    arguments = tuple(str(node.target) for node in captured.inputs)
    kwargs = {argument: kwargs[argument] for argument in arguments[len(args) :]}
    groups = group_operations(captured, module, grain, name)
    layers, tensors, weights, program = Assembly(captured, groups).build(module, args, kwargs, arguments, name)
    traced = Traced(name, layers, tensors, program.outputs, weights, grain)
    object.__setattr__(traced, "_program", program)
    return traced


def _arguments(example: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
    import torch

    if isinstance(example, torch.Tensor):
        return (example,), {}
    if isinstance(example, Mapping):
        values: Iterable[tuple[object, object]] = example.items()
    elif isinstance(example, (tuple, list)):
        values = enumerate(example)
    else:
        raise InvalidInput(
            f"example is a {type(example).__name__}; give a tensor, a tuple of tensors or a dict of tensors"
        )
    pairs = list(values)
    for key, value in pairs:
        if not isinstance(value, torch.Tensor):
            raise InvalidInput(f"example[{key!r}] is a {type(value).__name__}; every input must be a tensor")
    if not pairs:
        raise InvalidInput("example is empty; give at least one tensor")
    if isinstance(example, Mapping):
        return (), {str(key): value for key, value in pairs}
    return tuple(value for _, value in pairs), {}
