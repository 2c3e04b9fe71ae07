"""The frozen set of problems: index, files, best-known values and their plans say the same."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections import Counter
from typing import Any

import pytest

import optsplit as osp
from benchmarks import bks, problems, stored_plans
from benchmarks.problems import Instance
from benchmarks.trivial import needs_no_method
from optsplit.problems.metric import Metric
from optsplit.problems.stored import KINDS
from optsplit.result import Status
from optsplit.table import known

INDEX = problems.read()
EVERY = {instance.name: instance for instance in INDEX.instances}
BEST = bks.read()
PLANS = {paper: bks.plans(paper) for paper in problems.PAPERS}


@functools.cache
def loaded(name: str) -> Any:
    return EVERY[name].load()


def test_index_and_files_match() -> None:
    assert len(EVERY) == len(INDEX.instances), "a name stands twice"
    assert {i.path for i in EVERY.values()} == set(problems.FOLDER.glob("*/*"))
    assert {i.paper for i in EVERY.values()} == set(problems.PAPERS)


def test_every_paper_has_every_size() -> None:
    assert {(i.paper, i.size) for i in EVERY.values()} == {
        (paper, size) for paper in problems.PAPERS for size in ("small", "medium", "large")
    }


def test_links_are_those_of_the_index() -> None:
    named = {i.link for i in EVERY.values() if i.link and "+" not in i.link}
    stored = problems.links()
    assert set(stored) == named
    assert stored["wifi"] == osp.links["wifi"]


@pytest.mark.parametrize("paper", problems.PAPERS)
def test_files_are_as_labelled(paper: str) -> None:
    """Every file loads, and digest, kind, counts, size and methods are those of the index."""
    for instance in problems.instances(paper):
        problem = loaded(instance.name)
        count = problems.counts(problem)
        assert problems.digest(instance.path) == instance.digest, instance.name
        assert {key: getattr(instance, key) for key in count} == count, instance.name
        assert problems.size_class(instance.kind, count) == instance.size, instance.name
        assert instance.kind in KINDS
        assert problem.name == instance.name
        for name, options in (*instance.heuristics, *instance.policies, *instance.baselines):
            method = known()[type(problem).__name__, name]
            assert method.mismatch(problem) is None, (instance.name, name)
            assert set(options) <= method.options, (instance.name, name)
            assert not method.exact, (instance.name, name)


def test_every_instance_has_a_best_known_value_of_its_own_problem() -> None:
    assert {name: entry.digest for name, entry in BEST.items()} == {i.name: i.digest for i in EVERY.values()}


@pytest.mark.parametrize("paper", problems.PAPERS)
def test_best_known_plans_cost_what_is_said(paper: str) -> None:
    for instance in problems.instances(paper):
        entry, problem = BEST[instance.name], loaded(instance.name)
        found = problem.evaluate(stored_plans.expanded(problem, PLANS[paper][instance.name]))
        assert not found.violations, (instance.name, found.violations)
        assert found.objective == entry.objective, instance.name
        assert entry.bound is None or entry.bound <= entry.objective, instance.name
        assert entry.proven == (entry.bound == entry.objective), instance.name
        assert bool(entry.checked_by) <= entry.proven, instance.name


@pytest.mark.parametrize("paper", problems.PAPERS)
def test_a_sample_of_the_small_ones_is_proven_again(paper: str) -> None:
    small = [i for i in problems.instances(paper, "small") if BEST[i.name].seconds < 0.5]
    for instance in random.Random(paper).sample(small, 12):
        result = osp.solve(loaded(instance.name), time_limit=20).require_optimal()
        assert result.objective == BEST[instance.name].objective, instance.name


@pytest.mark.slow
@pytest.mark.parametrize("paper", problems.PAPERS)
def test_every_one_that_was_quick_is_proven_again(paper: str) -> None:
    for instance in problems.instances(paper):
        entry = BEST[instance.name]
        if entry.proven and entry.seconds < 2:
            result = osp.solve(loaded(instance.name), time_limit=60)
            assert (result.objective, result.bound) == (entry.objective, entry.bound), instance.name


@pytest.mark.parametrize("paper", problems.PAPERS)
def test_no_heuristic_is_better_than_a_proof(paper: str) -> None:
    """The paper's own heuristic and the policies, on every small instance."""
    for instance in problems.instances(paper, "small"):
        entry, problem = BEST[instance.name], loaded(instance.name)
        for name, options in (*instance.heuristics, *instance.policies):
            objective = osp.solve(problem, name, **options).objective
            assert objective is None or entry.bound is None or objective >= entry.bound, (instance.name, name)


def test_published_optima_are_the_best_known() -> None:
    published = {i.name: i.published for i in EVERY.values() if i.published is not None}
    assert len(published) == 22  # Taillard's twenty, the counterexample and the toy
    for name, (optimum, _) in published.items():
        entry = BEST[name]
        assert entry.objective == optimum
        assert entry.bound is not None
        assert entry.bound <= optimum


def test_trivial_labels_follow_from_proofs() -> None:
    for instance in random.Random(0).sample(list(EVERY.values()), 60):
        entry = BEST[instance.name]
        if not entry.proven:
            assert instance.trivial is None
        else:
            assert instance.trivial == needs_no_method(loaded(instance.name), entry.objective), instance.name


def test_most_instances_are_not_trivial() -> None:
    labels = Counter((i.paper, i.trivial) for i in EVERY.values())
    for paper in problems.PAPERS:
        assert labels[paper, True] < labels[paper, False], paper


# --- what makes the set ---------------------------------------------------------------------------------------


