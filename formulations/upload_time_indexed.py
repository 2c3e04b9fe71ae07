"""Upload order by what is there in each slot of time, by HiGHS: a bound on any grid, exact once it is fine enough.

Sets: the units U that the least latency needs; slots [a_t, a_t+1) from a_0 = 0 to H, the time to upload them all.

    minimise    sum_t (a_t+1 - a_t) cost_t
    z[k,t]      in {0,1}: unit k is there in slot t
    x_t, ...    the copy of the cut (`upload_copies`) for slot t, with u_k = z[k,t]

    room        sum_k p_k z[k,t] <= a_t+1 - 1
    covers      sum_{k in C} z[k,t] <= |C| - 1                  for known sets C with p(C) >= a_t+1
    stays       z[k,t] <= z[k,t+1]

What any order has finished at the last tick of a slot fits `room`, so its latency throughout the slot is at least that
of the slot's copy: the optimum is a valid bound on every grid, the area under a staircase below the frontier
min {L(S): p(S) <= tau}, with the sets nested. It is no order's price while units end inside slots.

From bound to proof. The sets z_t are nested: the order that sends z_0, then what z_1 adds, and so on, is a plan. Should
it cost more than the bound, the moments at which its units end become ends of slots, and the model is solved again.
Once all of them are, z_t is what the order has finished at a_t, so bound and price agree. Each round ends the search
or rules out its own error, so it ends after finitely many; on a grid of every tick, after one.

`covers` follow from `room`, but not within HiGHS's tolerances: in a row of seconds, a set that ends a tick too late
looks like one that fits. The sets that an order has finished when a slot ends are known to be such, and so are those
that a round put where they do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import pulp

from optsplit.backends.outcome import Outcome
from optsplit.backends.pulp import OBJECTIVE_SIZE, ROW_SIZE, minimise, scale_to
from optsplit.backends.watch import Watch
from optsplit.errors import InvalidInput
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit

from .rows import Affine, Rows, one
from .upload_copies import ONE, ZERO, Copy, Network, copy, floor_to, largest, start

SLOTS = 12
_MANTISSA = 53

Covers = dict[int, set[frozenset[int]]]
"""End of a slot -> sets of units that take as long or longer."""


class _Model(Rows):
    def __init__(self, network: Network, ends: Sequence[int], covers: Covers) -> None:
        super().__init__("upload")
        self.network, self.known = network, covers
        self.slots = list(pairwise(ends))
        self.scale = scale_to(ends[-1] * largest(network), OBJECTIVE_SIZE)
        self.z = [
            [self.milp.add_variable(f"z_{k}_{t}", 0, 1, pulp.LpInteger) for t in range(len(self.slots))]
            for k in range(len(network.units))
        ]

    def room(self) -> None:
        """sum_k p_k z[k,t] <= a_t+1 - 1, with half a tick to spare for the solver's tolerance."""
        times = self.network.times
        size = scale_to(sum(times), ROW_SIZE)
        for t, (_, end) in enumerate(self.slots):
            parts = [(p, one(self.z[k][t])) for k, p in enumerate(times)]
            self._row("room", parts, pulp.LpConstraintLE, end - 1 + 0.5, size)

    def covers(self) -> None:
        """sum_{k in C} z[k,t] <= |C| - 1 for a set that is not done before a_t+1."""
        for t, (_, end) in enumerate(self.slots):
            for units in sorted(self.known.get(end, ()), key=sorted):
                self._row(
                    "covers", [(1, one(self.z[k][t])) for k in sorted(units)], pulp.LpConstraintLE, len(units) - 1
                )

    def stays(self) -> None:
        """z[k,t] <= z[k,t+1]."""
        for row in self.z:
            for now, then in pairwise(row):
                self._row("stays", [(1, one(now)), (-1, one(then))], pulp.LpConstraintLE, 0)

    def objective(self) -> None:
        """Sum over slots of length * cost."""
        cut = copy(self.network)
        terms = []
        for t, (begin, end) in enumerate(self.slots):
            variables = self.copied(t, cut)
            terms += [
                (variables[i], floor_to(_MANTISSA, (end - begin) * amount) / self.scale)
                for i, amount in cut.cost.items()
            ]
        self.milp.setObjective(pulp.LpAffineExpression(terms))
        self.offset = self.slots[-1][1] * cut.constant

    def copied(self, t: int, cut: Copy) -> list[pulp.LpVariable]:
        """The variables of the copy for slot t."""
        variables = [self.milp.add_variable(f"{name}_in_{t}", 0, 1) for name in cut.names]
        ends: dict[int, Affine] = {ZERO: (0, {}), ONE: (1, {}), **{i: one(v) for i, v in enumerate(variables)}}
        for i, k in cut.needs:
            self._row("there", [(1, ends[i]), (-1, one(self.z[k][t]))], pulp.LpConstraintLE, 0)
        for a, b in cut.at_most:
            self._row("order", [(1, ends[a]), (-1, ends[b])], pulp.LpConstraintLE, 0)
        for y, a, b in cut.crosses:
            self._row("crosses", [(1, ends[y]), (-1, ends[a]), (1, ends[b])], pulp.LpConstraintGE, 0)
        return variables


