"""Exact schedules of real networks: what each method proves, its limits, its bounds and its hints."""

import random
from pathlib import Path

import highspy
import pytest
from ortools.sat.python import cp_model

import optsplit as osp
from optsplit import Limit, Status
from optsplit.formulation import load
from optsplit.method import Options
from optsplit.problems.schedule import Schedule
from optsplit.start_schedule import start
from tests.schedule_instances import random_schedule
from tests.test_schedule import net

PHONE = {"device": 12.0}
DATA = Path(__file__).parent / "data"


def googlenet(**options):
    return Schedule.from_profile(osp.bundled("googlenet"), osp.links["4g"], load=PHONE, **options)


def test_googlenet_is_proven_by_its_blocks():
    problem = googlenet()
    result = osp.solve(problem, workers=2, time_limit=60)
    assert result.method == "series"
    assert result.status is Status.OPTIMAL
    assert result.raw_status.startswith("27 series points")
    # a branch at the server while the device runs the others: better than any cut for latency alone
    plain = osp.solve(problem, "partition").objective
    assert result.objective < plain
    assert result.bounds["path"] <= result.objective


@pytest.mark.slow
@pytest.mark.parametrize("link", ["3g", "4g", "wifi"])
@pytest.mark.parametrize("name", ["alexnet", "densenet201", "googlenet", "mobilenet_v1", "resnet18"])
def test_blocks_and_the_plain_model_agree(name, link):
    problem = Schedule.from_profile(osp.bundled(name), osp.links[link], load=PHONE)
    series = osp.solve(problem, "series", workers=2, time_limit=120)
    plain = osp.solve(problem, "cpsat", workers=2, time_limit=60)
    assert series.status is Status.OPTIMAL
    assert plain.bound <= series.objective <= plain.objective


def test_a_time_limit_keeps_the_best_plan_and_a_bound():
    problem = googlenet(frames=4)
    result = osp.solve(problem, "cpsat", time_limit=1.0)
    assert result.status is Status.FEASIBLE
    assert result.limit is Limit.TIME
    assert 0 < result.bound < result.objective
    assert result.objective <= osp.solve(problem, "partition").objective
    assert result.bounds["path"] <= result.bound


def test_no_time_at_all_still_gives_a_plan_and_a_bound():
    problem = googlenet()
    result = osp.solve(problem, "series", time_limit=1e-6)
    assert result.status is Status.FEASIBLE
    assert result.bounds["path"] <= result.bound < result.objective


@pytest.mark.parametrize("outside", [False, True])
def test_interrupt_between_blocks(monkeypatch, outside):
    series = load("schedule_series")
    solve, calls = series.schedule_cpsat.solve, []

    def interrupted(problem, options, **known):
        calls.append(problem)
        answer = solve(problem, options, **known)
        if len(calls) < 3:
            return answer
        if outside:
            raise KeyboardInterrupt
        return osp.Answer(bound=answer.bound, limit=Limit.INTERRUPT)

    monkeypatch.setattr(series.schedule_cpsat, "solve", interrupted)
    result = osp.solve(googlenet(), "series")
    assert len(calls) == 3
    assert result.limit is Limit.INTERRUPT
    assert result.bound < result.objective


def test_given_cuts_have_the_load_as_bound():
    cut = net().plan([0, 0, 1, 0])
    problem = Schedule([net()] * 3, cuts=[cut] * 3)
    result = osp.solve(problem, "cpsat")
    # the device works 3 * 4, and nothing of the last frame is left behind it
    assert result.bounds["load"] == 12
    assert result.objective == 12


@pytest.mark.parametrize("file", ["schedule_cpsat", "schedule_series"])
def test_a_hint_is_complete_and_kept(file):
    for seed in range(30):
        problem = random_schedule(random.Random(seed), jobs=1 if file == "schedule_series" else 3)
        if problem.objective == "period" and file == "schedule_series":
            continue
        hint = start(problem, Options())
        if hint is None:
            continue
        answer = load(file).solve(problem, Options(hint=hint))
        assert answer.objective <= problem.evaluate(hint).objective
        assert answer.objective == answer.bound


def test_every_value_of_a_hint_is_a_solution():
    # fixed to its hint, the model still has a solution of the hint's price: no variable got a wrong value
    cpsat = load("schedule_cpsat")
    for seed in range(40):
        problem = random_schedule(random.Random(seed), jobs=3)
        hint = start(problem, Options())
        if hint is None or (problem.objective == "period"):
            continue
        model = cpsat._Model(problem)
        model.machines()
        model.equal()
        model.objective(0)
        model.hint(hint)
        solver = cp_model.CpSolver()
        solver.parameters.fix_variables_to_their_hinted_value = True
        assert solver.solve(model.cp) == cp_model.OPTIMAL, seed
        assert round(solver.objective_value) <= problem.evaluate(hint).objective


def test_times_beyond_the_tolerance_of_floats_stay_valid():
    # ten thousand seconds in ns: HiGHS's tolerance is worth many ns, and the bound must not pass the optimum
    job = net()
    costs = job.costs("latency")
    arcs = {(p, q): costs.transfer[job.places.index(p), job.places.index(q)] * 10**12 + 1 for p, q in job.links}
    large = Schedule([job.but(metrics={"latency": osp.Metric(costs.compute * 10**12, arcs)})])
    exact = osp.solve(large, "cpsat").require_optimal()
    other = osp.solve(large, "milp", time_limit=20)
    assert other.bound <= exact.objective <= other.objective


def test_a_hint_that_breaks_a_rule_is_left():
    problem = Schedule([net()])
    wrong = problem.plan([dict.fromkeys(problem.jobs[0].layers, "device")], [[0, 0, 0, 0]])
    assert osp.solve(problem, "cpsat", hint=wrong).require_optimal().objective == 4


def test_infeasible_jobs_are_proven_so():
    closed = net().but(links=[("server", "device")], pins={"in": "device", "b": "server"})
    for method in ("series", "cpsat", "milp", "brute"):
        assert osp.solve(Schedule([closed]), method).status is Status.INFEASIBLE


def test_an_optimum_that_the_presolve_of_highs_loses():
    # the device alone works 1 + 3 + 1 for each of the two frames; HiGHS 1.12 presolves this to 15
    problem = Schedule.load(DATA / "schedule_highs_presolve.json")
    assert osp.solve(problem, "cpsat").require_optimal().objective == 10
    assert osp.solve(problem, "milp").require_optimal().objective == 10
    for presolve, claimed in (("on", 15), ("off", 10)):
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("presolve", presolve)
        highs.readModel(str(DATA / "highs_presolve.mps"))
        highs.run()
        # where this no longer says 15, the formulation can have its presolve back
        assert (highs.modelStatusToString(highs.getModelStatus()), highs.getObjectiveValue()) == ("Optimal", claimed)
