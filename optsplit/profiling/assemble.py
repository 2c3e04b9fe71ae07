"""From groups of operations to layers, tensors and a runnable program."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optsplit.errors import TraceError
from optsplit.graph import Layer, Tensor
from optsplit.profiling import operations
from optsplit.profiling.capture import Capture
from optsplit.profiling.grouping import Group
from optsplit.profiling.run import Call, Program, Runner

if TYPE_CHECKING:
    import torch
    from torch.fx import Node


class Assembly:
    """Builds the program of the groups, runs it once on the example and describes what it saw."""

    def __init__(self, captured: Capture, groups: list[Group]) -> None:
        self.captured, self.groups = captured, groups
        self.owner = {node: i for i, group in enumerate(groups) for node in group.nodes}
        for node in captured.graph.nodes:
            if node.target is operator.getitem and node.args[0] in self.owner:
                self.owner[node] = self.owner[node.args[0]]
        self.members: dict[int, list[Node]] = {i: [] for i in range(len(groups))}
        for node in captured.graph.nodes:
            if node in self.owner:
                self.members[self.owner[node]].append(node)
        self.readers: dict[Node, list[int]] = {}
        for node in captured.graph.nodes:
            if node.op == "call_function" and node in self.owner and node.target is not operator.getitem:
                for source in node.all_input_nodes:
                    self._read(source, self.owner[node])
        self.names = self._tensor_names()
        self.constants, self.weights_of = self._constants()

    def _read(self, source: Node, reader: int) -> None:
        readers = self.readers.setdefault(source, [])
        outside = source in self.captured.dependent and self.owner[source] != reader
        if outside and reader not in readers:
            readers.append(reader)

    def _tensor_names(self) -> dict[Node, str]:
        """The tensors that leave their layer."""
        returned = set(self.captured.outputs)
        names = {}
        for i, group in enumerate(self.groups):
            leaving = [
                node for node in self.members[i] if self.readers.get(node) or node in returned or group.kind == "input"
            ]
            for k, node in enumerate(leaving):
                names[node] = group.name if len(leaving) == 1 else f"{group.name}:{k}"
        return names

    def _constants(self) -> tuple[dict[Node, Any], dict[Node, tuple[str, ...]]]:
        """Evaluate what depends on no input, once; with the weights behind each value."""
        import torch

        # One name per storage: tied parameters are one weight.
        first: dict[tuple[Any, ...], str] = {}
        values: dict[Node, Any] = {}
        behind: dict[Node, tuple[str, ...]] = {}
        for node, (name, tensor) in self.captured.weights.items():
            tensor = tensor.detach()
            key = (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.nbytes)
            values[node] = tensor
            behind[node] = (first.setdefault(key, name) if tensor.numel() else name,)
        with torch.no_grad():
            for node in self.captured.graph.nodes:
                if node.op != "call_function" or node in self.captured.dependent:
                    continue
                args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
                function: Callable[..., Any] = node.target
                values[node] = function(*args, **kwargs)
                behind[node] = tuple(dict.fromkeys(w for n in node.all_input_nodes for w in behind[n]))
        return values, behind

    def _call(self, i: int) -> tuple[Call, tuple[str, ...]]:
        """The call of a layer, and the weights that it reads."""
        import torch

        group = self.groups[i]
        outputs = [node for node in self.members[i] if node in self.names]
        if group.kind == "input":
            return Call(group.name, (), (), (self.names[outputs[0]],)), ()
        if group.kind == "constant":
            node = group.nodes[0]
            return Call(group.name, (), (node.name,), (self.names[node],)), self.weights_of[node]
        members = self.members[i]
        sources = dict.fromkeys(s for n in members for s in n.all_input_nodes if self.owner.get(s) != i)
        inputs = [s for s in sources if s in self.captured.dependent]
        constants = [s for s in sources if s not in self.captured.dependent]
        graph = torch.fx.Graph()
        copies = {source: graph.placeholder(f"a{k}") for k, source in enumerate([*inputs, *constants])}
        for node in members:
            if node.users:
                copies[node] = graph.node_copy(node, copies.__getitem__)
                copies[node].meta = {}
        graph.output(tuple(copies[node] for node in outputs))
        call = Call(
            group.name,
            tuple(self.names[s] for s in inputs),
            tuple(s.name for s in constants),
            tuple(self.names[node] for node in outputs),
            graph,
        )
        return call, tuple(dict.fromkeys(w for s in constants for w in self.weights_of[s]))

    def build(
        self,
        module: torch.nn.Module,
        args: tuple[torch.Tensor, ...],
        kwargs: dict[str, torch.Tensor],
        arguments: tuple[str, ...],
        name: str,
    ) -> tuple[tuple[Layer, ...], tuple[Tensor, ...], dict[str, int], Program]:
        """Run the program once on the example: real sizes, and which layers are free."""
        built = [self._call(i) for i in range(len(self.groups))]
        calls = tuple(call for call, _ in built)
        read = {c for call in calls for c in call.constants}
        outputs = tuple(self.names[node] for node in self.captured.outputs)
        program = Program(
            module=module,
            args=args,
            kwargs=kwargs,
            arguments=arguments,
            inputs=tuple(self.names[node] for node in self.captured.inputs),
            outputs=outputs,
            calls=calls,
            constants={node.name: value for node, value in self.constants.items() if node.name in read},
            device=self.captured.inputs[0].meta["val"].device,
        )
        free, sizes = _observe(program, name)
        layers = tuple(
            self._layer(group, weights, call, free, sizes)
            for group, (call, weights) in zip(self.groups, built, strict=True)
        )
        tensors = tuple(
            Tensor(
                self.names[node],
                i,
                tuple(sorted(self.readers.get(node, ()))),
                sizes[self.names[node]].nbytes,
                tuple(sizes[self.names[node]].shape),
                str(sizes[self.names[node]].dtype).removeprefix("torch."),
            )
            for i, members in self.members.items()
            for node in members
            if node in self.names
        )
        used = dict.fromkeys(w for layer in layers for w in layer.weights)
        size = {n: t.nbytes for n, t in self.captured.weights.values()}
        return layers, tensors, {w: size[w] for w in used}, program

    def _layer(
        self, group: Group, weights: tuple[str, ...], call: Call, free: set[str], sizes: Mapping[str, torch.Tensor]
    ) -> Layer:
        operated = group.kind not in ("input", "constant")
        is_free = group.name in free
        flops = sum(operations.flops(node) for node in group.nodes) if operated and not is_free else 0
        features = {
            "input_size": float(sum(sizes[tensor].numel() for tensor in call.inputs)),
            "output_size": float(sum(sizes[tensor].numel() for tensor in call.outputs)),
            "flops": float(flops),
        }
        for node in group.nodes if group.kind == "conv" else ():
            if operations.kind(node) == "conv":
                features |= operations.convolution_features(node)
        return Layer(group.name, group.kind, flops, weights, is_free, features)


def _observe(program: Program, name: str) -> tuple[set[str], dict[str, torch.Tensor]]:
    """Layers whose outputs all share storage with an input; and every tensor, as a shape without data."""
    import torch

    calls = {call.layer: call for call in program.calls}
    free: set[str] = set()
    sizes = {t: torch.empty_like(v, device="meta") for t, v in program.flatten(program.example).items()}
    for call in program.calls:
        if call.graph is None and call.constants:
            sizes[call.outputs[0]] = torch.empty_like(program.constants[call.constants[0]], device="meta")

    def watch(layer: str, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        results = function(*arguments)
        call = calls[layer]
        owned = {tensor.untyped_storage().data_ptr() for tensor in arguments[: len(call.inputs)]}
        if all(result.untyped_storage().data_ptr() in owned for result in results):
            free.add(layer)
        for tensor, result in zip(call.outputs, results, strict=True):
            sizes[tensor] = torch.empty_like(result, device="meta")
        return results

    try:
        # Clones, so that a layer that wrote into its input could not change the user's example.
        given = {tensor: value.clone() for tensor, value in program.flatten(program.example).items()}
        Runner(program, str(program.device)).run(given, program.outputs, watch)
    except RuntimeError as error:
        raise TraceError(f"{name}: the traced layers do not run on the example: {error}") from error
    return free, sizes
