"""MILP by HiGHS through PuLP: options, limits, interrupts, bounds and statuses, handled once.

HiGHS works in floats, and what it calls optimal is optimal to its tolerances. So two bounds are kept, and the better
one is returned:

- the exact bound of the linear relaxation, which is solved first: `optsplit.backends.safe_bound` computes in integers
  what HiGHS's duals prove. Where the relaxation is integral (two places, no limits) it meets the objective, and there
  is nothing to branch on;
- the dual bound of the search, less what HiGHS's integrality tolerance can be worth in the objective (`safe`). It
  rounds up to the optimum while the costs add up to less than about 1e8.

Above that some ticks would remain, so a search that HiGHS calls optimal is walked once more with exact bounds
(`optsplit.backends.proof`). Where that takes too long the gap of some ticks stays, and the result says so. Where a
model's numbers are finer than its tolerances HiGHS also loses plans at a limit: what it then calls infeasible is
walked in the same way, and is infeasible only when that proves it.

HiGHS takes no warm start through PuLP 3.3: a hint is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import highspy
import pulp

from optsplit.backends.outcome import Outcome
from optsplit.backends.proof import prove
from optsplit.backends.safe_bound import LinearProgram
from optsplit.backends.watch import Watch
from optsplit.errors import SolverError
from optsplit.result import Limit

INTEGRALITY = 1e-8
"""How far from an integer HiGHS may leave an integer variable; its own default is worth 1000 ticks of a cost of 1e9.

Never less: at 1e-9, where HiGHS 1.12 puts its own epsilon, it cuts off optima and calls a plan of three times the cost
optimal (device placement with contiguous machines, presolve on or off).
"""

OBJECTIVE_SIZE = 2**20
"""Formulations divide an objective until its costs add up to this, since HiGHS's dual tolerance is absolute."""

ROW_SIZE = 2**16
"""Formulations divide rows of costs to this: far above the tolerance, far below where double precision ends."""

FINE = 2**20
"""Numbers that are no multiples of 1 / FINE come near HiGHS's tolerances of 1e-7 and 1e-8."""

_EVENT = highspy.cb.HighsCallbackType
_END = highspy.HighsModelStatus
_FAILED = (_END.kSolveError, _END.kNotset, _END.kUnknown)
_NOTHING = (_END.kInfeasible, _END.kUnboundedOrInfeasible)
_FEASIBLE = 2  # kSolutionStatusFeasible of HighsInfo.primal_solution_status


