"""VGG: Simonyan, Zisserman, "Very deep convolutional networks for image recognition" (2014), table 1.

Names are those of the authors' Caffe models: conv1_1, relu1_1, ..., pool5, fc6, relu6, drop6, ..., fc8, prob.
"""

from __future__ import annotations

from torch import nn

from optsplit.zoo.layers import InnerProduct, chain

CHANNELS = (64, 128, 256, 512, 512)


def convolutions(repeats: tuple[int, ...]) -> dict[str, nn.Module]:
    """List the layers conv1_1 to pool5, with `repeats` convolutions in each of the five stages."""
    layers: dict[str, nn.Module] = {}
    channels_in = 3
    for stage, (channels, count) in enumerate(zip(CHANNELS, repeats, strict=True), start=1):
        for i in range(1, count + 1):
            layers[f"conv{stage}_{i}"] = nn.Conv2d(channels_in, channels, 3, padding=1)
            layers[f"relu{stage}_{i}"] = nn.ReLU()
            channels_in = channels
        layers[f"pool{stage}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
    return layers


def _vgg(repeats: tuple[int, ...]) -> nn.Sequential:
    return chain(
        **convolutions(repeats),
        fc6=InnerProduct(512 * 7 * 7, 4096),
        relu6=nn.ReLU(),
        drop6=nn.Dropout(0.5),
        fc7=InnerProduct(4096, 4096),
        relu7=nn.ReLU(),
        drop7=nn.Dropout(0.5),
        fc8=InnerProduct(4096, 1000),
        prob=nn.Softmax(dim=1),
    )


def vgg16() -> nn.Sequential:
    """VGG-16, configuration D, for (N, 3, 224, 224)."""
    return _vgg((2, 2, 3, 3, 3))


def vgg19() -> nn.Sequential:
    """VGG-19, configuration E, for (N, 3, 224, 224): 46 Caffe layers with data and softmax."""
    return _vgg((2, 2, 4, 4, 4))
