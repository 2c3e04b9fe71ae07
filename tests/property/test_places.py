"""Several places: groups, contiguity, equal places, against enumeration on instances drawn by hypothesis."""

from __future__ import annotations

import itertools
import random

import networkx as nx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optsplit as osp
from optsplit import Partition, formulation
from optsplit.problems import document
from tests.instances import machines, partitions

many = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
bounds = formulation.load("partition_bounds")
few = settings(many, max_examples=40)

several = partitions(places=(2, 3, 4), max_layers=5, together=2, contiguous=True)


def agree(problem: Partition) -> None:
    expected = osp.solve(problem, "brute")
    assert expected.objective == osp.solve(problem.but(equal=()), "brute").objective
    for method in osp.methods(problem):
        result = osp.solve(problem, method.name)
        if method.exact:
            assert (result.status, result.objective) == (expected.status, expected.objective), method.name
        elif result.objective is not None:
            assert expected.objective <= result.objective


@many
@given(several)
def test_every_exact_method_meets_enumeration(problem: Partition) -> None:
    agree(problem)


@many
@given(machines(max_layers=6))
def test_equal_machines_meet_enumeration(problem: Partition) -> None:
    assert any(set(group) >= {"acc1", "acc2"} for group in problem.equal)
    agree(problem)


@many
@given(machines(max_layers=5))
def test_relaxations_bound_from_below(problem: Partition) -> None:
    expected = osp.solve(problem, "brute")
    for relaxation in (bounds.merged(problem), bounds.packing(problem)):
        if relaxation is not None and expected.objective is not None:
            found = osp.solve(relaxation.problem, "cpsat").require_optimal()
            assert relaxation.bound(found.objective) <= expected.objective, relaxation.name
    # under a time limit the method uses them itself
    result = osp.solve(problem, "cpsat", time_limit=60)
    assert (result.status, result.objective) == (expected.status, expected.objective)


@few
@given(machines(max_layers=5), st.randoms(use_true_random=False))
def test_exchanging_equal_places_changes_neither_price_nor_rule(problem: Partition, rng: random.Random) -> None:
    at = [rng.randrange(len(problem.places)) for _ in problem.layers]
    before = problem.evaluate(problem.plan(at))
    for group in problem.equal:
        for p, q in itertools.combinations([problem.places.index(place) for place in group], 2):
            after = problem.evaluate(problem.plan([{p: q, q: p}.get(place, place) for place in at]))
            assert after.objective == before.objective
            assert bool(after.violations) == bool(before.violations)


@many
@given(several, st.randoms(use_true_random=False))
def test_contiguity_is_what_paths_say(problem: Partition, rng: random.Random) -> None:
    """The rule by its definition: u and w at a place, v between them elsewhere."""
    problem = problem.but(contiguous=True, pins={}, limits={}, one_way=False, together=())
    at = [rng.randrange(len(problem.places)) for _ in problem.layers]
    graph = nx.DiGraph(problem.edges)
    graph.add_nodes_from(range(len(at)))
    after = {v: nx.descendants(graph, v) for v in graph}
    back = any(w in after[v] and at[u] == at[w] != at[v] for u in graph for v in after[u] for w in graph)
    said = [text for text in problem.evaluate(problem.plan(at)).violations if "comes back" in text]
    assert bool(said) == back


@few
@given(several)
def test_json_round_trip(problem: Partition) -> None:
    again = document.read(document.write(problem))
    assert document.write(again) == document.write(problem)
    assert (again.together, again.contiguous) == (problem.together, problem.contiguous)


@few
@given(machines(max_layers=5))
def test_a_hint_changes_nothing(problem: Partition) -> None:
    first = osp.solve(problem, "brute")
    if first.plan is not None:
        swapped = {"acc1": "acc2", "acc2": "acc1"}
        plan = problem.plan([problem.places.index(swapped.get(p, p)) for p in first.plan.assignment.values()])
        assert osp.solve(problem, "cpsat", hint=plan).objective == first.objective
