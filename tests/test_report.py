"""Reports: rows computed by hand on a network of six layers."""

from dataclasses import replace
from itertools import pairwise

import pytest

import optsplit
from optsplit import Layer, LayerGraph, Partition, Profile, Tensor, Timing, report
from optsplit.hardware import Connection
from optsplit.problems.partition import PartitionPlan
from optsplit.result import Result, Status

MILLISECONDS = {"device": (0, 40, 20, 20, 2, 80), "server": (0, 4, 2, 2, 1, 8)}


def fork() -> LayerGraph:
    """Input -> conv1 -> (left, right) -> add -> fc, where conv1 is read twice."""
    kinds = {"input": "input", "conv1": "conv", "left": "conv", "right": "conv", "add": "add", "fc": "linear"}
    readers = [(1,), (2, 3), (4,), (4,), (5,), ()]
    sizes = [100_000, 40_000, 20_000, 20_000, 20_000, 400]
    layers = tuple(Layer(name, kind, 10**6, ("w",) if name == "fc" else ()) for name, kind in kinds.items())
    tensors = tuple(Tensor(name, i, readers[i], sizes[i]) for i, name in enumerate(kinds))
    return LayerGraph("fork", layers, tensors, ("fc",), {"w": 2**20})


def fork_profile(*places: str) -> Profile:
    source = {"method": "measured", "processor": "test", "threads": "1"}
    timings = {
        place: Timing(
            tuple(s / 1000 for s in MILLISECONDS[place]), whole=sum(MILLISECONDS[place]) / 2000, source=source
        )
        for place in places or MILLISECONDS
    }
    return Profile(fork(), timings)


def fork_problem(**options) -> Partition:
    return Partition.from_profile(fork_profile(), Connection.mbit(8), **options)


def test_comparison_measures_loss_against_the_best_proven_bound():
    rows = report.comparison(
        [
            Result("a", Status.FEASIBLE, objective=200, bound=100, minimize=("latency",), units={"latency": "ns"}),
            Result("b", Status.FEASIBLE, objective=250, bound=160),
            Result("c", Status.HEURISTIC, objective=320),
            Result("d", Status.NO_SOLUTION, bound=10),
        ]
    )
    assert [row.loss for row in rows] == [40 / 160, 90 / 160, 1.0, None]
    assert [row.gap for row in rows] == [0.5, 90 / 250, None, None]
    assert rows[0].unit == "ns"


def test_comparison_without_a_bound_has_no_loss():
    assert report.comparison([Result("a", Status.HEURISTIC, objective=5)])[0].loss is None
    assert report.comparison([]) == []


def test_plan_summary_lists_runs_and_crossings():
    problem = fork_problem()
    plan = PartitionPlan({n: "device" if n in ("input", "conv1", "right") else "server" for n in problem.layers})
    summary = report.plan_summary(problem, plan)
    assert [(run.place, run.first, run.last, run.layers) for run in summary.runs] == [
        ("device", "input", "conv1", 2), ("server", "left", "left", 1), ("device", "right", "right", 1),
        ("server", "add", "fc", 2),
    ]  # fmt: skip
    # 8 Mbit/s are 1000 bytes per millisecond; conv1 crosses once although `right` reads it on the device
    assert [(c.tensor, c.start, c.end, c.bytes, c.cost) for c in summary.crossings] == [
        ("conv1", "device", "server", 40_000, 40_000_000), ("right", "device", "server", 20_000, 20_000_000),
        ("fc", "server", "device", 400, 400_000),
    ]  # fmt: skip
    assert summary.layers == {"device": 3, "server": 3}
    assert summary.metrics["latency"] == (40 + 20 + 2 + 1 + 8) * 10**6 + 60_400_000


def test_plan_summary_without_bytes_says_so():
    problem = Partition(
        layers=["a", "b"], edges=[(0, 1)], pins={"a": "device"}, result_at=None,
        metrics={"cost": optsplit.Metric([[0, 0], [9, 1]], {("device", "server"): [5, 0]}, unit="")}, minimize="cost",
    )  # fmt: skip
    (crossing,) = report.plan_summary(problem, PartitionPlan({"a": "device", "b": "server"})).crossings
    assert (crossing.bytes, crossing.cost) == (None, 5)


def test_network_summary_has_the_ratio_of_the_layers_to_the_whole():
    summary = report.network_summary(fork_profile())
    assert (summary.layers, summary.flops, summary.weight_bytes) == (6, 6 * 10**6, 2**20)
    assert list(summary.kinds.items())[:2] == [("conv", 3), ("add", 1)]
    assert [place.ratio for place in summary.places] == [pytest.approx(2.0)] * 2
    assert summary.places[0].layers_seconds == pytest.approx(0.162)


def test_envelope_rows_go_from_slow_to_fast_and_meet():
    rows = report.envelope_rows(optsplit.envelope(fork_problem()))
    assert rows[0].layers == {"device": 6}
    assert rows[-1].layers == {"device": 1, "server": 5}
    for slow, fast in pairwise(rows):
        assert slow.fastest == fast.slowest
        assert slow.at_fastest == pytest.approx(fast.at_slowest)
    assert rows[-1].slope == 100_400  # the input there, the result back


def test_a_conflict_that_was_not_settled_is_called_so():
    problem = fork_problem(limits={"latency": 0.12, "bytes": 1000})
    result = optsplit.solve(problem)
    unsettled = replace(result, conflicts=tuple(replace(each, best=None) for each in result.conflicts))
    text = report.infeasibility(problem, unsettled)
    assert "latency <= 120 ms (least value not settled)" in text
    assert "with more time for what is not settled" in text


def test_an_accuracy_that_no_exit_has_is_told_as_one():
    problem = optsplit.Partition.from_profile(
        optsplit.bundled("branchy_digits"), optsplit.links["3g"], at_least={"accuracy": 0.999}
    )
    # the most accurate exit: 44568 of a million are wrong
    text = report.infeasibility(problem, optsplit.solve(problem))
    assert "accuracy >= 99.9 % (at most 95.5432 % with the other limits)" in text


def test_infeasibility_names_the_limits_and_their_best_values():
    problem = fork_problem(limits={"latency": 0.01})
    text = report.infeasibility(problem, optsplit.solve(problem))
    # cut after conv1: 40 ms, 40000 bytes in 40 ms, 13 ms on the server, 0.4 ms for the result
    assert "the limit is too tight: latency <= 10 ms (at least 93.4 ms" in text
    problem = fork_problem(limits={"latency": 0.12, "bytes": 1000})
    text = report.infeasibility(problem, optsplit.solve(problem))
    assert "these limits conflict; relax one of them" in text
    assert "latency <= 120 ms (at least 162 ms" in text
    # cut after add: 82 + 20 + 8 + 0.4 ms, 20400 bytes
    assert "bytes <= 1000 B (at least 19.9219 KiB" in text
