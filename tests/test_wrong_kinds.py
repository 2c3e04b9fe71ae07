"""Objects of the wrong kind are refused by name, wherever a user hands one over."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import optsplit as osp
from optsplit.errors import InvalidInput
from tests.test_report import fork_profile

ARCS = ("device", "server"), ("server", "device")
PART = osp.Partition(["a", "b"], edges=[("a", "b")], metrics={"latency": osp.Metric([[1, 1], [9, 1]])})
SHOP = osp.FlowShop([[1, 2]])
UPLOAD = osp.UploadOrder(PART, upload=[1, 2])
WIFI = osp.links["wifi"]


def profiled(link: Any = WIFI, **options: Any) -> osp.Partition:
    return osp.Partition.from_profile(fork_profile(), link, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PART.but(pins=["a"]), "pins are ['a']; give a place for each, such as {'a': 'device'}"),
        (lambda: PART.evaluate("x"), "plan is a str; give an optsplit.PartitionPlan"),  # type: ignore[arg-type]
        (lambda: osp.Partition([1, 2], metrics=PART.metrics), "partition: layer name 1; give a text"),  # type: ignore[list-item]
        (lambda: osp.Schedule(PART), "schedule: the jobs are one Partition; give a list"),  # type: ignore[arg-type]
        (lambda: osp.Schedule([PART], cuts=["x"]), "plan is a str; give an optsplit.PartitionPlan"),  # type: ignore[list-item]
        (lambda: osp.envelope(SHOP), "envelope of a FlowShop; give an optsplit.Partition"),  # type: ignore[arg-type]
        (lambda: osp.envelope(UPLOAD), "envelope of a UploadOrder; give"),  # type: ignore[arg-type]
        (lambda: osp.decision_table(SHOP), "decision table of a FlowShop; give a Partition with exits"),  # type: ignore[arg-type]
        (lambda: osp.front(UPLOAD, ("integral", "finish")), "front of a UploadOrder; give"),
        (lambda: osp.Partition.from_profile("alexnet", WIFI), "profile is a str; give an optsplit.Profile"),  # type: ignore[arg-type]
        (lambda: profiled(load=12), "load is 12; give a factor for each place, such as {'device': 12.0}"),
        (lambda: profiled(limits={"latency": "1"}), "limit on 'latency' is '1'; give a finite number, 0 or more"),
    ],
)
def test_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        call()


@pytest.mark.parametrize("link", [osp.Link(1e-300), osp.Link(1e6, latency=1e30)])
@pytest.mark.filterwarnings("error")
def test_a_link_without_end_is_refused_and_nothing_is_printed(link: osp.Link) -> None:
    with pytest.raises(InvalidInput, match=r"metric 'latency' transfer \('device', 'server'\)"):
        profiled(dict.fromkeys(ARCS, link))