def built(network: Network, ends: Sequence[int], covers: Covers) -> _Model:
    """The model on one grid with its objective and every row."""
    model = _Model(network, ends, covers)
    for group in (model.room, model.covers, model.stays, model.objective):
        group()
    return model


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The order of least integral of latency, or the bound of the last grid; option `slots`: of the first grid."""
    slots = options.extra.get("slots", SLOTS)
    if not (isinstance(slots, int) and slots >= 1):
        raise InvalidInput(f"time-indexed: slots is {slots!r}; give a whole number, 1 or more")
    watch = Watch(options)
    network = Network(problem)
    if not network.units:
        plan = problem.plan([])
        return Answer(plan, problem.least * problem.horizon, problem.least * problem.horizon)
    ends = grid(problem.horizon, slots)
    covers: Covers = {}
    best = start(problem, network, options.hint)
    objective = problem.evaluate(best).objective
    while True:
        outcome, sets = solve_on(network, ends, covers, watch)
        learnt = False
        if sets is not None:
            order = sorted(range(len(network.units)), key=lambda k: sum(k not in there for there in sets))
            found = problem.plan(network.units[k] for k in order)
            price = problem.evaluate(found).objective
            if price < objective:
                best, objective = found, price
            learnt = learn(network, covers, ends, sets, order)
        stop = watch.report(objective, outcome.bound)
        bound = watch.trace[-1].bound if watch.trace else None
        proven = objective == bound
        if proven or stop or outcome.limit is not Limit.NONE or not learnt:
            break
        ends = sorted({*ends, *covers})
    limit = Limit.NONE if proven else watch.stopped_by if stop else outcome.limit
    answer = replace(outcome, watch=watch, bound=bound, limit=limit).answer(best, objective)
    return replace(answer, raw_status=f"{len(ends) - 1} slots in the last grid; {outcome.raw_status}")


def grid(horizon: int, slots: int) -> list[int]:
    """Ends of slots of about equal length, from 0 to the horizon; each tick where there are no more."""
    slots = min(slots, horizon)
    return [horizon * t // slots for t in range(slots + 1)]


def learn(
    network: Network, covers: Covers, ends: Sequence[int], sets: Sequence[frozenset[int]], order: Sequence[int]
) -> bool:
    """Add to `covers` what a round shows: sets that do not fit their slots, and the ends of the order's units."""
    times = network.times
    size = sum(map(len, covers.values()))
    for there, end in zip(sets, ends[1:]):
        if sum(times[k] for k in there) >= end:
            covers.setdefault(end, set()).add(there)
    done: list[int] = []
    for k, clock in zip(order, accumulate(times[k] for k in order)):
        done.append(k)
        covers.setdefault(clock, set()).add(frozenset(done))
    return sum(map(len, covers.values())) > size


def solve_on(
    network: Network, ends: Sequence[int], covers: Covers, watch: Watch
) -> tuple[Outcome, list[frozenset[int]] | None]:
    """Solve on one grid: how it ended, with the bound in the problem's units, and the set of units of each slot."""
    # what a coarse grid's incumbents cost is not the price of an order: this round keeps a trace of its own
    inner = Watch(replace(watch.options, time_limit=watch.left(), progress=None, gap=0.0))
    model = built(network, ends, covers)
    watch.built()
    outcome = minimise(model.milp, inner, scale=model.scale, offset=model.offset)
    if outcome.value is None:
        return outcome, None
    value = outcome.value
    return outcome, [frozenset(k for k, row in enumerate(model.z) if value(row[t])) for t in range(len(model.slots))]


def refuses(problem: UploadOrder) -> str | None:
    """Why it cannot take a problem of this size, or None."""
    size = len(problem.partition.layers)
    most = 150
    return None if size <= most else f"it has a copy of the network for each slot, {size} layers here, at most {most}"
