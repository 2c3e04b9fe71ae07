"""Taillard's flow shops of five machines: each published optimum found, and proven.

Source: Taillard, "Benchmarks for basic scheduling problems", EJOR 64, 1993, for the generator and its seeds; the optima
are those of the author's list, proven long since.
"""

from __future__ import annotations

import pytest

import optsplit as osp
from optsplit import Status
from optsplit.problems.flow_shop import FlowShop

TWENTY = {
    873654221: 1278, 379008056: 1359, 1866992158: 1081, 216771124: 1293, 495070989: 1235,
    402959317: 1195, 1369363414: 1234, 2021925980: 1206, 573109518: 1230, 88325120: 1108,
}  # fmt: skip
FIFTY = {
    1328042058: 2724, 200382020: 2834, 496319842: 2621, 1203030903: 2751, 1730708564: 2863,
    450926852: 2829, 1303135678: 2725, 1273398721: 2683, 587288402: 2552, 248421594: 2782,
}  # fmt: skip


@pytest.mark.parametrize(("jobs", "seed", "optimum"), [
    (jobs, seed, optimum) for jobs, table in ((20, TWENTY), (50, FIFTY)) for seed, optimum in table.items()
])  # fmt: skip
def test_the_published_optimum_is_proven(jobs: int, seed: int, optimum: int) -> None:
    result = osp.solve(FlowShop.taillard(jobs, 5, seed), time_limit=60)
    assert (result.method, result.status, result.objective) == ("branching", Status.OPTIMAL, optimum)


@pytest.mark.parametrize("method", ["cpsat", "milp"])
@pytest.mark.parametrize("seed", [873654221, 1369363414])
def test_the_models_bound_it_from_below(method: str, seed: int) -> None:
    result = osp.solve(FlowShop.taillard(20, 5, seed), method, time_limit=3)
    assert result.bound <= TWENTY[seed]
    assert result.objective is None or result.objective >= TWENTY[seed]


def test_the_generator() -> None:
    """The first machine of the first instance, as printed."""
    first = FlowShop.taillard(20, 5, 873654221)
    assert first.times[:, 0].tolist() == [
        54, 83, 15, 71, 77, 36, 53, 38, 27, 87, 76, 91, 14, 29, 12, 77, 32, 87, 68, 94
    ]  # fmt: skip
