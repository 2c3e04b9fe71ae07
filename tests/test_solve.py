"""The door: which method, what is refused, what a lying method is told, every status on purpose."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import optsplit as osp
from optsplit import Answer, Limit, Method, Metric, Options, Partition, Status, table
from optsplit.errors import InvalidInput, MethodMismatch, SolverDisagreement
from optsplit.problems.partition import BRANCHES, LARGEST, LIMITS, PLACES
from optsplit.table import known
from tests.instances import random_partition

UP, DOWN = ("device", "server"), ("server", "device")
ALL = frozenset({BRANCHES, LIMITS, LARGEST, PLACES})

# all here 18, after a 13, after the input 8; energy 8, 6, 4
CHAIN = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics={
        "latency": Metric([[0, 0], [9, 1], [9, 1]], {UP: [5, 2, 1], DOWN: [5, 2, 1]}),
        "energy": Metric([[0, 0], [4, 1], [4, 1]], {UP: [2, 1, 0]}, unit="nJ"),
    },
    pins={"input": "device"},
)
BRANCHED = Partition(
    ["a", "b", "c"], [(0, 1), (0, 2)], metrics={"latency": Metric([[0, 0]] * 3), "energy": Metric([[0, 0]] * 3)}
)
THREE = Partition(["a", "b"], [(0, 1)], ("x", "y", "z"), {"latency": Metric([[0, 0, 0]] * 2)})


def refused(message: str, error: type[Exception] = InvalidInput) -> Any:
    return pytest.raises(error, match="^" + re.escape(message) + "$")


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put one more method into the table for the length of a test."""

    def put(run: Callable[[Any, Options], Answer], name: str = "fake", **declared: Any) -> None:
        method = Method(name, "Partition", declared.pop("exact", True), declared.pop("takes", ALL), run, **declared)
        monkeypatch.setitem(known(), (method.problem, name), method)

    known()
    yield put
    assert ("Partition", "fake") in known()


@pytest.mark.parametrize(
    ("problem", "method"),
    [
        (CHAIN, "chain"),
        (THREE, "chain"),
        (BRANCHED, "mincut"),
        (CHAIN.but(limits={"energy": 4}), "lagrangian"),
        (BRANCHED.but(minimize=("latency", "energy")), "lagrangian"),
        (THREE.but(limits={"latency": 4}), "tiers-lagrangian"),
        (THREE.but(tensors=[(0, (1,)), (0, ())]), "chain"),
    ],
)
def test_auto_takes_the_first_exact_method_that_applies(problem: Partition, method: str) -> None:
    result = osp.solve(problem)
    assert result.method == method
    assert result.status is Status.OPTIMAL


