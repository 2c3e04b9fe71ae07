"""What must hold for every flow shop, against enumeration, on instances drawn by hypothesis."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optsplit as osp
from optsplit import Status
from optsplit.algorithms import flow_shop_insertion
from optsplit.algorithms.flow_shop_branching import Search
from optsplit.algorithms.flow_shop_nodes import Bounding
from optsplit.baselines import extended_johnson
from optsplit.problems import flow_shop_bounds, flow_shop_document
from optsplit.problems.flow_shop import FlowShop

many = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
few = settings(many, max_examples=40)


@st.composite
def flow_shops(
    draw: st.DrawFn, machines: tuple[int, int] = (1, 5), most: int = 6, released: bool | None = None
) -> FlowShop:
    """Up to `most` jobs; times of any size, also 0; equal jobs and release times now and then."""
    n, m = draw(st.integers(1, most)), draw(st.integers(*machines))
    top = draw(st.sampled_from([1, 4, 20, 10**3, 10**10]))
    row = st.lists(st.integers(0, top), min_size=m, max_size=m)
    times = draw(st.lists(row, min_size=n, max_size=n))
    if draw(st.integers(0, 3)) == 0:
        times = draw(st.lists(st.sampled_from(times), min_size=n, max_size=n))
    late = draw(st.booleans()) if released is None else released
    release = draw(st.lists(st.integers(0, 2 * top), min_size=n, max_size=n)) if late else None
    return FlowShop(times, release)


def prices(problem: FlowShop) -> list[int]:
    return [problem.evaluate(problem.plan(s)).objective for s in itertools.permutations(range(problem.jobs))]


@few
@given(flow_shops(most=5))
def test_every_exact_method_meets_enumeration(problem: FlowShop) -> None:
    expected = min(prices(problem))
    for method in osp.methods(problem):
        result = osp.solve(problem, method.name)
        if method.exact:
            assert (result.status, result.objective) == (Status.OPTIMAL, expected), method.name
        else:
            assert result.status is Status.HEURISTIC
            assert expected <= result.objective


@many
@given(flow_shops(machines=(2, 2), released=False))
def test_johnson_is_optimal_on_two_machines(problem: FlowShop) -> None:
    assert osp.solve(problem, "johnson").objective == min(prices(problem))


@many
@given(flow_shops(machines=(3, 3), released=False))
def test_johnson_on_halves_is_above_on_three(problem: FlowShop) -> None:
    assert osp.solve(problem, "johnson-halves").objective >= min(prices(problem))


@many
@given(flow_shops(most=5), st.sampled_from([1, 2, 7]))
def test_branching_is_exact_whatever_the_batch(problem: FlowShop, batch: int) -> None:
    search = Search(Bounding(problem), np.arange(problem.jobs), 2**60 if problem.times.max() > 2**30 else 2**30, batch)
    optimum = min(prices(problem))
    while search.stack:
        assert search.bound <= optimum
        search.step()
    assert search.best == search.bound == optimum


@many
@given(flow_shops(most=5))
def test_bounds_hold(problem: FlowShop) -> None:
    optimum = min(prices(problem))
    for name, bound in flow_shop_bounds.named(problem).items():
        assert bound <= optimum, name


@many
@given(flow_shops(most=4))
def test_bounds_of_partial_sequences_hold(problem: FlowShop) -> None:
    """A node's bounds, and its children's, are at most the best completion."""
    bounding = Bounding(problem)
    level = [bounding.root()]
    priced = {s: problem.evaluate(problem.plan(s)).objective for s in itertools.permutations(range(problem.jobs))}
    while level:
        nodes = level.pop()
        first, last = bounding.children(nodes)
        ends = [int(nodes.prefix[0]), int(nodes.suffix[0])]
        row = nodes.sequence[0].tolist()

        def best(prefix: list[int], suffix: list[int]) -> int:
            return min(p for s, p in priced.items() if list(s[: len(prefix)]) == prefix
                       and list(s[len(s) - len(suffix) :]) == suffix)  # fmt: skip

        prefix, suffix = row[: ends[0]], row[len(row) - ends[1] :]
        if not nodes.free.any():
            continue
        assert int(bounding.two_machine(nodes)[0]) <= best(prefix, suffix)
        for j in np.flatnonzero(nodes.free[0]).tolist():
            assert int(first[0, j]) <= best([*prefix, j], suffix)
            assert int(last[0, j]) <= best(prefix, [j, *suffix])
        free = np.flatnonzero(nodes.free[0])[:1]
        for forward in (True, False):
            both = np.array([forward])
            level.append(bounding.extended(nodes, np.zeros(1, dtype=int), free, both, nodes.bound))


@many
@given(flow_shops(most=6))
def test_insertion_prices_every_position(problem: FlowShop) -> None:
    *placed, job = range(problem.jobs)
    expected = []
    for i in range(problem.jobs):
        sequence = [*placed[:i], job, *placed[i:]]
        expected.append(int(problem.evaluate(problem.plan(sequence)).objective))
    assert flow_shop_insertion.makespans(problem, placed, job).tolist() == expected


@many
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=6),
    st.booleans(),
)
def test_extended_johnson_is_optimal_where_the_middle_is_dominated(
    rows: list[tuple[int, int, int]], first: bool
) -> None:
    """max{min p1, min p3} >= max p2."""
    least = max(p2 for _, p2, _ in rows)
    rows = [(p1 + least, p2, p3) if first else (p1, p2, p3 + least) for p1, p2, p3 in rows]
    problem = FlowShop(rows)
    assert problem.evaluate(problem.plan(extended_johnson.order(rows))).objective == min(prices(problem))


@many
@given(flow_shops(released=False), st.randoms(use_true_random=False))
def test_the_mirror_image_costs_the_same(problem: FlowShop, rng: object) -> None:
    """Machines and sequence reversed: every path from first to last operation is the same."""
    mirrored = FlowShop(problem.times[:, ::-1])
    sequence = list(range(problem.jobs))
    rng.shuffle(sequence)  # type: ignore[attr-defined]
    forward = problem.evaluate(problem.plan(sequence)).objective
    assert mirrored.evaluate(mirrored.plan(sequence[::-1])).objective == forward


@many
@given(flow_shops())
def test_json_round_trip(problem: FlowShop) -> None:
    document = flow_shop_document.write(problem)
    assert flow_shop_document.write(flow_shop_document.read(document)) == document


@many
@given(flow_shops(most=5))
def test_metrics_by_their_definition(problem: FlowShop) -> None:
    """A machine's idle time adds up over the gaps between neighbours."""
    sequence = list(range(problem.jobs))
    ends = problem.ends(sequence)
    starts = ends - problem.times
    priced = problem.evaluate(problem.plan(sequence))
    assert priced.metrics["idle"] == int((starts[1:] - ends[:-1]).sum())
    assert priced.metrics["total_completion"] == int(ends[:, -1].sum())
    assert (starts >= 0).all()
    assert (starts[:, 0] >= problem.release).all()
    assert (starts[1:] >= ends[:-1]).all()
    assert (starts[:, 1:] >= ends[:, :-1]).all()
