"""Schedules: one frame, several frames, two networks, given cuts, release and due dates; flow shops."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import optsplit as osp
from benchmarks import families
from benchmarks.families import (
    LOADS,
    MEASURED,
    Draft,
    connection,
    drawn,
    free_places,
    lean,
    measured,
    profile,
    splits,
    spread,
)
from benchmarks.families.drawn import SYNTHETIC
from benchmarks.flow_shop import instances as taillard
from benchmarks.frames import blocks
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.schedule import Schedule

PAPERS = ("alexnet_p", "googlenet", "resnet18", "siamese", "three_stream")
"""The networks of the paper's table; definitions reconstructed."""
PAIRS = (("alexnet", "resnet18"), ("alexnet", "googlenet"), ("resnet18", "googlenet"), ("lenet", "alexnet"),
         ("mobilenet_v1", "siamese"), ("three_stream", "alexnet_p"))  # fmt: skip
COUNTEREXAMPLE = ((0, 14, 0), (0, 12, 0), (0, 9, 0), (18, 1, 20), (0, 15, 16))
TOY = ((3, 2, 5), (3, 2, 2), (4, 3, 3), (4, 2, 3))


def drafts() -> Iterator[Draft]:
    """All of them."""
    yield from one_frame()
    yield from frames()
    yield from pairs()
    yield from given_cuts()
    yield from dated()
    yield from synthetic()
    yield from flow_shops()


def _named(problem: Schedule, name: str) -> Schedule:
    """The problem under its own name, its networks with latency only; equal frames stay one object."""
    jobs = {kind: lean(problem.jobs[kind], problem.jobs[kind].name, minimize="latency") for kind in problem.kinds}
    return Schedule(
        [jobs[kind] for kind in problem.kinds], problem.release, problem.due, problem.cuts,
        objective=problem.objective, name=name,
    )  # fmt: skip


def _frames(networks: Sequence[str], link: str, count: int, load: str = "phone", **options: object) -> Schedule:
    profiles = [profile(network, "operations") for network in networks]
    return Schedule.from_profile(profiles, connection(link), count, load=LOADS[load], **options)


def _draft(networks: Sequence[str], link: str, what: str, question: str, problem: Schedule,
           load: str = "phone") -> Draft:  # fmt: skip
    name = f"{'+'.join(networks)}.operations-{load}-{link}-{what}"
    return Draft(name, question, _named(problem, name), "+".join(networks), "operations", link, LOADS[load], MEASURED)


def one_frame() -> Iterator[Draft]:
    """Networks on up to two links on which they are cut; those of the paper's table on its three."""
    for network, grain in measured():
        if grain != "operations" or network == "swin_s":
            continue
        cut = [link for link, split, _ in splits(network, grain, "phone") if split]
        for link in ("3g", "4g", "wifi") if network in PAPERS else spread(cut, 2):
            yield _draft([network], link, "frame", "one frame", _frames([network], link, 1))


def frames() -> Iterator[Draft]:
    """Three, five and ten frames, one way; two-way cuts for some."""
    for network in ("alexnet", "resnet18", "googlenet", "mobilenet_v1", "three_stream", "lenet"):
        for link, count in (("4g", 10), ("wifi", 3), ("wifi", 5), ("50mbit", 10)):
            problem = _frames([network], link, count, one_way=True)
            yield _draft([network], link, f"{count}-frames", "several frames", problem)
    for network in ("alexnet", "resnet18", "deepface"):
        problem = _frames([network], "wifi", 4)
        yield _draft([network], "wifi", "4-frames-two-way", "several frames", problem)
    for link in ("4g", "wifi"):
        name = f"resnet34.blocks-phone-{link}-8-frames"
        yield Draft(name, "several frames", _named(blocks(link, 8), name), "resnet34", "blocks", link, LOADS["phone"])


def pairs() -> Iterator[Draft]:
    """Frames of two networks, one way."""
    for a, b in PAIRS:
        for link, count in (("4g", 2), ("wifi", 3)):
            problem = _frames([a, b], link, count, one_way=True)
            yield _draft([a, b], link, f"{count}-frames-each", "two networks", problem)


def given_cuts() -> Iterator[Draft]:
    """The published problem: each network cut at its least latency first, several frames."""
    for network, link, count in (
        ("alexnet", "wifi", 8), ("alexnet_p", "4g", 3), ("alexnet_p", "wifi", 5), ("three_stream", "wifi", 4),
        ("siamese", "3g", 3), ("mobilenet_v2", "4g", 3), ("resnet18", "wifi", 4),
    ):  # fmt: skip
        problem = _frames([network], link, count, cut="min cut")
        yield _draft([network], link, f"{count}-frames-cut", "given cuts", problem)
    for a, b in PAIRS:
        problem = _frames([a, b], "wifi", 2, cut="min cut")
        yield _draft([a, b], "wifi", "2-frames-each-cut", "given cuts", problem)


