"""The exact order of an upload; where its search is stopped, no worse than the quick rules."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from optsplit.algorithms import upload_sidney
from optsplit.baselines import ionn, upload_order
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit

RULES = (ionn.efficiency, ionn.layerwise, upload_order.in_order, upload_order.density)
"""Each takes a small part of a second on a thousand layers."""


def sidney(problem: UploadOrder, options: Options) -> Answer:
    """`optsplit.algorithms.upload_sidney`, with the best of its order, the rules' and the caller's hint."""
    answer = upload_sidney.solve(problem, options)
    if answer.limit in (Limit.NONE, Limit.INTERRUPT) or answer.bound == answer.objective:
        return answer
    begun = time.perf_counter()
    plain = replace(options, hint=None, progress=None, extra={})
    plans: list[Any] = [options.hint, *(rule(problem, plain).plan for rule in RULES)]
    priced = [(plan, problem.evaluate(plan)) for plan in plans if plan is not None]
    # a hint that breaks a rule helps nobody
    valid = [(plan, found.objective) for plan, found in priced if not found.violations]
    best, objective = min(valid, key=lambda pair: pair[1], default=(None, None))
    if objective is None or answer.objective is None or objective >= answer.objective:
        return answer
    spent = answer.solve_seconds + time.perf_counter() - begun
    return replace(answer, plan=best, objective=objective, solve_seconds=spent)
