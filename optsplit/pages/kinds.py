"""What has a page: results of each problem, fronts, several methods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optsplit.algorithms.front import Front
from optsplit.errors import InvalidInput
from optsplit.pages import account, flow_shop, partition, schedule, several, upload
from optsplit.pages.content import Content
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Result

Found = Result | Front | Sequence[Result]


def content(found: Found, source: str, problem: str | None = None) -> Content:
    """What the page says, before it is HTML; arguments as in `optsplit.pages.page`."""
    if isinstance(found, Front):
        return several.front(found, source)
    if not isinstance(found, Result):
        return several.comparison(list(found), source)
    if found.problem is None:
        raise InvalidInput(f"{source}: the result has no problem inside; give it, or solve the problem again")
    account.check(found.problem, found, source)
    return replace(
        _of(found.problem, found), status=str(found.status), provenance=account.provenance(found),
        again=account.again(found, problem or source),
    )  # fmt: skip


def _of(problem: Any, result: Result) -> Content:
    if isinstance(problem, Partition):
        return partition.content(problem, result)
    if isinstance(problem, UploadOrder):
        return upload.content(problem, result)
    if isinstance(problem, Schedule):
        return schedule.content(problem, result)
    if isinstance(problem, FlowShop):
        return flow_shop.content(problem, result)
    raise InvalidInput(f"{type(problem).__name__} has no page; the problems of this package have")
