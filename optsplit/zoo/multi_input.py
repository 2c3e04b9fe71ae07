"""The networks with parallel parts of Wang, Duan, Wu: a Siamese network, three streams and AlexNet-P.

Their layers are not published: all three are reconstructions. What is known is the number and size of the
inputs, float32 3x224x224 each (from the paper's "remote only" column), and the rough weight of the
computation (from "local only").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from optsplit.zoo.layers import Concat, InnerProduct, chain
from optsplit.zoo.vgg import convolutions


class AbsoluteDifference(nn.Module):
    """How far two embeddings lie apart, feature by feature."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map two tensors of one shape to |x - y|."""
        return torch.abs(x - y)


class Siamese(nn.Module):
    """One tower for two images (Bromley et al., 1993; Koch et al., 2015), the convolutions of VGG-16.

    Both calls read the same weights: wherever both towers run, they are held once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tower = chain(**convolutions((2, 2, 3, 3, 3)), pool6=nn.AvgPool2d(7, 1))
        self.difference = AbsoluteDifference()
        self.fc1 = InnerProduct(512, 512)
        self.relu1 = nn.ReLU()
        self.fc2 = InnerProduct(512, 1)
        self.prob = nn.Sigmoid()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Map two images (N, 3, 224, 224) to the probability (N, 1) that they show the same."""
        x = self.difference(self.tower(left), self.tower(right))
        out: Tensor = self.prob(self.fc2(self.relu1(self.fc1(x))))
        return out


def _stream() -> nn.Sequential:
    """Build the convolutions of AlexNet without normalisation, for 224x224."""
    return chain(
        conv1=nn.Conv2d(3, 96, 11, stride=4, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, 2),
        conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(3, 2),
        conv3=nn.Conv2d(256, 384, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, 2),
    )


class ThreeStream(nn.Module):
    """Three images, each through a stream of its own weights, joined before the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stream1 = _stream()
        self.stream2 = _stream()
        self.stream3 = _stream()
        self.concat = Concat()
        self.fc6 = InnerProduct(3 * 256 * 6 * 6, 1024)
        self.relu6 = nn.ReLU()
        self.drop6 = nn.Dropout(0.5)
        self.fc7 = InnerProduct(1024, 101)

    def forward(self, first: Tensor, second: Tensor, third: Tensor) -> Tensor:
        """Map three images (N, 3, 224, 224) to logits (N, 101)."""
        x = self.concat(self.stream1(first), self.stream2(second), self.stream3(third))
        out: Tensor = self.fc7(self.drop6(self.relu6(self.fc6(x))))
        return out


class _Tower(nn.Module):
    """One half of AlexNet; `early` and `late` lie before and behind the exchange between the halves."""

    def __init__(self) -> None:
        super().__init__()
        self.early = chain(
            conv1=nn.Conv2d(3, 48, 11, stride=4, padding=2),
            relu1=nn.ReLU(),
            norm1=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(48, 128, 5, padding=2),
            relu2=nn.ReLU(),
            norm2=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
            pool2=nn.MaxPool2d(3, 2),
        )
        self.late = chain(
            conv3=nn.Conv2d(256, 192, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(192, 192, 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(192, 128, 3, padding=1),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, 2),
        )
        self.fc6 = chain(fc=InnerProduct(256 * 6 * 6, 2048), relu=nn.ReLU(), drop=nn.Dropout(0.5))
        self.fc7 = chain(fc=InnerProduct(4096, 2048), relu=nn.ReLU(), drop=nn.Dropout(0.5))


class AlexNetP(nn.Module):
    """AlexNet as Krizhevsky et al. draw it: two towers that exchange maps before conv3, fc6, fc7 and fc8."""

    def __init__(self) -> None:
        super().__init__()
        self.tower1 = _Tower()
        self.tower2 = _Tower()
        self.concat2 = Concat()
        self.concat5 = Concat()
        self.concat6 = Concat()
        self.concat7 = Concat()
        self.fc8 = InnerProduct(4096, 1000)
        self.prob = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image (N, 3, 224, 224) to probabilities (N, 1000)."""
        one, two = self.tower1, self.tower2
        x = self.concat2(one.early(x), two.early(x))
        x = self.concat5(one.late(x), two.late(x))
        x = self.concat6(one.fc6(x), two.fc6(x))
        x = self.concat7(one.fc7(x), two.fc7(x))
        out: Tensor = self.prob(self.fc8(x))
        return out


def siamese() -> Siamese:
    """Two images (N, 3, 224, 224) to the probability that they show the same."""
    return Siamese()


def three_stream() -> ThreeStream:
    """Three images (N, 3, 224, 224) to 101 logits."""
    return ThreeStream()


def alexnet_p() -> AlexNetP:
    """AlexNet in two parallel towers for (N, 3, 224, 224), 1000 classes."""
    return AlexNetP()
