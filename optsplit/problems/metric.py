"""Metric: one linear cost of a partition, in integers, and the checks that stop floats at the border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optsplit.errors import InvalidInput, unknown

IntArray = NDArray[np.int64]

LARGEST_TOTAL = 2**53
"""Above this a float64 no longer holds every integer, and sums in int64 come near their end."""

Arc = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Metric:
    """One linear cost of a plan: latency, energy, bytes, memory, busy time of one resource, ...

    value = sum over layers v of compute[v, place of v]
    + sum over tensors t and places q != p = place of t's source where t is read of transfer[p, q][t]
    + sum over tensors t sent at all of send[p][t] + sum over places q that t enters of receive[q][t].

    Parameters
    ----------
    compute
        Shape (layers, places): cost of each layer at each place.
    transfer
        For an arc (from, to): shape (tensors,), cost of sending each tensor. A missing arc costs nothing.
    send
        For a place: shape (tensors,), paid once when the tensor leaves it for anywhere.
    receive
        For a place: shape (tensors,), paid once when the tensor enters it.
    unit
        For print only: "ns", "nJ", "B", ...

    All values are integers, 0 or more; the caller rounds (seconds to nanoseconds, joules to nanojoules).
    """

    compute: ArrayLike
    transfer: Mapping[Arc, ArrayLike] = field(default_factory=dict)
    send: Mapping[str, ArrayLike] = field(default_factory=dict)
    receive: Mapping[str, ArrayLike] = field(default_factory=dict)
    unit: str = "ns"


@dataclass(frozen=True, eq=False)
class Costs:
    """A metric as dense read-only arrays over n layers, T tensors and P places.

    Shapes: compute (n, P), transfer (P, P, T) with a zero diagonal, send (P, T), receive (P, T). An array of a kind
    that the metric does not have is one zero seen from everywhere: 50 places would otherwise fill gigabytes with them.
    """

    compute: IntArray
    transfer: IntArray
    send: IntArray
    receive: IntArray
    unit: str

    @cached_property
    def computes(self) -> bool:
        """Whether any layer costs anything."""
        return bool(self.compute.any())

    @cached_property
    def transfers(self) -> bool:
        """Whether any transfer costs anything."""
        return _holds_costs(self.transfer)

    @cached_property
    def ends(self) -> bool:
        """Whether leaving or entering a place costs anything by itself."""
        return _holds_costs(self.send) or _holds_costs(self.receive)

    @cached_property
    def total(self) -> int:
        """An upper bound on the metric of any plan."""
        parts = (self.compute, self.transfer, self.send, self.receive)
        return sum(int(part.sum()) for part in parts if not _is_nothing(part))

    def crossing(self, p: int, q: int) -> IntArray:
        """Shape (T,): all that a tensor pays between two places when it goes nowhere else."""
        paid: IntArray = self.transfer[p, q] + self.send[p] + self.receive[q]
        return paid

    def plus(self, other: Costs, weight: int = 1, scale: int = 1) -> Costs:
        """`scale` * self + `weight` * other, exact: Python integers where the sum could leave 64 bits."""
        wide = scale * self.total + weight * other.total >= 2**62

        def add(a: IntArray, b: IntArray) -> IntArray:
            return scale * a.astype(object) + weight * b.astype(object) if wide else scale * a + weight * b

        return Costs(
            add(self.compute, other.compute),
            add(self.transfer, other.transfer),
            add(self.send, other.send),
            add(self.receive, other.receive),
            self.unit,
        )


def _nothing(shape: tuple[int, ...]) -> IntArray:
    return np.broadcast_to(np.int64(0), shape)


def _is_nothing(array: IntArray) -> bool:
    # one number seen from everywhere: its first entry tells all
    return array.size == 0 or (not any(array.strides) and not array.flat[0])


def _holds_costs(array: IntArray) -> bool:
    return not _is_nothing(array) and bool(array.any())


def frozen(metric: Metric, costs: Costs, places: Sequence[str]) -> Metric:
    """The same metric over the checked, read-only arrays of its `costs`."""
    at = {place: i for i, place in enumerate(places)}
    return Metric(
        costs.compute,
        {(p, q): costs.transfer[at[p], at[q]] for p, q in metric.transfer},
        {place: costs.send[at[place]] for place in metric.send},
        {place: costs.receive[at[place]] for place in metric.receive},
        metric.unit,
    )


def integers(what: str, values: ArrayLike, shape: tuple[int, ...], labels: Sequence[str] = ()) -> IntArray:
    """`values` as a read-only int64 array of `shape`; what is not an integer, or negative, is refused.

    `labels` name the first axis in messages.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidInput(f"{what}: rows of unequal length; expected shape {shape}") from error
    if array.shape != shape:
        raise InvalidInput(f"{what} has shape {array.shape}; expected {shape}")
    if array.dtype != np.int64 or (array.size and int(array.max()) >= LARGEST_TOTAL):
        array = _exact(what, array, labels)
    if array.size and int(array.min()) < 0:
        index = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise InvalidInput(f"{what}{_at(index, labels)} is {array[index]}; give 0 or more")
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


