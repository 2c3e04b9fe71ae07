"""Published regressions: Edgent's, the only table whose coefficients are printed.

IONN prints R^2 and RMSE of its functions, Neurosurgeon their variables; neither prints coefficients.
"""

from __future__ import annotations

from optsplit.hardware import Presets
from optsplit.profiling.regression import LinearModel, Regressions

_VARIABLES: dict[str, tuple[str, ...]] = {
    "conv": ("input_maps", "filter_term"),
    "relu": ("input_size",),
    "pool": ("input_size", "output_size"),
    "lrn": ("input_size",),
    "dropout": ("input_size",),
    "linear": ("input_size", "output_size"),
    "loading": ("bytes",),
}


def _edgent(name: str, device: str, **milliseconds: tuple[float, ...]) -> Regressions:
    models = {
        kind: LinearModel(_VARIABLES[kind], tuple(c / 1000 for c in row[:-1]), row[-1] / 1000)
        for kind, row in milliseconds.items()
    }
    loading = models.pop("loading")
    source = f"Edgent (MECOMM 2018), table 1, {device}; R^2 and RMSE not printed"
    return Regressions(name, source, models, loading)


regressions: Presets[Regressions] = Presets(
    "regressions preset",
    {
        # The authors' slide swaps the two columns: the slow one is the Raspberry Pi.
        "raspberry-pi-3": _edgent(
            "raspberry-pi-3",
            "mobile device: Raspberry Pi 3",
            conv=(6.13e-3, 2.67e-2, -9.909),
            relu=(1.5e-5, 4.88e-1),
            pool=(1.33e-4, 3.31e-5, 1.657),
            lrn=(5.19e-4, 5.89e-1),
            dropout=(2.34e-6, 0.0525),
            linear=(9.18e-4, 3.99e-3, 1.169),
            loading=(4.49e-6, 842.136),
        ),
        "desktop": _edgent(
            "desktop",
            "edge server: desktop PC",
            conv=(6.03e-5, 1.24e-4, 1.89e-1),
            relu=(5.6e-6, 5.69e-2),
            pool=(1.63e-5, 4.07e-6, 2.11e-1),
            lrn=(6.59e-5, 7.80e-2),
            dropout=(5.23e-6, 4.64e-3),
            linear=(1.07e-4, -1.83e-4, 0.164),
            loading=(1.33e-6, 2.182),
        ),
    },
)
"""Edgent's regressions for its Raspberry Pi 3 and its desktop edge server.

The convolution's variables do not know the size of the feature maps: two layers that differ in it alone get the same
time, so the tables hold for networks like the one that they were fitted on.
"""
