"""Exits: what a sample pays, walked one by one; refusals; the conflict that names the least latency."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import optsplit as osp
from optsplit import Metric, Partition, PartitionPlan, Status
from optsplit.algorithms import exits, lagrangian
from optsplit.algorithms.brute import plans
from optsplit.errors import InvalidInput
from optsplit.method import Options
from optsplit.problems.exits import ExitPattern, Exits
from tests.choices import random_exits, random_precisions
from tests.instances import random_partition

UP, DOWN = ("device", "server"), ("server", "device")
WAYS = [5, 2, 1, 2, 1]
# in -> a -> {h1, b}, b -> h2. First exit: all here 0 + 9 + 5 = 14; sent at in 5 + 1 + 2 + 1 = 9; after a 9 + 2 + 2 + 1.
# Second exit: all here 0 + 9 + 9 + 5 = 23; sent at in 5 + 1 + 1 + 2 + 1 = 10.
BRANCHY = Partition(
    ["in", "a", "h1", "b", "h2"],
    [("in", "a"), ("a", "h1"), ("a", "b"), ("b", "h2")],
    metrics={
        "latency": Metric([[0, 0], [9, 1], [5, 2], [9, 1], [5, 2]], {UP: WAYS, DOWN: WAYS}),
        "memory": Metric([[0, 0], [3, 0], [1, 0], [3, 0], [1, 0]], unit="B"),
    },
    pins={"in": "device"},
    exits={"h1": 0.8, "h2": 0.9},
)
PATTERNS = (
    ExitPattern((2, 2), (True, True), 6),
    ExitPattern((1, 2), (False, True), 3),
    ExitPattern((0, 0), (True, False), 1),
)
SURE = BRANCHY.but(exits=Exits({"h1": 0.8, "h2": 0.9}, (0.5, 0.7), PATTERNS, held=("memory",)))


@pytest.mark.parametrize("method", ["auto", "exits", "milp", "cpsat", "brute"])
@pytest.mark.parametrize(
    ("changes", "objective", "exit"),
    [
        ({}, 9, "h1"),
        ({"at_least": {"accuracy": 0.85}}, 10, "h2"),
        ({"maximize": "accuracy"}, 100_000, "h2"),
        ({"maximize": "accuracy", "limits": {"latency": 9}}, 200_000, "h1"),
        # nothing may be sent: 14 for the first exit and 23 for the second
        ({"maximize": "accuracy", "limits": {"latency": 22}, "links": [DOWN]}, 200_000, "h1"),
        ({"limits": {"memory": 6}, "links": [DOWN]}, 14, "h1"),
    ],
)
def test_one_exit(method: str, changes: dict[str, Any], objective: int, exit: str) -> None:
    result = osp.solve(BRANCHY.but(**changes), method).require_optimal()
    assert (result.objective, result.plan.exit) == (objective, exit)


def test_inactive_layers_are_not_in_the_plan() -> None:
    assert set(osp.solve(BRANCHY).plan.assignment) == {"in", "a", "h1"}
    assert BRANCHY.at_exit("h2").layers == ("in", "a", "b", "h2")


@pytest.mark.parametrize("method", ["exits", "milp", "cpsat", "brute"])
def test_each_sample_leaves_where_it_is_confident_enough(method: str) -> None:
    # all here: ten samples pay 9; with h1 from 0.5 all pay 5, nine leave (six right), one pays 14 more and is wrong:
    # (10 * 14 + 14) / 10 = 15.4, up to 16. Sent at in: 10 * (5 + 1) + 10 * 2 + 9 * 1 + 1 + 2 + 1 = 93, up to 10
    plan = PartitionPlan(dict.fromkeys(["in", "a", "h1", "b", "h2"], "device"), thresholds={"h1": 0.5})
    found = SURE.evaluate(plan)
    assert dict(found.metrics) == {"latency": 16, "memory": 8, "error": 400_000}
    sent = PartitionPlan({**plan.assignment, **dict.fromkeys(["a", "h1", "b", "h2"], "server")}, thresholds={"h1": 0.5})
    assert SURE.evaluate(sent).metrics["latency"] == 10
    # h1 from 0.7: six leave, all right; three go on and are right, the last is wrong
    best = osp.solve(SURE.but(maximize="accuracy"), method).require_optimal()
    assert best.objective == 100_000


def walked(problem: Partition, plan: PartitionPlan) -> dict[str, int]:
    """Every metric of a plan, sample by sample and layer by layer, with nothing of the package's own pricing."""
    exits = problem.exits
    assert exits is not None
    reads = {problem.index[layer]: set[int]() for layer in problem.layers}
    for u, readers in problem.tensors:
        for v in readers:
            reads[v].add(u)

    def needs(layer: str) -> set[int]:
        found, stack = set[int](), [problem.index[layer]]
        while stack:
            if (v := stack.pop()) not in found:
                found.add(v)
                stack += reads[v]
        return found

    on = [layer for layer in exits.layers[:-1] if layer in plan.thresholds] + [exits.layers[-1]]
    totals = dict.fromkeys(problem.metrics, 0)
    everything = set[int]().union(*map(needs, on))
    for pattern in exits.patterns:
        run = set[int]()
        for layer in on:
            run |= needs(layer)
            i = exits.layers.index(layer)
            reached = exits.thresholds[: pattern.levels[i]]
            if layer == exits.layers[-1] or plan.thresholds[layer] in reached:
                break
        totals["error"] += pattern.count * 10**6 * (not pattern.correct[i])
        for name in problem.metrics:
            if name not in exits.held:
                totals[name] += pattern.count * paid(problem, plan, name, run, {layer})
    for name in exits.held:
        totals[name] += exits.samples * paid(problem, plan, name, everything, set(on))
    return {name: -(-total // exits.samples) for name, total in totals.items()}


def paid(problem: Partition, plan: PartitionPlan, name: str, run: set[int], ends: set[str]) -> int:
    """What the layers in `run` and the tensors between them cost, with the answers of `ends`."""
    costs, where = problem.costs(name), [problem.places.index(plan.assignment.get(v, "device")) for v in problem.layers]
    total = sum(int(costs.compute[v, where[v]]) for v in run)
    for t, (u, readers) in enumerate(problem.tensors):
        if u not in run:
            continue
        goes = {where[v] for v in readers if v in run}
        mine = [s for s, (source, _) in enumerate(problem.tensors) if source == u]
        outputs = [s for s in mine if s in problem.outputs] or mine
        if problem.layers[u] in ends and t in outputs and problem.result_at is not None:
            goes.add(problem.places.index(problem.result_at))
        goes -= {where[u]}
        choice, bits = problem.variants, plan.bits.get(problem.tensor_names[t])
        if choice is not None and bits is not None and name in choice.transfer:
            k = choice.bits[t].index(bits)
            send, receive, way = choice.send[name][k], choice.receive[name][k], choice.transfer[name][k]
        else:
            send, receive, way = costs.send, costs.receive, costs.transfer
        total += int(send[where[u], t]) * bool(goes)
        total += sum(int(way[where[u], q, t]) + int(receive[q, t]) for q in goes)
    return total


@pytest.mark.parametrize("seed", range(60))
def test_the_price_is_that_of_walking_every_sample(seed: int) -> None:
    rng = random.Random(seed)
    base = random_partition(rng, layers=rng.randint(1, 5), places=rng.choice((2, 3)), limits=1, minmax=1)
    problem = base.but(exits=random_exits(rng, base, confidence=True), precisions=random_precisions(rng, base, most=2))
    every = list(plans(problem)) if len(problem.layers) < 4 else []
    for plan in rng.sample(every, min(40, len(every))) or [osp.solve(problem.but(limits={}), "cpsat").plan]:
        if plan is not None:
            assert dict(problem.evaluate(plan).metrics) == walked(problem, plan)


def test_a_deadline_that_nothing_meets_names_the_least_latency() -> None:
    result = osp.solve(BRANCHY.but(maximize="accuracy", limits={"latency": 8}))
    assert result.status is Status.INFEASIBLE
    assert [(c.metric, c.limit, c.best) for c in result.conflicts] == [("latency", 8, 9)]


def test_files_keep_exits(tmp_path: Path) -> None:
    SURE.save(tmp_path / "sure.json")
    again = Partition.load(tmp_path / "sure.json")
    result = osp.solve(SURE.but(maximize="accuracy"))
    assert again.exits == SURE.exits
    assert again.evaluate(result.plan) == SURE.evaluate(result.plan)
    result.save(tmp_path / "result.json")
    assert osp.Result.load(tmp_path / "result.json").plan == result.plan


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        ({"h1": 1.2}, r"accuracy of 'h1' is 1.2; give a share from 0 to 1"),
        ({"h1": float("nan")}, r"accuracy of 'h1' is nan"),
        ({"h3": 0.5}, r"exits: unknown layer 'h3'; known: in, a, h1, b, h2"),
        ({}, r"exits: none is given"),
    ],
)
def test_bad_exits_are_refused(exits: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        BRANCHY.but(exits=exits)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"accuracy": {"a": 0.5, "h2": 0.5}}, r"'a' is read by other layers"),
        ({"thresholds": (0.7, 0.5)}, r"do not rise"),
        ({"thresholds": (0.5,)}, r"levels \(2, 2\); there are 1 thresholds"),
        ({"patterns": (ExitPattern((1,), (True,), 1),)}, r"expected 2 of each"),
        ({"patterns": (ExitPattern((1, 1), (True, True), 0),)}, r"stands for 0 samples"),
        ({"patterns": ()}, r"thresholds without patterns"),
        ({"held": ("room",)}, r"exits, held: unknown metric 'room'"),
    ],
)
def test_bad_calibration_is_refused(given: dict[str, Any], message: str) -> None:
    whole = {"accuracy": {"h1": 0.8, "h2": 0.9}, "thresholds": (0.5, 0.7), "patterns": PATTERNS, **given}
    with pytest.raises(InvalidInput, match=message):
        BRANCHY.but(exits=Exits(**whole))


