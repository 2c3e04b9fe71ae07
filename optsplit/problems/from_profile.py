"""From measured seconds to integer costs: the border where floats end.

The metrics of a profiled network, for places p and arcs (p, q) of links:

| metric | unit | what it adds up |
|---|---|---|
| latency | ns | seconds of each layer at its place, and of each tensor on its link |
| energy | nJ | of the first place's device: computing, waiting for others, sending and receiving (needs `device`) |
| bytes | B | sent over all links |
| traffic | weighted B | the same, weighted by integers in the ratio of the links' slowness; w on the fastest link |
| fixed_latency | ns | latency without what is proportional to bytes: latency - traffic / (w * fastest rate) |
| <p>_seconds | ns | busy time of a place |
| <p>_<q>_seconds | ns | busy time of a link |
| <p>_memory | B | weights held at a place; a weight that layers share is charged to each (safe, not tight) |
| error | ppm | wrong answers of the exit, and accuracy drops of what crosses (with exits or precisions) |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from optsplit.errors import InvalidInput, unknown
from optsplit.hardware import Connection, Device, Link
from optsplit.problems import choices_from_profile
from optsplit.problems.exits import Exits
from optsplit.problems.metric import LARGEST_TOTAL, Arc, IntArray, Metric
from optsplit.problems.partition import Partition
from optsplit.problems.reading import no_errors
from optsplit.profiling.profile import Profile

NANO = 1e9


def _nano(values: NDArray[np.float64]) -> IntArray:
    with np.errstate(over="ignore"):
        rounded = np.rint(values * NANO)
    if values.size and not rounded.max() < LARGEST_TOTAL:
        return rounded  # not integers: the problem refuses them, and names the value
    return rounded.astype(np.int64)


def partition(
    profile: Profile,
    links: Connection | Mapping[Arc, Link],
    *,
    minimize: str | Sequence[str] | None = None,
    limits: Mapping[str, float] | None = None,
    pins: Mapping[str, str] | None = None,
    result_at: str | None = "",
    one_way: bool = False,
    device: Device | None = None,
    load: Mapping[str, float] | None = None,
    exits: str | Exits | Mapping[str, float] | None = None,
    precisions: Sequence[int] | None = None,
    maximize: str | None = None,
    at_least: Mapping[str, float] | None = None,
) -> Partition:
    """The partition problem of a profiled network.

    Parameters
    ----------
    profile
        At least two places; the first holds the input.
    links
        A `Connection` between the first two places, or a `Link` for each arc (from, to).
    minimize
        A metric of the table above, or a tuple of metrics of which the largest is minimised.
    limits
        Metric -> largest value, in seconds, joules or bytes.
    pins
        Layer -> place, on top of the input layers, which are pinned to the first place.
    result_at, one_way
        As in `Partition`.
    device
        Power of the first place; with it there is a metric "energy".
    load
        Place -> factor by which its layers are slower than profiled (the server's load K in Neurosurgeon).
    exits
        "one": one of the profile's exits takes every request; "confidence": each sample leaves where it is confident
        enough; "none": all outputs are asked for. Default: "one" where the profile has exits. Or exits of your own.
    precisions
        Bits from which each crossing tensor's are chosen. 32 is the tensor as it is, the others are the profile's
        packings. A packing counts where every place that can send packs it and every place that can receive unpacks it.
    maximize, at_least
        As in `Partition`.

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """
    if not isinstance(profile, Profile):
        raise InvalidInput(f"profile is a {type(profile).__name__}; give an optsplit.Profile")
    if not isinstance(load, Mapping | None):
        raise InvalidInput(f"load is {load!r}; give a factor for each place, such as {{{profile.places[0]!r}: 12.0}}")
    graph, places = profile.graph, profile.places
    arcs = _arcs(profile, links)
    seconds = np.array([profile.timings[place].seconds for place in places]).T.reshape(len(graph.layers), len(places))
    for place, factor in (load or {}).items():
        if place not in places:
            raise InvalidInput(f"load: {unknown('place', place, places)}")
        if not (math.isfinite(factor) and factor > 0):
            raise InvalidInput(f"load of place {place!r} is {factor!r}; give a positive finite number")
        seconds[:, places.index(place)] *= factor
    size = np.array([tensor.bytes for tensor in graph.tensors], dtype=np.int64)
    metrics = _time_metrics(seconds, size, places, arcs)
    if device is not None:
        metrics["energy"] = _energy(seconds, size, places, arcs, device, joules=_joules(profile, load))
    weights = np.array(graph.layer_weight_bytes, dtype=np.int64)
    for p, place in enumerate(places):
        metrics[f"{place}_memory"] = Metric(_only(weights, p, len(places)), unit="B")

    chosen = choices_from_profile.exits(profile, exits, metrics)
    packed = None
    if precisions is not None:
        weight = _weights(arcs, int(size.sum()))
        packed = choices_from_profile.precisions(profile, precisions, arcs, weight, device, load)
    if chosen is not None or packed is not None:
        metrics["error"] = no_errors(len(graph.layers), len(places))
    wanted = [minimize] if isinstance(minimize, str) else list(minimize or ())
    for name in [*wanted, *(limits or {})]:
        if name == "energy" and "energy" not in metrics:
            raise InvalidInput("metric 'energy' needs the device's power; give device=optsplit.devices[...]")
        if name not in metrics:
            raise InvalidInput(unknown("metric", name, metrics))
    fixed = {layer.name: places[0] for layer in graph.layers if layer.kind == "input"}
    for layer, place in (pins or {}).items():
        if fixed.setdefault(layer, place) != place:
            raise InvalidInput(f"pin of layer {layer!r} to {place!r}: it is an input, which {places[0]!r} holds")
    position = {tensor.name: t for t, tensor in enumerate(graph.tensors)}
    return Partition(
        layers=[layer.name for layer in graph.layers],
        tensors=[(tensor.source, tensor.readers) for tensor in graph.tensors],
        places=places, metrics=metrics, minimize=minimize,
        limits={name: _limit(name, value, metrics[name].unit) for name, value in (limits or {}).items()},
        pins=fixed, result_at=result_at, one_way=one_way,
        outputs=[position[name] for name in graph.outputs], links=arcs, name=graph.name, exits=chosen,
        precisions=packed, maximize=maximize, at_least=at_least,
    )  # fmt: skip


def _arcs(profile: Profile, links: Connection | Mapping[Arc, Link]) -> dict[Arc, Link]:
    places = profile.places
    if len(places) < 2:
        raise InvalidInput(
            f"profile of {profile.graph.name!r} has the one place {places[0]!r}; "
            "merge it with a server's by Profile.merged"
        )
    if isinstance(links, Connection):
        if len(places) != 2:
            raise InvalidInput(f"one connection for the places {places}; give a Link for each arc (from, to)")
        return {(places[0], places[1]): links.up, (places[1], places[0]): links.down}
    if not isinstance(links, Mapping):
        raise InvalidInput(f"links are a {type(links).__name__}; give a Connection, or a Link for each arc (from, to)")
    if not links:
        raise InvalidInput(f"no link between the places {places}; give a Connection, or a Link for each arc (from, to)")
    for arc, link in links.items():
        for place in arc:
            if place not in places:
                raise InvalidInput(f"link {arc!r}: {unknown('place', place, places)}")
        if not isinstance(link, Link):
            raise InvalidInput(f"link {arc!r} is a {type(link).__name__}; give an optsplit.Link")
    return dict(links)


def _only(values: IntArray, place: int, places: int) -> IntArray:
    column = np.zeros((len(values), places), dtype=values.dtype)
    column[:, place] = values
    return column


def _time_metrics(
    seconds: NDArray[np.float64], size: IntArray, places: Sequence[str], arcs: Mapping[Arc, Link]
) -> dict[str, Metric]:
    compute = _nano(seconds)
    nothing = np.zeros_like(compute)
    transfer = {arc: _nano(link.latency + size / link.rate) for arc, link in arcs.items()}
    weight = _weights(arcs, int(size.sum()))
    metrics = {
        "latency": Metric(compute, transfer),
        "fixed_latency": Metric(compute, {arc: _nano(np.full(size.shape, link.latency)) for arc, link in arcs.items()}),
        "traffic": Metric(nothing, {arc: size * weight[arc] for arc in arcs}, unit="weighted B"),
        "bytes": Metric(nothing, dict.fromkeys(arcs, size), unit="B"),
    }
    for p, place in enumerate(places):
        metrics[f"{place}_seconds"] = Metric(_only(compute[:, p], p, len(places)))
    for arc, row in transfer.items():
        metrics["_".join(arc) + "_seconds"] = Metric(nothing, {arc: row})
    return metrics


def _weights(arcs: Mapping[Arc, Link], total: int) -> dict[Arc, int]:
    """Integers in the ratio of the links' seconds per byte, for example 13 and 6 for rates of 6 and 13.

    Of several links whose ratio needs large integers: rounded, so that `total` bytes over each fit the problem's own.
    """
    fastest = max(link.rate for link in arcs.values())
    slowness = {arc: Fraction(fastest / link.rate).limit_denominator(1000) for arc, link in arcs.items()}
    common = math.lcm(*(f.denominator for f in slowness.values()))
    room = LARGEST_TOTAL / (2 * max(total, 1) * float(sum(slowness.values())))
    while common > max(room, 1):
        common = min(common, 10**9) // 10 if common > 10 else 1
    slowest = max(slowness, key=slowness.__getitem__)
    if total * float(slowness[slowest]) >= LARGEST_TOTAL:
        raise InvalidInput(
            f"link {slowest!r} is {float(slowness[slowest]):.3g} times as slow as the fastest link; "
            f"{total} bytes over it weigh 2**53 or more: give a faster link"
        )
    return {arc: round(f * common) for arc, f in slowness.items()}


def _joules(profile: Profile, load: Mapping[str, float] | None) -> NDArray[np.float64] | None:
    """Measured joules of the first place's layers; a loaded device draws another power, so then None."""
    place = profile.places[0]
    joules = profile.timings[place].joules
    return None if joules is None or place in (load or {}) else np.array(joules)


def _energy(
    seconds: NDArray[np.float64], size: IntArray, places: Sequence[str], arcs: Mapping[Arc, Link],
    device: Device, joules: NDArray[np.float64] | None,
) -> Metric:  # fmt: skip
    """Energy of the first place's device, which waits while any other place or link works."""
    watts = seconds * device.idle_watts
    watts[:, 0] = seconds[:, 0] * device.compute_watts if joules is None else joules
    transfer = {}
    for (p, q), link in arcs.items():
        radio = link.transmit_watts if p == places[0] else link.receive_watts if q == places[0] else 0.0
        transfer[p, q] = _nano((link.latency + size / link.rate) * (device.idle_watts + radio))
    return Metric(_nano(watts), transfer, unit="nJ")


def _limit(name: str, value: float, unit: str) -> int:
    if not (isinstance(value, Real) and math.isfinite(value) and value >= 0):
        raise InvalidInput(f"limit on {name!r} is {value!r}; give a finite number, 0 or more")
    return round(value * NANO) if unit in ("ns", "nJ") else round(value)
