"""A link slowed in this process: each message waits as long as its bytes take at the link's rate."""

from __future__ import annotations

import threading
import time

from optsplit.hardware import Link


class Shaper:
    """One direction of a link.

    A bucket without burst: a message starts when the one before it has left, takes size / rate, and arrives `latency`
    later.
    """

    def __init__(self, link: Link | None) -> None:
        self.link = link
        self.free = 0.0
        self.lock = threading.Lock()

    def due(self, size: int) -> float:
        """When a message handed over now is whole at the other end, on `time.monotonic`."""
        now = time.monotonic()
        if self.link is None:
            return now
        with self.lock:
            self.free = max(self.free, now) + size / self.link.rate
            return self.free + self.link.latency


def wait_until(due: float) -> None:
    """Sleep until a moment of `time.monotonic`."""
    while (left := due - time.monotonic()) > 0:
        time.sleep(left)
