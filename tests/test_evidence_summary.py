"""Summaries, sentences and tables, against values worked out by hand."""

from optsplit.evidence.gaps import Steps
from optsplit.evidence.page import body, costs_table, failures_table, markdown, proofs_table, seeds_table, times_table
from optsplit.evidence.record import Failure, judged
from optsplit.evidence.summary import duration, losses, seed_spread, sentence, summarise, trivial
from optsplit.result import Limit, Status
from tests.test_evidence import proof, run


def family():
    """Five instances with optima 100, 100, 100, none, and one open at best 50."""
    exact = [proof(100, f"i{k}", family="f", solve_seconds=0.002) for k in range(3)]
    exact += [
        run("none", "auto", status=Status.INFEASIBLE, exact=True, family="f", solve_seconds=0.002),
        run("open", "auto", 50, 40, Status.FEASIBLE, exact=True, family="f", solve_seconds=1.0, limit=Limit.TIME),
    ]
    costs = {"i0": 100, "i1": 110, "i2": 130, "none": None, "open": 55}
    heuristic = [
        run(name, "h", cost, status=Status.NO_SOLUTION if cost is None else Status.HEURISTIC, family="f",
            solve_seconds=0.0004)
        for name, cost in costs.items()
    ]  # fmt: skip
    return judged(exact + heuristic)


def test_summary_counts_and_losses():
    exact, heuristic = summarise(family())
    assert (exact.runs, exact.proven, exact.optimal, exact.matched, exact.solved) == (5, 4, 4, 1, 4)
    assert (heuristic.runs, heuristic.proven, heuristic.optimal, heuristic.matched, heuristic.solved) == (5, 4, 2, 0, 0)
    (loss,) = heuristic.losses
    # 10 and 30 % above the optimum, and 10 % above the best known of the open one, over four runs with a plan
    assert (loss.missed, round(loss.mean_missed, 9), round(loss.largest, 9), loss.where) == (3, 16.666666667, 30, "i2")
    assert round(loss.mean, 9) == 12.5
    assert heuristic.failures == {}
    assert heuristic.median_seconds == 0.0004


def test_sentence_says_what_the_numbers_say():
    exact, heuristic = summarise(family())
    assert sentence(heuristic, exact) == (
        "h is optimal on 2 of 4 instances, and as good as the best known plan on 0 of 1 whose optimum is open; "
        "where it is not it loses 16.7 % on average, 30.0 % at most (i2); at the median it takes 400 us, the exact "
        "method takes 2 ms and proves its answer on 4 of 5."
    )


def test_sentence_with_points_zero_optima_and_failures():
    rows = judged([
        proof(10_000, "a", unit="ppm"), run("a", "h", 40_000, unit="ppm"),
        proof(0, "b", unit="B"), run("b", "h", 9, unit="B"),
        proof(5, "c"), run("c", "h", status=Status.NO_SOLUTION),
        proof(5, "d"), run("d", "h", 5),
    ])  # fmt: skip
    exact, heuristic = summarise(rows)
    said = sentence(heuristic, exact)
    assert "h is optimal on 1 of 4 instances" in said
    assert "loses 3.0 points of accuracy on average, 3.0 points of accuracy at most (a)" in said
    assert "on 1 it misses an optimum of 0 or less" in said
    assert "no plan on 1" in said
    assert heuristic.failures == {Failure.NO_PLAN: 1}
    assert heuristic.no_ratio == 1


def test_sentence_where_no_optimum_is_proven():
    rows = judged([run("a", "auto", 5, 4, Status.FEASIBLE, exact=True), run("a", "h", 5), run("a", "h", 6, seed=1)])
    exact, heuristic = summarise(rows)
    start = (
        "h is as good as the best known plan on 1 of 2 runs on 1 instances whose optimum is open; where it is not it "
    )
    assert sentence(heuristic, exact).startswith(start + "loses 20.0 %")


