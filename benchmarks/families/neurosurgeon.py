"""Where to cut: latency, energy, limits, throughput, three places."""

from __future__ import annotations

import random
from collections.abc import Iterator

import optsplit as osp
from benchmarks import places as tiers
from benchmarks.families import (
    LOADS,
    Draft,
    connection,
    drawn,
    free_places,
    lean,
    measured,
    optimum,
    profile,
    splits,
    spread,
)  # fmt: skip
from benchmarks.families.drawn import SYNTHETIC
from optsplit.cli import places

RADIOS = ("3g", "4g", "lte", "wifi")


def drafts() -> Iterator[Draft]:
    """All of them."""
    yield from latency()
    yield from energy()
    yield from limits()
    yield from throughput()
    yield from three_places()
    yield from synthetic()


def latency() -> Iterator[Draft]:
    """Each profile on up to two links on which it is cut, and every fourth on one where it is not."""
    for i, (network, grain) in enumerate(measured()):
        for load, count in (("phone", 2), ("gpu", 1)):
            found = list(splits(network, grain, load))
            cut = [(link, problem) for link, split, problem in found if split]
            whole = [(link, problem) for link, split, problem in found if not split]
            chosen = spread(cut, count) + (spread(whole, 1) if i % 4 == (load == "gpu") else [])
            for link, problem in chosen:
                name = f"{network}.{grain}-{load}-{link}-latency"
                yield Draft(name, "latency", lean(problem, name), network, grain, link, LOADS[load])


def energy() -> Iterator[Draft]:
    """Joules of an ODROID-XU4 with a mobile radio."""
    for i, (network, grain) in enumerate(measured()):
        if grain == "modules" and i % 3:
            continue
        load = ("phone", "gpu")[i % 2]
        found = list(splits(network, grain, load, "energy", RADIOS))
        cut = [(link, problem) for link, split, problem in found if split]
        whole = [(link, problem) for link, split, problem in found if not split]
        for link, problem in spread(cut, 2) + (spread(whole, 1) if i % 5 == 0 else []):
            name = f"{network}.{grain}-{load}-{link}-energy"
            yield Draft(name, "energy", lean(problem, name), network, grain, link, LOADS[load])


def limits() -> Iterator[Draft]:
    """Least latency under a limit on joules, or on weights at the server; the first link on which it binds."""
    for i, (network, grain) in enumerate(measured()):
        load = ("phone", "gpu")[i % 2]
        left = {"energy", "server_memory"}
        for link in (*RADIOS[i % 4 :], *RADIOS[: i % 4]):
            whole = osp.Partition.from_profile(
                profile(network, grain), connection(link), load=LOADS[load], device=osp.devices["odroid-xu4"],
                exits="none",
            )  # fmt: skip
            fast = osp.solve(whole.but(minimize="latency"))
            for metric in sorted(left):
                least = optimum(whole.but(minimize=metric))
                spent = fast.metrics[metric]
                if spent < 1.02 * least + 2:
                    continue
                left.remove(metric)
                name = f"{network}.{grain}-{load}-{link}-{metric.replace('_', '-')}-limit"
                limited = lean(whole, name, minimize="latency", limits={metric: (least + 2 * spent) // 3})
                yield Draft(name, "limits", limited, network, grain, link, LOADS[load])


def throughput() -> Iterator[Draft]:
    """The least period of a stream: the largest busy time of the two places and of the link each way."""
    for i, (network, grain) in enumerate(measured()):
        if grain != "operations" or "senna" in network:
            continue
        link, load = ("4g", "wifi", "ionn-wifi")[i % 3], ("phone", "phone-gpu-server")[i % 2]
        whole = osp.Partition.from_profile(
            profile(network, grain), connection(link), load=LOADS[load], exits="none", minimize="latency"
        )
        name = f"{network}.{grain}-{load}-{link}-period"
        stream = lean(whole, name, minimize=places.busy(whole))
        yield Draft(name, "throughput", stream, network, grain, link, LOADS[load])


def three_places() -> Iterator[Draft]:
    """Device, edge and cloud, as in benchmarks.places: latency where all three or two are used, and some periods."""
    link = f"{tiers.NEAR}+100mbit"
    source = "measured: one thread as device, two as edge and cloud, times the load; 10 ms a message to the cloud"
    for i, network in enumerate(tiers.instances()):
        whole = tiers.three_tiers(network)
        if len(free_places(whole, osp.solve(whole).plan)) > 1:
            name = f"{network}.operations-tiers-latency"
            yield Draft(name, "three places", lean(whole, name), network, "operations", link, tiers.LOAD, source)
        if i % 3 == 0 and len(whole.layers) < 200:
            name = f"{network}.operations-tiers-period"
            stream = lean(whole, name, minimize=places.busy(whole))
            yield Draft(name, "three places", stream, network, "operations", link, tiers.LOAD, source)


def synthetic() -> Iterator[Draft]:
    """Chains with falling tensors keep what Neurosurgeon assumes; the others break it."""
    for seed in range(36):
        rng = random.Random(f"neurosurgeon {seed}")
        if seed < 6:
            kind, problem = "chain-falling", drawn.chain(rng, rng.randint(10, 40))
        elif seed < 12:
            kind, problem = "chain-any", drawn.chain(rng, rng.randint(10, 40), falling=False)
        elif seed < 20:
            kind, problem = "fork-join", drawn.fork_join(rng, rng.randint(2, 6))
        elif seed < 28:
            kind, problem = "fork-join-heavy", drawn.fork_join(rng, rng.randint(2, 6), heavy=True)
        else:
            kind, problem = "dag", drawn.random_dag(rng, rng.choice([12, 25, 60, 120, 250]))
        name = f"drawn-{kind}-{seed}"
        yield Draft(name, "latency", lean(problem, name), source=SYNTHETIC, synthetic=True)
