"""Reference networks: the structures that the literature on split inference measures, with random weights.

The table below is plain data: nothing here imports torch until a network is built.

Each network is written in plain torch, one module per paper's layer, each activation an `nn.ReLU` of its own
and nothing in place, so that every operation has a name that a user can pin and a cut has no side effects.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from optsplit.errors import InvalidInput, MissingDependency, unknown

if TYPE_CHECKING:
    import torch

__all__ = ["ZooEntry", "build", "entry", "names"]

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ZooEntry:
    """One reference network.

    Parameters
    ----------
    name
        The key of the table.
    builder
        "module:function" in this package, imported only when the network is built.
    inputs
        Shape and dtype of each input, for batch 1.
    source
        The paper, or the model file that counts as the original.
    notes
        What is a reconstruction and what differs from the source.
    """

    name: str
    builder: str
    inputs: tuple[tuple[Shape, str], ...]
    source: str
    notes: str = ""


def _images(*shape: int, count: int = 1) -> tuple[tuple[Shape, str], ...]:
    return (((1, *shape), "float32"),) * count


_ENTRIES = (
    ZooEntry(
        "alexnet",
        "alexnet:alexnet",
        _images(3, 227, 227),
        "Krizhevsky, Sutskever, Hinton (2012); Caffe's bvlc_alexnet",
    ),
    ZooEntry("vgg16", "vgg:vgg16", _images(3, 224, 224), "Simonyan, Zisserman (2014), configuration D"),
    ZooEntry("vgg19", "vgg:vgg19", _images(3, 224, 224), "Simonyan, Zisserman (2014), configuration E"),
    ZooEntry(
        "googlenet",
        "inception:googlenet",
        _images(3, 224, 224),
        "Szegedy et al. (2014); Caffe's bvlc_googlenet",
        "without the two auxiliary classifiers, which run in training only",
    ),
    ZooEntry(
        "inception_v3",
        "inception:inception_v3",
        _images(3, 299, 299),
        "Szegedy et al. (2015)",
        "without the auxiliary classifier",
    ),
    ZooEntry(
        "inception_21k",
        "inception:inception_21k",
        _images(3, 224, 224),
        "Ioffe, Szegedy (2015); the Caffe port of Inception-BN with 21841 classes",
        "what IONN's table 1 calls Inception",
    ),
    ZooEntry("resnet18", "resnet:resnet18", _images(3, 224, 224), "He et al. (2015)"),
    ZooEntry("resnet34", "resnet:resnet34", _images(3, 224, 224), "He et al. (2015)"),
    ZooEntry("resnet50", "resnet:resnet50", _images(3, 224, 224), "He et al. (2015)"),
    ZooEntry(
        "mobilenet_v1",
        "mobilenet:mobilenet_v1",
        _images(3, 224, 224),
        "Howard et al. (2017), width 1",
        "fc7, a 1x1 convolution on a 1x1 map in the Caffe port, is an inner product here",
    ),
    ZooEntry(
        "mobilenet_v2",
        "mobilenet:mobilenet_v2",
        _images(3, 224, 224),
        "Sandler et al. (2018), width 1",
    ),
    ZooEntry("densenet201", "densenet:densenet201", _images(3, 224, 224), "Huang et al. (2016)"),
    ZooEntry("lenet", "classic:lenet", _images(1, 28, 28), "LeCun et al. (1998); Caffe's MNIST example"),
    ZooEntry(
        "deepface",
        "classic:deepface",
        _images(3, 152, 152),
        "Taigman et al. (2014); the FACE network of DjiNN (Hauswald et al., 2015)",
        "no activations, as in DjiNN's model file",
    ),
    ZooEntry(
        "kaldi",
        "classic:kaldi",
        (((1, 548, 440), "float32"),),
        "the ASR network of DjiNN (Hauswald et al., 2015)",
        "one query: 548 frames of 440 features",
    ),
    ZooEntry(
        "senna_pos",
        "classic:senna_pos",
        (((1, 28, 300), "float32"),),
        "Collobert et al. (2011); the POS network of DjiNN",
        "one query: the windows of 28 words, embeddings already looked up",
    ),
    ZooEntry(
        "senna_ner",
        "classic:senna_ner",
        (((1, 28, 375), "float32"),),
        "Collobert et al. (2011); the NER network of DjiNN",
        "one query: the windows of 28 words, embeddings already looked up",
    ),
    ZooEntry(
        "senna_chk",
        "classic:senna_chk",
        (((1, 28, 300), "float32"),),
        "Collobert et al. (2011); the CHK network of DjiNN",
        "one query: the windows of 28 words, embeddings already looked up",
    ),
    ZooEntry(
        "siamese",
        "multi_input:siamese",
        _images(3, 224, 224, count=2),
        "Wang, Duan, Wu: the Siamese network",
        "reconstruction: the layers are not published",
    ),
    ZooEntry(
        "three_stream",
        "multi_input:three_stream",
        _images(3, 224, 224, count=3),
        "Wang, Duan, Wu: the multi-stream network",
        "reconstruction: the layers are not published",
    ),
    ZooEntry(
        "alexnet_p",
        "multi_input:alexnet_p",
        _images(3, 224, 224),
        "Wang, Duan, Wu: AlexNet-P; Krizhevsky et al. (2012), figure 2",
        "reconstruction: the layers are not published",
    ),
    ZooEntry(
        "branchy_alexnet_3",
        "branchy:branchy_alexnet_3",
        _images(3, 32, 32),
        "Teerapittayanon, McDanel, Kung (2016): BranchyNet's AlexNet for CIFAR-10",
    ),
    ZooEntry(
        "branchy_alexnet_5",
        "branchy:branchy_alexnet_5",
        _images(3, 32, 32),
        "Li, Zhou, Chen (2018): Edgent's AlexNet with five exits",
        "reconstruction: the layers are not published",
    ),
    ZooEntry("vit_b16", "transformers:vit_b16", _images(3, 224, 224), "Dosovitskiy et al. (2020), ViT-B/16"),
    ZooEntry("swin_t", "swin:swin_t", _images(3, 224, 224), "Liu et al. (2021), Swin-T"),
    ZooEntry("swin_s", "swin:swin_s", _images(3, 224, 224), "Liu et al. (2021), Swin-S"),
    ZooEntry(
        "bert_base",
        "transformers:bert_base",
        (((1, 128), "int64"),),
        "Devlin et al. (2018), BERT base, uncased vocabulary",
        "token ids only: one segment, no padding; the output is the pooled vector",
    ),
)

_TABLE = {e.name: e for e in _ENTRIES}


def names() -> list[str]:
    """Names of all networks, in the order of the table.

    Returns
    -------
    list[str]
        What `entry` and `build` take.
    """
    return list(_TABLE)


def entry(name: str) -> ZooEntry:
    """Look a network up without building it.

    Parameters
    ----------
    name
        One of `names()`.

    Raises
    ------
    InvalidInput
        The name is not in the table; the message gives the closest ones.
    """
    try:
        return _TABLE[name]
    except KeyError:
        raise InvalidInput(unknown("zoo network", name, _TABLE)) from None


def build(name: str, seed: int = 0) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Build a network with seeded random weights, and example inputs for it.

    The global random state of torch stays as it was.

    Parameters
    ----------
    name
        One of `names()`.
    seed
        Of the weights and of the inputs.

    Returns
    -------
    tuple[torch.nn.Module, tuple[torch.Tensor, ...]]
        The module in eval mode on the CPU, and its inputs for batch 1.

    Raises
    ------
    InvalidInput
        The name is not in the table.
    MissingDependency
        torch is not installed.
    """
    found = entry(name)
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(
            f"building the network {name!r} needs torch; repair: pip install optsplit[torch]"
        ) from error
    from optsplit.zoo.layers import initialise

    module_name, function = found.builder.split(":")
    family = importlib.import_module(f"{__name__}.{module_name}")
    builder = cast("Callable[[], torch.nn.Module]", getattr(family, function))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = builder()
        initialise(module)
        # Any token id is as good as another: 1000 lies inside every vocabulary of the table.
        draw: dict[str, Callable[[Shape], torch.Tensor]] = {
            "int64": partial(torch.randint, 0, 1000),
            "float32": torch.randn,
        }
        inputs = tuple(draw[dtype](shape) for shape, dtype in found.inputs)
    return module.eval(), inputs
