"""Best-known values: the best plan of every instance, the best bound, and which methods prove it.

    python -m benchmarks.bks [--limit 60] [--only PAPER] [--name PART] [--missing] [--open] [--check-limit 10]

Solves, and only ever improves: a lower objective, a higher bound, another method that proves the same. A value that
contradicts one that is proven, or a bound above a plan, stops everything: it is a defect somewhere. Every plan is kept
beside it (`instances/plans/<paper>.json`), so that every value can be priced again.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import optsplit as osp
from benchmarks import problems, stored_plans
from benchmarks.ledger import HERE, INSTANCES
from optsplit.errors import SolverDisagreement
from optsplit.result import Result, Status
from optsplit.table import known

FILE = HERE / "bks.json"
PLANS = INSTANCES / "plans"
SECOND = {
    "partition": ("mincut", "milp", "cpsat", "brute"),
    "upload_order": ("subset-dp", "cpsat", "linear-ordering", "time-indexed", "brute"),
    "schedule": ("cpsat", "milp", "brute"),
    "flow_shop": ("cpsat", "milp", "brute"),
}
"""Exact methods to check one another by, in the order in which they are tried."""
ENOUGH = 1
"""Methods beside the first that have to agree."""


class Contradiction(Exception):
    """Two claims that cannot both be true."""


@dataclass(frozen=True)
class Entry:
    """What is known of one instance.

    Parameters
    ----------
    name, digest
        The instance, and the SHA-256 of the text of its problem.
    objective, bound, proven
        Price of the best plan, best lower bound; proven when they meet.
    method, seconds, date, optsplit
        What found the objective, in how long, when, and by which release.
    checked_by
        Methods that have each proved the objective to be optimal.
    note
        What a reader should know.
    """

    name: str
    digest: str
    objective: int | None
    bound: int | None
    proven: bool
    method: str
    seconds: float
    date: str
    optsplit: str
    checked_by: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def gap(self) -> float | None:
        """(objective - bound) / max(|objective|, 1), or None where one is missing."""
        if self.objective is None or self.bound is None:
            return None
        return (self.objective - self.bound) / max(abs(self.objective), 1)


def read(path: Path = FILE) -> dict[str, Entry]:
    """Every entry by name."""
    if not path.exists():
        return {}
    return {entry.name: entry for entry in msgspec.json.decode(path.read_bytes(), type=list[Entry])}


def proven(entries: Mapping[str, Entry]) -> dict[str, int]:
    """The optima by name."""
    return {e.name: e.objective for e in entries.values() if e.proven and e.objective is not None}


def plans(paper: str) -> dict[str, dict[str, Any]]:
    """The plans of a paper's instances by name, as `benchmarks.stored_plans` writes them."""
    path = PLANS / f"{paper}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def fresh(result: Result, name: str, digest: str) -> Entry:
    """The entry of a first result."""
    return Entry(
        name=name, digest=digest, objective=result.objective, bound=result.bound,
        proven=result.status is Status.OPTIMAL, method=result.method,
        seconds=round(result.build_seconds + result.solve_seconds, 3),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(), optsplit=osp.__version__,
        checked_by=[result.method] if result.status is Status.OPTIMAL else [],
    )  # fmt: skip


def improved(old: Entry, new: Entry) -> Entry:
    """What both know together: the lower objective, the higher bound, all methods that prove it.

    Raises
    ------
    Contradiction
        One claims a plan below what the other proved, or a bound above the other's plan.
    """
    for one, other in ((old, new), (new, old)):
        if one.bound is not None and other.objective is not None and one.bound > other.objective:
            raise Contradiction(
                f"{old.name}: {one.method} bounds by {one.bound}, but {other.method} has a plan of {other.objective}"
            )
    better = old.objective is None or (new.objective is not None and new.objective < old.objective)
    best = new if better else old
    bound = max((b for b in (old.bound, new.bound) if b is not None), default=None)
    proven = best.objective is not None and bound == best.objective
    proofs = [method for entry in (old, new) if entry.proven for method in entry.checked_by]
    return dataclasses.replace(best, bound=bound, proven=proven, checked_by=list(dict.fromkeys(proofs)))


def second_methods(problem: Any, kind: str, tried: str) -> list[str]:
    """Exact methods that take the problem and are not the first one, nor stand for it."""
    # named one by one: what the others refuse can take time to see
    table, of = known(), type(problem).__name__
    return [name for name in SECOND[kind] if name != tried and table[of, name].mismatch(problem) is None]


