"""Fronts by hand, what they say of themselves, and the command."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from typing import Any
from unittest import mock

import click
import pytest
from click.testing import CliRunner, Result

import optsplit as osp
from optsplit import Metric, Partition
from optsplit.algorithms.front import Front, Point
from optsplit.algorithms.front_zones import Zone
from optsplit.cli.door import Door
from optsplit.cli.fronts import front as command
from optsplit.errors import InvalidInput
from optsplit.pareto import front
from optsplit.result import Limit, Status
from optsplit.solve import attempt
from tests.test_report import fork_problem, fork_profile

# input (0) -> a -> b. Latency and energy: all here 18 and 8; cut after a 9 + 2 + 1 + 1 = 13 and 4 + 1 + 1 = 6; all
# there 5 + 1 + 1 + 1 = 8 and 2 + 1 + 1 = 4; a there, b here 5 + 1 + 2 + 9 = 17 and 2 + 1 + 4 = 7. Server: 0, 1, 2, 1.
ENERGY = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics={
        "latency": Metric([[0, 0], [9, 1], [9, 1]], {("device", "server"): [5, 2, 1], ("server", "device"): [5, 2, 1]}),
        "energy": Metric([[0, 0], [4, 1], [4, 1]], {("device", "server"): [2, 1, 0]}, unit="nJ"),
        "server": Metric([[0, 0], [0, 1], [0, 1]]),
    },
    pins={"input": "device"},
)


def values(found: Front) -> list[tuple[int, ...]]:
    return [point.values for point in found]


def refused(message: str) -> Any:
    return pytest.raises(InvalidInput, match=re.escape(message))


@pytest.fixture(params=["sweep", "zones"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zones":
        monkeypatch.setattr("optsplit.algorithms.front_labels.sweep", lambda *_: None)


@pytest.mark.usefixtures("_way")
def test_by_hand() -> None:
    # the three lie on one line: all are supported
    found = front(ENERGY, ("latency", "server"))
    assert values(found) == [(8, 2), (13, 1), (18, 0)]
    assert found.supported == (True, True, True)
    assert found.complete
    assert found.gap == 0
    assert found.low == (8, 0)
    # all there is best in both
    assert values(front(ENERGY, ("latency", "energy"))) == [(8, 4)]
    assert values(front(ENERGY, ("latency", "energy", "server"))) == [(8, 4, 2), (13, 6, 1), (18, 8, 0)]


def test_an_interrupt_while_points_are_priced_leaves_the_front_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("optsplit.pareto._Search._point", stop)
    found = front(ENERGY, ("latency", "energy", "server"))
    assert found.limit is Limit.INTERRUPT
    assert not found.complete
    assert not found.infeasible


@pytest.mark.usefixtures("_folder")
def test_a_gap_of_nothing_does_not_hide_what_is_open() -> None:
    whole = front(ENERGY, ("latency", "server"))
    first = replace(whole, points=whole.points[:1], open=(Zone((9, 0), (None, 2)),), limit=Limit.TIME)
    assert first.gap == 0
    first.save("front.json")
    assert "1 points, 1 open zones, gap 0 %" in run("front.json").stdout


def test_a_front_is_of_a_partition() -> None:
    with refused("front of a FlowShop; give an optsplit.Partition"):
        front(osp.FlowShop([[1, 2]]), ("makespan", "idle"))


@pytest.mark.usefixtures("_way")
def test_limits_on_the_metrics_themselves() -> None:
    assert values(front(ENERGY.but(limits={"latency": 17}), ("latency", "server"))) == [(8, 2), (13, 1)]
    assert values(front(ENERGY.but(limits={"energy": 7, "server": 1}), ("latency", "server"))) == [(13, 1)]
    nothing = front(ENERGY.but(limits={"latency": 7}), ("latency", "server"))
    assert nothing.infeasible
    assert nothing.gap is None
    assert nothing.covers == "no plan obeys the rules"


@pytest.mark.usefixtures("_way")
def test_neighbours_one_apart() -> None:
    # one layer more at the server costs 1 more there and saves 1: 5 + 1 points on a line of slope -1
    problem = Partition(
        [f"l{i}" for i in range(5)],
        metrics={"here": Metric([[1, 0]] * 5), "there": Metric([[0, 1]] * 5)},
        minimize="here",
        tensors=[],
    )
    found = front(problem, ("here", "there"))
    assert values(found) == [(k, 5 - k) for k in range(6)]
    assert all(found.supported)
    # every point covers its neighbour
    assert len(front(problem, ("here", "there"), step=1)) <= 4
    assert "within 1 ns in here, 1 ns in there" in front(problem, ("here", "there"), step=1).covers


@pytest.mark.usefixtures("_way")
def test_one_point_between_two_that_no_weights_find() -> None:
    # (0, 10), (6, 6), (10, 0): the middle lies above the line from end to end
    problem = Partition(
        ["a"], places=("x", "y", "z"), metrics={"m": Metric([[0, 6, 10]]), "n": Metric([[10, 6, 0]])}, minimize="m",
        result_at=None,
    )  # fmt: skip
    found = front(problem, ("m", "n"))
    assert values(found) == [(0, 10), (6, 6), (10, 0)]
    assert found.supported == (True, False, True)


def test_metrics_that_cannot_be_added_are_minimised_in_turn() -> None:
    with (
        mock.patch("optsplit.algorithms.front_labels.sweep", return_value=None),
        mock.patch("optsplit.pareto._LINEAR", frozenset()),
    ):
        problem = ENERGY.but(together=[("a", "b")])
        assert values(front(problem, ("latency", "server"))) == [(8, 2), (18, 0)]
        assert values(front(problem, ("latency", "energy", "server"))) == [(8, 4, 2), (18, 8, 0)]


def test_plans_without_a_proof_still_lead_to_a_complete_front() -> None:
    def unproven(problem: Any, method: str, options: Any) -> osp.Result:
        result = attempt(problem, method, options)
        return replace(result, status=Status.FEASIBLE) if result.status is Status.OPTIMAL else result

    with mock.patch("optsplit.pareto.attempt", unproven):
        found = front(ENERGY.but(together=[("a", "b")]), ("latency", "server"))
    # the empty zones prove what the solver did not
    assert values(found) == [(8, 2), (18, 0)]
    assert found.complete
    assert all(point.proven for point in found)


def test_a_time_limit_leaves_zones_open() -> None:
    with mock.patch("optsplit.algorithms.front_labels.sweep", return_value=None):
        found = front(ENERGY.but(together=[("input", "input")]), ("latency", "server"), time_limit=1e-9)
    assert found.limit is Limit.TIME
    assert found.open
    assert not found.infeasible
    assert not found.complete


def test_choose_and_result() -> None:
    found = front(ENERGY, ("latency", "server"))
    assert found.choose(server=1).values == (13, 1)
    assert found.choose({"latency": 17}).values == (13, 1)
    assert found.choose(latency=20, server=2).values == (8, 2)
    assert found.choose().values == (8, 2)
    result = found.result(1)
    assert result.status is Status.OPTIMAL
    assert (result.objective, result.bound, result.metrics["energy"]) == (13, 13, 6)
    assert osp.solve(ENERGY.but(limits={"server": 1})).objective == 13
    assert replace(found, points=(replace(found[1], proven=False),)).result(0).status is Status.HEURISTIC
    with refused("no point obeys {'latency': 7}; the points have latency at least 8 ns, server at least 0 ns"):
        found.choose(latency=7)
    with refused("unknown metric 'latncy'; did you mean 'latency'?"):
        found.choose(latncy=7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ("latency",)}, "front of latency; give two or more different metrics"),
        ({"metrics": ("latency", "latency")}, "give two or more different metrics"),
        ({"metrics": ("latency", "power")}, "unknown metric 'power'"),
        ({"step": -1}, "step of metric 'latency' is -1; give an integer, 0 or more"),
        ({"step": {"server": 0.5}}, "step of metric 'server' is 0.5; give an integer"),
        ({"eps": float("nan")}, "eps of metric 'latency' is nan; give a finite number, 0 or more"),
        ({"eps": {"energy": 0.1}}, "unknown metric 'energy'"),
        ({"time_limit": 0}, "time_limit is 0; give a positive number of seconds, or None"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str) -> None:
    with refused(message):
        front(ENERGY, **{"metrics": ("latency", "server"), **arguments})


def test_supported_points_are_of_two_metrics() -> None:
    with refused("supported points are told for two metrics; this front has 3"):
        _ = front(ENERGY, ("latency", "energy", "server")).supported


def test_save_and_load(tmp_path: Any) -> None:
    found = front(ENERGY, ("latency", "server"), eps=0.01, step={"server": 1})
    for case in (found, replace(found, open=(Zone((1, 2), (None, 7)),), limit=Limit.INTERRUPT)):
        case.save(tmp_path / "front.json")
        assert Front.load(tmp_path / "front.json") == case


@pytest.mark.parametrize("count", [2, 3])
def test_pictures(count: int) -> None:
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib.figure import Figure

    found = front(ENERGY, ("latency", "server", "energy")[:count])
    axes = Figure(figsize=(3.3, 2.4)).subplots()
    assert replace(found, open=(Zone((9, 1), (13, None)),)).plot(ax=axes) is axes
    assert axes.get_xlabel() == "latency, ns"
    assert axes.get_ylabel() == "server, ns"
    if count == 2:
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["supported (3)", "open (1)"]


# --- the command ---------------------------------------------------------------------------------------------------


def run(*arguments: Any, status: int = 0) -> Result:
    door = Door()
    door.add_command(command)
    assert isinstance(door, click.Group)
    result = CliRunner().invoke(door, ["front", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


@pytest.fixture
def _folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fork_profile().save("both.json")
    fork_problem().save("problem.json")


SOURCE = ("both.json", "--link", "8mbit", "--metrics", "latency,server_seconds")


@pytest.mark.usefixtures("_folder")
def test_command_then_a_chosen_point() -> None:
    out = run(*SOURCE, "-o", "front.json", "--plot", "front.png").stdout
    for text in ("complete", "proven", "every plan has a point at least as good in every metric"):
        assert text in out
    found = Front.load("front.json")
    assert len(found) > 1
    assert "point 1 of" in run("front.json", "--choose", 1, "-o", "plan.json").stdout
    assert osp.Result.load("plan.json").plan == found[1].plan
    limit = found[1].values[1] / 1e9
    chosen = json.loads(run("front.json", "--choose", f"server_seconds={limit}", "--json").stdout)["content"]
    assert chosen["objective"] == found[1].values[0]
    run(*SOURCE, "--choose", 1, "-o", "direct.json")
    assert osp.Result.load("direct.json").problem is not None
    content = json.loads(run(*SOURCE, "--json").stdout)["content"]
    assert content["complete"]
    assert [tuple(point["values"]) for point in content["points"]] == values(found)
    # the file of a problem, with its own limits inside
    assert "points" in run("problem.json", "--metrics", "latency,bytes", "--eps", 0.1, "--step", "bytes=10").stdout


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*SOURCE, "--choose", "99"), "--choose '99': give a point from 0 to"),
        ((*SOURCE[:3],), "energy needs the power of the device; add --device-power, or other --metrics"),
        ((*SOURCE, "--step", "power=1"), "unknown metric 'power'"),
        ((*SOURCE, "--step", "latency=nan"), "--step latency=nan; give a finite number of seconds"),
        ((*SOURCE, "--choose", "latency=1e400"), "--choose latency=inf; give a finite number of seconds"),
        (("front.json", "--eps", "0.1"), "is a front and has its metrics and resolution inside"),
    ],
)
def test_what_the_command_refuses(arguments: tuple[str, ...], message: str) -> None:
    run(*SOURCE, "-o", "front.json")
    result = run(*arguments, status=2)
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.usefixtures("_folder")
def test_an_infeasible_problem_has_an_exit_status() -> None:
    result = run(*SOURCE, "--limit", "latency=0.000001", status=3)
    assert "no plan obeys the rules" in result.stderr


@pytest.mark.parametrize("seed", range(30))
def test_supported_points_minimise_some_weighted_sum(seed: int) -> None:
    rng = random.Random(seed)
    rising, falling = (sorted(rng.sample(range(20), 8), reverse=k == 1) for k in (0, 1))
    drawn = list(zip(rising, falling, strict=True))
    points = tuple(Point(values, osp.PartitionPlan({}), {}, True) for values in drawn)
    weights = [(a, b) for a in range(1, 20) for b in range(1, 20)]
    # weights of every line through two points are among these
    expected = tuple(
        any(all(a * v[0] + b * v[1] <= a * w[0] + b * w[1] for w in drawn) for a, b in weights)
        or v in (drawn[0], drawn[-1])
        for v in drawn
    )
    assert Front(points, ("latency", "energy"), {}).supported == expected


def test_a_zone_without_an_integer_is_empty() -> None:
    assert Zone((0, 3), (None, 3)).empty
    assert not Zone((0, 3), (None, 4)).empty
    assert not Zone((0, 3), (None, None)).empty


@pytest.mark.parametrize("more", [{"step": (5, 0)}, {"step": (0, 5)}, {"eps": (0.1, 0.0)}, {"eps": (0.0, 0.1)}])
def test_a_resolution_in_one_metric_leaves_gaps(more: dict[str, Any]) -> None:
    given: dict[str, Any] = {"step": (0, 0), "eps": (0.0, 0.0), **more}
    point = Point((1, 2), osp.PartitionPlan({}), {}, True)
    assert not Front((point,), ("latency", "energy"), {}, **given).complete
    assert Front((point,), ("latency", "energy"), {}, step=(0, 0), eps=(0.0, 0.0)).complete


def test_a_front_and_its_file_hold_the_problem_that_a_point_solves(tmp_path):
    problem = osp.Partition.from_profile(osp.bundled("alexnet"), osp.links["4g"], load={"device": 12.0})
    found = osp.front(problem, ("latency", "server_seconds"))
    found.save(tmp_path / "front.json")
    again = osp.Front.load(tmp_path / "front.json")
    assert again == found
    for k in (0, len(found) // 2, len(found) - 1):
        result = again.result(k)
        assert result.problem.evaluate(result.plan).objective == result.objective
        assert osp.solve(result.problem).objective == result.objective
