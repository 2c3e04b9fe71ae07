"""Schedule: what it refuses, what it prices, what it calls a violation, and its ways in and out."""

import random

import pytest

import optsplit as osp
from optsplit.algorithms import schedule_brute
from optsplit.errors import InvalidInput
from optsplit.problems import schedule_text
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.schedule import TWO_WAY, Operation, Schedule, SchedulePlan
from optsplit.problems.schedule_document import schema
from optsplit.problems.series import points
from tests.schedule_instances import random_schedule
from tests.test_report import fork_profile

UP, DOWN = ("device", "server"), ("server", "device")


def net(result_at="device", **changes):
    """input -> a, b -> c: the device takes 4 ns for each branch, the server 1, the input 2 to send, results 1 back."""
    metric = osp.Metric([[0, 0], [4, 1], [4, 1], [0, 0]], {UP: [2, 9, 9, 9], DOWN: [9, 1, 1, 1]})
    return Partition(
        ["in", "a", "b", "c"], [(0, 1), (0, 2), (1, 3), (2, 3)], metrics={"latency": metric}, pins={"in": "device"},
        result_at=result_at, **changes,
    )  # fmt: skip


HALF = {"in": "device", "a": "device", "b": "server", "c": "device"}


def half(problem):
    """a here from 0 to 4; the input goes up 0-2, b runs 2-3, comes back 3-4; c at 4."""
    return problem.plan([HALF], [[0, 0, 2, 4, 0, 3]])


def test_machines_are_places_and_links_along_the_way():
    problem = Schedule([net()])
    assert problem.machines == ("device", "device>server", "server", "server>device")
    assert problem.cut_times(0, PartitionPlan(HALF)) == (4, 2, 1, 1)
    assert problem.critical(0, PartitionPlan(HALF)) == 4
    assert [s.item for s in problem.steps(0, HALF)] == ["in", "a", "b", "c", "in", "b"]


def test_a_plan_is_priced_by_every_metric():
    job = net()
    problem = Schedule([job], [0], [3])
    found = problem.evaluate(half(problem))
    assert found.violations == ()
    assert found.metrics == {"makespan": 4, "total_completion": 4, "lateness": 1, "period": 4}
    late = Schedule([job, job], [0, 7], [5, 9], objective="lateness")
    plan = late.plan([HALF, HALF], [[0, 0, 2, 4, 0, 3], [7, 7, 9, 11, 7, 10]])
    assert late.evaluate(plan).metrics == {"makespan": 11, "total_completion": 8, "lateness": 2, "period": 8}
    assert late.evaluate(plan).objective == 2


def test_features_name_what_a_method_must_take():
    job = net()
    assert Schedule([job]).features == {"cuts free", "two-way cuts"}
    assert Schedule([job, job], [0, 1], cuts=[PartitionPlan(HALF)] * 2).features == {
        "cuts given", "several jobs", "release times", "two-way cuts",
    }  # fmt: skip
    assert Schedule([job, net()], objective="period").features >= {"different jobs", "period of a stream"}


def broken(problem, starts, cut=HALF):
    return problem.evaluate(problem.plan([cut], [starts])).violations


def test_rules_are_said_in_words():
    problem = Schedule([net()], [1])
    assert any("before its release at 1" in text for text in broken(problem, [0, 1, 3, 5, 1, 4]))
    problem = Schedule([net()])
    assert "job 0: 'b' on 'server' starts at 1, before job 0: 'in' on 'device>server' ends at 2" in broken(
        problem, [0, 0, 1, 4, 0, 3]
    )
    given = Schedule([net()], cuts=[PartitionPlan(dict.fromkeys(HALF, "device"))])
    assert any("its given cut says 'device'" in text for text in broken(given, [0, 0, 2, 4, 0, 3]))
    pinned = Schedule([net().but(pins={"in": "device", "b": "device"})])
    assert any("is pinned to 'device'" in text for text in broken(pinned, [0, 0, 2, 4, 0, 3]))
    plan = half(problem)
    fewer = SchedulePlan(plan.assignments, plan.operations[1:])
    assert any("has no operation" in text for text in problem.evaluate(fewer).violations)
    twice = SchedulePlan(plan.assignments, [*plan.operations, plan.operations[-1]])
    assert any("runs twice" in text for text in problem.evaluate(twice).violations)
    strange = SchedulePlan(plan.assignments, [*plan.operations, Operation(0, "a", "server", 0, 1)])
    assert any("is no operation of this cut" in text for text in problem.evaluate(strange).violations)
    slow = [Operation(o.job, o.item, o.machine, o.start, o.end + (o.item == "c")) for o in plan.operations]
    assert "job 0: 'c' on 'device' takes 1 ns; its length is 0 ns" in problem.evaluate(
        SchedulePlan(plan.assignments, slow)
    ).violations  # fmt: skip


