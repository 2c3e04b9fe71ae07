"""What cuts that may come back to the device ask of the machines at least.

Let A be the layers on the device in any cut, and D the largest down-set inside A: the layers that, with all before
them, are on the device. A layer v outside D that reads only from D is then on the server, or D could be larger. So
whatever else A does,

- the device runs D, and every layer before one of D is in D: heads are those of one-way cuts;
- the tensors of D that such a v reads cross the uplink;
- the server runs each such v;
- after a tensor has arrived that v reads, at least L(v) passes to the end of the frame.

L(v) is the longest path from v, each layer behind it at its faster place; or, for any share a of [0, 1], v and the work
behind it on two machines, which is at least a * (work on the server) + (1 - a) * (work on the device), and so at least
the sum over the layers of min(a * server time, (1 - a) * device time).

So each down-set stands for all cuts whose D it is, with loads, heads and tails none of them can beat. There are as many
as one-way cuts, and `CutTypes` holds them. A schedule is not made from these: what comes back is left out.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_cuts import MOST, CutTypes, ancestors, device_tails, down_sets
from optsplit.problems.schedule_operations import LATENCY

_SHARES = (32, 64, 80, 88, 92, 94, 96, 97, 98, 99, 100)
"""Hundredths of the weight that the server's work gets."""


@functools.lru_cache(maxsize=16)
def edges_of_down_sets(job: Partition, most: int = MOST) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Shape (C, n) each: every largest down-set of a cut, and the layers that are then on the server; None if too many.

    The pins of the layers hold, groups and the direction are left out.
    """
    device = down_sets(job, 0, most)
    if device is None:
        return None
    n = len(job.layers)
    feeders = np.zeros((n, n), dtype=np.float32)
    for u, v in set(job.edges):
        feeders[v, u] = 1
    # a layer whose feeders all are inside, and which itself is not, is on the server
    missing = (~device).astype(np.float32) @ feeders.T
    edge = ~device & (missing < 0.5)
    keep = ~edge[:, job.fixed == 0].any(axis=1)
    return device[keep], edge[keep]


def asked(
    job: Partition,
    device: NDArray[np.bool_],
    away: NDArray[np.bool_],
    back: NDArray[np.bool_] | None = None,
    least_rest: IntArray | None = None,
) -> CutTypes:
    """What every cut asks at least whose largest down-set is known, and some more layers.

    Parameters
    ----------
    job
        Over two places; its outputs end at the first place, or anywhere.
    device
        Shape (C, n): the largest down-set on the device.
    away
        Shape (C, n): layers that are on the server, those among them that read from `device` only.
    back
        Shape (C, n): layers outside `device` that are on the device; default none is known to be.
    least_rest
        Shape (n, 2): what is known to pass at least from the start of a layer at a place to the end of its job.
    """
    n, count = len(job.layers), len(device)
    back = np.zeros_like(device) if back is None else back
    costs = job.costs(LATENCY)
    here, there = costs.compute[:, 0], costs.compute[:, 1]
    up = costs.transfer[0, 1]
    before = ancestors(job)
    rest = _rest(job, before, least_rest)
    tensors = [t for t, (_, readers) in enumerate(job.tensors) if readers]
    sent = np.zeros((count, len(tensors)), dtype=np.int64)
    tail = np.zeros((count, len(tensors)), dtype=np.int64)
    after = np.zeros((count, n), dtype=np.int64)
    for k, t in enumerate(tensors):
        u, readers = job.tensors[t]
        there_read = away[:, list(readers)] & device[:, [u]]
        crosses = there_read.any(axis=1)
        sent[crosses, k] = up[t]
        tail[:, k] = np.where(there_read, rest[list(readers), 1], 0).max(axis=1)
        after[:, u] = np.maximum(after[:, u], np.where(crosses, up[t] + tail[:, k], 0))
        for v in readers:
            # a reader that waits for others too may be at either place
            least = min(int(rest[v, 0]), int(up[t]) + int(rest[v, 1]))
            behind = np.where(back[:, v], rest[v, 0], np.where(device[:, v] | away[:, v], 0, least))
            after[:, u] = np.maximum(after[:, u], np.where(device[:, u], behind, 0))
    head = before @ here + here
    nothing = np.zeros(count, dtype=np.int64)
    return CutTypes(
        device=device, compute=device @ here, server=away @ there, back=nothing, sent=sent,
        send_head=head[[job.tensors[t][0] for t in tensors]], send_tail=tail,
        last_work=nothing, device_tail=device_tails(device, here, before, after), server_tail=nothing,
        server_head=nothing,
    )  # fmt: skip


def _rest(job: Partition, before: IntArray, known: IntArray | None) -> IntArray:
    """Shape (n, 2): the least time from the start of a layer at a place to the end of its job; pins are left out."""
    costs = job.costs(LATENCY)
    compute, ways = costs.compute, (costs.transfer[0, 1], costs.transfer[1, 0])
    rest = np.zeros((len(job.layers), 2), dtype=np.int64)
    read: list[list[tuple[int, int]]] = [[] for _ in job.layers]
    for t, (u, readers) in enumerate(job.tensors):
        read[u] += [(v, t) for v in readers]
    returned = {int(job.sources[t]): t for t in job.outputs} if job.result_place == 0 else {}
    for v in reversed(job.order):
        for p in (0, 1):
            longest = int(ways[1][returned[v]]) if p == 1 and v in returned else 0
            for w, t in read[v]:
                longest = max(longest, min(int(rest[w, p]), int(ways[p][t]) + int(rest[w, 1 - p])))
            rest[v, p] = compute[v, p] + longest if known is None else max(compute[v, p] + longest, known[v, p])
    for v in range(len(job.layers)):
        behind = before[:, v] == 1
        for share in _SHARES:
            work = np.minimum(share * compute[behind, 1], (100 - share) * compute[behind, 0]).sum()
            rest[v, 1] = max(rest[v, 1], compute[v, 1] - (-int(work) // 100))
    return rest
