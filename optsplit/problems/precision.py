"""Precisions: with how many bits a tensor crosses, and what each choice costs in every metric.

A precision replaces what sending the tensor costs, in any metric: `transfer` of each way, `send` once where it leaves
(packing), `receive` once where it enters (unpacking); and it adds `drop` parts per million to the metric "error", once
however many places it goes to: a tensor is packed once, so it has one precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optsplit.errors import InvalidInput, unknown
from optsplit.problems.metric import LARGEST_TOTAL, Arc, Costs, IntArray

if TYPE_CHECKING:
    from optsplit.problems.partition import Partition

ERROR = "error"
"""The metric of wrong answers, in parts per million: accuracy is maximised by minimising it."""


@dataclass(frozen=True)
class Sending:
    """What sending one tensor costs in one metric; what is not named costs nothing.

    Parameters
    ----------
    transfer
        Arc (from, to) -> cost of each way.
    send, receive
        Place -> cost once where the tensor leaves, or enters.
    """

    transfer: Mapping[Arc, int] = field(default_factory=dict)
    send: Mapping[str, int] = field(default_factory=dict)
    receive: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Precision:
    """One way to send a tensor.

    Parameters
    ----------
    bits
        Of each number; unique among the precisions of a tensor.
    drop
        Accuracy lost, in parts per million.
    costs
        Metric -> what sending costs. A metric that is not named costs what the problem's `transfer`, `send` and
        `receive` say, so that `Precision(32)` is the tensor as it is.
    """

    bits: int
    drop: int = 0
    costs: Mapping[str, Sending] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Variants:
    """The precisions of all tensors as dense arrays over K variants, P places and T tensors.

    Parameters
    ----------
    bits
        For each tensor the bits of its variants; one that is sent as it is has none.
    group
        Shape (T,): tensors with the same number have the same precision.
    transfer, send, receive
        Metric -> shape (K, P, P, T), (K, P, T), (K, P, T). The variants that a tensor lacks repeat its last.
    """

    bits: tuple[tuple[int, ...], ...]
    group: IntArray
    transfer: Mapping[str, IntArray]
    send: Mapping[str, IntArray]
    receive: Mapping[str, IntArray]

    @cached_property
    def count(self) -> IntArray:
        """Shape (T,): how many variants each tensor has; 1 where it is sent as it is."""
        return np.array([max(1, len(bits)) for bits in self.bits], dtype=np.int64)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The tensors of each group that has a choice."""
        members: dict[int, list[int]] = {}
        for t, g in enumerate(self.group.tolist()):
            if self.bits[t]:
                members.setdefault(g, []).append(t)
        return tuple(map(tuple, members.values()))

    @property
    def most(self) -> int:
        """K."""
        return int(self.count.max(initial=1))

    def chosen(self, base: Costs, metric: str, variant: IntArray) -> Costs:
        """The metric's costs where tensor t is sent by its variant `variant[t]`."""
        if metric not in self.transfer:
            return base
        each = np.arange(len(variant))
        return Costs(
            base.compute,
            np.moveaxis(self.transfer[metric][variant, :, :, each], 0, -1),
            self.send[metric][variant, :, each].T,
            self.receive[metric][variant, :, each].T,
            base.unit,
        )

    def reach(self, base: Costs, metric: str) -> Costs:
        """The metric's costs where every part of a crossing costs the most of the tensor's variants."""
        if metric not in self.transfer:
            return base
        transfer, send, receive = (np.where(self.there[:, None], a, 0).max(axis=0) for a in self._flat(metric))
        return Costs(base.compute, transfer.reshape(base.transfer.shape), send, receive, base.unit)

    def _flat(self, metric: str) -> list[IntArray]:
        transfer = self.transfer[metric]
        most, places, _, tensors = transfer.shape
        return [transfer.reshape(most, places * places, tensors), self.send[metric], self.receive[metric]]

    @cached_property
    def there(self) -> NDArray[np.bool_]:
        """Shape (K, T): the variants that each tensor has."""
        return np.arange(self.most)[:, None] < self.count

    def taken(self, tensors: IntArray, weight: Mapping[str, IntArray]) -> Variants:
        """The variants of `tensors` (repetitions allowed), their costs times `weight[metric]`; same bits as before."""
        bits = tuple(self.bits[t] for t in tensors.tolist())
        most = max([1, *map(len, bits)])

        def of(arrays: Mapping[str, IntArray]) -> dict[str, IntArray]:
            return {m: a[:most, ..., tensors] * weight[m] for m, a in arrays.items()}

        return Variants(bits, self.group[tensors], of(self.transfer), of(self.send), of(self.receive))


