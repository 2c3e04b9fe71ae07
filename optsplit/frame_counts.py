"""The networks of the counting programme (formulations/schedule_types.py): one-way cuts, or classes of cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from optsplit import formulation
from optsplit.algorithms.schedule_returning import Classes, around, cheapest
from optsplit.backends.watch import Watch
from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_cuts import CutTypes
from optsplit.problems.schedule_operations import LATENCY
from optsplit.problems.schedule_returns import edges_of_down_sets


class Counting:
    """What the frames of each network may take, as far as it can lead to a better schedule.

    Parameters
    ----------
    jobs, types, counts
        Of each network: the job, its one-way cuts, its number of frames.
    weights
        Shape (4,): of the machines, as `optsplit.algorithms.schedule_load` finds them.
    value
        The makespan of the best schedule known.
    watch
        Half of the time that is left may go into the classes of cuts that come back.
    one_way
        Whether such cuts are left out, though the jobs allow them.

    Attributes
    ----------
    weights
        Shape (R, 4): those of the prices.
    networks
        One for each job; None where a job has too many down-sets.
    """

    def __init__(
        self, jobs: Sequence[Partition], types: Sequence[CutTypes], counts: Sequence[int], weights: IntArray,
        value: int, watch: Watch, one_way: bool,
    ) -> None:  # fmt: skip
        # every product of a weight and a makespan stays below 2^62
        top = sum(job.costs(LATENCY).total * count for job, count in zip(jobs, counts))
        weights = weights >> max(0, (top * int(weights.sum()) * 4).bit_length() - 62)
        returning = [not one_way and not job.one_way for job in jobs]
        self.weights = around(weights) if any(returning) else weights[None]
        self.networks: list[Any] | None = None
        self._classes: dict[int, Classes] = {}
        self._names = [
            {device.tobytes(): c for c, device in enumerate(np.packbits(cuts.device, axis=1))} for cuts in types
        ]
        if any(comes and edges_of_down_sets(job) is None for comes, job in zip(returning, jobs)):
            return
        limit = watch.left()
        end = None if limit is None else watch.seconds() + limit / 2
        cheap = [cheapest(job, self.weights) for job in jobs]
        room = self.weights.sum(axis=1) * value - sum(count * np.array(prices) for count, prices in zip(counts, cheap))
        network = formulation.load("schedule_types").Network
        self.networks = []
        for k, (job, cuts, count) in enumerate(zip(jobs, types, counts)):
            if returning[k]:
                found = Classes(job, self.weights, room, cheap[k], lambda: end is not None and watch.seconds() > end)
                self._classes[k] = found
                self.networks.append(network(found.types, found.prices, count))
            else:
                self.networks.append(network(cuts, cuts.loads @ self.weights.T, count))

    def one_way_cuts(self, counts: Sequence[dict[int, int]]) -> list[dict[int, int]]:
        """The same counts by the numbers of the one-way cuts, for those that are one."""
        found: list[dict[int, int]] = []
        for network, names, taken in zip(self.networks or [], self._names, counts):
            known = {c: names.get(np.packbits(network.types.device[c]).tobytes()) for c in taken}
            found.append({})
            for c, n in taken.items():
                cut = known[c]
                if cut is not None:
                    found[-1][cut] = found[-1].get(cut, 0) + n
        return found

    def narrow(self, counts: Sequence[dict[int, int]]) -> list[Any] | None:
        """Networks whose classes that are counted are split where they are wide; None where none is."""
        assert self.networks is not None
        split = [k for k, found in self._classes.items() if found.narrow(list(counts[k]))]
        for k in split:
            found = self._classes[k]
            self.networks[k] = replace(self.networks[k], types=found.types, prices=found.prices)
        return self.networks if split else None
