"""Published rules for flow shops: NEH, CDS, Johnson on halves, first come first served."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from optsplit.algorithms import flow_shop_insertion
from optsplit.method import Answer, Options
from optsplit.problems import two_machines
from optsplit.problems.flow_shop import FlowShop


def neh(problem: FlowShop, options: Options) -> Answer:
    """Best insertion, most work first (Nawaz, Enscore and Ham, 1983), by Taillard's acceleration (1990)."""
    return Answer(problem.plan(flow_shop_insertion.sequence(problem)))


def cds(problem: FlowShop, options: Options) -> Answer:
    """The best of Johnson on the first k against the last k machines, k = 1 .. m - 1.

    Source: Campbell, Dudek and Smith, "A heuristic algorithm for the n job, m machine sequencing problem", Management
    Science 16, 1970.
    """
    return _best(problem, range(1, max(2, problem.machines)))


def johnson_halves(problem: FlowShop, options: Options) -> Answer:
    """Johnson with the first half of the machines as one and the second half as the other; a middle one counts twice.

    On three machines this is Johnson's own rule for a dominated middle machine (1954).
    """
    return _best(problem, [(problem.machines + 1) // 2])


def first_come(problem: FlowShop, options: Options) -> Answer:
    """In the order of release, jobs released together in the order given."""
    return Answer(problem.plan(np.argsort(problem.release, kind="stable").tolist()))


def _best(problem: FlowShop, widths: Iterable[int]) -> Answer:
    plans = [problem.plan(two_machines.aggregated(problem.times, k)) for k in widths]
    return Answer(min(plans, key=lambda plan: problem.evaluate(plan).objective))
