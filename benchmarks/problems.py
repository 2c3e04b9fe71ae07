"""The frozen set of problems: one optsplit file each, and an index that says what they are and what to run on them.

    python -m benchmarks.problems            writes every file, links.json and the index
    python -m benchmarks.problems --index    writes the index again (labels follow the best-known values)

Readers want `instances()`. What is in the set, and why, stands in `benchmarks.families`.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import importlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import optsplit as osp
from benchmarks.families import Draft, connection
from benchmarks.ledger import INSTANCES
from benchmarks.trivial import needs_no_method
from optsplit import files
from optsplit.hardware import Connection
from optsplit.problems import stored
from optsplit.table import known as methods

FOLDER = INSTANCES / "problems"
INDEX = INSTANCES / "index.json"
LINKS = INSTANCES / "links.json"
PAPERS = {
    "neurosurgeon": "where to cut: latency, energy, limits, throughput, three places",
    "edgent": "early exits under a deadline",
    "dyno": "precisions under an accuracy budget",
    "ionn": "in which order to upload",
    "wang": "schedules of frames, and flow shops",
}
SIZES = {
    "partition": ("layers", 50, 200),
    "upload_order": ("units", 15, 60),
    "schedule": ("layers", 50, 200),
    "flow_shop": ("operations", 50, 200),
}
"""Problem kind -> what is counted, the most that is small, the most that is medium.

Layers of a schedule are those of all jobs; operations of a flow shop are jobs times machines.
"""

Call = tuple[str, dict[str, Any]]
"""A method and its options."""

POLICIES: dict[str, list[Call]] = {
    "partition": [("device-only", {}), ("server-only", {})],
    "upload_order": [("all-at-once", {})],
    "schedule": [("device-only", {}), ("server-only", {})],
    "flow_shop": [("fcfs", {})],
}
HEURISTICS: dict[str, list[Call]] = {
    "neurosurgeon": [("neurosurgeon", {})],
    "edgent": [("edgent", {})],
    "dyno": [("dyno", {})],
    "ionn": [("ionn", {"k": 0.5})],
    "wang": [("extended-johnson", {})],
}
BASELINES: dict[str, list[Call]] = {
    "neurosurgeon": [("dads-light", {}), ("dads-heavy", {}), ("pipedream", {}), ("greedy-balance", {}),
                     ("local-search", {})],
    "edgent": [("edgent-repaired", {})],
    "dyno": [("float32", {})],
    "ionn": [("in-order", {}), ("ionn", {"k": 0.1}), ("ionn-layerwise", {"k": 0.5}), ("ionn-efficiency", {}),
             ("density", {}), ("largest-first", {}), ("local-search", {})],
    "wang": [("partition", {}), ("list", {}), ("fcfs", {}), ("no-overlap", {}), ("neh", {}), ("cds", {}),
             ("johnson-halves", {})],
}  # fmt: skip


@dataclass(frozen=True)
class Instance:
    """One problem of the set; `load` gives it.

    Parameters
    ----------
    name, paper, file
        Unique name, the paper whose question it asks, and the file below `benchmarks/instances`.
    kind, question, size
        "partition", "upload_order", "schedule" or "flow_shop"; what is asked; "small", "medium" or "large".
    layers, tensors, units, jobs, places
        Counts; 0 where the kind has none. Layers and tensors of a schedule are those of all jobs; the places of a flow
        shop are its machines.
    network, grain, link, factors, source
        Where the numbers come from; `factors` slow places down.
    synthetic
        Drawn by a generator, in whole or in part.
    trivial
        No method is needed: see `benchmarks.trivial`. None while no optimum is known.
    heuristics, policies, baselines, exact
        The paper's heuristic, trivial policies, what else to compare, and the exact method. Empty where none applies.
    published
        [objective, source] where an optimum is printed.
    digest
        SHA-256 of the file's text, unzipped.
    """

    name: str
    paper: str
    file: str
    kind: str
    question: str
    size: str
    layers: int
    tensors: int
    units: int
    jobs: int
    places: int
    network: str
    grain: str
    link: str
    factors: Mapping[str, float]
    source: str
    synthetic: bool
    trivial: bool | None
    heuristics: list[Call]
    policies: list[Call]
    baselines: list[Call]
    exact: str
    published: tuple[int, str] | None
    digest: str

    def load(self) -> Any:
        """The problem of the file."""
        return stored.load(self.path)

    @property
    def path(self) -> Path:
        """The file."""
        return INSTANCES / self.file


@dataclass(frozen=True)
class Index:
    """The index file: its rules in words, and the instances by paper and name."""

    sizes: dict[str, str]
    trivial: str
    papers: dict[str, str]
    instances: list[Instance] = field(default_factory=list)


def read() -> Index:
    """The index."""
    return msgspec.json.decode(INDEX.read_bytes(), type=Index)


def instances(paper: str | None = None, size: str | None = None) -> list[Instance]:
    """The instances of the index, perhaps only those of a paper, or of a size."""
    return [i for i in read().instances if paper in (None, i.paper) and size in (None, i.size)]


def links() -> dict[str, Connection]:
    """The links that instances name."""
    return msgspec.json.decode(LINKS.read_bytes(), type=dict[str, Connection])


def digest(path: Path) -> str:
    """SHA-256 of a file's text, the same whether it is gzipped or not, and by which gzip."""
    return hashlib.sha256(files.unpacked(path.read_bytes(), str(path))).hexdigest()


