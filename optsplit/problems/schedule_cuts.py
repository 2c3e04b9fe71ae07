"""Every one-way cut of a job over two places, and what each asks of the device, the uplink and the server.

A one-way cut is a down-set D of the network: the layers on the device, with everything that they read from. There are
few (GoogLeNet 2,736, DenseNet-201 708, Inception-v3 35,684), so they are listed.

Besides its loads a cut has *heads* and *tails*: what must run before an operation can start, and after it has ended,
whatever else the machines do. The device is one machine, so before the tensor of layer u can be sent,

    head(u) = sum of the device times of u and of all layers before it,

and the server is one machine, so after a tensor has arrived that v reads there,

    tail(v) = sum of the server times of v and of all layers behind it, and the way back of an output among them.

All layers before a layer of D are in D, and all behind one that is not are not: neither depends on the cut.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optsplit.problems.metric import IntArray
from optsplit.problems.partition import Partition
from optsplit.problems.schedule_operations import LATENCY

_NEVER = np.iinfo(np.int64).max

MOST = 50_000
"""Cuts of one job beyond which none are listed."""


@dataclass(frozen=True)
class CutTypes:
    """Every one-way cut of a job; row c of each array is cut c. Times in ns.

    Parameters
    ----------
    device
        Shape (C, n): True for the layers on the device.
    compute, server, back
        Shape (C,): load of the device, of the server, and of the link that brings outputs back.
    sent
        Shape (C, T): time on the uplink of each tensor that takes any there, 0 where the cut does not send it.
    send_head, send_tail
        Shape (T,) and (C, T): head and tail of each tensor.
    last_work
        Shape (C,): least time of the server behind the last tensor that it is sent, without the way back.
    device_tail, server_tail, server_head
        Shape (C,): least tail of what can be the last operation of the device, and of the server; least head of the
        server's first.
    """

    device: NDArray[np.bool_]
    compute: IntArray
    server: IntArray
    back: IntArray
    sent: IntArray
    send_head: IntArray
    send_tail: IntArray
    last_work: IntArray
    device_tail: IntArray
    server_tail: IntArray
    server_head: IntArray

    @property
    def loads(self) -> IntArray:
        """Shape (C, 4): device, uplink, server, way back."""
        return np.stack([self.compute, self.sent.sum(axis=1), self.server, self.back], axis=1)

    def at(self, cut: int) -> IntArray:
        """Shape (n,): the place of each layer."""
        return np.where(self.device[cut], 0, 1).astype(np.int64)


def _reads(job: Partition) -> list[int]:
    """For each layer the layers that it reads from, as bits."""
    reads = [0] * len(job.layers)
    for u, v in set(job.edges):
        reads[v] |= 1 << u
    return reads


def down_sets(job: Partition, first: int, most: int) -> NDArray[np.bool_] | None:
    """Shape (C, n): every set of layers that has, with a layer, all that it reads from, without those pinned elsewhere.

    `first` are the layers that each of them has, as bits; None where there are more than `most`.
    """
    n, reads = len(job.layers), _reads(job)
    allowed = [v for v in job.order if job.fixed[v] != 1]
    seen, todo = {first: None}, [first]
    while todo:
        inside = todo.pop()
        for v in allowed:
            if not inside >> v & 1 and not reads[v] & ~inside:
                more = inside | 1 << v
                if more not in seen:
                    seen[more] = None
                    todo.append(more)
        if len(seen) > most:
            return None
    width = -(-n // 8)
    packed = np.frombuffer(b"".join(s.to_bytes(width, "little") for s in seen), dtype=np.uint8).reshape(-1, width)
    return np.unpackbits(packed, axis=1, bitorder="little", count=n).astype(bool)


def one_way_cuts(job: Partition, most: int = MOST) -> NDArray[np.bool_] | None:
    """Shape (C, n): the layers on the device in every one-way cut that the pins and groups allow; None if too many."""
    reads, fixed = _reads(job), job.fixed
    first = 0
    for v in reversed(job.order):
        if fixed[v] == 0 or first >> v & 1:
            first |= 1 << v | reads[v]
    device = down_sets(job, first, most)
    if device is None:
        return None
    keep = ~device[:, fixed == 1].any(axis=1)
    if not job.allowed[0, 1]:
        for u, v in set(job.edges):
            keep &= ~(device[:, u] & ~device[:, v])
    if not job.allowed[1, 0] and job.result_place == 0:
        keep &= device[:, [job.tensors[t][0] for t in job.outputs]].all(axis=1)
    for group in job.together:
        inside_group = device[:, [job.index[layer] for layer in group]]
        keep &= inside_group.all(axis=1) | ~inside_group.any(axis=1)
    return device[keep]


@functools.lru_cache(maxsize=16)
def cut_types(job: Partition, most: int = MOST) -> CutTypes | None:
    """The one-way cuts of a job over two places with their times; None where there are more than `most`.

    Its outputs end at the first place, or anywhere.
    """
    device = one_way_cuts(job, most)
    if device is None:
        return None
    costs, n = job.costs(LATENCY), len(job.layers)
    here, there = costs.compute[:, 0], costs.compute[:, 1]
    up, down = costs.transfer[0, 1], costs.transfer[1, 0]
    before = ancestors(job)
    head = before @ here + here
    returns = np.zeros(n, dtype=np.int64)
    if job.result_place == 0:
        for t in job.outputs:
            returns[job.sources[t]] = down[t]
    ends = np.array([bool(job.result_place == 0 and v in {int(job.sources[t]) for t in job.outputs}) for v in range(n)])
    way_back = np.array(
        [min((int(returns[w]) for w in range(n) if ends[w] and (w == v or before[w, v])), default=0) for v in range(n)]
    )
    served = before.T @ there + there
    work = served + way_back

    count = len(device)
    tensors = [t for t, (_, readers) in enumerate(job.tensors) if readers]
    sent = np.zeros((count, len(tensors)), dtype=np.int64)
    tail = np.zeros((count, len(tensors)), dtype=np.int64)
    after = np.zeros((count, n), dtype=np.int64)  # least time between the end of a device layer and that of its job
    last_work = np.full(count, _NEVER)
    arrival = np.zeros((count, n), dtype=np.int64)
    for k, t in enumerate(tensors):
        u, readers = job.tensors[t]
        away = ~device[:, readers]
        crosses = device[:, u] & away.any(axis=1)
        sent[crosses, k] = up[t]
        tail[:, k] = np.where(away, work[list(readers)], 0).max(axis=1)
        behind = np.where(away, served[list(readers)], 0).max(axis=1)
        np.minimum(last_work, behind, out=last_work, where=crosses)
        after[:, u] = np.maximum(after[:, u], np.where(crosses, up[t] + tail[:, k], 0))
        for v in readers:
            ready = np.where(device[:, u] & ~device[:, v], head[u] + up[t], 0)
            np.maximum(arrival[:, v], ready, out=arrival[:, v])
    return CutTypes(
        device=device, compute=device @ here, server=~device @ there, back=~device @ returns,
        sent=sent, send_head=head[[job.tensors[t][0] for t in tensors]], send_tail=tail,
        last_work=np.where(last_work == _NEVER, 0, last_work), device_tail=device_tails(device, here, before, after),
        server_tail=_server_tail(device, there, way_back),
        server_head=_server_head(device, there, before, arrival),
    )  # fmt: skip


def ancestors(job: Partition) -> IntArray:
    """Shape (n, n): 1 where the second layer comes before the first."""
    n = len(job.layers)
    before = np.zeros((n, n), dtype=np.int64)
    reads: list[set[int]] = [set() for _ in range(n)]
    for u, v in job.edges:
        reads[v].add(u)
    for v in job.order:
        for u in reads[v]:
            before[v] |= before[u]
            before[v, u] = 1
    return before


def _alone(chosen: NDArray[np.bool_], related: IntArray) -> NDArray[np.bool_]:
    """Shape (C, n): of the layers related to each, none is chosen. Counts stay below 2^24, where float32 is exact."""
    counts = chosen.astype(np.float32) @ related.astype(np.float32)
    return np.asarray(counts < 0.5)


def device_tails(device: NDArray[np.bool_], here: IntArray, before: IntArray, after: IntArray) -> IntArray:
    """Shape (C,): the last layer of any length on the device has none of any length behind it there; the least tail."""
    long = here > 0
    last = device & _alone(device & long, before)
    least = np.full(len(device), _NEVER)
    for v in np.nonzero(long)[0].tolist():
        own = after[:, v].copy()
        for w in np.nonzero((before[:, v] == 1) & ~long)[0].tolist():  # layers of length 0 may be what sends
            np.maximum(own, after[:, w], out=own, where=device[:, w])
        np.minimum(least, own, out=least, where=last[:, v])
    return np.where(least == _NEVER, 0, least)


def _server_head(device: NDArray[np.bool_], there: IntArray, before: IntArray, arrival: IntArray) -> IntArray:
    """Shape (C,): the first layer of any length on the server has waited for all that it reads, directly or not."""
    long = there > 0
    first = ~device & _alone(~device & long, before.T)
    least = np.full(len(device), _NEVER)
    for v in np.nonzero(long)[0].tolist():
        own = arrival[:, v].copy()
        for w in np.nonzero((before[v] == 1) & ~long)[0].tolist():
            np.maximum(own, arrival[:, w], out=own, where=~device[:, w])
        np.minimum(least, own, out=least, where=first[:, v])
    return np.where(least == _NEVER, 0, least)


def _server_tail(device: NDArray[np.bool_], there: IntArray, way_back: IntArray) -> IntArray:
    """Shape (C,): behind any layer of any length on the server at least the shortest way back of what it leads to."""
    least = np.where(~device & (there > 0), way_back, _NEVER).min(axis=1, initial=_NEVER)
    return np.where(least == _NEVER, 0, least)
