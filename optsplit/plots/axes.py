"""Axes to draw on: the caller's, or new ones of a paper's column."""

from __future__ import annotations

from typing import Any

from optsplit.errors import MissingDependency


def need_matplotlib() -> None:
    """Raise `MissingDependency` where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependency('matplotlib is not installed; pip install "optsplit[plot]"') from error


def axes_or_new(ax: Any) -> Any:
    """The axes given, or new ones."""
    need_matplotlib()
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(3.3, 2.4), layout="constrained")[1]
