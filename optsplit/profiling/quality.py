"""What a profile knows of answers: packed tensors with their accuracy drop, and exits with their accuracy."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from optsplit.errors import InvalidInput, unknown

RAW_BITS = 32


@dataclass(frozen=True)
class Packing:
    """One tensor sent with so many bits per value.

    Parameters
    ----------
    bits
        Per value, 1 to 32. 32 is lossless packing; sending float32 as it is needs no packing and is always possible.
    bytes
        Packed size with its header, the mean over the calibration examples rounded up.
    pack_seconds, unpack_seconds
        Place -> seconds to pack there, to unpack there. A place that is not listed cannot.
    drop
        Accuracy lost on the calibration set when this tensor alone is packed so, in [0, 1]; a gain counts as 0.
    """

    bits: int
    bytes: int
    pack_seconds: Mapping[str, float]
    unpack_seconds: Mapping[str, float]
    drop: float

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= RAW_BITS:
            raise InvalidInput(f"packing with {self.bits} bits per value; give 1 to {RAW_BITS}")
        what = f"packing with {self.bits} bits"
        if self.bytes < 0:
            raise InvalidInput(f"{what}: {self.bytes} bytes; give 0 or more")
        for name, seconds in (("pack", self.pack_seconds), ("unpack", self.unpack_seconds)):
            for place, value in seconds.items():
                if not (math.isfinite(value) and value >= 0):
                    raise InvalidInput(
                        f"{what}: {name}_seconds at place {place!r} is {value!r}; give a finite number, 0 or more"
                    )
        if not 0 <= self.drop <= 1:
            raise InvalidInput(f"{what}: accuracy drop is {self.drop!r}; give a number in [0, 1]")

    def renamed(self, names: Mapping[str, str]) -> Packing:
        """The same packing with places called as `names` says."""
        return Packing(
            self.bits,
            self.bytes,
            {names.get(place, place): s for place, s in self.pack_seconds.items()},
            {names.get(place, place): s for place, s in self.unpack_seconds.items()},
            self.drop,
        )


@dataclass(frozen=True)
class ExitPattern:
    """Calibration samples that look alike to every choice of exits and thresholds.

    Parameters
    ----------
    levels
        Per exit, how many thresholds of the grid the sample's confidence reaches (confidence >= threshold).
    correct
        Per exit, whether its answer is right.
    count
        Number of samples, 1 or more.
    """

    levels: tuple[int, ...]
    correct: tuple[bool, ...]
    count: int


@dataclass(frozen=True)
class ExitTable:
    """The exits of a branchy network, earliest first, on a calibration set.

    Parameters
    ----------
    layers
        The layer that writes each exit's answer.
    accuracy
        Of each exit when every sample leaves there, in [0, 1].
    thresholds
        Grid of confidences, ascending, in [0, 1]; empty where exits are only chosen once for all samples.
    patterns
        What the samples do at each exit; empty with empty `thresholds`.

    Raises
    ------
    InvalidInput
        No exits, an exit twice, rows of the wrong length, accuracy outside [0, 1], a level that the grid does not have.
    """

    layers: tuple[str, ...]
    accuracy: tuple[float, ...]
    thresholds: tuple[float, ...] = ()
    patterns: tuple[ExitPattern, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.layers:
            raise InvalidInput("table of exits has no layer; give at least one exit")
        for i, name in enumerate(self.layers):
            if name in self.layers[:i]:
                raise InvalidInput(f"exit {name!r} stands twice in the table of exits; give it once")
        if len(self.accuracy) != len(self.layers):
            raise InvalidInput(
                f"table of exits: {len(self.accuracy)} accuracies for {len(self.layers)} exits; give one each"
            )
        for name, value in zip(self.layers, self.accuracy, strict=True):
            if not 0 <= value <= 1:
                raise InvalidInput(f"exit {name!r}: accuracy is {value!r}; give a number in [0, 1]")
        self._check_thresholds()
        for pattern in self.patterns:
            self._check_pattern(pattern)

    def _check_thresholds(self) -> None:
        for value in self.thresholds:
            if not 0 <= value <= 1:
                raise InvalidInput(f"table of exits: threshold is {value!r}; give a number in [0, 1]")
        if any(a >= b for a, b in zip(self.thresholds, self.thresholds[1:], strict=False)):
            raise InvalidInput(f"table of exits: thresholds {self.thresholds} do not ascend; sort them, each once")
        if bool(self.thresholds) != bool(self.patterns):
            raise InvalidInput(
                f"table of exits: {len(self.thresholds)} thresholds but {len(self.patterns)} patterns; "
                "give both, or neither"
            )

    def _check_pattern(self, pattern: ExitPattern) -> None:
        for what, row in (("levels", pattern.levels), ("correct", pattern.correct)):
            if len(row) != len(self.layers):
                raise InvalidInput(
                    f"exit pattern: {what} has {len(row)} values for {len(self.layers)} exits; give one each"
                )
        for name, level in zip(self.layers, pattern.levels, strict=True):
            if not 0 <= level <= len(self.thresholds):
                raise InvalidInput(
                    f"exit pattern: level {level} at exit {name!r}; the grid has levels 0 to {len(self.thresholds)}"
                )
        if pattern.count < 1:
            raise InvalidInput(f"exit pattern: count is {pattern.count}; give 1 or more")

    @property
    def samples(self) -> int:
        """Number of calibration samples behind the patterns."""
        return sum(pattern.count for pattern in self.patterns)


def refuse_unknown_names(
    what: str,
    packings: Mapping[str, tuple[Packing, ...]],
    exits: ExitTable | None,
    layers: Collection[str],
    tensors: Collection[str],
    places: Collection[str],
) -> None:
    """Raise `InvalidInput` for a tensor, place or exit that `what` does not have, or bits that stand twice."""
    for tensor, variants in packings.items():
        if tensor not in tensors:
            raise InvalidInput(f"{what}: packing of {unknown('tensor', tensor, tensors)}")
        bits = [packing.bits for packing in variants]
        for i, value in enumerate(bits):
            if value in bits[:i]:
                raise InvalidInput(f"{what}: tensor {tensor!r} has two packings with {value} bits; give one")
        for packing in variants:
            for place in (*packing.pack_seconds, *packing.unpack_seconds):
                if place not in places:
                    raise InvalidInput(
                        f"{what}: packing of tensor {tensor!r} with {packing.bits} bits: "
                        f"{unknown('place', place, places)}"
                    )
    for exit_ in exits.layers if exits is not None else ():
        if exit_ not in layers:
            raise InvalidInput(f"{what}: exit is {unknown('layer', exit_, layers)}")


def merged_packings(
    mine: Mapping[str, tuple[Packing, ...]], theirs: Mapping[str, tuple[Packing, ...]]
) -> dict[str, tuple[Packing, ...]]:
    """Packings of both, with the seconds of both's places.

    Where both know a tensor and its bits, bytes and drop are the worse ones: two calibrations of one network seldom
    agree to the byte, and the larger value is safe.
    """
    merged: dict[str, tuple[Packing, ...]] = {}
    for tensor in dict.fromkeys((*mine, *theirs)):
        by_bits: dict[int, Packing] = {}
        for packing in (*mine.get(tensor, ()), *theirs.get(tensor, ())):
            other = by_bits.get(packing.bits)
            by_bits[packing.bits] = packing if other is None else _worse(other, packing)
        merged[tensor] = tuple(by_bits.values())
    return merged


def _worse(first: Packing, second: Packing) -> Packing:
    return Packing(
        first.bits,
        max(first.bytes, second.bytes),
        {**first.pack_seconds, **second.pack_seconds},
        {**first.unpack_seconds, **second.unpack_seconds},
        max(first.drop, second.drop),
    )
