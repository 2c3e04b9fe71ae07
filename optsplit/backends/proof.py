"""Proof: a branch and bound in which every pruned node is closed by integers, not by a solver's tolerance.

HiGHS's search finds the plan and is right about it in all but name: where costs add up to more than about 1e8 its
tolerances are worth some ticks of the objective, so its bound is not quite the optimum. Here the tree is walked once
more with the optimum known. At each node HiGHS solves the relaxation, and its duals (or its ray, where there is no
solution) are turned into a bound in exact integers by `optsplit.backends.safe_bound`. Exact reduced costs fix most
variables at once, which keeps the tree small where the relaxation is tight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy

from optsplit.backends.safe_bound import LinearProgram
from optsplit.backends.watch import Watch
from optsplit.result import Limit

EFFORT = 6_000_000
"""Coefficients looked at before a proof is given up: some seconds, and the same number on every machine."""

_FRACTION = 1e-6


@dataclass(frozen=True)
class _Node:
    bound: int
    lower: tuple[int, ...]
    upper: tuple[int, ...]


def prove(relaxation: Any, exact: LinearProgram, whole: list[int], root: int, target: int, watch: Watch) -> int:
    """The best bound up to `target` that can be proven within the effort, the time limit and Ctrl-C.

    Parameters
    ----------
    relaxation
        A `highspy.Highs` with the linear relaxation, of its own: its bounds are changed.
    exact
        The same model in integers.
    whole
        The columns that must be integers.
    root
        A bound known to be valid.
    target
        The objective of the plan in hand.
    """
    unit = exact.denominator
    size = sum(len(terms) for _, _, terms in exact.rows) + len(exact.cost)
    nodes = max(20, EFFORT // size)
    open_nodes = [_Node(root, tuple(exact.lower), tuple(exact.upper))]
    unproven = target
    now = (exact.lower, exact.upper)
    while open_nodes:
        if nodes == 0 or watch.stopped_by is not Limit.NONE or watch.left() == 0.0:
            return min(unproven, *(node.bound for node in open_nodes))
        nodes -= 1
        node = open_nodes.pop()
        for j in whole:
            if (now[0][j], now[1][j]) != (node.lower[j], node.upper[j]):
                relaxation.changeColBounds(j, node.lower[j] / unit, node.upper[j] / unit)
        now = (node.lower, node.upper)
        relaxation.run()
        status = relaxation.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            ray = relaxation.getDualRay()
            if not (ray[1] and any(exact.excludes(sign, node.lower, node.upper) for sign in (ray[2], -ray[2]))):
                unproven = min(unproven, node.bound)
            continue
        if status != highspy.HighsModelStatus.kOptimal:
            unproven = min(unproven, node.bound)
            continue
        solution = relaxation.getSolution()
        bound, reduced = exact.prove(solution.row_dual, node.lower, node.upper)
        if bound >= target:
            continue
        lower, upper = list(node.lower), list(node.upper)
        # what a variable would have to pay to leave its bound, against what is left until the target
        room = (target - bound) * exact.grain
        for j in whole:
            if lower[j] < upper[j] and abs(reduced[j]) >= room:
                if reduced[j] > 0:
                    upper[j] = lower[j]
                else:
                    lower[j] = upper[j]
        bound = max(bound, node.bound)
        values = solution.col_value
        fractions = [(min(values[j] % 1.0, -values[j] % 1.0), j) for j in whole if lower[j] < upper[j]]
        farthest, j = max(fractions, default=(0.0, -1))
        if farthest < _FRACTION:
            unproven = min(unproven, bound)
            continue
        down, up = list(upper), list(lower)
        down[j] = int(values[j] // 1.0) * unit
        up[j] = down[j] + unit
        children = [_Node(bound, tuple(lower), tuple(down)), _Node(bound, tuple(up), tuple(upper))]
        # the side to which the relaxation leans is walked last: the other one is usually closed at once
        open_nodes += children if values[j] % 1.0 > 0.5 else children[::-1]
    return unproven
