"""Records, what is best known, losses, failures and CSV, against values worked out by hand."""

from dataclasses import replace

import pytest

import optsplit as osp
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.evidence.best import Best, best_known, contradictions
from optsplit.evidence.record import Failure, Record, from_csv, judged, load, of_result, save, to_csv
from optsplit.result import Limit, Status


def run(instance="i", method="m", objective=None, bound=None, status=Status.HEURISTIC, **other):
    return Record(instance, method, status, objective=objective, bound=bound, **other)


def proof(objective, instance="i", **other):
    return run(instance, "auto", objective, objective, Status.OPTIMAL, exact=True, **other)


def test_best_known_is_the_least_plan_and_the_largest_bound_that_it_allows():
    assert best_known([Best(12, 8), Best(10, 9), Best(None, 7)]) == Best(10, 9)
    assert not best_known([Best(12, 8), Best(10, 9)]).proven
    assert best_known([Best(12, None), Best(10, 10)]).proven
    # a bound of 11 is refuted by the plan of 10, and so is the claim that there is none
    assert best_known([Best(10, 9), Best(None, 11), Best(infeasible=True)]) == Best(10, 9)
    assert best_known([Best(infeasible=True), Best(None, 5)]) == Best(None, 5, infeasible=True)
    assert best_known([]) == Best()


def test_contradictions_name_both_sides():
    found = contradictions([("a", Best(10, 9)), ("b", Best(12, 11)), ("c", Best(infeasible=True))])
    assert found == [
        "b claims bound 11, but a has a plan that costs 10",
        "c claims that there is no plan, but a has one that costs 10",
    ]
    assert contradictions([("a", Best(10, 10)), ("b", Best(10, 10))]) == []


def test_losses_are_above_the_optimum_of_the_instance():
    rows = judged([proof(200), run(objective=250), run(objective=200), proof(7, "other"), run("other", objective=7)])
    assert [row.loss for row in rows] == [0.0, 25.0, 0.0, 0.0, 0.0]
    assert [row.excess for row in rows] == [0, 50, 0, 0, 0]
    assert all(row.proven and row.loss_unit == "%" for row in rows)


def test_without_a_proof_losses_are_above_the_best_known_plan():
    rows = judged([run(objective=110), run(method="n", objective=100, bound=90, status=Status.FEASIBLE)])
    assert [(row.loss, row.proven) for row in rows] == [(10.0, False), (0.0, False)]
    # an earlier run knew better, and had the proof
    rows = judged(rows, {"i": Best(80, 80), "unused": Best(1, 1)})
    assert [(row.loss, row.proven) for row in rows] == [(37.5, True), (25.0, True)]


def test_errors_are_compared_in_points_and_an_optimum_of_zero_has_no_ratio():
    rows = judged([proof(0, unit="ppm"), run(objective=25_000, unit="ppm")])
    assert [(row.loss, row.loss_unit) for row in rows] == [(0.0, "points"), (2.5, "points")]
    rows = judged([proof(0, unit="B"), run(objective=7, unit="B")])
    assert [(row.loss, row.excess) for row in rows] == [(0.0, 0), (None, 7)]
    rows = judged([proof(-5), run(objective=-4)])  # lateness can be negative
    assert [(row.loss, row.excess) for row in rows] == [(0.0, 0), (None, 1)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (run(objective=12), Failure.NONE),
        (proof(10), Failure.NONE),
        (run(status=Status.NO_SOLUTION), Failure.NO_PLAN),
        (run(status=Status.NO_SOLUTION, limit=Limit.TIME, bound=3), Failure.TIME),
        (run(status=Status.NO_SOLUTION, limit=Limit.INTERRUPT), Failure.INTERRUPT),
        (run(status=Status.ERROR, raw_status="MemoryError: no room"), Failure.ERROR),
        (run(status=Status.ERROR, raw_status="MethodMismatch: it does not take limits"), Failure.NOT_TAKEN),
        (run(status=Status.ERROR, raw_status="SolverDisagreement: its plan costs 9"), Failure.REFUTED),
        (run(status=Status.INFEASIBLE), Failure.REFUTED),
        (run(objective=12, bound=11, status=Status.FEASIBLE), Failure.REFUTED),
        (proof(12), Failure.REFUTED),
    ],
)
def test_failures_by_kind_where_the_optimum_is_ten(record, expected):
    judge = judged([record], {"i": Best(10, 10)})[0]
    assert judge.failure is expected
    assert judge.solved is (expected is Failure.NONE and record.status is Status.OPTIMAL)


def test_no_plan_is_right_where_there_is_none():
    exact, heuristic = judged([run(status=Status.INFEASIBLE), run(method="h", status=Status.NO_SOLUTION)])
    assert exact.solved
    assert (heuristic.failure, heuristic.proven, heuristic.loss) == (Failure.NONE, True, None)


def small():
    return osp.Partition(
        ["a", "b"], [(0, 1)],
        metrics={"latency": osp.Metric([[0, 0], [9, 1]], {("device", "server"): [5, 1], ("server", "device"): [5, 2]})},
        pins={"a": "device"}, name="small",
    )  # fmt: skip


def test_record_of_a_result_says_what_was_asked_and_what_answered():
    result = osp.solve(small(), time_limit=5)
    record = of_result("s", "auto", result, exact=True, options={"k": 0.5, "a": 1}, family="cut", tags=("trivial",))
    assert (record.method, record.used, record.options, record.label) == (
        "auto",
        "chain",
        "a=1 k=0.5",
        "auto a=1 k=0.5",
    )
    assert (record.objective, record.bound, record.status, record.unit) == (8, 8, Status.OPTIMAL, "ns")
    assert record.time_limit == 5
    assert record.gap == 0
    assert record.seconds == pytest.approx(result.build_seconds + result.solve_seconds, abs=1e-6)


def test_csv_and_back(tmp_path):
    rows = judged([
        proof(2**70, seed=3, build_seconds=0.1, solve_seconds=1 / 3, time_limit=5.0, size="small", family="a, b"),
        run(objective=2**70 + 2**40, tags=("trivial", "synthetic"), options='k="x"', raw_status="a\nb, c"),
        run(method="h", status=Status.NO_SOLUTION, limit=Limit.TIME),
    ])  # fmt: skip
    save(tmp_path / "r.csv", rows)
    assert load(tmp_path / "r.csv") == rows
    head = (tmp_path / "r.csv").read_text().splitlines()[0].split(",")
    assert {"instance", "method", "status", "objective", "bound", "gap", "loss", "failure"} <= set(head)
    assert from_csv(to_csv([])) == []
    # what follows from the columns is computed again, never believed
    text = to_csv([replace(rows[1], tags=())]).replace("%", "points")
    assert from_csv(text)[0].loss_unit == "%"


def test_csv_that_cannot_be_read_says_where(tmp_path):
    with pytest.raises(FileFormatError, match="no column 'status'"):
        from_csv("instance,method\n")
    with pytest.raises(FileFormatError, match=r"unknown column 'statuz'.*did you mean 'status'"):
        from_csv("instance,method,statuz\n")
    with pytest.raises(FileFormatError, match="line 3"):
        from_csv("instance,method,status\ni,m,optimal\ni,m,perfect\n")
    with pytest.raises(FileFormatError, match="cannot be read"):
        load(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="cannot be written"):
        save(tmp_path / "no" / "r.csv", [])
