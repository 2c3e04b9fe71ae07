"""What a notebook shows of a result, an envelope and a front: a table, and a small picture where there is one.

No colours are set but the white ground of the picture, so that both are legible on dark pages. Every name is escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput
from optsplit.report import envelope_rows
from optsplit.result import Result, percent, quantity

if TYPE_CHECKING:
    from optsplit.algorithms.envelope import Envelope
    from optsplit.algorithms.front import Front

_MOST = 200
"""Layers, bars or units that a picture is drawn of: beyond, a notebook would wait."""
_SHOWN = 20
"""Rows of a long table, the first and the last ones."""


def result(result: Result) -> str:
    """A result: its table, and its plan where that can be drawn quickly."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in result.rows()
    )
    label = f"{result.method}: {result.status}"
    small = result.plan is not None and _size(result) <= _MOST
    return _side_by_side(f"<table>{rows}</table>", _picture(_plan(result), label, rows) if small else "")


def envelope(envelope: Envelope) -> str:
    """An envelope: one row for each optimal plan, from the slowest link to the fastest, and its picture."""
    unit = "Mbit/s" if envelope.per_byte else "factor"
    try:
        found = envelope_rows(envelope)
    except InvalidInput as error:  # as far as an infinite bandwidth
        return f"<p>{escape(envelope.name)}: {escape(str(error))}</p>"
    rows = [
        (
            f"{row.slowest:.4g}", f"{row.fastest:.4g}", ", ".join(f"{p} {count}" for p, count in row.layers.items()),
            *(f"{at / 1e6:.4g} ms" if envelope.per_byte else f"{at:.6g}" for at in (row.at_slowest, row.at_fastest)),
        )
        for row in found
    ]  # fmt: skip
    heads = (f"from, {unit}", f"to, {unit}", "layers", "value from", "value to")
    caption = f"{envelope.name}: optimal plans over bandwidth, {len(rows)} of them, {envelope.cuts} minimum cuts"
    table = _table(caption, heads, rows)
    return _side_by_side(table, _picture(lambda ax: envelope.plot(ax=ax), caption, table))


def front(front: Front) -> str:
    """A front: one row for each point, what is proven, and its picture."""
    rows = [
        (
            *(quantity(value, front.units.get(m, "")) for m, value in zip(front.metrics, point.values, strict=True)),
            "proven" if point.proven else "found",
        )
        for point in front.points
    ]  # fmt: skip
    caption = f"{front.name}: {len(front)} points, gap {percent(front.gap)}; {front.covers}"
    table = _table(caption, (*front.metrics, ""), rows)
    return _side_by_side(table, _picture(lambda ax: front.plot(ax=ax), caption, table) if front.points else "")


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Iterable[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    shown = [line(row, "td") for row in rows]
    if len(rows) > _SHOWN:
        half = _SHOWN // 2
        shown[half:-half] = [f'<tr><td colspan="{len(heads)}">… {len(rows) - _SHOWN} more …</td></tr>']
    return (
        f"<table><caption>{escape(caption)}</caption><thead>{line(heads, 'th')}</thead>"
        f"<tbody>{''.join(shown)}</tbody></table>"
    )


def _side_by_side(table: str, picture: str) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">{table}{picture}</div>'


def _size(result: Result) -> int:
    """About how many marks the picture of a result has."""
    plan: Any = result.plan
    for name in ("assignment", "operations", "order"):
        if hasattr(plan, name):
            return len(getattr(plan, name))
    machines = getattr(result.problem, "machines", 1)
    return len(plan.sequence) * (machines if isinstance(machines, int) else 1)


def _plan(result: Result) -> Callable[[Any], Any]:
    from optsplit.problems.upload_order import UploadOrder

    def draw(ax: Any) -> Any:
        if isinstance(result.problem, UploadOrder):
            from optsplit.plots import upload

            return upload.draw(result.problem, result, ax=ax, others={})  # the usual orders would have to be solved
        return result.plot(ax=ax)

    return draw


def _picture(draw: Callable[[Any], Any], label: str, table: str) -> str:
    """An inline SVG, or nothing: a notebook shows the table whatever becomes of the picture.

    Its identifiers begin with a digest of the table beside it, so that they are the same each time, and no other's.
    """
    try:
        from optsplit.plots.svg import svg

        drawn = svg(draw, f"p{hashlib.sha256(table.encode()).hexdigest()[:10]}-", label, 4.4, 3.0)
    except Exception:  # no matplotlib, no problem kept, a name that no font can draw
        return ""
    return f'<div style="width:26em;max-width:100%;background:#fff;color:#000">{drawn}</div>'
