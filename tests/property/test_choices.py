"""What must hold with exits, exits by confidence and precisions, against enumeration."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import optsplit as osp
from optsplit import Partition, PartitionPlan, Status
from optsplit.problems import document
from optsplit.problems.precision import written
from tests.choices import choices

some = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def same_as_enumeration(problem: Partition) -> None:
    expected = osp.solve(problem, "brute")
    for method in osp.methods(problem):
        result = osp.solve(problem, method.name)
        if method.exact:
            assert result.objective == expected.objective, method.name
            if method.name == "milp" and result.status is Status.FEASIBLE:
                # totals over samples can be too large for HiGHS's proof: some ticks of gap stay, and are told
                assert 0 < result.gap < 1e-6
                continue
            assert (result.status, result.bound) == (expected.status, expected.bound), method.name
        elif result.objective is not None:
            assert expected.objective <= result.objective


@some
@given(choices(precisions=False, together=1, contiguous=True))
def test_one_exit(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(exits=False, max_layers=4))
def test_precisions(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(max_layers=4))
def test_one_exit_and_precisions(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(confidence=True, precisions=False, together=1, contiguous=True))
def test_exits_by_confidence(problem: Partition) -> None:
    same_as_enumeration(problem)


@some
@given(choices(confidence=True, max_layers=4))
def test_exits_by_confidence_and_precisions(problem: Partition) -> None:
    same_as_enumeration(problem)


def not_worse(better: int | None, worse: int | None) -> bool:
    return worse is None or (better is not None and better <= worse)


@some
@given(choices(confidence=True, max_layers=4, max_minmax=1), st.integers(0, 100), st.integers(0, 500_000))
def test_a_longer_deadline_or_a_lower_accuracy_never_hurts(problem: Partition, longer: int, lower: int) -> None:
    wider = {m: limit + (lower if m == "error" else longer) for m, limit in problem.limits.items()}
    assert not_worse(osp.solve(problem.but(limits=wider)).objective, osp.solve(problem).objective)


@some
@given(choices(max_layers=4))
def test_files_keep_the_problem_and_its_optimum(problem: Partition) -> None:
    again = document.read(document.write(problem))
    assert document.write(again) == document.write(problem)
    before, after = osp.solve(problem, "cpsat"), osp.solve(again, "cpsat")
    assert (after.objective, after.plan) == (before.objective, before.plan)
    if before.plan is not None:
        decoded = msgspec.json.decode(msgspec.json.encode(before.plan), type=PartitionPlan)
        assert again.evaluate(decoded) == problem.evaluate(before.plan)


@some
@given(choices(exits=False, places=(2,), max_layers=6, max_limits=2))
def test_branch_and_bound_with_the_same_bits(problem: Partition) -> None:
    """Tensors that must agree: their own cheapest variants bound the plan, and are none."""
    assume(problem.variants is not None)
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, bits in zip(problem.tensor_names, problem.variants.bits, strict=True):
        alike.setdefault(bits, []).append(name)
    groups = [names for bits, names in alike.items() if bits and len(names) > 1]
    joined = problem.but(precisions=written(problem), same_bits=groups)
    mine, theirs = osp.solve(joined, "lagrangian"), osp.solve(joined, "cpsat")
    assert (mine.status, mine.objective, mine.bound) == (theirs.status, theirs.objective, theirs.bound)
