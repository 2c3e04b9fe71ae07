"""Regressions: seconds of a layer as a linear function of its sizes, one per layer kind.

The form is that of Neurosurgeon (ASPLOS 2017), IONN (SoCC 2018, table 3) and Edgent (MECOMM 2018, table 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optsplit import files
from optsplit.errors import InvalidInput, unknown
from optsplit.graph import refuse_duplicates

ELEMENTWISE = frozenset(
    (
        *("relu", "gelu", "activation", "sigmoid", "tanh", "softmax", "dropout", "scale", "clamp", "neg", "abs"),
        *("add", "sub", "rsub", "mul", "div", "pow", "exp", "log", "sqrt", "rsqrt", "where", "masked_fill"),
        *("batchnorm", "layernorm", "groupnorm", "instancenorm", "rmsnorm", "mean", "sum", "max", "min", "argmax"),
        *("concat", "reshape", "transpose", "split", "slice", "expand", "copy", "pad", "roll", "repeat", "gather"),
        *("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
    )
)
"""Kinds that read and write each element a few times: their seconds follow the bytes moved."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Seconds = sum of coefficient * feature + intercept.

    Parameters
    ----------
    features
        Names of the variables: keys of `Layer.features`, or "flops" and "weight_bytes" of the layer.
    coefficients
        Seconds per unit of each feature.
    intercept
        Seconds.
    r2, rmse, count
        Coefficient of determination, root mean square error in seconds and number of layers of the fit;
        None where they are not known (published tables) or not defined (R^2 of equal times).
    note
        What a reader should know before trusting it.
    """

    features: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float = 0.0
    r2: float | None = None
    rmse: float | None = None
    count: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if len(self.features) != len(self.coefficients):
            raise InvalidInput(
                f"linear model has {len(self.coefficients)} coefficients for the {len(self.features)} "
                f"features {self.features}; give one each"
            )
        refuse_duplicates("linear model: feature", self.features)
        named = dict(zip(self.features, self.coefficients, strict=True))
        for name, value in {**named, "the intercept": self.intercept}.items():
            if not math.isfinite(value):
                raise InvalidInput(f"linear model: coefficient of {name} is {value!r}; give a finite number")

    def at(self, values: Mapping[str, float]) -> float:
        """Seconds at these feature values; can be negative outside the range of the fit."""
        terms = zip(self.features, self.coefficients, strict=True)
        return sum((c * values[f] for f, c in terms), self.intercept)

    def __str__(self) -> str:
        terms = [f"{1e3 * c:.3g} {f}" for f, c in zip(self.features, self.coefficients, strict=True)]
        if self.intercept or not terms:
            terms.append(f"{1e3 * self.intercept:.3g}")
        return " + ".join(terms).replace("+ -", "- ")


@dataclass(frozen=True)
class Regressions:
    """The seconds of every layer kind on one device.

    Parameters
    ----------
    name
        The device, or where the fit was made.
    source
        The paper, or the profiles that it was fitted on.
    models
        One linear model per layer kind.
    loading
        Seconds to load a model of "bytes" bytes, where that is known; no part of any layer.
    """

    name: str
    source: str
    models: Mapping[str, LinearModel]
    loading: LinearModel | None = None

    def __post_init__(self) -> None:
        if not self.models:
            raise InvalidInput(f"regressions {self.name!r} have no model; give one for a layer kind")
        if self.loading is not None and self.loading.features != ("bytes",):
            raise InvalidInput(
                f"regressions {self.name!r}: loading has the features {self.loading.features}; expected ('bytes',)"
            )

    def model(self, kind: str) -> LinearModel:
        """The model of a layer kind; an unknown one is refused with the known ones."""
        if kind not in self.models:
            raise InvalidInput(f"regressions {self.name!r}: {unknown('layer kind', kind, self.models)}")
        return self.models[kind]

    def loading_seconds(self, size: float) -> float:
        """Seconds to load a model of `size` bytes before its first inference, at least 0.

        Raises
        ------
        InvalidInput
            Loading was not part of the fit, or a negative size.
        """
        if self.loading is None:
            raise InvalidInput(f"regressions {self.name!r} have no loading time; take a table that has, or measure it")
        if not (math.isfinite(size) and size >= 0):
            raise InvalidInput(f"model to load has {size!r} bytes; give a finite number, 0 or more")
        return max(0.0, self.loading.at({"bytes": size}))

    def save(self, path: str | Path) -> None:
        """Write the regressions as a JSON file."""
        files.write(path, "regressions", self)

    @staticmethod
    def load(path: str | Path) -> Regressions:
        """Read regressions from a JSON file."""
        return files.read(path, "regressions", Regressions)

    def __str__(self) -> str:
        rows = [("kind", "R^2", "RMSE ms", "layers", "milliseconds")]
        for kind, model in self.models.items():
            count = "-" if model.count is None else str(model.count)
            note = f"  ({model.note})" if model.note else ""
            rows.append((kind, decimals(model.r2), decimals(model.rmse, 1e3), count, f"{model}{note}"))
        return f"{self.name}: {self.source}\n{aligned(rows)}"


def decimals(value: float | None, scale: float = 1.0) -> str:
    """Three decimals of `value` times `scale`, or "-"."""
    return "-" if value is None else f"{scale * value:.3f}"


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text in columns: the first and the last flush left, numbers between them flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<", *">" * (len(widths) - 2), "<"]
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
