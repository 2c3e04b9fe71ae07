"""The frozen set, family by family: what becomes a problem file, and why it is in the set.

One module for each paper, each with `drafts()`. Everything in them is deterministic: measured profiles, link presets,
exact minimum cuts to tell splits from trivial plans, and seeded generators.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optsplit as osp
from benchmarks.ledger import INSTANCES
from optsplit.cli import words
from optsplit.hardware import Connection
from optsplit.problems.precision import ERROR

LINKS = ("cat1", "3g", "2mbit", "4g", "lte", "10mbit", "wifi", "30mbit", "ionn-wifi", "200mbit", "fiber")
"""Slow to fast: presets with their sources, and round rates between them."""

LOADS: dict[str, dict[str, float]] = {
    "phone": {"device": 12.0},
    "phone-gpu-server": {"device": 12.0, "server": 0.1},
    "gpu": {"device": 2.0, "server": 0.1},
    "camera": {"device": 40.0},
    "sensor": {"device": 150.0},
}
"""Factors on the measured CPU times: stand-ins, since no phone and no GPU was measured."""

MEASURED = "measured: one thread of a CPU as device, two as server, times the load"


@dataclass(frozen=True)
class Draft:
    """A problem before it is a file.

    Parameters
    ----------
    name
        Unique among all papers.
    question
        What is asked: "latency", "energy", "one frame", ...
    problem
        Of any kind.
    network, grain, link, load
        Where its numbers come from; "" where they come from nowhere.
    source
        In words.
    synthetic
        Drawn by a generator, or with drawn parts.
    published
        (objective, source) where an optimum is printed.
    """

    name: str
    question: str
    problem: Any
    network: str = ""
    grain: str = ""
    link: str = ""
    load: Mapping[str, float] = field(default_factory=dict)
    source: str = MEASURED
    synthetic: bool = False
    published: tuple[int, str] | None = None


@functools.cache
def profile(network: str, grain: str) -> osp.Profile:
    """A measured profile of the zoo."""
    return osp.Profile.load(INSTANCES / f"{network}.{grain}.json.gz")


@functools.cache
def measured() -> tuple[tuple[str, str], ...]:
    """(network, grain) of every profile; operations only where the two grains have the same layers."""
    found = []
    for path in sorted(INSTANCES.glob("*.*.json.gz")):
        network, grain = path.name.removesuffix(".json.gz").split(".")
        finer = (INSTANCES / f"{network}.operations.json.gz").exists() and profile(network, "operations")
        if grain == "operations" or not finer or len(finer.graph.layers) > len(profile(network, grain).graph.layers):
            found.append((network, grain))
    return tuple(found)


def connection(link: str) -> Connection:
    """A preset, or "10mbit"."""
    return words.connection(link)


def optimum(problem: Any) -> int:
    """The least objective, proven."""
    found = osp.solve(problem, time_limit=20).require_optimal().objective
    assert found is not None
    return found


def lean(problem: osp.Partition, name: str, **changes: Any) -> osp.Partition:
    """The problem under its own name, with the metrics that it minimises or limits and no others."""
    changed = problem.but(**changes) if changes else problem
    held = changed.exits.held if changed.exits is not None else ()
    used = {*changed.objectives, *changed.limits, *held}
    if changed.variants is not None or changed.exits is not None:
        used.add(ERROR)
    return changed.but(name=name, metrics={key: value for key, value in changed.metrics.items() if key in used})


def free_places(problem: osp.Partition, plan: Any) -> set[str]:
    """Where the layers run that are not pinned."""
    return {place for layer, place in plan.assignment.items() if layer not in problem.pins}


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of them, evenly spaced, ends first."""
    if len(items) <= count:
        return list(items)
    if count == 1:
        return [items[len(items) // 2]]
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def splits(
    network: str, grain: str, load: str, minimize: str = "latency", links: Sequence[str] = LINKS
) -> Iterator[tuple[str, bool, osp.Partition]]:
    """For each link: its name, whether the optimum uses both places, and the whole problem."""
    device = osp.devices["odroid-xu4"] if minimize == "energy" else None
    for link in links:
        problem = osp.Partition.from_profile(
            profile(network, grain), connection(link), minimize=minimize, load=LOADS[load], device=device, exits="none"
        )
        yield link, len(free_places(problem, osp.solve(problem).plan)) > 1, problem
