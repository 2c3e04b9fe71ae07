"""The smallest instance on which each group of constraints of each MILP has a row, its optimum derived by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from optsplit import FlowShop, Metric, Partition, Schedule, UploadOrder, formulation
from optsplit.problems import flow_shop_bounds
from optsplit.problems.exits import ExitPattern, Exits
from optsplit.problems.precision import Precision, Sending
from optsplit.problems.schedule_cuts import cut_types

UP, DOWN = ("device", "server"), ("server", "device")
_NUMBERS = [str(i) for i in range(1, 10)]

Labels = Mapping[str, Sequence[Sequence[str]]]
"""First part of a variable's name -> for each index the words that stand for 0, 1, ..."""


@dataclass(frozen=True)
class Case:
    """A model, words for its variables' indices, the optimum in the problem's integers, and its groups of rows."""

    name: str
    model: Any
    labels: Labels
    optimum: int
    groups: frozenset[str]


def _case(name: str, model: Any, labels: Labels, optimum: int, groups: str) -> Case:
    return Case(name, model, labels, optimum, frozenset(groups.split()))


# --- partition ------------------------------------------------------------------------------------------------


def _partition(problem: Partition) -> tuple[Any, Labels]:
    layers, places, tensors = problem.layers, problem.places, problem.tensor_names
    two = len(places) == 2
    units = [layers[unit[0]] for unit in problem.bundles]
    where = [layers if not two else [f"{layer}_{places[1]}" for layer in layers], places]
    labels = {"x": where, "y": [tensors, places, places], "w": [tensors, places], "r": [tensors, places]}
    labels |= {"begun": [layers, places], "to_end": [layers, places], "o": [units, places]}
    return formulation.load("partition_milp").built(problem), labels


# in -> a -> {b, c}; what b and c write goes back. a has to stay, since `in` is 8 bytes and 4 may be sent.
# b and c here 4 + 9 + 9 = 22; b there 4 + 5 + 2 + 1 + 9 = 21; c there 4 + 5 + 9 + 3 + 1 = 22; both there, a's tensor
# sent once, 4 + 5 + 2 + 1 + 3 + 1 = 16.
FORK = Partition(
    ["in", "a", "b", "c"], [("in", "a"), ("a", "b"), ("a", "c")],
    metrics={
        "latency": Metric([[0, 0], [4, 1], [9, 2], [9, 3]], {UP: [2, 5, 1, 1], DOWN: [2, 5, 1, 1]}),
        "sent": Metric([[0, 0]] * 4, {UP: [8, 4, 1, 1]}, unit="B"),
    },
    pins={"in": "device"}, limits={"sent": 4},
)  # fmt: skip

# a chain on a host and two equal accelerators, each visited once; the accelerators do not answer the host, and pay 1
# for what they receive or send. {a}, {b, c}: 1 + 4 + 1 and 1 + 7 + 4 = 12. {a, b}, {c}: 1 + 4 + 7 + 1 = 13.
# {a, b, c}: 16. {a, c}, {b} would be 1 + 4 + 1 + 1 + 4 = 11, but comes back. Anything on the host: 20.
_HOSTED = ("host", "acc1", "acc2")
_WORK = {"a": 4, "b": 7, "c": 4}


def _load(place: str) -> Metric:
    acc = place != "host"
    rows = [[0, 0, 0], *([[20, work, work][p] if q == place else 0 for p, q in enumerate(_HOSTED)]
                         for work in _WORK.values())]  # fmt: skip
    ends = {place: [1] * 4} if acc else {}
    return Metric(rows, {}, ends, ends)


MACHINES = Partition(
    ["in", "a", "b", "c"], [("in", "a"), ("a", "b"), ("b", "c")], _HOSTED,
    {m: _load(m) for m in _HOSTED}
    | {"bus": Metric([[0] * 3] * 4, {(p, q): [1] * 4 for p in _HOSTED for q in _HOSTED if p != q and q != "host"})},
    minimize=(*_HOSTED, "bus"), pins={"in": "host"}, result_at=None, contiguous=True,
    links=[(p, q) for p in _HOSTED for q in _HOSTED if p != q and q != "host"],
)  # fmt: skip

