"""Many solves at once: what is asked, what a worker is sent, the workers, and the folder of what is finished."""

from __future__ import annotations

from optsplit.sweep.many import Run, sweep

__all__ = ["Run", "sweep"]
