"""Interchangeable places: exchanging two of them turns every plan into one of the same worth.

Places p and q are alike when the exchange, done to the arrays of all metrics in use, gives the same metrics back,
each in the same role: minimised, or limited to the same value. Metrics may change places with each other: the load
of p becomes the load of q. Pins, `result_at`, links and the order of places under `one_way` must not tell them apart.
Being alike is transitive, since exchanging p and r is exchanging p and q, q and r, p and q again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from optsplit.errors import InvalidInput
from optsplit.problems.metric import IntArray
from optsplit.problems.reading import named_groups

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition

Groups = tuple[tuple[str, ...], ...]


def found(problem: Partition) -> Groups:
    """The groups of interchangeable places, of two or more each."""
    before = _Roles(problem)
    groups: list[list[int]] = []
    for p in range(len(problem.places)):
        group = next((g for g in groups if before.difference(g[0], p) is None), None)
        if group is None:
            groups.append([p])
        else:
            group.append(p)
    return tuple(tuple(problem.places[p] for p in group) for group in groups if len(group) > 1)


def declared(problem: Partition, given: Iterable[Sequence[str]]) -> Groups:
    """The groups given, where they are interchangeable.

    Raises
    ------
    InvalidInput
        An unknown place, a place in two groups, or two places that are not alike, with the reason.
    """
    before, taken = _Roles(problem), set[str]()
    groups = []
    for group in named_groups("equal", "place", given, problem.places):
        members = tuple(dict.fromkeys(group))
        if twice := taken.intersection(members):
            raise InvalidInput(f"equal: place {min(twice)!r} stands in two groups; give each place once")
        taken.update(members)
        for other in members[1:]:
            reason = before.difference(problem.places.index(members[0]), problem.places.index(other))
            if reason is not None:
                raise InvalidInput(
                    f"equal: places {members[0]!r} and {other!r} are not interchangeable: {reason}; "
                    "make them alike or leave one out"
                )
        if len(members) > 1:
            groups.append(members)
    return tuple(groups)


class _Roles:
    """The metrics in use as hashable contents with their roles, and what tells two places apart."""

    def __init__(self, problem: Partition) -> None:
        self.problem = problem
        self.used = tuple(dict.fromkeys([*problem.objectives, *problem.limits]))
        self.identity = list(range(len(problem.places)))
        self.seen: dict[bytes, int] = {}
        self.columns = [self._columns(m) for m in self.used]
        self.before = Counter(self._role(m, i, self.identity) for i, m in enumerate(self.used))

    def _columns(self, metric: str) -> tuple[list[int], list[list[int]] | None, list[int], list[int]]:
        """A metric with a number for each column (or arc) of costs: equal numbers, equal costs."""
        costs, places = self.problem.costs(metric), self.identity

        def bits(column: IntArray) -> int:
            return self.seen.setdefault(column.tobytes(), len(self.seen))

        return (
            [bits(costs.compute[:, p]) for p in places],
            [[bits(costs.transfer[p, q]) for q in places] for p in places] if costs.transfers else None,
            [bits(costs.send[p]) for p in places],
            [bits(costs.receive[p]) for p in places],
        )

    def _role(self, metric: str, i: int, to: list[int]) -> Hashable:
        """What a metric is once place p is called to[p] (`to` is its own inverse)."""
        compute, transfer, send, receive = self.columns[i]
        return (
            metric in self.problem.objectives,
            self.problem.limits.get(metric),
            tuple(compute[p] for p in to),
            None if transfer is None else tuple(transfer[p][q] for p in to for q in to),
            tuple(send[p] for p in to),
            tuple(receive[p] for p in to),
        )

    def difference(self, p: int, q: int) -> str | None:
        """Why p and q are not alike, or None."""
        problem, names = self.problem, self.problem.places
        if problem.variants is not None:
            return "precisions are given, and may tell them apart"
        if problem.one_way:
            return "under one_way their order counts"
        for i in (p, q):
            if i == problem.result_place:
                return f"the result must end at {names[i]!r}"
            if layer := next((layer for layer, place in problem.pins.items() if place == names[i]), None):
                return f"layer {layer!r} is pinned to {names[i]!r}"
        to = self.identity.copy()
        to[p], to[q] = q, p
        if (problem.allowed[to][:, to] != problem.allowed).any():
            return "their links differ"
        after = Counter(self._role(m, i, to) for i, m in enumerate(self.used))
        if after != self.before:
            odd = next((m for i, m in enumerate(self.used) if self._role(m, i, to) not in self.before), self.used[0])
            return f"metric {odd!r} has no counterpart once they are exchanged"
        return None
