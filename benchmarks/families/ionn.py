"""In which order to upload: the integral of latency, and queries lost."""

from __future__ import annotations

import random
from collections.abc import Iterator

import optsplit as osp
from benchmarks.families import LOADS, Draft, connection, drawn, lean, measured, profile, spread
from benchmarks.families.drawn import SYNTHETIC
from optsplit.problems.upload_order import INTEGRAL, LOST, UploadOrder
from optsplit.problems.upload_units import needed

LINKS = ("5mbit", "10mbit", "20mbit", "50mbit", "100mbit", "200mbit")
MS = 10**6


def drafts() -> Iterator[Draft]:
    """All of them."""
    yield from networks()
    yield from synthetic()


def _named(problem: UploadOrder, name: str, objective: str = INTEGRAL) -> UploadOrder:
    """The problem under its own name, its partition with the one metric that counts."""
    upload = {unit: (time, layers) for unit, time, layers in zip(problem.names, problem.times, problem.holders)}
    return UploadOrder(
        lean(problem.partition, name), upload, problem.present, objective=objective, name=name
    )  # fmt: skip


def networks() -> Iterator[Draft]:
    """Every profile on up to three links (modules, transformers: one) on which at least two units are sent."""
    for network, grain in measured():
        if "branchy" in network or network == "swin_s":
            continue
        found = []
        for link in LINKS:
            problem = UploadOrder.from_profile(profile(network, grain), connection(link), load=LOADS["phone"])
            if len(needed(problem)) > 1:
                found.append((link, problem))
        for link, problem in spread(found, 1 if grain == "modules" or "vit" in network or "bert" in network else 3):
            name = f"{network}.{grain}-phone-{link}-upload"
            yield Draft(name, "upload", _named(problem, name), network, grain, link, LOADS["phone"])


def synthetic() -> Iterator[Draft]:
    """Weights that rise with depth make front to back right; heavy early ones, or shared ones, break it."""
    for seed in range(36):
        rng = random.Random(f"ionn {seed}")
        kind = ("late", "early", "any", "shared")[seed % 4]
        lost = seed % 6 == 5
        partition = _worth_sending(rng, lost)
        count = len(partition.layers)
        weight = [0] + [round(MS * rng.uniform(5, 400)) for _ in range(count - 1)]
        if kind in ("late", "early"):
            weight[1:] = sorted(weight[1:], reverse=kind == "early")
        upload = {f"l{v}": (p, [v]) for v, p in enumerate(weight) if p}
        if kind == "shared":
            for k in range(max(1, count // 6)):
                upload[f"shared{k}"] = (round(MS * rng.uniform(5, 400)), sorted(rng.sample(range(1, count), 3)))
        problem = UploadOrder(partition, upload)
        name = f"drawn-{kind}-{seed}-{'queries' if lost else 'upload'}"
        yield Draft(name, "queries" if lost else "upload", _named(problem, name, LOST if lost else INTEGRAL),
                    source=SYNTHETIC, synthetic=True)  # fmt: skip


def _worth_sending(rng: random.Random, few: bool) -> osp.Partition:
    """A network that the server takes once it has the weights; `few` layers where every order will be tried."""
    while True:
        found = drawn.chain(rng, rng.randint(6, 8)) if few else drawn.several(rng)
        if len(needed(UploadOrder(found, [0, *([MS] * (len(found.layers) - 1))]))) > 3:
            return found
