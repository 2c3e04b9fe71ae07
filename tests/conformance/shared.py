"""The smallest problem that shows each feature, with its optimum derived by hand."""

from __future__ import annotations

from dataclasses import dataclass

from optsplit import Metric, Partition
from optsplit.problems.exits import ExitPattern, Exits
from optsplit.problems.precision import Precision, Sending

UP, DOWN = ("device", "server"), ("server", "device")


@dataclass(frozen=True)
class Case:
    """`optimum` is the least objective; None where no plan obeys the rules."""

    name: str
    problem: Partition
    optimum: int | None


def _latency(compute: list[list[int]], up: list[int], down: list[int] | None = None) -> dict[str, Metric]:
    return {"latency": Metric(compute, {UP: up, DOWN: up if down is None else down})}


def _packed(bits: int, drop: int, cost: int) -> Precision:
    return Precision(bits, drop, {"latency": Sending({UP: cost, DOWN: cost})})


# input (0) -> a -> b. Device 9 + 9 = 18; cut after the input 5 + 1 + 1 + 1 (result) = 8; after a 9 + 2 + 1 + 1 = 13.
_CHAIN = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics=_latency([[0, 0], [9, 1], [9, 1]], [5, 2, 1]),
    pins={"input": "device"},
)

# the tensor of a is read by b and c: sent once, 4. a on the device 1, b and c on the server 1 + 1, d joins them 1,
# result 1: 1 + 4 + 3 + 1 = 9. Paying a's tensor twice would make it 13, and all on the device 1 + 5 + 5 + 1 = 12.
_SHARED = Partition(
    ["a", "b", "c", "d"],
    [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
    metrics=_latency([[1, 9], [5, 1], [5, 1], [1, 1]], [4, 4, 4, 1]),
    pins={"a": "device"},
)

# device, server, device: a pinned here, b is fast there, c only here: 0 + 2 + 1 + 2 + 3 = 8; all here 0 + 9 + 3 = 12.
_TWO_WAY = Partition(
    ["a", "b", "c"],
    [(0, 1), (1, 2)],
    metrics=_latency([[0, 0], [9, 1], [3, 50]], [2, 2, 0]),
    pins={"a": "device"},
)

# energy: here 4 + 4, there 1 + 1, sending 2 (a) or 1 (b), free to receive.
# latency: all here 9 + 9 = 18 with energy 8; cut after a 9 + 2 + 1 + 1 = 13 with energy 4 + 1 + 1 = 6;
# all there 5 + 1 + 1 + 1 = 8 with energy 2 + 1 + 1 = 4; a there and b here 5 + 1 + 2 + 9 = 17, energy 2 + 1 + 4 = 7.
_ENERGY = _CHAIN.but(
    metrics={
        **_CHAIN.metrics,
        "energy": Metric([[0, 0], [4, 1], [4, 1]], {UP: [2, 1, 0]}, unit="nJ"),
        "server_seconds": Metric([[0, 0], [0, 1], [0, 1]]),
    }
)

# two branches from the input, three units of work each here, one there; the input costs 2 to send.
# busy times (device, uplink, server): all here (6, 0, 0); one branch there (3, 2, 1): 3; both there (0, 2, 2): 2.
_STAGES = Partition(
    ["input", "x", "y"],
    [(0, 1), (0, 2)],
    metrics={
        "device": Metric([[0, 0], [3, 0], [3, 0]]),
        "uplink": Metric([[0, 0]] * 3, {UP: [2, 0, 0]}),
        "server": Metric([[0, 0], [0, 1], [0, 1]]),
    },
    minimize=("device", "uplink", "server"),
    pins={"input": "device"},
    result_at=None,
    links=[UP],
)

# three equal machines, a chain of three layers of 1 each; a machine pays 1 for each tensor that leaves it
_MACHINES = Partition(
    ["a", "b", "c"],
    [(0, 1), (1, 2)],
    places=("x", "y", "z"),
    metrics={m: Metric([[int(place == m) for place in "xyz"]] * 3, send={m: [1, 1, 1]}) for m in "xyz"},
    minimize=("x", "y", "z"),
    result_at=None,
)

# an exit behind a: 9 + 5 here, 5 + 1 + 2 + 1 sent at the input; behind b: 9 + 9 + 5 here, 5 + 1 + 1 + 2 + 1 sent at the
# input. Four samples, of which three are sure at the first exit (two right) and the last is right at the second.
_BRANCHY = Partition(
    ["input", "a", "first", "b", "last"],
    [("input", "a"), ("a", "first"), ("a", "b"), ("b", "last")],
    metrics=_latency([[0, 0], [9, 1], [5, 2], [9, 1], [5, 2]], [5, 2, 1, 2, 1]),
    pins={"input": "device"},
    exits={"first": 0.5, "last": 0.75},
)
_SURE = _BRANCHY.but(
    exits=Exits(
        {"first": 0.5, "last": 0.75},
        (0.9,),
        (
            ExitPattern((1, 1), (True, True), 2),
            ExitPattern((1, 0), (False, False), 1),
            ExitPattern((0, 1), (False, True), 1),
        ),
    )
)
# the input packed to 8 or 4 bits, a to 8; drops 2 %, 9 % and 1 %
_PACKED = _CHAIN.but(
    metrics=_latency([[0, 0], [9, 1], [9, 1]], [20, 6, 1]),
    precisions={
        "input": (Precision(32), _packed(8, 20_000, 7), _packed(4, 90_000, 4)),
        "a": (Precision(32), _packed(8, 10_000, 4)),
    },
)

CASES = [
    # everything from the input on at the server
    Case("one exit", _BRANCHY, 9),
    Case("one exit, accurate enough", _BRANCHY.but(at_least={"accuracy": 0.6}), 10),
    Case("the best exit in time", _BRANCHY.but(maximize="accuracy", limits={"latency": 9}), 500_000),
    Case("no exit in time", _BRANCHY.but(maximize="accuracy", limits={"latency": 8}), None),
    # only the last: 10. Both, at the server: 5 + 1 + 2 each, three answers, then 1 + 2 + 1: 39 of 4, up to 10
    Case("exits by confidence", _SURE, 10),
    # the third sample is wrong wherever it leaves
    Case("exits by confidence, accurate", _SURE.but(maximize="accuracy"), 250_000),
    # the input with 4 bits: 4 + 1 + 1 + 1
    Case("precisions", _PACKED, 7),
    Case("precisions, accurate enough", _PACKED.but(at_least={"accuracy": 0.95}), 10),
    # a with 8 bits, 9 + 4 + 1 + 1; the input cannot lose so little
    Case("precisions, more accurate", _PACKED.but(at_least={"accuracy": 0.99}), 15),
    Case("chain", _CHAIN, 8),
    Case("one layer", Partition(["a"], metrics=_latency([[3, 1]], [5])), 3),
    Case("one layer, result anywhere", Partition(["a"], metrics=_latency([[3, 1]], [5]), result_at=None), 1),
    # the result must end at the server: on the device 3 and 5 to send, on the server 1
    Case("result at the server", Partition(["a"], metrics=_latency([[3, 1]], [5]), result_at="server"), 1),
    Case("zero costs", Partition(["a", "b"], [(0, 1)], metrics=_latency([[0, 0], [0, 0]], [0, 0])), 0),
    Case("ties", Partition(["a", "b"], [(0, 1)], metrics=_latency([[2, 2], [2, 2]], [0, 0])), 4),
    Case("shared tensor", _SHARED, 9),
    Case("two-way", _TWO_WAY, 8),
    # one way: b on the server would force c there: 2 + 1 + 50; so all here
    Case("one way", _TWO_WAY.but(one_way=True), 12),
    Case("pinned here", _CHAIN.but(pins={"input": "device", "b": "device"}), 17),
    Case("no link", _CHAIN.but(links=[DOWN]), 18),
    # without a link down the result cannot come back from the server
    Case("no way back", _CHAIN.but(links=[UP]), 18),
    Case("binding limit", _ENERGY.but(minimize="energy", limits={"server_seconds": 1}), 6),
    Case("loose limit", _ENERGY.but(limits={"energy": 100}), 8),
    Case("two limits", _ENERGY.but(limits={"energy": 7, "server_seconds": 1}), 13),
    Case("conflicting limits", _ENERGY.but(limits={"energy": 5, "server_seconds": 1}), None),
    Case("pins against links", _CHAIN.but(pins={"input": "device", "a": "server"}, links=[DOWN]), None),
    Case("pins against one way", _CHAIN.but(pins={"a": "server", "b": "device"}, one_way=True), None),
    Case("largest of three", _STAGES, 2),
    # the server may work 1: one branch there, largest 3
    Case("largest of three, limited", _STAGES.but(limits={"server": 1}), 3),
    # send and receive are paid once each, whatever the readers: 1 + (2 + 3) + 1 + 1 = 8 against 1 + 5 + 5 here
    Case(
        "send and receive",
        Partition(
            ["a", "b", "c"],
            [(0, 1), (0, 2)],
            metrics={
                "latency": Metric([[1, 9], [5, 1], [5, 1]], send={"device": [2, 0, 0]}, receive={"server": [3, 0, 0]})
            },
            pins={"a": "device"},
            result_at=None,
        ),
        8,
    ),
    # a layer with two tensors: only the small one crosses, 1 + 1 + 1 = 3 against 1 + 9
    Case(
        "two tensors of one layer",
        Partition(
            ["a", "b", "c"],
            tensors=[(0, (1,)), (0, (2,)), (1, ()), (2, ())],
            metrics=_latency([[1, 9], [0, 9], [9, 1]], [50, 1, 0, 0]),
            pins={"a": "device", "b": "device"},
        ),
        3,
    ),
    # b stays with the input here: all here 18, a alone there 5 + 1 + 2 + 9
    Case("together", _CHAIN.but(together=[("b", "input")]), 17),
    Case(
        "together, pinned apart", _CHAIN.but(together=[("b", "input")], pins={"input": "device", "b": "server"}), None
    ),
    # device, server, device (8) comes back: all here 0 + 9 + 3
    Case("contiguous", _TWO_WAY.but(contiguous=True), 12),
    # one layer each: the first two send, 1 + 1
    Case("equal machines", _MACHINES, 2),
    # a and c at one machine send one tensor, 2 + 1; b alone 1 + 1
    Case("equal machines, together", _MACHINES.but(together=[("a", "c")]), 3),
    # a and c would come back to their machine after b: all at one, nothing sent
    Case("equal machines, together and contiguous", _MACHINES.but(together=[("a", "c")], contiguous=True), 3),
]
