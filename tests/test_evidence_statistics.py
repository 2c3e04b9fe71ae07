"""Performance profiles, shifted geometric means and gaps over time, against values worked out by hand."""

import math

import pytest

from optsplit.errors import InvalidInput
from optsplit.evidence.gaps import distance, mean_over_time, over_time
from optsplit.evidence.statistics import (
    by_instance,
    cost_of_plan,
    everywhere,
    mean_seconds,
    performance_profile,
    positive,
    seconds_to_proof,
    shifted_geometric_mean,
)
from optsplit.result import Limit, Result, Status, TracePoint
from tests.test_evidence import proof, run

INF = math.inf


def test_shifted_geometric_mean():
    assert shifted_geometric_mean([1, 100], 0) == pytest.approx(10)
    # (0 + 1) (8 + 1) = 9, its root 3, less the shift
    assert shifted_geometric_mean([0, 8], 1) == pytest.approx(2)
    assert shifted_geometric_mean([7], 10) == pytest.approx(7)
    assert shifted_geometric_mean([1, INF], 1) == INF
    with pytest.raises(InvalidInput, match="no values"):
        shifted_geometric_mean([], 1)
    with pytest.raises(InvalidInput, match="larger shift"):
        shifted_geometric_mean([1, 0], 0)


def test_performance_profile_with_failures():
    # ratios: a 1, 2, failed, 1; b 2, 1, failed, failed
    profile = performance_profile({"a": [1, 6, INF, 5], "b": [2, 3, INF, INF]})
    assert profile.instances == 4
    assert profile.ratios == {"a": (1, 1, 2), "b": (1, 2)}
    assert [profile.share("a", f) for f in (1, 1.99, 2, 1e9)] == [0.5, 0.5, 0.75, 0.75]
    assert [profile.share("b", f) for f in (1, 2)] == [0.25, 0.5]
    assert profile.steps("a") == ([1, 2], [0.5, 0.75])


def test_performance_profile_where_one_method_solves_nothing():
    profile = performance_profile({"a": [3], "b": [INF]})
    assert profile.steps("b") == ([], [])
    assert profile.share("b", 100) == 0


@pytest.mark.parametrize("costs", [{}, {"a": []}, {"a": [1], "b": [1, 2]}, {"a": [0.0]}, {"a": [math.nan]}])
def test_performance_profile_refuses(costs):
    with pytest.raises(InvalidInput):
        performance_profile(costs)


def test_costs_by_instance_are_medians_over_seeds_on_what_all_were_run_on():
    rows = [
        *(run("i", "h", value, seed=s) for s, value in enumerate((7, 5, 6))),
        run("i", "h", status=Status.NO_SOLUTION, seed=3),  # of 5, 6, 7 and a failure the upper middle is 7
        proof(5, "i"), proof(8, "j"), run("j", "h", 9), proof(1, "k"),
    ]  # fmt: skip
    assert everywhere(rows) == ["auto"]
    assert by_instance(rows, cost_of_plan, ["auto", "h"]) == {"auto": [5, 8], "h": [7, 9]}
    assert by_instance(rows, cost_of_plan) == {"auto": [5, 8, 1]}
    assert by_instance([], cost_of_plan) == {}


def test_only_proofs_count_as_solved_and_no_time_is_zero():
    assert seconds_to_proof(proof(5, solve_seconds=0.25, build_seconds=0.5)) == 0.75
    assert seconds_to_proof(proof(5)) > 0
    assert seconds_to_proof(run(objective=5)) == INF


def test_instances_with_a_cost_of_zero_leave_a_profile_and_are_counted():
    assert positive({"a": [1, 0, 3], "b": [2, 2, INF]}) == ({"a": [1, 3], "b": [2, INF]}, 1)


def test_a_solve_without_plan_takes_its_whole_limit_in_a_mean_unless_it_gave_up_by_itself():
    failed = run(status=Status.NO_SOLUTION, limit=Limit.TIME, time_limit=7.0, solve_seconds=0.1)
    assert mean_seconds([failed], 1.0) == pytest.approx(7)
    broken = run(status=Status.ERROR, raw_status="MemoryError", time_limit=7.0)
    assert mean_seconds([broken], 1.0) == pytest.approx(7)
    gave_up = run(status=Status.NO_SOLUTION, time_limit=7.0, solve_seconds=0.5)
    assert mean_seconds([gave_up], 1.0) == pytest.approx(0.5)
    assert mean_seconds([run(objective=1, solve_seconds=7.0, time_limit=60.0)], 1.0) == pytest.approx(7)
    assert mean_seconds([]) is None


def test_distance():
    assert distance(10, 8) == distance(8, 10) == pytest.approx(0.2)
    assert distance(0, 0) == distance(5, 5) == 0
    assert distance(None, 5) == distance(5, None) == distance(5, -5) == distance(5, 0) == 1
    assert distance(-8, -10) == pytest.approx(0.2)


def solved(*points, objective=10, bound=10, build=1.0, seconds=4.0):
    trace = tuple(TracePoint(*point) for point in points)
    status = Status.OPTIMAL if objective == bound else Status.FEASIBLE
    return Result(
        "m", status, objective=objective, bound=bound, trace=trace, build_seconds=build, solve_seconds=seconds
    )


def test_gap_over_time_and_its_integral():
    # 1 until a plan (2 s after the start: 1 s of building), then (20 - 10) / 20, then (16 - 12) / 16, 0 at the end, 5 s
    steps = over_time(solved((0.5, None, 10), (1.0, 20, 10), (2.0, 16, 12)))
    assert steps.seconds == (0, 2, 3, 5)
    assert steps.gaps == (1, 0.5, 0.25, 0)
    assert steps.integral() == pytest.approx(2 * 1 + 1 * 0.5 + 2 * 0.25)
    assert steps.integral(2.5) == pytest.approx(2 + 0.25)
    assert steps.integral(100) == pytest.approx(3)
    assert [steps.at(t) for t in (0, 1.99, 2, 4.9, 5, 60)] == [1, 1, 0.5, 0.25, 0, 0]


def test_primal_gap_needs_no_bound():
    steps = over_time(solved((1.0, 20, None), (2.0, 10, None), bound=None), reference=10)
    assert (steps.seconds, steps.gaps) == ((0, 2, 3), (1, 0.5, 0))
    assert steps.integral() == pytest.approx(2.5)


def test_an_open_gap_counts_to_the_horizon():
    steps = over_time(solved((0.0, 20, 10), objective=20, bound=10))
    assert steps.integral() == pytest.approx(1 + 4 * 0.5)
    assert steps.integral(11) == pytest.approx(1 + 10 * 0.5)


def test_a_solve_without_plan_has_a_gap_of_one():
    steps = over_time(solved(objective=None, bound=None))
    assert (steps.seconds, steps.gaps, steps.integral()) == ((0,), (1,), 5)


def test_mean_gap_of_several_solves():
    first, second = over_time(solved((1.0, 20, 10))), over_time(solved(objective=None, bound=None))
    assert mean_over_time([first, second], [0, 2, 5]) == [1, 0.75, 0.5]
