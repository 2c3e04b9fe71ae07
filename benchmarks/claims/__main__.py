"""Every claim of the papers that can be checked: what is said, where, how it was checked, and the verdict.

    python -m benchmarks.claims [PAPER ... | INSTANCE ...]

Without a paper all are checked, the page of results is written, and so are the instances that refute a claim
(benchmarks/instances/claims). With papers (neurosurgeon, dads, qdmp, edgent, branchynet, dyno, ionn, wang,
structure) theirs are checked and printed. Verdicts are computed from what is measured; random checks are seeded and
say how many. With the names of instances these are loaded from their files and priced again.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from benchmarks.claims.verdict import CLAIMS, FOLDER, PAPERS, WITNESSES, Checked, Claim, Finding, Said, Verdict, run
from benchmarks.ledger import markdown, page
from optsplit.errors import InvalidInput, unknown
from optsplit.problems import stored

MODULES = {
    "neurosurgeon": ("neurosurgeon",),
    "dads": ("dads",),
    "qdmp": ("qdmp",),
    "edgent": ("edgent",),
    "branchynet": ("branchynet",),
    "dyno": ("dyno",),
    "ionn": ("ionn",),
    "wang": ("flow_shop", "schedule"),
    "structure": ("structure",),
}
"""Where the claims of each paper stand."""


def known(papers: Sequence[str] = tuple(PAPERS)) -> list[Claim]:
    """The claims of some papers, in the order of the papers."""
    for paper in papers:
        if paper not in PAPERS:
            raise InvalidInput(unknown("paper", paper, PAPERS))
        for module in MODULES[paper]:
            importlib.import_module(f"benchmarks.claims.{module}")
    return [one for paper in papers for one in CLAIMS.values() if one.paper == paper]


def counts(found: Sequence[Checked]) -> str:
    """How many claims of each paper came to each verdict: printed ones first, then the others."""
    rows = []
    for said in Said:
        for paper, title in [*PAPERS.items(), ("", "all")]:
            mine = [one for one in found if one.claim.said is said and paper in ("", one.claim.paper)]
            verdicts = [one.finding.verdict for one in mine]
            if verdicts:
                rows.append([said, title, len(mine), *(verdicts.count(verdict) for verdict in Verdict)])
    return markdown(["said", "paper", "claims", *Verdict], rows)


def _where(one: Claim) -> str:
    return one.source if one.said is Said.PRINTED else f"{one.said}: {one.source}"


def _found(one: Finding) -> str:
    note = one.note[:1].upper() + one.note[1:]
    return ". ".join(part.rstrip(".") for part in (one.numbers, note) if part not in ("", "-"))


def table(found: Sequence[Checked]) -> str:
    """One paper's claims: verdict, numbers, and what differs."""
    rows = [
        [
            one.claim.text, _where(one.claim), one.claim.how, f"**{one.finding.verdict}**",
            _found(one.finding),
            f"{one.seconds:.1f}",
        ]
        for one in found
    ]  # fmt: skip
    return markdown(["claim", "where", "check", "verdict", "found", "s"], rows)


def refutation(one: Checked) -> str:
    """A paragraph for a refuted claim: the instance, the two numbers, the command."""
    witness = one.finding.witness
    assert witness is not None
    measured = witness.measure(witness.build())
    note = f" {one.finding.note}" if one.finding.note else ""
    return (
        f"**{one.claim.name}** ({one.claim.said}): {one.claim.text}{note}\n"
        f"Instance `{witness.path.name}`: {witness.text}. There: {measured.words}.\n"
        f"`python -m benchmarks.claims {witness.name}` shows these numbers from the file; "
        f"`{witness.command}` all methods.\n"
    )


def save() -> None:
    """Write the instances that refute a claim; those that did not change stay the same bytes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for witness in WITNESSES.values():
        witness.build().save(witness.path)


def report(found: Sequence[Checked]) -> str:
    """Counts, a table for each paper, and a paragraph for each refuted claim."""
    parts = [
        "Verdicts are computed: *confirmed*, numbers included; *confirmed in shape*, direction or pattern, and what "
        "differs; *refuted*, by an instance that is a file here; *not checkable*, and why. Device and server are those "
        "of `benchmarks/README.md`: no phone and no GPU was measured. What a paper only takes for granted, and what "
        f"others say, is counted apart. All checks together took {sum(one.seconds for one in found):.0f} s.\n",
        counts(found),
    ]
    for paper, title in PAPERS.items():
        mine = [one for one in found if one.claim.paper == paper]
        if mine:
            parts += [f"\n## {title}\n", table(mine)]
    wrong = [one for one in found if one.finding.verdict is Verdict.REFUTED]
    if wrong:
        parts += ["\n## Refuted, with the instance\n", *map(refutation, wrong)]
    return "\n".join(parts)


def again(names: Sequence[str]) -> str:
    """The two numbers of each of some instances, from their files."""
    lines = []
    for name in names:
        if name not in WITNESSES:
            raise InvalidInput(unknown("instance", name, WITNESSES))
        measured = WITNESSES[name].measure(stored.load(WITNESSES[name].path))
        lines.append(f"{name}: {measured.words}: {'still refuted' if measured.refutes else 'refutes no more'}")
    return "\n".join(lines)


def main() -> None:
    papers = tuple(sys.argv[1:]) or tuple(PAPERS)
    if not set(papers) & set(PAPERS):
        known()
        print(again(papers))
        return
    found = []
    for one in known(papers):
        found.append(run(one))
        print(f"{one.name}: {found[-1].finding.verdict}, {found[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    if sys.argv[1:]:
        print(report(found))
        return
    save()
    print(page("claims", "The papers' claims, checked", report(found)))


if __name__ == "__main__":
    main()
