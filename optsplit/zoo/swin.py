"""Swin-T and Swin-S: Liu et al., "Swin transformer" (2021), sections 3.1 to 3.3.

Attention is spelt out operation by operation and the mask is computed in the forward pass, as torchvision
does: the traced graph is a large one, with operations that read weights or constants only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from optsplit.zoo.layers import Add, chain


def _windows(x: Tensor, size: int) -> Tensor:
    """Cut (N, H, W, C) into windows (N * windows, size * size, C)."""
    n, h, w, c = x.shape
    x = x.view(n, h // size, size, w // size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size * size, c)


def _image(windows: Tensor, size: int, h: int, w: int) -> Tensor:
    """Put windows (N * windows, size * size, C) back together: (N, H, W, C)."""
    c = windows.shape[-1]
    x = windows.view(-1, h // size, w // size, size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, h, w, c)


class WindowAttention(nn.Module):
    """Self-attention inside each window, with a learned bias for each relative position."""

    position_index: Tensor

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.scale = (width // heads) ** -0.5
        self.position_bias = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.02)
        side = torch.arange(window)
        grid = torch.stack(torch.meshgrid(side, side, indexing="ij")).flatten(1)
        offset = grid[:, :, None] - grid[:, None, :] + window - 1
        index = (offset[0] * (2 * window - 1) + offset[1]).flatten()
        self.register_buffer("position_index", index, persistent=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.softmax = nn.Softmax(dim=-1)
        self.attention_drop = nn.Dropout(0.0)
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(0.0)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map windows (N * windows, tokens, width) to the same shape; mask is (windows, tokens, tokens)."""
        n, tokens, width = x.shape
        qkv = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0] * self.scale, qkv[1], qkv[2]
        scores = q @ k.transpose(-2, -1)
        bias = self.position_bias[self.position_index].view(tokens, tokens, -1).permute(2, 0, 1).contiguous()
        scores = scores + bias.unsqueeze(0)
        if mask is not None:
            count = mask.shape[0]
            scores = scores.view(n // count, count, self.heads, tokens, tokens)
            scores = (scores + mask.unsqueeze(1).unsqueeze(0)).view(-1, self.heads, tokens, tokens)
        scores = self.attention_drop(self.softmax(scores))
        out: Tensor = self.proj_drop(self.proj((scores @ v).transpose(1, 2).reshape(n, tokens, width)))
        return out


class SwinBlock(nn.Module):
    """Attention in windows, shifted by half a window in every second block (equation 3)."""

    position: Tensor

    def __init__(self, width: int, heads: int, size: int, shifted: bool) -> None:
        super().__init__()
        self.size, self.window = size, 7
        # A map of one window has nothing to shift.
        self.shift = 3 if shifted and size > self.window else 0
        # Nothing to pad at 224x224; other sizes fill the last windows up.
        self.extra = -size % self.window
        # A buffer, because a traced torch.arange would be tied to the device of the trace.
        self.register_buffer("position", torch.arange(size + self.extra), persistent=False)
        self.norm1 = nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, self.window)
        self.add1 = Add()
        self.norm2 = nn.LayerNorm(width)
        self.mlp = chain(
            fc1=nn.Linear(width, 4 * width),
            act=nn.GELU(),
            drop1=nn.Dropout(0.0),
            fc2=nn.Linear(4 * width, width),
            drop2=nn.Dropout(0.0),
        )
        self.add2 = Add()

    def _mask(self, dtype: torch.dtype) -> Tensor:
        """Keep tokens apart that share a shifted window without being neighbours in the image."""
        size = self.size + self.extra
        region = (self.position >= size - self.window).long() + (self.position >= size - self.shift).long()
        grid = 3 * region.unsqueeze(1) + region.unsqueeze(0)
        windows = _windows(grid.unsqueeze(0).unsqueeze(-1), self.window).squeeze(-1)
        apart = windows.unsqueeze(1) != windows.unsqueeze(2)
        # The authors' -100 leaves exp(-100), a denormal number; this leaves 0.
        return apart.to(dtype) * -1e4

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, size * size, width) to the same shape."""
        n, tokens, width = x.shape
        y = self.norm1(x).view(n, self.size, self.size, width)
        padded = self.size + self.extra
        y = functional.pad(y, (0, 0, 0, self.extra, 0, self.extra))
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = _windows(y, self.window)
        y = self.attention(y, self._mask(y.dtype) if self.shift else None)
        y = _image(y, self.window, padded, padded)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        y = y[:, : self.size, : self.size, :].contiguous().view(n, tokens, width)
        x = self.add1(x, y)
        out: Tensor = self.add2(x, self.mlp(self.norm2(x)))
        return out


class PatchMerging(nn.Module):
    """Join each 2x2 neighbourhood into one token of twice the width."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, size * size, width) to (N, size * size / 4, 2 width)."""
        n, _, width = x.shape
        x = x.view(n, self.size, self.size, width)
        corners = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        x = torch.cat(corners, -1).view(n, -1, 4 * width)
        out: Tensor = self.reduction(self.norm(x))
        return out


class SwinTransformer(nn.Module):
    """For (N, 3, 224, 224), 1000 classes, logits; `depths` are the blocks of each stage."""

    def __init__(self, depths: tuple[int, int, int, int]) -> None:
        super().__init__()
        width, size = 96, 56
        self.patch_embedding = nn.Conv2d(3, width, 4, stride=4)
        self.patch_norm = nn.LayerNorm(width)
        layers: dict[str, nn.Module] = {}
        for i, (depth, heads) in enumerate(zip(depths, (3, 6, 12, 24), strict=True), start=1):
            if i > 1:
                layers[f"merge{i}"] = PatchMerging(width, size)
                width, size = 2 * width, size // 2
            blocks = (SwinBlock(width, heads, size, shifted=j % 2 == 1) for j in range(depth))
            layers[f"stage{i}"] = nn.Sequential(*blocks)
        self.stages = chain(**layers)
        self.norm = nn.LayerNorm(width)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Linear(width, 1000)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image to logits."""
        x = self.patch_norm(self.patch_embedding(image).flatten(2).transpose(1, 2))
        x = self.norm(self.stages(x)).transpose(1, 2)
        out: Tensor = self.head(self.pool(x).flatten(1))
        return out


def swin_t() -> SwinTransformer:
    """Swin-T for (N, 3, 224, 224)."""
    return SwinTransformer((2, 2, 6, 2))


def swin_s() -> SwinTransformer:
    """Swin-S for (N, 3, 224, 224): as wide as Swin-T, three times as deep in the third stage."""
    return SwinTransformer((2, 2, 18, 2))
