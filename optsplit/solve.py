"""The one door: `solve(problem, method=...)`, the table of methods, and `compare`."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from optsplit.errors import InvalidInput, MethodMismatch, SolverDisagreement, unknown
from optsplit.method import Answer, Method, Options, Progress
from optsplit.problems.partition import BRANCHES, CONTIGUOUS, LARGEST, LIMITS, PLACES, TOGETHER, Partition
from optsplit.result import Conflict, Limit, Result, Status

_ALL = frozenset({BRANCHES, LIMITS, LARGEST, PLACES, TOGETHER, CONTIGUOUS})
_TWO_PLACES = _ALL - {PLACES}


def _too_many_plans(problem: Partition) -> str | None:
    free = int((problem.fixed < 0).sum())
    plans = len(problem.places) ** free
    return None if plans <= 2**16 else f"it enumerates every plan, here {len(problem.places)}^{free}, and stops at 2^16"


def _refuses(algorithm: str) -> Any:
    return lambda problem: importlib.import_module(f"optsplit.algorithms.{algorithm}").refuses(problem)


def _one_metric(problem: Partition) -> str | None:
    return None if len(problem.objectives) > 1 else "it balances the largest of several metrics, here there is one"


def _formulation(file: str) -> Any:
    def run(problem: Any, options: Options) -> Answer:
        from optsplit import formulation

        answer: Answer = formulation.load(file).solve(problem, options)
        return answer

    return run


# exact methods stand in the order in which "auto" tries them
_TABLE = (
    Method("chain", "Partition", True, frozenset({PLACES}), "optsplit.algorithms.chain:solve",
           "shortest path in the layered graph (layer, place)"),
    Method("mincut", "Partition", True, frozenset({BRANCHES}), "optsplit.algorithms.mincut:solve",
           "minimum s-t cut, each tensor paid once each way"),
    Method("segments", "Partition", True, frozenset({LIMITS, LARGEST, PLACES}), "optsplit.algorithms.segments:solve",
           "dynamic programme over runs of a one-way chain", _refuses("segments")),
    Method("tiers", "Partition", True, frozenset({BRANCHES, PLACES, TOGETHER}), "optsplit.algorithms.tiers:solve",
           "minimum cut with thresholds, branch and bound on shared tensors", _refuses("intervals")),
    Method("lagrangian", "Partition", True, frozenset({BRANCHES, LIMITS, LARGEST}),
           "optsplit.algorithms.lagrangian:solve",
           "column generation over minimum cuts, then branch and bound"),
    Method("ideals", "Partition", True, _ALL - {TOGETHER}, "optsplit.algorithms.ideals:solve",
           "dynamic programme over ideals of a narrow network, one way", _refuses("ideals")),
    Method("cpsat", "Partition", True, _ALL, _formulation("partition_cpsat"),
           "CP-SAT, formulations/partition_cpsat.py"),
    Method("milp", "Partition", True, _ALL, _formulation("partition_milp"),
           "MILP by HiGHS, formulations/partition_milp.py"),
    Method("labels", "Partition", True, frozenset({LIMITS, LARGEST, PLACES}), "optsplit.algorithms.labels:solve",
           "paths with labels in the layered graph of a chain"),
    Method("brute", "Partition", True, _ALL, "optsplit.algorithms.brute:solve",
           "every plan, one by one", _too_many_plans),
    Method("neurosurgeon", "Partition", False, frozenset({BRANCHES, LIMITS}), "optsplit.baselines.neurosurgeon:solve",
           "Kang et al., ASPLOS 2017", options=frozenset({"load"})),
    Method("dads-light", "Partition", False, frozenset({BRANCHES, LIMITS}), "optsplit.baselines.dads:light",
           "Hu et al., INFOCOM 2019, light workload, as printed"),
    Method("dads-heavy", "Partition", False, frozenset({BRANCHES, LIMITS, LARGEST}), "optsplit.baselines.dads:heavy",
           "Hu et al., INFOCOM 2019, heavy workload, on a grid of weights", _one_metric),
    Method("pipedream", "Partition", False, _ALL, "optsplit.baselines.linearised:solve",
           "Narayanan et al., SOSP 2019, on the topological order"),
    Method("greedy-balance", "Partition", False, _ALL, "optsplit.baselines.greedy:balance",
           "list scheduling, Graham 1966"),
    Method("local-search", "Partition", False, _ALL, "optsplit.baselines.local_search:solve",
           "moves of single layers, from the best trivial plan"),
    Method("best-single-place", "Partition", False, _ALL, "optsplit.baselines.trivial:best_single_place",
           "every layer that is not pinned at one place, the best one"),
    Method("device-only", "Partition", False, _ALL, "optsplit.baselines.trivial:device_only",
           "every layer at the first place"),
    Method("server-only", "Partition", False, _TWO_PLACES, "optsplit.baselines.trivial:server_only",
           "every layer that is not pinned at the last place"),
)  # fmt: skip


@functools.cache
def table() -> dict[str, Method]:
    """Every method by name: built in, then those of the entry-point group `optsplit.methods`."""
    known = {method.name: method for method in _TABLE}
    for point in entry_points(group="optsplit.methods"):
        method = point.load()
        if not isinstance(method, Method):
            raise InvalidInput(f"entry point {point.name!r} is a {type(method).__name__}; register an optsplit.Method")
        known.setdefault(method.name, method)
    return known


def methods(problem: Any) -> list[Method]:
    """The methods that take this problem, exact ones first, fastest first."""
    return sorted((m for m in table().values() if m.mismatch(problem) is None), key=lambda m: not m.exact)


def solve(
    problem: Any,
    method: str = "auto",
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
        A `Partition`.
    method
        A name from `optsplit.methods(problem)`, or "auto": the fastest exact method that applies.
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
    MethodMismatch
        The method cannot take the problem; the message names those that can.
    SolverDisagreement
        The plan breaks a rule or costs other than the method claims.
    """
    if time_limit is not None and not time_limit > 0:
        raise InvalidInput(f"time_limit is {time_limit!r}; give a positive number of seconds, or None")
    if not 0 <= gap < 1:
        raise InvalidInput(f"gap is {gap!r}; give a number from 0 up to 1")
    if workers < 1:
        raise InvalidInput(f"workers is {workers!r}; give 1 or more")
    options = Options(time_limit, gap, workers, seed, hint, progress, extra)
    start = time.perf_counter()
    result = _run(problem, method, options)
    if result.status is Status.INFEASIBLE and problem.limits:
        left = None if time_limit is None else time_limit - (time.perf_counter() - start)
        result = replace(result, conflicts=conflicts(problem, left))
    return result


