"""What a sweep is asked: named problems, known methods with their options, and the runs that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optsplit.errors import InvalidInput, unknown
from optsplit.method import Method, Problem
from optsplit.problems import stored
from optsplit.problems.flow_shop import FlowShop
from optsplit.solve import methods as applying
from optsplit.solve import solve
from optsplit.sweep import store as sweep_store
from optsplit.sweep.task import Task
from optsplit.table import known

Chosen = tuple[str | Method, dict[str, Any]]

_OF_SOLVE = frozenset({"time_limit", "gap", "workers", "hint"})


@dataclass(frozen=True)
class Planned:
    """A run that is asked: `options` are those of the method, the task's are all; equal keys are one run."""

    name: str
    problem: Problem
    options: Mapping[str, Any]
    task: Task
    key: str


def planned(
    problems: Any,
    methods: Any,
    seeds: Iterable[int],
    common: Mapping[str, Any],
    options: Mapping[str, Any],
    version: str | None,
) -> list[Planned]:
    """Every run, by problem, then method, then seed; arguments as in `optsplit.sweep`.

    Parameters
    ----------
    common
        Keywords of `solve` for all; options of a method stand above them.
    version
        Of optsplit, for the keys of runs that are kept on disk; None: each run is unlike any other.

    Raises
    ------
    InvalidInput
        An unknown method or option, a problem that cannot be kept on disk, a limit that is none.
    """
    chosen = _chosen(methods)
    _refuse_unknown_options(chosen, options)
    for _, own in chosen or [("auto", {})]:
        # the door refuses limits in its own words, before anything long begins
        solve(FlowShop([[1]]), **{k: v for k, v in {**common, **own}.items() if k in ("time_limit", "gap", "workers")})
    seeds = list(seeds)
    found: list[Planned] = []
    for name, given in _named(problems):
        problem = stored.load(given) if isinstance(given, Path) else given
        content = "" if version is None else sweep_store.fingerprint(problem)
        pairs: Iterable[Chosen] = chosen if chosen is not None else [(m.name, {}) for m in applying(problem)]
        for method, own in pairs:
            taken = {**{k: v for k, v in options.items() if k in _options_of(method) | _OF_SOLVE}, **own}
            for seed in seeds:
                task = Task(given, method, {**common, **taken}, seed)
                key = str(len(found))
                if version is not None:
                    key = sweep_store.key(content, method, task.options, seed, version)
                found.append(Planned(name, problem, taken, task, key))
    return found


def _named(problems: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(problems, str | Path) or hasattr(problems, "evaluate"):
        problems = [problems]
    if isinstance(problems, Mapping):
        pairs = [(str(name), problem) for name, problem in problems.items()]
    else:
        pairs = [
            (_stem(problem) if isinstance(problem, str | Path) else f"{i} {problem.name}", problem)
            for i, problem in enumerate(problems)
        ]
    seen: set[str] = set()
    for name, problem in pairs:
        if name in seen:
            raise InvalidInput(f"two problems are called {name!r}; give a mapping from names to problems")
        seen.add(name)
        yield name, Path(problem).absolute() if isinstance(problem, str | Path) else problem


def _stem(path: str | Path) -> str:
    return Path(path).name.removesuffix(".gz").removesuffix(".json")


def _chosen(methods: Any) -> list[Chosen] | None:
    """Methods with their own options; None for those that apply."""
    if methods is None or methods == "all":
        return None
    names = dict.fromkeys(["auto", *(method.name for method in known().values())])
    chosen: list[Chosen] = []
    for each in [methods] if isinstance(methods, str | Method) else methods:
        match (each, {}) if isinstance(each, str | Method) else each:
            case (str() | Method() as method, Mapping() as own):
                pass
            case _:
                raise InvalidInput(f"method {each!r}; give a name, a Method, or a pair of one and its options")
        if isinstance(method, str) and method not in names:
            raise InvalidInput(unknown("method", method, names))
        chosen.append((method, dict(own)))
    return chosen


def _refuse_unknown_options(chosen: list[Chosen] | None, options: Mapping[str, Any]) -> None:
    taken = set(_OF_SOLVE)
    for method, own in chosen if chosen is not None else [(method, {}) for method in known().values()]:
        fitting = _options_of(method)
        taken |= fitting
        for name in own:
            if name not in fitting | _OF_SOLVE:
                called = method if isinstance(method, str) else method.name
                raise InvalidInput(f"method {called!r}: {unknown('option', name, sorted(fitting | _OF_SOLVE))}")
    for name in options:
        if name not in taken:
            raise InvalidInput(f"no method asked for takes it: {unknown('option', name, sorted(taken))}")


def _options_of(method: str | Method) -> frozenset[str]:
    if isinstance(method, Method):
        return method.options
    return frozenset().union(*(each.options for each in known().values() if each.name == method))
