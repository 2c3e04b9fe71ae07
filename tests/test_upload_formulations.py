"""The models of an upload: rows of a copy, limits, hints, and magnitudes beyond a float."""

import pytest

from optsplit import Metric, Partition, formulation
from optsplit.errors import InvalidInput
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.result import Limit
from tests.conformance.upload_cases import CHAIN

copies = formulation.load("upload_copies")
MODELS = [formulation.load(name) for name in ("upload_linear_ordering", "upload_time_indexed", "upload_cpsat")]


def chain(layers, scale=1):
    """Layers of 10 ns at the device and 1 at the server, cheap tensors, units of falling size."""
    names = ["input", *(f"l{i}" for i in range(layers))]
    send = [scale * (2 + i % 3) for i in range(layers + 1)]
    partition = Partition(
        names,
        [(i, i + 1) for i in range(layers)],
        metrics={
            "latency": Metric(
                [[0, 0], *([[10 * scale, scale]] * layers)], {("device", "server"): send, ("server", "device"): send}
            )
        },
        pins={"input": "device"},
    )
    return UploadOrder(partition, [0, *(scale * (layers - i) for i in range(layers))])


def test_a_copy_of_the_chain_without_b():
    network = copies.Network(UploadOrder(CHAIN, [0, 5, 6]))
    assert network.units == (0, 1)
    found = copies.copy(network, {1})
    # the input stays, b cannot go, so a is the only layer that moves: up for the input, down for its own tensor
    assert found.names == ("x_1", "up_0", "down_1")
    assert found.needs == ((0, 0),)
    assert found.crosses == ((1, 0, copies.ZERO), (2, 0, copies.ZERO))
    assert found.at_most == ()
    assert found.constant == 20
    assert found.cost == {0: -9, 1: 3, 2: 2}


def test_a_copy_knows_links_and_one_way():
    both = [("a", "b"), ("b", "c")]
    metrics = {"latency": Metric([[5, 1]] * 3, {("device", "server"): [1, 1, 1]})}
    partition = Partition(["a", "b", "c"], both, metrics=metrics, pins={"a": "device"}, result_at=None, one_way=True)
    found = copies.copy(copies.Network(UploadOrder(partition, [0, 2, 2])))
    assert found.at_most == ((0, 1),)  # b at the server puts c there
    assert [found.names[y] for y, _, _ in found.crosses] == ["up_0", "up_1"]


def test_floor_to_keeps_leading_bits():
    assert copies.floor_to(4, 0b101101) == 0b101100
    assert copies.floor_to(4, -0b101101) == -0b110000
    assert copies.floor_to(53, 12345) == 12345


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__.rpartition(".")[2])
def test_products_beyond_64_bits_keep_a_valid_bound(model):
    problem = chain(4, scale=3_000_000_000)
    plain = chain(4)
    optimum = min(model.solve(plain, Options()).objective for model in MODELS) * 3_000_000_000**2
    assert optimum > 2**63
    answer = model.solve(problem, Options(time_limit=20))
    assert problem.evaluate(answer.plan).objective == answer.objective == optimum
    assert 0 <= optimum - answer.bound <= 1e-9 * optimum


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__.rpartition(".")[2])
def test_a_limit_returns_an_order_and_no_false_bound(model):
    problem = chain(7)
    answer = model.solve(problem, Options(time_limit=1e-6))
    assert answer.limit is Limit.TIME
    assert not problem.evaluate(answer.plan).violations
    assert answer.bound is None
    hint = problem.plan(reversed(problem.positions(answer.plan)))
    assert model.solve(problem, Options(time_limit=1e-6, hint=hint)).plan == hint


def test_a_hint_that_is_no_order_of_this_problem_is_left_aside():
    problem = chain(3)
    network = copies.Network(problem)
    assert copies.start(problem, network, problem.plan([0])) == problem.plan(network.units)


def test_a_grid_of_few_slots_is_refined_to_a_proof():
    problem, model = chain(5), formulation.load("upload_time_indexed")
    network = copies.Network(problem)
    coarse, _ = model.solve_on(network, model.grid(problem.horizon, 1), {}, model.Watch(Options()))
    answer = model.solve(problem, Options(extra={"slots": 1}))
    # one slot: all but the last tick's worth of units may be there from the start
    assert coarse.bound < answer.bound == answer.objective


def test_grid():
    model = formulation.load("upload_time_indexed")
    assert model.grid(10, 4) == [0, 2, 5, 7, 10]
    assert model.grid(3, 12) == [0, 1, 2, 3]


def test_a_set_that_fills_its_slot_to_the_tick_is_learnt():
    model = formulation.load("upload_time_indexed")
    network = copies.Network(UploadOrder(CHAIN, [0, 5, 6]))
    covers = {}
    assert model.learn(network, covers, [0, 5, 11], [frozenset({0}), frozenset({0, 1})], [0, 1])
    assert covers == {5: {frozenset({0})}, 11: {frozenset({0, 1})}}
    assert not model.learn(network, covers, [0, 5, 11], [frozenset(), frozenset({0})], [0, 1])


def test_slots_are_a_whole_number():
    with pytest.raises(InvalidInput, match="slots is 0; give a whole number"):
        formulation.load("upload_time_indexed").solve(chain(2), Options(extra={"slots": 0}))


def test_large_problems_are_refused_with_their_size():
    problem = chain(90)
    assert "8190 layers here" in formulation.load("upload_linear_ordering").refuses(problem)
    assert "8190 layers here" in formulation.load("upload_cpsat").refuses(problem)
    assert formulation.load("upload_time_indexed").refuses(chain(160)) is not None
    assert formulation.load("upload_time_indexed").refuses(problem) is None