@pytest.mark.parametrize(
    ("problem", "plan", "message"),
    [
        (BRANCHY, PartitionPlan({"in": "device"}), r"plan: no exit is chosen; give one of h1, h2"),
        (BRANCHY, PartitionPlan({"in": "device"}, "h1"), r"layer 'a' has no place"),
        (BRANCHY, PartitionPlan({}, "h9"), r"unknown exit 'h9'"),
        (BRANCHY, PartitionPlan({}, "h1", thresholds={"h1": 0.5}), r"one exit takes every request"),
        (SURE, PartitionPlan({}, "h1"), r"samples leave by confidence"),
        (SURE, PartitionPlan({}, thresholds={"h2": 0.5}), r"unknown exit 'h2'.*the last takes all"),
        (SURE, PartitionPlan({}, thresholds={"h1": 0.6}), r"threshold of 'h1' is 0.6; the grid is \(0.5, 0.7\)"),
        (BRANCHY.but(exits=None), PartitionPlan({}, "h1"), r"the problem has none"),
    ],
)
def test_plans_that_do_not_fit_are_refused(problem: Partition, plan: PartitionPlan, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        problem.evaluate(plan)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maximize": "latency"}, r"only accuracy can be asked to be large"),
        ({"maximize": "accuracy", "minimize": "latency"}, r"exclude each other"),
        ({"at_least": {"accuracy": 1.5}}, r"at_least accuracy is 1.5"),
        ({"at_least": {"accuracy": 0.5}, "limits": {"error": 1}}, r"are the same; leave one out"),
    ],
)
def test_accuracy_is_asked_for_once_and_in_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        BRANCHY.but(**changes)


