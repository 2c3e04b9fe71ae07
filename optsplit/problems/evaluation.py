"""Evaluation: what a problem says of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Evaluation:
    """A plan priced: every metric, the objective, and each rule that it breaks (empty when it is valid)."""

    objective: int
    metrics: Mapping[str, int]
    violations: tuple[str, ...]
