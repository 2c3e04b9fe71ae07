"""Edgent's AlexNet with five exits, trained for real on scikit-learn's digits.

`python -m benchmarks.digits` trains it, saves its weights with 8 bits per value (all else is measured on the saved
weights), measures exits and packing on a calibration set, and writes the enriched profile; `--measure-only` leaves the
weights alone. The digits (1797 images of 8 x 8) are enlarged to the network's 32 x 32 input; shifts and noise keep them
from being too easy for the first exit.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import optsplit as osp
from benchmarks.ledger import INSTANCES
from optsplit import data, packing, zoo
from optsplit.profiling.confidence import measure_exits
from optsplit.profiling.packings import measure_packing
from optsplit.profiling.profile import Profile
from optsplit.zoo.branchy import Branchy

NETWORK = "branchy_alexnet_5"
WEIGHTS = INSTANCES / "branchy-digits.npz"
PROFILE = INSTANCES / "branchy-digits.modules.json.gz"
SEED = 0
SIZE, SHIFT, NOISE = 32, 3, 0.6
COPIES = 3
EPOCHS, BATCH, RATE = 14, 64, 1e-3
GRAIN = "modules"


@dataclass(frozen=True)
class Part:
    """Images (N, 3, 32, 32) and labels (N,)."""

    images: torch.Tensor
    labels: torch.Tensor


def parts() -> dict[str, Part]:
    """The clean digits, split once and for all: 60 % to train, 20 % to calibrate, 20 % to test."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images = torch.from_numpy(digits.images.astype(np.float32) / 8 - 1)[:, None]
    images = functional.interpolate(images, size=(SIZE, SIZE), mode="bilinear").expand(-1, 3, -1, -1)
    labels = torch.from_numpy(digits.target.astype(np.int64))
    cuts = np.split(order, [len(order) * 6 // 10, len(order) * 8 // 10])
    return {
        name: Part(images[rows].contiguous(), labels[rows])
        for name, rows in zip(("train", "calibration", "test"), cuts, strict=True)
    }


def disturbed(part: Part, draw: torch.Generator) -> torch.Tensor:
    """The images shifted by up to `SHIFT` pixels each way, with Gaussian noise; all channels alike."""
    count = len(part.images)
    wide = functional.pad(part.images[:, :1], (SHIFT,) * 4, value=-1.0)
    shifts = torch.randint(0, 2 * SHIFT + 1, (count, 2), generator=draw).tolist()
    moved = torch.stack([image[:, y : y + SIZE, x : x + SIZE] for image, (y, x) in zip(wide, shifts, strict=True)])
    return (moved + NOISE * torch.randn(moved.shape, generator=draw)).expand(-1, 3, -1, -1).contiguous()


def disturbed_copies(part: Part, seed: int) -> Part:
    """`COPIES` disturbed versions of each image: more samples, though not independent ones."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.cat([disturbed(part, draw) for _ in range(COPIES)])
    return Part(images, part.labels.repeat(COPIES))


def calibration() -> Part:
    """What profiles are made of."""
    return disturbed_copies(parts()["calibration"], SEED + 1)


def test() -> Part:
    """What neither training nor calibration has seen."""
    return disturbed_copies(parts()["test"], SEED + 2)


def train() -> Branchy:
    """Train all exits together: the sum of their losses, equally weighted (BranchyNet, section III)."""
    torch.manual_seed(SEED)
    module, _ = zoo.build(NETWORK, SEED)
    assert isinstance(module, Branchy)
    module.train()
    part = parts()["train"]
    draw = torch.Generator().manual_seed(SEED)
    optimiser = torch.optim.AdamW(module.parameters(), RATE, weight_decay=1e-2)
    steps = EPOCHS * -(-len(part.labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    start, worked = time.perf_counter(), time.process_time()
    for epoch in range(EPOCHS):
        images, total = disturbed(part, draw), 0.0
        for rows in torch.randperm(len(images), generator=draw).split(BATCH):
            loss = sum(
                (functional.cross_entropy(scores, part.labels[rows]) for scores in module(images[rows])),
                torch.zeros(()),
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(rows)
        spent = f"{time.perf_counter() - start:.0f} s, {time.process_time() - worked:.0f} s of processor time"
        print(f"epoch {epoch + 1}: loss {total / len(images):.3f}, {spent}", flush=True)
    return module.eval()


def save(module: torch.nn.Module) -> None:
    """Write the weights, packed with 8 bits per value."""
    state = {name: packing.pack(tensor.numpy(), 8) for name, tensor in module.state_dict().items()}
    np.savez(WEIGHTS, **{name: np.frombuffer(data, dtype=np.uint8) for name, data in state.items()})


def trained() -> Branchy:
    """The network with its saved weights."""
    module, _ = zoo.build(NETWORK, SEED)
    assert isinstance(module, Branchy)
    with np.load(WEIGHTS, allow_pickle=False) as state:
        module.load_state_dict({name: torch.from_numpy(packing.unpack(state[name].tobytes())) for name in state})
    return module.eval()


def main() -> None:
    if "--measure-only" not in sys.argv[1:]:
        save(train())
    module, part = trained(), calibration()
    graph = osp.trace(module, part.images[:1], grain=GRAIN, name="branchy-digits")
    # weights change no layer's time: seconds are those of the reference network
    profile = Profile(graph.structure, Profile.load(INSTANCES / f"{NETWORK}.{GRAIN}.json.gz").timings)
    # many small batches: a second thread costs more than it gives
    torch.set_num_threads(1)
    profile = measure_exits(graph, profile, part.images, part.labels)
    profile = measure_packing(
        graph, profile, part.images, part.labels, progress=lambda done, count: print(f"{done} of {count}", flush=True)
    )
    profile.save(PROFILE)
    shutil.copyfile(PROFILE, Path(data.__file__).parent / "branchy_digits.json.gz")
    assert profile.exits is not None
    print(dict(zip(profile.exits.layers, profile.exits.accuracy, strict=True)), flush=True)


if __name__ == "__main__":
    main()
