"""The run-time loop: measure the link, look up the envelope, change the plan between frames."""

from __future__ import annotations

import math

from optsplit.algorithms.envelope import Envelope, Segment, envelope
from optsplit.errors import InvalidInput
from optsplit.executor.frames import Answer, Unreachable
from optsplit.executor.measured import SEND
from optsplit.executor.remote import Remote
from optsplit.executor.stages import Stages
from optsplit.executor.worker import Tensors
from optsplit.hardware import MBIT
from optsplit.problems.partition import Partition

PROBE_BYTES = 1 << 15
SMALLEST_MESSAGE = 1 << 12


class Rate:
    """Bytes per second of a link, from messages as they come: a moving average that trusts large messages more.

    Parameters
    ----------
    memory
        Bytes after which an old measurement counts 1/e.
    """

    def __init__(self, memory: float = 1 << 20) -> None:
        self.memory = memory
        self.seconds_per_byte: float | None = None

    def add(self, size: int, seconds: float) -> bool:
        """A message of `size` bytes that took `seconds` beyond the link's latency; whether it told anything."""
        if size < SMALLEST_MESSAGE or seconds <= 0:
            return False
        seen = seconds / size
        if self.seconds_per_byte is None:
            self.seconds_per_byte = seen
            return True
        weight = 1 - math.exp(-size / self.memory)
        # no less than a third, or a plan that sends little would learn for minutes
        weight = max(weight, 1 / 3)
        self.seconds_per_byte += weight * (seen - self.seconds_per_byte)
        return True

    @property
    def bytes_per_second(self) -> float | None:
        return None if self.seconds_per_byte is None else 1 / self.seconds_per_byte


class Adaptive:
    """Frames whose plan follows the link.

    Before a frame the envelope is asked for the measured rate; a plan that is better by more than `gain` there replaces
    the present one. A plan that sends next to nothing learns nothing, so that after `patience` such frames a probe is
    sent.

    Parameters
    ----------
    remote
        Runs the frames.
    problem
        Built from a profile, for its envelope over bandwidth.
    gain
        Relative improvement below which the plan stays.
    patience
        Frames without a message before a probe.
    """

    def __init__(self, remote: Remote, problem: Partition, gain: float = 0.03, patience: int = 5) -> None:
        self.envelope: Envelope = envelope(problem)
        if not self.envelope.per_byte:
            raise InvalidInput(f"problem {problem.name!r} knows no bytes; build it from a profile to follow a link")
        self.remote, self.gain, self.patience = remote, gain, patience
        self.rate = Rate()
        self.segment: Segment | None = None
        self.silent = patience
        self.stages: dict[int, Stages] = {}

    def run(self, index: int, inputs: Tensors) -> Answer:
        """One frame, by the plan that suits the link now."""
        if self.silent >= self.patience:
            self._probe()
        self._choose()
        answer = self.remote.run(index, inputs)
        home = self.remote.stages.home
        sent = [s for s in answer.frame.spans if s.kind == SEND and s.where.startswith(f"{home} -> ")]
        told = [self.rate.add(span.size, span.seconds - self._latency()) for span in sent]
        self.silent = 0 if any(told) else self.silent + 1
        return answer

    def _latency(self) -> float:
        return min((session.delay / 2 for session in self.remote.sessions.values()), default=0.0)

    def _probe(self) -> None:
        self.silent = 0
        for session in list(self.remote.sessions.values()):
            try:
                reply = session.ping(PROBE_BYTES, patience=self.remote.deadline)
            except Unreachable:
                return  # the next frame finds out, and falls back
            self.rate.add(PROBE_BYTES, session.here(reply.message.received) - reply.sent - self._latency())

    def _choose(self) -> None:
        rate = self.rate.bytes_per_second
        if rate is None:
            return
        best = self.envelope.at(rate)
        if best is self.segment:
            return
        s = 1e9 / (rate * self.envelope.weight)
        if self.segment is not None and best.value(s) > (1 - self.gain) * self.segment.value(s):
            return
        graph, home = self.remote.stages.graph, self.remote.stages.home
        away = sum(place != home for place in best.plan.assignment.values())
        name = f"{away} of {len(graph.layers)} layers away"
        self.segment = best
        try:
            stages = self.stages.setdefault(id(best), Stages(graph, best.plan, home))
            self.remote.switch(stages, name)
        except Unreachable as error:
            self.remote.decide(f"plan not taken: {error}")
            return
        self.remote.decide(f"link {rate / MBIT:.3g} Mbit/s: {name}, predicted {float(best.value(s)) / 1e6:.4g} ms")