def test_the_first_clash_is_shown_in_a_grid():
    problem = Schedule([net()])
    here = dict.fromkeys(HALF, "device")
    found = problem.evaluate(problem.plan([here], [[0, 0, 2, 6]])).violations
    assert len(found) == 1
    text, head, *rows = found[0].split("\n")
    assert text == "job 0: 'b' on 'device' starts at 2 while job 0: 'a' on 'device' runs until 4"
    assert head.split() == ["-1", "..", "7", "ns"]
    line = next(row for row in rows if row.strip().startswith("device "))
    assert line.endswith("<-- 0:b over 0:a")
    # 8 ns on 48 columns: the clash from 2 to 4 is 12 columns wide
    assert line.count("X") == 12
    assert line.count("0:") == 2


def test_operations_without_length_are_in_nobody_s_way():
    problem = Schedule([net()])
    starts = [0, 0, 4, 8]
    assert problem.evaluate(problem.plan([dict.fromkeys(HALF, "device")], [starts])).violations == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"jobs": []}, "no jobs"),
        ({"jobs": [3]}, "job 0 is a int"),
        ({"jobs": [net().but(limits={"latency": 3})]}, "limits on latency"),
        ({"jobs": [net().but(contiguous=True)]}, "contiguous"),
        ({"release": [0, 0]}, "release has 2 values for 1 jobs"),
        ({"release": [-1]}, "release of job 0 is -1"),
        ({"release": [0.5]}, "release of job 0 is 0.5"),
        ({"objective": "speed"}, "unknown objective 'speed'"),
        ({"objective": "lateness"}, "give due"),
        ({"cuts": []}, "0 cuts for 1 jobs"),
        ({"cuts": [PartitionPlan(dict.fromkeys(HALF, "server"))]}, "cut of job 0 breaks a rule"),
        ({"jobs": [net().but(metrics={"m": net().metrics["latency"]}, minimize="m")]}, "its times are 'latency'"),
        ({"jobs": [net(places=("device", "server"), name="n").but(metrics={"latency": osp.Metric(
            [[1, 1]] * 4, send={"device": [1] * 4})})]}, "sending or receiving"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        Schedule(**{"jobs": [net()], **arguments})


def test_a_plan_that_names_what_does_not_exist_is_refused():
    problem = Schedule([net()])
    plan = half(problem)
    with pytest.raises(InvalidInput, match="0 assignments for 1 jobs"):
        problem.evaluate(SchedulePlan([], []))
    with pytest.raises(InvalidInput, match="unknown machine 'sever'; did you mean 'server'"):
        problem.evaluate(SchedulePlan(plan.assignments, [Operation(0, "a", "sever", 0, 1)]))
    with pytest.raises(InvalidInput, match=r"operation of job 4; jobs are 0..0"):
        problem.evaluate(SchedulePlan(plan.assignments, [Operation(4, "a", "server", 0, 1)]))


def test_text_has_one_line_for_each_machine():
    plan = half(Schedule([net()]))
    text = schedule_text.write(plan)
    assert text.split("\n") == [
        "device: 0:in@0-0 0:a@0-4 0:c@4-4", "device>server: 0:in@0-2", "server: 0:b@2-3", "server>device: 0:b@3-4",
    ]  # fmt: skip
    assert plan.text() == text
    assert SchedulePlan.parse(text) == schedule_text.parse(text) == plan


def test_text_keeps_strange_names():
    odd = [Operation(0, "a b%:@3", "de:vice", 0, 1), Operation(0, "é\n", "de:vice", 1, 2)]
    plan = SchedulePlan([{"a b%:@3": "de:vice", "é\n": "de:vice"}], odd)
    assert schedule_text.parse(schedule_text.write(plan)) == plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device 0:a@0-1", "write 'machine: "),
        ("device: 0:a@0", r"line 1: '0:a@0'; write job:item@start-end"),
        ("device: 0:a@0-1\nserver: 0:a@0-1", "'a' at two places"),
    ],
)
def test_text_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(InvalidInput, match=message):
        schedule_text.parse(text)


def test_file_round_trip(tmp_path):
    job, other = net(), net(None)
    problem = Schedule([job, other, job], [0, 2, 3], [9, 9, 9], objective="lateness", name="two networks")
    problem.save(tmp_path / "schedule.json.gz")
    again = Schedule.load(tmp_path / "schedule.json.gz")
    assert again.kinds == (0, 1, 0)
    assert (again.release, again.due, again.objective, again.name) == (
        problem.release, problem.due, problem.objective, problem.name,
    )  # fmt: skip
    assert again.features == problem.features
    assert set(schema()["$defs"]["ScheduleDocument"]["required"]) == {"networks", "jobs", "release"}


