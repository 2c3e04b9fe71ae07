"""Orders that look at the network alone, and the one that waits for everything.

Each sends the units that the least latency needs (`optsplit.problems.upload_units.needed`) and no others.

- in-order: front to back, layer by layer. Early layers are light in most networks, so it is often near the optimum.
- all-at-once: the same as one batch; nothing counts before all is there (what IONN compares with, SoCC 2018).
- largest-first: by time of upload, longest first.
- density: by seconds saved on the server for each second of upload, each unit by itself, largest first (Smith's rule,
  1956, as if the gains of layers added up; crossing tensors are what it does not see).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.problems.upload_units import needed


def in_order(problem: UploadOrder, options: Options) -> Answer:
    """Front to back."""
    return Answer(problem.plan(needed(problem)))


def all_at_once(problem: UploadOrder, options: Options) -> Answer:
    """Front to back, and useful only when the last one is there."""
    units = needed(problem)
    return Answer(problem.plan(units, [len(units)] if units else None))


def largest_first(problem: UploadOrder, options: Options) -> Answer:
    """The longest upload first; front to back among equals."""
    return Answer(problem.plan(sorted(needed(problem), key=lambda k: -problem.times[k])))


def density(problem: UploadOrder, options: Options) -> Answer:
    """The most compute time saved for each second of upload first; front to back among equals."""
    return Answer(problem.plan(sorted(needed(problem), key=lambda k: -single_density(problem, k))))


def single_density(problem: UploadOrder, unit: int) -> Fraction:
    """(time at the device - time at the server) of the unit's layers over its time of upload."""
    compute = problem.partition.costs(problem.partition.objectives[0]).compute
    layers = np.array(problem.holders[unit], dtype=np.int64)
    return Fraction(int((compute[layers, 0] - compute[layers, 1]).sum()), problem.times[unit])
