"""Places in a line by threshold cuts: equal to enumeration, and the branching that shared tensors need."""

import itertools
import random
import time

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Status
from optsplit.algorithms import brute, intervals, thresholds, tiers
from optsplit.method import Options
from tests.instances import random_partition


def additive(rng: random.Random) -> Partition:
    """A random problem whose transfers add up along the line, sometimes with more on top of a longer way."""
    places = rng.choice((2, 3, 3, 4))
    problem = random_partition(
        rng, layers=rng.randint(1, 7 if places < 4 else 5), places=places, one_way=rng.random() < 0.5,
        result_at=rng.choice(["", None, "cloud"]), magnitude=rng.choice([3, 100, 10**9]), send_receive=False,
    )  # fmt: skip
    size = [rng.choice((0, 1, 5, 20)) for _ in problem.tensors]
    rate = [[rng.choice((0, 1, 1, 3)) for _ in range(places - 1)] for _ in range(2)]
    extra = rng.choice((0, 0, 4))
    transfer = {}
    for p, q in itertools.permutations(range(places), 2):
        way = sum(rate[int(p > q)][min(p, q) : max(p, q)])
        more = extra * (abs(p - q) - 1)
        transfer[problem.places[p], problem.places[q]] = [way * s + more * (abs(p - q)) for s in size]
    send = {}
    if rng.random() < 0.5:
        send = {p: [rng.choice((0, 2, 9)) for _ in size] for p in problem.places if rng.random() < 0.6}
    metric = Metric(problem.costs("m0").compute, transfer, send)
    # a link past a gap would be refused: only the longest may be missing
    longest = [(problem.places[0], problem.places[-1]), (problem.places[-1], problem.places[0])]
    links = [arc for arc in transfer if arc not in longest or rng.random() < 0.9]
    together = [rng.sample(problem.layers, 2)] if len(problem.layers) > 2 and rng.random() < 0.2 else []
    return problem.but(metrics={"m0": metric}, links=links, together=together)


@pytest.mark.parametrize("seed", range(120))
def test_equals_enumeration(seed):
    problem = additive(random.Random(seed))
    assert intervals.refuses(problem) is None
    found, every = tiers.solve(problem, Options()), brute.solve(problem, Options())
    assert (found.objective, found.bound, found.infeasible) == (every.objective, every.bound, every.infeasible)


@pytest.mark.parametrize("seed", [1280, 2983])
def test_layers_that_stay_together_keep_one_range_where_data_goes_one_way(seed):
    problem = additive(random.Random(seed))
    assert problem.together
    assert osp.solve(problem, "tiers").objective == brute.solve(problem, Options()).objective


@pytest.mark.parametrize("seed", range(60))
def test_any_costs_are_solved_or_refused(seed):
    rng = random.Random(seed)
    problem = random_partition(rng, layers=5, places=3, one_way=rng.random() < 0.7, missing_links=0.2, magnitude=4)
    if intervals.refuses(problem) is None:
        assert tiers.solve(problem, Options()).objective == brute.solve(problem, Options()).objective


def line(**changes):
    # a -> b -> c over device, edge, cloud; one hop costs 2 for a's tensor, 1 for b's; all of it faster further away
    base = {
        "layers": ["a", "b", "c"],
        "edges": [(0, 1), (1, 2)],
        "places": ("device", "edge", "cloud"),
        "metrics": {
            "latency": Metric(
                [[0, 9, 9], [9, 4, 1], [9, 4, 0]],
                {("device", "edge"): [2, 1, 0], ("edge", "cloud"): [2, 1, 0], ("device", "cloud"): [4, 2, 0]},
            )
        },
        "pins": {"a": "device"},
        "result_at": None,
        "one_way": True,
    }
    return Partition(**{**base, **changes})


def test_one_cut_proves_a_line():
    # both in the cloud: 4 + 1 + 0; edge then cloud: 2 + 4 + 1 + 0; both at the edge: 2 + 4 + 4
    result = osp.solve(line(), "tiers")
    assert (result.status, result.objective, result.bound) == (Status.OPTIMAL, 5, 5)
    assert result.raw_status == "minimum cuts: 1"


def test_a_tensor_read_at_two_later_places_pays_both_ways():
    # a is read by b at the edge and c in the cloud: 2 to the edge and 4 to the cloud, not 2 + 2
    problem = line(edges=[(0, 1), (0, 2)], pins={"a": "device", "b": "edge", "c": "cloud"})
    assert osp.solve(problem, "tiers").objective == 2 + 4 + 4