def _run(problem: Any, name: str, options: Options) -> Result:
    """One method on one problem, its answer checked; why a problem is infeasible is not looked for."""
    method = _choose(problem, name)
    if strange := sorted(set(options.extra) - method.options):
        raise InvalidInput(f"method {method.name!r}: {unknown('option', strange[0], sorted(method.options))}")
    start = time.perf_counter()
    asked = options
    if name == "auto" and method.name == "cpsat":
        from optsplit.start import started

        asked = started(problem, options)
    spent = time.perf_counter() - start
    answer = method.load()(problem, asked)
    answer = replace(answer, build_seconds=answer.build_seconds + spent)
    if answer.solve_seconds == 0.0:
        answer = replace(answer, solve_seconds=time.perf_counter() - start - answer.build_seconds)
    return _judge(problem, method, options, answer)


def _choose(problem: Any, name: str) -> Method:
    if name == "auto":
        for candidate in table().values():
            # the first that applies: what later ones refuse can take time to see
            if candidate.exact and candidate.mismatch(problem) is None:
                return candidate
        raise MethodMismatch(f"no exact method takes this {type(problem).__name__}")
    known = table()
    if name not in known:
        raise InvalidInput(unknown("method", name, known))
    if reason := known[name].mismatch(problem):
        able = ", ".join(repr(m.name) for m in methods(problem)) or "none"
        raise MethodMismatch(
            f"method {name!r} cannot solve this {type(problem).__name__}: {reason}; methods that can: {able}"
        )
    return known[name]


def _judge(problem: Any, method: Method, options: Options, answer: Answer) -> Result:
    """Price the plan by the problem itself, and give the status that the numbers support."""
    objective, metrics = None, {}
    if answer.bound is not None and not isinstance(answer.bound, int):
        raise SolverDisagreement(
            f"method {method.name!r} claims bound {answer.bound}; a bound is an integer in the problem's units, or None"
        )
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
        if answer.bound is not None and answer.bound > objective:
            raise SolverDisagreement(
                f"method {method.name!r} claims bound {answer.bound}, but its own plan costs {objective}"
            )
    if answer.infeasible:
        if answer.plan is not None:
            raise SolverDisagreement(f"method {method.name!r} claims infeasibility but its plan costs {objective}")
        status = Status.INFEASIBLE
    elif objective is None:
        status = Status.NO_SOLUTION
    elif answer.bound == objective:
        status = Status.OPTIMAL
    else:
        status = Status.HEURISTIC if answer.bound is None else Status.FEASIBLE
    return Result(
        method=method.name, status=status, limit=Limit.NONE if status is Status.OPTIMAL else answer.limit,
        objective=objective, bound=answer.bound, plan=answer.plan, metrics=metrics, minimize=problem.objectives,
        build_seconds=answer.build_seconds, solve_seconds=answer.solve_seconds, trace=answer.trace,
        solver=answer.solver, versions=answer.versions, seed=options.seed, workers=options.workers,
        time_limit=options.time_limit, raw_status=answer.raw_status,
        units={name: metric.unit for name, metric in problem.metrics.items()}, problem=problem,
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
            seen[key] = _run(relaxed, "auto", Options(left)) if timely else None
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


def compare(problem: Any, names: Iterable[str] | None = None, **options: Any) -> list[Result]:
    """Every method that applies (or those named), one result each, exact ones first; options as in `solve`."""
    chosen = [method.name for method in methods(problem)] if names is None else names
    return [solve(problem, name, **options) for name in chosen]
