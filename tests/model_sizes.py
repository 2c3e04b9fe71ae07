"""The models on real networks, for the tables of formulations/README.md: how large, and how strong as relaxations.

The bundled profiles, the device 12 times as slow as measured; frames and three places as in `benchmarks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pulp

import optsplit as osp
from benchmarks.frames import frames
from benchmarks.places import three_tiers
from optsplit import formulation
from optsplit.hardware import Connection
from optsplit.problems import flow_shop_bounds
from optsplit.problems.schedule_cuts import cut_types

LOAD = {"device": 12.0}
SEED = 873654221
"""Of Taillard's first instance with 20 jobs and 5 machines."""


@dataclass(frozen=True)
class Row:
    """A model on an instance; `at_most` are the columns and rows that README's formulas allow."""

    file: str
    instance: str
    build: Callable[[], Any]
    at_most: Callable[[], tuple[int, int]] | None = None
    slow: bool = False

    def cells(self) -> list[str]:
        """File, instance, columns (of them whole), rows."""
        model = self.build()
        if hasattr(model, "cp"):
            return [f"`{self.file}`", self.instance, f"{len(model.cp.proto.variables):,}", "",
                    f"{len(model.cp.proto.constraints):,}"]  # fmt: skip
        columns = model.milp.variables()
        whole = sum(v.cat == pulp.LpInteger for v in columns)
        return [f"`{self.file}`", self.instance, f"{len(columns):,}", f"{whole:,}", f"{sum(model.rows.values()):,}"]


@dataclass(frozen=True)
class Root:
    """A relaxation and its optimum; `without` is what a group of constraints is worth."""

    file: str
    instance: str
    build: Callable[[], Any]
    optimum: Callable[[], int]
    without: tuple[str, ...] = ()
    slow: bool = False

    def cells(self) -> list[str]:
        """File, instance, root in per cent of the optimum, the groups, root without them."""
        best = self.optimum()
        drops = [(), self.without] if self.without else [()]
        shares = [f"{100 * _relaxed(self.build(), drop) / best:.1f} %" for drop in drops]
        return [f"`{self.file}`", self.instance, shares[0], ", ".join(self.without), (*shares, "")[1]]


def _relaxed(model: Any, drop: Sequence[str]) -> float:
    relaxed = pulp.LpProblem("relaxed", pulp.LpMinimize)
    relaxed.setObjective(model.milp.objective)
    for row in model.milp.constraints():
        if row.name.rpartition("_")[0] not in drop:
            relaxed.addConstraint(row)
    for variable in relaxed.variables():
        variable.cat = pulp.LpContinuous
    relaxed.solve(pulp.HiGHS(msg=False))
    return float(pulp.value(relaxed.objective)) * model.scale + model.offset


@cache
def _two(name: str) -> osp.Partition:
    return osp.Partition.from_profile(osp.bundled(name), osp.links["4g"], load=LOAD)


@cache
def _three(name: str) -> osp.Partition:
    return three_tiers(name)


@cache
def _upload(name: str) -> osp.UploadOrder:
    return osp.UploadOrder.from_profile(osp.bundled(name), Connection.mbit(50), load=LOAD)


@cache
def _frames(name: str, count: int, one_way: bool = True) -> osp.Schedule:
    return frames([name], "wifi", count, one_way)


@cache
def _shop() -> osp.FlowShop:
    return osp.FlowShop.taillard(20, 5, SEED)


def _network(name: str) -> Any:
    return formulation.load("upload_copies").Network(_upload(name))


def _built(file: str, *given: Any) -> Any:
    return formulation.load(file).built(*given)


def _slots(name: str) -> Any:
    model = formulation.load("upload_time_indexed")
    return model.built(_network(name), model.grid(_upload(name).horizon, model.SLOTS), {})


def _branchy(exits: str) -> Any:
    problem = osp.Partition.from_profile(
        osp.bundled("branchy_digits"), osp.links["3g"], load=LOAD, exits=exits, precisions=(32, 16, 8, 4, 2)
    )
    return problem, formulation.load("routes").Routes.of(problem)


def _types(name: str, count: int) -> Any:
    """With the windows of the first round: the loads."""
    model, types = formulation.load("schedule_types"), cut_types(_frames(name, count).jobs[0])
    assert types is not None
    nothing = np.zeros((len(types.loads), 0), dtype=np.int64)
    windows = [model.Window(machine) for machine in ("device", "uplink", "server", "back")]
    network = model.Network(types, nothing, count)
    return model.built([network], [nothing], [np.arange(len(types.loads))], windows)


def _positions(name: str, count: int) -> Any:
    types = cut_types(_frames(name, count).jobs[0])
    assert types is not None
    chosen = formulation.load("schedule_types").undominated(types.loads)
    return _built("schedule_positions", [types.loads[chosen].tolist()], [count])


def _shop_milp() -> Any:
    return _built("flow_shop_milp", _shop(), max(flow_shop_bounds.named(_shop()).values()))


def _reads(problem: osp.Partition) -> int:
    return sum(len(readers) for _, readers in problem.tensors) + len(problem.outputs)


def _partition_at_most(problem: osp.Partition) -> tuple[int, int]:
    layers, tensors, reads, places = len(problem.layers), len(problem.tensors), _reads(problem), len(problem.places)
    if places == 2:
        return layers + 2 * tensors, 2 * reads
    return layers * places + tensors * places * (places - 1), 2 * layers + reads * places * (places + 1)


def _ordering_at_most(name: str) -> tuple[int, int]:
    network = _network(name)
    problem, n = network.partition, len(network.units)
    waits = sum(len(of or ()) for of in network.needs)
    columns = n * (n - 1) // 2 + n * (len(problem.layers) + 2 * len(problem.tensors))
    return columns, n * (waits + 2 * _reads(problem)) + n * (n - 1) * (n - 2) // 3


