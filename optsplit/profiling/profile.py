"""Profile: a layer graph with the seconds that each layer takes at each place, and where they came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from optsplit import files
from optsplit.errors import InvalidInput, unknown
from optsplit.graph import Layer, LayerGraph, Tensor
from optsplit.profiling.quality import ExitTable, Packing, merged_packings, refuse_unknown_names


@dataclass(frozen=True)
class Timing:
    """The layers of a graph at one place.

    Parameters
    ----------
    seconds
        Median seconds of each layer, in the graph's order.
    quantiles
        "0.1", "0.9", ...: seconds of each layer at that quantile; empty for predicted times.
    whole
        Seconds of the whole network run in one go; None where it was not measured.
    joules
        Energy of each layer where it is known, else None.
    source
        Where the numbers came from: at least "method" ("measured", "predicted", "scaled", ...).
    """

    seconds: tuple[float, ...]
    quantiles: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    whole: float | None = None
    joules: tuple[float, ...] | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Sum of the layers over the whole network: 1 when adding layers up predicts the network."""
        return sum(self.seconds) / self.whole if self.whole else None

    def scaled(self, factor: float) -> Timing:
        """The same timing `factor` times slower; the source says so.

        Joules are dropped: power is not known then.
        """
        if not (math.isfinite(factor) and factor > 0):
            raise InvalidInput(f"timing scaled by {factor!r}; give a positive finite number")
        before, now = self.source.get("scaled"), f"{factor:g} times slower"
        return Timing(
            seconds=tuple(s * factor for s in self.seconds),
            quantiles={q: tuple(s * factor for s in row) for q, row in self.quantiles.items()},
            whole=None if self.whole is None else self.whole * factor,
            source={**self.source, "scaled": f"{before}, then {now}" if before else now},
        )


@dataclass(frozen=True)
class Profile:
    """A layer graph and its timing at each place; the first place holds the input.

    Parameters
    ----------
    graph
        The layers.
    timings
        One per place.
    packings
        Tensor -> the ways to send it with fewer bits, one per number of bits; a tensor that is not listed is sent as it
        is.
    exits
        Where a branchy network may stop, and how right it is there.
    quality
        Where packings and exits came from: "packings", "exits" -> a sentence.

    Raises
    ------
    InvalidInput
        A timing of the wrong length, or with negative, NaN or infinite values; packings of unknown tensors, exits that
        are no layers.
    """

    graph: LayerGraph
    timings: Mapping[str, Timing]
    packings: Mapping[str, tuple[Packing, ...]] = field(default_factory=dict)
    exits: ExitTable | None = None
    quality: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.graph.layers]
        if not self.timings:
            raise InvalidInput(f"profile of {self.graph.name!r} has no place; give at least one timing")
        for place, timing in self.timings.items():
            rows = {
                "seconds": timing.seconds,
                **{f"quantile {q}": row for q, row in timing.quantiles.items()},
            }
            if timing.joules is not None:
                rows["joules"] = timing.joules
            if timing.whole is not None and not (math.isfinite(timing.whole) and timing.whole >= 0):
                raise InvalidInput(
                    f"profile of {self.graph.name!r}: seconds of the whole network at place {place!r} are "
                    f"{timing.whole!r}; give a finite number, 0 or more"
                )
            for what, row in rows.items():
                if len(row) != len(names):
                    raise InvalidInput(
                        f"profile of {self.graph.name!r}: {what} at place {place!r} has {len(row)} values; "
                        f"expected {len(names)}, one per layer"
                    )
                for name, value in zip(names, row, strict=True):
                    if not (math.isfinite(value) and value >= 0):
                        raise InvalidInput(
                            f"profile of {self.graph.name!r}: {what} of layer {name!r} at place {place!r} is "
                            f"{value!r}; give a finite number, 0 or more"
                        )
        refuse_unknown_names(
            f"profile of {self.graph.name!r}",
            self.packings,
            self.exits,
            self.graph.index,
            [tensor.name for tensor in self.graph.tensors],
            self.timings,
        )

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(self.timings)

    def timing(self, place: str) -> Timing:
        """The timing at a place; an unknown one is refused with the known ones."""
        if place not in self.timings:
            raise InvalidInput(f"profile of {self.graph.name!r}: {unknown('place', place, self.timings)}")
        return self.timings[place]

    def renamed(self, *places: str) -> Profile:
        """The same profile with its places called `places`, in order."""
        if len(places) != len(self.timings):
            raise InvalidInput(f"{len(places)} names for the {len(self.timings)} places {self.places}; give one each")
        names = dict(zip(self.timings, places, strict=True))
        packings = {tensor: tuple(p.renamed(names) for p in variants) for tensor, variants in self.packings.items()}
        return replace(self, timings=dict(zip(places, self.timings.values(), strict=True)), packings=packings)

    def merged(self, other: Profile) -> Profile:
        """This profile with the places of `other` behind its own. Both must be of the same layers.

        Packings of both are kept, and this profile's exits or else the other's.
        """
        refuse_other_network(self.graph, other.graph)
        if shared := set(self.timings) & set(other.timings):
            raise InvalidInput(f"place {sorted(shared)[0]!r} is in both profiles; rename one with Profile.renamed")
        return Profile(
            self.graph,
            {**self.timings, **other.timings},
            merged_packings(self.packings, other.packings),
            other.exits if self.exits is None else self.exits,
            {**other.quality, **self.quality},
        )

    def save(self, path: str | Path) -> None:
        """Write the profile as a JSON file."""
        files.write(path, "profile", self)

    @staticmethod
    def load(path: str | Path) -> Profile:
        """Read a profile from a JSON file."""
        return files.read(path, "profile", Profile)


def refuse_other_network(mine: LayerGraph, theirs: LayerGraph) -> None:
    """Raise `InvalidInput` naming the first layer or tensor in which two graphs differ."""
    pairs: list[tuple[Layer | Tensor, Layer | Tensor]] = [
        *zip(mine.layers, theirs.layers, strict=False),
        *zip(mine.tensors, theirs.tensors, strict=False),
    ]
    unequal = next(((a, b) for a, b in pairs if a != b), None)
    if unequal is not None:
        difference = _difference(*unequal)
    elif (len(mine.layers), len(mine.tensors)) == (len(theirs.layers), len(theirs.tensors)):
        return
    else:
        difference = " against ".join(f"{len(g.layers)} layers and {len(g.tensors)} tensors" for g in (mine, theirs))
    raise InvalidInput(
        f"profiles of {mine.name!r} and {theirs.name!r} differ ({difference}); "
        "profile the same network at the same grain on both places"
    )


def _difference(mine: Layer | Tensor, theirs: Layer | Tensor) -> str:
    what = type(mine).__name__.lower()
    if mine.name != theirs.name:
        return f"{what} {mine.name!r} against {theirs.name!r}"
    name = next(f.name for f in fields(mine) if getattr(mine, f.name) != getattr(theirs, f.name))
    return f"{what} {mine.name!r}: {name} {getattr(mine, name)!r} against {getattr(theirs, name)!r}"