def test_an_unknown_method_or_option_is_refused() -> None:
    with pytest.raises(InvalidInput, match="unknown method 'minicut'; did you mean 'mincut'\\? known: chain, mincut, "):
        osp.solve(CHAIN, "minicut")
    with refused("method 'mincut': unknown option 'load'; known: none"):
        osp.solve(CHAIN, "mincut", load=2)
    with refused("method 'neurosurgeon': unknown option 'lead'; did you mean 'load'? known: load"):
        osp.solve(CHAIN, "neurosurgeon", lead=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_limit": 0}, "time_limit is 0; give a positive number of seconds, or None"),
        ({"time_limit": float("nan")}, "time_limit is nan; give a positive number of seconds, or None"),
        ({"time_limit": "3"}, "time_limit is '3'; give a positive number of seconds, or None"),
        ({"gap": None}, "gap is None; give a number from 0 up to 1"),
        ({"gap": -0.1}, "gap is -0.1; give a number from 0 up to 1"),
        ({"gap": 1}, "gap is 1; give a number from 0 up to 1"),
        ({"workers": 0}, "workers is 0; give 1 or more, a whole number up to 10000"),
        ({"workers": 100_000}, "workers is 100000; give 1 or more, a whole number up to 10000"),
        ({"workers": 1.5}, "workers is 1.5; give 1 or more, a whole number up to 10000"),
        ({"seed": -1}, "seed is -1; give a whole number from 0 below 2**31"),
        ({"seed": 2**31}, "seed is 2147483648; give a whole number from 0 below 2**31"),
        ({"seed": "0"}, "seed is '0'; give a whole number from 0 below 2**31"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with refused(message):
        osp.solve(CHAIN, **options)


def test_a_mismatch_names_the_methods_that_can() -> None:
    limited = THREE.but(limits={"latency": 4})
    with refused(
        "method 'chain' cannot solve this Partition: it does not take limits; "
        "methods that can: 'tiers-lagrangian', 'cpsat', 'milp', 'labels', 'brute', 'pipedream', 'greedy-balance', "
        "'local-search', 'best-single-place', 'device-only'",
        MethodMismatch,
    ):
        osp.solve(limited, "chain")
    large = random_partition(random.Random(0), layers=20, pins=0.0)
    with pytest.raises(
        MethodMismatch, match=r"it enumerates every plan, here 2\^19, and stops at 2\^16; methods that can: 'm"
    ):
        osp.solve(large, "brute")


def test_methods_lists_exact_ones_first() -> None:
    names = [m.name for m in osp.methods(CHAIN)]
    assert names[:2] == ["chain", "mincut"]
    assert [m.exact for m in osp.methods(CHAIN)] == sorted((m.exact for m in osp.methods(CHAIN)), reverse=True)
    assert "server-only" in names
    assert "server-only" not in [m.name for m in osp.methods(THREE)]


HERE = CHAIN.plan([0, 0, 0])
LIES = [
    (Answer(HERE, 17, 17), CHAIN, "claims objective 17, but its plan costs 18"),
    (Answer(HERE, 18, 19), CHAIN, "claims bound 19, but its own plan costs 18"),
    (Answer(HERE, None, 19), CHAIN, "claims bound 19, but its own plan costs 18"),
    (
        Answer(CHAIN.plan([1, 0, 0]), None),
        CHAIN,
        "returned a plan that breaks a rule: layer 'input' runs at 'server' but is pinned to 'device'",
    ),
    (
        Answer(HERE, 18),
        CHAIN.but(limits={"energy": 7}),
        "returned a plan that breaks a rule: energy is 8 nJ, above its limit 7",
    ),
    (Answer(HERE, 18, infeasible=True), CHAIN, "claims infeasibility but its plan costs 18"),
    (Answer(objective=18), CHAIN, "claims objective 18, but returned no plan"),
    (Answer(HERE, 18, 7.5), CHAIN, "claims bound 7.5; a bound is an integer in the problem's units, or None"),
    (Answer(bound=float("inf")), CHAIN, "claims bound inf; a bound is an integer in the problem's units, or None"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "problem", "message"), LIES, ids=range(len(LIES)))
def test_a_lie_is_named_with_both_numbers(
    register: Callable[..., None], answer: Answer, problem: Partition, message: str
) -> None:
    register(lambda problem, options: answer)
    with refused(f"method 'fake' {message}", SolverDisagreement):
        osp.solve(problem, "fake")


def test_a_plan_that_leaves_a_layer_out_is_refused(register: Callable[..., None]) -> None:
    register(lambda problem, options: Answer(osp.PartitionPlan({"input": "device"})))
    with refused("plan: layer 'a' has no place; assign every layer"):
        osp.solve(CHAIN, "fake")


@pytest.mark.parametrize(
    ("answer", "status", "limit"),
    [
        (Answer(HERE, 18, 18, limit=Limit.TIME), Status.OPTIMAL, Limit.NONE),
        (Answer(HERE, 18, 10, limit=Limit.TIME), Status.FEASIBLE, Limit.TIME),
        (Answer(HERE, 18, 10, limit=Limit.GAP), Status.FEASIBLE, Limit.GAP),
        (Answer(HERE, 18, 0, limit=Limit.INTERRUPT), Status.FEASIBLE, Limit.INTERRUPT),
        (Answer(HERE), Status.HEURISTIC, Limit.NONE),
        (Answer(bound=5, limit=Limit.TIME), Status.NO_SOLUTION, Limit.TIME),
        (Answer(infeasible=True), Status.INFEASIBLE, Limit.NONE),
    ],
)
def test_the_status_is_what_the_numbers_support(
    register: Callable[..., None], answer: Answer, status: Status, limit: Limit
) -> None:
    register(lambda problem, options: answer)
    result = osp.solve(CHAIN, "fake", seed=7, workers=2, time_limit=3.0)
    assert (result.status, result.limit) == (status, limit)
    assert result.bound == answer.bound
    assert result.objective == (18 if answer.plan else None)
    assert result.metrics == ({"latency": 18, "energy": 8} if answer.plan else {})
    assert (result.seed, result.workers, result.time_limit) == (7, 2, 3.0)


def test_a_method_gets_the_options(register: Callable[..., None]) -> None:
    seen: list[Options] = []
    register(lambda problem, options: seen.append(options) or Answer(HERE), options=frozenset({"load"}))  # type: ignore[func-returns-value]
    osp.solve(CHAIN, "fake", time_limit=2, gap=0.1, workers=3, seed=4, hint=HERE, load=5)
    assert seen == [Options(2, 0.1, 3, 4, HERE, None, {"load": 5})]


def test_time_that_a_method_does_not_report_is_measured(register: Callable[..., None]) -> None:
    register(lambda problem, options: Answer(HERE))
    assert osp.solve(CHAIN, "fake").solve_seconds > 0
    register(lambda problem, options: Answer(HERE, build_seconds=1.0, solve_seconds=2.0))
    assert osp.solve(CHAIN, "fake").solve_seconds == 2.0


@pytest.mark.parametrize("method", ["device-only", "server-only", "neurosurgeon", "dads-light"])
def test_a_baseline_that_finds_no_plan_says_why(method: str) -> None:
    # every plan costs 4 or more of energy
    result = osp.solve(CHAIN.but(limits={"energy": 3}), method)
    assert (result.status, result.plan, result.bound) == (Status.NO_SOLUTION, None, None)
    assert re.search("energy is [0-9]+ nJ, above its limit 3$", result.raw_status)


def test_conflicts_leave_out_limits_that_do_not_matter() -> None:
    # energy 4 needs both layers there, which costs latency 8; all there needs the least energy, too
    problem = CHAIN.but(limits={"latency": 7, "energy": 100})
    conflicts = osp.solve(problem).conflicts
    assert [(c.metric, c.limit, c.best, c.unit) for c in conflicts] == [("latency", 7, 8, "ns")]
    assert osp.solve(CHAIN.but(limits={"latency": 8})).conflicts == ()


def test_a_conflict_that_is_not_settled_in_time_has_no_best_value() -> None:
    # no plan costs less than 8, nor less than 4: either limit excludes all, but branch and bound gets no time to say so
    problem = CHAIN.but(limits={"latency": 7, "energy": 3}, pins={"input": "device"})
    kept = sys.modules[osp.solve.__module__].conflicts(problem, time_limit=1e-9)
    assert [(c.metric, c.best) for c in kept] == [("latency", None), ("energy", None)]


def test_a_plan_that_no_limit_could_allow_has_no_conflicts() -> None:
    problem = CHAIN.but(pins={"input": "device", "a": "server"}, links=[], limits={"energy": 99})
    result = osp.solve(problem)
    assert (result.status, result.conflicts) == (Status.INFEASIBLE, ())


def test_compare_runs_every_method_or_those_named() -> None:
    results = osp.compare(CHAIN)
    assert [r.method for r in results] == [m.name for m in osp.methods(CHAIN)]
    assert {r.objective for r in results if r.status is Status.OPTIMAL} == {8}
    assert [r.method for r in osp.compare(CHAIN, ["milp", "chain"], seed=3)] == ["milp", "chain"]
    with pytest.raises(InvalidInput, match="unknown method 'x'"):
        osp.compare(CHAIN, ["x"])


@pytest.mark.parametrize("limits", [0, 2])
def test_the_same_input_gives_the_same_plan(limits: int) -> None:
    # small magnitudes: many plans tie
    problem = random_partition(random.Random(3), layers=10, limits=limits, magnitude=2, tightness=(0.5, 0.6))
    again = random_partition(random.Random(3), layers=10, limits=limits, magnitude=2, tightness=(0.5, 0.6))
    for method in osp.methods(problem):
        assert osp.solve(problem, method.name).plan == osp.solve(again, method.name).plan, method.name


def test_importing_optsplit_loads_nothing_heavy() -> None:
    code = (
        "import sys, optsplit as osp\n"
        "osp.methods(osp.Partition(['a'], metrics={'latency': osp.Metric([[0, 0]])}))\n"
        "heavy = {'torch', 'ortools', 'pulp', 'highspy', 'matplotlib', 'click', 'rich', 'formulations'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"


@dataclass
class Point:
    """An entry point, as `importlib.metadata` has it."""

    name: str
    value: Any

    def load(self) -> Any:
        return self.value


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def put(*points: Point) -> None:
        monkeypatch.setattr(table, "entry_points", lambda group: points if group == "optsplit.methods" else ())
        known.cache_clear()

    yield put
    known.cache_clear()


def mine(problem: Any, options: Options) -> Answer:
    return Answer(problem.plan([0] * len(problem.layers)))


def test_third_parties_add_methods(entry_points: Callable[..., None]) -> None:
    entry_points(Point("mine", Method("mine", "Partition", False, ALL, f"{__name__}:mine")))
    assert "mine" in [m.name for m in osp.methods(CHAIN)]
    result = osp.solve(CHAIN, "mine")
    assert (result.status, result.objective) == (Status.HEURISTIC, 18)


def test_what_is_no_method_is_refused_and_names_are_taken_once(entry_points: Callable[..., None]) -> None:
    entry_points(Point("mine", mine))
    with refused("entry point 'mine' is a function; register an optsplit.Method"):
        osp.solve(CHAIN)
    entry_points(Point("x", Method("chain", "Partition", True, ALL, mine)))
    assert osp.solve(CHAIN, "chain").objective == 8


def test_a_method_of_the_callers_own_is_judged_like_any_other() -> None:
    own = Method("own", "Partition", False, ALL, mine)
    assert osp.solve(CHAIN, own).method == "own"
    assert [(r.method, r.objective) for r in osp.compare(CHAIN, [own, "chain"])] == [("own", 18), ("chain", 8)]
    with pytest.raises(MethodMismatch, match="method 'own' cannot solve this Partition: it does not take branches"):
        osp.solve(BRANCHED, replace(own, takes=frozenset()))


def test_importing_a_method_is_no_part_of_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now
    monkeypatch.setitem(sys.modules, "clock_of_the_test", clock)
    monkeypatch.setattr(sys.modules["optsplit.solve"], "time", clock)  # the name optsplit.solve is the function's
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "method_of_the_test.py").write_text(
        "import clock_of_the_test as clock\nfrom optsplit import Answer\nclock.now += 100\n"
        "def solve(problem, options):\n    clock.now += 3\n    return Answer()\n",
        encoding="utf-8",
    )
    result = osp.solve(CHAIN, Method("mine", "Partition", False, ALL, "method_of_the_test:solve"))
    assert (result.build_seconds, result.solve_seconds) == (0, 3)
