"""From measured seconds and bytes of weights to the upload problem: the border where floats end.

A unit is what is uploaded at once: all weights and buffers that the same layers read. A layer's own weights are one
unit with the layer's name; a weight that several layers share (tied embeddings, siamese branches) is a unit of its own
with the weight's name, or "weight + 2 more", and each of those layers waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from optsplit.errors import InvalidInput
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection, Link
from optsplit.problems import from_profile
from optsplit.problems.metric import LARGEST_TOTAL
from optsplit.problems.upload_order import INTEGRAL, UploadOrder
from optsplit.profiling.profile import Profile


def upload_order(
    profile: Profile,
    links: Connection,
    *,
    share: float | None = None,
    load_seconds: float = 0.0,
    load_seconds_per_byte: float = 0.0,
    present: Iterable[str] = (),
    pins: Mapping[str, str] | None = None,
    result_at: str | None = "",
    one_way: bool = False,
    load: Mapping[str, float] | None = None,
    objective: str = INTEGRAL,
    name: str | None = None,
) -> UploadOrder:
    """The upload problem of a profiled network.

    Parameters
    ----------
    profile
        Two places, the device first.
    links
        Between them. Weights travel up as one stream, without the link's latency per message; queries pay it.
    share
        Part of the uplink that the upload takes, above 0 and below 1; the tensors of queries have the rest. None, as
        in IONN: each has the whole uplink, since an upload pauses while a query sends.
    load_seconds, load_seconds_per_byte
        What the server needs to load a unit before it counts, for each and for each byte; the next one waits for it.
    present
        Units, or layers whose own weights are one, that the server holds already.
    pins, result_at, one_way, load
        As in `Partition.from_profile`; `load` slows a place down.
    objective
        "integral" or "lost_queries", as in `UploadOrder`.
    name
        Of the problem; default the network's.

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """
    if len(profile.places) != 2:
        raise InvalidInput(
            f"profile of {profile.graph.name!r} has the places {', '.join(profile.places)}; an upload has two, the "
            "device and the server"
        )
    if not isinstance(links, Connection):
        raise InvalidInput(f"links are a {type(links).__name__}; an upload needs an optsplit.Connection")
    for what, seconds in (("load_seconds", load_seconds), ("load_seconds_per_byte", load_seconds_per_byte)):
        if not (math.isfinite(seconds) and seconds >= 0):
            raise InvalidInput(f"{what} is {seconds!r}; give a finite number, 0 or more")
    queries, rate = shared(links, share)
    partition = from_profile.partition(
        profile, queries, pins=pins, result_at=result_at, one_way=one_way, load=load
    )  # fmt: skip
    units = weight_units(profile.graph)
    upload = {}
    for unit, (size, layers) in units.items():
        nanoseconds = (size / rate + load_seconds + load_seconds_per_byte * size) * from_profile.NANO if size else 0.0
        if not nanoseconds < LARGEST_TOTAL:
            raise InvalidInput(f"upload of unit {unit!r}, {size} bytes, takes {nanoseconds:.3g} ns; give a faster link")
        upload[unit] = (round(nanoseconds), layers)
    return UploadOrder(partition, upload, present, objective=objective, name=name or profile.graph.name)


def shared(links: Connection, share: float | None) -> tuple[Connection, float]:
    """What queries have of a connection, and the bytes per second of the upload."""
    if share is None:
        return links, links.up.rate
    if not 0 < share < 1:
        raise InvalidInput(f"share is {share!r}; give a number above 0 and below 1, or None for the whole uplink each")
    up = links.up
    rest = Link(up.rate * (1 - share), up.latency, up.transmit_watts, up.receive_watts, up.source)
    return Connection(f"{links.name}, {1 - share:g} of it up", rest, links.down), up.rate * share


def weight_units(graph: LayerGraph) -> dict[str, tuple[int, list[int]]]:
    """Unit name -> (bytes, layers that need it), in the order of the layers; units of no bytes are left out."""
    readers: dict[str, list[int]] = {}
    for v, layer in enumerate(graph.layers):
        for weight in dict.fromkeys(layer.weights):
            readers.setdefault(weight, []).append(v)
    groups: dict[tuple[int, ...], list[str]] = {}
    for weight, layers in readers.items():
        groups.setdefault(tuple(layers), []).append(weight)
    found: dict[str, tuple[int, list[int]]] = {}
    for of, weights in groups.items():
        size = sum(graph.weights[weight] for weight in weights)
        if size == 0:
            continue
        if len(of) == 1:
            name = graph.layers[of[0]].name
        else:
            name = weights[0] + (f" + {len(weights) - 1} more" if len(weights) > 1 else "")
            if name in graph.index:
                name += " (shared)"
        found[name] = (size, list(of))
    return found
