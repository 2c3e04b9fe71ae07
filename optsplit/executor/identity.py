"""Whether two sides hold the same network: digests of its structure and of its weights."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from optsplit import files
from optsplit.graph import LayerGraph
from optsplit.profiling.run import runnable


def structure(graph: LayerGraph) -> str:
    """Of layers, tensors, shapes and sizes; not of the name."""
    content = LayerGraph("", graph.layers, graph.tensors, graph.outputs, graph.weights, graph.grain)
    return hashlib.sha256(files.dumps("graph", content)).hexdigest()


def weights(graph: LayerGraph) -> str:
    """Of every constant that a layer reads, with its name."""
    digest = hashlib.sha256()
    for name, value in sorted(runnable(graph).constants.items()):
        digest.update(name.encode())
        if isinstance(value, torch.Tensor):
            raw: Any = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
            digest.update(raw)
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()
