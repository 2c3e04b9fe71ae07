"""What a schedule is given, checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optsplit.errors import InvalidInput
from optsplit.problems.metric import LARGEST_TOTAL
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_operations import ARROW, LATENCY


def check(j: int, job: Partition) -> None:
    """Refuse what cannot be a job."""
    if not isinstance(job, Partition):
        raise InvalidInput(f"schedule: job {j} is a {type(job).__name__}; give an optsplit.Partition")
    if LATENCY not in job.metrics:
        raise InvalidInput(
            f"schedule: job {j} has metrics {', '.join(job.metrics) or 'none'}; its times are {LATENCY!r}"
        )
    if job.costs(LATENCY).ends:
        raise InvalidInput(
            f"schedule: {LATENCY} of job {j} has costs of sending or receiving at a place, which belong to no machine; "
            "give them as transfer"
        )
    if job.limits or job.contiguous:
        what = f"limits on {', '.join(job.limits)}" if job.limits else "contiguous places"
        raise InvalidInput(f"schedule: job {j} has {what}, which no schedule keeps; drop by .but(...)")
    if job.exits is not None:
        raise InvalidInput(f"schedule: job {j} has exits; schedule one of them: job.at_exit({job.exits.layers[-1]!r})")
    if job.variants is not None:
        raise InvalidInput(f"schedule: job {j} has precisions; drop them: job.but(precisions=None)")
    for place in job.places:
        if ARROW in place:
            raise InvalidInput(f"schedule: place {place!r} of job {j}: {ARROW!r} names links; rename it")


def times(what: str, values: Sequence[int], count: int, least: int | None = None) -> tuple[int, ...]:
    """Integers in ns, one for each job."""
    found = list(values)
    if len(found) != count:
        raise InvalidInput(f"schedule: {what} has {len(found)} values for {count} jobs; give one for each")
    for j, value in enumerate(found):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise InvalidInput(f"schedule: {what} of job {j} is {value!r}; give an integer in ns")
        if (least is not None and value < least) or abs(int(value)) >= LARGEST_TOTAL:
            raise InvalidInput(f"schedule: {what} of job {j} is {value}; give ns {'from 0 ' * (least == 0)}below 2**53")
    return tuple(int(value) for value in found)
