"""More than two places: profiles joined, links by name, routes over them, equal places, and the period of a stream."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import networkx
import numpy as np

from optsplit.cli import sources, words
from optsplit.errors import InvalidInput, unknown
from optsplit.hardware import Connection, Link
from optsplit.problems.metric import Arc, Metric
from optsplit.problems.partition import Partition
from optsplit.profiling.profile import Profile

DEVICE = "device"


def joined(name: str, asked: sources.Asked) -> Profile:
    """The profile `name`, and the first place of each other profile by the name given to it."""
    if asked.server is not None:
        raise InvalidInput("--server and --place exclude each other; use --place server=FILE")
    base = sources.profile(name)
    if not asked.place:
        return base
    found = _first(base, DEVICE)
    for place, file in words.pairs("--place", asked.place, "edge=edge.json").items():
        if place in found.places:
            raise InvalidInput(f"--place {place}={file}: {DEVICE!r} is the place of {name}; take another name")
        found = found.merged(_first(sources.profile(file), place))
    return found


def _first(profile: Profile, name: str) -> Profile:
    return sources.first_place(profile).renamed(name)


def links(asked: sources.Asked, places: Sequence[str]) -> dict[Arc, Link]:
    """A link each way for every `--link A:B=LINK`."""
    found: dict[Arc, Link] = {}
    for text in asked.link:
        first, second, link = words.arc(text)
        for place in (first, second):
            if place not in places:
                raise InvalidInput(f"--link {text}: {unknown('place', place, places)}")
        if first == second or (first, second) in found:
            raise InvalidInput(
                f"--link {text}: {first!r} and {second!r} need one link between two places; give it once"
            )
        both = words.connection(link, asked.link_latency)
        found[first, second], found[second, first] = both.up, both.down
    if not found:
        raise InvalidInput(f"no link between the places {', '.join(places)}; add --link {places[0]}:{places[1]}=wifi")
    return found


def routed(problem: Partition, links: Mapping[Arc, Link]) -> Partition:
    """The problem with a way between places that have no link, at the sum of what its hops cost in every metric.

    The way is the fastest for a tensor of mean size, hop after hop; it keeps each of its links busy.
    """
    size = float(np.mean(problem.costs("bytes").transfer.max(axis=(0, 1)))) if problem.tensors else 0.0
    graph = networkx.DiGraph()
    graph.add_nodes_from(problem.places)
    for (p, q), link in links.items():
        graph.add_edge(p, q, weight=link.seconds(size))
    ways: dict[Arc, list[Arc]] = {}
    for p, q in itertools.permutations(problem.places, 2):
        if (p, q) not in links and networkx.has_path(graph, p, q):
            ways[p, q] = list(itertools.pairwise(networkx.dijkstra_path(graph, p, q)))
    metrics = {}
    for name, metric in problem.metrics.items():
        paid = {arc: np.asarray(row, dtype=np.int64) for arc, row in metric.transfer.items()}
        for arc, hops in ways.items():
            if used := [paid[hop] for hop in hops if hop in paid]:
                paid[arc] = np.sum(used, axis=0)
        metrics[name] = Metric(metric.compute, paid, metric.send, metric.receive, metric.unit)
    return problem.but(metrics=metrics, links=[*problem.links, *ways])


def busy(problem: Partition) -> tuple[str, ...]:
    """The busy time of every place and of every link: the largest of them is the period of a stream."""
    arcs = ["_".join(arc) for arc in itertools.permutations(problem.places, 2)]
    ports = [f"{place}_port" for place in problem.places]
    return tuple(name for x in (*problem.places, *arcs, *ports) if (name := f"{x}_seconds") in problem.metrics)


def equal(profile: Profile, asked: sources.Asked, link: Connection) -> Partition:
    """N places equal to the profile's last one; each sends and receives over one port of the given link.

    Neither the input nor the result is tied to a place: they come and go by the host.
    """
    count, original = asked.equal or 0, profile.places[-1]
    for option, value in (("--place", asked.place), ("--server", asked.server), ("--route", asked.route),
                          ("--exits", asked.exits), ("--precisions", asked.precisions),
                          ("--deadline", asked.deadline), ("--min-accuracy", asked.min_accuracy)):  # fmt: skip
        if value:
            raise InvalidInput(f"--equal and {option} exclude each other; leave one out")
    if count < 2:
        raise InvalidInput(f"--equal {count}: give 2 places or more")
    timing = profile.timings[original]
    names = [f"{original}{i + 1}" for i in range(count)]
    pins = words.pairs("--pin", asked.pin, f"conv1={names[0]}")
    alike = Profile(profile.graph, dict.fromkeys(names, timing))
    arcs = dict.fromkeys(itertools.permutations(names, 2), link.up)
    plain = sources.Asked(
        minimize=("latency",), one_way=asked.one_way, device_power=asked.device_power, load=asked.load
    )
    problem = sources.of_profile(alike, plain, arcs)
    nothing = np.zeros((len(problem.layers), count), dtype=np.int64)
    seconds = np.rint([link.up.seconds(tensor.bytes) * 1e9 for tensor in profile.graph.tensors]).astype(np.int64)
    metrics = {n: m for n, m in problem.metrics.items() if n not in {"_".join(arc) + "_seconds" for arc in arcs}}
    for name in names:
        metrics[f"{name}_port_seconds"] = Metric(nothing, send={name: seconds}, receive={name: seconds})
    limits = words.numbers("--limit", asked.limit, "latency=0.8")
    known = {metric: value for metric, value in limits.items() if metric in metrics}
    if strange := [metric for metric in limits if metric not in metrics]:
        raise InvalidInput(f"--limit: {unknown('metric', strange[0], metrics)}")
    if asked.memory is not None:
        if not (math.isfinite(asked.memory) and asked.memory >= 0):
            raise InvalidInput(f"--memory is {asked.memory:g} bytes; give a finite number, 0 or more")
        known |= {f"{name}_memory": asked.memory for name in names}
    scaled = {m: round(v * 1e9) if metrics[m].unit in ("ns", "nJ") else round(v) for m, v in known.items()}
    result_at = None if asked.result_at in (None, sources.ANYWHERE) else asked.result_at
    problem = problem.but(
        metrics=metrics, limits=scaled, pins=pins, result_at=result_at, contiguous=asked.contiguous,
        minimize=asked.minimize or "latency",
    )  # fmt: skip
    if asked.maximize is None:
        return problem
    if asked.maximize != "throughput":
        raise InvalidInput(f"--maximize {asked.maximize} and --equal exclude each other; leave one out")
    words.maximised(asked.maximize, asked.minimize)
    return problem.but(minimize=busy(problem))
