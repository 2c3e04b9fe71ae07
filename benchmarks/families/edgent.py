"""Early exits: the most accurate exit under a deadline, and the least latency at an accuracy by confidence."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import optsplit as osp
from benchmarks import exits as measured
from benchmarks.families import LINKS, LOADS, Draft, connection, drawn, lean, optimum, profile, spread
from benchmarks.families.drawn import SYNTHETIC
from benchmarks.trivial import needs_no_method
from optsplit.problems.series import points

TRAINED = ("branchy-digits", "modules")
STAND_IN = "; accuracies of the trained digits network's exits stand in for this one's"
DRAWN = "; exits at series points with drawn accuracies, as if classifiers cost nothing"
LARGE = ("alexnet", "vgg16", "mobilenet_v1", "mobilenet_v2", "resnet18", "resnet34", "siamese", "googlenet", "resnet50",
         "vgg19", "inception_21k", "densenet201")  # fmt: skip


def drafts() -> Iterator[Draft]:
    """All of them."""
    yield from deadlines()
    yield from confidence()
    yield from large()
    yield from synthetic()


def _asked(problem: osp.Partition, factors: tuple[float, ...]) -> Iterator[tuple[str, osp.Partition]]:
    """Deadlines as multiples of the least latency that any exit has, and just enough for the most accurate exit."""
    least = optimum(problem.but(minimize="latency", limits={}))
    best = optimum(problem.but(maximize="accuracy", limits={}))
    enough = optimum(problem.but(minimize="latency", limits={"error": best}))
    given = {f"x{factor:g}": int(least * factor) for factor in factors}
    known = dict[int, str]()
    for word, deadline in (given | {"enough": enough}).items():
        # deadlines that leave every exit allow nothing to be got wrong
        if deadline <= enough and deadline not in known:
            known[deadline] = word
    for deadline, word in known.items():
        yield word, problem.but(maximize="accuracy", limits={"latency": deadline})


def tight(problem: osp.Partition) -> Iterator[tuple[str, osp.Partition]]:
    """Deadlines that an exit meets when the network is cut before it, and does not at either place alone."""
    assert problem.exits is not None
    for k, layer in enumerate(problem.exits.layers):
        alone = problem.at_exit(layer)
        least = optimum(alone)
        ends = [osp.solve(alone, policy).objective for policy in ("device-only", "server-only")]
        whole = min(end for end in ends if end is not None)
        if whole > 1.002 * least:
            asked = problem.but(maximize="accuracy", limits={"latency": (3 * least + whole) // 4})
            # a more accurate exit may meet it at one place
            if not needs_no_method(asked, optimum(asked)):
                yield f"exit-{k + 1}", asked


def deadlines() -> Iterator[Draft]:
    """The trained network with its own exits, and two reference ones with the same accuracies.

    Their inputs are so small that cuts between the two ends hardly ever pay: these are mostly trivial.
    """
    for name, found in measured.branchy(osp.Profile.load(measured.TRAINED)).items():
        trained = not name.startswith("branchy_alexnet")
        network, grain = TRAINED if trained else name.split(".")
        source = "measured, exits trained and measured" if trained else "measured" + STAND_IN
        for link in measured.LINKS if trained else ("wifi",):
            for load in ("phone", "sensor") if trained else ("phone",):
                problem = osp.Partition.from_profile(found, connection(link), exits="one", load=LOADS[load])
                for word, asked in _asked(problem, (1.1,) if trained else (1.2,)):
                    title = f"{network}.{grain}-{load}-{link}-deadline-{word}"
                    yield Draft(title, "deadline", lean(asked, title), network, grain, link, LOADS[load],
                                source)  # fmt: skip


def confidence() -> Iterator[Draft]:
    """Each sample leaves where it is confident enough; thresholds, exits and cut at once."""
    trained = profile(*TRAINED)
    assert trained.exits is not None
    top = max(trained.exits.accuracy)
    for link in ("3g", "wifi"):
        for load in ("phone", "sensor"):
            problem = osp.Partition.from_profile(trained, connection(link), exits="confidence", load=LOADS[load])
            for less in (0.05, 0.005):
                asked = problem.but(minimize="latency", at_least={"accuracy": top - less})
                name = f"branchy-digits.modules-{load}-{link}-confidence-{less:g}"
                yield Draft(name, "confidence", lean(asked, name), *TRAINED, link, LOADS[load],
                            "measured; exits, confidences and accuracies of a trained network")  # fmt: skip


def large() -> Iterator[Draft]:
    """Exits inside the larger networks, on links on which it pays to cut them before one."""
    for i, network in enumerate(LARGE):
        rng = random.Random(f"edgent {network}")
        found: list[tuple[str, str, osp.Partition]] = []
        drawn_exits: Mapping[str, float] | None = None
        for link in LINKS:
            plain = osp.Partition.from_profile(
                profile(network, "operations"), connection(link), load=LOADS["phone"], minimize="latency"
            )
            if drawn_exits is None:
                ends = points(plain)[2:-1]
                inner = sorted(rng.sample(ends, min(6, len(ends))), key=plain.order.index)
                layers = [*(plain.layers[v] for v in inner), plain.layers[points(plain)[-1]]]
                drawn_exits = _accuracies(rng, layers, rising=i % 2 == 0)
            problem = plain.but(exits=drawn_exits, outputs=None)
            found += [(link, word, asked) for word, asked in tight(problem)]
        for link, word, asked in spread(found, 5):
            name = f"{network}.operations-phone-{link}-{word}"
            yield Draft(name, "deadline", lean(asked, name), network, "operations", link, LOADS["phone"],
                        "measured" + DRAWN, synthetic=True)  # fmt: skip


def _accuracies(rng: random.Random, layers: list[str], rising: bool) -> Mapping[str, float]:
    """Rising with depth as Edgent takes them to be, or in any order."""
    values = [round(rng.uniform(0.5, 0.98), 3) for _ in layers]
    return dict(zip(layers, sorted(values) if rising else values, strict=True))


def synthetic() -> Iterator[Draft]:
    """Small networks: accuracies that rise with the exits, or that do not; every fourth may be trivial."""
    for seed in range(30):
        rng = random.Random(f"edgent {seed}")
        rising, asked = seed % 2 == 0, list[tuple[str, osp.Partition]]()
        while not asked:
            problem = _drawn(rng, rising)
            asked = list(tight(problem))
            if seed % 4 == 3:
                asked = list(_asked(problem, (1.03, 1.15, 1.5)))
        word, limited = asked[seed // 2 % len(asked)]
        name = f"drawn-exits-{'rising' if rising else 'any'}-{seed}-{word}"
        yield Draft(name, "deadline", lean(limited, name), source=SYNTHETIC, synthetic=True)


def _drawn(rng: random.Random, rising: bool) -> osp.Partition:
    plain = drawn.several(rng)
    # a network whose ends lie apart has no series points: then any layer may answer
    ends = points(plain)[1:] or list(plain.order[1:])
    chosen = sorted({*rng.sample(ends, min(len(ends), 4)), ends[-1]}, key=plain.order.index)
    return plain.but(exits=_accuracies(rng, [plain.layers[v] for v in chosen], rising), outputs=None)