# data moves from device to edge to cloud only. Device 9 + 1 = 10; edge 1 + 4 + 4 = 9; a on the edge, b in the cloud
# 1 + 4 + 1 + 6 = 12; cloud 5 + 1 + 6 = 12. a on the edge and b here would be 1 + 4 + 1 + 1 = 7.
_TIERS = ("device", "edge", "cloud")
ONE_WAY = Partition(
    ["in", "a", "b"], [("in", "a"), ("a", "b")], _TIERS,
    {"latency": Metric([[0] * 3, [9, 4, 1], [1, 4, 6]],
                       {(p, q): [5 if (p, q) == ("device", "cloud") else 1, 1, 1]
                        for p in _TIERS for q in _TIERS if p != q})},
    pins={"in": "device"}, result_at=None, one_way=True,
)  # fmt: skip

# --- exits and precisions -------------------------------------------------------------------------------------


def _choices(problem: Partition) -> tuple[Any, Labels]:
    routes = formulation.load("routes").Routes.of(problem)
    _, labels = _partition(problem.but(exits=None, precisions=None, limits={}, minimize=problem.objectives))
    tensors, places = problem.tensor_names, problem.places
    held = ["", "held"]
    more = {"e": [[f"route{i}" for i in _NUMBERS]], "u": [problem.layers, places], "s": [tensors, _NUMBERS]}
    more |= {"y": [tensors, places, places, held, _NUMBERS], "h": [tensors, places, held, _NUMBERS]}
    return formulation.load("partition_choices_milp").built(problem, routes), {**labels, **more}


# Four samples. in -> a -> {first, b}, b -> last. All at the server, both exits on: 4 * (5 + 1 + 2) for in, a, first,
# 3 for the answers of the three that are sure, and 1 + 2 + 1 for the one that goes on: 39. Only the last exit:
# 4 * (5 + 1 + 1 + 2 + 1) = 40. `in` by 8 bits takes 3, so 31 and 32, but then 2 % more are wrong: the three of four
# that are right and no more than 26 % wrong leave no room for it.
CONFIDENT = Partition(
    ["in", "a", "first", "b", "last"], [("in", "a"), ("a", "first"), ("a", "b"), ("b", "last")],
    metrics={"latency": Metric([[0, 0], [9, 1], [5, 2], [9, 1], [5, 2]], {UP: [5, 2, 1, 2, 1], DOWN: [5, 2, 1, 2, 1]})},
    pins={"in": "device"},
    exits=Exits({"first": 0.5, "last": 0.75}, (0.9,), (
        ExitPattern((1, 1), (True, True), 2),
        ExitPattern((1, 0), (False, False), 1),
        ExitPattern((0, 1), (False, True), 1),
    )),
    precisions={"in": (Precision(32), Precision(8, 20_000, {"latency": Sending({UP: 3, DOWN: 3})}))},
    at_least={"accuracy": 0.74},
)  # fmt: skip

# One request. Each tensor takes 1 on every way and 1 more to leave the device; no link from device to cloud.
# The exit b: all here 9 + 6 = 15; a and b on the edge 1 + 1 + 3 + 2 + 1 = 8; a on the edge, b in the cloud
# 1 + 1 + 3 + 1 + 1 + 1 = 8. The exit first, together with a: 1 + 1 + 3 + 1 + 1 = 7, but only half are right.
EXIT_TIERS = Partition(
    ["in", "a", "first", "b"], [("in", "a"), ("a", "first"), ("a", "b")], _TIERS,
    {"latency": Metric([[0] * 3, [9, 3, 1], [4, 1, 1], [6, 2, 1]],
                       {(p, q): [1] * 4 for p in _TIERS for q in _TIERS if p != q and (p, q) != ("device", "cloud")},
                       send={"device": [1] * 4})},
    pins={"in": "device"}, links=[(p, q) for p in _TIERS for q in _TIERS if p != q and (p, q) != ("device", "cloud")],
    together=[("a", "first")], contiguous=True, exits={"first": 0.5, "b": 0.9}, at_least={"accuracy": 0.8},
)  # fmt: skip

