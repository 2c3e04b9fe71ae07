"""Spans of frames against predictions: the report of a run and its Gantt chart."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optsplit.executor.predicted import Arc, Predicted
from optsplit.executor.stages import Stages

COMPUTE, SEND, WAIT = "compute", "send", "wait"


@dataclass(frozen=True)
class Span:
    """A part of a frame, in seconds since the frame started.

    Parameters
    ----------
    kind
        "compute", "send" or "wait" (a stage that waited for another client's).
    stage
        Of computing: which; of sending: the stage that the tensors are for, None for outputs.
    where
        A place, or "from -> to".
    start, end
        Seconds.
    size
        Bytes sent.
    """

    kind: str
    stage: int | None
    where: str
    start: float
    end: float
    size: int = 0

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Frame:
    """One frame.

    Parameters
    ----------
    index, start, seconds
        Which, when on `time.monotonic`, and how long it took.
    spans
        Its parts.
    stages, plan
        The plan that it went by, and what that is called.
    fallback
        Why it was run on the device alone; None: it was not.
    exit
        By confidence, where it ended; None: it passed them all.
    """

    index: int
    seconds: float
    spans: tuple[Span, ...]
    stages: Stages = field(repr=False, compare=False)
    plan: str = ""
    fallback: str | None = None
    start: float = 0.0
    exit: str | None = None


@dataclass(frozen=True)
class Line:
    """One row of the report: a part of the plan, predicted and measured, in seconds."""

    what: str
    kind: str
    predicted: float | None
    median: float
    low: float
    high: float
    size: int = 0

    @property
    def error(self) -> float | None:
        """(predicted - measured) / measured; None where nothing, or no time, was predicted."""
        return (self.predicted - self.median) / self.median if self.predicted and self.median else None


@dataclass(frozen=True)
class Execution:
    """What a run measured.

    Parameters
    ----------
    network, stages
        What ran; of plans that changed, the last one.
    frames
        In the order in which they were asked.
    seconds
        Of all frames, from the first start to the last answer.
    predicted
        None where no problem was given.
    notes
        What a reader must know: emulated links, places in one process, ...
    decisions
        Changes of plan, failures and returns: (seconds, text).
    """

    network: str
    stages: Stages
    frames: tuple[Frame, ...]
    seconds: float
    predicted: Predicted | None = None
    notes: tuple[str, ...] = ()
    decisions: tuple[tuple[float, str], ...] = ()
    outputs: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    @property
    def answered(self) -> tuple[Frame, ...]:
        """Frames that went by the plan, and not by an earlier one or on the device alone."""
        return tuple(frame for frame in self.frames if frame.fallback is None and frame.stages is self.stages)

    @property
    def fallen(self) -> int:
        """How many frames were run on the device alone because a server did not answer."""
        return sum(frame.fallback is not None for frame in self.frames)

    @property
    def total(self) -> Line:
        """End to end."""
        guess = None if self.predicted is None else self.predicted.total
        if self.predicted is not None and self.predicted.ends and self.answered:
            # the problem's price is a mean over other samples than these
            guess = statistics.fmean(self.predicted.ends[frame.exit] for frame in self.answered)
        return _line("frame", "total", guess, [frame.seconds for frame in self.answered or self.frames])

    @property
    def exits(self) -> Mapping[str, int]:
        """How many frames ended at each exit by confidence, those that passed them all under "end"."""
        return dict(Counter(frame.exit or "end" for frame in self.frames)) if self.stages.exits else {}

    @property
    def period(self) -> Line:
        """Seconds between two answers of a stream, on average; filling and emptying it do not count."""
        ends = [frame.start + frame.seconds for frame in self.frames]
        each = (max(ends) - min(ends)) / (len(ends) - 1) if len(ends) > 1 else self.seconds
        return _line("period", "total", None if self.predicted is None else self.predicted.period, [each])

    @property
    def lines(self) -> tuple[Line, ...]:
        """The parts of a frame in the order in which they ran, medians over frames."""
        table: dict[tuple[str, int | None, str], list[Span]] = {}
        for frame in self.answered:
            for span in frame.spans:
                table.setdefault((span.kind, span.stage, span.where), []).append(span)
        lines = []
        for (kind, stage, where), spans in table.items():
            guess = None
            if self.predicted is not None and kind == COMPUTE and stage is not None:
                guess = self.predicted.stages[stage]
            elif self.predicted is not None and kind == SEND:
                guess = self._message(stage, where)
            lines.append(_line(self._label(kind, stage, where), kind, guess, [s.seconds for s in spans], spans[0].size))
        return tuple(lines)

    def _message(self, stage: int | None, where: str) -> float | None:
        assert self.predicted is not None
        arc: Arc = tuple(where.split(" -> "))  # type: ignore[assignment]
        return self.predicted.messages.get((stage, arc))

    def _label(self, kind: str, stage: int | None, where: str) -> str:
        if kind == WAIT:
            return f"{where} busy"
        if kind == SEND:
            return where
        assert stage is not None
        layers = self.stages.order[stage].layers
        return f"{where}: {layers[0]}" + (f" .. {layers[-1]} ({len(layers)})" if len(layers) > 1 else "")

    @property
    def errors(self) -> Mapping[str, float]:
        """Relative error of every predicted number, the latency's under "frame"."""
        found = {f"{i} {line.what}": line.error for i, line in enumerate(self.lines, 1)}
        found["frame"] = self.total.error
        return {name: error for name, error in found.items() if error is not None}

    def content(self) -> dict[str, Any]:
        """Plain data, for JSON."""

        def row(line: Line) -> dict[str, Any]:
            return {
                "what": line.what, "kind": line.kind, "predicted": line.predicted, "median": line.median,
                "q10": line.low, "q90": line.high, "bytes": line.size, "error": line.error,
            }  # fmt: skip

        return {
            "network": self.network,
            "frames": len(self.frames),
            "fallbacks": self.fallen,
            "seconds": self.seconds,
            "latency": row(self.total),
            "period": row(self.period),
            "parts": [row(line) for line in self.lines],
            "decisions": [{"seconds": when, "what": what} for when, what in self.decisions],
            "notes": list(self.notes),
            **({"exits": dict(self.exits)} if self.exits else {}),
        }

    def gantt(self, width: int = 60) -> str:
        """Predicted and measured frame as bars of text, one row per part, both on one scale."""
        lines = [line for line in self.lines if line.kind != WAIT]
        rows: list[tuple[str, list[float | None]]] = [
            ("predicted", [line.predicted for line in lines]),
            ("measured", [line.median for line in lines]),
        ]
        longest = max((sum(value or 0.0 for value in values) for _, values in rows), default=0.0) or 1.0
        label = max((len(line.what) for line in lines), default=0)
        text = []
        for name, values in rows:
            if all(value is None for value in values):
                continue
            clock = 0.0
            text.append(f"{name}: {sum(value or 0.0 for value in values) * 1e3:.4g} ms")
            for line, value in zip(lines, values, strict=True):
                begin = round(clock / longest * width)
                clock += value or 0.0
                end = max(round(clock / longest * width), begin + (1 if value else 0))
                mark = "#" if line.kind == COMPUTE else "="
                text.append(f"  {line.what:<{label}} |{' ' * begin}{mark * (end - begin)}")
        return "\n".join(text)

    def __str__(self) -> str:
        rows = [("part", "predicted", "median", "10 %", "90 %", "error")]
        for line in (*self.lines, self.total):
            error = "-" if line.error is None else f"{100 * line.error:+.1f} %"
            guess = "-" if line.predicted is None else _ms(line.predicted)
            rows.append((line.what, guess, _ms(line.median), _ms(line.low), _ms(line.high), error))
        width = [max(len(row[i]) for row in rows) for i in range(6)]
        table = [
            "  ".join([row[0].ljust(width[0]), *(cell.rjust(w) for cell, w in zip(row[1:], width[1:], strict=True))])
            for row in rows
        ]
        fallen = f", {self.fallen} on the device alone" if self.fallen else ""
        frames = f"{len(self.frames)} frames in {self.seconds:.3g} s{fallen}"
        ends = [f"frames that ended at {exit_}: {count}" for exit_, count in self.exits.items()]
        if ends and self.predicted is not None:
            ends.append(f"predicted mean over the samples of the problem: {_ms(self.predicted.total)}")
        return "\n".join([f"{self.network}: {frames}", *table, *ends, *self.notes])


def _line(what: str, kind: str, guess: float | None, values: Sequence[float], size: int = 0) -> Line:
    ordered = sorted(values) or [0.0]

    def at(q: float) -> float:
        return ordered[round(q * (len(ordered) - 1))]

    return Line(what, kind, guess, statistics.median(ordered), at(0.1), at(0.9), size)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.4g} ms"
