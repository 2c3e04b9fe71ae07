"""An order whose search is stopped is no worse than the quick rules, and its bound stays."""

from __future__ import annotations

import random

import pytest

import optsplit as osp
from optsplit import Limit, Status
from tests.upload_instances import random_upload


@pytest.fixture(scope="module")
def wide() -> osp.UploadOrder:
    """A network of which the search settles nothing in a hundredth of a second."""
    return osp.UploadOrder.from_profile(osp.bundled("densenet201"), osp.Connection.mbit(20), load={"device": 12.0})


def test_stopped_it_is_as_good_as_every_quick_rule(wide: osp.UploadOrder) -> None:
    stopped = osp.solve(wide, time_limit=0.3)
    assert (stopped.method, stopped.status, stopped.limit) == ("sidney", Status.FEASIBLE, Limit.TIME)
    for rule in ("ionn-efficiency", "ionn-layerwise", "in-order", "density"):
        assert stopped.objective <= osp.solve(wide, rule).objective
    assert stopped.bound < stopped.objective


def test_a_hint_is_kept_where_it_is_better(wide: osp.UploadOrder) -> None:
    better = osp.solve(wide, "sidney", time_limit=4.0)
    assert osp.solve(wide, "sidney", time_limit=0.3, hint=better.plan).objective <= better.objective


def test_what_is_proven_is_left_alone() -> None:
    for seed in range(8):
        problem = random_upload(random.Random(seed))
        assert osp.solve(problem, "sidney").objective == osp.solve(problem, "brute").objective