def test_accuracy_needs_something_that_knows_it() -> None:
    plain = Partition(["a"], metrics={"latency": Metric([[1, 1]])})
    with pytest.raises(InvalidInput, match="accuracy is not known; give exits"):
        plain.but(maximize="accuracy")


def test_a_time_limit_keeps_a_valid_bound() -> None:
    result = osp.solve(SURE, "exits", time_limit=1e-9)
    assert result.status is Status.NO_SOLUTION
    assert result.bound is not None
    assert result.bound <= osp.solve(SURE, "brute").objective


def test_too_fine_a_grid_is_refused() -> None:
    grid = tuple(k / 1000 for k in range(1, 1000))
    layers = {f"h{k}": 0.5 for k in range(4)}
    with pytest.raises(InvalidInput, match=r"thresholds, above .*; give a coarser grid, or fewer exits"):
        Exits(layers, grid, tuple(ExitPattern((k,) * 4, (True,) * 4, 1) for k in range(1000)))


def test_a_problem_without_exits_has_none_to_stand_at() -> None:
    with pytest.raises(InvalidInput, match=r"problem 'partition' has no exits; give them by exits="):
        BRANCHY.but(exits=None).at_exit("h1")


def test_forgotten_routings_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, expected = SURE.but(), osp.solve(SURE, "brute").objective
    monkeypatch.setattr("optsplit.problems.partition._KEPT", 1)
    assert osp.solve(problem, "brute").objective == expected
    assert len(problem._routed) == 1


