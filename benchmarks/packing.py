"""Packed bytes against float32 at each cut of reference networks, speed, and the bandwidth up to which packing pays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from torch.nn import functional

import optsplit as osp
from benchmarks import digits, ledger
from optsplit import zoo
from optsplit.graph import LayerGraph
from optsplit.hardware import MBIT
from optsplit.packing import BITS, CODECS, pack, unpack
from optsplit.profiling.run import Runner, runnable

NETWORKS = ("alexnet", "resnet18", "mobilenet_v1")
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
REPEATS = 5
PHONE = 12.0
NO_CUT = ("batchnorm",)
"""A batch normalisation is part of its convolution where a network is deployed."""
RATES = ("3g", "4g", "wifi")


@dataclass(frozen=True)
class Measured:
    """One tensor with so many bits: mean bytes, and median processor seconds."""

    raw: int
    packed: float
    pack: float
    unpack: float

    def break_even(self, slower: float = 1.0) -> float:
        """Mbit/s up to which packing pays, when the packing side is so many times slower."""
        return (self.raw - self.packed) / (self.pack * slower + self.unpack) / MBIT


Table = dict[tuple[str, int, str], Measured]


def photographs(size: int) -> torch.Tensor:
    """Two real photographs that scikit-learn carries, normalised as ImageNet networks are fed."""
    from sklearn.datasets import load_sample_images

    images = torch.from_numpy(np.stack(load_sample_images().images)).permute(0, 3, 1, 2).float() / 255
    side = min(images.shape[2:])
    square = functional.interpolate(images[:, :, :side, :side], size=(size, size), mode="bilinear", antialias=True)
    return (square - torch.tensor(MEAN)[:, None, None]) / torch.tensor(SPREAD)[:, None, None]


def single_cuts(graph: LayerGraph) -> list[str]:
    """Tensors that cross alone when everything behind them runs elsewhere; views of one tensor stand once."""
    last = {tensor.name: max(tensor.readers, default=-1) for tensor in graph.tensors}
    found: list[str] = []
    for i, layer in enumerate(graph.layers[:-1]):
        live = [t.name for t in graph.tensors if t.source <= i < last[t.name]]
        if len(live) == 1 and not layer.free and layer.kind not in NO_CUT:
            found += [live[0]] if live[0] not in found else []
    return found


def main_branch(graph: LayerGraph) -> list[str]:
    """Outputs of the main branch of a network with exits: what crosses when the exits before it stay behind."""
    heads = [layer.name.split(".")[0] for layer in graph.layers]
    return [
        tensor.name
        for tensor in graph.tensors
        if not heads[tensor.source].startswith("exit") and tensor.readers and not graph.layers[tensor.source].free
    ]


def activations(graph: LayerGraph, images: torch.Tensor, tensors: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    program = runnable(graph)
    runner = Runner(program)
    for image in images.split(1):
        found = runner.run({program.inputs[0]: image}, tensors)
        yield {name: tensor.numpy() for name, tensor in found.items()}


def table(graph: LayerGraph, images: torch.Tensor, tensors: Sequence[str]) -> Table:
    sizes: dict[tuple[str, int, str], list[int]] = {}
    packing: dict[tuple[str, int, str], list[float]] = {}
    unpacking: dict[tuple[str, int, str], list[float]] = {}
    raw: dict[str, int] = {}
    for sample in activations(graph, images, tensors):
        for name, values in sample.items():
            raw[name] = values.nbytes
            for bits in BITS:
                for codec in CODECS:
                    key = name, bits, codec
                    for _ in range(REPEATS):
                        # of this thread alone: the machine is shared
                        start = time.thread_time()
                        data = pack(values, bits, codec=codec)
                        middle = time.thread_time()
                        unpack(data)
                        end = time.thread_time()
                        packing.setdefault(key, []).append(middle - start)
                        unpacking.setdefault(key, []).append(end - middle)
                    sizes.setdefault(key, []).append(len(data))
    return {
        key: Measured(raw[key[0]], float(np.mean(sizes[key])), median(packing[key]), median(unpacking[key]))
        for key in sizes
    }


def rate(mbit: float) -> str:
    return f"{mbit:.0f}" if mbit > 0 else "-"


def percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def by_cut(found: Table, tensors: Sequence[str], drops: dict[tuple[str, int], float] | None = None) -> str:
    rows = []
    for name in tensors:
        raw = found[name, 8, "zstd"].raw
        cells: list[object] = [name, f"{raw / 1000:.1f}"]
        for bits in BITS:
            share = percent(found[name, bits, "zstd"].packed / raw)
            drop = "" if drops is None or bits == 32 else f" ({100 * drops.get((name, bits), 0.0):.1f})"
            cells.append(share + drop)
        cells += [rate(found[name, 8, codec].break_even(slower)) for codec in CODECS for slower in (1.0, PHONE)]
        rows.append(cells)
    head = ["cut behind", "float32, kB", *(f"{bits} bits" for bits in BITS)]
    head += ["zstd", f"zstd, x{PHONE:.0f}", "lz4", f"lz4, x{PHONE:.0f}"]
    return ledger.markdown(head, rows)


def speeds(found: dict[str, Table]) -> str:
    rows = []
    for network, one in found.items():
        for codec in CODECS:
            for bits in BITS:
                chosen = [m for (_, b, c), m in one.items() if (b, c) == (bits, codec)]
                raw, packed = sum(m.raw for m in chosen), sum(m.packed for m in chosen)
                there, back = sum(m.pack for m in chosen), sum(m.unpack for m in chosen)
                worst = min(m.break_even(PHONE) for m in chosen)
                rows.append(
                    [network, codec, bits, percent(packed / raw), f"{raw / there / 1e9:.2f}", f"{raw / back / 1e9:.2f}",
                     rate((raw - packed) / (there + back) / MBIT),
                     rate((raw - packed) / (there * PHONE + back) / MBIT), rate(worst)]
                )  # fmt: skip
    head = ["network", "codec", "bits", "of float32", "pack, GB/s", "unpack, GB/s"]
    return ledger.markdown([*head, "break-even, Mbit/s", f"packer x{PHONE:.0f} slower", "worst cut of those"], rows)


def codec_choice(found: dict[str, Table]) -> str:
    """Bandwidth below which zstd's smaller bytes pay for its longer time, against lz4."""
    rows = []
    for network, one in found.items():
        for bits in BITS:
            names = {name for name, b, _ in one if b == bits}
            zstd, lz4 = ([one[name, bits, codec] for name in names] for codec in CODECS)
            saved = sum(m.packed for m in lz4) - sum(m.packed for m in zstd)
            cells: list[object] = [network, bits, f"{saved / sum(m.packed for m in lz4) * 100:.1f}%"]
            for slower in (1.0, PHONE):
                longer = sum(m.pack * slower + m.unpack for m in zstd) - sum(m.pack * slower + m.unpack for m in lz4)
                cells.append(f"{saved / longer / MBIT:.0f}" if saved > 0 and longer > 0 else "-")
            rows.append(cells)
    return ledger.markdown(
        ["network", "bits", "zstd smaller by", "zstd better below, Mbit/s", f"packer x{PHONE:.0f} slower"], rows
    )


