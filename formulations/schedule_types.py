"""How many frames take which cut: a bound for the makespan of many frames, without any sequence.

Variables: n[k,c] in {0, 1, ...}, the frames of network k that take cut c; z, the makespan; g[w] in {0, 1}, whether a
window has anything in it.

    minimise z
    frames      sum_c n[k,c] = F_k                                          for each network k
    window      z >= sum_{k,c} load_w[k,c] n[k,c] + (head + tail) g[w]
    price       z >= sum_{k,c} floor(price_r[k,c] / W_r) n[k,c]             W_r = sum of the weights r
    open        sum_{k,c: load_w[k,c] > 0} n[k,c] <= F g[w]                 F = all frames; w with a head or a tail

A window w = (machine, head, tail) is that part of a machine's work which cannot start before `head` and is followed by
at least `tail` more, whatever the schedule is (`optsplit.problems.schedule_cuts`). A machine does one thing at a time,
so head + work + tail bounds the makespan: the one-machine bound of Carlier (EJOR 11, 1982), here for cuts that are
still to be chosen. There are too many windows to write down. The loads alone come first; then those that the solution
breaks are added, until none is. Every one of these programmes is a relaxation, so each of their bounds holds.

A price is at least the weighted load of the machines; for classes of cuts that may come back it says more than the
loads do (`optsplit.algorithms.schedule_returning`).

One window is of two machines. Let b_f be the least work of the server behind the last tensor that frame f sends, S the
frames with b_f >= b, and T the time when the last tensor of S has arrived. Every other frame has sent all before T, or
its b_f comes after T, as does b, and one way back of an output:

    z >= sum_{f in S} sent_f + sum_{f not in S} min(sent_f, b_f) + (b + least way back) g[w]

and here `open` counts the frames in S.

Cuts whose loads in all windows so far are no less than another's are left out: the other could replace them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pulp
from numpy.typing import NDArray

from optsplit.backends.pulp import OBJECTIVE_SIZE, ROW_SIZE, minimise, scale_to
from optsplit.backends.watch import Watch
from optsplit.problems.metric import IntArray
from optsplit.problems.schedule_cuts import CutTypes
from optsplit.result import Limit

from .rows import Affine, Rows, one

_NEVER = np.iinfo(np.int64).max

_ADDED = 4
"""Windows that are added at once."""

_ROUGH = 1e-5
"""Relative gap of the programmes as long as windows are missing."""

CutCounts = tuple[dict[int, int], ...]
"""For each network how many frames take which cut."""


BOTH = "uplink, then server"


@dataclass(frozen=True)
class Window:
    """The work of a machine that starts at `head` at the earliest and is followed by `tail` at least.

    Of `BOTH` machines `head` is the least way back, and `tail` the work b of the docstring.
    """

    machine: str
    head: int = 0
    tail: int = 0

    def load(self, types: CutTypes) -> IntArray:
        """Shape (C,): what each cut has in the window, in ns."""
        if self.machine == "device":
            return np.where(types.device_tail >= self.tail, types.compute, 0)
        if self.machine == "uplink":
            inside = (types.send_head >= self.head) & (types.send_tail >= self.tail)
            return np.asarray(np.where(inside, types.sent, 0).sum(axis=1))
        if self.machine == BOTH:
            sent = types.sent.sum(axis=1)
            return np.asarray(np.where(self.opened(types), sent, np.minimum(sent, types.last_work)))
        if self.machine == "server":
            return np.where((types.server_head >= self.head) & (types.server_tail >= self.tail), types.server, 0)
        return types.back

    def opened(self, types: CutTypes) -> NDArray[np.bool_]:
        """Shape (C,): the cuts for whose frames head and tail count."""
        if self.machine == BOTH:
            return (types.last_work >= self.tail) & types.sent.any(axis=1)
        return self.load(types) > 0


@dataclass(frozen=True)
class Network:
    """The cuts of a network, their prices (C, R) by R weights of the machines, and its number of frames."""

    types: CutTypes
    prices: IntArray
    count: int


def bound(
    networks: Sequence[Network],
    watch: Watch,
    weights: IntArray,
    improve: Callable[[CutCounts], int],
    narrow: Callable[[CutCounts], Sequence[Network] | None] = lambda _: None,
) -> int | None:
    """Add windows until none is broken, the time is over, or the bound meets the incumbent; None without any bound.

    A cut that no schedule better than the incumbent can have even once is left out: with weights w of the machines,
    sum W, one frame of it and the cheapest cut for all others already cost W * incumbent. What is proved then is that
    every schedule takes the programme's bound or the incumbent, whichever is less.

    Parameters
    ----------
    networks
        The cuts of each network, their prices, and its number of frames.
    watch
        Its time limit counts; every bound is reported to it.
    weights
        Shape (R, 4): of device, uplink, server, way back; integers, such as `optsplit.algorithms.schedule_load` finds.
    improve
        Given how many frames of each network take which cut, returns the makespan of the best schedule known.
    narrow
        Given the same, returns networks in which the classes of cuts that were taken are split, or None.
    """
    sums = weights.sum(axis=1)
    windows = [Window("device"), Window("uplink"), Window("server"), Window("back")]
    incumbent = improve(tuple({} for _ in networks))
    best: int | None = None
    rough = _ROUGH
    while True:
        if not all(len(network.prices) for network in networks):
            return incumbent
        lowest = [network.prices.min(axis=0) for network in networks]
        least = sum(network.count * low for network, low in zip(networks, lowest))
        # where the prices are those of the loads, the loads say it
        shares = [network.prices // sums for network in networks]
        if all((network.prices == network.types.loads @ weights.T).all() for network in networks):
            shares = [share[:, :0] for share in shares]
        room = sums * incumbent - least
        useful = [np.nonzero((n.prices - low < room).all(axis=1))[0] for n, low in zip(networks, lowest)]
        if not all(map(len, useful)):
            return incumbent
        found = _solve(built(networks, shares, useful, windows), watch, rough)
        if found is None:
            return best
        best = min(incumbent, found[0]) if best is None else max(best, min(incumbent, found[0]))
        if watch.report(None, best) or watch.left() == 0.0 or best >= incumbent:
            return best
        incumbent = improve(found[1])
        broken = [window for window in _broken(networks, found[1], best) if window not in windows][:_ADDED]
        windows += broken
        narrower = narrow(found[1])
        if narrower is None and not broken and not rough:
            return best
        networks = networks if narrower is None else narrower
        rough = rough if broken or narrower is not None else 0.0


class _Model(Rows):
    """Of some cuts of each network; `shares` are price / W, shape (C, R), and stand beside the windows."""

    def __init__(
        self,
        networks: Sequence[Network],
        shares: Sequence[IntArray],
        useful: Sequence[IntArray],
        windows: Sequence[Window],
    ) -> None:
        super().__init__("types")
        self.networks, self.windows = networks, windows
        self.prices = range(len(windows), len(windows) + shares[0].shape[1])
        self.loads = [
            np.concatenate([np.stack([window.load(network.types) for window in windows], axis=1), share], axis=1)
            for network, share in zip(networks, shares)
        ]
        self.opened = [np.stack([window.opened(network.types) for window in windows], axis=1) for network in networks]
        chosen = [
            [int(cuts[c]) for c in undominated(np.concatenate([load[cuts], opens[cuts]], axis=1))]
            for load, opens, cuts in zip(self.loads, self.opened, useful)
        ]
        self.n = [
            {c: self.milp.add_variable(f"n_{k}_{c}", 0, network.count, pulp.LpInteger) for c in cuts}
            for k, (cuts, network) in enumerate(zip(chosen, networks))
        ]
        most = sum(int(load.max()) * network.count for load, network in zip(self.loads, networks))
        self.top = most + max(window.head + window.tail for window in windows)
        self.size = scale_to(self.top, ROW_SIZE)
        self.z = self.milp.add_variable("z", 0, -(-self.top // self.size))
        self.g = {
            w: self.milp.add_variable(f"g_{w}", 0, 1, pulp.LpInteger)
            for w, window in enumerate(windows)
            if window.head + window.tail
        }

    def frames(self) -> None:
        """sum_c n[k,c] = F_k."""
        for network, number in zip(self.networks, self.n):
            self._equal("frames", [(1, one(n)) for n in number.values()], network.count)

    def _above(self, name: str, w: int, ends: Sequence[tuple[int, Affine]] = ()) -> None:
        filled = [(int(self.loads[k][c, w]), n) for k, cuts in enumerate(self.n) for c, n in cuts.items()]
        parts = [(self.size, one(self.z)), *((-load, one(n)) for load, n in filled if load), *ends]
        self._row(name, parts, pulp.LpConstraintGE, 0, self.size)

    def window(self) -> None:
        """z >= sum_{k,c} load_w[k,c] n[k,c] + (head + tail) g[w]."""
        for w, window in enumerate(self.windows):
            self._above("window", w, [(-window.head - window.tail, one(self.g[w]))] if w in self.g else [])

    def price(self) -> None:
        """z >= sum_{k,c} floor(price_r[k,c] / W_r) n[k,c]."""
        for r in self.prices:
            self._above("price", r)

    def open(self) -> None:
        """sum_{k,c: load_w[k,c] > 0} n[k,c] <= F g[w]; of the window of two machines, those in S."""
        frames = sum(network.count for network in self.networks)
        for w, g in self.g.items():
            opening = [(1, one(n)) for k, cuts in enumerate(self.n) for c, n in cuts.items() if self.opened[k][c, w]]
            self._row("open", [*opening, (-frames, one(g))], pulp.LpConstraintLE, 0)

    def objective(self) -> None:
        """z."""
        self.scale = scale_to(self.top, OBJECTIVE_SIZE)
        self.milp.setObjective(pulp.LpAffineExpression({self.z: self.size / self.scale}))


def built(
    networks: Sequence[Network], shares: Sequence[IntArray], useful: Sequence[IntArray], windows: Sequence[Window]
) -> _Model:
    """The model of some windows and of the cuts `useful` of each network, with its objective and every row."""
    model = _Model(networks, shares, useful, windows)
    for group in (model.frames, model.open, model.window, model.price, model.objective):
        group()
    return model


def _solve(model: _Model, watch: Watch, gap: float) -> tuple[int, CutCounts] | None:
    """The programme's bound, to a relative gap, and its counts."""
    inner = Watch(replace(watch.options, time_limit=watch.left(), progress=None, gap=gap))
    outcome = minimise(model.milp, inner, scale=model.scale, presolve=False)
    if outcome.limit is Limit.INTERRUPT:
        watch.interrupt()
    if outcome.bound is None or outcome.value is None:
        return None
    value = outcome.value
    return outcome.bound, tuple({c: value(n) for c, n in cuts.items() if value(n)} for cuts in model.n)