def chain(**changes: Any) -> osp.Partition:
    """input -> a -> b -> c; the server is ten times faster, and only the tensor of a is cheap to send.

    device only 0 + 10 + 10 + 10 = 30; server only 20 (input up) + 1 + 1 + 1 + 20 (result down) = 43; cut behind a
    10 + 2 + 1 + 1 + 20 = 34, so 30 is the optimum. With the result at the server (result_at=None) it is 14, and
    server only costs 23: no trivial plan attains it.
    """
    ways = {("device", "server"): [20, 2, 20, 20], ("server", "device"): [20, 20, 20, 20]}
    given = {"metrics": {"latency": Metric([[0, 0], [10, 1], [10, 1], [10, 1]], ways)}} | changes
    return osp.Partition(["input", "a", "b", "c"], [(0, 1), (1, 2), (2, 3)], pins={"input": "device"}, **given)


def test_a_partition_is_trivial_where_one_place_attains_the_optimum() -> None:
    assert needs_no_method(chain(), 30)
    assert osp.solve(chain(result_at=None)).objective == 14
    assert not needs_no_method(chain(result_at=None), 14)


def test_an_upload_is_trivial_where_the_order_does_not_matter() -> None:
    """Queries take 30 at the device, 25 with b or c on the server, 10 + 2 + 1 + 1 + 2 = 16 with both; a is not sent.

    c, b: 3 * 30 + 7 * 25 = 265 over the 10 of the upload; b, c: 7 * 30 + 3 * 25 = 285; all at once: 10 * 30.
    """
    ways = {("device", "server"): [20, 2, 2, 2], ("server", "device"): [2, 2, 2, 2]}
    metric = Metric([[0, 0], [10, 1], [10, 1], [10, 1]], ways)
    several = osp.UploadOrder(chain(metrics={"latency": metric}), [0, 5, 7, 3])
    assert osp.solve(several).require_optimal().objective == 265
    assert not needs_no_method(several, 265)
    assert needs_no_method(several, 300)
    alone = osp.UploadOrder(chain(metrics={"latency": metric}), [0, 5, 7, 0])
    assert needs_no_method(alone, osp.solve(alone).require_optimal().objective)


def test_a_flow_shop_is_trivial_where_first_come_first_served_is_optimal() -> None:
    shop = osp.FlowShop([[3, 2], [1, 4]])
    assert not needs_no_method(shop, 7)  # 2, 1: 1 + 4 + 2; 1, 2: 3 + 2 + 4
    assert needs_no_method(osp.FlowShop([[1, 4], [3, 2]]), 7)


@pytest.mark.parametrize("name", [
    "alexnet.operations-phone-wifi-5-frames", "branchy-digits.modules-phone-3g-confidence-0.05",
    "alexnet.operations-phone-5mbit-upload", "johnson-toy",
])  # fmt: skip
def test_plans_survive_being_stored(name: str) -> None:
    problem = EVERY[name].load()
    plan = osp.solve(problem, time_limit=10).plan
    again = stored_plans.expanded(problem, stored_plans.compact(problem, plan))
    assert problem.evaluate(again) == problem.evaluate(plan)


# --- best-known values only improve ---------------------------------------------------------------------------


def entry(objective: int | None, bound: int | None, method: str) -> bks.Entry:
    proven = objective is not None and objective == bound
    return bks.Entry("x", "", objective, bound, proven, method, 1.0, "2020-01-01", "0", [method] if proven else [])


@pytest.mark.parametrize(("old", "new", "expected"), [
    ((10, 7, "a"), (9, 6, "b"), (9, 7, "b", [])),
    ((10, 7, "a"), (11, 8, "b"), (10, 8, "a", [])),
    ((10, None, "a"), (10, 10, "b"), (10, 10, "a", ["b"])),
    ((10, 10, "a"), (10, 10, "b"), (10, 10, "a", ["a", "b"])),
    ((10, 10, "a"), (None, 4, "b"), (10, 10, "a", ["a"])),
    ((None, 3, "a"), (12, None, "b"), (12, 3, "b", [])),
])  # fmt: skip
def test_entries_improve(
    old: tuple[int | None, int | None, str],
    new: tuple[int | None, int | None, str],
    expected: tuple[int, int, str, list[str]],
) -> None:
    found = bks.improved(entry(*old), entry(*new))
    assert (found.objective, found.bound, found.method, found.checked_by) == expected
    assert found.proven == (found.objective == found.bound)


@pytest.mark.parametrize(("old", "new"), [
    ((10, 10, "a"), (9, None, "b")), ((10, 10, "a"), (11, 11, "b")), ((10, 7, "a"), (None, 11, "b")),
    ((9, None, "a"), (12, 10, "b")),
])  # fmt: skip
def test_contradictions_are_refused(
    old: tuple[int | None, int | None, str], new: tuple[int | None, int | None, str]
) -> None:
    with pytest.raises(bks.Contradiction, match=r"x: .* bounds by"):
        bks.improved(entry(*old), entry(*new))


def test_an_infeasible_claim_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    instance: Instance = EVERY["johnson-toy"]
    claim = dataclasses.replace(osp.solve(instance.load()), status=Status.INFEASIBLE, plan=None, objective=None)
    monkeypatch.setattr(osp, "solve", lambda *_, **__: claim)
    with pytest.raises(bks.Contradiction, match="infeasible"):
        bks.settle(instance, None, 1.0, 0.0)


def test_a_proof_that_differs_from_print_is_refused() -> None:
    instance = dataclasses.replace(EVERY["johnson-toy"], published=(19, "a misprint"))
    with pytest.raises(bks.Contradiction, match=r"18 .*a misprint has 19"):
        bks.settle(instance, None, 5.0, 0.0)
