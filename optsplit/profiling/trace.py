"""trace: from a torch module to a LayerGraph that can still run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optsplit.errors import InvalidInput, TraceError, unknown
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.profiling import operations
from optsplit.profiling.capture import Capture, capture, module_path, need_torch
from optsplit.profiling.run import Call, Program, Runner

if TYPE_CHECKING:
    import torch
    from torch.fx import Node

GRAINS = ("operations", "modules")


class Traced(LayerGraph):
    """A layer graph with its runnable program; in a file, and wherever it is compared, only the structure counts."""

    # Not annotated as a field: files and comparisons must not see it.
    program = None

    @property
    def structure(self) -> LayerGraph:
        """The same graph without the program, equal to what `LayerGraph.load` reads back."""
        return LayerGraph(self.name, self.layers, self.tensors, self.outputs, self.weights, self.grain)

    def runnable(self) -> Program:
        """The program.

        Raises
        ------
        InvalidInput
            The graph was loaded from a file or built by hand.
        """
        return runnable(self)

    def save(self, path: str | Path) -> None:
        """Write the structure as a JSON file."""
        self.structure.save(path)


def runnable(graph: LayerGraph) -> Program:
    """The program of a traced graph; `InvalidInput` where there is none."""
    program = getattr(graph, "program", None)
    if not isinstance(program, Program):
        raise InvalidInput(
            f"graph {graph.name!r} has no program to run (it was loaded from a file or built by hand); "
            "trace the module again with optsplit.trace"
        )
    return program


@dataclass(frozen=True)
class _Group:
    """Operations that make one layer."""

    name: str
    kind: str
    nodes: tuple[Node, ...]


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
    live = _live_layers(captured)
    groups = _group(captured, live, module, grain)
    return _Assembly(captured, groups).traced(module, args, kwargs, arguments, name, grain)


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


def _live_layers(captured: Capture) -> list[Node]:
    """Nodes on a way from an input to an output, in order."""
    live: set[Node] = set(captured.outputs)
    for node in reversed(list(captured.graph.nodes)):
        if node in live and node.op == "call_function":
            live.update(node.all_input_nodes)
    return [n for n in captured.graph.nodes if n in live and n in captured.dependent and n.op == "call_function"]


def _group(captured: Capture, live: list[Node], module: torch.nn.Module, grain: str) -> list[_Group]:
    """The layers: inputs, then runs of operations. Only neighbours are grouped, so that no cycle can arise."""
    inputs = [str(n.target) for n in captured.inputs] if len(captured.inputs) > 1 else ["input"]
    runs: list[tuple[tuple[str, ...], str, list[Node]]] = []
    calls: dict[tuple[str, ...], int] = {}
    leaves = {path for path, child in module.named_modules(remove_duplicate=False) if not any(child.children())}
    for node in live:
        if node.target is operator.getitem:
            continue
        path, _, call = module_path(node)
        path = path.split("@")[0]
        leaf = path in leaves
        calls[call] = calls.get(call, 0) + 1
        if grain == "modules" and leaf and runs and runs[-1][0] == call:
            runs[-1][2].append(node)
        else:
            runs.append((call if leaf else (), path, [node]))
    # Names that are a module's own path come first, so that no functional operation can take them.
    taken = set(inputs)
    names: dict[int, str] = {}
    whole = {i for i, (call, path, _) in enumerate(runs) if call and path and (grain == "modules" or calls[call] == 1)}
    for i in [*sorted(whole), *(i for i in range(len(runs)) if i not in whole)]:
        path, nodes = runs[i][1], runs[i][2]
        base = path if i in whole else ".".join(filter(None, (path, operations.base_name(nodes[0]))))
        names[i] = _unique(base, taken)
    groups = [_Group(n, "input", (node,)) for n, node in zip(inputs, captured.inputs, strict=True)]
    groups += [_Group(names[i], _dominating(nodes), tuple(nodes)) for i, (_, _, nodes) in enumerate(runs)]
    constants = [n for n in dict.fromkeys(captured.outputs) if n not in captured.dependent]
    return groups + [_Group(_unique("constant", taken), "constant", (node,)) for node in constants]


def _unique(base: str, taken: set[str]) -> str:
    name, count = base, 0
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    taken.add(name)
    return name


def _dominating(nodes: Sequence[Node]) -> str:
    if len(nodes) > 1 and module_path(nodes[0])[1].endswith("LocalResponseNorm"):
        return "lrn"
    return operations.kind(max(nodes, key=operations.flops) if len(nodes) > 1 else nodes[0])


class _Assembly:
    """Builds the program of the groups, runs it once on the example and describes what it saw."""

    def __init__(self, captured: Capture, groups: list[_Group]) -> None:
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

    def traced(
        self,
        module: torch.nn.Module,
        args: tuple[torch.Tensor, ...],
        kwargs: dict[str, torch.Tensor],
        arguments: tuple[str, ...],
        name: str,
        grain: str,
    ) -> Traced:
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
        traced = Traced(name, layers, tensors, outputs, {w: size[w] for w in used}, grain)
        object.__setattr__(traced, "program", program)
        return traced

    def _layer(
        self, group: _Group, weights: tuple[str, ...], call: Call, free: set[str], sizes: Mapping[str, torch.Tensor]
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
