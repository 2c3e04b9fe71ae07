"""MobileNets.

- v1: Howard et al., "MobileNets" (2017), table 1, width 1; names as in the Caffe port that IONN measures.
- v2: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018), table 2, width 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from optsplit.zoo.layers import RESIDUAL_SCALE, Add, InnerProduct, chain, conv_bn_relu

# Name, channels in, channels out, stride of each depthwise separable pair of v1.
SEPARABLE = (
    ("conv2_1", 32, 64, 1),
    ("conv2_2", 64, 128, 2),
    ("conv3_1", 128, 128, 1),
    ("conv3_2", 128, 256, 2),
    ("conv4_1", 256, 256, 1),
    ("conv4_2", 256, 512, 2),
    ("conv5_1", 512, 512, 1),
    ("conv5_2", 512, 512, 1),
    ("conv5_3", 512, 512, 1),
    ("conv5_4", 512, 512, 1),
    ("conv5_5", 512, 512, 1),
    ("conv5_6", 512, 1024, 2),
    ("conv6", 1024, 1024, 1),
)


def mobilenet_v1() -> nn.Sequential:
    """MobileNet for (N, 3, 224, 224), 1000 classes: 110 Caffe layers without data and softmax.

    fc7 is an inner product; in the Caffe port it is a 1x1 convolution on a 1x1 map, the same arithmetic.
    """
    layers = conv_bn_relu("conv1", 3, 32, 3, stride=2, padding=1)
    for name, channels_in, channels_out, stride in SEPARABLE:
        layers |= conv_bn_relu(f"{name}_dw", channels_in, channels_in, 3, stride, 1, groups=channels_in)
        layers |= conv_bn_relu(f"{name}_sep", channels_in, channels_out, 1)
    return chain(**layers, pool6=nn.AvgPool2d(7, 1), fc7=InnerProduct(1024, 1000), prob=nn.Softmax(dim=1))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project without activation; beside an identity where the shape allows."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        layers: dict[str, nn.Module] = {}
        if expansion != 1:
            layers |= conv_bn_relu("expand", channels_in, hidden, 1, relu=nn.ReLU6)
        layers |= conv_bn_relu("depthwise", hidden, hidden, 3, stride, 1, groups=hidden, relu=nn.ReLU6)
        layers |= conv_bn_relu("project", hidden, channels_out, 1, relu=None)
        self.conv = chain(**layers)
        self.add = Add() if stride == 1 and channels_in == channels_out else None
        if self.add is not None:
            nn.init.constant_(self.conv.get_parameter("project_bn.weight"), RESIDUAL_SCALE)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels_out, H / stride, W / stride)."""
        y: Tensor = self.conv(x)
        if self.add is not None:
            y = self.add(x, y)
        return y


def mobilenet_v2() -> nn.Sequential:
    """MobileNetV2 for (N, 3, 224, 224), 1000 classes, logits."""
    layers: dict[str, nn.Module] = {}
    channels_in = 32
    # Expansion t, channels c, repeats n, stride s: the rows of table 2.
    rows = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for i, (t, c, n, s) in enumerate(rows, start=1):
        for j in range(1, n + 1):
            layers[f"bottleneck{i}_{j}"] = InvertedResidual(channels_in, c, s if j == 1 else 1, t)
            channels_in = c
    return chain(
        **conv_bn_relu("conv1", 3, 32, 3, stride=2, padding=1, relu=nn.ReLU6),
        **layers,
        **conv_bn_relu("conv9", 320, 1280, 1, relu=nn.ReLU6),
        pool=nn.AvgPool2d(7, 1),
        dropout=nn.Dropout(0.2),
        fc=InnerProduct(1280, 1000),
    )
