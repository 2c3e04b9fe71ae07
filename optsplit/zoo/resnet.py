"""ResNet: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2015), table 1.

Strides lie in the first convolution of a block and pooling rounds up, as in the authors' Caffe models; the
modules carry the names that torch users know (layer1.0.conv1).
"""

from __future__ import annotations

from torch import Tensor, nn

from optsplit.zoo.layers import RESIDUAL_SCALE, Add, InnerProduct, chain


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Sequential | None:
    """Build the projection of a block that changes shape; None where the identity will do."""
    if stride == 1 and channels_in == channels_out:
        return None
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class Basic(nn.Module):
    """Two 3x3 convolutions beside a shortcut (figure 5, left)."""

    expansion = 1

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        nn.init.constant_(self.bn2.weight, RESIDUAL_SCALE)
        self.downsample = _shortcut(channels_in, channels, stride)
        self.add = Add()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        out: Tensor = self.relu2(self.add(shortcut, x))
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions beside a shortcut (figure 5, right)."""

    expansion = 4

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        nn.init.constant_(self.bn3.weight, RESIDUAL_SCALE)
        self.downsample = _shortcut(channels_in, 4 * channels, stride)
        self.add = Add()
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, 4 channels, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        out: Tensor = self.relu3(self.add(shortcut, x))
        return out


def _resnet(block: type[Basic] | type[Bottleneck], repeats: tuple[int, ...]) -> nn.Sequential:
    layers: dict[str, nn.Module] = {}
    channels_in = 64
    for i, count in enumerate(repeats):
        channels = 64 * 2**i
        blocks = []
        for j in range(count):
            blocks.append(block(channels_in, channels, 2 if i > 0 and j == 0 else 1))
            channels_in = block.expansion * channels
        layers[f"layer{i + 1}"] = nn.Sequential(*blocks)
    return chain(
        conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        bn1=nn.BatchNorm2d(64),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        **layers,
        pool5=nn.AvgPool2d(7, 1),
        fc=InnerProduct(channels_in, 1000),
        prob=nn.Softmax(dim=1),
    )


def resnet18() -> nn.Sequential:
    """ResNet-18 for (N, 3, 224, 224), 1000 classes."""
    return _resnet(Basic, (2, 2, 2, 2))


def resnet34() -> nn.Sequential:
    """ResNet-34 for (N, 3, 224, 224), 1000 classes."""
    return _resnet(Basic, (3, 4, 6, 3))


def resnet50() -> nn.Sequential:
    """ResNet-50 for (N, 3, 224, 224): 229 Caffe layers with data and softmax, 245 with Split."""
    return _resnet(Bottleneck, (3, 4, 6, 3))