def test_rows_of_a_plan_say_where_samples_leave() -> None:
    plan = PartitionPlan({"in": "device"}, thresholds={"h1": 0.5})
    assert ("exits", "h1 from 0.5") in plan.rows()


def test_sums_over_the_samples_stay_within_the_integers() -> None:
    many = ExitPattern((2, 2), (True, True), 10**15)
    with pytest.raises(InvalidInput, match=r"metric 'latency': over 1000000000000000 samples .* give a coarser unit"):
        osp.solve(BRANCHY.but(exits=Exits({"h1": 0.8, "h2": 0.9}, (0.5, 0.7), (many,))), "brute")


def test_rows_of_a_plan_name_its_exit() -> None:
    assert ("exit", "h1") in PartitionPlan({"in": "device"}, "h1").rows()
    assert "exit" not in dict(PartitionPlan({"in": "device"}).rows())


def test_each_level_of_a_pattern_is_on_the_grid() -> None:
    for levels in ((0, 3), (3, 0), (-1, 0)):
        with pytest.raises(InvalidInput, match=r"pattern 0"):
            Exits({"h1": 0.8, "h2": 0.9}, (0.5, 0.7), (ExitPattern(levels, (True, True), 1),))


def test_the_bound_of_a_routing_holds_and_a_limit_raises_it() -> None:
    raised = 0
    for seed in range(50):
        rng = random.Random(seed)
        base = random_partition(rng, layers=7, limits=1, pins=0.0, tightness=(0.1, 0.5))
        problem = base.but(exits=random_exits(rng, base, confidence=True))
        search = exits._Search(problem, Options(), lagrangian.solve)
        for routing in problem.exits.routings():
            routed = problem.routed(routing)
            plain = search.bound(routing)
            tight = search.tight(routing, plain)
            assert tight >= plain
            answer = lagrangian.solve(routed.problem, Options())
            if answer.objective is not None:
                assert tight <= routed.mean(answer.objective)
                raised += tight > plain
    assert raised > 3


@pytest.mark.parametrize("share", [-0.5, 1.01, float("nan"), "all"])
def test_an_accuracy_is_a_share(share: Any) -> None:
    with pytest.raises(InvalidInput, match=r"at_least accuracy is"):
        BRANCHY.but(at_least={"accuracy": share})