# the larger of two busy times. The exit first: a here, first there max(4, 3) = 4, both there 3 + 3. b: max(4, 5) = 5.
EXIT_ONE_WAY = Partition(
    ["in", "a", "first", "b"], [("in", "a"), ("a", "first"), ("a", "b")],
    metrics={"here": Metric([[0, 0], [4, 0], [4, 0], [6, 0]]), "there": Metric([[0, 0], [0, 3], [0, 3], [0, 5]])},
    minimize=("here", "there"), pins={"in": "device"}, one_way=True, exits={"first": 0.5, "b": 0.9},
)  # fmt: skip

# --- upload order ---------------------------------------------------------------------------------------------

# in -> {b, c} -> d. L(nothing) = 10 + 10 + 4 = 24, L(b) = 2 + 1 + 1 + 10 + 4 = 18, L(c) = 2 + 4 + 1 + 10 + 4 = 21,
# L(d) = 24, L(b, c) = 2 + 1 + 4 + 1 + 1 + 4 = 13, L(b, d) = 2 + 1 + 10 + 1 + 1 + 1 = 16, L(c, d) = 19,
# L(b, c, d) = 2 + 1 + 4 + 1 + 1 = 9. Orders: bcd 4 * 24 + 4 * 18 + 2 * 13 = 194, bdc 96 + 36 + 64 = 196,
# cbd 206, cdb 214, dbc 208, dcb 220.
UPLOAD = UploadOrder(
    Partition(
        ["in", "b", "c", "d"], [(0, 1), (0, 2), (1, 3), (2, 3)], pins={"in": "device"},
        metrics={"latency": Metric([[0, 0], [10, 1], [10, 4], [4, 1]], {UP: [2, 1, 1, 1], DOWN: [2, 1, 1, 1]})},
    ),
    [0, 4, 4, 2],
)  # fmt: skip

# in -> a -> b, and b cannot be here while a is there: a is of no use without b. L(nothing) = L(a) = 20,
# L(b) = 10 + 2 + 1 + 1 = 14; a first 5 * 20 + 6 * 20 = 220, b first 6 * 20 + 5 * 14 = 190.
UPLOAD_ONE_WAY = UploadOrder(
    Partition(
        ["in", "a", "b"], [(0, 1), (1, 2)], pins={"in": "device"}, one_way=True,
        metrics={"latency": Metric([[0, 0], [10, 1], [10, 1]], {UP: [3, 2, 1], DOWN: [3, 2, 1]})},
    ),
    [0, 5, 6],
)  # fmt: skip


def _copies(problem: UploadOrder) -> tuple[Any, list[str], Labels]:
    network = formulation.load("upload_copies").Network(problem)
    units = [problem.names[k] for k in network.units]
    tensors = problem.partition.tensor_names
    return network, units, {"x": [problem.partition.layers, units], "up": [tensors, units], "down": [tensors, units]}


def _ordering(problem: UploadOrder) -> tuple[Any, Labels]:
    network, units, labels = _copies(problem)
    return formulation.load("upload_linear_ordering").built(network), {**labels, "o": [units, units]}


def _slots(problem: UploadOrder, orders: Sequence[str]) -> tuple[Any, Labels]:
    """The grid on which every unit of some orders ends at the end of a slot."""
    network, units, labels = _copies(problem)
    covers: dict[int, set[frozenset[int]]] = {}
    for order in orders:
        done: list[int] = []
        for name in order:
            done.append(units.index(name))
            covers.setdefault(sum(network.times[k] for k in done), set()).add(frozenset(done))
    ends = sorted({0, *covers})
    slots = [f"{a}_{b}" for a, b in pairwise(ends)]
    labels = {head: [words[0], slots] for head, words in labels.items()}
    return formulation.load("upload_time_indexed").built(network, ends, covers), {**labels, "z": [units, slots]}


