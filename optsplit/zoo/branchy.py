"""AlexNet for CIFAR-10 with early exits.

- Three exits: Teerapittayanon, McDanel, Kung, "BranchyNet" (2016); layers as in the authors' code
  (networks/alex_cifar10.py): the branches leave before the activation of conv2 and of conv3.
- Five exits: Li, Zhou, Chen, "Edge intelligence: on-demand deep learning model co-inference with device-edge
  synergy" (2018). The exits are not published: a reconstruction that puts one behind each convolution but the
  last of the same main branch, which has the 22 layers of the paper.
"""

from __future__ import annotations

from torch import Tensor, nn

from optsplit.zoo.layers import InnerProduct, chain


def _pool() -> nn.Module:
    # Chainer, in which the original is written, rounds up.
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _norm() -> nn.Module:
    # Chainer adds k = 2 and does not divide alpha = 5e-5 by the window of 3, torch does.
    return nn.LocalResponseNorm(3, alpha=1.5e-4, beta=0.75, k=2.0)


def _main() -> dict[str, nn.Module]:
    """List the main branch: 22 layers without data and softmax."""
    return {
        "conv1": nn.Conv2d(3, 32, 5, padding=2),
        "relu1": nn.ReLU(),
        "pool1": _pool(),
        "norm1": _norm(),
        "conv2": nn.Conv2d(32, 64, 5, padding=2),
        "relu2": nn.ReLU(),
        "pool2": _pool(),
        "norm2": _norm(),
        "conv3": nn.Conv2d(64, 96, 3, padding=1),
        "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(96, 96, 3, padding=1),
        "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(96, 64, 3, padding=1),
        "relu5": nn.ReLU(),
        "pool5": _pool(),
        "fc6": InnerProduct(64 * 4 * 4, 256),
        "relu6": nn.ReLU(),
        "drop6": nn.Dropout(0.5),
        "fc7": InnerProduct(256, 128),
        "relu7": nn.ReLU(),
        "drop7": nn.Dropout(0.5),
        "fc8": InnerProduct(128, 10),
    }


class Branchy(nn.Module):
    """A main branch with side branches.

    Parameters
    ----------
    main
        Layers of the main branch by name; the last one is the last exit's classifier.
    sides
        Layer of the main branch -> the side branch that reads its output. Each ends in a module `fc`.

    Attributes
    ----------
    exits : tuple[str, ...]
        Path of each exit's classifier module, earliest first.
    """

    def __init__(self, main: dict[str, nn.Module], sides: dict[str, nn.Sequential]) -> None:
        super().__init__()
        self.main = tuple(main)
        self.sides = {after: f"exit{i}" for i, after in enumerate(sides, start=1)}
        for name, layer in main.items():
            self.add_module(name, layer)
        for after, branch in sides.items():
            self.add_module(self.sides[after], branch)
        self.exits = (*(f"{name}.fc" for name in self.sides.values()), self.main[-1])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map an image (N, 3, 32, 32) to the logits (N, 10) of every exit, earliest first."""
        logits: list[Tensor] = []
        for name in self.main:
            x = self.get_submodule(name)(x)
            if name in self.sides:
                logits.append(self.get_submodule(self.sides[name])(x))
        return (*logits, x)


def branchy_alexnet_3() -> Branchy:
    """BranchyNet's AlexNet for (N, 3, 32, 32): three exits."""
    early = chain(
        relu=nn.ReLU(),
        pool=_pool(),
        norm=_norm(),
        conv1=nn.Conv2d(64, 32, 3, padding=1),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(32, 32, 3, padding=1),
        relu2=nn.ReLU(),
        pool2=_pool(),
        fc=InnerProduct(512, 10),
    )
    middle = chain(
        relu=nn.ReLU(),
        pool=_pool(),
        norm=_norm(),
        conv1=nn.Conv2d(96, 32, 3, padding=1),
        relu1=nn.ReLU(),
        pool2=_pool(),
        fc=InnerProduct(128, 10),
    )
    return Branchy(_main(), {"conv2": early, "conv3": middle})


def branchy_alexnet_5() -> Branchy:
    """Edgent's AlexNet for (N, 3, 32, 32): five exits, reconstructed."""

    def side(channels: int, size: int) -> nn.Sequential:
        half = size // 2
        return chain(
            conv=nn.Conv2d(channels, 32, 3, padding=1),
            relu=nn.ReLU(),
            pool=_pool(),
            fc=InnerProduct(32 * half * half, 10),
        )

    return Branchy(
        _main(),
        {"norm1": side(32, 16), "norm2": side(64, 8), "relu3": side(96, 8), "relu4": side(96, 8)},
    )
