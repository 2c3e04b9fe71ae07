"""Partition between two places as a minimum s-t cut.

Source side = first place, sink side = second. A layer v pays compute[v, 1] when the arc s -> v is cut and
compute[v, 0] when v -> t is. A tensor of source u pays its way up once, however many layers read it there:
u -> u' with the cost up, u' -> reader without end; and its way down once: reader -> u'' without end, u'' -> u
with the cost down. A layer pinned to a place is the terminal itself. `one_way` forbids a reader at the first
place whose source is at the second: reader -> u without end. An output that must end at a place has that
terminal as one more reader.

The flow is a certificate: its value bounds every plan from below, and equals the cost of the cut.

The graph printed in DADS (Hu et al., INFOCOM 2019, section V) has neither the way down nor the pinned input;
`optsplit.baselines.dads` has it as printed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optsplit.backends import maxflow
from optsplit.method import Answer, Options
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition

_FITS = 2**62


@dataclass(frozen=True)
class Cut:
    """A minimum cut: `at[v]` = 0 or 1, the place of each layer; `value` = its cost = the maximum flow.

    `at` is None when every cut is infinite: pins, links and one_way exclude every plan.
    """

    at: IntArray | None
    value: int


@dataclass(frozen=True)
class Arcs:
    """Arcs tails[i] -> heads[i] with their capacities; a cut of them costs `constant` more as a plan.

    A cut of `endless` or more is no plan.
    """

    tails: IntArray
    heads: IntArray
    capacities: IntArray
    constant: int
    endless: int


class CutNetwork:
    """The arcs of a two-place problem, laid out once; `cut` prices them for one metric.

    An envelope or a branch and bound solves hundreds of cuts on the same arcs with other capacities. `fixed` overrides
    the problem's pins; `closed` says which tensors (T,) may not be sent up, and down.
    """

    def __init__(
        self,
        problem: Partition,
        fixed: IntArray | None = None,
        closed: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
    ) -> None:
        fixed = problem.fixed if fixed is None else fixed
        n, tensors = len(problem.layers), len(problem.sources)
        self.n, self.fixed = n, fixed
        self.free = np.nonzero(fixed < 0)[0]
        m = len(self.free)
        self.s, self.t = m, m + 1
        # node of each layer: itself, or the terminal of the place to which it is pinned
        node = np.where(fixed == 0, self.s, self.t)
        node[self.free] = np.arange(m)

        read, reader = problem.reads
        if problem.result_place >= 0:
            outputs = np.array(problem.outputs, dtype=np.int64)
            terminal = self.s if problem.result_place == 0 else self.t
            ends = np.concatenate([node[reader], np.full(len(outputs), terminal)])
            read_all = np.concatenate([read, outputs])
        else:
            ends, read_all = node[reader], read
        begins = node[problem.sources]
        # one arc for each pair (tensor, end), except those that end where they begin
        pairs = np.unique(read_all * (m + 2) + ends)
        tensor, end = pairs // (m + 2), pairs % (m + 2)
        keep = end != begins[tensor]
        tensor, end = tensor[keep], end[keep]
        count = np.bincount(tensor, minlength=tensors)
        to_s = np.bincount(tensor[end == self.s], minlength=tensors) > 0
        to_t = np.bincount(tensor[end == self.t], minlength=tensors) > 0

        # up: straight to the only reader, or to the sink when it is one (no other reader then adds anything),
        # else through an auxiliary node; down is the mirror image
        direct_up = (count == 1)[tensor] | (to_t[tensor] & (end == self.t))
        hub_up = (count > 1) & ~to_t & (begins != self.t)
        direct_down = (count == 1)[tensor] | (to_s[tensor] & (end == self.s))
        hub_down = (count > 1) & ~to_s & (begins != self.s)
        up_node = np.full(tensors, -1)
        up_node[hub_up] = m + 2 + np.arange(int(hub_up.sum()))
        down_node = np.full(tensors, -1)
        down_node[hub_down] = m + 2 + int(hub_up.sum()) + np.arange(int(hub_down.sum()))

        hubs_up, hubs_down = np.nonzero(hub_up)[0], np.nonzero(hub_down)[0]
        spread, gather = hub_up[tensor], hub_down[tensor]
        up_tail = [begins[tensor[direct_up]], begins[hubs_up]]
        up_head = [end[direct_up], up_node[hubs_up]]
        down_tail = [end[direct_down], down_node[hubs_down]]
        down_head = [begins[tensor[direct_down]], begins[hubs_down]]
        endless_tail = [up_node[tensor[spread]], end[gather]]
        endless_head = [end[spread], down_node[tensor[gather]]]
        if problem.one_way:
            endless_tail.append(node[reader])
            endless_head.append(begins[read])
        self._up = np.concatenate([tensor[direct_up], hubs_up])
        self._down = np.concatenate([tensor[direct_down], hubs_down])
        self._endless = sum(len(part) for part in endless_tail)
        self._layers = np.arange(m)
        tail = np.concatenate([*up_tail, *down_tail, *endless_tail])
        head = np.concatenate([*up_head, *down_head, *endless_head])
        # arcs into s or out of t carry no flow; they only cost time
        self._useful = (head != self.s) & (tail != self.t) & (tail != head)
        # an endless arc s -> t excludes every plan: keep it, the flow shows it
        self._tail, self._head = tail[self._useful], head[self._useful]
        if closed is None:
            closed = np.full(tensors, not problem.allowed[0, 1]), np.full(tensors, not problem.allowed[1, 0])
        self._closed_up, self._closed_down = closed

    def arcs(self, costs: Costs) -> Arcs:
        """The arcs with their capacities for these costs."""
        # no plan costs more than `total`, so an arc of more than that is never worth cutting
        endless = costs.total + 1
        up, down = costs.crossing(0, 1), costs.crossing(1, 0)
        up, down = np.where(self._closed_up, endless, up), np.where(self._closed_down, endless, down)
        compute = costs.compute
        pinned = np.nonzero(self.fixed >= 0)[0]
        here, there = compute[self.free, 0], compute[self.free, 1]
        least = np.minimum(here, there)
        constant = int(compute[pinned, self.fixed[pinned]].sum()) + int(least.sum())
        away = np.concatenate([up[self._up], down[self._down], np.full(self._endless, endless)])[self._useful]
        # only the difference between the two places matters: one terminal arc for each layer
        stays, leaves = there > here, here > there
        return Arcs(
            tails=np.concatenate([self._tail, np.full(int(stays.sum()), self.s), self._layers[leaves]]),
            heads=np.concatenate([self._head, self._layers[stays], np.full(int(leaves.sum()), self.t)]),
            capacities=np.concatenate([away, (there - least)[stays], (here - least)[leaves]]),
            constant=constant,
            endless=endless,
        )

    def cut(self, costs: Costs) -> Cut:
        """The minimum cut for these costs; of several minimal ones, that with most layers at the second place."""
        arcs = self.arcs(costs)
        tails, heads, capacities, source = arcs.tails, arcs.heads, arcs.capacities, self.s
        if capacities.dtype != object and capacities[tails == source].sum(dtype=np.float64) >= _FITS:
            # endless arcs side by side could carry more than 64 bits: a source before s lets no more than one through
            source = int(max(tails.max(), heads.max(), self.t)) + 1
            tails, heads = np.append(tails, source), np.append(heads, self.s)
            capacities = np.append(capacities, arcs.endless)
        value, side = maxflow.minimum_cut(tails, heads, capacities, source, self.t)
        if value >= arcs.endless:
            return Cut(None, arcs.endless)
        at = np.where(self.fixed >= 0, self.fixed, 1)
        at[self.free[side[side < len(self.free)]]] = 0
        return Cut(at, arcs.constant + value)


def solve(problem: Partition, options: Options) -> Answer:
    """The least plan of one metric over two places, without limits, proven by the flow."""
    start = time.perf_counter()
    network = CutNetwork(problem)
    built = time.perf_counter()
    cut = network.cut(problem.costs(problem.objectives[0]))
    answer = Answer(
        build_seconds=built - start,
        solve_seconds=time.perf_counter() - built,
        solver=maxflow.SOLVER,
        versions=maxflow.VERSIONS,
    )
    if cut.at is None:
        return replace(answer, infeasible=True, raw_status="every cut is infinite")
    return replace(answer, plan=problem.plan(cut.at), objective=cut.value, bound=cut.value)
