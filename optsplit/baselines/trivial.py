"""Policies that decide nothing: everything here, or everything there."""

from __future__ import annotations

import numpy as np

from optsplit.method import Answer, Options
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition


def offer(problem: Partition, at: IntArray) -> Answer:
    """The assignment as an answer, or, where it breaks a rule, the rule in place of a plan."""
    plan = problem.plan(at)
    violations = problem.evaluate(plan).violations
    return Answer(raw_status=f"its plan breaks a rule: {violations[0]}") if violations else Answer(plan)


def _all_at(problem: Partition, place: int) -> Answer:
    return offer(problem, np.where(problem.fixed >= 0, problem.fixed, place))


def device_only(problem: Partition, options: Options) -> Answer:
    """Every layer that is not pinned elsewhere at the first place."""
    return _all_at(problem, 0)


def server_only(problem: Partition, options: Options) -> Answer:
    """Every layer that is not pinned elsewhere at the last place: the input is sent, the result comes back."""
    return _all_at(problem, len(problem.places) - 1)


def best_single_place(problem: Partition, options: Options) -> Answer:
    """Every layer that is not pinned at one place, the best of them."""
    answers = [_all_at(problem, place) for place in range(len(problem.places))]
    valid = [answer for answer in answers if answer.plan is not None]
    return min(valid, key=lambda answer: problem.evaluate(answer.plan).objective) if valid else answers[0]
