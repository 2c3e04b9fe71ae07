"""L(S), the least latency with the units S on the server: a minimum cut whose arcs from the source price the units.

To the arcs of `optsplit.algorithms.mincut` (source side = device, sink side = server) comes, for each unit k, an arc
of capacity w_k from the source to the layer that needs it; where several do, to a node with endless arcs to them.
A layer on the server then pays w_k once for each of its units: nothing when it is uploaded, lambda * p_k when its
upload is weighed against latency, more than any plan when it cannot be had.

Of all minimum cuts the one with most layers on the server is taken. With falling weights that side only grows, so for
all sets between two known ones the nodes that both put on one side are that terminal: `Network.between` merges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optsplit.algorithms.mincut import CutNetwork
from optsplit.backends import maxflow
from optsplit.errors import InvalidInput
from optsplit.problems.metric import IntArray

if TYPE_CHECKING:
    from optsplit.problems.upload_order import UploadOrder

_FITS = 2**61

Side = NDArray[np.bool_]
"""Shape (nodes,): True where a node is on the source side, that is on the device."""


@dataclass(frozen=True)
class Found:
    """A least cut: `scale` * latency + the weights of units in use, those units as bits, and where its nodes are."""

    value: int
    used: int
    device: Side


@dataclass(frozen=True, eq=False)
class Network:
    """Arcs with capacities, and for each unit the arc that carries its weight.

    Node 0 stands before node 1, the device: it lets no more than one endless arc through, so that arcs side by side
    stay inside 64 bits. Node 2 is the server.

    Parameters
    ----------
    tails, heads, capacities
        Shape (arcs,), integers; capacities of the arcs of units are ignored.
    unbounded
        Shape (arcs,): arcs that no plan cuts.
    units, priced
        The units, and the position of the arc of each.
    user_of, users
        Shape (uses,) each: a position in `units`, and the node of a layer that needs that unit.
    times
        Nanoseconds of each of `units`.
    nodes
        How many there are.
    constant
        What every plan pays.
    endless
        More than any plan costs.
    """

    tails: IntArray
    heads: IntArray
    capacities: IntArray
    unbounded: Side
    units: tuple[int, ...]
    priced: IntArray
    user_of: IntArray
    users: IntArray
    times: tuple[int, ...]
    nodes: int
    constant: int
    endless: int

    def least(self, inside: int, price: int = 0, scale: int = 1, there: int = 0) -> Found:
        """Least `scale` * latency + `price` * time of the units in use, which must be `inside` or `there`.

        Those `there` cost nothing.
        """
        weights = [
            (price * p if inside >> k & 1 else 0 if there >> k & 1 else -1) for k, p in zip(self.units, self.times)
        ]
        endless = scale * self.endless + sum(w for w in weights if w > 0)
        wide = endless >= _FITS
        capacities = self.capacities.astype(object) * scale if wide else self.capacities * scale
        capacities[self.unbounded] = endless
        capacities[self.priced] = [endless if w < 0 else w for w in weights]
        value, side = maxflow.minimum_cut(self.tails, self.heads, capacities, 0, 2)
        if value >= endless:
            raise InvalidInput("no plan before the upload ends: pins, links and one_way of the partition exclude it")
        device = np.zeros(self.nodes, dtype=bool)
        device[side[side < self.nodes]] = True
        device[1] = True
        used = 0
        for i in self.user_of[~device[self.users]].tolist():
            used |= 1 << self.units[i]
        return Found(scale * self.constant + value, used, device)

    def last(self) -> Found:
        """A cut of least latency whose units take least time to upload."""
        return self.least(-1, price=1, scale=sum(self.times) + 1)

    def between(self, low: Side | None, high: Side | None) -> Network:
        """The same for sets between two: on the server in `low` is the server, on the device in `high` the device."""
        node = np.full(self.nodes, -1)
        if low is not None:
            node[~low] = 2
        if high is not None:
            node[high] = 1
        node[:3] = (0, 1, 2)
        free = np.nonzero(node < 0)[0]
        node[free] = np.arange(3, 3 + len(free))
        tails, heads = node[self.tails], node[self.heads]
        # arcs into the device or out of the server carry nothing; those from one to the other are paid by all
        keep = (tails != heads) & (heads != 1) & (tails != 2)
        keep[-1] = True
        is_priced = np.zeros(len(self.tails), dtype=bool)
        is_priced[self.priced] = True
        paid = keep & (tails == 1) & (heads == 2)
        constant = int(self.capacities[paid & ~is_priced].sum())
        keep &= ~paid
        left = keep[self.priced]
        place = np.cumsum(keep) - 1
        position = np.cumsum(left) - 1
        uses = left[self.user_of] & (node[self.users] > 2)
        alive = np.nonzero(left)[0].tolist()
        return Network(
            tails[keep], heads[keep], self.capacities[keep], self.unbounded[keep],
            tuple(self.units[i] for i in alive), place[self.priced[left]],
            position[self.user_of[uses]], node[self.users[uses]],
            tuple(self.times[i] for i in alive), 3 + len(free), self.constant + constant, self.endless,
        )  # fmt: skip


def network(problem: UploadOrder) -> Network:
    """The network of a problem: units that the server holds have no arc in it."""
    partition = problem.partition
    laid = CutNetwork(partition)
    arcs = laid.arcs(partition.costs(partition.objectives[0]))
    m = len(laid.free)
    count = int(max(arcs.tails.max(initial=0), arcs.heads.max(initial=0), laid.t)) + 1
    # layers 0..m-1, then both terminals, then auxiliary nodes: the terminals become 1 and 2
    node = np.concatenate([np.arange(m) + 3, [1, 2], np.arange(count - m - 2) + 3 + m])
    at = np.where(laid.fixed == 0, 1, 2)
    at[laid.free] = node[:m]
    nodes = int(node.max(initial=2)) + 1
    units = tuple(k for k in range(len(problem.names)) if not problem.there >> k & 1)
    begins, ends, user_of, users = [], [], [], []
    target = []
    for i, k in enumerate(units):
        layers = [int(at[v]) for v in problem.holders[k] if at[v] != 1]
        user_of += [i] * len(layers)
        users += layers
        if len(layers) == 1:
            target.append(layers[0])
        else:
            target.append(nodes)
            begins += [nodes] * len(layers)
            ends += layers
            nodes += 1
    tails = np.concatenate([node[arcs.tails], np.array(begins, dtype=np.int64), np.ones(len(units), np.int64), [0]])
    heads = np.concatenate([node[arcs.heads], np.array(ends, dtype=np.int64), np.array(target, dtype=np.int64), [1]])
    more = np.full(len(begins) + len(units) + 1, arcs.endless)
    capacities = np.concatenate([arcs.capacities, more])
    first = len(arcs.tails) + len(begins)
    return Network(
        tails, heads, capacities, capacities >= arcs.endless, units, first + np.arange(len(units)),
        np.array(user_of, dtype=np.int64), np.array(users, dtype=np.int64), tuple(problem.times[k] for k in units),
        nodes, arcs.constant, arcs.endless,
    )  # fmt: skip


class UploadCut:
    """What `UploadOrder` asks: L of a set, and the units of a set of least latency and least upload."""

    def __init__(self, problem: UploadOrder) -> None:
        self.network = network(problem)

    def latency(self, there: int) -> int:
        """L of the units `there`."""
        return self.network.least(there).value

    @cached_property
    def last(self) -> int:
        """The units of a set of least latency whose upload takes least time."""
        return self.network.last().used
