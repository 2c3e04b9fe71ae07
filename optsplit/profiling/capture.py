"""From a module to a functional graph of whole operations, with torch.export.

`ExportedProgram.run_decompositions` alone would not do: it turns an inference dropout into a copy, `reshape` into
copies and `batch_norm` into its native form. So in-place operations are replaced one by one here, and that pass is the
last resort, for writes through views that are read again.
"""

from __future__ import annotations

import copy
import logging
import operator
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optsplit.errors import MissingDependency, TraceError
from optsplit.profiling.functional import inline, mutation, replace_in_place
from optsplit.profiling.nodes import argument, dependent_nodes, is_tensor, module_path

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.export.graph_signature import InputSpec
    from torch.fx import Graph, Node


@dataclass(frozen=True)
class Capture:
    """A module as a graph without in-place operations: placeholders, operations, one output.

    Parameters
    ----------
    graph
        torch.fx; every node carries its fake value and its path of modules.
    inputs
        The placeholders of the user's tensors, in the order given.
    weights
        Placeholder of each parameter, buffer and constant: its name in the module and its tensor.
    outputs
        The nodes that the module returns, flattened; what is not a tensor is left out.
    dependent
        Nodes that depend on an input; all others are constants.
    """

    graph: Graph
    inputs: tuple[Node, ...]
    weights: Mapping[Node, tuple[str, torch.Tensor]]
    outputs: tuple[Node, ...]
    dependent: frozenset[Node]

    def needed(self) -> list[Node]:
        """Operations on a way to an output, in order; asserts and dead code are not among them."""
        found = set(self.outputs)
        for node in reversed(list(self.graph.nodes)):
            if node in found and node.op == "call_function":
                found.update(node.all_input_nodes)
        return [node for node in self.graph.nodes if node in found and node.op == "call_function"]

    def live(self) -> list[Node]:
        """Those of them that depend on an input."""
        return [node for node in self.needed() if node in self.dependent]


def need_torch() -> None:
    """Raise `MissingDependency` where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependency('torch is not installed; pip install "optsplit[torch]"') from error


def capture(module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str) -> Capture:
    """Export `module` on an example and make its graph functional.

    Raises
    ------
    TraceError
        torch.export refuses the module, or inference changes a buffer, draws random numbers, holds control
        flow, or gives shapes that depend on the data.
    """
    program = _export(module, args, kwargs, name)
    graph_module = copy.deepcopy(program.graph_module)
    inline(graph_module, name)
    if not replace_in_place(graph_module.graph, _weights(graph_module.graph, program), name):
        with _quiet():
            program = program.run_decompositions({})
        graph_module = program.graph_module
        inline(graph_module, name)
        if not replace_in_place(graph_module.graph, _weights(graph_module.graph, program), name):
            raise TraceError(
                f"{name}: writes in place in a way that cannot be followed; write into a new tensor instead"
            )
    graph = graph_module.graph
    specs = program.graph_signature.output_specs
    for spec in specs:
        if spec.kind.name == "BUFFER_MUTATION":
            raise mutation(name, str(spec.target))
    returned = graph.output_node().args[0]
    assert isinstance(returned, (tuple, list))
    outputs = tuple(
        value
        for value, spec in zip(returned, specs, strict=True)
        if spec.kind.name == "USER_OUTPUT" and is_tensor(value)
    )
    if not outputs:
        raise TraceError(f"{name}: returns no tensor; return at least one")
    inputs = tuple(
        node for node, spec in _placeholders(graph, program) if spec.kind.name == "USER_INPUT" and is_tensor(node)
    )
    captured = Capture(graph, inputs, _weights(graph, program), outputs, dependent_nodes(graph, inputs))
    _refuse(captured, name)
    return captured


def _export(module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str) -> ExportedProgram:
    import torch

    try:
        with torch.no_grad(), _quiet():
            # Clones: export takes one tensor given twice, or two that share storage, for one input.
            apart = tuple(tensor.clone() for tensor in args)
            return torch.export.export(module, apart, {key: tensor.clone() for key, tensor in kwargs.items()})
    except Exception as error:
        # A copy, because a module in training mode changes its buffers.
        twin = copy.deepcopy(module)
        before = {key: buffer.clone() for key, buffer in twin.named_buffers()}
        try:
            with torch.no_grad():
                twin(*args, **kwargs)
        except Exception as own:
            given = ", ".join(
                [str(tuple(t.shape)) for t in args] + [f"{k} {tuple(t.shape)}" for k, t in kwargs.items()]
            )
            raise TraceError(
                f"{name}: does not run on the example of shape {given}: {_first_line(own)}; "
                "give an example that the module's forward accepts"
            ) from error
        for key, buffer in twin.named_buffers():
            if key not in before or not torch.equal(before[key], buffer):
                raise mutation(name, key) from error
        raise TraceError(
            f"{name}: torch.export refuses it: {_first_line(error)}; make its control flow and shapes independent "
            "of the data (torch.where for a branch), return tensors in tuples or dicts, or trace a submodule"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and no log of torch: what matters of them is in the error."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".;")


def _placeholders(graph: Graph, program: ExportedProgram) -> list[tuple[Node, InputSpec]]:
    # By position: copying a graph renames a placeholder that is called like a builtin ("input").
    nodes = [node for node in graph.nodes if node.op == "placeholder"]
    return list(zip(nodes, program.graph_signature.input_specs, strict=True))


def _weights(graph: Graph, program: ExportedProgram) -> dict[Node, tuple[str, torch.Tensor]]:
    found = {}
    for node, spec in _placeholders(graph, program):
        if spec.kind.name in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
            name = str(spec.target)
            tensor = program.state_dict[name] if name in program.state_dict else program.constants[name]
            found[node] = (name, tensor)
    return found


def _refuse(captured: Capture, name: str) -> None:
    """Raise `TraceError` at the first operation that cannot run as a layer of its own."""
    import torch

    for node in captured.needed():
        if node.target is operator.getitem:
            continue
        where = f"{name}: operation {node.name!r} of {module_path(node)[0] or 'the module itself'}"
        if not isinstance(node.target, torch._ops.OpOverload):
            raise TraceError(f"{where} is {node.target}, not a tensor operation; trace a module without control flow")
        training = bool(argument(node, "training", False) or argument(node, "use_input_stats", False))
        if training and isinstance(statistic := argument(node, "running_mean"), torch.fx.Node):
            raise mutation(name, captured.weights[statistic][0] if statistic in captured.weights else statistic.name)
        if torch.Tag.nondeterministic_seeded in node.target.tags and _draws(node):
            raise TraceError(
                f"{where} draws random numbers at inference ({node.target}); call .eval() on the module first"
            )
        values = node.meta.get("val")
        for value in values if isinstance(values, (tuple, list)) else (values,):
            if node not in captured.dependent:
                continue
            if not isinstance(value, torch.Tensor) or not all(isinstance(size, int) for size in value.shape):
                raise TraceError(
                    f"{where} ({node.target}) gives a shape or number that depends on the data; "
                    "make shapes independent of the data, or trace a submodule"
                )


def _draws(node: Node) -> bool:
    """Whether a random operation really draws: dropout and attention do not at inference."""
    switches = [argument(node, "train"), argument(node, "training")]
    if any(switch is not None for switch in switches):
        return any(switch is True for switch in switches)
    probability = argument(node, "dropout_p")
    return probability is None or bool(probability)
