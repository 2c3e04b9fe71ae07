"""Checks of what an UploadOrder is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import refuse_duplicates
from optsplit.problems.metric import LARGEST_TOTAL, integers
from optsplit.problems.partition import BRANCHES, Partition

if TYPE_CHECKING:
    from optsplit.problems.upload_order import Upload

Units = tuple[tuple[str, ...], tuple[int, ...], tuple[tuple[int, ...], ...]]


def check(partition: Partition) -> None:
    """Refuse a partition whose least latency is not a minimum cut."""
    if not isinstance(partition, Partition):
        raise InvalidInput(f"upload order: partition is a {type(partition).__name__}; give an optsplit.Partition")
    if refused := sorted(partition.features - {BRANCHES}):
        raise InvalidInput(
            f"upload order: its partition has {', '.join(refused)}; give one of two places, one metric and no limits"
        )


def units(partition: Partition, upload: Upload) -> Units:
    """Names, nanoseconds and layers (positions) of the units of `upload`."""
    if not isinstance(upload, Mapping):
        values = integers("upload", upload, (len(partition.layers),), partition.layers).tolist()
        weighty = [v for v, p in enumerate(values) if p]
        found: Units = (
            tuple(partition.layers[v] for v in weighty),
            tuple(values[v] for v in weighty),
            tuple((v,) for v in weighty),
        )
    else:
        names = tuple(upload)
        for name, entry in upload.items():
            if not (isinstance(entry, Sequence) and len(entry) == 2) or isinstance(entry, str):
                raise InvalidInput(f"upload of unit {name!r} is {entry!r}; give (nanoseconds, layers)")
        times = integers("upload", [upload[name][0] for name in names], (len(names),), names).tolist()
        found = names, tuple(times), tuple(_layers(partition, name, upload[name][1]) for name in names)
    if sum(found[1]) >= LARGEST_TOTAL:
        raise InvalidInput(f"upload: all units together take {sum(found[1])}, at or above 2**53; give a coarser unit")
    return found


def _layers(partition: Partition, unit: str, given: Sequence[int | str]) -> tuple[int, ...]:
    layers = []
    for layer in [given] if isinstance(given, str) else given:
        if isinstance(layer, str):
            if layer not in partition.index:
                raise InvalidInput(f"upload of unit {unit!r}: {unknown('layer', layer, partition.layers)}")
            layers.append(partition.index[layer])
        elif isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer < len(partition.layers):
            raise InvalidInput(
                f"upload of unit {unit!r} names layer {layer!r}; give 0..{len(partition.layers) - 1} or a name"
            )
        else:
            layers.append(layer)
    refuse_duplicates(f"upload of unit {unit!r}: layer", [partition.layers[v] for v in layers])
    return tuple(sorted(layers))


def check_pins(partition: Partition, lacking: set[int]) -> None:
    """Refuse a layer that must run on the server and whose weights are not there."""
    for layer, place in partition.pins.items():
        if place == partition.places[1] and partition.index[layer] in lacking:
            raise InvalidInput(
                f"layer {layer!r} is pinned to {place!r} but its weights are not there; list them in present or "
                "take the pin away"
            )
