"""Make an exported graph functional: no wrappers and no in-place operations, and nothing decomposed."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optsplit.errors import TraceError
from optsplit.profiling.nodes import argument, dependent_nodes, is_tensor

if TYPE_CHECKING:
    import torch
    from torch.fx import Graph, GraphModule, Node


def inline(module: GraphModule, name: str) -> None:
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
        inline(wrapped, name)
        inner = [n for n in wrapped.graph.nodes if n.op == "placeholder"]
        mapping = dict(zip(inner, node.args[at + 1 :], strict=True))
        with module.graph.inserting_before(node):
            results = module.graph.graph_copy(wrapped.graph, mapping)
        assert isinstance(results, (tuple, list))
        for user in list(node.users):
            assert user.target is operator.getitem
            user.replace_all_uses_with(results[user.args[1]])
            module.graph.erase_node(user)
        module.graph.erase_node(node)


def replace_in_place(graph: Graph, weights: Mapping[Node, tuple[str, torch.Tensor]], name: str) -> bool:
    """Replace in-place operations that depend on an input; False where that would change the result.

    Writes into constants stay, unless a layer reads the value before: constants are evaluated once, in order.
    """
    import torch

    inputs = [n for n in graph.nodes if n.op == "placeholder" and n not in weights]
    dependent = dependent_nodes(graph, inputs)
    order = {node: i for i, node in enumerate(graph.nodes)}
    buffers = {_storage(node): name_ for node, (name_, _) in weights.items()}
    aliases: dict[int, list[Node]] = {}
    for node in list(graph.nodes):
        if node.target is torch.ops.aten.detach_.default:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
            continue
        for target in _written(node):
            if target is None or not is_tensor(target):
                return False
            storage = _storage(target)
            if storage in buffers:
                raise mutation(name, buffers[storage])
            if target not in dependent:
                read = any(u in dependent and order[u] < order[node] for a in aliases[storage] for u in a.users)
                if read or node in dependent:
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
        if is_tensor(node):
            aliases.setdefault(_storage(node), []).append(node)
    return True


def mutation(name: str, buffer: str) -> TraceError:
    """The error for a module that changes its own state."""
    return TraceError(
        f"{name}: inference changes its buffer {buffer!r}, so that layers cannot run apart; call .eval() on the module "
        "first (batch norm), or turn its cache off"
    )


def _written(node: Node) -> list[Any]:
    """Arguments that the operation writes into."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.is_mutable:
        return []
    return [argument(node, p.name) for p in schema.arguments if p.alias_info is not None and p.alias_info.is_write]


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
        if is_tensor(source) and source.meta["val"].dim() > 0
    )


def _functional(node: Node) -> Any:
    import torch

    target: Any = node.target
    packet = getattr(torch.ops, target.namespace)
    base = target._schema.name.split("::")[1]
    twin = getattr(packet, base[:-1], None) if base.endswith("_") else None
    found = getattr(twin, target._overloadname, None)
    return found if found is not None and not found._schema.is_mutable else None