def laid_out(
    problem: Partition, given: Mapping[str, Sequence[Precision]], same_bits: Iterable[Sequence[str]]
) -> Variants:
    """The precisions of a problem whose metrics, places and tensors stand, checked.

    Raises
    ------
    InvalidInput
        An unknown tensor, metric, place or arc; no precision at all; bits that stand twice; negative costs or drops;
        tensors that must have the same bits but have not the same choice.
    """
    names, places = problem.tensor_names, problem.places
    position = {name: t for t, name in enumerate(names)}
    for name, choice in given.items():
        if name not in position:
            raise InvalidInput(f"precisions: {unknown('tensor', name, names)}")
        _check(f"precisions of tensor {name!r}", problem, choice)
    bits = tuple(tuple(precision.bits for precision in given.get(name, ())) for name in names)
    most, p, t = max((len(b) for b in bits), default=0) or 1, len(places), len(names)
    touched = {metric for choice in given.values() for precision in choice for metric in precision.costs}
    touched |= {ERROR} if any(precision.drop for choice in given.values() for precision in choice) else set()
    transfer, send, receive = {}, {}, {}
    at = {place: i for i, place in enumerate(places)}
    for metric in problem.metrics:
        if metric not in touched:
            continue
        base = problem.costs(metric)
        ways = np.broadcast_to(base.transfer, (most, p, p, t)).copy()
        out, into = (np.broadcast_to(ends, (most, p, t)).copy() for ends in (base.send, base.receive))
        for name, choice in given.items():
            column = position[name]
            for k in range(most):
                precision = choice[min(k, len(choice) - 1)]
                if (sending := precision.costs.get(metric)) is not None:
                    ways[k, :, :, column] = out[k, :, column] = into[k, :, column] = 0
                    for (start, end), cost in sending.transfer.items():
                        ways[k, at[start], at[end], column] = cost
                    for place, cost in sending.send.items():
                        out[k, at[place], column] = cost
                    for place, cost in sending.receive.items():
                        into[k, at[place], column] = cost
                if metric == ERROR:
                    out[k, :, column] += precision.drop
        transfer[metric], send[metric], receive[metric] = ways, out, into
        largest = float(base.compute.sum(dtype=np.float64)) + sum(
            float(part.max(axis=0).sum(dtype=np.float64)) for part in (ways, out, into)
        )
        if largest >= LARGEST_TOTAL:
            raise InvalidInput(f"precisions: all costs in {metric!r} are about {largest:.3g}, above 2**53")
    return Variants(bits, _grouped(bits, position, same_bits), transfer, send, receive)


def _check(what: str, problem: Partition, choice: Sequence[Precision]) -> None:
    if not choice:
        raise InvalidInput(f"{what}: none is given, so it cannot cross; give one, or leave the tensor out")
    seen: set[int] = set()
    for precision in choice:
        if not isinstance(precision, Precision):
            raise InvalidInput(f"{what}: {precision!r}; give an optsplit.Precision")
        if precision.bits < 1 or precision.bits in seen:
            raise InvalidInput(f"{what}: {precision.bits} bits; give each positive number once")
        seen.add(precision.bits)
        if isinstance(precision.drop, bool) or not isinstance(precision.drop, (int, np.integer)) or precision.drop < 0:
            raise InvalidInput(f"{what}: drop at {precision.bits} bits is {precision.drop!r}; give ppm, 0 or more")
        for metric, sending in precision.costs.items():
            if metric not in problem.metrics:
                raise InvalidInput(f"{what}: {unknown('metric', metric, problem.metrics)}")
            ends = [place for arc in sending.transfer for place in arc]
            for place in (*ends, *sending.send, *sending.receive):
                if place not in problem.places:
                    raise InvalidInput(f"{what}: {unknown('place', place, problem.places)}")
            for cost in (*sending.transfer.values(), *sending.send.values(), *sending.receive.values()):
                if isinstance(cost, bool) or not isinstance(cost, (int, np.integer)) or not 0 <= cost < LARGEST_TOTAL:
                    raise InvalidInput(f"{what}: {metric} at {precision.bits} bits is {cost!r}; give integers from 0")


def _grouped(
    bits: Sequence[tuple[int, ...]], position: Mapping[str, int], same_bits: Iterable[Sequence[str]]
) -> IntArray:
    group = np.arange(len(bits), dtype=np.int64)
    for names in same_bits:
        for name in names:
            if name not in position:
                raise InvalidInput(f"same_bits: {unknown('tensor', name, position)}")
            if bits[position[name]] != bits[position[names[0]]]:
                raise InvalidInput(
                    f"same_bits: tensor {name!r} has the precisions {bits[position[name]]}, {names[0]!r} has "
                    f"{bits[position[names[0]]]}; give both the same"
                )
        members = [position[name] for name in names]
        for g in set(group[members].tolist()):
            group[group == g] = group[members[0]]
    return group


def written(problem: Partition) -> dict[str, tuple[Precision, ...]]:
    """The precisions of a problem as they can be given again; `drop` is part of the costs of "error"."""
    variants, places = problem.variants, problem.places
    if variants is None:
        return {}
    # variants outlive a metric that `Partition.but` takes away
    metrics = [metric for metric in variants.transfer if metric in problem.metrics]

    def sending(metric: str, k: int, t: int) -> Sending:
        ways, out, into = variants.transfer[metric], variants.send[metric], variants.receive[metric]
        return Sending(
            {(places[p], places[q]): int(ways[k, p, q, t]) for p, q in np.argwhere(ways[k, :, :, t]).tolist()},
            {places[p]: int(out[k, p, t]) for p in np.nonzero(out[k, :, t])[0].tolist()},
            {places[p]: int(into[k, p, t]) for p in np.nonzero(into[k, :, t])[0].tolist()},
        )

    return {
        name: tuple(Precision(b, 0, {m: sending(m, k, t) for m in metrics}) for k, b in enumerate(variants.bits[t]))
        for t, name in enumerate(problem.tensor_names)
        if variants.bits[t]
    }
