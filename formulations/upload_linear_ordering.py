"""Upload order as a linear ordering with a copy of the cut for each unit, by HiGHS: exact, without a grid of time.

Sets: the units U that the least latency needs, n of them; while unit k is uploaded, those before it are there.

    minimise    sum_k p_k (cost_k - L(all)) + L(all) * H
    o[j,k]      in {0,1}, j < k: unit j is sent before unit k;  o[k,j] = 1 - o[j,k]
    x_k, ...    the copy of the cut (`upload_copies`) for unit k, with u_j = o[j,k]; layers that need k are not there

    cycles      o[i,j] + o[j,k] - o[i,k] in [0, 1]             i < j < k

n^2 / 2 binaries and n copies: for some ten units. Whole o make every copy a network matrix, so nothing else needs to be
whole. A coefficient is a product of two times and may exceed what a float holds; it is then rounded down, the bound
stays valid, and the last few ticks (a part in 2^52) remain unproven.
"""

from __future__ import annotations

import itertools

import pulp

from optsplit.backends.pulp import OBJECTIVE_SIZE, minimise, scale_to
from optsplit.backends.watch import Watch
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder

from .rows import Affine, Rows, one, total
from .upload_copies import ONE, ZERO, Copy, Network, copy, floor_to, largest, start

_MANTISSA = 53


class _Model(Rows):
    def __init__(self, network: Network) -> None:
        super().__init__("upload")
        self.network = network
        self.n = len(network.units)
        self.scale = scale_to(sum(network.times) * largest(network), OBJECTIVE_SIZE)
        self.o = {pair: self.milp.add_variable(f"o_{pair[0]}_{pair[1]}", 0, 1, pulp.LpInteger)
                  for pair in itertools.combinations(range(self.n), 2)}  # fmt: skip

    def before(self, j: int, k: int) -> Affine:
        """o[j,k] for either order of j and k."""
        return one(self.o[j, k]) if j < k else (1, {self.o[k, j]: -1})

    def cycles(self) -> None:
        """o[i,j] + o[j,k] - o[i,k] in [0, 1]: no cycle of three, so none at all."""
        for i, j, k in itertools.combinations(range(self.n), 3):
            parts = [(1, one(self.o[i, j])), (1, one(self.o[j, k])), (-1, one(self.o[i, k]))]
            self._row("cycles", parts, pulp.LpConstraintLE, 1)
            self._row("cycles", parts, pulp.LpConstraintGE, 0)

    def objective(self) -> None:
        """Sum over units of p_k * (cost_k - L(all)), and L(all) * H."""
        problem, terms = self.network.problem, []
        self.offset = problem.least * (problem.horizon - sum(self.network.times))
        for k, p in enumerate(self.network.times):
            cut = copy(self.network, {k})
            variables = self.copied(k, cut)
            self.offset += p * cut.constant
            terms += [(variables[i], floor_to(_MANTISSA, p * amount) / self.scale) for i, amount in cut.cost.items()]
        # every o stands in the objective: HiGHS then knows of all, and reads back their values
        self.milp.setObjective(pulp.LpAffineExpression(terms + [(o, 0) for o in self.o.values()]))

    def copied(self, k: int, cut: Copy) -> list[pulp.LpVariable]:
        """The variables of the copy for unit k."""
        variables = [self.milp.add_variable(f"{name}_while_{k}", 0, 1) for name in cut.names]
        ends: dict[int, Affine] = {ZERO: (0, {}), ONE: (1, {}), **{i: one(v) for i, v in enumerate(variables)}}
        for i, j in cut.needs:
            self._row("there", [(1, ends[i]), (-1, self.before(j, k))], pulp.LpConstraintLE, 0)
        for a, b in cut.at_most:
            self._row("order", [(1, ends[a]), (-1, ends[b])], pulp.LpConstraintLE, 0)
        for y, a, b in cut.crosses:
            self._row("crosses", [(1, ends[y]), (-1, ends[a]), (1, ends[b])], pulp.LpConstraintGE, 0)
        return variables


def built(network: Network) -> _Model:
    """The model with its objective and every row."""
    model = _Model(network)
    model.cycles()
    model.objective()
    return model


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The order of least integral of latency."""
    watch = Watch(options)
    network = Network(problem)
    plan = start(problem, network, options.hint)
    objective = problem.evaluate(plan).objective
    if len(network.units) < 2:
        return Answer(plan, objective, objective)
    watch.report(objective, None)
    model = built(network)
    outcome = minimise(model.milp, watch, scale=model.scale, offset=model.offset)
    if outcome.value is None:
        return outcome.answer(plan, objective)
    behind = [sum(_whole(outcome.value, model.before(j, k)) for j in range(model.n) if j != k) for k in range(model.n)]
    better = problem.plan(network.units[k] for k in sorted(range(model.n), key=behind.__getitem__))
    # rounded coefficients, and copies that an incumbent left above the cut: the price is the problem's own
    found = problem.evaluate(better).objective
    return outcome.answer(better, found) if found < objective else outcome.answer(plan, objective)


def _whole(value: object, affine: Affine) -> int:
    constant, terms = total([(1, affine)])
    return constant + sum(a * value(v) for v, a in terms.items())  # type: ignore[operator]


def refuses(problem: UploadOrder) -> str | None:
    """Why it cannot take a problem of this size, or None."""
    size = len(problem.names) * len(problem.partition.layers)
    most = 2500
    return None if size <= most else f"it has a copy of the network for each unit, {size} layers here, at most {most}"