def settle(instance: problems.Instance, old: Entry | None, limit: float, check: float) -> tuple[Entry, Any]:
    """Solve by the first method where the entry is open, by others until enough agree, and by every baseline where it
    stays open; the entry, and its plan where that is another than before.
    """
    problem = instance.load()
    plan, entry = None, old

    def learn(method: str, seconds: float | None, **options: Any) -> Entry:
        nonlocal plan
        result = osp.solve(problem, method, time_limit=seconds, **options)
        if result.status is Status.INFEASIBLE:
            raise Contradiction(f"{instance.name}: {result.method} says infeasible; every instance has a plan")
        found = fresh(result, instance.name, instance.digest)
        before = None if entry is None else entry.objective
        together = found if entry is None else improved(entry, found)
        if together.objective != before:
            plan = result.plan
        return together

    if entry is None or not entry.proven:
        entry = learn("auto", limit)
    first = entry.checked_by[0] if entry.checked_by else ""
    for name in second_methods(problem, instance.kind, first) if check > 0 else []:
        if entry.proven and len(entry.checked_by) > ENOUGH:
            break
        if name not in entry.checked_by:
            entry = learn(name, check)
    if not entry.proven:
        for name, options in (*instance.heuristics, *instance.policies, *instance.baselines):
            entry = learn(name, limit, **options)
    if instance.published is not None:
        optimum, source = instance.published
        if (entry.bound is not None and entry.bound > optimum) or (entry.proven and entry.objective != optimum):
            raise Contradiction(f"{instance.name}: {entry.objective} (bound {entry.bound}); {source} has {optimum}")
    return entry, None if plan is None else stored_plans.compact(problem, plan)


def write(entries: Mapping[str, Entry], kept: Mapping[str, Mapping[str, Any]]) -> None:
    """All entries, one on a line, and the plans of each paper."""
    lines = ",\n".join(msgspec.json.encode(entry).decode() for entry in entries.values())
    FILE.write_text(f"[\n{lines}\n]\n")
    PLANS.mkdir(exist_ok=True)
    for paper, found in kept.items():
        rows = ",\n".join(f"{json.dumps(name)}: {_packed(found[name])}" for name in sorted(found))
        (PLANS / f"{paper}.json").write_text(f"{{\n{rows}\n}}\n")


def _packed(plan: Mapping[str, Any]) -> str:
    return json.dumps(plan, separators=(",", ":"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for the first method")
    parser.add_argument("--check-limit", type=float, default=10.0, help="seconds for each other method; 0: none")
    parser.add_argument("--check-sizes", nargs="*", default=["small", "medium", "large"], help="those to check")
    parser.add_argument("--only", metavar="PAPER", choices=problems.PAPERS, help="one paper's instances")
    parser.add_argument("--missing", action="store_true", help="only instances without an entry")
    parser.add_argument("--open", action="store_true", help="only instances that are not proven")
    parser.add_argument("--name", metavar="PART", default="", help="only instances whose name contains it")
    asked = parser.parse_args()
    every = problems.instances()
    named = {i.name: i for i in every}
    # an entry belongs to one problem: another digest, another problem
    entries = {n: e for n, e in read().items() if n in named and named[n].digest == e.digest}
    kept = {paper: {n: p for n, p in plans(paper).items() if n in entries} for paper in problems.PAPERS}
    last = time.monotonic()
    for instance in every:
        old = entries.get(instance.name)
        if asked.only not in (None, instance.paper) or asked.name not in instance.name:
            continue
        if (asked.missing and old is not None) or (asked.open and old is not None and old.proven):
            continue
        start = time.monotonic()
        try:
            check = asked.check_limit if instance.size in asked.check_sizes else 0.0
            entry, plan = settle(instance, old, asked.limit, check)
        except (Contradiction, SolverDisagreement) as error:
            write({n: entries[n] for n in named if n in entries}, kept)
            raise SystemExit(f"{instance.name}: {error}") from error
        entries[instance.name] = entry
        if plan is not None:
            kept[instance.paper][instance.name] = plan
        spent = time.monotonic() - start
        if spent > 1 or not entry.proven:
            print(f"{instance.paper:12} {instance.name:60} {'proven' if entry.proven else f'gap {entry.gap}'} "
                  f"{','.join(entry.checked_by)} {spent:.1f} s", file=sys.stderr, flush=True)  # fmt: skip
        if time.monotonic() - last > 20:
            write({n: entries[n] for n in named if n in entries}, kept)
            last = time.monotonic()
    write({n: entries[n] for n in named if n in entries}, kept)
    best = proven(entries)
    problems.write([problems.relabelled(instance, best) for instance in every])


if __name__ == "__main__":
    main()
