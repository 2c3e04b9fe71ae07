"""In the middle of an upload: what has arrived, and the problem that remains when the link or the server changes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.problems.upload_units import needed


@dataclass(frozen=True)
class Arrived:
    """State of an upload: `units` are there whole, and of `under_way` the part `part` below 1 (None: nothing is)."""

    units: tuple[str, ...]
    under_way: str | None
    part: Fraction


def arrived(problem: UploadOrder, plan: UploadPlan, at: int) -> Arrived:
    """What is on the server `at` nanoseconds after the upload of `plan` began.

    Units of a batch that is not complete are there, although the plan does not use them yet: another plan can.
    """
    if at < 0:
        raise InvalidInput(f"upload after {at} ns; give 0 or more")
    units, left = list[str](), at
    for k in problem.positions(plan):
        if left < problem.times[k]:
            return Arrived(tuple(units), problem.names[k] if left else None, Fraction(left, problem.times[k]))
        left -= problem.times[k]
        units.append(problem.names[k])
    return Arrived(tuple(units), None, Fraction(0))


def replan(problem: UploadOrder, plan: UploadPlan, at: int, now: UploadOrder | None = None) -> UploadOrder:
    """What remains to be ordered when an upload is looked at again, on the same server.

    Parameters
    ----------
    problem, plan
        The upload so far.
    at
        Nanoseconds since it began.
    now
        The same units as they are from now on: from the profile with another link, or share. Default `problem`.

    Returns
    -------
    The problem `now` with what has arrived present; of the unit under way the rest of its bytes is left to upload.

    Raises
    ------
    InvalidInput
        `now` has other units, or `at` is negative.
    """
    now = problem if now is None else now
    _refuse_others(problem, now)
    state = arrived(problem, plan, at)
    state = arrived(problem, plan, at)
    times = dict(zip(now.names, now.times))
    if state.under_way is not None:
        # rounded up: a tick less would claim bytes that have not arrived
        times[state.under_way] = math.ceil(times[state.under_way] * (1 - state.part))
    return _with(now, times, {*problem.present, *now.present, *state.units})


def moved(problem: UploadOrder, holds: Iterable[str]) -> UploadOrder:
    """The upload to another server, which holds the units `holds` from an earlier visit or client, and no others.

    What the server before it received does not count, the unit under way neither. Where the new server's link or
    speed differs, give the problem of that link.

    Raises
    ------
    InvalidInput
        A unit is unknown.
    """
    return _with(problem, dict(zip(problem.names, problem.times)), set(holds))


def continued(problem: UploadOrder, plan: UploadPlan) -> UploadPlan:
    """An older order on the problem that remains: what it still has to send, and behind it what is needed now, too."""
    still = [
        problem.index[name]
        for name in plan.order
        if name in problem.index and not problem.there >> problem.index[name] & 1
    ]
    return problem.plan(dict.fromkeys([*still, *needed(problem)]))


def _refuse_others(problem: UploadOrder, now: UploadOrder) -> None:
    if now.names != problem.names:
        odd = sorted(set(now.names) ^ set(problem.names)) or list(now.names)
        raise InvalidInput(
            f"upload {now.name!r}: its units are not those of {problem.name!r} (unit {odd[0]!r}); give the same "
            "network over another link"
        )


def _with(problem: UploadOrder, times: dict[str, int], present: set[str]) -> UploadOrder:
    upload = {name: (times[name], layers) for name, layers in zip(problem.names, problem.holders)}
    return UploadOrder(problem.partition, upload, present, objective=problem.objective, name=problem.name)
