"""Fit regressions on measured profiles: non-negative least squares per layer kind."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from optsplit.errors import InvalidInput
from optsplit.graph import LayerGraph
from optsplit.profiling.profile import Profile
from optsplit.profiling.regression import ELEMENTWISE, LinearModel, Regressions

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_SIZES = ("input_size", "output_size")
_WORK = ("flops", "weight_bytes", "input_size", "output_size")


def computing(graph: LayerGraph) -> Iterator[tuple[int, str, Mapping[str, float]]]:
    """Index, kind and feature values of each layer that takes time: not inputs, constants and free layers."""
    for i, (layer, weight) in enumerate(zip(graph.layers, graph.layer_weight_bytes, strict=True)):
        if not layer.free and layer.kind not in ("input", "constant"):
            yield i, layer.kind, {"flops": layer.flops, "weight_bytes": weight, **layer.features}


def goodness(predicted: NDArray[numpy.float64], measured: NDArray[numpy.float64]) -> tuple[float | None, float]:
    """R^2 (None where the measured values do not vary, or less than a square can hold) and RMSE."""
    errors = float(((predicted - measured) ** 2).sum())
    spread = float(((measured - measured.mean()) ** 2).sum())
    # equal values can have a mean that is off by a hair
    r2 = 1 - errors / spread if spread > 0 and measured.min() < measured.max() else None
    return r2, math.sqrt(errors / len(measured))


def fit(profiles: Profile | Sequence[Profile], place: str, *, name: str | None = None) -> Regressions:
    """Fit one linear model per layer kind on the measured layers of one place.

    Least squares on seconds, with no coefficient below zero. The variables are FLOPs, bytes of weights, input and
    output size, not sizes alone: depthwise and 1x1 convolutions move as much as others and compute far less, and
    fully connected layers at batch 1 wait for their weights. Errors are absolute, not relative: a cut is decided by
    sums of layers, which the long ones make up, so read RMSE before trusting one short layer. Coefficients of at
    least 0 keep predictions positive outside the fit's range. `benchmarks/regressions.py` measures the error on
    networks that were left out.

    Element-wise kinds use the sizes alone. A kind keeps at most one coefficient for every two layers
    measured, and only columns that the data can tell apart; the model's note says when there were fewer
    layers than the whole form has coefficients.

    Parameters
    ----------
    profiles
        Measured profiles, one or several networks. More networks, more varied sizes, better predictions.
    place
        The place to fit, present in each of them.
    name
        Name of the regressions; the place's by default.

    Raises
    ------
    InvalidInput
        No profile, an unknown place, or no layer that takes time.
    """
    import numpy as np

    given = [profiles] if isinstance(profiles, Profile) else list(profiles)
    if not given:
        raise InvalidInput("fit got no profile; give at least one measured profile")
    samples: dict[str, list[tuple[Mapping[str, float], float]]] = {}
    for profile in given:
        seconds = profile.timing(place).seconds
        for i, kind, values in computing(profile.graph):
            samples.setdefault(kind, []).append((values, seconds[i]))
    networks = ", ".join(dict.fromkeys(profile.graph.name for profile in given))
    if not samples:
        raise InvalidInput(f"fit found no layer that takes time in {networks}; give a profile of a whole network")
    models = {}
    for kind, rows in sorted(samples.items()):
        wanted = _SIZES if kind in ELEMENTWISE else _WORK
        form = [f for f in wanted if all(f in values for values, _ in rows)]
        matrix = np.array([[*(values[f] for f in form), 1.0] for values, _ in rows], dtype=np.float64)
        models[kind] = _fit_kind(form, matrix, np.array([t for _, t in rows], dtype=np.float64))
    # what all the measurements have in common; rounds and dates differ from one to the next
    origin = [
        f"{key}={value}"
        for key, value in given[0].timing(place).source.items()
        if all(profile.timing(place).source.get(key) == value for profile in given)
    ]
    measured = f" ({', '.join(origin)})" if origin else ""
    return Regressions(name or place, f"fitted on {networks} at place {place!r}{measured}", models)


def _fit_kind(form: Sequence[str], matrix: NDArray[numpy.float64], seconds: NDArray[numpy.float64]) -> LinearModel:
    import numpy as np

    count, width = matrix.shape
    # Least squares with coefficients >= 0 equals plain least squares on the columns that it leaves positive.
    # With five columns at most every subset is tried: exact also where columns are collinear, and among
    # equal fits the one with the fewest columns is kept.
    tie = 1e-9 * float((seconds**2).sum())
    best: tuple[float, tuple[int, ...], NDArray[np.float64]] | None = None
    for size in range(1, min(width, max(1, count // 2)) + 1):
        for columns in combinations(range(width), size):
            part = matrix[:, columns]
            scale = np.linalg.norm(part, axis=0)
            if not scale.all():
                continue
            scaled, _, rank, _ = np.linalg.lstsq(part / scale, seconds, rcond=1e-9)
            if rank < size or (scaled < 0).any():
                continue
            error = float(((part / scale @ scaled - seconds) ** 2).sum())
            if best is None or error < best[0] - tie:
                best = error, columns, scaled / scale
    assert best is not None  # the intercept alone always qualifies
    _, columns, found = best
    r2, rmse = goodness(matrix[:, columns] @ found, seconds)
    chosen = {i: float(c) for i, c in zip(columns, found, strict=True)}
    intercept = chosen.pop(width - 1, 0.0)
    return LinearModel(
        tuple(form[i] for i in chosen),
        tuple(chosen.values()),
        intercept,
        r2,
        rmse,
        count,
        f"fewer layers ({count}) than coefficients of the form ({width})" if count < width else "",
    )