def test_free_shared_readers_are_branched_on():
    compute = [[0, 9, 9], [9, 0, 9], [9, 9, 0]]
    way = {("device", "edge"): [2, 0, 0], ("edge", "cloud"): [2, 0, 0], ("device", "cloud"): [4, 0, 0]}
    problem = line(edges=[(0, 1), (0, 2)], metrics={"latency": Metric(compute, way)})
    result = osp.solve(problem, "tiers")
    assert (result.objective, result.bound) == (6, 6)
    assert result.raw_status != "minimum cuts: 1"


def test_costs_that_do_not_add_up_are_refused_with_the_tensor():
    way = {("device", "edge"): [2, 1, 0], ("edge", "cloud"): [2, 1, 0], ("device", "cloud"): [4, 1, 0]}
    problem = line(metrics={"latency": Metric([[0, 9, 9]] * 3, way)})
    reason = intervals.refuses(problem)
    assert "tensor 'b' from 'device' to 'cloud'" in reason
    with pytest.raises(osp.errors.MethodMismatch, match="do not add up"):
        osp.solve(problem, "tiers")


def test_a_link_past_a_gap_is_refused():
    problem = line(links=[("device", "cloud")])
    assert "none from 'device' to 'edge'" in intervals.refuses(problem)


def test_the_way_back_of_the_result_is_priced():
    back = {("edge", "device"): [0, 0, 3], ("cloud", "device"): [0, 0, 1]}
    metric = line().metrics["latency"]
    problem = line(metrics={"latency": Metric(metric.compute, {**metric.transfer, **back})}, result_at="device")
    # one_way: the result alone goes back, so its way back need not add up; cloud: 4 + 1 + 0 + 1
    result = osp.solve(problem, "tiers")
    assert (result.objective, result.bound) == (6, 6)


def test_a_time_limit_leaves_a_valid_bound():
    problems = map(additive, map(random.Random, range(300)))
    problem = next(p for p in problems if tiers.solve(p, Options()).raw_status.endswith((": 5", ": 7")))
    optimum = brute.solve(problem, Options()).objective
    found = tiers.solve(problem, Options(time_limit=1e-9))
    assert found.bound <= optimum
    assert found.limit is not osp.Limit.NONE


def test_the_tensor_that_does_not_add_up_may_be_the_first():
    way = {("device", "edge"): [2, 1, 0], ("edge", "cloud"): [2, 1, 0], ("device", "cloud"): [3, 2, 0]}
    reason = intervals.refuses(line(metrics={"latency": Metric([[0, 9, 9]] * 3, way)}))
    assert "tensor 'a' from 'device' to 'cloud'" in reason


def test_a_wide_gap_ends_the_branching():
    compute = [[0, 9, 9], [9, 0, 9], [9, 9, 0]]
    way = {("device", "edge"): [2, 0, 0], ("edge", "cloud"): [2, 0, 0], ("device", "cloud"): [4, 0, 0]}
    problem = line(edges=[(0, 1), (0, 2)], metrics={"latency": Metric(compute, way)})
    result = osp.solve(problem, "tiers", gap=0.5)
    assert (result.status, result.limit, result.raw_status) == (Status.FEASIBLE, osp.Limit.GAP, "minimum cuts: 1")
    assert result.bound < 6 <= result.objective


def test_seconds_are_parts_of_the_whole():
    begun = time.perf_counter()
    result = osp.solve(line(), "tiers")
    spent = time.perf_counter() - begun
    assert result.build_seconds > 0
    assert result.solve_seconds > 0
    assert result.build_seconds + result.solve_seconds <= spent


def test_ways_back_add_up_too():
    names = ("device", "edge", "cloud")
    ways = {(p, q): [2 * abs(names.index(p) - names.index(q))] * 3 for p in names for q in names if p != q}
    assert intervals.refuses(line(metrics={"latency": Metric([[0, 9, 9]] * 3, ways)}, one_way=False)) is None
    ways["cloud", "device"] = [3, 4, 4]
    reason = intervals.refuses(line(metrics={"latency": Metric([[0, 9, 9]] * 3, ways)}, one_way=False))
    assert "tensor 'a' from 'cloud' to 'device'" in reason


def test_a_branching_parts_the_range_of_its_layer():
    # the layer of the widest range stands at its lowest place, the other below it: both sides keep a place
    assert thresholds._between([0, 1], [1, 0], [1, 0], [3, 0]) == (0, 1)
    assert thresholds._between([0, 1], [2, 0], [1, 0], [3, 0]) == (0, 1)
    assert thresholds._between([0, 1], [3, 4], [1, 4], [3, 4]) == (0, 2)
