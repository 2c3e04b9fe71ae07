"""Where layers stand: lanes that return to where they began, and rows that a long network is folded into."""

import pytest

from optsplit import Metric, Partition
from optsplit.plots.layout import depths, fold, lanes, way


def net(count, edges):
    names = [f"l{i}" for i in range(count)]
    return Partition(names, edges, metrics={"latency": Metric([[1, 1]] * count)})


def test_a_join_returns_to_the_lane_of_its_fork_however_its_branches_end():
    # 1 forks into 2, 3, 4; 2 forks again into 5, 6; all meet in 7, 8 follows
    problem = net(9, [(0, 1), (1, 2), (1, 3), (1, 4), (2, 5), (2, 6), (5, 7), (6, 7), (3, 7), (4, 7), (7, 8)])
    y = lanes(problem)
    assert y[:2] == [0, 0]
    assert y[2:5] == [-1, 0, 1]
    assert y[5:7] == [-1.2, -0.8]
    assert y[7:] == [0, 0]


def test_blocks_in_a_row_do_not_drift():
    edges = []
    for k in range(0, 40, 4):  # a fork of which one branch is read by the join and by the other branch
        edges += [(k, k + 1), (k, k + 2), (k + 1, k + 2), (k + 1, k + 3), (k + 2, k + 3), (k + 3, k + 4)]
    problem = net(41, edges)
    y = lanes(problem)
    assert [y[k] for k in range(0, 41, 4)] == [0] * 11


def test_early_exits_stand_aside_on_free_lanes_and_the_rest_goes_straight_on():
    # exits of two layers behind 0, 1 and 2; the third begins when the first has ended
    problem = net(9, [(0, 1), (0, 3), (3, 4), (1, 2), (1, 5), (5, 6), (2, 7), (7, 8)])
    y = lanes(problem)
    assert y[0] == y[1] == y[2] == 0
    assert y[3] == y[4] == -1
    assert y[5] == y[6] == 1
    assert y[7] == y[8] == 0  # the last one's own layers are the rest
    crowded = lanes(net(7, [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (2, 6)]))
    assert crowded[:3] == [0, 0, 0]
    assert sorted(crowded[3:6]) == [-2, -1, 1]


def test_inputs_have_lanes_of_their_own():
    problem = net(4, [(0, 2), (1, 2), (2, 3)])
    assert lanes(problem) == [-0.5, 0.5, 0, 0]
    assert depths(problem) == [0, 0, 1, 2]


@pytest.mark.parametrize(("deep", "rows"), [(1, 1), (20, 1), (47, 1), (120, 3), (708, 10)])
def test_rows_are_as_few_as_leave_room_for_markers(deep, rows):
    found = fold(list(range(deep)), [0.0] * deep, 180, 140)
    assert found.rows == rows
    assert found.width * found.rows >= deep
    assert found.size <= 0.92 * 180 / found.width + 1e-9


def test_wide_networks_are_folded_less():
    x = [k // 8 for k in range(8 * 200)]
    assert fold(x, [float(k % 8) for k in range(8 * 200)], 180, 140).rows < fold(x, [0.0] * 1600, 180, 140).rows


def test_rows_follow_one_another_downwards():
    found = fold(list(range(708)), [0.0] * 708, 180, 140)
    assert found.at(0, 0)[0] == found.at(found.width, 0)[0] == 0
    assert found.at(0, 0)[1] - found.at(found.width, 0)[1] == pytest.approx(found.pitch)
    assert found.at(found.width - 1, 0) == (found.width - 1, found.at(0, 0)[1])
    assert found.used <= 140 + 1e-9


def test_an_edge_is_cut_where_its_row_ends():
    found = fold(list(range(708)), [0.0] * 708, 180, 140)
    w = found.width
    assert len(found.ways([(0, 0.0), (1, 0.0)])) == 1
    left, right = found.ways([(w - 1, 0.0), (w, 0.0)])
    assert left == [found.at(w - 1, 0), (w - 0.5, found.at(0, 0)[1])]
    assert right == [(-0.5, found.at(w, 0)[1]), found.at(w, 0)]
    # over three rows and two more
    assert len(found.ways([(0, 0.0), (2 * w + 3, 0.0)])) == 3


def test_a_way_past_other_layers_is_a_bow_on_its_own_lane_and_a_bend_to_another():
    assert way(0, 0, 1, 0) == [(0, 0), (1, 0)]
    assert way(0, 0, 4, 1) == [(0, 0), (3, 0), (4, 1)]
    bow = way(0, 0, 4, 0)
    assert bow[0] == (0, 0)
    assert bow[-1] == (4, 0)
    assert max(y for _, y in bow) == 0.45
