"""What a reader sees of a schedule: frames, machines, a chart in text, a picture."""

from types import SimpleNamespace

import pytest

from optsplit import report_schedule
from optsplit.problems.schedule import Schedule
from tests.test_schedule import HALF, half, net


def test_frames_name_the_cut_and_the_times():
    problem = Schedule([net()])
    (row,) = report_schedule.frames(problem, half(problem))
    assert row.layers == {"device": 3, "server": 1}
    assert row.sent == ("in (device>server)", "b (server>device)")
    assert (row.start, row.end) == (0, 4)


def test_bursts_join_what_follows_without_a_pause():
    problem = Schedule([net()] * 2)
    here = dict.fromkeys(HALF, "device")
    plan = problem.plan([here, here], [[0, 0, 4, 8], [0, 9, 13, 17]])
    found = report_schedule.bursts(problem, plan)
    assert [(b.job, b.first, b.last, b.operations, b.start, b.end) for b in found] == [
        (0, "a", "b", 2, 0, 8), (1, "a", "b", 2, 9, 17),
    ]  # fmt: skip
    assert report_schedule.share(found, "device", 17) == pytest.approx(16 / 17)


def test_the_chart_has_a_row_for_each_machine_that_works():
    problem = Schedule([net()] * 2)
    second = [4, 4, 6, 8, 4, 7]
    plan = problem.plan([HALF, HALF], [[0, 0, 2, 4, 0, 3], second])
    assert report_schedule.gantt(problem, plan, width=16).split("\n") == [
        "device        |0000000011111111|",
        "device>server |0000....1111....|",
        "server        |....00......11..|",
        "server>device |......00......11|",
        "               0           8 ns",
    ]


def test_columns_that_jobs_share_are_marked():
    problem = Schedule([net()] * 2)
    here = dict.fromkeys(HALF, "device")
    plan = problem.plan([here, here], [[0, 0, 4, 8], [8, 8, 12, 16]])
    assert "|00#11|" in report_schedule.gantt(problem, plan, width=5)


def test_a_schedule_without_length_says_so():
    job = net().but(metrics={"latency": type(net().metrics["latency"])([[0, 0]] * 4)})
    problem = Schedule([job])
    plan = problem.plan([dict.fromkeys(HALF, "device")], [[0, 0, 0, 0]])
    assert report_schedule.gantt(problem, plan) == "no operation takes any time"


@pytest.mark.parametrize("count", [1, 3, 9])
def test_the_picture_has_a_bar_for_each_burst(count):
    pytest.importorskip("matplotlib").use("agg")
    from optsplit.plots import schedule

    problem = Schedule([net()] * count)
    starts = [[4 * j, 4 * j, 4 * j + 2, 4 * j + 4, 4 * j, 4 * j + 3] for j in range(count)]
    plan = problem.plan([HALF] * count, starts)
    ax = schedule.draw(problem, SimpleNamespace(plan=plan))
    assert len(ax.patches) == len(report_schedule.bursts(problem, plan)) == 4 * count
    assert [text.get_text() for text in ax.get_yticklabels()] == list(problem.machines)
    legend = ax.get_legend()
    assert (legend is not None) == (count > 1)
