"""Runs for records: what is asked of a sweep, and what the page of the benchmark makes of them."""

from types import SimpleNamespace

import pytest

import optsplit as osp
from optsplit.evidence import runs
from optsplit.evidence.best import Best
from optsplit.evidence.record import judged
from tests.test_evidence import proof, run


def shop():
    return osp.FlowShop([[3, 2, 5], [3, 2, 2], [4, 3, 3], [4, 2, 3]])


def test_usual_methods_are_auto_and_the_baselines_that_apply():
    names = [name for name, _ in runs.usual([shop()])]
    assert names[0] == "auto"
    assert set(names) == {"auto", "neh", "cds", "johnson-halves", "extended-johnson", "fcfs"}
    every = {name for name, _ in runs.usual([shop()], every=True)}
    assert every - set(names) == {"branching", "cpsat", "milp", "brute"}


def test_warm_up_problems_are_new_each_time_and_need_every_solver():
    first = runs._warm_up()
    assert all(name.startswith(runs.WARM_UP) for name in first)
    taken = {osp.solve(problem).method for problem in first.values()}
    assert {"mincut", "lagrangian", "cpsat", "sidney", "series", "types", "branching"} <= taken


def test_what_a_case_does_not_take_leaves_no_record_unless_it_is_auto(monkeypatch):
    asked = []

    def sweep(problems, methods, *, seeds, **options):
        asked.append(([name for name in problems if not name.startswith(runs.WARM_UP)], methods, tuple(seeds)))
        error = osp.Result("neh", osp.Status.ERROR, raw_status="MethodMismatch: no")
        for name in problems:
            for method, own in methods:
                for seed in seeds:
                    result = error if method == "neh" and name == "p" else osp.Result(
                        method, osp.Status.HEURISTIC, objective=7, time_limit=2.0, solve_seconds=3.0
                    )  # fmt: skip
                    yield runs.Run(name, method, own, seed, result)

    monkeypatch.setattr(runs, "sweep", sweep)
    cases = [runs.Case("p", "f", "Partition", None), runs.Case("s", "g", "FlowShop", None, "small", ("tag",))]
    calls = [("auto", {}), ("neh", {"time_limit": 2.0}), ("local-search", {})]
    found = runs.run(cases, calls, seeds=(3, 4), best={"s": Best(5, 5)})
    rows = found.records
    assert found.interrupted == 0
    # further seeds only for the kind of problem whose method draws random numbers
    assert asked == [(["p", "s"], calls, (3,)), (["p"], [("local-search", {})], (4,))]
    assert [(r.instance, r.label, r.seed) for r in rows] == [
        ("p", "auto", 3), ("p", "local-search", 3), ("s", "auto", 3), ("s", "neh", 3), ("s", "local-search", 3),
        ("p", "local-search", 4),
    ]  # fmt: skip
    assert [(r.exact, r.loss) for r in rows if r.instance == "s"] == [(True, 40), (False, 40), (False, 40)]
    assert (rows[2].family, rows[2].size, rows[2].tags) == ("g", "small", ("tag",))
    assert list(found.gaps) == [("p", "auto"), ("s", "auto")]
    assert found.gaps["s", "auto"].integral() == pytest.approx(3)


def test_after_an_interrupt_nothing_more_is_started(monkeypatch):
    asked = []

    def sweep(problems, methods, *, seeds, **options):
        asked.append(seeds)
        done = osp.Result("auto", osp.Status.OPTIMAL, objective=7, bound=7)
        stopped = osp.Result("local-search", osp.Status.HEURISTIC, osp.Limit.INTERRUPT, objective=9)
        return [runs.Run("p", "auto", {}, 0, done), runs.Run("p", "local-search", {}, 0, stopped)]

    monkeypatch.setattr(runs, "sweep", sweep)
    found = runs.run([runs.Case("p", "f", "Partition", None)], [("auto", {}), ("local-search", {})], seeds=(0, 1))
    assert [r.method for r in found.records] == ["auto"]
    assert found.interrupted == 1
    assert asked == [(0,)]


def test_page_of_the_benchmark_counts_what_a_heuristic_does_not_take(monkeypatch):
    page = pytest.importorskip("benchmarks.exact_vs_heuristic_page")
    monkeypatch.setitem(page.HEADLINES, "f", ("h",))
    rows = judged([
        proof(100, "a", family="f", kind="K", solve_seconds=0.02), proof(100, "b", family="f", kind="K"),
        run("a", "h", 120, family="f", kind="K", solve_seconds=0.01),
    ])  # fmt: skip
    line = page.headline_table(rows, lambda r: r.family).splitlines()[2]
    assert line == "| f | 2 | 1 | 0/1 | 0/0 | 20.0 % | 20.0 % | 20.0 % | 0 | 10 ms | 20 ms | 2 | 1/1 |"
    assert page.headline_table([], lambda r: r.family, ["f"]).splitlines()[2].startswith("| f | 0 | 0 | - |")
    assert {r.instance for r in page.compared(rows)} == {"a"}
    assert page.headline_table([rows[1]], lambda r: r.family).splitlines()[2].startswith("| f | 1 | 0 | - |")


def test_page_of_the_benchmark_says_what_beats_and_contradicts_the_best_known(monkeypatch):
    page = pytest.importorskip("benchmarks.exact_vs_heuristic_page")
    values = {"a": (10, 8), "b": (10, 10), "c": (9, 9), "e": (9, 9)}
    stored = {n: SimpleNamespace(objective=o, bound=b, digest=n) for n, (o, b) in values.items()}
    monkeypatch.setattr(page.bks, "read", lambda: stored)
    # what is stored of "e" is of another problem that once had this name
    known = page.entries([SimpleNamespace(name=n, digest="other" if n == "e" else n) for n in "abcde"])
    rows = judged([run("a", "h", 9), run("b", "h", 9), proof(9, "c"), run("d", "h", 1), run("e", "h", 5)])
    text = page.against_best(rows, known)
    assert "3 of the instances have a best-known value; these runs reach it on 1." in text
    assert "| a | 10 | 9 | h |" in text
    assert "- b: bks.json claims bound 10, but h (seed 0) has a plan that costs 9" in text
    assert "- a:" not in text
    assert "- e:" not in text
    assert "No claims contradict" in page.against_best(judged([proof(9, "c")]), known)


def test_sample_is_spread_over_the_papers():
    benchmark = pytest.importorskip("benchmarks.exact_vs_heuristic")
    every = [SimpleNamespace(paper=paper, name=f"{paper}{k}") for paper, n in (("a", 9), ("b", 2)) for k in range(n)]
    assert [i.name for i in benchmark.sample(every, 6)] == ["a0", "a3", "a6", "b0", "b1"]
