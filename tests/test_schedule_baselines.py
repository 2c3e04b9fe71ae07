"""List schedules and Extended Johnson: published examples, and what each of them does on a small network."""

import pytest

import optsplit as osp
from optsplit.baselines import schedule_johnson, schedule_lists
from optsplit.method import Options
from optsplit.problems.partition import Partition
from optsplit.problems.schedule import Schedule
from tests.test_schedule import HALF, net

OPTIONS = Options()


def three_stages(times):
    """A flow shop of three machines as a schedule with given cuts: a layer here, its tensor, a layer there."""
    jobs = [
        Partition(
            ["x", "y"], [(0, 1)], metrics={"latency": osp.Metric([[a, 0], [0, c]], {("device", "server"): [b, 0]})},
            pins={"x": "device", "y": "server"}, result_at=None,
        )
        for a, b, c in times
    ]  # fmt: skip
    return Schedule(jobs, cuts=[job.plan([0, 1]) for job in jobs])


def price(problem, answer):
    found = problem.evaluate(answer.plan)
    assert found.violations == ()
    return found.objective


def test_extended_johnson_on_the_toy_of_its_slides():
    # Duan and Wu: order 1, 3, 4, 2 with makespan 18
    problem = three_stages([(3, 2, 5), (3, 2, 2), (4, 3, 3), (4, 2, 3)])
    answer = schedule_johnson.solve(problem, OPTIONS)
    assert price(problem, answer) == 18
    assert [o.job for o in answer.plan.on("device")] == [0, 2, 3, 1]


def test_extended_johnson_is_not_within_five_thirds():
    # the first three need nothing here, come first, and block the link
    problem = three_stages([(0, 14, 0), (0, 12, 0), (0, 9, 0), (18, 1, 20), (0, 15, 16)])
    assert price(problem, schedule_johnson.solve(problem, OPTIONS)) == 86
    assert osp.solve(problem, "cpsat").require_optimal().objective == 51


def test_paths_of_a_network_are_jobs_of_three_machines():
    problem = Schedule([net()])
    found = schedule_johnson.paths(problem, 0, HALF)
    # in - a - c stays here; in - its tensor - b - back - c goes there
    assert sorted(times for times, _ in found) == [(0, 3, 1), (4, 0, 0)]


def test_what_lies_at_one_place_between_series_points_is_one_operation():
    problem = Schedule([net()])
    ((times, operations),) = schedule_johnson.paths(problem, 0, dict.fromkeys(HALF, "device"))
    assert times == (8, 0, 0)
    assert operations == {0, 1, 2, 3}


def test_more_paths_than_can_be_listed_are_refused(monkeypatch):
    monkeypatch.setattr(schedule_johnson, "MOST", 1)
    problem = Schedule([net()], cuts=[net().plan([0, 0, 1, 0])])
    answer = schedule_johnson.solve(problem, OPTIONS)
    assert answer.plan is None
    assert answer.raw_status == "job 0 has more than 1 paths under its cut"


@pytest.mark.parametrize(
    ("run", "makespan"),
    [
        # the cut of least latency sends the input, 2, runs both branches there, 1 + 1, and sends c back, 1
        (schedule_lists.no_overlap, 5),
        (schedule_lists.topological_list, 5),
        (schedule_lists.fcfs, 5),
        (schedule_lists.partition, 5),
        (schedule_lists.device_only, 8),
        (schedule_lists.server_only, 5),
    ],
)
def test_list_schedules_take_the_cut_of_least_latency(run, makespan):
    problem = Schedule([net()])
    assert price(problem, run(problem, OPTIONS)) == makespan


def test_no_overlap_runs_one_thing_at_a_time():
    job = net()
    cut = job.plan([0, 0, 1, 0])
    problem = Schedule([job, job], cuts=[cut, cut])
    # 4 here, 2 up, 1 there, 1 back, twice
    assert price(problem, schedule_lists.no_overlap(problem, OPTIONS)) == 16
    # the link takes both inputs at once, the device is the bottleneck
    assert price(problem, schedule_lists.partition(problem, OPTIONS)) == 8


def test_lists_say_why_they_have_no_plan():
    closed = net().but(links=[("server", "device")], pins={"in": "device", "b": "server"})
    problem = Schedule([closed])
    assert schedule_lists.partition(problem, OPTIONS).raw_status.startswith("no cut of least latency")
    assert schedule_lists.server_only(problem, OPTIONS).raw_status.startswith("its cut breaks a rule")
    assert schedule_johnson.solve(problem, OPTIONS).plan is None
