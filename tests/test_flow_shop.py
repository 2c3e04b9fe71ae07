"""The flow shop: what it refuses, how it prices, its file, its methods at a limit, its picture."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

import optsplit as osp
from optsplit import Limit, Status
from optsplit.algorithms import flow_shop_brute, flow_shop_insertion, johnson
from optsplit.algorithms.flow_shop_greedy import IteratedGreedy
from optsplit.algorithms.flow_shop_nodes import Bounding
from optsplit.baselines import extended_johnson
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.problems import flow_shop_bounds, flow_shop_document, two_machines
from optsplit.problems.flow_shop import MACHINES_3, MACHINES_4, RELEASE, FlowShop, FlowShopPlan

TOY = FlowShop([[3, 2, 5], [3, 2, 2], [4, 3, 3], [4, 2, 3]])
COUNTEREXAMPLE = FlowShop([[0, 14, 0], [0, 12, 0], [0, 9, 0], [18, 1, 20], [0, 15, 16]])


def hard(jobs: int = 100, machines: int = 20) -> FlowShop:
    return FlowShop.taillard(jobs, machines, 450926852)


def test_the_price_of_a_sequence_by_hand() -> None:
    # ends: job 1 (4, 5), job 0 (max(4, 10) + 2, 12 + 3); machine one waits 6, machine two 7
    problem = FlowShop([[2, 3], [4, 1]], release=[10, 0])
    assert problem.ends([1, 0]).tolist() == [[4, 5], [12, 15]]
    priced = problem.evaluate(problem.plan([1, 0]))
    assert priced.metrics == {"makespan": 15, "total_completion": 20, "idle": 13}
    assert (priced.objective, priced.violations) == (15, ())


@pytest.mark.parametrize(
    ("times", "release", "message"),
    [
        ([], None, "at least one of each"),
        ([[]], None, "at least one of each"),
        ([1, 2], None, r"shape \(2,\)"),
        ([[1, 2], [3]], None, "unequal length"),
        ([[1, -2]], None, "give 0 or more"),
        ([[1, 2.5]], None, "2.5; give integers"),
        ([[1, float("nan")]], None, "nan; give integers"),
        ([[1, 2**53]], None, "coarser unit"),
        ([[2**52, 2**52]], None, "together are about"),
        ([[1, 2]], [1, 2], r"release has shape \(2,\); expected \(1,\)"),
        ([[1, 2]], [-1], r"release\[0\] is -1"),
    ],
)
def test_what_is_refused(times: object, release: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        FlowShop(times, release)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sequence", "message"),
    [((0, 1, 2), "job 3 0 times"), ((0, 1, 2, 2, 3), "job 2 2 times"), ((0, 1, 2, 4), "names job 4"),
     ((), "job 0 0 times"), ((0, 1, 2, "3"), "names job '3'")],
)  # fmt: skip
def test_a_sequence_has_every_job_once(sequence: tuple[int, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        TOY.evaluate(FlowShopPlan(sequence))


def test_features() -> None:
    assert FlowShop([[1, 1]]).features == frozenset()
    assert FlowShop([[1, 1, 1]]).features == {MACHINES_3}
    assert FlowShop([[1] * 4], release=[1]).features == {MACHINES_3, MACHINES_4, RELEASE}


def test_what_methods_refuse() -> None:
    names = {method.name for method in osp.methods(hard())}
    assert names == {"branching", "cpsat", "milp", "neh", "cds", "johnson-halves", "fcfs"}
    assert "9" in str(flow_shop_brute.refuses(FlowShop([[1, 1]] * 9)))
    assert "here there are 2" in str(extended_johnson.refuses(FlowShop([[1, 1]])))


def test_file_and_pickle(tmp_path: Path) -> None:
    problem = FlowShop([[1, 2], [3, 4]], release=[0, 7], unit="us", name="two")
    problem.save(tmp_path / "p.json")
    again = FlowShop.load(tmp_path / "p.json")
    for other in (again, pickle.loads(pickle.dumps(problem))):
        assert other.times.tolist() == [[1, 2], [3, 4]]
        assert (other.release.tolist(), other.unit, other.name) == ([0, 7], "us", "two")
    (tmp_path / "p.json").write_text('{"optsplit": "flow_shop", "version": 1, "content": {"times": [["a"]]}}')
    with pytest.raises(FileFormatError, match="damaged flow_shop"):
        FlowShop.load(tmp_path / "p.json")


def test_taillards_seeds_are_bounded() -> None:
    with pytest.raises(InvalidInput, match="seed is 0"):
        FlowShop.taillard(2, 2, 0)


def test_the_toy_of_the_slides() -> None:
    assert extended_johnson.order(TOY.times.tolist()) == [0, 2, 3, 1]
    assert osp.solve(TOY, "extended-johnson").objective == osp.solve(TOY).objective == 18


def test_extended_johnson_is_no_five_thirds_approximation() -> None:
    found, best = osp.solve(COUNTEREXAMPLE, "extended-johnson"), osp.solve(COUNTEREXAMPLE, "brute")
    assert (found.objective, best.objective) == (86, 51)
    assert 3 * found.objective > 5 * best.objective


def test_extended_johnson_comes_near_twice_the_optimum() -> None:
    """k jobs (0, L, 1) go before (2L, 1, kL), which then waits kL for the second machine."""
    k, length = 40, 10**6
    problem = FlowShop([[0, length, 1]] * k + [[2 * length, 1, k * length]])
    ratio = osp.solve(problem, "extended-johnson").objective / osp.solve(problem).require_optimal().objective
    assert 1.9 < ratio < 2


def test_johnson_with_lags() -> None:
    # without lags job 0 first: 1 + 2 + 2; with its lag of 9 job 1 goes first: 2 + 1 + 9 + 2
    assert two_machines.order([1, 2], [2, 2]) == [0, 1]
    order = two_machines.order([1, 2], [2, 2], [9, 0])
    assert order == [1, 0]
    assert two_machines.makespan(order, [1, 2], [2, 2], [9, 0]) == 14


def test_named_bounds_by_hand() -> None:
    # middle machine: 14 + 12 + 9 + 1 + 15 with no head and no tail
    assert flow_shop_bounds.load(COUNTEREXAMPLE) == 51
    # machine one: 3 + 3 + 4 + 4, then the least tail 4 (job 1); machine three: head 5 and 13
    assert flow_shop_bounds.load(TOY) == 18
    assert flow_shop_bounds.named(FlowShop([[5]])) == {"load": 5}
    # one job cannot be first and last: heads 1 and 4, tails 1 and 6, on machine two
    assert flow_shop_bounds.ends([1, 4], [1, 6]) == 5


def test_which_bound_closes_the_gap() -> None:
    loaded = osp.solve(FlowShop.taillard(20, 5, 1369363414))
    assert loaded.bounds == {"load": 1234, "johnson": 1226}
    searched = osp.solve(FlowShop.taillard(20, 5, 495070989))
    assert searched.bounds == {"load": 1198, "johnson": 1217, "search": 1235}


def test_equal_jobs_keep_one_order() -> None:
    problem = FlowShop([[1, 2], [3, 4], [1, 2], [1, 2]])
    first, last = Bounding(problem).allowed(Bounding(problem).root())
    assert np.flatnonzero(first[0]).tolist() == [0, 1]
    assert np.flatnonzero(last[0]).tolist() == [1, 3]


def test_insertion_from_nothing() -> None:
    assert flow_shop_insertion.makespans(TOY, [], 0).tolist() == [10]


@pytest.mark.parametrize("method", ["branching", "cpsat", "milp"])
def test_a_time_limit_leaves_a_bound(method: str) -> None:
    result = osp.solve(hard(30, 20), method, time_limit=1)
    assert result.limit is Limit.TIME
    assert result.status in (Status.FEASIBLE, Status.NO_SOLUTION)
    assert result.bounds["load"] <= result.bound
    assert result.solve_seconds < 20


def test_a_gap_ends_the_search() -> None:
    result = osp.solve(hard(30, 20), gap=0.3, time_limit=60)
    assert result.limit is Limit.GAP
    assert 0 < result.gap <= 0.3


def test_progress_and_hint() -> None:
    seen: list[osp.TracePoint] = []
    problem = FlowShop.taillard(20, 5, 1866992158)
    best = osp.solve(problem)
    for method in ("branching", "cpsat"):
        result = osp.solve(problem, method, hint=best.plan, progress=seen.append, time_limit=1)
        assert result.objective == best.objective
        assert seen[0].objective == best.objective
        seen.clear()


def test_an_interrupt_keeps_the_best_so_far() -> None:
    presser = threading.Timer(0.8, os.kill, (os.getpid(), signal.SIGINT))
    presser.start()
    start = time.perf_counter()
    result = osp.solve(hard(30, 20), time_limit=60)
    presser.join()
    assert (result.status, result.limit) == (Status.FEASIBLE, Limit.INTERRUPT)
    assert time.perf_counter() - start < 30


def test_enumeration_stopped_early_keeps_named_bounds() -> None:
    result = osp.solve(hard(8, 10), "brute", time_limit=0.05)
    assert (result.status, result.limit) == (Status.FEASIBLE, Limit.TIME)
    assert result.bound == max(result.bounds.values())


def test_the_same_input_gives_the_same_plan() -> None:
    problem = FlowShop.taillard(50, 5, 587288402)
    assert osp.solve(problem).plan == osp.solve(problem).plan


def test_the_table_shows_the_sequence() -> None:
    assert "0, 2, 3, 1" in str(osp.solve(TOY, "extended-johnson"))
    assert "(30 jobs)" in FlowShopPlan(tuple(range(30))).rows()[0][1]


def test_the_picture() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib.figure import Figure

    from optsplit import plots

    ax = Figure(figsize=(3.3, 2.4), layout="constrained").subplots()
    assert plots.draw(TOY, osp.solve(TOY), ax=ax) is ax
    assert len(ax.patches) == 12
    assert [label.get_text() for label in ax.get_yticklabels()] == ["machine 1", "machine 2", "machine 3"]
    assert {text.get_text() for text in ax.texts} == {"0", "1", "2", "3"}
    zero = Figure().subplots()
    plots.draw(COUNTEREXAMPLE, osp.solve(COUNTEREXAMPLE), ax=zero)
    assert len(zero.patches) == 8  # an operation of no time has no bar


def test_iterated_greedy_walks_by_its_seed_and_stops() -> None:
    problem = FlowShop.taillard(20, 5, 1866992158)
    start = flow_shop_insertion.sequence(problem)
    walks = [IteratedGreedy(problem, start, 7, lambda: False) for _ in range(2)]
    for walk in walks:
        for _ in range(5):
            walk.step()
    assert walks[0].sequence == walks[1].sequence
    assert walks[0].best == problem.evaluate(problem.plan(walks[0].sequence)).objective
    assert walks[0].best < problem.evaluate(problem.plan(start)).objective  # 1159, 7 % above the optimum
    stopped = IteratedGreedy(problem, start, 7, lambda: True)
    stopped.step()
    assert sorted(stopped.current) == list(range(20))


def test_how_a_problem_shows_itself() -> None:
    assert repr(FlowShop([[1, 2]], name="small")) == "FlowShop('small', 1 jobs, 2 machines)"
    assert TOY.limits == {}


def test_the_schema_names_what_a_file_needs() -> None:
    definition = flow_shop_document.schema()["$defs"]["FlowShopDocument"]
    assert set(msgspec.to_builtins(flow_shop_document.write(TOY))) == set(definition["properties"])


def test_a_machine_waits_for_the_jobs_that_come_late() -> None:
    # the second job is there at 50 and takes 1; both together take only 2
    assert flow_shop_bounds.load(FlowShop([[1], [1]], release=[0, 50])) == 51
    # on the middle machine job 0 starts after 1 and job 1 after 90; behind each the third takes 4
    assert flow_shop_bounds.load(FlowShop([[1, 5, 4], [89, 5, 4]], release=[0, 1])) == 90 + 5 + 4


def test_a_cold_walk_never_accepts_what_is_worse() -> None:
    problem = FlowShop.taillard(20, 5, 1866992158)
    walk = IteratedGreedy(problem, list(range(20)), 3, lambda: False)
    walk.heat = 1e-9
    values = [walk.value]
    for _ in range(6):
        walk.step()
        values.append(walk.value)
        assert walk.value == problem.evaluate(problem.plan(walk.current)).objective
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]


def test_one_machine_takes_any_order_and_three_are_refused() -> None:
    assert osp.solve(FlowShop([[4], [1], [3]]), "johnson").require_optimal().objective == 8
    assert "here there are 3" in str(johnson.refuses(TOY))
    assert johnson.refuses(FlowShop([[1, 2]])) is None


def test_progress_begins_with_the_best_bound_and_ends_at_the_answer() -> None:
    problem = FlowShop.taillard(20, 5, 873654221)
    seen: list[osp.TracePoint] = []
    result = osp.solve(problem, "branching", progress=seen.append, time_limit=1)
    bounds = flow_shop_bounds.named(problem)
    assert seen[0].bound == max(bounds.values()) > min(bounds.values())
    assert (seen[-1].objective, seen[-1].bound) == (result.objective, result.bound)


def test_two_machines_with_and_without_lags_by_hand() -> None:
    # ends of the first machine 3, 4; of the second max(0, 3) + 2 = 5, max(5, 4) + 6 = 11
    assert two_machines.makespan([0, 1], [3, 1], [2, 6]) == 11
    assert two_machines.makespan([1, 0], [3, 1], [2, 6]) == 1 + 6 + 2
    # a lag of 9 behind the first: 3 + 9 + 2 = 14, then 6 more
    assert two_machines.makespan([0, 1], [3, 1], [2, 6], [9, 0]) == 20


def test_releases_beyond_32_bits_are_kept() -> None:
    problem = FlowShop([[3, 1, 2], [1, 2, 3], [2, 2, 2]], release=[0, 2**40 + 7, 5])
    assert osp.solve(problem, "branching").objective == osp.solve(problem, "brute").objective == 2**40 + 7 + 6
    assert Bounding(problem).release.tolist() == problem.release.tolist()


def test_releases_count_among_the_times() -> None:
    with pytest.raises(InvalidInput, match=r"all its times together are about 9.01e\+15"):
        FlowShop([[5, 5]], release=[2**53 - 5])
