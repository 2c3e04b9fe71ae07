"""What the cuts of a small network ask of the machines, derived by hand; lists that would become too long."""

from __future__ import annotations

import numpy as np

import optsplit as osp
from optsplit.problems.schedule_cuts import ancestors, cut_types, down_sets, one_way_cuts
from optsplit.problems.schedule_returns import _rest, edges_of_down_sets
from tests.test_schedule import net


def test_heads_and_tails_of_a_cut() -> None:
    # in and a (4) here, b (1) and c there: in goes up (2) for b, a's tensor (9) for c, and c's comes down (1)
    types = cut_types(net())
    assert types is not None
    (cut,) = np.nonzero((types.device == [True, True, False, False]).all(axis=1))[0].tolist()
    assert types.loads[cut].tolist() == [4, 2 + 9, 1, 1]
    assert types.sent[cut].tolist() == [2, 9, 0]
    assert types.send_head.tolist() == [0, 4, 4]
    # behind in: b, c and the way down; behind a's tensor (and b's): c and the way down
    assert types.send_tail[cut].tolist() == [1 + 0 + 1, 0 + 1, 0 + 1]
    assert types.last_work[cut] == 0
    assert types.device_tail[cut] == 9 + 0 + 1
    assert types.server_tail[cut] == 1
    assert types.server_head[cut] == 2
    assert types.at(cut).tolist() == [0, 0, 1, 1]
    # the input alone here: the device works no time at all, so nothing is known behind it
    (cut,) = np.nonzero(types.device.sum(axis=1) == 1)[0].tolist()
    assert types.loads[cut].tolist() == [0, 2, 2, 1]
    assert types.device_tail[cut] == 0


def test_a_short_layer_may_be_the_last_of_the_device() -> None:
    # a (4) leads to c on the server, 9 up; b takes 1 here and leads nowhere: the device may end with b
    metric = osp.Metric([[0, 9], [4, 9], [1, 9], [9, 1]], {("device", "server"): [9, 9, 9, 9]})
    job = osp.Partition(
        ["in", "a", "b", "c"], [(0, 1), (0, 2), (1, 3)], metrics={"latency": metric},
        pins={"in": "device", "a": "device", "b": "device", "c": "server"}, result_at=None,
    )  # fmt: skip
    types = cut_types(job)
    assert types is not None
    assert types.device_tail.tolist() == [0]
    assert types.server_head.tolist() == [4 + 9]


def test_the_least_time_from_a_layer_to_the_end() -> None:
    # from in on the server: a and b may be shared, 1 each there and 4 here, which takes 2 at best; c comes down, 1
    job = net()
    expected = [[4, 2], [4, 2], [4, 2], [0, 1]]
    assert _rest(job, ancestors(job), None).tolist() == expected
    # what is known already counts where it is more
    assert _rest(job, ancestors(job), np.zeros((4, 2), dtype=np.int64)).tolist() == expected
    assert _rest(job, ancestors(job), np.array([[0, 0], [0, 0], [0, 0], [5, 0]])).tolist()[3] == [5, 1]
    # nothing comes down: a behind in is 2 up and 1 there
    free = job.but(result_at=None)
    assert _rest(free, ancestors(free), None).tolist() == [[3, 2], [4, 1], [4, 1], [0, 0]]


def test_layers_that_read_only_from_a_down_set_and_are_not_in_it() -> None:
    found = edges_of_down_sets(net())
    assert found is not None
    names = net().layers
    sets = {
        "".join(names[v][0] for v in np.nonzero(device)[0]): "".join(names[v] for v in np.nonzero(edge)[0])
        for device, edge in zip(*found, strict=True)
    }
    # without in, which is pinned here, there is no cut
    assert sets == {"i": "ab", "ia": "b", "ib": "a", "iab": "c", "iabc": ""}


def test_lists_that_are_too_long_are_not_made() -> None:
    job = net()
    every, closed = one_way_cuts(job, 5), down_sets(job, 0, 6)
    assert every is not None
    assert closed is not None
    assert (len(every), len(closed)) == (5, 6)
    assert one_way_cuts(job, 4) is None
    assert cut_types(job, 4) is None
    assert edges_of_down_sets(job, 4) is None
    assert down_sets(job, 0, 5) is None