def test_many_random_problems_survive_a_file(tmp_path):
    for seed in range(20):
        problem = random_schedule(random.Random(seed), jobs=3)
        problem.save(tmp_path / "s.json")
        again = Schedule.load(tmp_path / "s.json")
        assert again.machines == problem.machines
        here = [[0] * len(job.layers) for job in problem.jobs]
        starts = [[0] * len(problem.steps(j, at)) for j, at in enumerate(here)]
        plan = problem.plan(here, starts)
        assert again.evaluate(plan) == problem.evaluate(plan)


def test_a_file_with_an_unknown_network_is_refused(tmp_path):
    Schedule([net()]).save(tmp_path / "s.json")
    text = (tmp_path / "s.json").read_text().replace('"jobs":[0]', '"jobs":[4]')
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"job 0 is network 4; networks are 0..0"):
        Schedule.load(tmp_path / "s.json")


def test_from_profile_repeats_frames():
    profile, link = fork_profile(), osp.links["4g"]
    problem = Schedule.from_profile([profile, profile], link, frames=[2, 1], release=0.5, due=2.0)
    assert problem.kinds == (0, 0, 2)
    assert problem.release == (0, 500_000_000, 0)
    assert problem.due == (2_000_000_000, 2_500_000_000, 2_000_000_000)
    cut = Schedule.from_profile(profile, link, cut="min cut")
    assert cut.cuts is not None
    least = osp.solve(osp.Partition.from_profile(profile, link)).objective
    assert cut.jobs[0].evaluate(cut.cuts[0]).objective == least


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "frames is 0"),
        ({"frames": [1, 2]}, "2 numbers for 1 networks"),
        ({"cut": "max"}, "cut is 'max'"),
        ({"cut": []}, "0 plans for 1 networks"),
        ({"release": float("nan")}, "release is nan"),
    ],
)
def test_from_profile_refuses(options, message):
    with pytest.raises(InvalidInput, match=message):
        Schedule.from_profile(fork_profile(), osp.links["4g"], **options)


def test_series_points():
    # in - (a | b) - c - (d | e) - f, and a tensor of c that f reads passes nothing by
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (3, 5), (4, 6), (5, 6)]
    names = list("iabcdef")
    zero = {"latency": osp.Metric([[0, 0]] * 7)}
    job = Partition(names, edges, metrics=zero)
    assert [names[v] for v in points(job)] == ["i", "c", "f"]
    # what a writes is read behind c: it may be under way while d runs
    assert [names[v] for v in points(Partition(names, [*edges, (1, 6)], metrics=zero))] == ["i", "f"]
    # b's tensor is a result: it may be sent while d runs
    assert [names[v] for v in points(job.but(outputs=[2, 6]))] == ["i"]
    assert [names[v] for v in points(job.but(outputs=[2, 6], result_at=None))] == ["i", "c", "f"]
    # b and e must be at one place, which c between them knows nothing of
    assert [names[v] for v in points(job.but(together=[("b", "e")]))] == ["i", "f"]


def test_exits_are_refused_and_one_of_them_is_not():
    job = osp.Partition(
        ["in", "a", "b"], [(0, 1), (0, 2)], pins={"in": "device"}, exits={"a": 0.5, "b": 0.75},
        metrics={"latency": osp.Metric([[0, 0], [3, 1], [5, 1]])},
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=r"job 0 has exits; schedule one of them: job.at_exit\('b'\)$"):
        Schedule([job])
    assert osp.solve(Schedule([job.at_exit("a")])).objective == 1


def test_the_times_of_all_jobs_stay_within_the_integers():
    with pytest.raises(InvalidInput, match=r"the times of all jobs together reach 2\*\*53 ns; give fewer jobs"):
        Schedule([net(), net()], release=[0, 2**53 - 40])


def test_precisions_and_arrows_in_names_are_refused():
    precise = net().but(precisions={"a": (osp.Precision(32), osp.Precision(8, 10))})
    with pytest.raises(InvalidInput, match=r"job 0 has precisions; drop them: job.but\(precisions=None\)"):
        Schedule([precise])
    strange = Partition(["a"], places=("here", "there>"), metrics={"latency": osp.Metric([[1, 1]])})
    with pytest.raises(InvalidInput, match=r"place 'there>' of job 0: '>' names links; rename it"):
        Schedule([strange])


