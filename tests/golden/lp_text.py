"""A MILP as texts in the LP format, one for the objective with the variables and one for each group of constraints.

Names say layers and places, terms and rows are sorted, a row has a line: what changes in a text changed in the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pulp

from tests.golden.small_models import Case

_SENSES = {pulp.LpConstraintLE: "<=", pulp.LpConstraintGE: ">=", pulp.LpConstraintEQ: "="}


def texts(case: Case) -> dict[str, str]:
    """Group of constraints -> its text; "objective" -> objective, bounds and integrality."""
    milp: pulp.LpProblem = case.model.milp
    rows: dict[str, list[str]] = {}
    for row in milp.constraints():
        line = f" {' '.join(_terms(row, case))} {_SENSES[row.sense]} {_number(-row.constant)}"
        rows.setdefault(row.name.rpartition("_")[0], []).append(line)
    found = {group: "\n".join(["Subject To", *sorted(lines), "End", ""]) for group, lines in rows.items()}
    variables = sorted(milp.variables(), key=lambda v: _name(v, case))
    bounds = [f" {_number(v.lowBound)} <= {_name(v, case)} <= {_number(v.upBound)}" for v in variables]
    whole = [f" {_name(v, case)}" for v in variables if v.cat == pulp.LpInteger]
    unit = f"\\ the objective: what follows, times {case.model.scale}, plus {case.model.offset}"
    objective = [f" {term}" for term in _terms(milp.objective, case)]
    found["objective"] = "\n".join([unit, "Minimize", *objective, "Bounds", *bounds, "General", *whole, "End", ""])
    return found


def joined(parts: Mapping[str, str]) -> str:
    """The whole model as one text that solvers read."""
    rows = [line for group, text in parts.items() if group != "objective" for line in text.splitlines()[1:-1]]
    return parts["objective"].replace("\nBounds\n", "\n".join(["\nSubject To", *rows, "Bounds\n"]), 1)


def _name(variable: pulp.LpVariable, case: Case) -> str:
    head, *rest = re.split(r"_(?=\d)", variable.name, maxsplit=1)
    if not rest:
        return str(head)
    words, index = [head], 0
    for part in rest[0].split("_"):
        word = part
        if part.isdigit():
            word = case.labels[head][index][int(part)]
            index += 1
        words += [word] if word else []
    return "_".join(words)


def _terms(terms: Mapping[pulp.LpVariable, float], case: Case) -> list[str]:
    named = sorted((_name(v, case), a) for v, a in terms.items() if a)
    sizes = ["" if abs(a) == 1 else f"{_number(abs(a))} " for _, a in named]
    return [f"{'-' if a < 0 else '+'} {size}{name}" for (name, a), size in zip(named, sizes)]


def _number(value: float) -> str:
    return f"{value:.17g}" if value else "0"
