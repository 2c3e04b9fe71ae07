"""The measured networks as the checks of claims need them: profiles and problems, each read once."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import optsplit as osp
from benchmarks.ledger import INSTANCES
from benchmarks.zoo import CLASSES, LINKS

PHONE = CLASSES["phone CPU, CPU server"]
"""The device twelve times as slow as measured, the server as measured."""


@functools.cache
def profile(name: str, grain: str = "operations") -> osp.Profile:
    """A measured profile."""
    return osp.Profile.load(INSTANCES / f"{name}.{grain}.json.gz")


@functools.cache
def names() -> tuple[str, ...]:
    """Every network measured at the grain of operations."""
    return tuple(sorted(path.name.split(".")[0] for path in INSTANCES.glob("*.operations.json.gz")))


@functools.cache
def partition(name: str, link: str, device: str = "phone CPU, CPU server") -> osp.Partition:
    """Least latency of a network over a link, with a class of devices of `benchmarks.zoo`."""
    return osp.Partition.from_profile(profile(name), osp.links[link], load=CLASSES[device])


def partitions(device: str = "phone CPU, CPU server") -> Iterator[tuple[str, str, osp.Partition]]:
    """All networks over all links."""
    for name in names():
        for link in LINKS:
            yield name, link, partition(name, link, device)


@functools.cache
def least(name: str, link: str, device: str = "phone CPU, CPU server") -> int:
    """The proven least latency in nanoseconds."""
    return objective(partition(name, link, device))


def objective(problem: object, method: str = "auto", **options: object) -> int:
    """What a method's plan costs; of an exact one, proven."""
    result = osp.solve(problem, method, **options)  # type: ignore[arg-type]
    if method == "auto":
        result.require_optimal()
    if result.objective is None:
        raise ValueError(f"{method} has no plan of {problem!r}: {result.raw_status}")
    return int(result.objective)


def ms(nanoseconds: float) -> str:
    """Milliseconds in words."""
    return f"{nanoseconds / 1e6:.2f} ms"


def above(found: float, best: float) -> float:
    """Per cent above."""
    return 100 * (found / best - 1)
