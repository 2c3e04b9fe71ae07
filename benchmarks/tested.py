"""The page about the tests: what they cover, which mutants they notice, and what is known of the others.

    python -m benchmarks.tested [--coverage .coverage] [--mutants mutants.jsonl]

Reads the coverage that `benchmarks.mutation` needs too, its results, and `benchmarks/tested.json`, written by hand:
what was found, why lines are not covered, and for each mutant that no test noticed a verdict and the reason.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from coverage import Coverage

from benchmarks.ledger import HERE, markdown, page
from benchmarks.mutation import KILLED, SURVIVED, TIMEOUT, UNTESTED

JUDGED = HERE / "tested.json"
VERDICTS = {
    "equivalent": "nothing that can be observed differs",
    "speed": "the answer is the same and as certain, only the way there differs",
    "guard": "the case cannot be reached by what the package itself does",
    "tested": "a test that has been added since notices it",
    "later": "a test that was there before notices it, beyond those first seconds",
    "open": "a test is missing",
}


def _package(path: str) -> str:
    parts = Path(path).parts
    at = max(i for i, part in enumerate(parts) if part in ("optsplit", "formulations"))
    return parts[at] if len(parts) == at + 2 else "/".join(parts[at : at + 2])


def _share(missed: int, of: int) -> str:
    return f"{100 * (of - missed) / of:.1f} %" if of else "-"


def coverage_table(data: Path) -> str:
    """Lines and branches by package."""
    measured = Coverage(data_file=str(data), branch=True)
    measured.load()
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        measured.json_report(outfile=report.name)
        files: dict[str, Any] = json.loads(Path(report.name).read_text())["files"]
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for path, found in files.items():
        summary = {key: value for key, value in found["summary"].items() if isinstance(value, int)}
        for name in (_package(path), "all"):
            sums[name].update({**summary, "files": 1})
    rows = []
    for name in sorted(sums, key=lambda name: (name == "all", name)):
        of = sums[name]
        rows.append([
            name, of["files"], of["num_statements"], of["missing_lines"],
            _share(of["missing_lines"], of["num_statements"]), of["num_branches"], of["missing_branches"],
            _share(of["missing_branches"], of["num_branches"]),
        ])  # fmt: skip
    return markdown(["package", "files", "lines", "missed", "covered", "branches", "missed", "covered"], rows)


def judged(kind: str, columns: dict[str, str]) -> str:
    """A list of `benchmarks/tested.json` as a table: key -> head of its column."""
    rows = [[each[key] for key in columns] for each in json.loads(JUDGED.read_text())[kind]]
    return markdown(list(columns.values()), rows)


def mutation_table(found: Iterable[dict[str, Any]], by: str) -> str:
    """How many mutants were noticed, by module or by operator."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in found:
        name = str(mutant[by]).removeprefix("optsplit/")
        for key in (name, "all"):
            counts[key][mutant["verdict"]] += 1
    rows = []
    for name in sorted(counts, key=lambda name: (name == "all", name)):
        of = counts[name]
        total = of.total()
        rows.append([name, total, of[KILLED], of[TIMEOUT], of[SURVIVED], of[UNTESTED],
                     _share(of[SURVIVED] + of[UNTESTED], total)])  # fmt: skip
    return markdown([by, "mutants", "killed", "timeout", "survived", "no test", "noticed"], rows)


def survivors(found: Iterable[dict[str, Any]]) -> tuple[Counter[str], str]:
    """How many survivors have which verdict, and the table of them with their reasons."""
    known = {
        (each["path"], each["before"], each["after"]): each for each in json.loads(JUDGED.read_text())["survivors"]
    }
    rows, counts = [], Counter[str]()
    for mutant in sorted(found, key=lambda mutant: (mutant["path"], mutant["start"])):
        if mutant["verdict"] not in (SURVIVED, UNTESTED):
            continue
        said = known.get((mutant["path"], mutant["before"], mutant["after"]), {"verdict": "open", "why": "not judged"})
        counts[said["verdict"]] += 1
        before, after = _changed(mutant["before"], mutant["after"])
        where = f"{mutant['path'].removeprefix('optsplit/')}:{mutant['line']}"
        rows.append([where, f"`{before}`", f"`{after}`", said["verdict"], said["why"]])
    return counts, markdown(["where", "before", "after", "verdict", "why"], rows)


def _changed(before: str, after: str, around: int = 24) -> tuple[str, str]:
    """The part of two lines that differs, with a little around it; bars would end a cell."""
    start = next((i for i, (a, b) in enumerate(zip(before, after)) if a != b), min(len(before), len(after)))
    tail = 0
    while tail < min(len(before), len(after)) - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    low = max(0, start - around)
    cut = [text[low : min(len(text), len(text) - tail + around)] for text in (before, after)]
    first, second = (text.replace("|", "¦").replace("`", "'")[:110] for text in cut)
    return first, second


def summary(found: Sequence[dict[str, Any]], counts: Counter[str]) -> str:
    """How many mutants are noticed, at first and now."""
    first = sum(mutant["verdict"] in (KILLED, TIMEOUT) for mutant in found)
    now, total = first + counts["tested"] + counts["later"], len(found)
    return (
        f"Of {total} mutants {first} were noticed at once ({100 * first / total:.1f} %), {now} are now "
        f"({100 * now / total:.1f} %); without the equivalent ones that is "
        f"{100 * now / (total - counts['equivalent']):.1f} %.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--coverage", type=Path, default=HERE.parent / ".coverage")
    parser.add_argument("--mutants", type=Path, default=HERE.parent / "mutants.jsonl")
    asked = parser.parse_args()
    found = [json.loads(line) for line in asked.mutants.read_text().splitlines()]
    counts, reasons = survivors(found)
    meanings = [[verdict, counts[verdict], meaning] for verdict, meaning in VERDICTS.items() if counts[verdict]]
    reasons_of_lines = judged("uncovered", {"where": "where", "what": "what", "why": "why"})
    body = [
        "## What the default tests cover\n", coverage_table(asked.coverage),
        "## What they do not, in the rooms of models and methods\n", reasons_of_lines,
        "## Mutants of problems and algorithms\n",
        "A seeded sample of each module, every operator in turn. A mutant meets the default tests that run its line, "
        "the quick ones first, up to a few seconds of them; a timeout counts as noticed.\n",
        summary(found, counts), mutation_table(found, "operator"), mutation_table(found, "path"),
        "## What it led to\n", judged("found", {"what": "what", "repair": "repair"}),
        "## What survived at first, and why\n", markdown(["verdict", "mutants", "meaning"], meanings), reasons,
    ]  # fmt: skip
    print(page("tests", "What the tests notice", "\n".join(body)))


if __name__ == "__main__":
    main()
