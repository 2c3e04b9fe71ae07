"""Queries followed one by one while the weights travel."""

import itertools

import pytest

from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.problems.upload_queries import Query, back_to_back, periodic, poisson, simulate
from tests.conformance.upload_cases import CHAIN

# 20 until a is there at 30, 16 until b is at 70, then 6
PROBLEM = UploadOrder(CHAIN, [0, 30, 40])
PLAN = UploadPlan(["a", "b"])


def test_a_query_takes_the_latency_at_its_start():
    found = simulate(PROBLEM, PLAN, [0, 29, 30, 69], waiting=False)
    assert [q.latency for q in found.queries] == [20, 20, 16, 16]
    assert found.mean_latency == 18
    assert found.finished == 3


def test_a_query_waits_for_those_before_it():
    found = simulate(PROBLEM, PLAN, [0, 10, 30])
    # the second starts at 20 and takes 20, the third at 40 and takes 16
    assert found.queries == (Query(0, 0, 20), Query(10, 20, 40), Query(30, 40, 56))
    assert found.mean_response == (20 + 30 + 26) / 3


def test_a_batch_counts_when_it_is_complete():
    found = simulate(PROBLEM, UploadPlan(["a", "b"], [2]), periodic(30), waiting=False)
    assert [q.latency for q in found.queries] == [20, 20, 20]


def test_back_to_back():
    found = back_to_back(PROBLEM, PLAN)
    assert [q.end for q in found.queries] == [20, 40, 56, 72]
    assert found.finished == 3
    longer = back_to_back(PROBLEM, PLAN, horizon=90)
    assert [q.end for q in longer.queries] == [20, 40, 56, 72, 78, 84, 90]
    assert longer.finished == 7


def test_periodic_times():
    assert list(itertools.islice(periodic(7, 3), 3)) == [3, 10, 17]
    with pytest.raises(InvalidInput, match="period of 1 or more"):
        periodic(0)


def test_poisson_is_seeded_and_near_the_closed_form():
    times = list(itertools.takewhile(lambda moment: moment < 10**6, poisson(100, seed=3)))
    assert times == list(itertools.islice(poisson(100, seed=3), len(times)))
    assert times != list(itertools.islice(poisson(100, seed=4), len(times)))
    # 10^4 expected, standard deviation 100
    assert abs(len(times) - 10**4) < 400
    large = UploadOrder(CHAIN, [0, 3 * 10**6, 4 * 10**6])
    mean = large.evaluate(PLAN).objective / large.horizon
    # latencies of 16 and 20, 7 * 10^4 queries
    assert abs(simulate(large, PLAN, poisson(100), waiting=False).mean_latency - mean) < 0.05
    with pytest.raises(InvalidInput, match="give 1 or more"):
        poisson(0.5)


def test_no_query_has_no_mean():
    found = simulate(PROBLEM, PLAN, [])
    assert (found.mean_latency, found.mean_response, found.finished) == (None, None, 0)


def test_times_must_ascend():
    with pytest.raises(InvalidInput, match="give ascending times"):
        simulate(PROBLEM, PLAN, [5, 4])


def test_queries_of_no_time_have_no_end():
    free = CHAIN.but(metrics={"latency": type(CHAIN.metrics["latency"])([[0, 0], [10, 0], [10, 0]])})
    problem = UploadOrder(free, [0, 5, 6])
    with pytest.raises(InvalidInput, match="takes no time"):
        back_to_back(problem, PLAN, horizon=99)