def test_losses_leave_out_runs_without_plan():
    assert losses(judged([proof(5), run(method="h", status=Status.NO_SOLUTION)]))[0].mean == 0
    assert losses([run(status=Status.NO_SOLUTION)]) == []


def test_an_instance_is_trivial_where_one_place_is_optimal():
    rows = [proof(5, "a"), run("a", "device-only", 5), run("a", "server-only", 9), proof(5, "b"),
            run("b", "device-only", 6), run("b", "h", 5), run("c", "device-only", 4)]  # fmt: skip
    assert trivial(judged(rows)) == {"a"}


def test_seed_spread_counts_instances_with_unequal_costs():
    rows = [*(run("a", "h", cost, seed=s) for s, cost in enumerate((5, 5, 6))),
            *(run("b", "h", 5, seed=s) for s in range(3)),
            run("c", "h", 5), run("c", "h", status=Status.NO_SOLUTION, seed=1), proof(5, "a")]  # fmt: skip
    assert seed_spread(rows) == [("", "h", 3, 1, 1)]
    assert "| h | 3 | 1 | 1 |" in seeds_table(rows)
    assert seeds_table([proof(5)]) == "One seed each.\n"


def test_failures_are_counted_by_kind_and_named():
    rows = judged([proof(5, "a"), run("a", "h", status=Status.NO_SOLUTION),
                   run("b", "h", status=Status.ERROR, raw_status="MemoryError")])  # fmt: skip
    text = failures_table(rows)
    assert "| h | no plan | 1 | a |" in text
    assert "| h | error | 1 | b |" in text
    assert failures_table(judged([proof(5)])) == "No run failed.\n"


def test_times_are_compared_on_instances_that_all_were_run_on():
    rows = [proof(5, "a", solve_seconds=1.0), proof(5, "b", solve_seconds=100.0), run("a", "h", 5, solve_seconds=0.5)]
    text = times_table(rows, ["auto", "h"])
    assert text.startswith("Shift 10 ms.")
    assert "| auto | 1 | 1 s | 1/1 |" in text
    assert "| h | 1 | 500 ms | 0/1 |" in text


def test_profiles_as_tables():
    rows = judged([proof(100, "a"), run("a", "h", 150), proof(100, "b"), run("b", "h", 100), run("a", "x", 100)])
    text = costs_table(rows)
    assert "2 instances." in text
    assert "| auto | 100 % | 100 % | 100 % | 100 % | 100 % |" in text
    assert "| h | 50 % | 50 % | 50 % | 100 % | 100 % |" in text
    assert "left out: x" in text
    assert "| h | 0 % |" in proofs_table(rows, ["auto", "h"])
    assert "every cost is positive" in costs_table([proof(0), run(method="h", objective=0)])


def test_markdown_escapes_bars_and_aligns_numbers():
    assert markdown(("a", "b"), [["x|y", "1.5 ms"], ["z", "-"]]) == (
        "| a | b |\n| --- | ---: |\n| x\\|y | 1.5 ms |\n| z | - |\n"
    )
    assert markdown(("a",), []) == "| a |\n| ---: |\n"


def test_durations():
    assert [duration(t) for t in (0, 4e-7, 0.0012, 1.5, 120)] == ["0 us", "0.4 us", "1.2 ms", "1.5 s", "120 s"]


def test_body_has_every_part():
    rows = [*family(), *judged([run("i0", "device-only", 100, family="f"), proof(100, "i0", family="f")])]
    gaps = {("open", "auto"): Steps((0.0, 0.5), (1.0, 0.2), 1.0)}
    text = body(rows, gaps, {"f": ("h",), "other": ("h",)})
    assert "- **f**: h is optimal on 2 of 4 instances" in text
    assert "on 1 of them running everything at one place is optimal" in text
    for part in ("## Methods", "## Failures", "## Seeds", "## Gap over time", "profile of the costs: f"):
        assert part in text
    assert "| f | open | auto |  | feasible | 100 % | 20 % | 20 % | 0.60 |" in text
    assert "Every exact run ended at once" in body(rows, {}, {})
