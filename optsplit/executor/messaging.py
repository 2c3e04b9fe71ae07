"""What messages cost the device itself: while it packs, encrypts and hands over bytes it computes no layer.

The latency of a message, as it is fitted, has this inside; the busy time of a place has not, and that bounds a stream.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from optsplit.executor.connection import Connection as Session
from optsplit.problems.metric import Metric
from optsplit.problems.partition import Partition

SIZES = (0, 1 << 15, 1 << 17)
LONGEST = 0.5  # seconds of one size, beyond which no larger one is sent
SPIN = 0.3


@dataclass(frozen=True)
class MessageCost:
    """Seconds that a message keeps a place busy, by direction.

    Parameters
    ----------
    each
        Whatever its size.
    sent, received
        Per byte.
    """

    each: float
    sent: float
    received: float

    def content(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {"each": self.each, "per_byte_sent": self.sent, "per_byte_received": self.received}

    def __str__(self) -> str:
        up, down = self.sent * 2**20, self.received * 2**20
        return f"{self.each * 1e3:.3g} ms a message, {up * 1e3:.3g} ms a MiB sent and {down * 1e3:.3g} ms received"


def slowness() -> float:
    """Seconds on the clock for one of processor time while this process computes: above 1 under a quota."""
    begin, worked = time.monotonic(), time.process_time()
    while time.process_time() - worked < SPIN:
        pass
    return max((time.monotonic() - begin) / (time.process_time() - worked), 1.0)


def message_cost(session: Session, repeats: int = 5) -> MessageCost:
    """What messages of a session cost this process, from its processor time while probes go there and back.

    All threads of the process count: a server that runs in it too is counted in.
    """
    slow = slowness()
    up, down, sizes = [], [], []
    for size in SIZES:
        begin = time.monotonic()
        up.append(_worked(session, size, 0, repeats))
        down.append(_worked(session, 0, size, repeats) if size else up[0])
        sizes.append(size)
        if time.monotonic() - begin > LONGEST:
            break
    # a probe is two messages, one of them empty
    each = max(min(up[0], down[0]) / 2, 0.0)
    return MessageCost(each * slow, _slope(sizes, up) * slow, _slope(sizes, down) * slow)


def _worked(session: Session, size: int, reply: int, repeats: int) -> float:
    """Processor seconds of one probe."""
    before = time.process_time()
    for _ in range(repeats):
        session.ping(size, reply, patience=60.0)
    return (time.process_time() - before) / repeats


def _slope(sizes: list[int], seconds: list[float]) -> float:
    if len(sizes) < 2:
        return 0.0
    return max(float(np.polyfit(sizes, seconds, 1)[0]), 0.0)


def with_messages(problem: Partition, place: str, cost: MessageCost, sizes: list[int]) -> Partition:
    """The problem whose busy time of a place has its messages: once for each tensor that leaves, or enters.

    Parameters
    ----------
    problem
        From a profile.
    place
        Where they cost.
    sizes
        Bytes of each tensor.
    """
    name = f"{place}_seconds"
    before = problem.metrics[name]
    send = [round(1e9 * (cost.each + cost.sent * size)) for size in sizes]
    receive = [round(1e9 * (cost.each + cost.received * size)) for size in sizes]
    busy = Metric(before.compute, before.transfer, {place: send}, {place: receive}, before.unit)
    return problem.but(metrics={**problem.metrics, name: busy})
