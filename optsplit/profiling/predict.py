"""Predict a profile from regressions, and compare a prediction with a measurement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.profiling.fitting import computing, fit, goodness
from optsplit.profiling.profile import Profile, Timing, refuse_other_network
from optsplit.profiling.published import regressions
from optsplit.profiling.regression import ELEMENTWISE, LinearModel, Regressions, aligned, decimals

__all__ = [
    "KindError",
    "Missing",
    "PredictionError",
    "Regressions",
    "fit",
    "predict",
    "prediction_error",
    "regressions",
]

Missing = Literal["stand-in", "refuse", "zero"]


def predict(graph: LayerGraph, places: Mapping[str, Regressions], *, missing: Missing = "stand-in") -> Profile:
    """Seconds of each layer at each place, from regressions instead of a measurement.

    Inputs, constants and free layers (views, dropout at inference) take no time; negative predictions are clamped
    at 0. What was assumed stands in the source of each timing: under "assumed" the kinds without a
    model and what stood in for them, under "clamped" the layers.

    Parameters
    ----------
    graph
        The layers.
    places
        Regressions of each place; the first place holds the input.
    missing
        For a layer kind that the regressions do not have. "stand-in": an element-wise kind (activation,
        addition, concatenation, normalisation, softmax) takes the model of another element-wise kind,
        ReLU first, since its seconds follow the bytes moved; any other kind is refused. "refuse": all
        are. "zero": all take no time.

    Raises
    ------
    InvalidInput
        A kind without a model, a layer without a feature that its model needs, no place.
    """
    if missing not in get_args(Missing):
        raise InvalidInput(f"predict: {unknown('value of missing', missing, get_args(Missing))}")
    return Profile(graph, {place: _timing(graph, place, table, missing) for place, table in places.items()})


def _timing(graph: LayerGraph, place: str, table: Regressions, missing: Missing) -> Timing:
    if not isinstance(table, Regressions):
        raise InvalidInput(
            f"place {place!r} has {table!r}; give Regressions, e.g. optsplit.regressions['raspberry-pi-3']"
        )
    seconds = [0.0] * len(graph.layers)
    assumed: Counter[str] = Counter()
    clamped: list[str] = []
    for i, kind, values in computing(graph):
        name = graph.layers[i].name
        model = table.models.get(kind)
        if model is None:
            instead = _stand_in(table, kind) if missing == "stand-in" else None
            if instead is None and missing != "zero":
                raise InvalidInput(_no_model(graph, place, table, name, kind, missing))
            assumed[f"{kind} as {instead or '0 s'}"] += 1
            if instead is None:
                continue
            model = table.models[instead]
        _refuse_missing_features(table, name, kind, model, values)
        value = model.at(values)
        if value < 0:
            clamped.append(name)
        seconds[i] = max(0.0, value)
    source = {"method": "predicted", "regressions": table.name, "source": table.source}
    if assumed:
        source["assumed"] = ", ".join(f"{count} {what}" for what, count in sorted(assumed.items()))
    if clamped:
        source["clamped"] = ", ".join(clamped)
    return Timing(tuple(seconds), source=source)


def _stand_in(table: Regressions, kind: str) -> str | None:
    if kind not in ELEMENTWISE:
        return None
    # dropout's published model is that of a layer that does nothing at inference
    known = (ELEMENTWISE - {"dropout"}) & table.models.keys()
    return "relu" if "relu" in known else min(known, default=None)


def _no_model(graph: LayerGraph, place: str, table: Regressions, name: str, kind: str, missing: Missing) -> str:
    other = "missing='zero' to count it as free"
    if missing == "refuse" and kind in ELEMENTWISE:
        other = "missing='stand-in' to take another element-wise kind's"
    return (
        f"graph {graph.name!r}: layer {name!r} is of kind {kind!r}, for which regressions {table.name!r} "
        f"of place {place!r} have no model; known kinds: {', '.join(table.models)}. Fit regressions on a "
        f"profile that has such layers, or pass {other}"
    )


def _refuse_missing_features(
    table: Regressions, name: str, kind: str, model: LinearModel, values: Mapping[str, float]
) -> None:
    for feature in model.features:
        if feature not in values:
            raise InvalidInput(
                f"layer {name!r} of kind {kind!r} has no feature {feature!r}, which regressions "
                f"{table.name!r} need; it has {', '.join(values)}. Add it to Layer.features or fit "
                "regressions without it"
            )


@dataclass(frozen=True, slots=True)
class KindError:
    """Errors of the layers of one kind: R^2 and RMSE over `count` layers, and their summed seconds."""

    count: int
    r2: float | None
    rmse: float
    predicted: float
    measured: float

    @property
    def ratio(self) -> float | None:
        """Predicted over measured seconds of all its layers; None where nothing was measured."""
        return self.predicted / self.measured if self.measured else None


@dataclass(frozen=True)
class PredictionError:
    """How far a predicted profile is from a measured one.

    Parameters
    ----------
    network, place
        What was compared.
    kinds
        The errors of each layer kind.
    total
        The errors over all layers.
    whole
        Measured seconds of the network run in one go, where known.
    """

    network: str
    place: str
    kinds: Mapping[str, KindError]
    total: KindError
    whole: float | None = None

    @property
    def ratio(self) -> float | None:
        """Predicted over measured seconds, all layers together: 1 is right, 2 is twice too slow."""
        return self.total.ratio

    @property
    def whole_ratio(self) -> float | None:
        """Sum of the predicted layers over the measured run in one go."""
        return self.total.predicted / self.whole if self.whole else None

    def __str__(self) -> str:
        rows = [("kind", "R^2", "RMSE ms", "layers", "predicted ms", "measured ms", "ratio")]
        for kind, e in [*self.kinds.items(), ("all", self.total)]:
            sums = decimals(e.predicted, 1e3), decimals(e.measured, 1e3)
            rows.append((kind, decimals(e.r2), decimals(e.rmse, 1e3), str(e.count), *sums, decimals(e.ratio)))
        return f"{self.network} at {self.place}: predicted against measured\n{aligned(rows)}"


def prediction_error(predicted: Profile, measured: Profile, place: str) -> PredictionError:
    """Compare the seconds of two profiles of one network; fair when it was no part of the fit.

    Inputs, constants and free layers are left out, as they are in the fit.

    Raises
    ------
    InvalidInput
        Profiles of different networks, an unknown place, or no layer that takes time.
    """
    import numpy as np

    refuse_other_network(predicted.graph, measured.graph)
    guess, truth = predicted.timing(place), measured.timing(place)
    rows: dict[str, list[int]] = {}
    for i, kind, _ in computing(measured.graph):
        rows.setdefault(kind, []).append(i)
    if not rows:
        raise InvalidInput(f"graph {measured.graph.name!r} has no layer that takes time; nothing to compare")

    def error(layers: list[int]) -> KindError:
        p, m = (np.array([t.seconds[i] for i in layers], dtype=np.float64) for t in (guess, truth))
        return KindError(len(layers), *goodness(p, m), float(p.sum()), float(m.sum()))

    kinds = {kind: error(layers) for kind, layers in sorted(rows.items())}
    total = error([i for layers in rows.values() for i in layers])
    return PredictionError(measured.graph.name, place, kinds, total, truth.whole)
