"""The methods of the schedule problem; exact ones stand in the order in which "auto" tries them."""

from __future__ import annotations

from typing import Any

from optsplit.method import Method
from optsplit.problems.schedule import (
    DIFFERENT,
    FREE,
    GIVEN,
    LATENESS,
    PERIOD,
    PLACES,
    RELEASE,
    SEVERAL,
    TOTAL,
    TWO_WAY,
    Schedule,
)
from optsplit.table.entry import formulation

_ALL = frozenset({FREE, GIVEN, SEVERAL, DIFFERENT, RELEASE, TWO_WAY, PLACES, TOTAL, LATENESS, PERIOD})
_FREE = _ALL - {GIVEN}
_ONE = _ALL - {SEVERAL, DIFFERENT, PERIOD}


def _too_large(problem: Schedule) -> Any:
    from optsplit.algorithms import schedule_brute

    return schedule_brute.refuses(problem)


def _many_cuts(problem: Schedule) -> Any:
    from optsplit import frames

    return frames.refuses(problem)


METHODS = (
    Method("series", "Schedule", True, _ONE, "optsplit.start_schedule:series",
           "shortest path over series points, blocks by CP-SAT, formulations/schedule_series.py"),
    Method("types", "Schedule", True, frozenset({FREE, SEVERAL, DIFFERENT, TWO_WAY}), "optsplit.frames:solve",
           "types of cuts with heads and tails, then a sequence, formulations/schedule_types.py", _many_cuts),
    Method("cpsat", "Schedule", True, _ALL, "optsplit.start_schedule:cpsat",
           "CP-SAT with optional intervals, formulations/schedule_cpsat.py"),
    Method("milp", "Schedule", True, _ALL, formulation("schedule_milp"),
           "disjunctive MILP by HiGHS, formulations/schedule_milp.py"),
    Method("brute", "Schedule", True, _ALL, "optsplit.algorithms.schedule_brute:solve",
           "every cut and every order, one by one", _too_large),
    Method("extended-johnson", "Schedule", False, _ALL, "optsplit.baselines.schedule_johnson:solve",
           "Duan and Wu, ICPP 2021; Wang, Duan and Wu, 2022"),
    Method("partition", "Schedule", False, _ALL, "optsplit.baselines.schedule_lists:partition",
           "least latency of each job, then the longest path first (Hu, 1961)"),
    Method("list", "Schedule", False, _ALL, "optsplit.baselines.schedule_lists:topological_list",
           "least latency of each job, then list scheduling in topological order (Graham, 1966)"),
    Method("fcfs", "Schedule", False, _ALL, "optsplit.baselines.schedule_lists:fcfs",
           "least latency of each job, then first come, first served"),
    Method("no-overlap", "Schedule", False, _ALL, "optsplit.baselines.schedule_lists:no_overlap",
           "least latency of each job, one operation at a time"),
    Method("device-only", "Schedule", False, _FREE, "optsplit.baselines.schedule_lists:device_only",
           "every layer at the first place"),
    Method("server-only", "Schedule", False, _FREE, "optsplit.baselines.schedule_lists:server_only",
           "every layer that is not pinned at the last place"),
)  # fmt: skip