# --- schedule -------------------------------------------------------------------------------------------------


def _schedule(problem: Schedule) -> tuple[Any, Labels]:
    job, jobs = problem.jobs[0], [f"frame{i}" for i in _NUMBERS]
    layers, places, tensors = job.layers, job.places, job.tensor_names
    where = [layers if len(places) > 2 else [f"{layer}_{places[1]}" for layer in layers], places]
    model = formulation.load("schedule_milp").built(problem)
    machines = [machine.replace(">", "_to_") for machine in problem.machines]
    labels = {"x": [jobs, *where], "y": [jobs, tensors, places, places], "B": [jobs, tensors, places, places]}
    return model, {**labels, "S": [jobs, layers], "C": [jobs], "o": [machines, _NUMBERS, _NUMBERS]}


_EITHER = Partition(
    ["in", "x"], [(0, 1)], metrics={"latency": Metric([[0, 0], [3, 3]], {UP: [1, 0]})}, pins={"in": "device"},
    result_at=None, links=[UP],
)  # fmt: skip

# x takes 3 anywhere, its input 1 to send: one frame here 0-3, the other there 1-4
FRAMES = Schedule([_EITHER, _EITHER])

# in -> x -> y on three places in a row; the answer is sent back from the edge or the cloud. Device 9 + 9 = 18; x here,
# y on the edge 9 + 1 + 4 + 1 = 15; edge 1 + 4 + 4 + 1 = 10; x on the edge, y in the cloud 1 + 4 + 1 + 1 + 1 = 8. No
# layer starts before 2: 10.
ROW = Schedule(
    [Partition(
        ["in", "x", "y"], [(0, 1), (1, 2)], _TIERS,
        {"latency": Metric([[0] * 3, [9, 4, 1], [9, 4, 1]], {
            ("device", "edge"): [1, 1, 0], ("edge", "cloud"): [0, 1, 0], ("edge", "device"): [0, 0, 1],
            ("cloud", "device"): [0, 0, 1],
        })},
        pins={"in": "device"}, one_way=True,
        links=[("device", "edge"), ("edge", "cloud"), ("edge", "device"), ("cloud", "device")],
    )],
    release=[2],
)  # fmt: skip

# in -> a -> b, one way. Cuts (device, uplink, server): all here (6, 0, 0); after a (3, 1, 1); after in (0, 2, 2).
_CHAIN = Partition(
    ["in", "a", "b"], [(0, 1), (1, 2)], metrics={"latency": Metric([[0, 0], [3, 1], [3, 1]], {UP: [2, 1, 0]})},
    pins={"in": "device"}, result_at=None, one_way=True,
)  # fmt: skip


