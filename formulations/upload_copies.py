"""Copies of the cut behind an upload problem: what a query costs with some of the units on the server.

One copy, for units there given as literals, is section 1's two-place model without integrality of its own:

    x[v] in [0,1]       layer v runs at the server;  0 where it is pinned to the device or can never be loaded
    up[t], down[t]      in [0,1]: tensor t is sent up, down         (where that costs anything)

    there    x[v] <= u_j                            layer v needs unit j, u_j: unit j is there
    crosses  up[t] >= x[v] - x[src(t)]              v reads t;  an output's end is a reader pinned to its place
             down[t] >= x[src(t)] - x[v]
    order    x[v] <= x[src(t)]                      where there is no link up
             x[src(t)] <= x[v]                      where there is no link down, and under one_way, v reads t
    cost     sum_v c[v,device] (1 - x[v]) + c[v,server] x[v]  +  sum_t f_up[t] up[t] + f_down[t] down[t]

For whole u_j these rows are a network matrix: the least cost is L of the units that are there.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.problems.upload_units import needed


@dataclass(frozen=True)
class Read:
    """Tensor `tensor` of layer `source`, read by layer `reader`; None is an output's end, where `at_server` it is."""

    tensor: int
    source: int
    reader: int | None
    at_server: bool = False


class Network:
    """What every copy has in common.

    Attributes
    ----------
    units
        The units to order, by position in the problem.
    needs
        For each layer: the positions in `units` of what it waits for; None where it never runs at the server.
    """

    def __init__(self, problem: UploadOrder) -> None:
        partition = problem.partition
        self.problem, self.partition = problem, partition
        self.units = needed(problem)
        place = {k: i for i, k in enumerate(self.units)}
        needs: list[tuple[int, ...] | None] = [() for _ in partition.layers]
        for k, layers in enumerate(problem.holders):
            for v in layers if not problem.there >> k & 1 else ():
                before = needs[v]
                needs[v] = None if before is None or k not in place else (*before, place[k])
        fixed = partition.fixed.tolist()
        self.needs = tuple(None if fixed[v] == 0 else of for v, of in enumerate(needs))
        self.server = frozenset(v for v, p in enumerate(fixed) if p == 1)
        costs = partition.costs(partition.objectives[0])
        self.compute: list[list[int]] = costs.compute.tolist()
        self.up: list[int] = costs.crossing(0, 1).tolist()
        self.down: list[int] = costs.crossing(1, 0).tolist()
        self.links = bool(partition.allowed[0, 1]), bool(partition.allowed[1, 0])

    @property
    def times(self) -> list[int]:
        """Nanoseconds to upload each of `units`."""
        return [self.problem.times[k] for k in self.units]

    def reads(self) -> Iterator[Read]:
        """Every reading of a tensor, an output's end included."""
        for t, (u, readers) in enumerate(self.partition.tensors):
            for v in dict.fromkeys(readers):
                yield Read(t, u, v)
        if self.partition.result_place >= 0:
            for t in self.partition.outputs:
                yield Read(t, self.partition.tensors[t][0], None, self.partition.result_place == 1)


ZERO, ONE = -1, -2
"""Literals that are constants; others are positions in `Copy.names`."""


@dataclass(frozen=True)
class Copy:
    """One copy as plain data; a literal is a position in `names`, ZERO or ONE.

    Attributes
    ----------
    names
        Of its variables, all in [0, 1].
    needs
        (x, j): x <= u_j.
    at_most
        (a, b): a <= b.
    crosses
        (y, a, b): y >= a - b.
    constant, cost
        cost = constant + sum of cost[i] * variable i.
    """

    names: tuple[str, ...]
    needs: tuple[tuple[int, int], ...]
    at_most: tuple[tuple[int, int], ...]
    crosses: tuple[tuple[int, int, int], ...]
    constant: int
    cost: Mapping[int, int]


def copy(network: Network, lacks: Container[int] = ()) -> Copy:
    """The copy in which the units `lacks`, positions in `network.units`, are certainly not there."""
    names, needs = list[str](), list[tuple[int, int]]()
    at_most, crosses = list[tuple[int, int]](), list[tuple[int, int, int]]()
    cost: dict[int, int] = {}

    def variable(name: str) -> int:
        names.append(name)
        return len(names) - 1

    x = []
    for v, of in enumerate(network.needs):
        if of is None or any(j in lacks for j in of):
            x.append(ZERO)
        elif v in network.server:
            x.append(ONE)
        else:
            x.append(variable(f"x_{v}"))
            needs += [(x[v], j) for j in of]
    constant = 0
    for v, (here, there) in enumerate(network.compute):
        constant += there if x[v] == ONE else here
        if x[v] >= 0:
            cost[x[v]] = there - here
    moved: dict[tuple[int, bool], int] = {}
    for read in network.reads():
        source = x[read.source]
        reader = (ONE if read.at_server else ZERO) if read.reader is None else x[read.reader]
        for up, a, b in ((True, reader, source), (False, source, reader)):
            if a in (ZERO, b) or b == ONE:
                continue  # a - b is never above 0
            one_way = network.partition.one_way and not up and read.reader is not None
            price = (network.up if up else network.down)[read.tensor]
            if not network.links[0 if up else 1] or one_way:
                at_most.append((a, b))
            elif price:
                key = read.tensor, up
                if key not in moved:
                    moved[key] = variable(f"{'up' if up else 'down'}_{read.tensor}")
                    cost[moved[key]] = price
                crosses.append((moved[key], a, b))
    return Copy(tuple(names), tuple(needs), tuple(at_most), tuple(crosses), constant, cost)


def start(problem: UploadOrder, network: Network, hint: UploadPlan | None) -> UploadPlan:
    """The order to begin with, and to return where a limit comes before the solver's first: the hint, or in order."""
    if hint is not None and hint.batches is None and not problem.evaluate(hint).violations:
        return hint
    return problem.plan(network.units)


def largest(network: Network) -> int:
    """No copy costs more than this."""
    return sum(max(row) for row in network.compute) + sum(network.up) + sum(network.down)


def floor_to(bits: int, value: int) -> int:
    """`value`, rounded down to what `bits` significant bits can hold: a bound of rounded costs stays valid."""
    drop = max(0, abs(value).bit_length() - bits)
    return (value >> drop) << drop