def dated() -> Iterator[Draft]:
    """Frames that arrive one after the other: largest lateness, total completion, the period of a stream."""
    for network, link in (("alexnet", "wifi"), ("lenet", "wifi"), ("three_stream", "ionn-wifi"), ("deepface", "wifi")):
        alone = families.optimum(_frames([network], link, 1)) / 1e9
        for objective, due in (("lateness", 1.5 * alone), ("total_completion", None), ("period", None)):
            problem = _frames([network], link, 3, release=alone / 2, due=due, objective=objective)
            yield _draft([network], link, objective.replace("_", "-"), "dates", problem)


def synthetic() -> Iterator[Draft]:
    """Small networks, drawn: one frame, several equal ones, different ones; cuts free or given."""
    for seed in range(30):
        rng = random.Random(f"wang {seed}")
        job = drawn.fork_join(rng, rng.randint(1, 2), heavy=seed % 2 == 0) if seed % 3 else drawn.chain(rng, 8, False)
        other = drawn.chain(rng, rng.randint(5, 8))
        jobs = [[job], [job] * 3, [job, other], [job, other, other]][seed % 4]
        if seed % 5 == 4:
            jobs = [_cut(rng) for _ in range(4)]
        plans = [osp.solve(j).plan for j in jobs] if seed % 5 == 4 else []
        cuts = [plan for plan in plans if isinstance(plan, osp.PartitionPlan)] or None
        kind = "cut" if cuts else ("frame", "frames", "two", "mixed")[seed % 4]
        name = f"drawn-{kind}-{seed}"
        question = "given cuts" if cuts else ("one frame", "several frames", "two networks", "two networks")[seed % 4]
        yield Draft(name, question, _named(Schedule(jobs, cuts=cuts), name), source=SYNTHETIC, synthetic=True)


def _cut(rng: random.Random) -> osp.Partition:
    """A chain or blocks whose least latency uses both places."""
    while True:
        found = drawn.fork_join(rng, 1) if rng.random() < 0.5 else drawn.chain(rng, rng.randint(5, 9), False)
        if len(free_places(found, osp.solve(found).plan)) > 1:
            return found


def flow_shops() -> Iterator[Draft]:
    """Taillard's twenty, the counterexample to 5/3 and its family, the slides' toy, and drawn ones."""
    for shop, optimum in taillard():
        name = shop.name.replace(" ", "-")
        yield Draft(name, "flow shop", FlowShop(shop.times, unit="", name=name), source="Taillard, EJOR 64 (1993)",
                    published=(optimum, "the author's list, as in tests/golden/test_taillard.py"))  # fmt: skip
    known: tuple[tuple[str, Sequence[Sequence[int]], str, int, str], ...] = (
        ("johnson-counterexample", COUNTEREXAMPLE, "found here: Extended Johnson has no 5/3 guarantee", 51,
         "by enumeration of all 120 orders"),
        ("johnson-toy", TOY, "Wang, Duan and Wu's slides", 18, "the slides"),
    )  # fmt: skip
    for name, times, source, optimum, where in known:
        yield Draft(name, "flow shop", FlowShop(times, unit="", name=name), source=source, published=(optimum, where))
    for k in (4, 8, 16, 32):
        name = f"johnson-family-{k}"
        times = [(0, 100, 1)] * k + [(200, 1, 100 * k)]
        source = "k jobs (0, 100, 1) and one (200, 1, 100 k): Extended Johnson's ratio approaches 2"
        yield Draft(name, "flow shop", FlowShop(times, unit="", name=name), source=source, synthetic=True)
    for seed in range(26):
        rng = random.Random(f"flow shop {seed}")
        jobs = rng.choice([6, 8, 12, 20, 40, 80])
        # a middle machine that no job fills more than the outer ones: Extended Johnson is then optimal
        kept = seed % 3 == 0
        times = [(rng.randint(40, 99), rng.randint(1, 40 if kept else 99), rng.randint(40, 99)) for _ in range(jobs)]
        if not kept:
            times = [(rng.choice([0, rng.randint(1, 60)]), b, rng.choice([0, rng.randint(1, 60)])) for _, b, _ in times]
        release = [rng.randint(0, 30 * jobs) for _ in range(jobs)] if seed % 5 == 4 else None
        kind = "kept" if kept else "broken"
        name = f"drawn-shop-{kind}-{seed}{'-release' if release else ''}"
        yield Draft(name, "flow shop", FlowShop(times, release, unit="", name=name), source=SYNTHETIC, synthetic=True)
