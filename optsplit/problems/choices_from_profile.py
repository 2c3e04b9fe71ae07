"""Exits and precisions of a profile, as a partition problem has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from optsplit.errors import InvalidInput, unknown
from optsplit.hardware import Device, Link
from optsplit.problems.exits import MILLION, ExitPattern, Exits
from optsplit.problems.metric import Arc
from optsplit.problems.precision import Precision, Sending
from optsplit.problems.structure import tensor_names
from optsplit.profiling.profile import Profile
from optsplit.profiling.quality import Packing

NANO = 1e9
RAW = 32
"""Bits of a tensor that is sent as it is."""

ONE, CONFIDENCE, NONE = "one", "confidence", "none"


def exits(profile: Profile, asked: str | Exits | Mapping[str, float] | None, metrics: Iterable[str]) -> Exits | None:
    """The exits asked for: the caller's own, or the profile's in one of three ways.

    Raises
    ------
    InvalidInput
        A way that is unknown, or that the profile has no data for.
    """
    if asked is not None and not isinstance(asked, str):
        return asked if isinstance(asked, Exits) else Exits(dict(asked))
    if asked not in (None, ONE, CONFIDENCE, NONE):
        raise InvalidInput(f"exits: {unknown('way', asked, (ONE, CONFIDENCE, NONE))}")
    table = profile.exits
    if asked == NONE or (asked is None and table is None):
        return None
    if table is None:
        raise InvalidInput(
            f"profile of {profile.graph.name!r} has no exits; give them by exits={{layer: accuracy}}, or measure them"
        )
    accuracy = dict(zip(table.layers, table.accuracy, strict=True))
    if asked != CONFIDENCE:
        return Exits(accuracy)
    if not table.patterns:
        raise InvalidInput(
            f"profile of {profile.graph.name!r} knows no confidences; measure its exits on a calibration set with "
            "thresholds, or take one exit for all"
        )
    patterns = tuple(ExitPattern(p.levels, p.correct, p.count) for p in table.patterns)
    return Exits(accuracy, table.thresholds, patterns, tuple(name for name in metrics if name.endswith("_memory")))


def precisions(
    profile: Profile, bits: Sequence[int], arcs: Mapping[Arc, Link], weight: Mapping[Arc, int],
    device: Device | None, load: Mapping[str, float] | None,
) -> dict[str, tuple[Precision, ...]]:  # fmt: skip
    """For each tensor that can cross, the packings with the bits asked for; 32 is the tensor as it is.

    Raises
    ------
    InvalidInput
        No bits, or a tensor that has none of those asked for.
    """
    if not bits:
        raise InvalidInput("precisions: no bits; give for example (32, 16, 8), or None for tensors as they are")
    graph = profile.graph
    names = tensor_names([layer.name for layer in graph.layers], [tensor.source for tensor in graph.tensors])
    senders, receivers = {start for start, _ in arcs}, {end for _, end in arcs}
    found: dict[str, tuple[Precision, ...]] = {}
    for name, tensor in zip(names, graph.tensors, strict=True):
        if not tensor.readers and tensor.name not in graph.outputs:
            continue
        packings = {
            packing.bits: packing
            for packing in profile.packings.get(tensor.name, ())
            if senders <= set(packing.pack_seconds) and receivers <= set(packing.unpack_seconds)
        }
        choice = [
            Precision(RAW)
            if width == RAW
            else _packed(packings[width], profile.places, arcs, weight, device, load or {})
            for width in sorted(set(bits), reverse=True)
            if width == RAW or width in packings
        ]
        if not choice:
            known = ", ".join(map(str, packings)) or "none"
            raise InvalidInput(
                f"precisions {tuple(bits)}: tensor {tensor.name!r} can cross and has no such packing (it has {known}); "
                f"add {RAW}, which sends it as it is, or measure its packings"
            )
        found[name] = tuple(choice)
    return found


def _packed(
    packing: Packing, places: Sequence[str], arcs: Mapping[Arc, Link], weight: Mapping[Arc, int],
    device: Device | None, load: Mapping[str, float],
) -> Precision:  # fmt: skip
    """What a packed tensor costs in every metric of a profile's problem."""

    def nano(value: float) -> int:
        return int(np.rint(value * NANO))

    pack = {p: s * load.get(p, 1.0) for p, s in packing.pack_seconds.items() if any(p == start for start, _ in arcs)}
    unpack = {q: s * load.get(q, 1.0) for q, s in packing.unpack_seconds.items() if any(q == end for _, end in arcs)}
    seconds = {arc: link.latency + packing.bytes / link.rate for arc, link in arcs.items()}
    out, into = ({place: nano(s) for place, s in side.items()} for side in (pack, unpack))
    costs = {
        "latency": Sending({arc: nano(s) for arc, s in seconds.items()}, out, into),
        "fixed_latency": Sending({arc: nano(link.latency) for arc, link in arcs.items()}, out, into),
        "traffic": Sending({arc: packing.bytes * weight[arc] for arc in arcs}),
        "bytes": Sending(dict.fromkeys(arcs, packing.bytes)),
    }
    for place in places:
        mine = {place: out[place]} if place in out else {}
        yours = {place: into[place]} if place in into else {}
        costs[f"{place}_seconds"] = Sending(send=mine, receive=yours)
    for arc, s in seconds.items():
        costs["_".join(arc) + "_seconds"] = Sending({arc: nano(s)})
    if device is not None:
        # the device draws its own power while it packs, and waits while others do
        watts = {place: device.compute_watts if place == places[0] else device.idle_watts for place in places}
        costs["energy"] = Sending(
            {arc: nano(s * (device.idle_watts + _radio(arcs[arc], arc, places[0]))) for arc, s in seconds.items()},
            {place: nano(s * watts[place]) for place, s in pack.items()},
            {place: nano(s * watts[place]) for place, s in unpack.items()},
        )
    return Precision(packing.bits, round(MILLION * packing.drop), costs)


def _radio(link: Link, arc: Arc, device: str) -> float:
    return link.transmit_watts if arc[0] == device else link.receive_watts if arc[1] == device else 0.0
