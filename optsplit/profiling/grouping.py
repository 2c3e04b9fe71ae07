"""Which operations make one layer, and what the layer is called."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optsplit.profiling import operations
from optsplit.profiling.capture import Capture
from optsplit.profiling.nodes import module_path

if TYPE_CHECKING:
    import torch
    from torch.fx import Node


@dataclass(frozen=True)
class Group:
    """Operations that make one layer."""

    name: str
    kind: str
    nodes: tuple[Node, ...]


def group_operations(captured: Capture, module: torch.nn.Module, grain: str, network: str) -> list[Group]:
    """The layers: inputs, then runs of operations. Only neighbours are grouped, so that no cycle can arise."""
    inputs = [str(n.target) for n in captured.inputs] if len(captured.inputs) > 1 else ["input"]
    runs: list[tuple[tuple[str, ...], str, list[Node]]] = []
    calls: dict[tuple[str, ...], int] = {}
    leaves = {path for path, child in module.named_modules(remove_duplicate=False) if not any(child.children())}
    for node in captured.live():
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
        if len(nodes) > 1 and not path:
            base = network
        names[i] = _unique(base, taken)
    groups = [Group(n, "input", (node,)) for n, node in zip(inputs, captured.inputs, strict=True)]
    groups += [Group(names[i], _dominating(nodes), tuple(nodes)) for i, (_, _, nodes) in enumerate(runs)]
    constants = [n for n in dict.fromkeys(captured.outputs) if n not in captured.dependent]
    return groups + [Group(_unique("constant", taken), "constant", (node,)) for node in constants]


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
