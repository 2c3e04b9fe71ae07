"""Measure every reference network at both grains, and two models of `transformers`: the instances of the other pages.

Place "device" is one thread, "server" two threads of the machine that runs this. The package's bundled profiles are
copies of some of these files.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import torch

import optsplit as osp
from benchmarks.ledger import INSTANCES
from optsplit import data, zoo

BUNDLED = ("alexnet", "densenet201", "googlenet", "mobilenet_v1", "resnet18")
OUTSIDE = ("hf_bert", "hf_vit")


def outside(name: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A model of the `transformers` package at its published size, with random weights."""
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        if name == "hf_bert":
            bert: Any = transformers.BertModel(transformers.BertConfig()).eval()
            return bert, (torch.randint(0, 30522, (1, 128)),)
        vit: Any = transformers.ViTForImageClassification(transformers.ViTConfig()).eval()
        return vit, (torch.rand(1, 3, 224, 224),)


def build(name: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A reference network or an outside one."""
    return outside(name) if name in OUTSIDE else zoo.build(name)


def main() -> None:
    INSTANCES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or [*zoo.names(), *OUTSIDE]:
        module, example = build(name)
        for grain in ("operations", "modules"):
            graph = osp.trace(module, example, grain=grain, name=name)
            profile = osp.measure(
                graph, {"device": "cpu", "server": "cpu"}, threads={"device": 1, "server": 2}, max_seconds=6
            )
            target = INSTANCES / f"{name}.{grain}.json.gz"
            profile.save(target)
            if name in BUNDLED and grain == "operations":
                shutil.copyfile(target, Path(data.__file__).parent / f"{name}.json.gz")
            timings = "  ".join(
                f"{place} {timing.whole:.4f} s, sum/whole {timing.ratio:.3f}"
                for place, timing in profile.timings.items()
            )
            print(f"{name:18} {grain:10} {len(graph.layers):5} layers  {timings}", flush=True)


if __name__ == "__main__":
    main()
