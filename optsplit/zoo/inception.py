"""The Inception family.

- GoogLeNet: Szegedy et al., "Going deeper with convolutions" (2014); Caffe's bvlc_googlenet.
- Inception-BN with 21841 classes: Ioffe, Szegedy, "Batch normalization" (2015); the Caffe port
  InceptionBN-21K, which ships with IONN's client.
- Inception-v3: Szegedy et al., "Rethinking the Inception architecture for computer vision" (2015), as in
  the released TensorFlow model, whose names the modules keep.
"""

from __future__ import annotations

from torch import nn

from optsplit.zoo.layers import Branches, InnerProduct, chain, conv_bn_relu


def googlenet() -> nn.Sequential:
    """GoogLeNet for (N, 3, 224, 224), 143 Caffe layers with data and softmax, 152 with Split."""

    def block(channels_in: int, c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> Branches:
        return Branches(
            branch_1x1=chain(conv=nn.Conv2d(channels_in, c1, 1), relu=nn.ReLU()),
            branch_3x3=chain(
                reduce=nn.Conv2d(channels_in, r3, 1),
                reduce_relu=nn.ReLU(),
                conv=nn.Conv2d(r3, c3, 3, padding=1),
                relu=nn.ReLU(),
            ),
            branch_5x5=chain(
                reduce=nn.Conv2d(channels_in, r5, 1),
                reduce_relu=nn.ReLU(),
                conv=nn.Conv2d(r5, c5, 5, padding=2),
                relu=nn.ReLU(),
            ),
            branch_pool=chain(
                pool=nn.MaxPool2d(3, 1, padding=1, ceil_mode=True),
                proj=nn.Conv2d(channels_in, proj, 1),
                relu=nn.ReLU(),
            ),
        )

    return chain(
        conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        norm1=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        conv2_reduce=nn.Conv2d(64, 64, 1),
        relu2_reduce=nn.ReLU(),
        conv2=nn.Conv2d(64, 192, 3, padding=1),
        relu2=nn.ReLU(),
        norm2=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
        inception_3a=block(192, 64, 96, 128, 16, 32, 32),
        inception_3b=block(256, 128, 128, 192, 32, 96, 64),
        pool3=nn.MaxPool2d(3, 2, ceil_mode=True),
        inception_4a=block(480, 192, 96, 208, 16, 48, 64),
        inception_4b=block(512, 160, 112, 224, 24, 64, 64),
        inception_4c=block(512, 128, 128, 256, 24, 64, 64),
        inception_4d=block(512, 112, 144, 288, 32, 64, 64),
        inception_4e=block(528, 256, 160, 320, 32, 128, 128),
        pool4=nn.MaxPool2d(3, 2, ceil_mode=True),
        inception_5a=block(832, 256, 160, 320, 32, 128, 128),
        inception_5b=block(832, 384, 192, 384, 48, 128, 128),
        pool5=nn.AvgPool2d(7, 1),
        drop5=nn.Dropout(0.4),
        classifier=InnerProduct(1024, 1000),
        prob=nn.Softmax(dim=1),
    )


def inception_21k() -> nn.Sequential:
    """Inception-BN for (N, 3, 224, 224), 21841 classes: what IONN's table 1 calls Inception.

    302 Caffe layers with data and softmax, 312 with Split, as in that table; the real Inception-v3 has 94
    convolutions and cannot have so few. The weights are the table's 128.3 MiB when every convolution has a
    bias, as in the Caffe port, and the running statistics of batch normalisation count.
    """

    def block(c: int, c1: int, r3: int, c3: int, rd: int, cd: int, pool: nn.Module, proj: int) -> Branches:
        return Branches(
            branch_1x1=chain(**conv_bn_relu("conv", c, c1, 1, bias=True)),
            branch_3x3=chain(
                **conv_bn_relu("reduce", c, r3, 1, bias=True),
                **conv_bn_relu("conv", r3, c3, 3, padding=1, bias=True),
            ),
            branch_double_3x3=chain(
                **conv_bn_relu("reduce", c, rd, 1, bias=True),
                **conv_bn_relu("conv_0", rd, cd, 3, padding=1, bias=True),
                **conv_bn_relu("conv_1", cd, cd, 3, padding=1, bias=True),
            ),
            branch_pool=chain(pool=pool, **conv_bn_relu("proj", c, proj, 1, bias=True)),
        )

    def halve(channels_in: int, r3: int, c3: int, rd: int, cd: int) -> Branches:
        return Branches(
            branch_3x3=chain(
                **conv_bn_relu("reduce", channels_in, r3, 1, bias=True),
                **conv_bn_relu("conv", r3, c3, 3, stride=2, padding=1, bias=True),
            ),
            branch_double_3x3=chain(
                **conv_bn_relu("reduce", channels_in, rd, 1, bias=True),
                **conv_bn_relu("conv_0", rd, cd, 3, padding=1, bias=True),
                **conv_bn_relu("conv_1", cd, cd, 3, stride=2, padding=1, bias=True),
            ),
            branch_pool=chain(pool=nn.MaxPool2d(3, 2, ceil_mode=True)),
        )

    def average() -> nn.Module:
        return nn.AvgPool2d(3, 1, padding=1)

    return chain(
        **conv_bn_relu("conv1", 3, 96, 7, stride=2, padding=3, bias=True),
        pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        **conv_bn_relu("conv2_reduce", 96, 128, 1, bias=True),
        **conv_bn_relu("conv2", 128, 288, 3, padding=1, bias=True),
        pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
        inception_3a=block(288, 96, 96, 96, 96, 144, average(), 48),
        inception_3b=block(384, 96, 96, 144, 96, 144, average(), 96),
        inception_3c=halve(480, 192, 240, 96, 144),
        inception_4a=block(864, 224, 64, 96, 96, 128, average(), 128),
        inception_4b=block(576, 192, 96, 128, 96, 128, average(), 128),
        inception_4c=block(576, 160, 128, 160, 128, 160, average(), 128),
        inception_4d=block(608, 96, 128, 192, 160, 96, average(), 128),
        inception_4e=halve(512, 128, 192, 192, 256),
        inception_5a=block(960, 352, 192, 320, 160, 224, average(), 128),
        inception_5b=block(1024, 352, 192, 320, 192, 224, nn.MaxPool2d(3, 1, padding=1, ceil_mode=True), 128),
        global_pool=nn.AvgPool2d(7, 1),
        fc1=InnerProduct(1024, 21841),
        softmax=nn.Softmax(dim=1),
    )


Stage = tuple[int, int | tuple[int, int], int, int | tuple[int, int]]


def _branch(channels_in: int, *stages: Stage, pool: nn.Module | None = None) -> nn.Sequential:
    """Convolutions in a row, each (channels, kernel, stride, padding), after an optional pooling."""
    layers: dict[str, nn.Module] = {} if pool is None else {"pool": pool}
    for i, (channels, kernel, stride, padding) in enumerate(stages, start=1):
        layers |= conv_bn_relu(f"conv_{i}", channels_in, channels, kernel, stride, padding, eps=1e-3)
        channels_in = channels
    return chain(**layers)


def _average() -> nn.Module:
    return nn.AvgPool2d(3, 1, padding=1)


def _mixed_35(channels_in: int, proj: int) -> Branches:
    """Build a module of the 35x35 grid (the paper's figure 5, with a 5x5 kept)."""
    return Branches(
        branch1x1=_branch(channels_in, (64, 1, 1, 0)),
        branch5x5=_branch(channels_in, (48, 1, 1, 0), (64, 5, 1, 2)),
        branch3x3dbl=_branch(channels_in, (64, 1, 1, 0), (96, 3, 1, 1), (96, 3, 1, 1)),
        branch_pool=_branch(channels_in, (proj, 1, 1, 0), pool=_average()),
    )


def _mixed_17(channels_in: int, c: int) -> Branches:
    """Build a module of the 17x17 grid: 7x7 convolutions as 1x7 and 7x1 (figure 6)."""
    row, column = ((1, 7), 1, (0, 3)), ((7, 1), 1, (3, 0))
    return Branches(
        branch1x1=_branch(channels_in, (192, 1, 1, 0)),
        branch7x7=_branch(channels_in, (c, 1, 1, 0), (c, *row), (192, *column)),
        branch7x7dbl=_branch(channels_in, (c, 1, 1, 0), (c, *column), (c, *row), (c, *column), (192, *row)),
        branch_pool=_branch(channels_in, (192, 1, 1, 0), pool=_average()),
    )


def _mixed_8(channels_in: int) -> Branches:
    """Build a module of the 8x8 grid: a 3x3 spread out into 1x3 beside 3x1 (figure 7)."""

    def spread(channels: int) -> Branches:
        return Branches(
            branch1x3=_branch(channels, (384, (1, 3), 1, (0, 1))),
            branch3x1=_branch(channels, (384, (3, 1), 1, (1, 0))),
        )

    return Branches(
        branch1x1=_branch(channels_in, (320, 1, 1, 0)),
        branch3x3=chain(stem=_branch(channels_in, (384, 1, 1, 0)), spread=spread(384)),
        branch3x3dbl=chain(stem=_branch(channels_in, (448, 1, 1, 0), (384, 3, 1, 1)), spread=spread(384)),
        branch_pool=_branch(channels_in, (192, 1, 1, 0), pool=_average()),
    )


def inception_v3() -> nn.Sequential:
    """Inception-v3 for (N, 3, 299, 299), 1000 classes, logits; 94 convolutions, no auxiliary classifier."""
    return chain(
        **conv_bn_relu("Conv2d_1a_3x3", 3, 32, 3, stride=2, eps=1e-3),
        **conv_bn_relu("Conv2d_2a_3x3", 32, 32, 3, eps=1e-3),
        **conv_bn_relu("Conv2d_2b_3x3", 32, 64, 3, padding=1, eps=1e-3),
        maxpool1=nn.MaxPool2d(3, 2),
        **conv_bn_relu("Conv2d_3b_1x1", 64, 80, 1, eps=1e-3),
        **conv_bn_relu("Conv2d_4a_3x3", 80, 192, 3, eps=1e-3),
        maxpool2=nn.MaxPool2d(3, 2),
        Mixed_5b=_mixed_35(192, 32),
        Mixed_5c=_mixed_35(256, 64),
        Mixed_5d=_mixed_35(288, 64),
        Mixed_6a=Branches(
            branch3x3=_branch(288, (384, 3, 2, 0)),
            branch3x3dbl=_branch(288, (64, 1, 1, 0), (96, 3, 1, 1), (96, 3, 2, 0)),
            branch_pool=chain(pool=nn.MaxPool2d(3, 2)),
        ),
        Mixed_6b=_mixed_17(768, 128),
        Mixed_6c=_mixed_17(768, 160),
        Mixed_6d=_mixed_17(768, 160),
        Mixed_6e=_mixed_17(768, 192),
        Mixed_7a=Branches(
            branch3x3=_branch(768, (192, 1, 1, 0), (320, 3, 2, 0)),
            branch7x7x3=_branch(
                768, (192, 1, 1, 0), (192, (1, 7), 1, (0, 3)), (192, (7, 1), 1, (3, 0)), (192, 3, 2, 0)
            ),
            branch_pool=chain(pool=nn.MaxPool2d(3, 2)),
        ),
        Mixed_7b=_mixed_8(1280),
        Mixed_7c=_mixed_8(2048),
        avgpool=nn.AvgPool2d(8, 1),
        dropout=nn.Dropout(0.5),
        fc=InnerProduct(2048, 1000),
    )
