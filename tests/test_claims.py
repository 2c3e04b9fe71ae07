"""The claims of the papers: each has a source and a check, what refutes one still does, and verdicts are computed."""

from __future__ import annotations

import re

import pytest

from benchmarks.claims import __main__ as claims
from benchmarks.claims.verdict import (
    FOLDER,
    PAPERS,
    WITNESSES,
    Finding,
    Measured,
    Verdict,
    Witness,
    confirmed,
    in_shape,
    judged,
    refuted,
    run,
    unchecked,
)
from optsplit.problems import stored

ALL = claims.known()
SLOW = {"dyno-one-precision", "cut-first", "johnson-near-two"}
# on files and numbers that do not change, so neither may the verdict
FAST = {
    "neurosurgeon-layers": Verdict.CONFIRMED, "neurosurgeon-senna": Verdict.CONFIRMED,
    "confidence-cut": Verdict.REFUTED, "edgent-right-end": Verdict.REFUTED, "edgent-edge-only": Verdict.SHAPE,
    "ionn-sizes": Verdict.CONFIRMED, "ionn-layers": Verdict.CONFIRMED, "ionn-link": Verdict.SHAPE,
    "johnson-toy": Verdict.CONFIRMED, "wang-remote": Verdict.CONFIRMED, "wang-never-worse": Verdict.CONFIRMED,
}  # fmt: skip


def test_every_claim_says_what_where_and_how() -> None:
    assert len(ALL) >= 60
    assert {one.paper for one in ALL} == set(PAPERS) == set(claims.MODULES)
    for one in ALL:
        assert one.text.endswith("."), one.name
        assert one.source, one.name
        assert one.how.endswith("."), one.name
        assert re.fullmatch(r"[a-z0-9-]+", one.name)


def test_every_witness_has_a_file_and_no_file_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {witness.path.name for witness in WITNESSES.values()}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in sorted(WITNESSES)]
)
def test_the_instance_in_the_file_still_refutes(name: str) -> None:
    measured = WITNESSES[name].measure(stored.load(WITNESSES[name].path))
    assert measured.refutes, measured.words


@pytest.mark.parametrize("name", ["johnson-five-thirds", "dads-heavy-three", "confidence-cut", "edgent-right-end"])
def test_the_file_holds_what_the_code_builds(name: str) -> None:
    witness = WITNESSES[name]
    assert witness.measure(witness.build()) == witness.measure(stored.load(witness.path))


def test_five_thirds_by_hand() -> None:
    """Machine two has 14 + 12 + 9 + 1 + 15 = 51 to do; (0,15,16), (0,14,0), (18,1,20), (0,12,0), (0,9,0) needs no more.

    By the rule p1 + p2 rises: 9, 12, 14, 15, 19. So (0,15,16) leaves machine two at 50 and machine three at 66, where
    (18,1,20) ends at 86.
    """
    measured = WITNESSES["johnson-five-thirds"].measure(stored.load(WITNESSES["johnson-five-thirds"].path))
    assert (measured.promised, measured.found) == (85, 86)


@pytest.mark.parametrize(("name", "verdict"), FAST.items())
def test_fast_checks_still_give_their_verdict(name: str, verdict: Verdict) -> None:
    one = next(one for one in ALL if one.name == name)
    found = run(one)
    assert found.finding.numbers
    assert found.finding.verdict is verdict
    text = claims.report([found])
    assert one.text in text
    assert f"**{found.finding.verdict}**" in text
    if found.finding.verdict is Verdict.REFUTED:
        assert f"optsplit compare benchmarks/instances/claims/{name}" in text


def test_a_verdict_follows_from_the_numbers() -> None:
    witness = WITNESSES["johnson-five-thirds"]
    assert judged(True, "1 of 1", witness) == confirmed("1 of 1")
    assert judged(False, "0 of 1", witness) == refuted("0 of 1", witness)
    assert Measured(5, 5, "").refutes is False
    assert Measured(5, 5.1, "").refutes is True


def test_a_finding_without_its_reason_is_refused() -> None:
    for verdict in (Verdict.SHAPE, Verdict.UNCHECKABLE):
        with pytest.raises(ValueError, match="say what differs"):
            Finding(verdict, "3 of 4")
    with pytest.raises(ValueError, match="names its witness"):
        Finding(Verdict.REFUTED, "3 of 4")
    assert in_shape("3 of 4", "why").verdict is Verdict.SHAPE
    assert unchecked("why").numbers == "-"


def test_a_witness_that_does_not_refute_is_refused() -> None:
    tame = Witness("tame", "", lambda: None, lambda problem: Measured(1, 1, "equal"))
    one = claims.Claim("wang", "tame", "A claim.", "nowhere", lambda: refuted("0 of 1", tame))
    with pytest.raises(AssertionError, match="does not show it"):
        run(one)


def test_an_instance_is_priced_again_from_its_file() -> None:
    assert claims.again(["edgent-right-end"]) == (
        "edgent-right-end: least A(i, p) 16, deadline 4, all at the edge takes 4: still refuted"
    )
    with pytest.raises(claims.InvalidInput, match="edgent-right-end"):
        claims.again(["edgent-right"])


def test_printed_claims_are_counted_apart() -> None:
    found = [run(one) for one in ALL if one.name in ("johnson-toy", "confidence-cut")]
    rows = [line for line in claims.counts(found).splitlines() if " 1 |" in line]
    assert [row.split(" | ")[0] for row in rows] == ["| printed"] * 2 + ["| said by others, or by us"] * 2


def test_an_unknown_paper_gives_the_known_ones() -> None:
    with pytest.raises(claims.InvalidInput, match="neurosurgeon"):
        claims.known(["neurosurgery"])
