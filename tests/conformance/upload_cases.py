"""The smallest upload problem that shows each feature, with its optimum derived by hand."""

from __future__ import annotations

from dataclasses import dataclass

from optsplit import Metric, Partition
from optsplit.problems.upload_order import UploadOrder

UP, DOWN = ("device", "server"), ("server", "device")


@dataclass(frozen=True)
class Case:
    """`optimum` is the least objective; `order` the only order that reaches it, None where several do."""

    name: str
    problem: UploadOrder
    optimum: int
    order: list[str] | None = None


def _latency(compute: list[list[int]], up: list[int], down: list[int] | None = None) -> dict[str, Metric]:
    return {"latency": Metric(compute, {UP: up, DOWN: up if down is None else down})}


# input (0) -> a -> b. L(0) = 10 + 10 = 20; L(a) = 3 + 1 + 2 + 10 = 16; L(b) = 10 + 2 + 1 + 1 = 14;
# L(a, b) = 3 + 1 + 1 + 1 = 6.
CHAIN = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics=_latency([[0, 0], [10, 1], [10, 1]], [3, 2, 1]),
    pins={"input": "device"},
)

# the tensor between a and b is too dear to cut at: 20 until both are there, then 3 + 1 + 1 + 1 = 6
_DEAR = Partition(
    ["input", "a", "b"],
    [(0, 1), (1, 2)],
    metrics=_latency([[0, 0], [10, 1], [10, 1]], [3, 50, 1]),
    pins={"input": "device"},
)

# input -> b, c -> d joins them; d is free and needs nothing. L(0) = 10 + 10 = 20. The input goes up once, 2; b's and
# c's tensors cost 1 each, d's 1. L(b) = 2 + 1 + 1 + 10 = 14, L(c) = 2 + 4 + 1 + 10 = 17, L(b, c) = 2 + 1 + 4 + 1 = 8.
_FORK = Partition(
    ["input", "b", "c", "d"],
    [(0, 1), (0, 2), (1, 3), (2, 3)],
    metrics=_latency([[0, 0], [10, 1], [10, 4], [0, 0]], [2, 1, 1, 1]),
    pins={"input": "device"},
)

CASES = (
    # a first: 5 * 20 + 6 * 16 = 196; b first: 6 * 20 + 5 * 14 = 190
    Case("chain", UploadOrder(CHAIN, [0, 5, 6]), 190, ["b", "a"]),
    # a is light: 2 * 20 + 6 * 16 = 136 against 6 * 20 + 2 * 14 = 148
    Case("light front", UploadOrder(CHAIN, [0, 2, 6]), 136, ["a", "b"]),
    # (5 + 6) * 20 either way
    Case("both or nothing", UploadOrder(_DEAR, [0, 5, 6]), 220),
    # b on the server already: 14 while a travels, and nothing else to send
    Case("present", UploadOrder(CHAIN, [0, 5, 6], present=["b"]), 70, ["a"]),
    # everything is there: no time passes
    Case("all present", UploadOrder(CHAIN, [0, 5, 6], present=["a", "b"]), 0, []),
    # b first: 4 * 20 + 4 * 14 = 136; c first: 4 * 20 + 4 * 17 = 148
    Case("fork", UploadOrder(_FORK, [0, 4, 4, 0]), 136, ["b", "c"]),
    # one unit for b and c: 8 * 20
    Case("shared weights", UploadOrder(_FORK, {"tower": (8, ["b", "c"])}), 160, ["tower"]),
    # c needs w, b needs w and own: 4 * 20 + 3 * 17 = 131 with w first, 3 * 20 + 4 * 20 = 140 with own first
    Case("two units for a layer", UploadOrder(_FORK, {"w": (4, ["b", "c"]), "own": (3, ["b"])}), 131, ["w", "own"]),
    # the input is pinned to the device: its unit never helps and is not sent, as in "chain"
    Case("useless unit", UploadOrder(CHAIN, {"input": (9, [0]), "a": (5, [1]), "b": (6, [2])}), 190, ["b", "a"]),
    # H = 70, 11 queries of 6 fit. a first: answers at 20, 40, 56 (a is there from 30), then 72 > 70: 3, so 8 lost.
    # b first: at 20, 40, 54, 68 (b is there from 40): 4, so 7 lost.
    Case("queries", UploadOrder(CHAIN, [0, 30, 40], objective="lost_queries"), 7, ["b", "a"]),
)  # fmt: skip