def _slots_at_most(name: str) -> tuple[int, int]:
    network, slots = _network(name), formulation.load("upload_time_indexed").SLOTS
    problem, n = network.partition, len(network.units)
    waits = sum(len(of or ()) for of in network.needs)
    columns = slots * (n + len(problem.layers) + 2 * len(problem.tensors))
    return columns, slots * (1 + waits + 2 * _reads(problem)) + n * (slots - 1)


def _disjunctive_at_most(problem: osp.Schedule) -> tuple[int, int]:
    job, count = problem.jobs[0], len(problem.jobs)
    layers, tensors, reads = len(job.layers), len(job.tensors), _reads(job)
    meet = [count * layers, count * layers, count * tensors, count * tensors]
    pairs = sum(k * (k - 1) // 2 for k in meet)
    columns = count * (2 * layers + 4 * tensors + 1) + pairs + 1
    return columns, count * (2 * layers + 2 * tensors + 5 * reads + 2) + 2 * pairs + 4


def rows() -> list[Row]:
    """Every model, on two instances where it takes both."""
    found = []
    for name, label in (("resnet18", "ResNet-18"), ("densenet201", "DenseNet-201")):
        for places, make in (("two", _two), ("three", _three)):
            where = f"{label}, {places} places"
            found += [
                Row("partition_milp", where, lambda make=make, name=name: _built("partition_milp", make(name)),
                    lambda make=make, name=name: _partition_at_most(make(name))),
                Row("partition_cpsat", where, lambda make=make, name=name: _built("partition_cpsat", make(name))),
            ]  # fmt: skip
    for exits, label in (("one", "5 exits"), ("confidence", "5 exits by 7 thresholds")):
        for file in ("partition_choices_milp", "partition_choices_cpsat"):
            found.append(Row(file, f"branchy digits, {label}, 5 precisions",
                             lambda file=file, exits=exits: _built(file, *_branchy(exits)),
                             slow=exits == "confidence"))  # fmt: skip
    for name, label in (("alexnet", "AlexNet"), ("resnet18", "ResNet-18")):
        slow, where = name == "resnet18", f"{label}, {len(_network(name).units)} units"
        found += [
            Row("upload_linear_ordering", where, lambda name=name: _built("upload_linear_ordering", _network(name)),
                lambda name=name: _ordering_at_most(name), slow),
            Row("upload_time_indexed", f"{where}, 12 slots", lambda name=name: _slots(name),
                lambda name=name: _slots_at_most(name)),
            Row("upload_cpsat", where, lambda name=name: _built("upload_cpsat", _network(name)), slow=slow),
        ]  # fmt: skip
    for name, label in (("resnet18", "ResNet-18"), ("densenet201", "DenseNet-201")):
        found.append(Row("schedule_cpsat", f"{label}, a frame",
                         lambda name=name: _built("schedule_cpsat", _frames(name, 1, False))))  # fmt: skip
    for name, label in (("alexnet", "AlexNet"), ("resnet18", "ResNet-18")):
        found += [
            Row("schedule_milp", f"{label}, 2 frames", lambda name=name: _built("schedule_milp", _frames(name, 2)),
                lambda name=name: _disjunctive_at_most(_frames(name, 2)), name == "resnet18"),
            Row("schedule_types", f"{label}, 10 frames, 4 windows", lambda name=name: _types(name, 10)),
            Row("schedule_positions", f"{label}, 10 frames", lambda name=name: _positions(name, 10)),
        ]  # fmt: skip
    return [
        *found,
        Row("flow_shop_milp", "Taillard 20 x 5", _shop_milp, lambda: (20**2 + 20 * 9, 40 + 80 + 20 + 1)),
        Row("flow_shop_cpsat", "Taillard 20 x 5",
            lambda: _built("flow_shop_cpsat", _shop(), _shop().plan(range(20)), 1)),
    ]  # fmt: skip


def roots() -> list[Root]:
    """The relaxations of the MILPs against the optimum, and what their strengthening rows are worth."""
    best = cache(lambda problem: osp.solve(problem).require_optimal().objective)
    return [
        Root("partition_milp", "ResNet-18, three places", lambda: _built("partition_milp", _three("resnet18")),
             lambda: best(_three("resnet18")), ("inflow", "outflow")),
        Root("partition_milp", "DenseNet-201, three places", lambda: _built("partition_milp", _three("densenet201")),
             lambda: best(_three("densenet201")), ("inflow", "outflow")),
        Root("upload_linear_ordering", "AlexNet", lambda: _built("upload_linear_ordering", _network("alexnet")),
             lambda: best(_upload("alexnet"))),
        Root("upload_time_indexed", "AlexNet, 12 slots", lambda: _slots("alexnet"), lambda: best(_upload("alexnet"))),
        Root("schedule_milp", "AlexNet, 2 frames", lambda: _built("schedule_milp", _frames("alexnet", 2)),
             lambda: best(_frames("alexnet", 2)), ("loads",), slow=True),
        Root("schedule_types", "AlexNet, 2 frames, 4 windows", lambda: _types("alexnet", 2),
             lambda: best(_frames("alexnet", 2))),
        Root("schedule_positions", "AlexNet, 2 frames", lambda: _positions("alexnet", 2),
             lambda: best(_frames("alexnet", 2))),
        Root("schedule_positions", "AlexNet, 10 frames", lambda: _positions("alexnet", 10),
             lambda: best(_frames("alexnet", 10)), slow=True),
        Root("flow_shop_milp", "Taillard 20 x 5", _shop_milp, lambda: 1278, ("named",)),
    ]  # fmt: skip