def _exact(what: str, array: NDArray[Any], labels: Sequence[str]) -> IntArray:
    if array.size == 0:
        return np.zeros(array.shape, dtype=np.int64)
    if array.dtype.kind not in "iufOb":
        raise InvalidInput(f"{what} holds {array.dtype} values; give integers")
    for index, entry in np.ndenumerate(array):
        value = entry.item() if isinstance(entry, np.generic) else entry
        ok = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not ok:
            raise InvalidInput(
                f"{what}{_at(index, labels)} is {value!r}; give integers (seconds as nanoseconds, joules as nanojoules)"
            )
        if abs(int(value)) >= LARGEST_TOTAL:
            raise InvalidInput(f"{what}{_at(index, labels)} is {value}, at or above 2**53; give a coarser unit")
    return array.astype(np.int64)


def _at(index: tuple[int, ...], labels: Sequence[str]) -> str:
    first = repr(labels[index[0]]) if labels else str(index[0])
    return f"[{', '.join([first, *map(str, index[1:])])}]" if index else ""


def dense(name: str, metric: Metric, layers: Sequence[str], tensors: Sequence[str], places: Sequence[str]) -> Costs:
    """Check a metric against the problem's layers, tensors and places, and lay it out densely."""
    if not isinstance(metric, Metric):
        raise InvalidInput(f"metric {name!r} is a {type(metric).__name__}; give an optsplit.Metric")
    n, t, p = len(layers), len(tensors), len(places)
    position = {place: i for i, place in enumerate(places)}
    what = f"metric {name!r}"

    def place_index(place: str) -> int:
        if place not in position:
            raise InvalidInput(f"{what}: {unknown('place', place, places)}")
        return position[place]

    compute = integers(f"{what} compute", metric.compute, (n, p), layers)
    transfer = np.zeros((p, p, t), dtype=np.int64) if metric.transfer else _nothing((p, p, t))
    for arc, values in metric.transfer.items():
        if not (isinstance(arc, tuple) and len(arc) == 2 and arc[0] != arc[1]):
            raise InvalidInput(f"{what}: transfer arc {arc!r}; give a pair of two places (from, to)")
        i, j = place_index(arc[0]), place_index(arc[1])
        transfer[i, j] = integers(f"{what} transfer {arc}", values, (t,), tensors)
    ends = []
    for side, given in (("send", metric.send), ("receive", metric.receive)):
        row = np.zeros((p, t), dtype=np.int64) if given else _nothing((p, t))
        for place, values in given.items():
            row[place_index(place)] = integers(f"{what} {side} {place!r}", values, (t,), tensors)
        row.setflags(write=False)
        ends.append(row)
    transfer.setflags(write=False)
    # summed as floats first: a sum in int64 could itself wrap around
    largest = sum(float(part.sum(dtype=np.float64)) for part in (compute, transfer, *ends) if not _is_nothing(part))
    if largest >= LARGEST_TOTAL:
        raise InvalidInput(f"{what}: all its costs together are about {largest:.3g}, above 2**53; give a coarser unit")
    return Costs(compute, transfer, ends[0], ends[1], metric.unit)
