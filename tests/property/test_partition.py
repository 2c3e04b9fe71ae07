"""What must hold for every partition problem, against enumeration, on instances drawn by hypothesis."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import networkx as nx
import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.algorithms.envelope import parts
from optsplit.algorithms.mincut import CutNetwork
from optsplit.problems import document
from tests.instances import partitions

many = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
few = settings(many, max_examples=40)

one_metric = partitions(places=(2,), max_limits=0, max_minmax=1)


def optimum(problem: Partition) -> int | None:
    return osp.solve(problem, "brute").objective


def not_worse(better: int | None, worse: int | None) -> bool:
    return worse is None or (better is not None and better <= worse)


@many
@given(partitions())
def test_every_exact_method_meets_enumeration(problem: Partition) -> None:
    expected = osp.solve(problem, "brute")
    for method in osp.methods(problem):
        result = osp.solve(problem, method.name)
        if method.exact:
            assert (result.status, result.objective) == (expected.status, expected.objective), method.name
        elif result.objective is not None:
            assert result.status is Status.HEURISTIC
            assert expected.objective <= result.objective


@many
@given(one_metric)
def test_chain_and_cut_and_branch_and_bound_agree(problem: Partition) -> None:
    expected = optimum(problem)
    for name in ("mincut", "lagrangian", *(["chain"] if problem.is_chain else [])):
        assert osp.solve(problem, name).objective == expected, name


@many
@given(partitions(places=(2,), max_layers=7, max_limits=3, max_minmax=3))
def test_branch_and_bound_meets_enumeration(problem: Partition) -> None:
    expected, result = osp.solve(problem, "brute"), osp.solve(problem, "lagrangian")
    assert (result.status, result.objective, result.bound) == (expected.status, expected.objective, expected.bound)


@few
@given(one_metric)
def test_the_cut_is_a_maximum_flow(problem: Partition) -> None:
    """The certificate: networkx finds the same value on the same arcs, and the cut's own arcs add up to it."""
    network, costs = CutNetwork(problem), problem.costs(problem.objectives[0])
    arcs, cut = network.arcs(costs), network.cut(costs)
    graph = nx.DiGraph()
    graph.add_nodes_from((network.s, network.t))
    for u, v, capacity in zip(arcs.tails.tolist(), arcs.heads.tolist(), arcs.capacities.tolist()):
        before = graph.edges[u, v]["capacity"] if graph.has_edge(u, v) else 0
        graph.add_edge(u, v, capacity=before + capacity)
    flow = nx.maximum_flow_value(graph, network.s, network.t)
    if cut.at is None:
        assert flow >= arcs.endless
    else:
        assert cut.value == arcs.constant + flow == problem.price(cut.at, costs)


def with_metrics(problem: Partition, change) -> Partition:
    """Every metric rebuilt as change(compute, transfer, send, receive), the latter three by arc or place."""
    metrics = {}
    for name, metric in problem.metrics.items():
        costs = problem.costs(name)
        metrics[name] = change(costs.compute, metric.transfer, metric.send, metric.receive)
    return problem.but(metrics=metrics)


@many
@given(partitions(max_layers=5), st.randoms(use_true_random=False))
def test_cheaper_never_makes_the_optimum_worse(problem: Partition, rng: random.Random) -> None:
    """More bandwidth, a faster server, a wider limit."""
    before = optimum(problem)
    link = rng.choice(sorted(problem.links)) if problem.links else None
    faster = with_metrics(
        problem,
        lambda c, t, s, r: Metric(c, {a: np.asarray(v) // (2 if a == link else 1) for a, v in t.items()}, s, r),
    )
    assert not_worse(optimum(faster), before)
    halved = [1] * (len(problem.places) - 1) + [2]
    assert not_worse(optimum(with_metrics(problem, lambda c, t, s, r: Metric(c // halved, t, s, r))), before)
    wider = {name: limit + rng.randint(0, 100) for name, limit in problem.limits.items()}
    assert not_worse(optimum(problem.but(limits=wider)), before)


@many
@given(partitions(max_layers=5), st.randoms(use_true_random=False))
def test_names_and_order_of_layers_do_not_matter(problem: Partition, rng: random.Random) -> None:
    n = len(problem.layers)
    new = list(range(n))
    rng.shuffle(new)  # layer i of the problem becomes layer new[i]
    old = [new.index(i) for i in range(n)]
    moved = with_metrics(problem, lambda c, t, s, r: Metric(c[old], t, s, r))
    renamed = Partition(
        layers=[f"other{problem.layers[i]}" for i in old],
        tensors=[(new[u], [new[v] for v in readers]) for u, readers in problem.tensors],
        places=problem.places,
        metrics=moved.metrics,
        minimize=problem.objectives,
        limits=problem.limits,
        pins={f"other{layer}": place for layer, place in problem.pins.items()},
        result_at=problem.result_at,
        one_way=problem.one_way,
        outputs=problem.outputs,
        links=problem.links,
    )
    for method in osp.methods(problem):
        if method.exact:
            assert osp.solve(renamed, method.name).objective == osp.solve(problem, method.name).objective


@few
@given(partitions(max_layers=5), st.integers(2, 1000))
def test_scaling_all_costs_scales_the_optimum(problem: Partition, k: int) -> None:
    def times(rows):
        return {key: np.asarray(row) * k for key, row in rows.items()}

    larger = with_metrics(problem, lambda c, t, s, r: Metric(c * k, times(t), times(s), times(r)))
    larger = larger.but(limits={name: limit * k for name, limit in problem.limits.items()})
    before = optimum(problem)
    for method in osp.methods(problem):
        if method.exact:
            assert osp.solve(larger, method.name).objective == (None if before is None else before * k), method.name


@few
@given(one_metric)
def test_the_envelope_is_the_cut_at_every_bandwidth(problem: Partition) -> None:
    fixed, slope, _ = parts(problem)
    network = CutNetwork(problem)
    assume(network.cut(fixed).at is not None)
    envelope = osp.envelope(problem)
    at_ends = [Fraction(1, 1000), Fraction(1000)]
    for s in [*at_ends, Fraction(1, 7), Fraction(1), Fraction(22, 7), *envelope.breakpoints]:
        exact = network.cut(fixed.plus(slope, weight=s.numerator, scale=s.denominator))
        assert envelope.at_s(s).value(s) == Fraction(exact.value, s.denominator)
    # concave: the slope falls from piece to piece, and neighbours meet
    for a, b in itertools.pairwise(envelope.segments):
        assert a.slope > b.slope
        assert a.high == b.low
        assert a.value(a.high) == b.value(b.low)


@many
@given(partitions())
def test_json_round_trip(problem: Partition) -> None:
    again = document.read(document.write(problem))
    assert document.write(again) == document.write(problem)
    result = osp.solve(problem, "brute")
    assert osp.solve(again, "brute").objective == result.objective


@many
@given(partitions(places=(2,), max_layers=5, max_limits=3))
def test_conflicts_are_irreducible(problem: Partition) -> None:
    result = osp.solve(problem)
    assume(result.status is Status.INFEASIBLE and problem.limits)
    if optimum(problem.but(limits={})) is None:
        assert result.conflicts == ()
        return
    conflict = {c.metric: c.limit for c in result.conflicts}
    assert optimum(problem.but(limits=conflict)) is None
    for c in result.conflicts:
        others = {name: limit for name, limit in conflict.items() if name != c.metric}
        assert c.best == optimum(problem.but(minimize=c.metric, limits=others))
        assert c.best > c.limit