def counts(problem: Any) -> dict[str, int]:
    """Layers, tensors, units, jobs and places of a problem of any kind."""
    match problem:
        case osp.Partition():
            found = (len(problem.layers), len(problem.tensors), 0, 0, len(problem.places))
        case osp.UploadOrder():
            part = problem.partition
            found = (len(part.layers), len(part.tensors), len(problem.names), 0, len(part.places))
        case osp.Schedule():
            layers, tensors = (sum(len(getattr(job, what)) for job in problem.jobs) for what in ("layers", "tensors"))
            found = (layers, tensors, 0, len(problem.jobs), len(problem.places))
        case _:
            found = (0, 0, 0, problem.jobs, problem.machines)
    return dict(zip(("layers", "tensors", "units", "jobs", "places"), found, strict=True))


def size_class(kind: str, count: Mapping[str, int]) -> str:
    """ "small", "medium" or "large" by SIZES."""
    what, small, medium = SIZES[kind]
    number = count["jobs"] * count["places"] if what == "operations" else count[what]
    return "small" if number <= small else "medium" if number <= medium else "large"


def described(draft: Draft, paper: str, best: Mapping[str, Any]) -> Instance:
    """The entry of a draft whose file is written; `best` has the best-known objectives by name."""
    path = target(paper, draft.name)
    count = counts(draft.problem)
    kind = files.kind_of(path)

    def usable(calls: Iterable[Call]) -> list[Call]:
        # named one by one: what the exact methods refuse can take time to see
        table, of = methods(), type(draft.problem).__name__
        return [(m, o) for m, o in calls if (of, m) in table and table[of, m].mismatch(draft.problem) is None]

    known = best.get(draft.name)
    policies = usable(POLICIES[kind])
    taken = {name for name, _ in policies}
    return Instance(
        name=draft.name, paper=paper, file=path.relative_to(INSTANCES).as_posix(), kind=kind,
        question=draft.question, size=size_class(kind, count), **count,
        network=draft.network, grain=draft.grain, link=draft.link, factors=dict(draft.load), source=draft.source,
        synthetic=draft.synthetic, trivial=None if known is None else needs_no_method(draft.problem, known),
        heuristics=usable(HEURISTICS[paper]), policies=policies,
        baselines=[call for call in usable(BASELINES[paper]) if call[0] not in taken],
        exact="auto", published=draft.published, digest=digest(path),
    )  # fmt: skip


def target(paper: str, name: str) -> Path:
    """The file of an instance."""
    return FOLDER / paper / f"{name}.json.gz"


def write(entries: Sequence[Instance]) -> None:
    """The index, a line for each instance, and the numbers of every link that they name."""
    index = Index(
        {kind: f"small: at most {small} {what}; medium: at most {medium}; large: above"
         for kind, (what, small, medium) in SIZES.items()},
        "no method is needed: benchmarks/trivial.py says when", PAPERS,
    )  # fmt: skip
    head = json.dumps({key: value for key, value in dataclasses.asdict(index).items() if key != "instances"}, indent=1)
    lines = ",\n".join(msgspec.json.encode(entry).decode() for entry in entries)
    INDEX.write_text(f'{head.removesuffix("}").rstrip()},\n "instances": [\n{lines}\n]}}\n')
    named = sorted({entry.link for entry in entries if entry.link and "+" not in entry.link})
    links = {name: msgspec.to_builtins(connection(name)) for name in named}
    LINKS.write_text(json.dumps(links, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", action="store_true", help="only the index; the files stay as they are")
    asked = parser.parse_args()
    from benchmarks import bks

    best = bks.proven(bks.read())
    if asked.index:
        write([relabelled(entry, best) for entry in read().instances])
        return
    entries = []
    for paper in PAPERS:
        (FOLDER / paper).mkdir(parents=True, exist_ok=True)
        drafts = list(importlib.import_module(f"benchmarks.families.{paper}").drafts())
        names = [draft.name for draft in drafts]
        if twice := {name for name in names if names.count(name) > 1}:
            raise SystemExit(f"{paper}: {sorted(twice)} stand twice; name them apart")
        for stale in set((FOLDER / paper).iterdir()) - {target(paper, name) for name in names}:
            stale.unlink()
        for draft in drafts:
            draft.problem.save(target(paper, draft.name))
        entries += [described(draft, paper, best) for draft in drafts]
        print(f"{paper}: {len(drafts)}", file=sys.stderr, flush=True)
        write(entries)


def relabelled(entry: Instance, best: Mapping[str, int]) -> Instance:
    """The entry with its label `trivial` as the best-known values have it."""
    known = best.get(entry.name)
    trivial = None if known is None else needs_no_method(entry.load(), known)
    return dataclasses.replace(entry, trivial=trivial)


if __name__ == "__main__":
    main()
