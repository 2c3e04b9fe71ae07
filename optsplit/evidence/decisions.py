"""The decisions that a profile poses: problems to compare methods on, and the families that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optsplit.errors import InvalidInput, unknown
from optsplit.hardware import Connection
from optsplit.problems import partition
from optsplit.problems.flow_shop import FlowShop
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from optsplit.problems.upload_order import UploadOrder
from optsplit.profiling.profile import Profile
from optsplit.solve import solve

CUT, THROUGHPUT, EXITS, PRECISIONS, UPLOAD, SCHEDULE, FLOW_SHOP = (
    "cut", "throughput", "exits", "precisions", "upload", "schedule", "flow shop",
)  # fmt: skip
FAMILIES = (CUT, THROUGHPUT, EXITS, PRECISIONS, UPLOAD, SCHEDULE)
"""Families of decisions that a profile can pose."""

HEADLINES = {
    CUT: ("neurosurgeon", "dads-light"), THROUGHPUT: ("dads-heavy",), EXITS: ("edgent", "edgent-repaired"),
    PRECISIONS: ("dyno", "float32"), UPLOAD: ("ionn", "in-order"), SCHEDULE: ("extended-johnson", "partition"),
    FLOW_SHOP: ("extended-johnson", "neh"),
}  # fmt: skip
"""The heuristics that a page speaks of: of each family the published one, and what people do without it."""

DEADLINES = (1.05, 1.4)
"""Deadlines for the most accurate exit, in least latencies of any exit."""
DROPS = (0.01, 0.05)
"""Accuracy that packed tensors may cost, above the least drop that any plan has."""
WIDTHS = (32, 16, 8, 4, 2)


@dataclass(frozen=True)
class Instance:
    """A problem with a name of its own, and the family that it belongs to."""

    name: str
    family: str
    problem: Any  # of any of the four classes


def family_of(problem: Any) -> str:
    """The family of a problem; of a class from elsewhere its name."""
    if isinstance(problem, Partition):
        if problem.exits is not None:
            return EXITS
        if partition.PRECISIONS in problem.features:
            return PRECISIONS
        return THROUGHPUT if len(problem.objectives) > 1 else CUT
    kinds = {UploadOrder: UPLOAD, Schedule: SCHEDULE, FlowShop: FLOW_SHOP}
    return next((family for kind, family in kinds.items() if isinstance(problem, kind)), type(problem).__name__)


def decisions(
    profile: Profile, link: Connection, *, frames: Sequence[int] = (1, 4), load: dict[str, float] | None = None,
    families: Iterable[str] = FAMILIES,
) -> Iterator[Instance]:  # fmt: skip
    """The decisions of a profile over one link, those that it has the data for.

    Parameters
    ----------
    profile
        Two places. Exits and packings add the decisions of that name.
    link
        Between the two.
    frames
        Schedules of so many frames.
    load
        Place -> factor, as in `Partition.from_profile`.
    families
        Only these of `FAMILIES`.

    Raises
    ------
    InvalidInput
        A family that is unknown, and what the problems refuse.
    """
    asked = tuple(families)
    for family in asked:
        if family not in FAMILIES:
            raise InvalidInput(unknown("family", family, FAMILIES))
    start = f"{profile.graph.name}/{link.name}"

    def named(family: str, detail: str, problem: Any) -> Instance:
        return Instance(f"{start}/{detail}", family, problem)

    cut = Partition.from_profile(profile, link, load=load, exits="none")
    if CUT in asked:
        yield named(CUT, "latency", cut)
    if THROUGHPUT in asked:
        busy = tuple(name for name in cut.metrics if name.endswith("_seconds"))
        yield named(THROUGHPUT, "period", cut.but(minimize=busy))
    if EXITS in asked and profile.exits is not None:
        branchy = Partition.from_profile(profile, link, load=load, exits="one")
        least = solve(branchy).require_optimal().objective
        for factor in DEADLINES:
            hurried = branchy.but(maximize="accuracy", limits={"latency": int(factor * (least or 0))})
            yield named(EXITS, f"deadline-{factor:g}", hurried)
    if PRECISIONS in asked and profile.packings:
        packed = Partition.from_profile(profile, link, load=load, exits="none", precisions=WIDTHS)
        least = solve(packed.but(minimize="error")).require_optimal().objective
        for drop in DROPS:
            yield named(PRECISIONS, f"drop-{drop:g}", packed.but(limits={"error": (least or 0) + round(1e6 * drop)}))
    plain = replace(profile, exits=None)  # orders and schedules are of the whole network
    if UPLOAD in asked:
        yield named(UPLOAD, "upload", UploadOrder.from_profile(plain, link, load=load))
    if SCHEDULE in asked:
        for count in frames:
            yield named(SCHEDULE, f"frames-{count}", Schedule.from_profile(plain, link, count, load=load))
