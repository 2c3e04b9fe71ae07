"""Layers that Caffe has as one and torch has not, and the weights that the whole zoo starts from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Scale of the batch normalisation that ends a residual branch: with 1 the sum would double the variance at
# every block, and the softmax behind fifty layers would underflow into denormal numbers.
RESIDUAL_SCALE = 0.2


class InnerProduct(nn.Linear):
    """Caffe's InnerProduct: a fully connected layer that reads an image as one vector per sample."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, ...) to (N, out_features)."""
        # A flatten that changes nothing would still be traced, and readers of x be hung behind it.
        return super().forward(x if x.dim() == 2 else x.flatten(1))


class Concat(nn.Module):
    """Join tensors along the channels."""

    def forward(self, *xs: Tensor) -> Tensor:
        """Map tensors (N, C_i, ...) to one (N, sum C_i, ...)."""
        return torch.cat(xs, dim=1)


class Add(nn.Module):
    """Caffe's Eltwise with the operation SUM."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Add two tensors of one shape."""
        return x + y


class Branches(nn.Module):
    """Parallel branches over one input, joined along the channels: the Inception module.

    Parameters
    ----------
    branches
        Run in the order given, which is Caffe's order of layers.
    """

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        self.names = tuple(branches)
        for name, branch in branches.items():
            self.add_module(name, branch)
        self.output = Concat()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, sum of the branches' channels, H', W')."""
        out: Tensor = self.output(*[self.get_submodule(name)(x) for name in self.names])
        return out


def chain(**layers: nn.Module) -> nn.Sequential:
    """Layers run one after the other, each under its own name."""
    module = nn.Sequential()
    for name, layer in layers.items():
        module.add_module(name, layer)
    return module


def conv_bn_relu(
    name: str,
    channels_in: int,
    channels_out: int,
    kernel: int | tuple[int, int],
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    *,
    groups: int = 1,
    bias: bool = False,
    eps: float = 1e-5,
    relu: type[nn.Module] | None = nn.ReLU,
) -> dict[str, nn.Module]:
    """Convolution `name`, batch normalisation `name`_bn and activation `name`_relu, for `chain`."""
    layers: dict[str, nn.Module] = {
        name: nn.Conv2d(channels_in, channels_out, kernel, stride, padding, groups=groups, bias=bias),
        f"{name}_bn": nn.BatchNorm2d(channels_out, eps=eps),
    }
    if relu is not None:
        layers[f"{name}_relu"] = relu()
    return layers


def initialise(module: nn.Module) -> None:
    """Draw the weights so that activations neither vanish nor explode, whatever the depth.

    torch's default shrinks the variance about six times per layer: after twenty layers the input no longer
    matters, and denormal numbers would falsify timings. He et al. (2015, arXiv:1502.01852) keep it. The
    statistics of batch normalisation lie around 0 and 1, as after training on normalised data; the scale
    is the network's own choice.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.get_buffer("running_mean"), 0.0, 0.1)
            nn.init.uniform_(layer.get_buffer("running_var"), 0.9, 1.1)