def main() -> None:
    torch.set_num_threads(1)
    found: dict[str, Table] = {}
    parts = [__doc__ or "", INTRODUCTION]
    for name in NETWORKS:
        module, example = zoo.build(name)
        graph = osp.trace(module, example, grain="modules", name=name)
        cuts = single_cuts(graph)
        found[name] = table(graph, photographs(example[0].shape[-1]), cuts)
        parts += [f"## {name}: random weights, two real photographs", by_cut(found[name], cuts)]
        print(name, len(cuts), "cuts", flush=True)
    profile = osp.Profile.load(digits.PROFILE)
    graph = osp.trace(digits.trained(), torch.zeros(1, 3, 32, 32), grain=digits.GRAIN, name="branchy-digits")
    cuts = main_branch(graph)
    found["branchy-digits"] = table(graph, digits.calibration().images[:20], cuts)
    drops = {(name, p.bits): p.drop for name, packings in profile.packings.items() for p in packings}
    parts += [
        "## branchy-digits: trained weights, twenty calibration images; in brackets the accuracy lost, in points",
        f"Accuracy and drops: {profile.quality['packings']}.",
        by_cut(found["branchy-digits"], cuts, drops),
        "## Speed and break-even over all cuts of a network",
        SPEED, speeds(found),
        "## Which codec", CODEC, codec_choice(found),
    ]  # fmt: skip
    print(ledger.page("packing", "Packing: bytes, speed, break-even bandwidth", "\n\n".join(parts)))


INTRODUCTION = f"""Bytes are packed bytes with header as a share of float32; "32 bits" is lossless. Codec zstd at level
1 in the columns of bits. The last four columns are the break-even bandwidth with 8 bits in Mbit/s: below it the bytes
saved are worth the seconds of packing and unpacking, above it float32 goes out sooner. "x{PHONE:.0f}": the packing
side is so many times slower than the machine of this page (no phone was measured).

No trained weights of AlexNet, ResNet-18 or MobileNet were at hand: theirs are random (He et al.'s initialisation), so
that about half of what is behind a ReLU is zero. The last network is trained, and small."""

SPEED = f"""Bytes of float32 per processor second of one thread; "worst cut": the lowest break-even of any cut of the
network, its last vectors as a rule, with the packing side slower. Presets for comparison, Mbit/s up: {
    ", ".join(f"{name} {osp.links[name].up.rate / MBIT:g}" for name in RATES)
}."""

CODEC = """Both codecs at their fastest level, behind the same quantisation and bit shuffle."""


if __name__ == "__main__":
    main()