def undominated(loads: IntArray) -> list[int]:
    """Rows of loads (C, W) that no other row is below in every column; of equal rows the first."""
    kept: list[int] = []
    best = np.empty((0, loads.shape[1]), dtype=loads.dtype)
    for c in np.lexsort([*loads.T[::-1], loads.sum(axis=1)]).tolist():
        if not (best <= loads[c]).all(axis=1).any():
            kept.append(c)
            best = loads[kept]
    return kept


def _broken(networks: Sequence[Network], counts: Sequence[dict[int, int]], value: int) -> list[Window]:
    """The windows that the counts fill beyond `value`, worst first."""
    taken = [(network.types, c, n) for network, found in zip(networks, counts) for c, n in found.items()]
    sends = [(types.send_head[types.sent[c] > 0], types.send_tail[c][types.sent[c] > 0]) for types, c, _ in taken]
    heads = {head for starts, _ in sends for head in starts.tolist()}
    tails = {tail for _, ends in sends for tail in ends.tolist()}
    back = min((int(n.types.server_tail[n.types.server > 0].min(initial=_NEVER)) for n in networks), default=0) % _NEVER
    pairs = list(product(taken, taken))
    candidates = [
        *(Window("device", 0, int(types.device_tail[c])) for types, c, _ in taken),
        *(Window("server", int(a.server_head[c]), int(b.server_tail[d])) for (a, c, _), (b, d, _) in pairs),
        *(Window("uplink", head, tail) for head, tail in product(heads, tails)),
        *(Window(BOTH, back, int(types.last_work[c])) for types, c, _ in taken if types.last_work[c]),
    ]  # fmt: skip
    filled = []
    for window in dict.fromkeys(candidates):
        work = sum(n * int(window.load(types)[c]) for types, c, n in taken)
        if work and window.head + work + window.tail > value:
            filled.append((window.head + work + window.tail, window))
    return [window for _, window in sorted(filled, key=lambda pair: -pair[0])]
