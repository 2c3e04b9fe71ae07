"""An entry of the table that is a model of the plug-in folder `formulations`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optsplit.method import Answer, Options


def formulation(file: str) -> Callable[[Any, Options], Answer]:
    """The `solve` of `formulations/<file>.py`, imported when first called."""

    def run(problem: Any, options: Options) -> Answer:
        from optsplit.formulation import load

        answer: Answer = load(file).solve(problem, options)
        return answer

    return run
