"""Tables for a reader: rows of `optsplit.report` as rich tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from optsplit.report import (
    MIB,
    ComparisonRow,
    Crossing,
    EnvelopeRow,
    NetworkSummary,
    PlanSummary,
    Run,
)
from optsplit.result import SCALES, Status, percent, quantity

LONGEST = 12
"""Rows of a list that may have hundreds, before it is cut."""

T = TypeVar("T")


def table(title: str, left: Sequence[str], right: Sequence[str] = (), rows: Iterable[Sequence[str]] = ()) -> Group:
    """A title over a table whose first columns are texts and whose others are numbers."""
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in left:
        drawn.add_column(name, overflow="fold")
    for name in right:
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    return Group(Text(title, style="bold"), drawn, "")


def column(values: Sequence[float | None], unit: str) -> tuple[str, list[str]]:
    """Values in one common unit, that of the smallest that is not 0: the unit and the texts."""
    sizes = [abs(value) for value in values if value]
    scales = [*SCALES.get(unit, ()), (1.0, unit)]
    scale, name = next(((s, n) for s, n in scales if sizes and min(sizes) >= s), (1.0, unit))
    if sizes and max(sizes) / scale >= 1e7:
        scale, name = next((s, n) for s, n in scales if max(sizes) >= s)
    digits = 0 if scale == 1.0 else 3
    return name, ["-" if value is None else f"{value / scale:.{digits}f}" for value in values]


def comparison(rows: Sequence[ComparisonRow], title: str) -> Group:
    """The methods side by side."""
    unit, objectives = column([row.objective for row in rows], rows[0].unit if rows else "")
    above = "above optimum" if any(row.status is Status.OPTIMAL for row in rows) else "above best bound"
    return table(
        title,
        ("method", "status"),
        (f"objective, {unit}" if unit else "objective", above, "own gap", "build, ms", "solve, ms"),
        (
            (
                row.method,
                str(row.status),
                objective,
                percent(row.loss),
                percent(row.gap),
                f"{row.build_seconds * 1e3:.2f}",
                f"{row.solve_seconds * 1e3:.2f}",
            )
            for row, objective in zip(rows, objectives, strict=True)
        ),
    )


def _cut(rows: Sequence[T], last: int = 1) -> tuple[list[T], list[T]]:
    """The rows to show before and after a gap."""
    if len(rows) <= LONGEST:
        return list(rows), []
    return list(rows[: LONGEST - last - 1]), list(rows[-last:])


def runs(summary: PlanSummary) -> Group:
    """Which layers run where."""

    def row(run: Run) -> tuple[str, ...]:
        return run.place, run.first, run.last, str(run.layers)

    counts = ", ".join(f"{place} {count}" for place, count in summary.layers.items())
    head, tail = _cut(summary.runs)
    rows = [row(run) for run in head]
    if tail:
        rows += [("...", f"{len(summary.runs) - len(head) - len(tail)} more runs", "", ""), *map(row, tail)]
    return table(f"Layers at each place: {counts}", ("place", "from layer", "to layer"), ("layers",), rows)


def crossings(summary: PlanSummary) -> Group | None:
    """What is sent, or None where nothing is."""
    if not summary.crossings:
        return None

    packed = any(crossing.bits is not None for crossing in summary.crossings)

    def row(crossing: Crossing) -> tuple[str, ...]:
        size = "-" if crossing.bytes is None else f"{crossing.bytes:,}"
        way = f"{crossing.start} to {crossing.end}"
        bits = () if not packed else ("-" if crossing.bits is None else str(crossing.bits),)
        return crossing.tensor, way, *bits, size, quantity(crossing.cost, crossing.unit)

    head, tail = _cut(summary.crossings)
    rows = [row(crossing) for crossing in head]
    if tail:
        rest = f"{len(summary.crossings) - len(head) - len(tail)} more"
        rows += [("...", rest, *("",) * (3 if packed else 2)), *map(row, tail)]
    right = ("bits", "bytes", "takes") if packed else ("bytes", "takes")
    return table("Tensors that cross", ("tensor", "way"), right, rows)


def network(summary: NetworkSummary, title: str = "") -> Group:
    """The network in one line, and a line for each place."""
    kinds = [f"{count} {kind}" for kind, count in summary.kinds.items()]
    kinds = kinds if len(kinds) <= 6 else [*kinds[:5], "..."]
    sizes = f"{summary.flops / 1e9:.3g} GFLOP, {summary.weight_bytes / MIB:.4g} MiB of weights"
    return table(
        f"{title or summary.name}: {summary.layers} layers at grain {summary.grain!r}, {sizes}\n({', '.join(kinds)})",
        ("place", "source"),
        ("sum of layers, ms", "whole network, ms", "ratio"),
        (
            (
                place.place,
                origin(place.source),
                f"{place.layers_seconds * 1e3:.3f}",
                "-" if place.whole_seconds is None else f"{place.whole_seconds * 1e3:.3f}",
                "-" if place.ratio is None else f"{place.ratio:.3f}",
            )
            for place in summary.places
        ),
    )


def origin(source: dict[str, str]) -> str:
    """Where a timing came from, in a few words."""
    threads = source.get("threads")
    words = [
        source.get("method", "given"),
        source.get("processor", source.get("device", "")),
        f"{threads} thread{'s' * (threads != '1')}" if threads else "",
        source.get("regressions", ""),
        source.get("scaled", ""),
        f"{source['rounds']} rounds" if "rounds" in source else "",
        "not stable" if source.get("stable") == "no" else "",
        "interrupted" if source.get("interrupted") == "yes" else "",
    ]
    return ", ".join(word for word in words if word)


def envelope(rows: Sequence[EnvelopeRow], title: str, per_byte: bool, unit: str) -> Group:
    """The optimal plans over bandwidth; `unit` is that of the objective."""
    slow, fast = [row.at_slowest for row in rows], [row.at_fastest for row in rows]
    most = max(map(abs, [*slow, *fast]), default=0.0)
    scale, name = next(((s, n) for s, n in SCALES.get(unit, ()) if most >= s), (1.0, unit))
    places = list(dict.fromkeys(place for row in rows for place in row.layers))
    rate = "Mbit/s" if per_byte else "factor"
    value = "latency" if per_byte else "value"
    value += f", {name}" if name else ""
    return table(
        title,
        (),
        (f"from {rate}", f"to {rate}", *(f"layers at {place}" for place in places), f"{value}, from", "to"),
        (
            (
                f"{row.slowest:.5g}",
                f"{row.fastest:.5g}",
                *(str(row.layers.get(place, 0)) for place in places),
                f"{start / scale:,.3f}",
                f"{end / scale:,.3f}",
            )
            for row, start, end in zip(rows, slow, fast, strict=True)
        ),
    )
