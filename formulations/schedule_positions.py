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
    model = Rows("positions")
    frames = sum(counts)
    keys = [(k, c) for k, cuts in enumerate(times) for c in range(len(cuts))]
    x = {
        (k, c, i): model.milp.add_variable(f"x_{k}_{c}_{i}", 0, 1, pulp.LpInteger)
        for k, c in keys
        for i in range(frames)
    }
    top = sum(count * max(sum(cut) for cut in cuts) for cuts, count in zip(times, counts))
    size, scale = scale_to(top, ROW_SIZE), scale_to(top, OBJECTIVE_SIZE)
    most = -(-top // size)
    start = [[model.milp.add_variable(f"e_{m}_{i}", 0, most) for i in range(frames)] for m in range(STAGES)]
    z = model.milp.add_variable("z", 0, most)
    spent = [
        [total([(int(times[k][c][m]), one(x[k, c, i])) for k, c in keys]) for i in range(frames)] for m in range(STAGES)
    ]

    def equal(name: str, parts: list[tuple[int, Affine]], right: int) -> None:
        model._row(name, parts, pulp.LpConstraintLE, right)
        model._row(name, parts, pulp.LpConstraintGE, right)

    for i in range(frames):
        equal("position", [(1, one(x[k, c, i])) for k, c in keys], 1)
    for k, count in enumerate(counts):
        equal("frames", [(1, one(x[k, c, i])) for c in range(len(times[k])) for i in range(frames)], count)
    for m in range(STAGES):
        for i in range(frames):
            done: list[tuple[int, Affine]] = [(-size, one(start[m][i])), (-1, spent[m][i])]
            if i + 1 < frames:
                model._row("machine", [(size, one(start[m][i + 1])), *done], pulp.LpConstraintGE, 0, size)
            if m + 1 < STAGES:
                model._row("stage", [(size, one(start[m + 1][i])), *done], pulp.LpConstraintGE, 0, size)
        model._row("load", [(size, one(z)), *((-1, p) for p in spent[m])], pulp.LpConstraintGE, 0, size)
    for i in range(frames):
        back: Affine = total([(int(times[k][c][STAGES]), one(x[k, c, i])) for k, c in keys])
        ends: list[tuple[int, Affine]] = [(-size, one(start[-1][i])), (-1, spent[-1][i]), (-1, back)]
        model._row("end", [(size, one(z)), *ends], pulp.LpConstraintGE, 0, size)
    model.milp.setObjective(pulp.LpAffineExpression({z: size / scale}))
    outcome = minimise(model.milp, watch, scale=scale, presolve=False)
    if outcome.value is None:
        return Positions(None, outcome.bound)
    value = outcome.value
    order = [next((k, c) for k, c in keys if value(x[k, c, i])) for i in range(frames)]
    return Positions(order, outcome.bound)
