"""Reports and the picture of an upload."""

import pytest

from optsplit.errors import InvalidInput
from optsplit.plots import upload
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.report_upload import Sent, label, order_rows, proven_mean, sent
from optsplit.result import Result, Status
from tests.conformance.upload_cases import CHAIN

PROBLEM = UploadOrder(CHAIN, [0, 5, 6])
PLAN = UploadPlan(["b", "a"])


def result(plan=PLAN, **more):
    return Result("sidney", Status.OPTIMAL, plan=plan, metrics={"mean_latency": 17, "finish": 11}, **more)


def test_units_with_what_a_query_takes_around_them():
    assert sent(PROBLEM, PLAN) == [Sent("b", 0, 6, 20, 14), Sent("a", 6, 11, 14, 6)]
    assert sent(PROBLEM, UploadPlan(["b", "a"], [2])) == [Sent("b", 0, 6, 20, 20), Sent("a", 6, 11, 20, 6)]
    assert sent(PROBLEM, UploadPlan([])) == []


def test_rows_are_measured_against_the_best_bound():
    results = {"sidney": result(objective=190, bound=190), "none": Result("none", Status.NO_SOLUTION)}
    rows = order_rows({**results, "in-order": result(objective=196)}, 190)
    assert [row.above for row in rows] == [0.0, None, 6 / 190]
    assert [row.mean_latency for row in rows] == [17, None, 17]


def test_labels():
    assert [label("ionn", {"k": 0.1}), label("in-order", {})] == ["ionn, k = 0.1", "in-order"]


def test_the_bound_of_the_integral_bounds_the_mean():
    assert proven_mean(PROBLEM, result(bound=187)) == 17
    assert proven_mean(PROBLEM, result()) is None
    assert proven_mean(UploadOrder(CHAIN, [0, 5, 6], objective="lost_queries"), result(bound=1)) is None


def test_one_line_for_each_order():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    ax = Figure(figsize=(3.3, 2.4), layout="constrained").subplots()
    others = {"in-order": UploadPlan(["a", "b"]), "all-at-once": UploadPlan(["a", "b"], [2])}
    assert upload.draw(PROBLEM, result(), ax=ax, others=others) is ax
    # 190 / 11, 196 / 11, 220 / 11
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "sidney (mean 17 ns)", "in-order (mean 18 ns)", "all-at-once (mean 20 ns)",
    }  # fmt: skip
    assert len({(line.get_linestyle(), line.get_color()) for line in ax.lines}) == 3
    # the result is drawn last; at its times the latency falls
    last = ax.lines[-1]
    assert list(last.get_ydata()) == [20, 14, 6, 6]
    assert list(last.get_xdata())[:3] == [0, 6, 11]
    with pytest.raises(InvalidInput, match="nothing to draw"):
        upload.draw(PROBLEM, result(None), ax=ax)
