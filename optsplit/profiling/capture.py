"""From a module to a functional graph of whole operations, with torch.export.

`ExportedProgram.run_decompositions` alone would not do: it turns an inference dropout into a copy, `reshape` into
copies and `batch_norm` into its native form. So in-place operations are replaced one by one here, and that pass is the
last resort, for writes through views that are read again.
"""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optsplit.errors import MissingDependency, TraceError

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.export.graph_signature import InputSpec
    from torch.fx import Graph, GraphModule, Node


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
    _inline(graph_module, name)
    if not _replace_in_place(graph_module.graph, _weights(graph_module.graph, program), name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = program.run_decompositions({})
        graph_module = program.graph_module
        _inline(graph_module, name)
        if not _replace_in_place(graph_module.graph, _weights(graph_module.graph, program), name):
            raise TraceError(f"{name}: writes in place in a way that cannot be followed; write into a new tensor instead")
    graph = graph_module.graph
    specs = program.graph_signature.output_specs
    for spec in specs:
        if spec.kind.name == "BUFFER_MUTATION":
            raise _mutation(name, str(spec.target))
    returned = graph.output_node().args[0]
    assert isinstance(returned, (tuple, list))
    outputs = tuple(
        value
        for value, spec in zip(returned, specs, strict=True)
        if spec.kind.name == "USER_OUTPUT" and _is_tensor(value)
    )
    if not outputs:
        raise TraceError(f"{name}: returns no tensor; return at least one")
    inputs = tuple(
        node for node, spec in _placeholders(graph, program) if spec.kind.name == "USER_INPUT" and _is_tensor(node)
    )
    captured = Capture(graph, inputs, _weights(graph, program), outputs, _dependent(graph, inputs))
    _refuse(captured, name)
    return captured


def argument(node: Node, name: str, default: Any = None) -> Any:
    """The value of an operation's argument by its name in the schema; `default` if it has none."""
    schema = getattr(node.target, "_schema", None)
    for i, parameter in enumerate(schema.arguments if schema else ()):
        if parameter.name == name:
            if i < len(node.args):
                return node.args[i]
            return node.kwargs.get(name, parameter.default_value)
    return default


def module_path(node: Node) -> tuple[str, str, tuple[str, ...]]:
    """Path and class of the innermost module that ran the node, and what tells its calls apart."""
    stack = node.meta.get("nn_module_stack") or {}
    if not stack:
        return "", "", ()
    path, class_ = list(stack.values())[-1]
    return path, class_ if isinstance(class_, str) else class_.__qualname__, tuple(stack)


def _export(
    module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], name: str
) -> ExportedProgram:
    import torch

    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(module, args, dict(kwargs))
    except Exception as error:
        try:
            with torch.no_grad():
                # A copy, because a module in training mode changes its buffers.
                copy.deepcopy(module)(*args, **kwargs)
        except Exception as own:
            given = ", ".join(
                [str(tuple(t.shape)) for t in args] + [f"{k} {tuple(t.shape)}" for k, t in kwargs.items()]
            )
            raise TraceError(
                f"{name}: does not run on the example of shape {given}: {_first_line(own)}; "
                "give an example that the module's forward accepts"
            ) from error
        raise TraceError(
            f"{name}: torch.export refuses it: {_first_line(error)}; make its control flow and shapes independent "
            "of the data (torch.where for a branch), return tensors in tuples or dicts, or trace a submodule"
        ) from error


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".;")


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.fx.Node) and isinstance(value.meta.get("val"), torch.Tensor)


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


def _inline(module: GraphModule, name: str) -> None:
    """Replace the wrappers around `torch.no_grad` and disabled autocast by what they wrap."""
    import torch

    higher = torch.ops.higher_order
    position = {higher.wrap_with_set_grad_enabled: 1, higher.wrap_with_autocast: 4}
    for node in list(module.graph.nodes):
        if node.target not in position:
            continue
        at = position[node.target]
        if node.target is higher.wrap_with_autocast and node.args[2]:
            raise TraceError(
                f"{name}: switches autocast on inside forward, which hides its casts from the graph; "
                "remove torch.autocast or convert the module with .to(dtype)"
            )
        wrapped = module.get_submodule(str(node.args[at].target))
        assert isinstance(wrapped, torch.fx.GraphModule)
        _inline(wrapped, name)
        inner = [n for n in wrapped.graph.nodes if n.op == "placeholder"]
        mapping = dict(zip(inner, node.args[at + 1 :], strict=True))
        with module.graph.inserting_before(node):
            results = module.graph.graph_copy(wrapped.graph, mapping)
        for user in list(node.users):
            assert user.target is operator.getitem and isinstance(results, (tuple, list))
            user.replace_all_uses_with(results[user.args[1]])
            module.graph.erase_node(user)
        module.graph.erase_node(node)


