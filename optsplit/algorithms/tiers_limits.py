"""Places in a line under limits, or with the largest of several metrics: threshold cuts inside a branch and bound.

As `optsplit.algorithms.lagrangian` does for two places, weights of the metrics are found by column generation, and
their sum is cut by `optsplit.algorithms.thresholds`: where every metric adds up along the line, so does their sum.
The flow is a lower bound, since a tensor read at two places on one side is charged once. A node is a box of places
for each layer. It is split where the columns disagree on a layer's place, or else where the flow charges too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optsplit.algorithms.hull import Column, Proposal
from optsplit.algorithms.intervals import Side
from optsplit.algorithms.thresholds import ThresholdNetwork
from optsplit.algorithms.weighted import Cut, Node, Search
from optsplit.method import Answer, Options
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition

_AGREED = 1e-6


@dataclass
class _Node(Node):
    """Layer v is at one of the places low[v]..high[v]; `under` is the last cut that charged less than its plan pays."""

    low: IntArray
    high: IntArray
    under: tuple[ThresholdNetwork, IntArray] | None = None


class _Search(Search[_Node]):
    def __init__(self, problem: Partition, options: Options) -> None:
        names = [*problem.objectives, *problem.limits]
        self.networks = [ThresholdNetwork(problem, name) for name in names]
        super().__init__(problem, options, names, [network.costs.total for network in self.networks])

    def root(self) -> _Node:
        return _Node(0, [], *self.networks[0].domains())

    def obeys(self, column: Column) -> bool:
        return self.networks[0].obeys(column.at)

    def opened(self, node: _Node) -> Cut | None:
        box = self.networks[0].tightened(node.low, node.high)
        if box is None:
            return None
        node.low, node.high = (np.array(ends[:-1], dtype=np.int64) for ends in box)
        node.columns = [c for c in node.columns if ((node.low <= c.at) & (c.at <= node.high)).all()]
        node.under = None
        unsent = np.full(len(self.problem.sources), -1, dtype=np.int64)

        def cut(weights: IntArray) -> tuple[int, Column] | None:
            network = weighted(self.networks, weights.tolist())
            found = network.cut(node.low, node.high)
            if found is None:
                return None
            value, at = found
            paid = np.array([self.problem.price(at, n.costs) for n in self.networks], dtype=np.int64)
            if value < int(weights @ paid):
                node.under = network, at
            return value, Column(at, paid, unsent)

        return cut

    def branch(self, node: _Node, proposal: Proposal) -> list[_Node]:
        places = np.array([column.at for column in node.columns]).reshape(-1, len(node.low))
        spread = np.zeros(len(node.low))
        if len(places) == len(proposal.shares):
            mean = proposal.shares @ places
            spread = proposal.shares @ np.square(places - mean)
        if spread.max(initial=0.0) > _AGREED:
            layer = int(spread.argmax())
            return self._halves(node, layer, int(np.floor(mean[layer])))
        if node.under is not None:
            network, at = node.under
            return self._halves(node, *network.split(at, node.low, node.high))
        layer = int((node.high - node.low).argmax())
        if node.low[layer] == node.high[layer]:
            return []
        return self._halves(node, layer, int(node.low[layer] + node.high[layer]) // 2)

    def _halves(self, node: _Node, layer: int, place: int) -> list[_Node]:
        """The layer at `place` or before it, and behind it."""
        low, high = node.low.copy(), node.high.copy()
        high[layer], low[layer] = place, place + 1
        return [
            _Node(node.bound, [c for c in node.columns if c.at[layer] <= place], node.low, high),
            _Node(node.bound, [c for c in node.columns if c.at[layer] > place], low, node.high),
        ]


def weighted(networks: Sequence[ThresholdNetwork], weights: Sequence[int]) -> ThresholdNetwork:
    """The network of a weighted sum of metrics, those of `networks`: their intervals add up as the costs do."""

    def total(arrays: Sequence[IntArray]) -> IntArray:
        return sum((w * array for w, array in zip(weights, arrays, strict=True)), np.zeros_like(arrays[0]))

    def side(sides: Sequence[Side]) -> Side:
        parts = [(s.cost, s.weight, s.rest) for s in sides]
        cost, weight, rest = map(total, zip(*parts))
        return Side(cost, sides[0].open, weight, rest)

    costs = [(c.compute, c.transfer, c.send, c.receive) for c in (network.costs for network in networks)]
    compute, transfer, send, receive = map(total, zip(*costs))
    both = Costs(compute, transfer, send, receive, "")
    return networks[0].priced(both, side([n.forward for n in networks]), side([n.backward for n in networks]))


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan over places in a line under any limits and for the largest of any metrics, proven in integers."""
    return _Search(problem, options).answer()
