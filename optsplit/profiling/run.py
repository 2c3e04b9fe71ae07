"""Run a traced network layer by layer, whole or in part, with the module's own operations."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.profiling.processor import check_device

if TYPE_CHECKING:
    import torch

Observe = Callable[[str, Callable[..., Any], Sequence[Any]], Any]


@dataclass(frozen=True)
class Call:
    """What one layer computes: outputs from tensors and constants, both by name.

    `graph` has one placeholder per input and per constant, in that order, and returns a tuple of `outputs`.
    A layer without a graph is an input, or hands on its constant.
    """

    layer: str
    inputs: tuple[str, ...]
    constants: tuple[str, ...]
    outputs: tuple[str, ...]
    graph: torch.fx.Graph | None = None


@dataclass(frozen=True)
class Program:
    """The runnable side of a traced network.

    Parameters
    ----------
    module, args, kwargs
        The module and the example it was traced on.
    arguments
        Names of the forward's arguments that hold the inputs.
    inputs, outputs
        Names of the network's input and output tensors, flattened.
    calls
        One per layer, in the order of the graph's layers.
    constants
        Weights, buffers and everything computed from them alone, on the device of the trace.
    device
        Where the module was traced.
    """

    module: torch.nn.Module
    args: tuple[torch.Tensor, ...]
    kwargs: Mapping[str, torch.Tensor]
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    calls: tuple[Call, ...]
    constants: Mapping[str, Any]
    device: torch.device

    @cached_property
    def example(self) -> tuple[torch.Tensor, ...]:
        """The example's tensors, one per input."""
        return (*self.args, *self.kwargs.values())

    def flatten(self, inputs: torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor]) -> dict[str, Any]:
        """The network's input tensors by name, from a tensor, a sequence or a dict of arguments.

        Raises
        ------
        InvalidInput
            Missing or unknown arguments, or a shape other than the traced one.
        """
        import torch

        if isinstance(inputs, torch.Tensor):
            inputs = (inputs,)
        if isinstance(inputs, Mapping):
            for argument in inputs:
                if argument not in self.arguments:
                    raise InvalidInput(f"inputs: {unknown('argument', argument, self.arguments)}")
            missing = [argument for argument in self.arguments if argument not in inputs]
            if missing:
                raise InvalidInput(f"inputs: argument {missing[0]!r} is missing; the network takes {self.arguments}")
            inputs = [inputs[argument] for argument in self.arguments]
        if len(inputs) != len(self.inputs):
            raise InvalidInput(f"{len(inputs)} inputs given; the network takes {len(self.inputs)}: {self.arguments}")
        for argument, tensor, example in zip(self.arguments, inputs, self.example, strict=True):
            if tensor.shape != example.shape:
                raise InvalidInput(
                    f"input {argument!r} has shape {tuple(tensor.shape)}; the network was traced with "
                    f"{tuple(example.shape)}, trace it again for another shape"
                )
        return dict(zip(self.inputs, inputs, strict=True))


