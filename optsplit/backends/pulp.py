"""MILP by HiGHS through PuLP: options, limits, interrupts, bounds and statuses, handled once.

What a bound is worth here. HiGHS works in floats, so what it calls optimal is optimal to its tolerances. Two bounds
are kept, and the better one is returned:

- the *exact* bound of the linear relaxation: `optsplit.backends.safe_bound` takes HiGHS's duals as mere hints and
  computes in integers what they prove. Where the relaxation is integral (two places, no limits) it meets the
  objective, and the model is solved without ever branching;
- HiGHS's own dual bound, less `tolerance(model)`: what its integrality tolerance can be worth in the objective. It
  rounds up to the optimum while the costs add up to less than about 1e9; above, a gap of some ticks remains, and the
  status says FEASIBLE. CP-SAT proves such a plan.

HiGHS takes no warm start through PuLP 3.3: a hint is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import highspy
import pulp

from optsplit.backends.outcome import Outcome
from optsplit.backends.safe_bound import LinearProgram, Rational
from optsplit.backends.watch import Watch
from optsplit.errors import SolverError
from optsplit.result import Limit

INTEGRALITY = 1e-9
"""How far from an integer HiGHS may leave an integer variable. Its default, 1e-6, is worth 1000 ticks of a cost of 1e9."""

OBJECTIVE_SIZE = 2.0**20
"""Costs are scaled inside until they add up to less than this."""

ROW_SIZE = 2.0**16
"""Rows of costs are scaled to this: far enough above INTEGRALITY, and below where double precision gives out."""

_CALLBACK = highspy.cb.HighsCallbackType
_STATUS = highspy.HighsModelStatus
_LIMITS = {_STATUS.kTimeLimit: Limit.TIME, _STATUS.kInterrupt: Limit.INTERRUPT}


def scale_to(total: int, size: float) -> float:
    """The power of two, 1 or more, that divides `total` to `size` or less: dividing by it rounds nothing."""
    return 2.0 ** max(0, math.ceil(math.log2(max(total, 1) / size)))


def minimise(model: pulp.LpProblem, watch: Watch, *, scale: float = 1.0, offset: int = 0) -> Outcome:
    """Solve a model whose objective, times `scale`, plus `offset`, is an integer to minimise.

    Parameters
    ----------
    model
        Without a constant in the objective, every variable with finite bounds.
    watch
        Started before the model was built; holds the options.
    scale, offset
        From the model's objective to the problem's integer units; `scale` is a power of two.

    Raises
    ------
    SolverError
        HiGHS ended in a way that is neither a plan, a proof nor a limit.
    """
    watch.built()
    versions = {"pulp": version("pulp"), "highspy": version("highspy")}
    if watch.left() == 0.0:
        return Outcome(None, None, False, Limit.TIME, watch, "HiGHS", versions, "no time left after building")
    solver = _Solver(watch, scale, offset)
    watch.run(lambda: model.solve(solver))
    word = solver.word()

    if solver.proven is not None:
        values, bound = solver.proven
        watch.report(bound, bound)
        return Outcome(_reader(values), bound, False, Limit.NONE, watch, "HiGHS", versions, "Optimal: relaxation, exact duals")
    bound = solver.bound()
    if solver.status in (_STATUS.kInfeasible, _STATUS.kUnboundedOrInfeasible):
        return Outcome(None, None, True, Limit.NONE, watch, "HiGHS", versions, word)
    limit = watch.stopped_by if watch.stopped_by is not Limit.NONE else _LIMITS.get(solver.status, Limit.NONE)
    if solver.status is not _STATUS.kOptimal and limit is Limit.NONE:
        raise SolverError(f"HiGHS ended with {word!r}; save the problem and report it")
    # LpStatus says "Optimal" also for a time limit, and the values are zeros where there is no incumbent
    solved = model.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible) and solver.has_solution()
    if solver.status is _STATUS.kOptimal:
        limit = Limit.NONE
    objective = math.floor(solver.objective() * scale + offset + 0.5) if solved else None
    watch.report(objective, bound)
    value = _reader([v.varValue for v in solver.columns]) if solved else None
    if value is not None:
        value = lambda variable: round(variable.varValue)  # noqa: E731
    return Outcome(value, bound, False, limit, watch, "HiGHS", versions, word)
