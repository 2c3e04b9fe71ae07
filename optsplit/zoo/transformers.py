"""Transformers for images and text: ViT-B/16 and BERT base.

- ViT: Dosovitskiy et al., "An image is worth 16x16 words" (2020), table 1.
- BERT: Devlin et al., "BERT: pre-training of deep bidirectional transformers" (2018), section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from optsplit.zoo.layers import Add, Concat, chain


def _mlp(width: int) -> nn.Sequential:
    return chain(fc1=nn.Linear(width, 4 * width), act=nn.GELU(), fc2=nn.Linear(4 * width, width))


class Attention(nn.Module):
    """Multi-head self-attention, without a mask."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, tokens, width) to the same shape."""
        n, tokens, width = x.shape
        heads = (n, tokens, self.heads, width // self.heads)
        q = self.query(x).view(heads).transpose(1, 2)
        k = self.key(x).view(heads).transpose(1, 2)
        v = self.value(x).view(heads).transpose(1, 2)
        x = functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.output(x.transpose(1, 2).reshape(n, tokens, width))
        return out


class PreNormBlock(nn.Module):
    """ViT's encoder block: normalise, attend, add; normalise, MLP, add."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.add1 = Add()
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = _mlp(width)
        self.add2 = Add()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, tokens, width) to the same shape."""
        x = self.add1(x, self.attention(self.norm1(x)))
        out: Tensor = self.add2(x, self.mlp(self.norm2(x)))
        return out


class VisionTransformer(nn.Module):
    """ViT-B/16 for (N, 3, 224, 224), 1000 classes, logits."""

    def __init__(self) -> None:
        super().__init__()
        width, tokens = 768, (224 // 16) ** 2 + 1
        self.patch_embedding = nn.Conv2d(3, width, 16, stride=16)
        self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.concat = Concat()
        self.position_embedding = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        self.add = Add()
        self.blocks = nn.Sequential(*(PreNormBlock(width, 12) for _ in range(12)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 1000)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image to logits."""
        x = self.patch_embedding(image).flatten(2).transpose(1, 2)
        x = self.concat(self.class_token.expand(x.shape[0], -1, -1), x)
        x = self.norm(self.blocks(self.add(x, self.position_embedding)))
        out: Tensor = self.head(x[:, 0])
        return out


class PostNormBlock(nn.Module):
    """BERT's layer: attend, add, normalise; MLP, add, normalise."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.add1 = Add()
        self.norm1 = nn.LayerNorm(width, eps=1e-12)
        self.mlp = _mlp(width)
        self.add2 = Add()
        self.norm2 = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, tokens, width) to the same shape."""
        x = self.norm1(self.add1(x, self.attention(x)))
        out: Tensor = self.norm2(self.add2(x, self.mlp(x)))
        return out


class Bert(nn.Module):
    """BERT base for token ids (N, 128): one segment, no padding."""

    position_ids: Tensor
    token_type_ids: Tensor

    def __init__(self) -> None:
        super().__init__()
        width, tokens = 768, 128
        self.word_embeddings = nn.Embedding(30522, width)
        self.position_embeddings = nn.Embedding(512, width)
        self.token_type_embeddings = nn.Embedding(2, width)
        self.register_buffer("position_ids", torch.arange(tokens)[None], persistent=False)
        self.register_buffer("token_type_ids", torch.zeros(1, tokens, dtype=torch.int64), persistent=False)
        self.add1 = Add()
        self.add2 = Add()
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = nn.Sequential(*(PostNormBlock(width, 12) for _ in range(12)))
        self.pooler = nn.Linear(width, width)
        self.pooler_activation = nn.Tanh()

    def forward(self, ids: Tensor) -> Tensor:
        """Map ids (N, 128) to the pooled vector (N, 768)."""
        x = self.add1(self.word_embeddings(ids), self.token_type_embeddings(self.token_type_ids))
        x = self.encoder(self.norm(self.add2(x, self.position_embeddings(self.position_ids))))
        out: Tensor = self.pooler_activation(self.pooler(x[:, 0]))
        return out


def vit_b16() -> VisionTransformer:
    """ViT-B/16 for (N, 3, 224, 224)."""
    return VisionTransformer()


def bert_base() -> Bert:
    """BERT base for token ids (N, 128)."""
    return Bert()
