"""The exact methods agree on random uploads, and the structure that they rest on holds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optsplit.algorithms import upload_intervals, upload_sidney, upload_subsets
from optsplit.algorithms.upload_cut import network
from optsplit.algorithms.upload_search import Search, bits
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder
from tests.upload_orders import uploads

quick = settings(max_examples=80, deadline=None)
any_upload = st.one_of(uploads(), uploads(chain=True), uploads(shared=True))


def optimum(problem: UploadOrder) -> int:
    """By the programme over closed sets, its plan priced."""
    answer = upload_subsets.subsets(problem, Options())
    evaluation = problem.evaluate(answer.plan)
    assert not evaluation.violations
    assert evaluation.objective == answer.objective == answer.bound
    return evaluation.objective


@quick
@given(st.one_of(uploads(most=6), uploads(shared=True, most=6)))
def test_closed_sets_lose_nothing_against_every_order(problem: UploadOrder) -> None:
    answer = upload_subsets.brute(problem, Options())
    assert answer.objective == answer.bound == optimum(problem)


@quick
@given(any_upload)
def test_search_in_blocks_finds_the_optimum(problem: UploadOrder) -> None:
    answer = upload_sidney.solve(problem, Options())
    assert answer.objective == answer.bound == optimum(problem)
    evaluation = problem.evaluate(answer.plan)
    assert evaluation.objective == answer.objective
    assert not evaluation.violations


@quick
@given(uploads(chain=True, most=9))
def test_runs_of_a_chain_give_the_optimum(problem: UploadOrder) -> None:
    answer = upload_intervals.solve(problem, Options())
    assert answer.objective == answer.bound == problem.evaluate(answer.plan).objective == optimum(problem)


@quick
@given(any_upload)
def test_gain_is_monotone_and_supermodular(problem: UploadOrder) -> None:
    n = len(problem.names)
    for s in range(1 << min(n, 5)):
        for u, v in itertools.combinations([k for k in range(min(n, 5)) if not s >> k & 1], 2):
            alone, one, other, both = (problem.latency(s | extra) for extra in (0, 1 << u, 1 << v, 1 << u | 1 << v))
            assert alone >= one >= both
            assert alone - one <= other - both


@quick
@given(any_upload, st.integers(0, 6))
def test_bounds_hold_after_any_number_of_steps(problem: UploadOrder, steps: int) -> None:
    whole = network(problem)
    last = whole.last().used
    start, end = whole.least(0), whole.least(last)
    search = Search(problem.times)
    units = {1 << k: problem.times[k] for k in bits(last)}
    blocks = (
        search.between(whole, (0, start.value, start.device), (last, end.value, end.device), units) if units else []
    )
    # blocks are nested, one after the other, and their hull is convex
    reached = 0
    for block in blocks:
        assert block.before == reached
        reached |= block.units
    assert reached == last
    ends = [problem.latency(block.before) for block in blocks] + [problem.least]
    density = [(high - low, block.time) for high, low, block in zip(ends, ends[1:], blocks)]
    assert all(a[0] * b[1] >= b[0] * a[1] for a, b in itertools.pairwise(density))
    for _ in range(steps):
        for block in blocks:
            if not block.closed:
                search.refine(block)
    order = [k for block in blocks for k in search.order(block)]
    best = optimum(problem)
    assert sum(block.lower for block in blocks) <= best
    assert best <= problem.evaluate(problem.plan(order)).objective <= sum(block.upper for block in blocks)


@quick
@given(any_upload, st.integers(0, 127), st.integers(0, 5))
def test_a_search_with_some_units_present_bounds_segment_by_segment(
    problem: UploadOrder, light: int, steps: int
) -> None:
    units = {n: (p, layers) for n, p, layers in zip(problem.names, problem.times, problem.holders)}
    free = [k for k in bits(light) if k < len(problem.names)]
    easier = UploadOrder(problem.partition, units, problem.present | {problem.names[k] for k in free})
    coarse, exact = upload_sidney.Blocks(easier), upload_sidney.Blocks(problem)
    exact.search.guide, exact.search.light = coarse.search, sum(1 << k for k in free)
    best = optimum(problem)
    for _ in range(steps):
        coarse.step()
    assert coarse.lower <= best
    while exact.step():
        assert exact.lower <= best <= exact.upper
    assert exact.lower == best == exact.upper


@quick
@given(any_upload)
def test_a_set_merged_from_two_sides_costs_the_same(problem: UploadOrder) -> None:
    whole = network(problem)
    last = whole.last().used
    between = whole.between(whole.least(0).device, whole.least(last).device)
    for s in range(1 << min(len(problem.names), 6)):
        assert between.least(s & last).value == problem.latency(s & last)


@quick
@given(any_upload, st.integers(2, 5))
def test_scaling_scales_the_optimum(problem: UploadOrder, k: int) -> None:
    units = {n: (k * p, layers) for n, p, layers in zip(problem.names, problem.times, problem.holders)}
    slower = UploadOrder(problem.partition, units, problem.present)
    assert optimum(slower) == k * optimum(problem)


@pytest.mark.parametrize("method", [upload_subsets.brute, upload_subsets.subsets, upload_sidney.solve])
@given(problem=any_upload)
@settings(max_examples=25, deadline=None)
def test_stopped_at_once_a_bound_is_still_one(method: object, problem: UploadOrder) -> None:
    answer = method(problem, Options(time_limit=1e-9))  # type: ignore[operator]
    assert answer.bound is None or answer.bound <= optimum(problem)
    if answer.plan is not None:
        assert problem.evaluate(answer.plan).objective == answer.objective
