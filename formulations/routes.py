"""How many samples reach each layer and each answer under every routing of a problem: the weights of its costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optsplit.method import Answer, Options
from optsplit.problems.exits import Routing
from optsplit.problems.metric import Costs, IntArray
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.precision import ERROR
from optsplit.problems.routed import first_exit
from optsplit.result import TracePoint


@dataclass(frozen=True, eq=False)
class Routes:
    """O routings over n layers; a problem without exits has one, which every layer is on.

    Parameters
    ----------
    problem
        The problem.
    routings
        The routings; None stands for the problem as it is.
    weight
        Shape (O, n): samples that reach each layer.
    on
        Shape (O, n): whether the layer is switched on; it may be, and no sample come there.
    answers
        Tensor -> shape (O,): samples that are answered by it.
    answering
        Tensor -> shape (O,): whether it answers at all.
    error
        Shape (O,): what the routing itself adds to the metric "error".
    samples
        Of the calibration set; 1 where one exit takes every request.
    """

    problem: Partition
    routings: tuple[Routing | None, ...]
    weight: IntArray
    on: NDArray[np.bool_]
    answers: dict[int, IntArray]
    answering: dict[int, NDArray[np.bool_]]
    error: IntArray
    samples: int

    @staticmethod
    def of(problem: Partition) -> Routes:
        """The routings of a problem."""
        n = len(problem.layers)
        if problem.exits is None:
            one = np.ones(1, dtype=np.int64)
            answers = dict.fromkeys(problem.outputs, one)
            answering = dict.fromkeys(problem.outputs, one.astype(bool))
            return Routes(
                problem,
                (None,),
                np.ones((1, n), dtype=np.int64),
                np.ones((1, n), dtype=bool),
                answers,
                answering,
                0 * one,
                1,
            )
        routings = problem.exits.routings()
        weight = np.zeros((len(routings), n), dtype=np.int64)
        on = np.zeros((len(routings), n), dtype=bool)
        ends = [problem.answers(layer) for layer in problem.exits.layers]
        answers = {t: np.zeros(len(routings), dtype=np.int64) for end in ends for t in end}
        answering = {t: np.zeros(len(routings), dtype=bool) for t in answers}
        for o, routing in enumerate(routings):
            first = first_exit(problem, routing)
            on[o] = first >= 0
            weight[o, on[o]] = np.array(routing.reaching, dtype=np.int64)[first[on[o]]]
            for i, leaving in zip(routing.exits, routing.leaving, strict=True):
                for t in ends[i]:
                    answers[t][o] += leaving
                    answering[t][o] = True
        error = np.array([routing.error for routing in routings], dtype=np.int64)
        return Routes(problem, routings, weight, on, answers, answering, error, problem.exits.samples)

    def costs(self, metric: str) -> list[Costs]:
        """The metric's costs of one sample, by each variant."""
        base, variants = self.problem.costs(metric), self.problem.variants
        if variants is None:
            return [base]
        last = variants.count - 1
        return [variants.chosen(base, metric, np.minimum(k, last)) for k in range(variants.most)]

    def most(self, metric: str) -> int:
        """An upper bound on a metric's total over the samples."""
        costs, variants = self.problem.costs(metric), self.problem.variants
        reach = costs if variants is None else variants.reach(costs, metric)
        return self.samples * reach.total + (int(self.error.max()) if metric == ERROR else 0)

    def plan(self, o: int, at: Mapping[int, int], variant: Mapping[int, int]) -> PartitionPlan:
        """The plan of routing o with layer v at place at[v], and tensor t sent by variant[t] (0 where it is not in)."""
        routing = self.routings[o]
        if routing is None:
            each = [variant.get(t, 0) for t in range(len(self.problem.sources))]
            return self.problem.plan(list(at.values()), np.array(each, dtype=np.int64))
        routed = self.problem.routed(routing)
        each = [variant.get(t, 0) for t in routed.tensors.tolist()]
        return routed.outer(routed.problem.plan(list(at.values()), np.array(each, dtype=np.int64)))

    def asked(self, options: Options) -> Options:
        """The options of a search in totals over the samples, whose progress is told in means."""
        progress = options.progress
        if progress is None or self.samples == 1:
            return options
        return replace(options, progress=lambda point: progress(self._mean(point)))

    def told(self, answer: Answer) -> Answer:
        """An answer in totals as one in means, rounded up: what a mean is at least, its bound is."""
        trace = tuple(self._mean(point) for point in answer.trace)
        return replace(answer, bound=self.mean(answer.bound), trace=trace)

    def mean(self, total: int | None) -> int | None:
        """A total as a mean, rounded up."""
        return None if total is None else -(-total // self.samples)

    def _mean(self, point: TracePoint) -> TracePoint:
        return TracePoint(point.seconds, self.mean(point.objective), self.mean(point.bound))
