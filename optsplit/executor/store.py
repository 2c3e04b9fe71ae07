"""Weights that a client uploads part by part, where the network reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch

from optsplit.executor.wire import WireError
from optsplit.profiling.run import Program, Runner


class Store:
    """Room for every weight of a network, filled in the order in which its values come.

    Parameters
    ----------
    program
        Of the network; none of its own weights is used.
    device
        Where the weights go.
    """

    def __init__(self, program: Program, device: str) -> None:
        # what is no tensor is a number that the architecture itself holds
        self.room = {
            name: torch.empty_like(value, device=device) if isinstance(value, torch.Tensor) else value
            for name, value in program.constants.items()
        }
        self.filled = {name: 0 for name, value in self.room.items() if isinstance(value, torch.Tensor)}
        self.reads = {call.layer: call.constants for call in program.calls}
        self.base = Runner(replace(program, constants=self.room), device)

    def put(self, weight: str, start: int, tensors: Mapping[str, torch.Tensor]) -> None:
        """The values of a weight from position `start` on; `WireError` unless they follow those that are there."""
        if weight not in self.filled:
            raise WireError(f"weight {weight!r} is none of this network's")
        if len(tensors) != 1:
            raise WireError(f"weight {weight!r} comes with {len(tensors)} tensors; send one")
        (part,) = tensors.values()
        room = self.room[weight]
        if part.dtype != room.dtype or part.dim() != 1:
            raise WireError(f"weight {weight!r} is {part.dtype} of {part.dim()} dimensions; send 1 of {room.dtype}")
        end = start + part.numel()
        if start != self.filled[weight] or end > room.numel():
            raise WireError(f"values {start} to {end} of weight {weight!r}; {self.filled[weight]} are there")
        room.view(-1)[start:end] = part.to(room.device)
        self.filled[weight] = end

    def missing(self, layers: Iterable[str]) -> str | None:
        """A weight that some of these layers read and that is not whole yet."""
        for layer in layers:
            for name in self.reads[layer]:
                if name in self.filled and self.filled[name] < self.room[name].numel():
                    return name
        return None
