"""Pictures of matplotlib as SVG inside a page of HTML: no identifier, style or text of one touches another."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML has no way to write; a layer's name may hold them."""

_LONG = re.compile(r"\d+\.\d{3,}")


def svg(draw: Callable[[Any], Any], prefix: str, label: str, width: float, height: float) -> str:
    """Draw on new axes and return an `<svg>` element, readable aloud as `label`.

    Parameters
    ----------
    draw
        Takes matplotlib axes.
    prefix
        Unique on the page; begins every identifier.
    label
        What the picture shows.
    width, height
        Inches.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # text stays text, so that it can be searched; `$` in a name is no formula; the same picture has the same bytes
    with (
        warnings.catch_warnings(),
        rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix, "text.parse_math": False}),
    ):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                _plain(axis)
        text = io.StringIO()
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the browser's font draws it
        figure.savefig(text, format="svg", transparent=True)
    root = ElementTree.fromstring(_ILLEGAL.sub("\ufffd", text.getvalue()))
    _drop(root, {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                value = prefix + value
            elif name == _HREF:
                value = "#" + prefix + value.removeprefix("#")
            elif "url(#" in value:
                value = value.replace("url(#", f"url(#{prefix}")
            element.set(name, _LONG.sub(lambda found: f"{float(found[0]):.2f}", value) if name == "d" else value)
    for name in ("width", "height"):
        root.attrib.pop(name)
    root.set("role", "img")
    root.set("aria-label", _ILLEGAL.sub("\ufffd", label))
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _plain(axis: Any) -> None:
    """Powers on a logarithmic axis as numbers, since `$` is no formula here."""
    from matplotlib.ticker import LogFormatter, LogFormatterMathtext

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
        axis.set_major_formatter(Plain())
        axis.set_minor_formatter(Plain(minor_thresholds=(1, 0.4)))


def _drop(root: Any, names: set[str]) -> None:
    # the style of one picture would hold for the whole page
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in names]:
            parent.remove(child)
