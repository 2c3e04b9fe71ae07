"""From profiles to a schedule: frames of one or several networks over the same places and links."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence

from optsplit.errors import InvalidInput
from optsplit.hardware import Connection, Link
from optsplit.problems.from_profile import NANO
from optsplit.problems.from_profile import partition as from_profile
from optsplit.problems.metric import Arc
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.schedule import Schedule
from optsplit.problems.schedule_operations import LATENCY
from optsplit.profiling.profile import Profile

MIN_CUT = "min cut"

Seconds = float | Sequence[float]
Cut = str | PartitionPlan | Sequence[PartitionPlan]


def schedule(
    profiles: Profile | Sequence[Profile],
    link: Connection | Mapping[Arc, Link],
    frames: int | Sequence[int] = 1,
    *,
    release: Seconds | None = None,
    due: Seconds | None = None,
    cut: Cut | None = None,
    objective: str = "makespan",
    load: Mapping[str, float] | None = None,
    pins: Mapping[str, str] | None = None,
    result_at: str | None = "",
    one_way: bool = False,
    name: str | None = None,
) -> Schedule:
    """The schedule of frames of profiled networks.

    Parameters
    ----------
    profiles
        One network, or several that share the places.
    link
        A `Connection` between the first two places, or a `Link` for each arc (from, to).
    frames
        How many frames of each network, or one number for each. Jobs are the frames of the first network, then those
        of the second, ...
    release
        Seconds: one number lets a network's frame k start at k times it; a sequence has one for each job.
    due
        Seconds: one number is the time that each frame has after its release; a sequence has one for each job.
    cut
        None: free. A plan for the one network, or one for each network; "min cut": the plan of least latency of each.
    objective, name
        As in `Schedule`; the name is that of the networks by default.
    load, pins, result_at, one_way
        As in `Partition.from_profile`.

    Raises
    ------
    InvalidInput
        Naming the object, the value and the repair.
    """
    given = [profiles] if isinstance(profiles, Profile) else list(profiles)
    if not given:
        raise InvalidInput("schedule has no profiles; give at least one")
    counts = [frames] * len(given) if isinstance(frames, (int, float)) else list(frames)
    if len(counts) != len(given):
        raise InvalidInput(f"frames has {len(counts)} numbers for {len(given)} networks; give one for each")
    for count in counts:
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InvalidInput(f"frames is {count!r}; give a whole number, 1 or more")
    networks = [
        from_profile(profile, link, load=load, pins=pins, result_at=result_at, one_way=one_way) for profile in given
    ]
    which = [i for i, count in enumerate(counts) for _ in range(count)]
    frame = [k for count in counts for k in range(count)]
    starts = _nanoseconds("release", release, frame, [0] * len(frame))
    ends = None if due is None else _nanoseconds("due", due, [1] * len(frame), starts)
    cuts = None if cut is None else _cuts(cut, networks)
    return Schedule(
        [networks[i] for i in which], starts, ends, None if cuts is None else [cuts[i] for i in which],
        objective=objective, name=name or "+".join(network.name for network in networks),
    )  # fmt: skip


def _nanoseconds(what: str, given: Seconds | None, times: Sequence[int], origin: Sequence[int]) -> list[int]:
    """origin + times * the one number, or the sequence's own numbers."""
    if given is None:
        return list(origin)
    step = isinstance(given, (int, float))
    values: Sequence[float] = [given] if isinstance(given, (int, float)) else list(given)
    for value in values:
        if not math.isfinite(value):
            raise InvalidInput(f"{what} is {value!r}; give finite seconds")
    if step:
        return [start + round(values[0] * NANO) * k for k, start in zip(times, origin)]
    return [round(value * NANO) for value in values]


def _cuts(cut: Cut, networks: Sequence[Partition]) -> list[PartitionPlan]:
    if isinstance(cut, str):
        if cut != MIN_CUT:
            raise InvalidInput(f"cut is {cut!r}; give {MIN_CUT!r}, a plan, or None for free cuts")
        # the one door, reached late: a problem knows no method
        solve = importlib.import_module("optsplit").solve
        return [solve(network.but(minimize=LATENCY)).require_optimal().plan for network in networks]
    plans = [cut] if isinstance(cut, PartitionPlan) else list(cut)
    if len(plans) != len(networks):
        raise InvalidInput(f"cut has {len(plans)} plans for {len(networks)} networks; give one for each")
    return plans
