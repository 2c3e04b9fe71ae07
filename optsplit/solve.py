"""The one door: `solve(problem, method=...)`, the methods that apply, and `compare`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from optsplit.errors import InvalidInput, MethodMismatch, SolverDisagreement, unknown
from optsplit.method import Answer, Method, Options, Problem, Progress
from optsplit.problems.partition import Partition
from optsplit.result import Conflict, Limit, Result, Status
from optsplit.table import known

MOST_WORKERS = 10_000
"""CP-SAT takes no more."""


def methods(problem: Problem) -> list[Method]:
    """The methods that take this problem, exact ones first, fastest first."""
    return sorted((m for m in known().values() if m.mismatch(problem) is None), key=lambda m: not m.exact)


def solve(
    problem: Problem,
    method: str | Method = "auto",
    *,
    time_limit: float | None = None,
    gap: float = 0.0,
    workers: int = 1,
    seed: int = 0,
    hint: Any = None,
    progress: Progress | None = None,
    **extra: Any,
) -> Result:
    """Solve a problem by one method, and check what it says.

    Parameters
    ----------
    problem
        Any object with the contract of `optsplit.method.Problem`, such as a `Partition`.
    method
        A name from `optsplit.methods(problem)`; or "auto": the fastest exact method that applies; or a `Method` of
        your own.
    time_limit
        Seconds; the best plan so far and a valid bound come back when it ends.
    gap
        Stop at this relative gap.
    workers, seed
        Threads and seed of the solver: the same input, seed and one worker give the same plan.
    hint
        A plan to start from, where the method can use one.
    progress
        Called with a `TracePoint` at each new incumbent or bound.
    extra
        Options of the method itself.

    Raises
    ------
    InvalidInput
        A time limit, gap, number of workers, seed or option out of range, or a method that is not known.
    MethodMismatch
        The method cannot take the problem; the message names those that can.
    SolverDisagreement
        The plan breaks a rule or costs other than the method claims.
    """
    if time_limit is not None and not (isinstance(time_limit, Real) and time_limit > 0):
        raise InvalidInput(f"time_limit is {time_limit!r}; give a positive number of seconds, or None")
    if not (isinstance(gap, Real) and 0 <= gap < 1):
        raise InvalidInput(f"gap is {gap!r}; give a number from 0 up to 1")
    if not (isinstance(workers, Integral) and 1 <= workers <= MOST_WORKERS):
        raise InvalidInput(f"workers is {workers!r}; give 1 or more, a whole number up to {MOST_WORKERS}")
    if not (isinstance(seed, Integral) and 0 <= seed < 2**31):
        raise InvalidInput(f"seed is {seed!r}; give a whole number from 0 below 2**31")
    options = Options(time_limit, gap, workers, seed, hint, progress, extra)
    start = time.perf_counter()
    result = attempt(problem, method, options)
    if result.status is Status.INFEASIBLE and isinstance(problem, Partition) and problem.limits:
        left = None if time_limit is None else time_limit - (time.perf_counter() - start)
        result = replace(result, conflicts=conflicts(problem, left))
    return result


def attempt(problem: Problem, asked_for: str | Method, options: Options) -> Result:
    """As `solve`, but why a problem is infeasible is not looked for."""
    method = _choose(problem, asked_for)
    if strange := sorted(set(options.extra) - method.options):
        raise InvalidInput(f"method {method.name!r}: {unknown('option', strange[0], sorted(method.options))}")
    run = method.load()  # before the clock starts: the first solve of a process imports it
    start = time.perf_counter()
    asked = options
    if asked_for == "auto" and method.name == "cpsat" and isinstance(problem, Partition):
        from optsplit.start import started

        asked = started(problem, options)
    spent = time.perf_counter() - start
    answer = run(problem, asked)
    answer = replace(answer, build_seconds=answer.build_seconds + spent)
    if answer.solve_seconds == 0.0:
        answer = replace(answer, solve_seconds=time.perf_counter() - start - answer.build_seconds)
    return _judge(problem, method, options, answer)


def _choose(problem: Problem, asked_for: str | Method) -> Method:
    if isinstance(asked_for, Method):
        return _able(asked_for, problem)
    if asked_for == "auto":
        for candidate in known().values():
            # the first that applies: what later ones refuse can take time to see
            if candidate.exact and candidate.mismatch(problem) is None:
                return candidate
        raise MethodMismatch(f"no exact method takes this {type(problem).__name__}")
    named = [method for method in known().values() if method.name == asked_for]
    if not named:
        raise InvalidInput(unknown("method", asked_for, dict.fromkeys(method.name for method in known().values())))
    # one name may stand for one method of each problem
    kind = type(problem).__name__
    return _able(next((method for method in named if method.problem == kind), named[0]), problem)


def _able(method: Method, problem: Problem) -> Method:
    """The method, if it takes the problem."""
    if reason := method.mismatch(problem):
        able = ", ".join(repr(m.name) for m in methods(problem)) or "none"
        raise MethodMismatch(
            f"method {method.name!r} cannot solve this {type(problem).__name__}: {reason}; methods that can: {able}"
        )
    return method


def _judge(problem: Problem, method: Method, options: Options, answer: Answer) -> Result:
    """Price the plan by the problem itself, and give the status that the numbers support."""
    objective, metrics = None, {}
    claimed = [*answer.bounds.values(), *([] if answer.bound is None else [answer.bound])]
    for bound in claimed:
        if not isinstance(bound, int):
            raise SolverDisagreement(
                f"method {method.name!r} claims bound {bound}; a bound is an integer in the problem's units, or None"
            )
    best = max(claimed, default=None)
    if answer.plan is None and answer.objective is not None:
        raise SolverDisagreement(f"method {method.name!r} claims objective {answer.objective}, but returned no plan")
    if answer.plan is not None:
        evaluation = problem.evaluate(answer.plan)
        if evaluation.violations:
            raise SolverDisagreement(
                f"method {method.name!r} returned a plan that breaks a rule: {evaluation.violations[0]}"
            )
        objective, metrics = evaluation.objective, dict(evaluation.metrics)
        if answer.objective is not None and answer.objective != objective:
            raise SolverDisagreement(
                f"method {method.name!r} claims objective {answer.objective}, but its plan costs {objective}"
            )
        if best is not None and best > objective:
            raise SolverDisagreement(f"method {method.name!r} claims bound {best}, but its own plan costs {objective}")
    if answer.infeasible:
        if answer.plan is not None:
            raise SolverDisagreement(f"method {method.name!r} claims infeasibility but its plan costs {objective}")
        status = Status.INFEASIBLE
    elif objective is None:
        status = Status.NO_SOLUTION
    elif best == objective:
        status = Status.OPTIMAL
    else:
        status = Status.HEURISTIC if best is None else Status.FEASIBLE
    return Result(
        method=method.name, status=status, limit=Limit.NONE if status is Status.OPTIMAL else answer.limit,
        objective=objective, bound=best, bounds=dict(answer.bounds), plan=answer.plan, metrics=metrics,
        minimize=problem.objectives,
        build_seconds=answer.build_seconds, solve_seconds=answer.solve_seconds, trace=answer.trace,
        solver=answer.solver, versions=answer.versions, seed=options.seed, workers=options.workers,
        time_limit=options.time_limit, raw_status=answer.raw_status,
        units=dict(problem.units), problem=problem,
    )  # fmt: skip


def conflicts(problem: Partition, time_limit: float | None = None) -> tuple[Conflict, ...]:
    """The limits of an infeasible problem that conflict: an irreducible set, each with its best value.

    A limit is dropped from the set as long as the others alone still exclude every plan. What remains is
    minimal: without any one of them there is a plan, and `best` is the least value that metric then takes.
    Empty when the problem has no plan even without limits (pins, links or one_way exclude it).

    Parameters
    ----------
    problem
        Infeasible, with limits.
    time_limit
        Seconds for all of it; what is not settled by then, or when Ctrl-C comes, stays in the set with no best value.
    """
    deadline = None if time_limit is None else time.perf_counter() + time_limit
    seen: dict[tuple[str, frozenset[str]], Result | None] = {}

    def least(metric: str, limits: dict[str, int]) -> Result | None:
        key = metric, frozenset(limits)
        if key not in seen:
            left = None if deadline is None else deadline - time.perf_counter()
            timely = left is None or left > 0
            relaxed = problem.but(minimize=metric, limits=limits)
            seen[key] = attempt(relaxed, "auto", Options(left)) if timely else None
        return seen[key]

    def without(metric: str) -> Result | None:
        return least(metric, {name: limit for name, limit in kept.items() if name != metric})

    def impossible(result: Result | None) -> bool:
        return result is not None and result.status is Status.INFEASIBLE

    kept = dict(problem.limits)
    best: dict[str, int | None] = {}
    try:
        if impossible(least(next(iter(kept)), {})):
            return ()
        for metric in problem.limits:
            if impossible(without(metric)):
                del kept[metric]
        for metric in kept:
            result = without(metric)
            best[metric] = result.objective if result is not None and result.status is Status.OPTIMAL else None
    except KeyboardInterrupt:
        pass  # that the problem is infeasible stands proved already
    return tuple(
        Conflict(metric, limit, best.get(metric), problem.metrics[metric].unit) for metric, limit in kept.items()
    )


def compare(problem: Problem, names: Iterable[str | Method] | None = None, **options: Any) -> list[Result]:
    """Every method that applies (or those given), one result each, exact ones first; options as in `solve`."""
    chosen = [method.name for method in methods(problem)] if names is None else names
    return [solve(problem, name, **options) for name in chosen]
