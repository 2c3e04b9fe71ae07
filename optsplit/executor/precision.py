"""Tensors with fewer bits, by `optsplit.packing`: on the wire, and as they are behind it."""

from __future__ import annotations

import torch

from optsplit import packing

RAW = 32


def packed(tensor: torch.Tensor, bits: int) -> bytes:
    """A tensor of float32 as packed bytes."""
    return packing.pack(tensor.numpy(), bits)


def unpacked(data: memoryview, shape: tuple[int, ...], largest: int) -> torch.Tensor | None:
    """The tensor in packed bytes; None where its shape is another one than was said."""
    tensor = torch.from_numpy(packing.unpack(data, largest=largest))
    return tensor if tuple(tensor.shape) == tuple(shape) else None


def quantised(tensor: torch.Tensor, bits: int) -> torch.Tensor:
    """What arrives of a tensor that is sent with so many bits."""
    if bits == RAW or tensor.dtype != torch.float32:
        return tensor
    return torch.from_numpy(packing.quantised(tensor.cpu().contiguous().numpy(), bits)).to(tensor.device)
