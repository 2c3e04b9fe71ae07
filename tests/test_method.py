"""Method: what it declares, and when its function is imported."""

from __future__ import annotations

import sys

import pytest

from optsplit import Answer, Limit, Method, Metric, Options, Partition
from optsplit.problems.partition import BRANCHES, LIMITS

CHAIN = Partition(["a", "b"], [(0, 1)], metrics={"latency": Metric([[0, 0]] * 2)})
FORK = Partition(["a", "b", "c"], [(0, 1), (0, 2)], metrics={"latency": Metric([[0, 0]] * 3)}, limits={"latency": 3})


def method(**changes: object) -> Method:
    given: dict[str, object] = {
        "name": "m",
        "problem": "Partition",
        "exact": True,
        "takes": frozenset(),
        "run": "json:loads",
    }
    return Method(**(given | changes))  # type: ignore[arg-type]


def test_it_takes_problems_whose_features_it_declares() -> None:
    assert method().mismatch(CHAIN) is None
    assert method().mismatch(FORK) == "it does not take branches, limits"
    assert method(takes=frozenset({BRANCHES})).mismatch(FORK) == "it does not take limits"
    assert method(takes=frozenset({BRANCHES, LIMITS})).mismatch(FORK) is None


def test_it_takes_one_kind_of_problem() -> None:
    assert method(problem="FlowShop").mismatch(CHAIN) == "it solves FlowShop, not Partition"
    assert method().mismatch(3) == "it solves Partition, not int"


def test_it_can_refuse_one_problem_after_its_features() -> None:
    refusing = method(refuses=lambda problem: f"{len(problem.layers)} layers are too many")
    assert refusing.mismatch(CHAIN) == "2 layers are too many"
    assert refusing.mismatch(FORK) == "it does not take branches, limits"


def test_the_function_is_imported_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    lazy = method(run="colorsys:rgb_to_yiq")
    assert "colorsys" not in sys.modules
    assert lazy.load().__name__ == "rgb_to_yiq"

    def own(problem: object, options: Options) -> Answer:
        return Answer()

    assert method(run=own).load() is own


def test_an_empty_answer_claims_nothing() -> None:
    answer = Answer()
    assert (answer.plan, answer.objective, answer.bound, answer.infeasible, answer.limit) == (
        None,
        None,
        None,
        False,
        Limit.NONE,
    )