def scale_to(total: int, size: int) -> int:
    """The power of two by which a formulation divides costs that add up to `total`: it rounds nothing."""
    return max(1, 1 << max(0, (total // size).bit_length()))


def minimise(model: pulp.LpProblem, watch: Watch, *, scale: int = 1, offset: int = 0, presolve: bool = True) -> Outcome:
    """Solve a model whose objective, times `scale`, plus `offset`, is an integer to minimise.

    Parameters
    ----------
    model
        Without a constant in its objective; every variable has finite bounds.
    watch
        Started before the model was built; holds the options.
    scale, offset
        From the model's objective to the problem's integer units; `scale` is a power of two.
    presolve
        HiGHS's own. Off for models with large coefficients beside Booleans: 1.12 loses their optima in it and calls
        what is left optimal (tests/data/highs_presolve.mps: 15 for 10, whatever the tolerance and the seed). Off also
        where numbers are finer than 1 / `FINE`, for the same reason (tests/data/highs_presolve_fine.json).

    Raises
    ------
    SolverError
        HiGHS ended in a way that is neither a plan, a proof nor a limit.
    """
    watch.built()
    if loose := [v.name for v in model.variables() if v.lowBound is None or v.upBound is None]:
        raise ValueError(
            f"variable {loose[0]!r} has no finite bounds; give both: a bound that can be checked needs them"
        )
    versions = {"pulp": version("pulp"), "highspy": version("highspy")}

    def outcome(value: Callable[[Any], int] | None, bound: int | None, limit: Limit, word: str) -> Outcome:
        return Outcome(value, bound, False, limit, watch, "HiGHS", versions, word)

    if watch.left() == 0.0:
        return outcome(None, None, Limit.TIME, "no time left after building")
    solver = _Search(watch, scale, offset, presolve)

    def search() -> None:
        try:
            model.solve(solver)
        except (KeyError, pulp.PulpSolverError) as failure:  # PuLP looks up HiGHS's status in a table
            raise SolverError(f"HiGHS ended with {failure!r}; save the problem and report it") from failure

    # a thread of its own is needed here also because HiGHS's scheduler belongs to a thread: a second value of
    # `threads` in the same one breaks the solve
    watch.run(search)

    end = model.solverModel.getModelStatus()
    word = model.solverModel.modelStatusToString(end)
    if solver.proven:
        proven = solver.proven
        return outcome(
            lambda v: proven.get(v, round(v.lowBound)), solver.bound, Limit.NONE, "Optimal (relaxation, exact duals)"
        )
    if end in _NOTHING:
        if solver.doubtful:
            stop = Limit.TIME if watch.left() == 0.0 else watch.stopped_by
            return outcome(None, solver.bound, stop, f"{word} to HiGHS's tolerances; the exact proof was given up")
        return Outcome(None, None, True, Limit.NONE, watch, "HiGHS", versions, word)
    bound, value, objective = solver.best_bound(model.solverModel), None, None
    if solver.searching and model.solverModel.getInfo().primal_solution_status == _FEASIBLE:
        # only now: without an incumbent PuLP fills the variables with zeros and may still say "Optimal"
        value, objective = _value, solver.ticks(model.solverModel.getObjectiveValue())
    watch.report(objective, bound)
    if end == _END.kOptimal and value is not None and bound == objective:
        return outcome(value, bound, Limit.NONE, word)
    if watch.stopped_by is not Limit.NONE:
        return outcome(value, bound, watch.stopped_by, word)
    if end == _END.kTimeLimit or (end == _END.kOptimal and watch.left() == 0.0):
        return outcome(value, bound, Limit.TIME, word)
    if end == _END.kOptimal and value is not None:
        return outcome(value, bound, Limit.NONE, "Optimal to HiGHS's tolerances; the exact proof was given up")
    raise SolverError(f"HiGHS ended with {word!r}; save the problem and report it")


def _value(variable: Any) -> int:
    # a variable that stands in no row and not in the objective is not part of the model: any value will do
    return round(float(variable.lowBound if variable.varValue is None else variable.varValue))


class _Search(pulp.HiGHS):  # type: ignore[misc]
    """PuLP's HiGHS, with the relaxation solved first and both watched."""

    def __init__(self, watch: Watch, scale: int, offset: int, presolve: bool) -> None:
        super().__init__(
            msg=False,
            gapRel=0.0,
            gapAbs=0.0,
            threads=watch.options.workers,
            callbackTuple=(self._called, None),
            callbacksToActivate=[_EVENT.kCallbackMipInterrupt, _EVENT.kCallbackSimplexInterrupt],
            random_seed=watch.options.seed,
            mip_feasibility_tolerance=INTEGRALITY,
            **({} if presolve else {"presolve": "off"}),
        )
        self.watch, self.scale, self.offset = watch, scale, offset
        self.searching = self.doubtful = False
        self.bound: int | None = None
        self.proven: dict[Any, int] = {}
        self._tolerance, self._worth = INTEGRALITY, 0.0

    def callSolver(self, lp: pulp.LpProblem) -> None:
        """Solve the relaxation, take its exact bound, and search only where that is not the end."""
        highs, columns = lp.solverModel, lp.variables()
        self._start_clock(highs)
        whole = [v.index for v in columns if v.cat == pulp.LpInteger]
        for j in whole:
            highs.changeColIntegrality(j, highspy.HighsVarType.kContinuous)
        self._run(highs)
        if highs.getModelStatus() not in (_END.kOptimal, *_NOTHING, *_FAILED):
            return
        exact = LinearProgram.of(lp, self.scale, self.offset)
        basis = None
        if highs.getModelStatus() == _END.kOptimal:
            solution, basis = highs.getSolution(), highs.getBasis()
            self.bound = exact.bound(list(solution.row_dual))
            self.watch.report(None, self.bound)
            if self._ends_here(exact, columns, list(solution.col_value)):
                return
        elif highs.getModelStatus() in _NOTHING and self._excluded(highs, exact, whole):
            return
        self.searching = True
        if exact.denominator > FINE:
            highs.setOptionValue("presolve", "off")
        self._worth = sum((abs(lp.objective.get(v, 0.0)) + 1) * (v.upBound - v.lowBound) for v in columns)
        for j in whole:
            highs.changeColIntegrality(j, highspy.HighsVarType.kInteger)
        # the relaxation's solution would be tried as a plan, and a fractional one can end the search in "Solve error"
        highs.clearSolver()
        self._start_clock(highs)
        self._run(highs)
        self.doubtful = highs.getModelStatus() in _NOTHING and not self._excluded(highs, exact, whole)
        self._prove(highs, basis, exact, whole)

    def _excluded(self, highs: Any, exact: LinearProgram, whole: list[int]) -> bool:
        """Whether that HiGHS finds nothing can be believed: its numbers are coarse, or a walk proves it."""
        if exact.denominator <= FINE or self.watch.stopped_by is not Limit.NONE:
            return exact.denominator <= FINE
        target = exact.largest + 1
        root = exact.bound([0.0] * len(exact.rows))
        return self._walk(highs, None, exact, whole, root, target) >= target

    def _run(self, highs: Any) -> None:
        highs.run()
        # about one in a thousand tiny models with a largest-of-several objective, and relaxations with coefficients
        # from 1e-9 to 1e4: its presolve trips over them, or its incumbent over its own tolerance
        for option, value in (("presolve", "off"), ("mip_feasibility_tolerance", 8 * INTEGRALITY)):
            if highs.getModelStatus() not in _FAILED:
                return
            self._tolerance = max(self._tolerance, value) if isinstance(value, float) else self._tolerance
            highs.clearSolver()
            highs.setOptionValue(option, value)
            self._start_clock(highs)
            highs.run()

    def _prove(self, highs: Any, basis: Any, exact: LinearProgram, whole: list[int]) -> None:
        target, known = self.ticks(highs.getObjectiveValue()), self.best_bound(highs)
        if highs.getModelStatus() != _END.kOptimal or target is None or known is None or known >= target:
            return
        if not self.watch.report(target, known):
            self.bound = self._walk(highs, basis, exact, whole, known, target)

    def _walk(self, highs: Any, basis: Any, exact: LinearProgram, whole: list[int], known: int, target: int) -> int:
        relaxation = highspy.Highs()
        relaxation.setOptionValue("output_flag", False)
        relaxation.setOptionValue("presolve", "off")
        relaxation.setOptionValue("threads", self.watch.options.workers)
        relaxation.setOptionValue("random_seed", self.watch.options.seed)
        model = highs.getLp()
        model.integrality_ = []
        relaxation.passModel(model)
        if basis is not None:
            relaxation.setBasis(basis)
        self._start_clock(relaxation)
        return prove(relaxation, exact, whole, known, target, self.watch)

    def _start_clock(self, highs: Any) -> None:
        # HiGHS's clock runs on from one call to the next, and does not count what PuLP needs to hand the model over
        left = self.watch.left()
        if left is not None:
            highs.setOptionValue("time_limit", highs.getRunTime() + left)

    def _ends_here(self, exact: LinearProgram, columns: Sequence[Any], values: Sequence[float]) -> bool:
        """True when the relaxation's solution is whole, obeys every row exactly and costs its exact bound."""
        rounded = [round(x) for x in values]
        if any(abs(x - r) > 1e-6 for x, r in zip(values, rounded)) or exact.objective(rounded) != self.bound:
            return False
        self.proven = dict(zip(columns, rounded))
        self.watch.report(self.bound, self.bound)
        return True

    def ticks(self, objective: float) -> int | None:
        """An incumbent's price in the problem's units, to the nearest."""
        return round(objective * self.scale) + self.offset if abs(objective) < 1e30 else None

    def safe(self, bound: float) -> int | None:
        """The solver's bound in the problem's units, its tolerance taken off before it is rounded up."""
        slack = 2 * self._tolerance * self._worth
        return math.ceil((bound - slack) * self.scale) + self.offset if abs(bound) < 1e30 else None

    def best_bound(self, highs: Any) -> int | None:
        """The better of the exact bound and the search's; valid also without an incumbent."""
        searched = self.safe(highs.getInfo().mip_dual_bound) if self.searching else None
        return max((b for b in (self.bound, searched) if b is not None), default=None)

    def _called(self, event: Any, message: str, now: Any, reply: Any, data: Any) -> None:
        if event != _EVENT.kCallbackMipInterrupt:
            stop = self.watch.stopped_by is not Limit.NONE
        else:
            stop = self.watch.report(self.ticks(now.mip_primal_bound), self.safe(now.mip_dual_bound))
        if stop:
            reply.user_interrupt = True
