"""UploadOrder: prices derived by hand, rules, messages, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from optsplit import Metric, Partition
from optsplit.algorithms import upload_subsets
from optsplit.errors import InvalidInput
from optsplit.problems import upload_document
from optsplit.problems.stored import load
from optsplit.problems.upload_order import LOST, UploadOrder, UploadPlan
from optsplit.problems.upload_units import front_to_back
from tests.upload_orders import simulated_losses

UP, DOWN = ("device", "server"), ("server", "device")


def chain(**changes: Any) -> Partition:
    """Input on the device, then a, b: 10 each there, 1 on the server; a tensor costs 2 each way."""
    partition = Partition(
        ["in", "a", "b"], [(0, 1), (1, 2)],
        metrics={"latency": Metric([[0, 0], [10, 1], [10, 1]], {UP: [2, 2, 2], DOWN: [2, 2, 2]})},
        pins={"in": "device"},
    )  # fmt: skip
    return partition.but(**changes) if changes else partition


def test_price_of_an_order() -> None:
    problem = UploadOrder(chain(), [0, 3, 5])
    # nothing uploaded 20; a or b alone 2 + 1 + 2 + 10 = 15; both 2 + 1 + 1 + 2 = 6
    assert [problem.latency(s) for s in range(4)] == [20, 15, 15, 6]
    assert (problem.least, problem.horizon) == (6, 8)
    first_a = problem.evaluate(UploadPlan(["a", "b"]))
    assert first_a.objective == 3 * 20 + 5 * 15
    assert first_a.metrics == {"integral": 135, "mean_latency": 17, "finish": 8, "upload": 8}
    assert not first_a.violations
    assert problem.evaluate(UploadPlan(["b", "a"])).objective == 5 * 20 + 3 * 15
    assert problem.curve(UploadPlan(["a", "b"])) == [(0, 20), (3, 15), (8, 6)]
    # in one batch nothing counts before the end
    assert problem.evaluate(UploadPlan(["a", "b"], [2])).objective == 8 * 20
    assert problem.curve(UploadPlan(["a", "b"], [2])) == [(0, 20), (8, 6)]


def test_a_plan_that_stops_early_breaks_the_rule_and_names_what_is_missing() -> None:
    evaluation = UploadOrder(chain(), [0, 3, 5]).evaluate(UploadPlan(["a"]))
    assert evaluation.violations == ("latency ends at 15, above the least 6; send b",)


def test_a_unit_that_never_helps_costs_only_while_it_delays() -> None:
    partition = Partition(
        ["in", "a", "slow"], [(0, 1), (1, 2)],
        metrics={"latency": Metric([[0, 0], [10, 1], [1, 9]], {UP: [2, 2, 2], DOWN: [2, 2, 2]})}, pins={"in": "device"},
    )  # fmt: skip
    problem = UploadOrder(partition, [0, 3, 4])
    # 11 at first, 2 + 1 + 2 + 1 = 6 with a
    assert (problem.least, problem.horizon) == (6, 3)
    assert problem.evaluate(UploadPlan(["a"])).objective == 3 * 11
    assert problem.evaluate(UploadPlan(["a", "slow"])).objective == 3 * 11
    assert problem.evaluate(UploadPlan(["slow", "a"])).objective == 6 * 3 + 4 * (11 - 6) + 3 * (11 - 6)


def test_shared_and_present_units() -> None:
    upload = {"w": (4, ["a", "b"]), "v": (2, ["b"])}
    problem = UploadOrder(chain(), upload)
    assert problem.features == {"shared weights"}
    # b needs both: v alone gives nothing, w alone gives a
    assert [problem.latency(s) for s in range(4)] == [20, 15, 20, 6]
    warm = UploadOrder(chain(), upload, ["w"])
    assert (warm.latency(0), warm.horizon) == (15, 2)
    assert warm.evaluate(UploadPlan(["v"])).objective == 2 * 15
    with pytest.raises(InvalidInput, match="unit 'w' needs no upload; leave it out"):
        warm.evaluate(UploadPlan(["w", "v"]))


def test_a_unit_of_no_time_is_there_from_the_start() -> None:
    problem = UploadOrder(chain(), {"w": (0, ["a"]), "v": (2, ["b"])})
    assert (problem.latency(0), problem.there, problem.horizon) == (15, 1, 2)


def test_nothing_to_send() -> None:
    problem = UploadOrder(chain(), [0, 0, 0])
    evaluation = problem.evaluate(UploadPlan([]))
    assert evaluation.metrics == {"integral": 0, "mean_latency": 6, "finish": 0, "upload": 0}
    assert problem.curve(UploadPlan([])) == [(0, 6)]
    assert UploadPlan([]).rows() == [("order", "nothing to send")]


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
@pytest.mark.parametrize("scale", [1, 7, 19, 100])
def test_lost_queries_are_those_of_a_simulation(order: list[str], scale: int) -> None:
    problem = UploadOrder(chain(), [0, 3 * scale, 5 * scale], objective=LOST)
    assert problem.features == {"queries objective"}
    evaluation = problem.evaluate(UploadPlan(order))
    assert evaluation.objective == simulated_losses(problem, UploadPlan(order))
    assert problem.units[LOST] == "queries"


def test_lost_queries_by_hand() -> None:
    problem = UploadOrder(chain(), [0, 30, 50], objective=LOST)
    # H = 80, 13 queries of 6 fit. a first: 0-20, 20-40, 40-55, 55-70, 70-85: four end in time
    assert problem.evaluate(UploadPlan(["a", "b"])).objective == 13 - 4


def test_queries_of_no_time_are_refused() -> None:
    free = chain(metrics={"latency": Metric([[0, 0], [10, 0], [10, 0]])})
    problem = UploadOrder(free, [0, 3, 5], objective=LOST)
    with pytest.raises(InvalidInput, match="lost_queries: a query on the loaded server takes no time"):
        problem.evaluate(UploadPlan(["a", "b"]))


@pytest.mark.parametrize(
    ("upload", "present", "objective", "message"),
    [
        ([0, 3], (), "integral", r"upload has shape \(2,\); expected \(3,\)"),
        ([0, -3, 1], (), "integral", r"upload\['a'\] is -3; give 0 or more"),
        ([0, 2.5, 1], (), "integral", r"upload\['a'\] is 2.5; give integers"),
        ([0, 3, 5], ("c",), "integral", "present: unknown unit 'c'"),
        ([0, 3, 5], (), "speed", "unknown objective 'speed'"),
        ({"w": (3, ["x"])}, (), "integral", "upload of unit 'w': unknown layer 'x'"),
        ({"w": (3, [7])}, (), "integral", r"upload of unit 'w' names layer 7; give 0\.\.2 or a name"),
        ({"w": (3, ["a", 1])}, (), "integral", "upload of unit 'w': layer name 'a' stands twice"),
        ({"w": 3}, (), "integral", r"upload of unit 'w' is 3; give \(nanoseconds, layers\)"),
        ([0, 2**52, 2**52], (), "integral", r"at or above 2\*\*53"),
    ],
)
def test_bad_input(upload: Any, present: tuple[str, ...], objective: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        UploadOrder(chain(), upload, present, objective=objective)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limits": {"latency": 9}}, "its partition has limits"),
        ({"together": [("a", "b")]}, "its partition has layers together"),
        ({"pins": {"in": "device", "a": "server"}}, "layer 'a' is pinned to 'server' but its weights are not there"),
    ],
)
def test_partitions_that_are_no_cut(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        UploadOrder(chain(**changes), [0, 3, 5])


def test_a_layer_may_be_pinned_to_the_server_where_its_weights_are() -> None:
    problem = UploadOrder(chain(pins={"in": "device", "a": "server"}), [0, 3, 5], ["a"])
    assert [problem.latency(s) for s in (0, 2)] == [15, 6]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (UploadPlan(["a", "c"]), "plan: unknown unit 'c'"),
        (UploadPlan(["a", "a"]), "plan: unit name 'a' stands twice"),
        (UploadPlan(["a", "b"], [1]), r"batches \[1\] of 2 units; give sizes that add up"),
        (UploadPlan(["a", "b"], [2, 0]), r"batches \[2, 0\] of 2 units"),
    ],
)
def test_bad_plans(plan: UploadPlan, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        UploadOrder(chain(), [0, 3, 5]).evaluate(plan)


def test_numbers_beyond_64_bits_stay_exact(tmp_path: Path) -> None:
    partition = chain(metrics={"latency": Metric([[0, 0], [10**12, 1], [10**12, 1]], {UP: [2] * 3, DOWN: [2] * 3})})
    problem = UploadOrder(partition, [0, 3 * 10**14, 5 * 10**14])
    evaluation = problem.evaluate(UploadPlan(["a", "b"]))
    assert evaluation.objective == 3 * 10**14 * 2 * 10**12 + 5 * 10**14 * (10**12 + 5) > 2**63


def test_file_round_trip(tmp_path: Path) -> None:
    problem = UploadOrder(chain(), {"w": (4, ["a", "b"]), "v": (2, ["b"])}, ["w"], objective=LOST, name="warm")
    problem.save(tmp_path / "problem.json")
    again = load(tmp_path / "problem.json")
    assert isinstance(again, UploadOrder)
    assert (again.names, again.times, again.holders) == (problem.names, problem.times, problem.holders)
    assert (again.present, again.objective, again.name) == ({"w"}, LOST, "warm")
    assert again.evaluate(UploadPlan(["v"])) == problem.evaluate(UploadPlan(["v"]))
    assert repr(again) == "UploadOrder('warm', 3 layers, 2 units)"


def test_rows_of_a_plan() -> None:
    assert UploadPlan(["a", "b", "c"], [2, 1]).rows() == [("order", "a, b | c")]
    assert UploadPlan([f"u{i}" for i in range(14)]).rows()[0][1].endswith("u11, ... (14 units)")


def test_only_a_partition_can_be_uploaded_for() -> None:
    with pytest.raises(InvalidInput, match=r"partition is a dict; give an optsplit.Partition"):
        UploadOrder({}, [])  # type: ignore[arg-type]


def test_an_upload_has_no_limits_of_its_own() -> None:
    assert UploadOrder(chain(), [0, 3, 5]).limits == {}


def test_the_schema_names_what_a_file_holds() -> None:
    definition = upload_document.schema()["$defs"]["UploadOrderDocument"]
    written = msgspec.to_builtins(upload_document.write(UploadOrder(chain(), [0, 3, 5])))
    assert set(definition["properties"]) == set(written)


def test_units_that_are_there_already_are_not_tried() -> None:
    names = ["in", *(f"l{i}" for i in range(10))]
    costs = Metric([[0, 0]] + [[10, 1]] * 10, {UP: [2] * 11, DOWN: [2] * 11})
    partition = Partition(names, [(i, i + 1) for i in range(10)], metrics={"latency": costs}, pins={"in": "device"})
    problem = UploadOrder(partition, [0, *[3] * 10], present=["l0", "l1"])
    assert upload_subsets.refuses_orders(problem) is None
    assert "here of 10 units, and stops at 8" in str(
        upload_subsets.refuses_orders(UploadOrder(partition, [0, *[3] * 10]))
    )
    assert upload_subsets.refuses_subsets(problem) is None


def test_units_front_to_back_stand_by_their_first_layer() -> None:
    problem = UploadOrder(chain(), {"late": (3, ["b"]), "both": (3, ["a", "b"]), "first": (3, ["a"])})
    assert [problem.names[k] for k in front_to_back(problem, [0, 1, 2])] == ["both", "first", "late"]


def test_layers_are_counted_from_the_front() -> None:
    for layer in (-1, 3, True):
        with pytest.raises(InvalidInput, match=r"upload of unit 'w' names layer .*; give 0..2 or a name"):
            UploadOrder(chain(), {"w": (1, [layer])})
