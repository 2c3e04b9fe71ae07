"""What a plan of a partition problem costs: the specification that every method is held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from optsplit.errors import InvalidInput, unknown
from optsplit.problems import routed
from optsplit.problems.evaluation import Evaluation
from optsplit.problems.exits import Exits
from optsplit.problems.metric import Costs, IntArray, Metric
from optsplit.problems.plan import PartitionPlan
from optsplit.problems.precision import Variants
from optsplit.problems.rules import violations
from optsplit.problems.structure import Structure

Way = tuple[IntArray, IntArray]


class Pricing(Structure):
    """Plans and their prices; where there are exits, those of the routing that the plan names."""

    metrics: Mapping[str, Metric]
    objectives: tuple[str, ...]
    exits: Exits | None
    variants: Variants | None

    def costs(self, metric: str) -> Costs:
        """A metric as dense arrays, with every tensor sent as it is."""
        return self._costs[metric]  # type: ignore[attr-defined,no-any-return]

    def plan(self, assignment: Sequence[int] | IntArray, variant: IntArray | None = None) -> PartitionPlan:
        """The plan that puts layer i at place `assignment[i]`, and sends tensor t by its variant `variant[t]`."""
        at = np.asarray(assignment, dtype=np.int64)
        bits = {}
        if self.variants is not None:
            if variant is None:
                variant = np.zeros(len(self.sources), dtype=np.int64)
            for t in np.unique(self.ways(at)[0]).tolist():
                if self.variants.bits[t]:
                    bits[self.tensor_names[t]] = self.variants.bits[t][variant[t]]
        return PartitionPlan(dict(zip(self.layers, map(self.places.__getitem__, at.tolist()), strict=True)), bits=bits)

    def positions(self, plan: PartitionPlan) -> IntArray:
        """Shape (n,): the place of each layer in `plan`, refused where it names layers or places that do not exist."""
        where = {place: i for i, place in enumerate(self.places)}
        try:
            places = [where[place] for place in map(plan.assignment.__getitem__, self.layers)]
            if len(plan.assignment) == len(places):
                return np.array(places, dtype=np.int64)
        except KeyError:
            pass  # what is wrong is said below
        for layer, place in plan.assignment.items():
            if layer not in self.index:
                raise InvalidInput(f"plan: {unknown('layer', layer, self.layers)}")
            if place not in where:
                raise InvalidInput(f"plan: layer {layer!r} at {unknown('place', place, self.places)}")
        missing = next(layer for layer in self.layers if layer not in plan.assignment)
        raise InvalidInput(f"plan: layer {missing!r} has no place; assign every layer")

    def chosen(self, plan: PartitionPlan, way: Way) -> IntArray:
        """Shape (T,): the variant by which each tensor is sent; 0 where it is not, or has no choice.

        Raises
        ------
        InvalidInput
            Bits that a tensor has not, or none for one that crosses and has a choice.
        """
        variant = np.zeros(len(self.sources), dtype=np.int64)
        bits = () if self.variants is None else self.variants.bits
        position = {name: t for t, name in enumerate(self.tensor_names)} if plan.bits else {}
        for name, width in plan.bits.items():
            if name not in position:
                raise InvalidInput(f"plan: {unknown('tensor', name, self.tensor_names)}")
            known = bits[position[name]] if bits else ()
            if width not in known:
                raise InvalidInput(f"plan: tensor {name!r} with {width} bits; it has {known or 'no choice'}")
            variant[position[name]] = known.index(width)
        for t in way[0].tolist() if bits else ():
            if bits[t] and self.tensor_names[t] not in plan.bits:
                raise InvalidInput(f"plan: tensor {self.tensor_names[t]!r} crosses; give its bits, one of {bits[t]}")
        return variant

    def evaluate(self, plan: PartitionPlan) -> Evaluation:
        """Price a plan by every metric and check every rule, without any solver.

        Raises
        ------
        InvalidInput
            The plan leaves a layer out, or names one, a place, an exit or a precision that does not exist.
        """
        if not isinstance(plan, PartitionPlan):
            raise InvalidInput(f"plan is a {type(plan).__name__}; give an optsplit.PartitionPlan")
        if self.exits is not None:
            return routed.evaluate(self, plan)  # type: ignore[arg-type]
        if plan.exit is not None or plan.thresholds:
            raise InvalidInput("plan: it names exits, but the problem has none; leave them out")
        at = self.positions(plan)
        way = self.ways(at)
        variant = self.chosen(plan, way) if plan.bits or self.variants is not None else None
        metrics = {name: self.price(at, self.sent(name, variant), way) for name in self.metrics}
        objective = max(metrics[name] for name in self.objectives)
        broken = list(violations(self, at, way, metrics))  # type: ignore[arg-type]
        if variant is not None and self.variants is not None:
            broken += self._unequal(way, variant)
        return Evaluation(objective, metrics, tuple(broken))

    def _unequal(self, way: Way, variant: IntArray) -> list[str]:
        """Crossing tensors that must have the same precision and have not."""
        assert self.variants is not None
        seen: dict[int, int] = {}
        broken = []
        for t in np.unique(way[0]).tolist():
            first = seen.setdefault(int(self.variants.group[t]), t)
            if variant[first] != variant[t]:
                broken.append(
                    f"tensors {self.tensor_names[first]!r} and {self.tensor_names[t]!r} cross with different bits "
                    "although they must have the same"
                )
        return broken

    def sent(self, metric: str, variant: IntArray | None) -> Costs:
        """A metric's costs where tensor t is sent by its variant `variant[t]`; None: as it is."""
        base = self.costs(metric)
        if variant is None or self.variants is None:
            return base
        return self.variants.chosen(base, metric, variant)

    def ways(self, at: IntArray) -> Way:
        """Two arrays (tensor, place), one entry for each place that a tensor is sent to under assignment `at`."""
        needed = np.zeros((len(self.sources), len(self.places)), dtype=bool)
        tensor, reader = self.reads
        needed[tensor, at[reader]] = True
        if self.result_place >= 0:
            needed[list(self.outputs), self.result_place] = True
        needed[np.arange(len(self.sources)), at[self.sources]] = False
        sent, to = np.nonzero(needed)
        return sent, to

    def price(self, at: IntArray, cost: Costs, way: Way | None = None) -> int:
        """One metric of the plan that puts layer i at place at[i]."""
        tensor, to = way or self.ways(at)
        origin = at[self.sources]
        total = 0
        # many metrics have no cost of a kind at all, and plans are priced in microseconds
        if cost.computes:
            total += int(cost.compute[self._each, at].sum())
        if cost.transfers:
            total += int(cost.transfer[origin[tensor], to, tensor].sum())
        if cost.ends:
            leaves = np.unique(tensor)
            total += int(cost.send[origin[leaves], leaves].sum() + cost.receive[to, tensor].sum())
        return total
