"""The search for upload orders: its cuts, segments and limits, on an instance derived by hand."""

from __future__ import annotations

import itertools
import random

import pytest

from optsplit import Metric, Partition
from optsplit.algorithms import upload_intervals, upload_sidney, upload_subsets
from optsplit.algorithms.upload_cut import network
from optsplit.algorithms.upload_search import Search
from optsplit.backends.watch import Watch
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit, TracePoint
from tests.upload_instances import random_upload

UP, DOWN = ("device", "server"), ("server", "device")


def line(device: list[int], way: int, upload: list[int]) -> UploadOrder:
    """A chain behind an input: nothing to compute on the server, every tensor costs `way`."""
    n = len(device)
    partition = Partition(
        ["in", *(f"l{i}" for i in range(n))], [(i, i + 1) for i in range(n)],
        metrics={"latency": Metric([[0, 0], *([d, 0] for d in device)], {UP: [way] * (n + 1), DOWN: [way] * (n + 1)})},
        pins={"in": "device"},
    )  # fmt: skip
    return UploadOrder(partition, [0, *upload])


def test_layers_that_only_help_together_are_one_class() -> None:
    # one layer alone saves 4 and pays 2 * 3: both or none
    problem = line([4, 4], 3, [5, 7])
    assert [problem.latency(s) for s in range(4)] == [8, 8, 8, 6]
    whole = network(problem)
    assert [whole.least(s).used for s in range(4)] == [0, 0, 0, 3]
    end = whole.least(3)
    search = Search(problem.times)
    (segment,) = search.between(whole, (0, 8, whole.least(0).device), (3, 6, end.device), {1: 5, 2: 7})
    assert segment.upper == 12 * 8
    search.expand(segment)
    assert segment.classes == {3: 12}
    assert segment.closed
    assert segment.lower == 12 * 8


def test_a_vertex_of_the_hull_parts_the_blocks() -> None:
    # each layer helps alone: l0 saves 20 in 1, l1 saves 5 in 10; together they save one pair of transfers more
    problem = line([22, 7], 1, [1, 10])
    assert [problem.latency(s) for s in range(4)] == [29, 9, 24, 2]
    whole = network(problem)
    search = Search(problem.times)
    low, high = (0, 29, whole.least(0).device), (3, 2, whole.least(3).device)
    first, second = search.between(whole, low, high, {1: 1, 2: 10})
    assert (first.before, first.units, second.before, second.units) == (0, 1, 1, 2)
    # both are known without a search
    assert (first.lower, first.upper, second.lower, second.upper) == (29, 29, 90, 90)


def test_a_later_layer_first_where_it_saves_more() -> None:
    # l0 saves 2 for 5, l2 saves 8 for 5; l1 joins them
    problem = line([4, 2, 10], 1, [5, 5, 5])
    values = [problem.latency(s) for s in range(8)]
    assert values == [16, 14, 16, 12, 8, 6, 6, 2]
    # l2, then l1 or l0 (8 to 6), then the last: 5 * (16 + 8 + 6)
    for solve in (upload_sidney.solve, upload_subsets.subsets, upload_subsets.brute, upload_intervals.solve):
        answer = solve(problem, Options())
        assert answer.plan.order[0] == "l2"
        assert answer.objective == answer.bound == 5 * (16 + 8 + 6)


def test_nothing_helps() -> None:
    problem = line([4, 4], 9, [5, 7])
    for solve in (upload_sidney.solve, upload_subsets.subsets, upload_subsets.brute, upload_intervals.solve):
        answer = solve(problem, Options())
        assert answer.plan.order == []
        assert answer.objective == answer.bound == 0


def test_a_time_limit_keeps_an_order_and_a_bound() -> None:
    problem = wide(12)
    answer = upload_sidney.solve(problem, Options(time_limit=1e-6))
    assert answer.limit is Limit.TIME
    evaluation = problem.evaluate(answer.plan)
    assert not evaluation.violations
    assert evaluation.objective == answer.objective > answer.bound > 0
    stopped = upload_subsets.subsets(problem, Options(time_limit=1e-6))
    assert (stopped.plan, stopped.limit) == (None, Limit.TIME)
    assert stopped.bound <= answer.objective


