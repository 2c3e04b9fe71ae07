"""Earliest schedules of an order, left shifts, and list schedules."""

import random

from optsplit.algorithms import schedule_semi_active as semi_active
from optsplit.problems.schedule import Schedule
from tests.schedule_instances import random_schedule
from tests.test_schedule import HALF, half, net


def test_a_delayed_plan_is_shifted_back():
    problem = Schedule([net()])
    late = problem.plan([HALF], [[3, 5, 20, 40, 10, 30]])
    assert problem.evaluate(late).violations == ()
    shifted = semi_active.plan(problem, late.assignments, semi_active.starts_of(problem, late))
    assert shifted == half(problem)


def test_a_free_machine_takes_the_least_priority():
    job = net(None)
    problem = Schedule([job, job])
    here = [dict.fromkeys(HALF, "device")] * 2
    first = semi_active.dispatched(problem, here, lambda j, i, ready: j)
    last = semi_active.dispatched(problem, here, lambda j, i, ready: -j)
    assert [row[3] for row in first] == [8, 16]
    assert [row[3] for row in last] == [16, 8]


def test_a_machine_waits_for_no_later_release():
    job = net(None)
    problem = Schedule([job, job], [1, 0])
    here = [dict.fromkeys(HALF, "device")] * 2
    # job 1 has the machine to itself at 0, and then the better job 0 is there
    starts = semi_active.dispatched(problem, here, lambda j, i, ready: (j, i))
    assert starts == [[1, 4, 8, 12], [0, 0, 12, 16]]


def test_list_schedules_are_valid_and_cannot_be_shifted():
    for seed in range(40):
        rng = random.Random(seed)
        problem = random_schedule(rng, layers=6, jobs=3)
        cuts = [[int(max(p, 0)) for p in job.fixed] for job in problem.jobs]
        if any(job.evaluate(job.plan(at)).violations for job, at in zip(problem.jobs, cuts)):
            continue
        starts = semi_active.dispatched(problem, cuts, lambda j, i, ready: (j * 7 + i * 3) % 5)
        assert problem.evaluate(problem.plan(cuts, starts)).violations == ()
        assert semi_active.left_shifted(problem, cuts, starts) == starts


def test_tails_are_the_longest_ways_to_the_end():
    problem = Schedule([net()])
    steps = problem.steps(0, problem.jobs[0].positions(problem.jobs[0].plan([0, 0, 1, 0])).tolist())
    # in, a 4, b 1, c 0; in's tensor up 2, then b and down: 2 + 1 + 1; b's down 1
    assert [step.item for step in steps] == ["in", "a", "b", "c", "in", "b"]
    assert semi_active.tails(problem.jobs[0], steps) == [4, 4, 2, 0, 4, 1]
