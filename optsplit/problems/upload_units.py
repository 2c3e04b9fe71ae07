"""Which units an order must send, and the orders that follow from the network alone."""

from __future__ import annotations

from optsplit.problems.upload_order import UploadOrder


def needed(problem: UploadOrder) -> tuple[int, ...]:
    """The units without any one of which the least latency is out of reach, as positions, front to back.

    Together they reach it, and an optimal order sends just them. The gain G(S) = L(0) - L(S) is supermodular and
    monotone, so G(S & T) >= G(S) + G(T) - G(S | T): of two sets of largest gain the units in common are one, too, and
    the least set M of them all is what this returns. For any S, likewise, G(S & M) >= G(S) + G(M) - G(S | M) = G(S).
    """
    everything = (1 << len(problem.names)) - 1
    found = [
        k
        for k in range(len(problem.names))
        if not problem.there >> k & 1 and problem.latency(everything & ~(1 << k)) > problem.least
    ]
    return tuple(front_to_back(problem, found))


def front_to_back(problem: UploadOrder, units: list[int]) -> list[int]:
    """Units in the order in which a query needs them: by the first layer of each, in topological order."""
    rank = {v: i for i, v in enumerate(problem.partition.order)}
    return sorted(units, key=lambda k: (min((rank[v] for v in problem.holders[k]), default=len(rank)), k))
