"""Exact methods against the papers' heuristics and other baselines, over all the frozen instances.

    python -m benchmarks.exact_vs_heuristic [--limit 20] [--papers ...] [--sizes ...] [--folder DIR] [--workers 1]

Writes a CSV with every run, a page and its pictures. With --folder every finished run is kept there, and the same
command continues after an interrupt. Times of an instance's methods are taken one after the other in one process; with
more workers they cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import problems
from benchmarks.exact_vs_heuristic_page import entries, write
from optsplit.evidence.best import Best
from optsplit.evidence.gaps import Steps
from optsplit.evidence.record import Record, judged
from optsplit.evidence.runs import Call, Case, Outcome, run
from optsplit.sweep import Run

CLASSES = {"partition": "Partition", "upload_order": "UploadOrder", "schedule": "Schedule", "flow_shop": "FlowShop"}
OTHERS: dict[str, tuple[str, ...]] = {
    "partition": ("cpsat", "milp"),
    "upload_order": ("subset-dp", "cpsat", "linear-ordering", "time-indexed"),
    "schedule": ("cpsat", "milp"),
    "flow_shop": ("cpsat", "milp"),
}
"""Exact methods beside "auto": the models, and what else is general; run where they have a chance."""
WITHIN = ("small", "medium")


def case(instance: problems.Instance) -> Case:
    """An instance as a sweep takes it."""
    tags = [instance.question.replace(" ", "-")]
    tags += ["trivial"] * (instance.trivial is True) + ["synthetic"] * instance.synthetic
    return Case(instance.name, instance.paper, CLASSES[instance.kind], instance.path, instance.size, tuple(tags))


def unique(calls: Sequence[Call]) -> list[Call]:
    """The calls, each once."""
    found: list[Call] = []
    for name, options in calls:
        if (name, options) not in found:
            found.append((name, options))
    return found


def measured(
    chosen: Sequence[problems.Instance], limit: float, other_limit: float, seeds: Sequence[int], workers: int,
    folder: str | None,
) -> Outcome:  # fmt: skip
    """The runs of the instances, paper by paper, judged by one another and by the best-known values."""
    known = {name: Best(entry.objective, entry.bound) for name, entry in entries(chosen).items()}
    records: list[Record] = []
    gaps: dict[tuple[str, str], Steps] = {}
    for paper in dict.fromkeys(i.paper for i in chosen):
        mine = [i for i in chosen if i.paper == paper]
        calls = unique([("auto", {})] + [c for i in mine for c in (*i.heuristics, *i.policies, *i.baselines)])
        options = {"workers": workers, "folder": folder, "progress": tell}
        few = [i for i in mine if i.size in WITHIN]
        others = [(name, {}) for name in dict.fromkeys(name for i in few for name in OTHERS[i.kind])]
        for among, asked, seconds in ((mine, calls, limit), (few, others, other_limit)):
            found = run([case(i) for i in among], asked, seeds=seeds, time_limit=seconds, **options)
            if found.interrupted:
                raise SystemExit("interrupted: no page is written; with --folder the same command continues")
            records += found.records
            gaps |= found.gaps
    return Outcome(judged(records, known), gaps)


def tell(done: int, total: int, run: Run) -> None:
    """A line now and then."""
    if done % 200 == 0 or done == total:
        print(f"{done} of {total}: {run.name} {run.method}", file=sys.stderr, flush=True)


def sample(instances: Sequence[problems.Instance], count: int) -> list[problems.Instance]:
    """So many instances, spread evenly over each paper's list."""
    papers = list(dict.fromkeys(i.paper for i in instances))
    found = []
    for paper in papers:
        mine = [i for i in instances if i.paper == paper]
        share = min(len(mine), -(-count // len(papers)))
        found += [mine[k * len(mine) // share] for k in range(share)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for auto and the heuristics")
    parser.add_argument("--other-limit", type=float, default=5.0, help="seconds for each other exact method")
    parser.add_argument("--papers", nargs="+", choices=problems.PAPERS, default=list(problems.PAPERS))
    parser.add_argument(
        "--sizes", nargs="+", choices=("small", "medium", "large"), default=["small", "medium", "large"]
    )
    parser.add_argument("--sample", type=int, metavar="N", help="only about N instances, spread evenly")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the methods that draw random numbers")
    parser.add_argument("--folder", help="keep finished runs there, and continue from them")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    every = [i for paper in asked.papers for i in problems.instances(paper) if i.size in asked.sizes]
    chosen = every if asked.sample is None else sample(every, asked.sample)
    found = measured(chosen, asked.limit, asked.other_limit, range(asked.seeds), asked.workers, asked.folder)
    print(
        write(
            found.records, found.gaps, chosen, workers=asked.workers, limit=asked.limit, other_limit=asked.other_limit
        )
    )


if __name__ == "__main__":
    main()
