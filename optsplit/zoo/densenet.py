"""DenseNet: Huang, Liu, van der Maaten, Weinberger, "Densely connected networks" (2016), table 1.

Each layer joins its output to everything before it in one concatenation of two tensors, as the authors'
Caffe models do: a tensor has two readers, not one per later layer.
"""

from __future__ import annotations

from torch import Tensor, nn

from optsplit.zoo.layers import Concat, InnerProduct, chain


class DenseLayer(nn.Module):
    """BN, ReLU, 1x1, BN, ReLU, 3x3: `growth` new channels beside the old ones."""

    def __init__(self, channels_in: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(channels_in, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C + growth, H, W)."""
        y = self.conv1(self.relu1(self.norm1(x)))
        y = self.conv2(self.relu2(self.norm2(y)))
        out: Tensor = self.concat(x, y)
        return out


def densenet201() -> nn.Sequential:
    """DenseNet-201, growth 32, for (N, 3, 224, 224), 1000 classes, logits."""
    growth, channels = 32, 64
    layers: dict[str, nn.Module] = {}
    repeats = (6, 12, 48, 32)
    for i, count in enumerate(repeats, start=1):
        dense = {f"denselayer{j + 1}": DenseLayer(channels + j * growth, growth) for j in range(count)}
        layers[f"denseblock{i}"] = chain(**dense)
        channels += count * growth
        if i < len(repeats):
            layers[f"transition{i}"] = chain(
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
                pool=nn.AvgPool2d(2, 2),
            )
            channels //= 2
    return chain(
        conv0=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        norm0=nn.BatchNorm2d(64),
        relu0=nn.ReLU(),
        pool0=nn.MaxPool2d(3, 2, padding=1),
        **layers,
        norm5=nn.BatchNorm2d(channels),
        relu5=nn.ReLU(),
        pool5=nn.AvgPool2d(7, 1),
        classifier=InnerProduct(channels, 1000),
    )
