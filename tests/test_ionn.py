"""IONN: macro layers, partitions by K, the efficiency rule, and the orders that look at the network alone."""

from fractions import Fraction

import pytest

from optsplit import Metric, Partition
from optsplit.baselines import ionn, upload_order
from optsplit.baselines.ionn_layers import MacroChain, macro_layers
from optsplit.errors import InvalidInput
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder
from tests.conformance.upload_cases import CHAIN, DOWN, UP


def diamonds():
    """Input, then two diamonds s -> (a, b) -> t one behind the other."""
    names = ["input", "s1", "a1", "b1", "t1", "a2", "b2", "t2"]
    edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (4, 6), (5, 7), (6, 7)]
    send = [8, 4, 3, 3, 2, 3, 3, 1]
    compute = [[0, 0], *([[10, 1]] * 7)]
    return Partition(
        names, edges, metrics={"latency": Metric(compute, {UP: send, DOWN: send})}, pins={"input": "device"}
    )


def test_macro_layers_lie_between_dominators():
    partition = diamonds()
    assert macro_layers(partition, {0}) == [(1,), (2, 3, 4), (5, 6, 7)]


def test_two_inputs_have_no_dominator_before_they_meet():
    compute = [[0, 0]] * 2 + [[5, 1]] * 4
    partition = Partition(
        ["x", "y", "a", "b", "join", "end"],
        [(0, 2), (1, 3), (2, 4), (3, 4), (4, 5)],
        metrics={"latency": Metric(compute, {UP: [1] * 6, DOWN: [1] * 6})},
        pins={"x": "device", "y": "device"},
    )
    assert macro_layers(partition, {0, 1}) == [(2, 3, 4), (5,)]


def test_a_macro_layer_sums_its_layers_and_its_ways():
    chain = MacroChain(UploadOrder(diamonds(), [0, 1, 2, 3, 4, 5, 6, 7]))
    first, second, last = chain.macros
    assert (first.client, first.server, first.into, first.back) == (10, 1, 8, 4)
    # the tensor of s1 is read by a1 and b1, and goes up once
    assert (second.client, second.server, second.into, second.back) == (30, 3, 4, 2)
    # the result comes back in any case: it is part of running there
    assert (last.client, last.server, last.into, last.back) == (30, 3 + 1, 2, 0)
    assert [chain.problem.names[k] for k in second.units] == ["a1", "b1", "t1"]


def test_pins_close_a_place_to_a_macro_layer():
    partition = diamonds().but(pins={"input": "device", "a1": "device", "t2": "server"})
    chain = MacroChain(UploadOrder(partition, [0, 1, 2, 3, 4, 5, 6, 0]))
    assert chain.macros[1].server is None
    assert chain.macros[2].client is None


def test_present_units_weigh_nothing():
    chain = MacroChain(UploadOrder(diamonds(), [0, 1, 2, 3, 4, 5, 6, 7], present=["a1"]))
    assert [chain.problem.names[k] for k in chain.macros[1].units] == ["b1", "t1"]


# CHAIN: input 3, a 10 against 1, 2 between, b 10 against 1, 1 back. Both there 6, a alone 16, b alone 14, none 20.
def test_the_shortest_path_weighs_uploads_by_f():
    chain = MacroChain(UploadOrder(CHAIN, [0, 2, 30]))
    assert ionn.server_side(chain, Fraction(1)) == [0]  # 16 + 2 < 20 < 14 + 30
    # both from f * 32 + 6 < f * 2 + 16 on: f < 1/3
    assert ionn.server_side(chain, Fraction(1, 3)) == [0]  # a tie stays with fewer uploads
    assert ionn.server_side(chain, Fraction(33, 100)) == [0, 1]
    assert ionn.server_side(chain, Fraction(0)) == [0, 1]


