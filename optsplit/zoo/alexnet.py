"""AlexNet: Krizhevsky, Sutskever, Hinton (2012), "ImageNet classification with deep convolutional networks".

The version is Caffe's bvlc_alexnet: normalisation before pooling, convolutions 2, 4 and 5 in two groups.
"""

from __future__ import annotations

from torch import nn

from optsplit.zoo.layers import InnerProduct, chain


def alexnet() -> nn.Sequential:
    """AlexNet for (N, 3, 227, 227), 1000 classes: 24 Caffe layers with data and softmax."""
    return chain(
        conv1=nn.Conv2d(3, 96, 11, stride=4),
        relu1=nn.ReLU(),
        norm1=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
        relu2=nn.ReLU(),
        norm2=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
        conv3=nn.Conv2d(256, 384, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, 2, ceil_mode=True),
        fc6=InnerProduct(256 * 6 * 6, 4096),
        relu6=nn.ReLU(),
        drop6=nn.Dropout(0.5),
        fc7=InnerProduct(4096, 4096),
        relu7=nn.ReLU(),
        drop7=nn.Dropout(0.5),
        fc8=InnerProduct(4096, 1000),
        prob=nn.Softmax(dim=1),
    )
