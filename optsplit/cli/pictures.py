"""Pictures saved to files, without a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from optsplit import plots
from optsplit.errors import InvalidInput


def refuse_undrawable(path: str | None) -> None:
    """Refuse a picture that cannot be made, before any long work.

    Raises
    ------
    MissingDependency
        matplotlib is not installed.
    InvalidInput
        The file's ending names no kind of picture.
    """
    if path is None:
        return
    plots.need_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    kinds = FigureCanvasBase.get_supported_filetypes()
    if (ending := Path(path).suffix.lstrip(".").lower()) not in kinds:
        raise InvalidInput(f"{path}: cannot draw a {ending or 'file without ending'}; give one of .png, .pdf, .svg")


def save(path: str, draw: Callable[[Any], Any], width: float = 3.3, height: float = 2.4) -> None:
    """Draw into a figure of its own, inches wide and high, and write it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    draw(figure.subplots())
    try:
        figure.savefig(path, dpi=200)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror}); check the path") from error
