"""What an upload measured: the latency of queries while weights travel, beside the predicted curve."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(frozen=True)
class Asked:
    """A query: when it began, in seconds since the upload began; how long it took; units that were there."""

    start: float
    seconds: float
    there: int
    outputs: tuple[torch.Tensor, ...] = field(repr=False)


@dataclass(frozen=True)
class Step:
    """A part of the curve: one latency while no better plan could run, in seconds.

    Parameters
    ----------
    units
        That were there at its start.
    predicted_start, start
        When the last of them was whole; None: it never was.
    predicted, median
        Latency; None: no query began in it.
    queries
        How many did.
    """

    units: int
    predicted_start: float
    start: float | None
    predicted: float
    median: float | None
    queries: int


@dataclass(frozen=True)
class Uploaded:
    """What an upload measured.

    Parameters
    ----------
    queries
        In the order in which they were asked, back to back.
    arrivals
        (seconds, unit): when each was whole at the server.
    predicted
        The curve of the plan in seconds: (time, latency from then on).
    expected
        For each number of units that are there: (seconds until they are, latency with them), predicted.
    network
        Its name.
    notes
        What a reader must know.
    """

    queries: tuple[Asked, ...]
    arrivals: tuple[tuple[float, str], ...]
    predicted: tuple[tuple[float, float], ...]
    expected: tuple[tuple[float, float], ...] = ()
    network: str = ""
    notes: tuple[str, ...] = ()

    @property
    def finish(self) -> float:
        """When the last unit was there."""
        return self.arrivals[-1][0] if self.arrivals else 0.0

    @property
    def predicted_finish(self) -> float:
        """When it was to be there."""
        return self.expected[-1][0] if self.expected else 0.0

    def mean_latency(self, until: float) -> float:
        """Mean over time of the latency of the query that runs, from the start to `until`."""
        area = clock = 0.0
        for query in self.queries:
            end = min(query.start + query.seconds, until)
            if end > clock:
                area += (end - clock) * query.seconds
                clock = end
        return area / clock if clock else 0.0

    def predicted_mean(self, until: float) -> float:
        """The same of the predicted curve."""
        area = 0.0
        ends = [start for start, _ in self.predicted[1:]] + [until]
        for (start, latency), end in zip(self.predicted, ends, strict=True):
            area += max(min(end, until) - start, 0.0) * latency
        return area / until if until else 0.0

    def steps(self) -> Iterator[Step]:
        """The curve, one step for each latency that is predicted."""
        levels = itertools.groupby(enumerate(self.expected), key=lambda entry: entry[1][1])
        for latency, group in levels:
            counts = [k for k, _ in group]
            first = counts[0]
            mine = [query.seconds for query in self.queries if query.there in range(first, counts[-1] + 1)]
            begun = 0.0 if first == 0 else self.arrivals[first - 1][0] if first <= len(self.arrivals) else None
            median = statistics.median(mine) if mine else None
            yield Step(first, self.expected[first][0], begun, latency, median, len(mine))

    def content(self) -> dict[str, Any]:
        """Plain data, for JSON; means are over the time to the measured finish."""
        return {
            "network": self.network,
            "queries": len(self.queries),
            "finish": {"predicted": self.predicted_finish, "measured": self.finish},
            "mean_latency": {
                "predicted": self.predicted_mean(self.predicted_finish),
                "measured": self.mean_latency(self.finish),
            },
            "steps": [
                {
                    "units": step.units,
                    "start": {"predicted": step.predicted_start, "measured": step.start},
                    "latency": {"predicted": step.predicted, "median": step.median},
                    "queries": step.queries,
                }
                for step in self.steps()
            ],
            "arrivals": [{"seconds": when, "unit": unit} for when, unit in self.arrivals],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        rows = [("units there", "from, s", "measured", "latency, ms", "measured", "queries")]
        for step in self.steps():
            start = "-" if step.start is None else f"{step.start:.3g}"
            median = "-" if step.median is None else f"{step.median * 1e3:.4g}"
            rows.append(
                (f"{step.units}", f"{step.predicted_start:.3g}", start, f"{step.predicted * 1e3:.4g}", median,
                 f"{step.queries}")
            )  # fmt: skip
        width = [max(len(row[i]) for row in rows) for i in range(6)]
        table = ["  ".join(cell.rjust(w) for cell, w in zip(row, width, strict=True)) for row in rows]
        mean, then = self.predicted_mean(self.predicted_finish), self.mean_latency(self.finish)
        return "\n".join(
            [
                f"{self.network}: {len(self.arrivals)} units uploaded, {len(self.queries)} queries",
                *table,
                f"finish        predicted {self.predicted_finish:.4g} s, measured {self.finish:.4g} s"
                f"{_error(self.predicted_finish, self.finish)}",
                f"mean latency  predicted {mean * 1e3:.4g} ms, measured {then * 1e3:.4g} ms{_error(mean, then)}",
                *self.notes,
            ]
        )


def _error(predicted: float, measured: float) -> str:
    return f" ({100 * (predicted / measured - 1):+.1f} %)" if measured else ""