def test_times_of_each_frame_and_a_plan_for_each_network():
    profile, link = fork_profile(), osp.links["4g"]
    network = Partition.from_profile(profile, link)
    plans = [network.plan([0] * len(network.layers)), osp.solve(network).plan]
    problem = Schedule.from_profile([profile, profile], link, frames=[1, 2], release=[0.5, 0.25, 1.0], cut=plans)
    assert problem.release == (500_000_000, 250_000_000, 1_000_000_000)
    assert [dict(cut.assignment) for cut in problem.cuts] == [dict(plans[k].assignment) for k in (0, 1, 1)]
    with pytest.raises(InvalidInput, match=r"schedule has no profiles; give at least one"):
        Schedule.from_profile([], link)


def test_empty_lines_of_a_text_say_nothing():
    plan = half(Schedule([net()]))
    text = schedule_text.write(plan)
    assert schedule_text.parse("\n" + text.replace("\n", "\n\n  \n")) == schedule_text.parse(text)


def test_a_schedule_has_no_limits_of_its_own():
    assert Schedule([net()]).limits == {}


def test_rows_of_a_plan_join_jobs_with_the_same_counts():
    problem = Schedule([net(), net(), net()])
    here = dict.fromkeys(HALF, "device")
    plan = problem.plan([HALF, here, HALF], [[0, 0, 2, 4, 0, 3], [0, 4, 8, 12], [0, 0, 2, 4, 0, 3]])
    assert plan.rows() == [("layers of jobs 0, 2", "device 3, server 1"), ("layers of job 1", "device 4")]


def test_units_of_the_metrics():
    assert Schedule([net()]).units == dict.fromkeys(("makespan", "total_completion", "period"), "ns")
    assert Schedule([net()], due=[3]).units["lateness"] == "ns"


def test_how_much_is_enumerated():
    def job(layers):
        return Partition([f"l{i}" for i in range(layers)], metrics={"latency": osp.Metric([[1, 1]] * layers)})

    assert schedule_brute.refuses(Schedule([job(12)])) is None
    assert "here 8.19e+03, and stops at 4096" in schedule_brute.refuses(Schedule([job(13)]))
    here = job(13).but(pins={f"l{i}": "device" for i in range(13)})
    assert "every order of 13 layers and stops at 12" in schedule_brute.refuses(Schedule([here]))
    assert "every order of 14 layers" in schedule_brute.refuses(Schedule([net()] * 3 + [job(2)]))


@pytest.mark.parametrize("frames", [True, 1.5, [1.0]])
def test_frames_are_whole_numbers(frames):
    with pytest.raises(InvalidInput, match=r"give a whole number, 1 or more"):
        Schedule.from_profile(fork_profile(), osp.links["4g"], frames=frames)


def test_a_tensor_that_nobody_reads_passes_nothing_by():
    job = Partition(
        ["a", "b"], tensors=[(0, ()), (0, (1,)), (1, ())], outputs=[2], metrics={"latency": osp.Metric([[1, 1]] * 2)},
        result_at=None,
    )  # fmt: skip
    assert points(job) == [0, 1]


def test_one_job_that_may_come_back_makes_the_problem_two_way():
    assert TWO_WAY in Schedule([net(), net(one_way=True)]).features
    assert TWO_WAY not in Schedule([net(one_way=True)]).features


def test_a_file_with_a_negative_network_is_refused(tmp_path):
    Schedule([net()]).save(tmp_path / "s.json")
    text = (tmp_path / "s.json").read_text().replace('"jobs":[0]', '"jobs":[-1]')
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"job 0 is network -1; networks are 0..0"):
        Schedule.load(tmp_path / "s.json")


def test_the_longest_path_of_a_cut():
    problem = Schedule([net()])
    assert problem.critical(0, HALF) == 4
    # all there: 2 up, 1, 0, and c's result 1 down
    assert problem.critical(0, {**dict.fromkeys(HALF, "server"), "in": "device"}) == 2 + 1 + 0 + 1


def test_what_lies_outside_a_grid_takes_none_of_its_columns():
    for start, end in ((0, 5), (10, 12), (7, 7)):
        assert not list(schedule_text._columns(start, end, 5, 10))
    assert list(schedule_text._columns(5, 10, 5, 10)) == list(range(schedule_text._WIDTH))


def test_times_at_the_end_of_the_integers_are_refused():
    with pytest.raises(InvalidInput, match=r"due of job 0 is 9007199254740992; give ns below 2\*\*53"):
        Schedule([net()], due=[2**53])
    assert Schedule([net()], due=[2**53 - 1]).due == (2**53 - 1,)