def _written(node: Node) -> list[Any]:
    """Arguments that the operation writes into."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.is_mutable:
        return []
    return [argument(node, p.name) for p in schema.arguments if p.alias_info is not None and p.alias_info.is_write]


def _replace_in_place(graph: Graph, weights: Mapping[Node, tuple[str, torch.Tensor]], name: str) -> bool:
    """Replace in-place operations that depend on an input; False where that would change the result.

    Writes into constants stay: constants are evaluated once, in order.
    """
    import torch

    inputs = [n for n in graph.nodes if n.op == "placeholder" and n not in weights]
    dependent = _dependent(graph, inputs)
    order = {node: i for i, node in enumerate(graph.nodes)}
    buffers = {_storage(node): name_ for node, (name_, _) in weights.items()}
    aliases: dict[int, list[Node]] = {}
    for node in list(graph.nodes):
        if node.target is torch.ops.aten.detach_.default:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
            continue
        for target in _written(node):
            if target is None or not _is_tensor(target):
                return False
            storage = _storage(target)
            if storage in buffers:
                raise _mutation(name, buffers[storage])
            if target not in dependent:
                if node in dependent:
                    return False
                continue
            functional = _functional(node)
            if functional is None or node.args[0] is not target or not _keeps_dtype(node):
                return False
            for alias in aliases[storage]:
                later = [user for user in alias.users if order[user] > order[node]]
                if later and not _same_geometry(alias, target):
                    return False
                for user in later:
                    user.replace_input_with(alias, node)
            node.target = functional
        if _is_tensor(node):
            aliases.setdefault(_storage(node), []).append(node)
    return True


def _storage(node: Node) -> int:
    return int(node.meta["val"].untyped_storage()._cdata)


def _same_geometry(a: Node, b: Node) -> bool:
    x, y = a.meta["val"], b.meta["val"]
    return bool(
        x.shape == y.shape
        and x.stride() == y.stride()
        and x.storage_offset() == y.storage_offset()
        and x.dtype == y.dtype
    )


def _keeps_dtype(node: Node) -> bool:
    """The functional form must not promote: `float32.add_(float64)` stays float32, `add` would not."""
    import torch

    own = node.meta["val"].dtype
    return all(
        torch.promote_types(own, source.meta["val"].dtype) == own
        for source in node.all_input_nodes
        if _is_tensor(source) and source.meta["val"].dim() > 0
    )


def _functional(node: Node) -> Any:
    import torch

    target: Any = node.target
    packet = getattr(torch.ops, target.namespace)
    base = target._schema.name.split("::")[1]
    twin = getattr(packet, base[:-1], None) if base.endswith("_") else None
    found = getattr(twin, target._overloadname, None)
    return found if found is not None and not found._schema.is_mutable else None


def _dependent(graph: Graph, inputs: Any) -> frozenset[Node]:
    found = set(inputs)
    for node in graph.nodes:
        if node.op == "call_function" and any(source in found for source in node.all_input_nodes):
            found.add(node)
    return frozenset(found)


def _live(captured: Capture) -> Iterator[Node]:
    stack, seen = list(captured.outputs), set(captured.outputs)
    while stack:
        node = stack.pop()
        yield node
        for source in node.all_input_nodes:
            if source not in seen:
                seen.add(source)
                stack.append(source)


def _mutation(name: str, buffer: str) -> TraceError:
    return TraceError(
        f"{name}: inference changes its buffer {buffer!r}, so that layers cannot run apart; call .eval() on the module "
        "first (batch norm), or turn its cache off"
    )


def _refuse(captured: Capture, name: str) -> None:
    """Raise `TraceError` at the first operation that cannot run as a layer of its own."""
    import torch

    for node in _live(captured):
        if node.op != "call_function" or node.target is operator.getitem:
            continue
        where = f"{name}: operation {node.name!r} of {module_path(node)[0] or 'the module itself'}"
        if not isinstance(node.target, torch._ops.OpOverload):
            raise TraceError(f"{where} is {node.target}, not a tensor operation; trace a module without control flow")
        training = bool(argument(node, "training", False) or argument(node, "use_input_stats", False))
        if training and isinstance(statistic := argument(node, "running_mean"), torch.fx.Node):
            raise _mutation(name, captured.weights[statistic][0] if statistic in captured.weights else statistic.name)
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
