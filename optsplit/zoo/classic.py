"""The smaller networks that Neurosurgeon measures.

- LeNet: LeCun et al. (1998), in the version of Caffe's MNIST example.
- DeepFace: Taigman et al., "DeepFace: closing the gap to human-level performance" (2014).
- Kaldi: a fully connected acoustic model. SENNA: Collobert et al., "Natural language processing (almost) from
  scratch" (2011): a window of word vectors to tags.

Sizes of the last three are those of the model files of DjiNN (Hauswald et al., ISCA 2015), the suite that
Neurosurgeon took its networks from.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from optsplit.zoo.layers import InnerProduct, chain


def lenet() -> nn.Sequential:
    """LeNet for (N, 1, 28, 28), 10 classes: 9 Caffe layers with data and softmax."""
    return chain(
        conv1=nn.Conv2d(1, 20, 5),
        pool1=nn.MaxPool2d(2, 2, ceil_mode=True),
        conv2=nn.Conv2d(20, 50, 5),
        pool2=nn.MaxPool2d(2, 2, ceil_mode=True),
        ip1=InnerProduct(50 * 4 * 4, 500),
        relu1=nn.ReLU(),
        ip2=InnerProduct(500, 10),
        prob=nn.Softmax(dim=1),
    )


class LocallyConnected2d(nn.Module):
    """A convolution that shares no weights between positions.

    Parameters
    ----------
    channels_in, channels_out
        Maps read and written.
    size
        Height and width of the (square) input; the weights depend on it.
    kernel, stride
        Of the window; there is no padding.
    """

    def __init__(self, channels_in: int, channels_out: int, size: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.size_out = (size - kernel) // stride + 1
        window, positions = channels_in * kernel * kernel, self.size_out**2
        # Positions first: the layer is one small matrix per position, a batch of products.
        self.weight = nn.Parameter(torch.empty(positions, window, channels_out))
        self.bias = nn.Parameter(torch.zeros(channels_out, positions))
        nn.init.normal_(self.weight, std=1 / math.sqrt(window))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, size, size) to (N, channels_out, size_out, size_out)."""
        windows = functional.unfold(x, self.kernel, stride=self.stride)  # (N, window, positions)
        out = torch.bmm(windows.permute(2, 0, 1), self.weight).permute(1, 2, 0) + self.bias
        return out.reshape(-1, self.bias.shape[0], self.size_out, self.size_out)


def deepface() -> nn.Sequential:
    """DeepFace for (N, 3, 152, 152): 10 layers with data and softmax.

    As in DjiNN's model file there are no activations, and fc8 tells 1710 people apart (the paper: 4030).
    That file counts 10 in another way too: without data, with an argmax after the softmax.
    """
    return chain(
        conv1=nn.Conv2d(3, 32, 11),
        pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
        conv3=nn.Conv2d(32, 16, 9),
        local4=LocallyConnected2d(16, 16, size=63, kernel=9),
        local5=LocallyConnected2d(16, 16, size=55, kernel=7, stride=2),
        local6=LocallyConnected2d(16, 16, size=25, kernel=5),
        fc7=InnerProduct(16 * 21 * 21, 4096),
        fc8=InnerProduct(4096, 1710),
        prob=nn.Softmax(dim=1),
    )


def kaldi() -> nn.Sequential:
    """Acoustic model for (N, frames, 440), 1706 states, logits: 13 layers, the input not counted."""
    widths = (440, 2048, 2048, 2048, 2048, 2048, 2048, 1706)
    layers: dict[str, nn.Module] = {}
    for i, (width_in, width_out) in enumerate(pairwise(widths), start=1):
        layers[f"fc{i}"] = nn.Linear(width_in, width_out)
        if i < len(widths) - 1:
            layers[f"sig{i}"] = nn.Sigmoid()
    return chain(**layers)


def _senna(window: int, tags: int) -> nn.Sequential:
    return chain(fc1=nn.Linear(window, 300), htanh=nn.Hardtanh(), fc3=nn.Linear(300, tags))


def senna_pos() -> nn.Sequential:
    """Part of speech for (N, words, 300), 45 tags: 3 layers, the input not counted."""
    return _senna(300, 45)


def senna_ner() -> nn.Sequential:
    """Named entities for (N, words, 375), 17 tags: 3 layers, the input not counted."""
    return _senna(375, 17)


def senna_chk() -> nn.Sequential:
    """Chunking for (N, words, 300), 42 tags: 3 layers, the input not counted."""
    return _senna(300, 42)
