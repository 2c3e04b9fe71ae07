"""What a schedule measured: spans of its machines beside the planned ones."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optsplit.executor.jobs import Jobs, Turn

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWYZ"


@dataclass(frozen=True)
class Round:
    """The whole schedule once: each turn's (start, end), in seconds since its beginning, and each job's end.

    `fallback` has the jobs that the device ran alone after a server was lost, and why; their turns have no spans.
    """

    spans: Mapping[Turn, tuple[float, float]]
    ends: tuple[float, ...]
    outputs: tuple[tuple[Any, ...], ...] = field(repr=False)
    fallback: Mapping[int, str] = field(default_factory=dict)

    @property
    def makespan(self) -> float:
        return max(self.ends)


@dataclass(frozen=True)
class Scheduled:
    """A schedule, planned and measured.

    Parameters
    ----------
    name, jobs
        What ran.
    rounds
        The whole schedule, again and again.
    notes
        What a reader must know.
    """

    name: str
    jobs: Jobs
    rounds: tuple[Round, ...]
    notes: tuple[str, ...] = ()

    @property
    def makespan(self) -> float:
        """Median over the rounds."""
        return statistics.median(each.makespan for each in self.rounds)

    @property
    def outputs(self) -> tuple[tuple[Any, ...], ...]:
        """Of each job, in the last round."""
        return self.rounds[-1].outputs

    @property
    def typical(self) -> Round:
        """The round of median makespan (of two, the shorter)."""
        return sorted(self.rounds, key=lambda each: each.makespan)[(len(self.rounds) - 1) // 2]

    def busy(self, machine: str) -> tuple[float, float | None]:
        """Seconds of a machine's turns, planned and measured; None where this side does not see them."""
        turns, spans = self.jobs.turns[machine], self.typical.spans
        told = sum(turn.end - turn.start for turn in turns)
        if not all(turn in spans for turn in turns):
            return told, None
        return told, sum(spans[turn][1] - spans[turn][0] for turn in turns)

    def content(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "name": self.name,
            "rounds": len(self.rounds),
            "makespan": {"predicted": self.jobs.makespan, "measured": self.makespan},
            "makespans": [each.makespan for each in self.rounds],
            "machines": [
                {"machine": machine, "predicted": told, "measured": seen}
                for machine in self.jobs.turns
                for told, seen in [self.busy(machine)]
            ],
            "ends": list(self.typical.ends),
            "fallback": [{str(job): why for job, why in each.fallback.items()} for each in self.rounds],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        error = 100 * (self.jobs.makespan / self.makespan - 1)
        lines = [
            f"{self.name}: {len(self.jobs.stages)} jobs, {len(self.rounds)} rounds",
            f"makespan  predicted {_ms(self.jobs.makespan)}, measured {_ms(self.makespan)} ({error:+.1f} %), "
            f"{_ms(min(r.makespan for r in self.rounds))} to {_ms(max(r.makespan for r in self.rounds))}",
        ]
        width = max(map(len, self.jobs.turns))
        for machine in self.jobs.turns:
            told, seen = self.busy(machine)
            measured = "not measured" if seen is None else f"measured {_ms(seen)}"
            lines.append(f"{machine:<{width}}  predicted {_ms(told)} of work, {measured}")
        for k, each in enumerate(self.rounds):
            if each.fallback:
                alone, why = ", ".join(map(str, each.fallback)), next(iter(each.fallback.values()))
                lines.append(f"round {k}: jobs {alone} on the device alone ({why})")
        return "\n".join([*lines, *self.notes, "", self.gantt()])

    def gantt(self, width: int = 60) -> str:
        """Planned and measured as text, one row per machine, a character for a job, both on one scale."""
        planned = {turn: (turn.start, turn.end) for own in self.jobs.turns.values() for turn in own}
        longest = max(self.jobs.makespan, self.typical.makespan) or 1.0
        label = max(map(len, self.jobs.turns))
        text = []
        for name, spans in (("predicted", planned), ("measured", self.typical.spans)):
            text.append(f"{name}:")
            for machine, turns in self.jobs.turns.items():
                if row := _row([turn for turn in turns if turn in spans], spans, longest, width):
                    text.append(f"  {machine:<{label}} |{row}|")
        return "\n".join(text)


def _row(turns: Sequence[Turn], spans: Mapping[Turn, tuple[float, float]], longest: float, width: int) -> str:
    cells = [" "] * width
    for turn in turns:
        start, end = spans[turn]
        first = min(int(start / longest * width), width - 1)
        for column in range(first, min(max(round(end / longest * width), first + (end > start)), width)):
            cells[column] = DIGITS[turn.job % len(DIGITS)]
    return "".join(cells) if turns else ""


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.4g} ms"