def test_partitions_count_when_complete():
    problem = UploadOrder(CHAIN, [0, 2, 30])
    answer = ionn.solve(problem, Options(extra={"k": 0.5}))
    assert (answer.plan.order, answer.plan.batches) == (["a", "b"], [1, 1])
    # f = 0.5, the first that sends a, is followed by 0.25, which sends b
    assert ionn.partitions(problem, Fraction(1, 2), Fraction(1)) == [[0], [1]]
    both = ionn.solve(UploadOrder(CHAIN, [0, 9, 3]), Options(extra={"k": 0.01, "threshold": 0.5}))
    assert (both.plan.order, both.plan.batches) == (["b", "a"], [1, 1])
    none = UploadOrder(CHAIN, [0, 40, 40])
    assert ionn.solve(none, Options(extra={"k": 0.1, "threshold": 0.5})).plan.batches == [2]  # only f = 0 sends, all


def test_layerwise_counts_the_same_order_layer_by_layer():
    problem = UploadOrder(CHAIN, [0, 40, 40])
    options = Options(extra={"k": 0.1, "threshold": 0.5})
    published, layerwise = ionn.solve(problem, options).plan, ionn.layerwise(problem, options).plan
    assert layerwise.order == published.order == ["a", "b"]
    assert layerwise.batches is None
    # 80 * 20 against 40 * 20 + 40 * 16
    assert [problem.evaluate(plan).objective for plan in (published, layerwise)] == [1600, 1440]


def test_what_no_path_takes_goes_last():
    """Macro layers with a layer pinned to the device run there whole; the least cut still takes a1 out of them."""
    partition = diamonds().but(pins={"input": "device", "b1": "device", "b2": "device", "t2": "device"})
    problem = UploadOrder(partition, [0, 1, 2, 3, 4, 5, 6, 7])
    assert ionn.server_side(MacroChain(problem), Fraction(0)) == []
    plan = ionn.solve(problem, Options()).plan
    assert "a1" in plan.order
    assert plan.batches == [len(plan.order)]
    assert not problem.evaluate(plan).violations


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"k": 1}, "k is 1; give a number above 0 and below 1"),
        ({"k": "x"}, "k is 'x'"),
        ({"threshold": 0}, "threshold is 0; give a number from 1e-09"),
        ({"k": 0.9999, "threshold": 1e-6}, "more than 1000 steps"),
    ],
)
def test_options_are_checked(extra, message):
    with pytest.raises(InvalidInput, match=message):
        ionn.solve(UploadOrder(CHAIN, [0, 5, 6]), Options(extra=extra))


def test_efficiency_takes_the_best_interval_and_refines_it():
    # b alone 6 / 6, a alone 4 / 5, both 14 / 11: both first, and inside it b
    problem = UploadOrder(CHAIN, [0, 5, 6])
    assert ionn.efficiency(problem, Options()).plan.order == ["b", "a"]
    # a alone 4 / 2, both 14 / 32
    assert ionn.efficiency(UploadOrder(CHAIN, [0, 2, 30]), Options()).plan.order == ["a", "b"]


def test_orders_that_look_at_the_network_alone():
    problem = UploadOrder(CHAIN, {"b": (6, ["b"]), "a": (5, ["a"]), "useless": (9, ["input"])})
    orders = {
        rule.__name__: rule(problem, Options()).plan
        for rule in (upload_order.in_order, upload_order.all_at_once, upload_order.largest_first, upload_order.density)
    }
    assert orders["in_order"].order == ["a", "b"]
    assert (orders["all_at_once"].order, orders["all_at_once"].batches) == (["a", "b"], [2])
    assert orders["largest_first"].order == ["b", "a"]
    assert orders["density"].order == ["a", "b"]  # 9 / 5 against 9 / 6


def test_nothing_to_send():
    problem = UploadOrder(CHAIN, [0, 5, 6], present=["a", "b"])
    for rule in (upload_order.all_at_once, upload_order.in_order, ionn.solve, ionn.layerwise, ionn.efficiency):
        assert problem.evaluate(rule(problem, Options()).plan).objective == 0
