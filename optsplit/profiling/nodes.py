"""Questions to a node of an exported graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.fx import Graph, Node


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


def is_tensor(value: object) -> bool:
    """Whether `value` is a node that holds one tensor."""
    import torch

    return isinstance(value, torch.fx.Node) and isinstance(value.meta.get("val"), torch.Tensor)


def dependent_nodes(graph: Graph, inputs: Iterable[Node]) -> frozenset[Node]:
    """The inputs and every operation that depends on one."""
    found = set(inputs)
    for node in graph.nodes:
        if node.op == "call_function" and any(source in found for source in node.all_input_nodes):
            found.add(node)
    return frozenset(found)
