"""What a claim is, how it is checked, and what refutes it.

A claim has a check: a function that measures now and answers with a `Finding`, whose verdict it computes from the
numbers. What is refuted names a `Witness`, an instance in a file that anyone can load and price again.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ledger import INSTANCES

FOLDER = INSTANCES / "claims"
"""Where the instances of refuted claims are."""

PAPERS = {
    "neurosurgeon": "Neurosurgeon (Kang et al., ASPLOS 2017)",
    "dads": "DADS (Hu et al., INFOCOM 2019)",
    "qdmp": "QDMP (Zhang et al., IMWUT 2020)",
    "edgent": "Edgent (Li et al., MECOMM 2018; IEEE TWC 2020)",
    "branchynet": "BranchyNet (Teerapittayanon et al., ICPR 2016)",
    "dyno": "DynO (Almeida et al., ACM TECS 2022)",
    "ionn": "IONN (Jeong et al., SoCC 2018)",
    "wang": "Layer-wise scheduling (Wang, Duan and Wu) and its neighbours (Duan and Wu, ICPP 2021, IEEE TMC 2024)",
    "structure": "Structure that exact methods rest on, and literature values",
}


class Verdict(enum.StrEnum):
    """What came of a check."""

    CONFIRMED = "confirmed"
    SHAPE = "confirmed in shape"
    REFUTED = "refuted"
    UNCHECKABLE = "not checkable"


class Said(enum.StrEnum):
    """Who says it."""

    PRINTED = "printed"
    IMPLIED = "taken for granted"
    OTHERS = "said by others, or by us"


@dataclass(frozen=True)
class Measured:
    """What a claim promises of one instance and what is found there, both to be small; and both in words."""

    promised: float
    found: float
    words: str

    @property
    def refutes(self) -> bool:
        """Whether more is found than promised."""
        return self.found > self.promised


@dataclass(frozen=True)
class Witness:
    """An instance that refutes a claim.

    Parameters
    ----------
    name
        Of its file.
    text
        What the instance is.
    build
        Makes the problem anew.
    measure
        Prices a problem, the built or the loaded one.
    """

    name: str
    text: str
    build: Callable[[], Any]
    measure: Callable[[Any], Measured]

    @property
    def path(self) -> Path:
        """Its problem file."""
        return FOLDER / f"{self.name}.json.gz"

    @property
    def command(self) -> str:
        """Shows every method that applies to anyone who has the file."""
        return f"optsplit compare benchmarks/instances/claims/{self.path.name}"


@dataclass(frozen=True)
class Finding:
    """A verdict with its numbers.

    Parameters
    ----------
    numbers
        What was measured, in words.
    note
        What differs, or why nothing can be checked.
    witness
        What refutes it; every refuted claim has one.
    """

    verdict: Verdict
    numbers: str
    note: str = ""
    witness: Witness | None = None

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.REFUTED) != (self.witness is not None):
            raise ValueError(f"{self.numbers}: a refuted claim, and no other, names its witness")
        if self.verdict in (Verdict.SHAPE, Verdict.UNCHECKABLE) and not self.note:
            raise ValueError(f"{self.numbers}: say what differs, or why it cannot be checked")


@dataclass(frozen=True)
class Claim:
    """What a paper says, where, and the check. The check's docstring says how.

    Parameters
    ----------
    paper
        Key of `PAPERS`.
    name
        Unique.
    text
        The claim in our words, with its number.
    source
        Where it is printed, or where it comes from.
    said
        Whether the paper prints it, takes it for granted, or it is somebody else's.
    """

    paper: str
    name: str
    text: str
    source: str
    check: Callable[[], Finding]
    said: Said = Said.PRINTED

    @property
    def how(self) -> str:
        """How it is checked, on one line."""
        return " ".join((self.check.__doc__ or "").split())


@dataclass(frozen=True)
class Checked:
    """A claim, what was found, and the seconds that took."""

    claim: Claim
    finding: Finding
    seconds: float


CLAIMS: dict[str, Claim] = {}
"""All claims by name, filled by the modules of the papers."""

WITNESSES: dict[str, Witness] = {}
"""All instances that refute one, by name."""


def claim(
    paper: str, name: str, text: str, source: str, said: Said = Said.PRINTED
) -> Callable[[Callable[[], Finding]], Callable[[], Finding]]:
    """Enter a claim with the decorated check."""

    def enter(check: Callable[[], Finding]) -> Callable[[], Finding]:
        if name in CLAIMS or paper not in PAPERS:
            raise ValueError(f"claim {name!r} of {paper!r}: a new name and a known paper, please")
        CLAIMS[name] = Claim(paper, name, text, source, check, said)
        return check

    return enter


def witness(name: str, text: str, build: Callable[[], Any], measure: Callable[[Any], Measured]) -> Witness:
    """Enter an instance."""
    if name in WITNESSES:
        raise ValueError(f"witness {name!r} is there already")
    WITNESSES[name] = Witness(name, text, build, measure)
    return WITNESSES[name]


def confirmed(numbers: str, note: str = "") -> Finding:
    """All of the claim, numbers included, was found."""
    return Finding(Verdict.CONFIRMED, numbers, note)


def in_shape(numbers: str, note: str) -> Finding:
    """Direction or pattern was found, the numbers were not."""
    return Finding(Verdict.SHAPE, numbers, note)


def refuted(numbers: str, by: Witness, note: str = "") -> Finding:
    """It does not hold of an instance."""
    return Finding(Verdict.REFUTED, numbers, note, by)


def unchecked(why: str, numbers: str = "-") -> Finding:
    """What would be needed is not published, or not at hand."""
    return Finding(Verdict.UNCHECKABLE, numbers, why)


def judged(holds: bool, numbers: str, by: Witness, note: str = "") -> Finding:
    """Confirmed where it holds, else refuted by the witness."""
    return confirmed(numbers, note) if holds else refuted(numbers, by, note)


def run(one: Claim) -> Checked:
    """Check a claim; what refutes it is measured too."""
    start = time.perf_counter()
    found = one.check()
    if found.witness is not None and not found.witness.measure(found.witness.build()).refutes:
        raise AssertionError(f"{one.name}: refuted, but {found.witness.name} does not show it")
    return Checked(one, found, time.perf_counter() - start)