def test_progress_and_gap() -> None:
    problem = wide(12)
    seen: list[TracePoint] = []
    answer = upload_sidney.solve(problem, Options(gap=0.5, progress=seen.append))
    assert seen == list(answer.trace)
    assert all(a.bound <= b.bound and a.objective >= b.objective for a, b in itertools.pairwise(seen))
    assert answer.objective - answer.bound <= answer.objective / 2


def test_a_search_without_the_light_units_bounds_and_finds() -> None:
    problem = wide(8, light=True)
    both = upload_sidney.Pair(problem)
    assert {problem.names[k] for k in range(len(problem.names)) if both.light >> k & 1} == {
        name for name in problem.names if name.endswith("bias")
    }
    exact = upload_sidney.solve(problem, Options())
    assert exact.objective == exact.bound
    coarse = both.without()
    while coarse.step():
        pass
    assert coarse.lower <= exact.bound
    order = both.put_back(coarse.order)
    assert sorted(order) == list(range(len(problem.names)))
    evaluation = problem.evaluate(problem.plan(order))
    assert not evaluation.violations
    # what the light units take, at most at the first latency
    assert exact.objective <= evaluation.objective <= coarse.lower + 6 * problem.latency(0)


def wide(n: int, light: bool = False) -> UploadOrder:
    """n/2 branches of two layers between an input and a sum, with times that tell them apart; perhaps six biases."""
    names = ["in", *(f"b{i}" for i in range(n)), "sum"]
    edges = [(0, i + 1) for i in range(0, n, 2)] + [(i + 1, i + 2) for i in range(0, n, 2)]
    edges += [(i + 2, n + 1) for i in range(0, n, 2)]
    compute = [[0, 0], *([60 + 7 * i * i % 31, 1] for i in range(n)), [1, 0]]
    way = {UP: [90] + [37 + 5 * i % 17 for i in range(n)] + [3]}
    way[DOWN] = way[UP]
    partition = Partition(names, edges, metrics={"latency": Metric(compute, way)}, pins={"in": "device"})
    upload = {f"b{i}": (300 + 131 * i % 83, [i + 1]) for i in range(n)}
    if light:
        upload |= {f"b{i}.bias": (1, [i + 1]) for i in range(6)}
    return UploadOrder(partition, upload)


def test_ctrl_c_keeps_the_best_order(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = wide(12)

    def report(watch: Watch, objective: int | None, bound: int | None) -> bool:
        watch.interrupt()
        return True

    monkeypatch.setattr(Watch, "report", report)
    answer = upload_sidney.solve(problem, Options())
    assert answer.limit is Limit.INTERRUPT
    assert problem.evaluate(answer.plan).objective == answer.objective > answer.bound > 0


@pytest.mark.parametrize("seed", range(30))
def test_both_searches_together_are_exact(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second search from the start, with many units taken for light."""
    monkeypatch.setattr(upload_sidney, "_ALONE", -1)
    monkeypatch.setattr(upload_sidney, "_LIGHT", 0.3)
    problem = random_upload(random.Random(seed), layers=7)
    answer = upload_sidney.solve(problem, Options())
    assert answer.objective == answer.bound == upload_subsets.subsets(problem, Options()).objective


def test_a_search_that_is_guided_says_so_in_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_sidney, "_ALONE", -1)
    problem = wide(8, light=True)
    answer = upload_sidney.solve(problem, Options())
    assert answer.objective == answer.bound
    assert answer.bounds["without light units"] <= answer.objective


def test_no_time_to_dive() -> None:
    answer = upload_sidney.solve(wide(10), Options(time_limit=1e-9))
    blocks = upload_sidney.Blocks(wide(10))
    assert answer.raw_status == f"{len(blocks.blocks)} blocks, {len(blocks.search.segments)} segments"


def test_the_trace_ends_at_the_answer() -> None:
    answer = upload_sidney.solve(wide(8), Options())
    assert (answer.trace[-1].objective, answer.trace[-1].bound) == (answer.objective, answer.bound)