def _types() -> tuple[Any, Labels]:
    """Three frames: one all here, two after in: device 6, uplink 4 + tail 1, server 2 + 4.

    Loads alone would be 5, with one after a and two after in; but the server's 1 + 2 + 2 starts at 2 at the earliest:
    7. Two after a and one after in have 6 on the device, with 2 behind: 8. The price, a third of all loads, says 4.
    """
    types_model = formulation.load("schedule_types")
    types = cut_types(_CHAIN)
    assert types is not None
    loads = types.loads
    window = types_model.Window
    windows = [
        *(window(machine) for machine in ("device", "uplink", "server", "back")),
        *(window("device", 0, 2), window("uplink", 0, 1), window("server", 2, 0), window(types_model.BOTH, 0, 2)),
    ]
    network = types_model.Network(types, np.zeros((len(loads), 1), dtype=np.int64), 3)
    model = types_model.built([network], [loads.sum(axis=1, keepdims=True) // 3], [np.arange(len(loads))], windows)
    names = {(6, 0, 0, 0): "all_here", (3, 1, 1, 0): "after_a", (0, 2, 2, 0): "after_in"}
    window_names = [f"{w.machine}_{w.head}_{w.tail}".replace(", ", "_").replace(" ", "_") for w in windows]
    return model, {"n": [["net"], [names[tuple(load)] for load in loads.tolist()]], "g": [window_names]}


def _positions() -> tuple[Any, Labels]:
    """The same cuts with a way back of 1 behind the server: up 0-2-4, server 2-4-6, back at 7; all here meanwhile 0-6.

    Three after in: 6 on the uplink, then 2 and 1. Two after in, one after a: up at 5, server at 7, back at 8. Two after
    a: the second is sent at 6 at the earliest, served at 7, back at 9. Two all here: 12.
    """
    model = formulation.load("schedule_positions").built([[(6, 0, 0, 0), (3, 1, 1, 1), (0, 2, 2, 1)]], [3])
    return model, {"x": [["net"], ["all_here", "after_a", "after_in"], _NUMBERS],
                   "e": [["device", "uplink", "server"], _NUMBERS]}  # fmt: skip


# --- flow shop ------------------------------------------------------------------------------------------------


def _flow_shop() -> tuple[Any, Labels]:
    """A (2, 1, 3), B (1, 3, 1) from 2 on. A, B: 0-2-3-6 and 2-3-6-7. B, A: 2-3-6-7 and 3-5, 6-7, 7-10."""
    problem = FlowShop([[2, 1, 3], [1, 3, 1]], release=[0, 2])
    model = formulation.load("flow_shop_milp").built(problem, max(flow_shop_bounds.named(problem).values()))
    machines = [f"m{i}" for i in _NUMBERS]
    return model, {"z": [["A", "B"], _NUMBERS], "x": [_NUMBERS, machines], "y": [_NUMBERS, machines]}


def cases() -> list[Case]:
    """Every model."""
    return [
        _case("partition_milp-fork", *_partition(FORK), 16, "transfer limit dear"),
        _case("partition_milp-machines", *_partition(MACHINES), 12,
              "assignment transfer inflow outflow send receive links alike opened begun to_end convex largest"),
        _case("partition_milp-one_way", *_partition(ONE_WAY), 9, "assignment transfer inflow outflow one_way"),
        _case("partition_choices_milp-confident", *_choices(CONFIDENT), 39,
              "routing assignment reach variant transfer answer limit"),
        _case("partition_choices_milp-tiers", *_choices(EXIT_TIERS), 8,
              "routing assignment transfer answer inflow send links together begun to_end convex limit"),
        _case("partition_choices_milp-one_way", *_choices(EXIT_ONE_WAY), 4, "routing assignment one_way largest"),
        _case("upload_linear_ordering-fork", *_ordering(UPLOAD), 194, "cycles there crosses"),
        _case("upload_linear_ordering-one_way", *_ordering(UPLOAD_ONE_WAY), 190, "there order crosses"),
        _case("upload_time_indexed-fork", *_slots(UPLOAD, ["bcd", "bdc"]), 194, "room covers stays there crosses"),
        _case("upload_time_indexed-one_way", *_slots(UPLOAD_ONE_WAY, ["ba"]), 190,
              "room covers stays there order crosses"),
        _case("schedule_milp-frames", *_schedule(FRAMES), 4,
              "release after leaves arrives transfer ends disjoint equal loads largest"),
        _case("schedule_milp-row", *_schedule(ROW), 10,
              "assignment release after one_way links leaves arrives transfer ends disjoint loads largest"),
        _case("schedule_types-frames", *_types(), 6, "frames window price open"),
        _case("schedule_positions-frames", *_positions(), 7, "position frames machine stage end load"),
        _case("flow_shop_milp-two", *_flow_shop(), 7, "assignment fit release named"),
    ]  # fmt: skip