class Runner:
    """Layers of a program made ready on one device; only the constants that they read go there.

    Parameters
    ----------
    program
        Of a traced graph.
    device
        "cpu", "cuda", "cuda:1", ...
    layers
        Names of the layers to run; None for all.
    """

    def __init__(self, program: Program, device: str = "cpu", layers: Collection[str] | None = None) -> None:
        import torch

        known = {call.layer for call in program.calls}
        for name in layers or ():
            if name not in known:
                raise InvalidInput(f"runner: {unknown('layer', name, known)}")
        self.program = program
        self.device = torch.device(device)
        self.calls = tuple(call for call in program.calls if layers is None or call.layer in layers)
        moved: dict[str, Any] = {}
        for call in self.calls:
            for name in call.constants:
                value = program.constants[name]
                if name not in moved:
                    moved[name] = value.to(self.device) if isinstance(value, torch.Tensor) else value
        self._constants = {call.layer: tuple(moved[name] for name in call.constants) for call in self.calls}
        self._functions = {call.layer: self._compile(call) for call in self.calls if call.graph is not None}
        self._releases: dict[tuple[str, ...], list[list[str]]] = {}

    def only(self, layers: Collection[str]) -> Runner:
        """A runner of some of these layers, which shares what is made ready here."""
        part = copy.copy(self)
        part.calls = tuple(call for call in self.calls if call.layer in layers)
        part._releases = {}
        return part

    def run(
        self, given: Mapping[str, torch.Tensor], wanted: Sequence[str], observe: Observe | None = None
    ) -> dict[str, torch.Tensor]:
        """Compute the tensors `wanted` from those `given`, both by name.

        A tensor is let go after its last reader. `observe(layer, function, arguments)` stands in for each call and
        must return `function(*arguments)`.

        Raises
        ------
        InvalidInput
            A layer reads a tensor that is neither given nor computed, or a wanted one is not there at the end.
        """
        import torch

        releases = self._release(tuple(wanted))
        tensors = {name: tensor.to(self.device) for name, tensor in given.items()}
        with torch.no_grad():
            for call, release in zip(self.calls, releases, strict=True):
                function = self._functions.get(call.layer)
                if function is None:
                    tensors.update(zip(call.outputs, self._constants[call.layer], strict=False))
                    continue
                try:
                    arguments = [tensors[name] for name in call.inputs]
                except KeyError as error:
                    raise InvalidInput(
                        f"layer {call.layer!r} reads tensor {error.args[0]!r}, which is neither given nor computed "
                        "here; give it or run the layer that writes it"
                    ) from None
                arguments += self._constants[call.layer]
                results = function(*arguments) if observe is None else observe(call.layer, function, arguments)
                tensors.update(zip(call.outputs, results, strict=True))
                del arguments, results
                for name in release:
                    tensors.pop(name, None)
        for name in wanted:
            if name not in tensors:
                raise InvalidInput(f"wanted {unknown('tensor', name, tensors)}; run the layer that writes it")
        return {name: tensors[name] for name in wanted}

    def _release(self, wanted: tuple[str, ...]) -> list[list[str]]:
        """After each call, the tensors that nobody reads any more."""
        if wanted not in self._releases:
            last = {name: i for i, call in enumerate(self.calls) for name in (*call.outputs, *call.inputs)}
            table: list[list[str]] = [[] for _ in self.calls]
            for name, i in last.items():
                if name not in wanted:
                    table[i].append(name)
            self._releases[wanted] = table
        return self._releases[wanted]

    def _compile(self, call: Call) -> Callable[..., Any]:
        """The layer's operations as one generated function, devices written into them replaced by this one."""
        import torch

        assert call.graph is not None
        here, traced = self.device, self.program.device

        def place(value: Any) -> Any:
            return here if isinstance(value, torch.device) and value.type == traced.type else value

        graph = torch.fx.Graph()
        copies: dict[torch.fx.Node, torch.fx.Node] = {}
        for node in call.graph.nodes:
            copies[node] = graph.node_copy(node, copies.__getitem__)
            if here != traced:
                copies[node].args = torch.fx.node.map_aggregate(copies[node].args, place)
                copies[node].kwargs = torch.fx.node.map_aggregate(copies[node].kwargs, place)
        function: Callable[..., Any] = torch.fx.GraphModule(torch.nn.Module(), graph).forward
        return function


def runnable(graph: LayerGraph) -> Program:
    """The program of a traced graph; `InvalidInput` where there is none."""
    program = getattr(graph, "program", None)
    if not isinstance(program, Program):
        raise InvalidInput(
            f"graph {graph.name!r} has no program to run (it was loaded from a file or built by hand); "
            "trace the module again with optsplit.trace"
        )
    return program


def run_layers(
    traced: LayerGraph,
    inputs: torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor],
    *,
    device: str = "cpu",
    observe: Observe | None = None,
) -> list[torch.Tensor]:
    """Run a traced network layer by layer.

    Parameters
    ----------
    traced
        From `trace`.
    inputs
        As the example was given: a tensor, a sequence, or a dict of arguments.
    device
        Where to run.
    observe
        Stands in for each call, see `Runner.run`.

    Returns
    -------
    list of torch.Tensor
        The network's outputs, flattened; on the CPU equal to the module's own, bit for bit.
    """
    program = runnable(traced)
    check_device("run_layers", device)
    outputs = Runner(program, device).run(program.flatten(inputs), program.outputs, observe)
    return [outputs[name] for name in program.outputs]
