"""Precisions of what crosses: least latency, or the least period, under an accuracy budget."""

from __future__ import annotations

import random
from collections.abc import Iterator

import optsplit as osp
from benchmarks.exits import TRAINED, WIDTHS, packed
from benchmarks.families import LOADS, Draft, connection, drawn, free_places, lean, measured, optimum, profile, spread
from benchmarks.families.drawn import SYNTHETIC
from benchmarks.trivial import needs_no_method
from optsplit.cli import places
from optsplit.problems.precision import Precision, Sending

STAND_IN = "measured; packings are stand-ins made from those of the trained digits network (benchmarks.exits.packed)"
BUDGETS = (0.0, 0.002, 0.01, 0.05)
LINKS = ("cat1", "3g", "2mbit", "4g", "10mbit", "30mbit")
MEASURED = ("cat1", "3g", "4g", "wifi")


def drafts() -> Iterator[Draft]:
    """All of them."""
    yield from stand_ins()
    yield from trained()
    yield from synthetic()


def stand_ins() -> Iterator[Draft]:
    """Reference networks on two links each on which the optimum uses both places, every fourth on one where not."""
    small = osp.Profile.load(TRAINED)
    networks = [network for network, grain in measured() if grain == "operations" and network != "swin_s"]
    for i, network in enumerate(networks):
        given = packed(profile(network, "operations"), small, i)
        load = "phone" if i % 3 else "phone-gpu-server"
        cut: list[tuple[str, osp.Partition]] = []
        whole: list[tuple[str, osp.Partition]] = []
        for k, link in enumerate(LINKS):
            problem = osp.Partition.from_profile(
                given, connection(link), exits="none", precisions=WIDTHS, load=LOADS[load], minimize="latency"
            )
            budget = BUDGETS[(i + k) % 4]
            name = f"{network}.operations-{load}-{link}-budget-{budget:g}"
            asked = lean(problem, name, at_least={"accuracy": 1 - budget})
            best = osp.solve(asked, time_limit=60).plan
            split = best is not None and len(free_places(asked, best)) > 1
            (cut if split else whole).append((link, asked))
            if k == i % 4 and i % 3 == 0 and len(problem.layers) < 500:
                name = name.replace("budget", "period-budget")
                stream = lean(problem, name, at_least={"accuracy": 1 - budget}, minimize=places.busy(problem))
                yield Draft(name, "period", stream, network, "operations", link, LOADS[load], STAND_IN)
        for link, asked in spread(cut, 2) + (spread(whole, 1) if i % 4 == 0 else []):
            yield Draft(asked.name, "latency", asked, network, "operations", link, LOADS[load], STAND_IN)


def trained() -> Iterator[Draft]:
    """The digits network up to its last exit: packings and drops measured."""
    found = osp.Profile.load(TRAINED)
    for i, link in enumerate(MEASURED):
        for load in ("phone", "sensor"):
            whole = osp.Partition.from_profile(
                found, connection(link), exits="one", precisions=WIDTHS, load=LOADS[load], minimize="latency"
            )
            assert whole.exits is not None
            last = whole.exits.layers[-1]
            budget = BUDGETS[1:][(i + len(load)) % 3]
            asked = whole.at_exit(last).but(at_least={"accuracy": whole.exits.accuracy[last] - budget})
            name = f"branchy-digits.modules-{load}-{link}-budget-{budget:g}"
            yield Draft(name, "latency", lean(asked, name), "branchy-digits", "modules", link, LOADS[load],
                        "measured, packings and their drops too")  # fmt: skip


def synthetic() -> Iterator[Draft]:
    """Small networks; even seeds have the same drops everywhere, odd ones drops that differ by tensor."""
    for seed in range(24):
        rng = random.Random(f"dyno {seed}")
        asked = _drawn(rng, seed % 2 == 0)
        while seed % 4 < 3 and needs_no_method(asked, optimum(asked)):
            asked = _drawn(rng, seed % 2 == 0)
        name = f"drawn-bits-{'differ' if seed % 2 else 'alike'}-{seed}"
        yield Draft(name, "latency", lean(asked, name), source=SYNTHETIC, synthetic=True)


def _drawn(rng: random.Random, alike: bool) -> osp.Partition:
    plain = drawn.several(rng)
    costs = plain.costs("latency")
    up, down = costs.crossing(0, 1).tolist(), costs.crossing(1, 0).tolist()
    choice = {}
    for t, tensor in enumerate(plain.tensor_names):
        scale = 1.0 if alike else rng.choice([0.2, 1.0, 4.0])
        choice[tensor] = [Precision(32)] + [
            Precision(bits, round(1000 * scale * (16 // bits) ** 2), {"latency": _packing(up[t], down[t], bits)})
            for bits in (16, 8, 4)
        ]
    # room for one crossing at four bits, or for several of different widths
    return plain.but(precisions=choice, limits={"error": rng.choice([8_000, 17_000, 34_000])})


def _packing(up: int, down: int, bits: int) -> Sending:
    """The time on the way shrinks with the bits; packing and unpacking take a tenth of the way up."""
    ways = {("device", "server"): up * bits // 32, ("server", "device"): down * bits // 32}
    return Sending(ways, send={"device": up // 20}, receive={"server": up // 20})
