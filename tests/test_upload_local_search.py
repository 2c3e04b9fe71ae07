"""Local search over orders."""

from optsplit.baselines import upload_local_search
from optsplit.method import Options
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.result import Limit
from tests.conformance.upload_cases import CHAIN
from tests.test_upload_formulations import chain


def test_it_moves_units_until_none_does_good():
    problem = chain(6)
    answer = upload_local_search.solve(problem, Options())
    order, price = problem.positions(answer.plan), answer.objective
    assert answer.limit is Limit.NONE
    for unit in order:
        for place in range(len(order)):
            moved = [k for k in order if k != unit]
            moved.insert(place, unit)
            assert problem.evaluate(problem.plan(moved)).objective >= price


def test_ties_in_lost_queries_fall_to_the_integral():
    # neither order finishes a query of 20 within 11: the order of the lesser integral is b, a
    problem = UploadOrder(CHAIN, [0, 5, 6], objective="lost_queries")
    assert upload_local_search.solve(problem, Options()).plan.order == ["b", "a"]


def test_a_limit_and_a_hint():
    problem = chain(8)
    best = upload_local_search.solve(problem, Options())
    stopped = upload_local_search.solve(problem, Options(time_limit=1e-6, hint=best.plan))
    assert stopped.limit is Limit.TIME
    assert stopped.objective == best.objective
    astray = upload_local_search.solve(problem, Options(hint=UploadPlan([])))
    assert astray.objective == best.objective
