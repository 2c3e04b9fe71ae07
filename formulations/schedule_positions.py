"""Many frames in a sequence, each with its cut: the position-based model (Wagner, Naval Research Logistics 6, 1959).

Variables: x[k,c,i] in {0, 1}, the frame at position i is one of network k and takes its cut c; e[m,i] >= 0, when
machine m starts position i; z. Machines m = 1, 2, 3 are device, uplink, server; p[m,i] = sum_{k,c} load_m[k,c]
x[k,c,i], and b[i] likewise is the way back of the outputs.

    minimise z
    position    sum_{k,c} x[k,c,i] = 1
    frames      sum_{c,i} x[k,c,i] = F_k
    machine     e[m,i+1] >= e[m,i] + p[m,i]
    stage       e[m+1,i] >= e[m,i] + p[m,i]
    end         z >= e[3,i] + p[3,i] + b[i]
    load        z >= sum_i p[m,i]

In a permutation all machines take the frames in one order. For the makespan of three machines some permutation is
optimal (Johnson 1954). That stays true with the same way back behind every frame that the server sees: the others
have nothing behind the device, so an optimal device takes them last, and they are in nobody's way. So where every cut
is a job of three stages - in a chain - z bounds every schedule, also those whose ways back wait for each other.
Elsewhere a frame's stages can overlap, and the model is a heuristic: its sequences are good, its bound is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import pulp

from optsplit.backends.pulp import OBJECTIVE_SIZE, ROW_SIZE, minimise, scale_to
from optsplit.backends.watch import Watch
from optsplit.method import Options

from .rows import Affine, Rows, one, total

STAGES = 3


@dataclass(frozen=True)
class Positions:
    """Frames in their order as (network, index into its cuts), None without a solution; and the model's bound."""

    frames: list[tuple[int, int]] | None
    bound: int | None


class _Model(Rows):
    def __init__(self, times: Sequence[Sequence[Sequence[int]]], counts: Sequence[int]) -> None:
        super().__init__("positions")
        self.times, self.counts = times, counts
        self.positions = range(sum(counts))
        self.cuts = [(k, c) for k, cuts in enumerate(times) for c in range(len(cuts))]
        self.x = {
            (k, c, i): self.milp.add_variable(f"x_{k}_{c}_{i}", 0, 1, pulp.LpInteger)
            for k, c in self.cuts
            for i in self.positions
        }
        self.top = sum(count * max(sum(cut) for cut in cuts) for cuts, count in zip(times, counts))
        self.size = scale_to(self.top, ROW_SIZE)
        most = -(-self.top // self.size)
        self.e = [[self.milp.add_variable(f"e_{m}_{i}", 0, most) for i in self.positions] for m in range(STAGES)]
        self.z = self.milp.add_variable("z", 0, most)
        *self.p, self.b = [[self._spent(m, i) for i in self.positions] for m in range(STAGES + 1)]

    def _spent(self, m: int, i: int) -> Affine:
        return total((int(self.times[k][c][m]), one(self.x[k, c, i])) for k, c in self.cuts)

    def _at_least(self, name: str, later: pulp.LpVariable, parts: Sequence[tuple[int, Affine]]) -> None:
        earlier = [(-factor, part) for factor, part in parts]
        self._row(name, [(self.size, one(later)), *earlier], pulp.LpConstraintGE, 0, self.size)

    def _done(self, m: int, i: int) -> list[tuple[int, Affine]]:
        return [(self.size, one(self.e[m][i])), (1, self.p[m][i])]

    def position(self) -> None:
        """sum_{k,c} x[k,c,i] = 1."""
        for i in self.positions:
            self._equal("position", [(1, one(self.x[k, c, i])) for k, c in self.cuts], 1)

    def frames(self) -> None:
        """sum_{c,i} x[k,c,i] = F_k."""
        for k, count in enumerate(self.counts):
            mine = [(1, one(self.x[k, c, i])) for c in range(len(self.times[k])) for i in self.positions]
            self._equal("frames", mine, count)

    def machine(self) -> None:
        """e[m,i+1] >= e[m,i] + p[m,i]."""
        for m, (i, then) in product(range(STAGES), pairwise(self.positions)):
            self._at_least("machine", self.e[m][then], self._done(m, i))

    def stage(self) -> None:
        """e[m+1,i] >= e[m,i] + p[m,i]."""
        for (m, after), i in product(pairwise(range(STAGES)), self.positions):
            self._at_least("stage", self.e[after][i], self._done(m, i))

    def end(self) -> None:
        """z >= e[3,i] + p[3,i] + b[i]."""
        for i in self.positions:
            self._at_least("end", self.z, [*self._done(STAGES - 1, i), (1, self.b[i])])

    def load(self) -> None:
        """z >= sum_i p[m,i]."""
        for p in self.p:
            self._at_least("load", self.z, [(1, spent) for spent in p])

    def objective(self) -> None:
        """z."""
        self.scale = scale_to(self.top, OBJECTIVE_SIZE)
        self.milp.setObjective(pulp.LpAffineExpression({self.z: self.size / self.scale}))


def built(times: Sequence[Sequence[Sequence[int]]], counts: Sequence[int]) -> _Model:
    """The model of so many frames of each network with its objective and every row."""
    model = _Model(times, counts)
    for group in (model.position, model.frames, model.machine, model.stage, model.end, model.load, model.objective):
        group()
    return model


def solve(times: Sequence[Sequence[Sequence[int]]], counts: Sequence[int], options: Options) -> Positions:
    """The least permutation schedule of so many frames of each network.

    Parameters
    ----------
    times
        times[network][cut] = ns on device, uplink, server, way back.
    counts
        Frames of each network.
    """
    watch = Watch(options)
    model = built(times, counts)
    outcome = minimise(model.milp, watch, scale=model.scale, presolve=False)
    if outcome.value is None:
        return Positions(None, outcome.bound)
    value = outcome.value
    order = [next((k, c) for k, c in model.cuts if value(model.x[k, c, i])) for i in model.positions]
    return Positions(order, outcome.bound)
