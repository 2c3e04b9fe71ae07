"""CP-SAT by OR-Tools: options, limits, interrupts, hints, bounds and statuses, handled once.

CP-SAT works in 64-bit integers, so its bound is a certificate as it stands. Four things it does by itself are
switched off: its handler of SIGINT, which replaces Python's for good and reports an interrupt as a plain FEASIBLE; its
absolute gap limit of 1e-4, which has no meaning for integers; and what its presolve
gets wrong in 9.15.
"""

from __future__ import annotations

import math
from importlib.metadata import version

from ortools.sat.python import cp_model

from optsplit.backends.outcome import Outcome
from optsplit.backends.watch import Watch
from optsplit.errors import SolverError
from optsplit.result import Limit


class _Incumbents(cp_model.CpSolverSolutionCallback):
    def __init__(self, watch: Watch, scale: int, offset: int) -> None:
        super().__init__()
        self._watch, self._scale, self._offset = watch, scale, offset

    def on_solution_callback(self) -> None:
        objective = round(self.objective_value) * self._scale + self._offset
        if self._watch.report(objective, whole_bound(self.best_objective_bound, self._scale, self._offset)):
            self.stop_search()


def minimise(
    model: cp_model.CpModel,
    watch: Watch,
    *,
    linearization: int = 1,
    cuts: bool = True,
    scale: int = 1,
    offset: int = 0,
) -> Outcome:
    """Solve a model whose objective, times `scale`, plus `offset`, is an integer to minimise.

    Parameters
    ----------
    model
        With its objective and, where the caller has one, a hint for every variable.
    watch
        Started before the model was built; holds the options.
    linearization
        CP-SAT's `linearization_level`: 1 is its default; 2 puts clauses into its relaxation, too, which costs time
        in schedules and wins orders of magnitude where the relaxation is strong.
    cuts
        Whether its relaxation gets cutting planes. Never with no-overlap constraints at `linearization` 2: there 9.15
        proves optima that are a tick too high (tests/data/cpsat_cuts.pbtxt.gz).
    scale, offset
        From the model's objective to the problem's integer units, which may leave 64 bits.

    Raises
    ------
    SolverError
        The model was refused, or the solver ended without a word that is known.
    """
    watch.built()
    options = watch.options
    versions = {"ortools": version("ortools")}
    left = watch.left()
    if left == 0.0:
        return Outcome(None, None, False, Limit.TIME, watch, "CP-SAT", versions, "no time left after building")

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = options.workers
    solver.parameters.random_seed = options.seed
    solver.parameters.relative_gap_limit = 0.0
    solver.parameters.absolute_gap_limit = 0.0
    solver.parameters.linearization_level = linearization
    if not cuts:
        solver.parameters.cut_level = 0
    # 9.15 loses optimal plans in this step of its presolve and calls what is left OPTIMAL (or-tools issue 5293)
    solver.parameters.presolve_inclusion_work_limit = 0
    # reductions that keep some optimum only, not all, call feasible problems infeasible (tests/data/cpsat_*.json)
    solver.parameters.keep_all_feasible_solutions_in_presolve = True
    solver.parameters.catch_sigint_signal = False
    if left is not None:
        solver.parameters.max_time_in_seconds = left

    heard: list[float] = []

    def bound_moved(bound: float) -> None:
        heard.append(bound)
        if watch.report(None, whole_bound(bound, scale, offset)):
            solver.stop_search()

    solver.best_bound_callback = bound_moved
    incumbents = _Incumbents(watch, scale, offset)
    status = watch.run(lambda: solver.solve(model, incumbents), solver.stop_search)
    word = solver.status_name(status)
    if status == cp_model.INFEASIBLE:
        return Outcome(None, None, True, Limit.NONE, watch, "CP-SAT", versions, word)
    if status == cp_model.MODEL_INVALID:
        raise SolverError(f"CP-SAT refused the model: {model.validate().strip() or word}")
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
        raise SolverError(f"CP-SAT ended with {word}: {solver.response_stats()}")

    bound = whole_bound(solver.best_objective_bound, scale, offset)
    stopped = watch.stopped_by if watch.stopped_by is not Limit.NONE else Limit.TIME
    if status == cp_model.UNKNOWN:
        # its objective_value is garbage here; so is a bound of 0.0 that it never reported: the limit came in presolve
        if not heard and solver.best_objective_bound == 0.0:
            bound = None
        watch.report(None, bound)
        return Outcome(None, bound, False, stopped, watch, "CP-SAT", versions, word)
    watch.report(round(solver.objective_value) * scale + offset, bound)
    limit = Limit.NONE if status == cp_model.OPTIMAL else stopped
    return Outcome(solver.value, bound, False, limit, watch, "CP-SAT", versions, word)


def whole_bound(bound: float, scale: int = 1, offset: int = 0) -> int | None:
    """CP-SAT's bound as the integer that it is, in the problem's units; None before there is one."""
    return round(bound) * scale + offset if math.isfinite(bound) and abs(bound) < 2**53 else None
