"""optsplit schedule: what it prints, saves and refuses."""

import json

import pytest
from click.testing import CliRunner

from optsplit import Result
from optsplit.cli.door import Door
from optsplit.cli.scheduling import schedule
from optsplit.problems.schedule import Schedule
from tests.test_report import fork_profile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fork_profile().save("both.json")
    fork_profile("device").renamed("phone").save("phone.json")
    return tmp_path


def run(*arguments, status=0):
    door = Door(name="optsplit")
    door.add_command(schedule)
    result = CliRunner().invoke(door, ["schedule", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def test_an_interrupt_while_others_are_compared_keeps_the_schedule(folder, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("optsplit.cli.scheduling.compared", stop)
    found = run("both.json", "--link", "8mbit", "-o", "schedule.json")
    assert "makespan" in found.stdout
    assert "interrupted; what else" in found.stderr
    assert Result.load("schedule.json").plan is not None


def test_prints_frames_machines_chart_and_comparison(folder):
    text = run("both.json", "--link", "8mbit", "--frames", 3).stdout
    for word in ("makespan", "bound", "gap", "order of the jobs on each machine", "device |", "extended-johnson",
                 "no-overlap", "list"):  # fmt: skip
        assert word in text, word
    assert text.count("\n2 ") == 1


def test_json_holds_result_frames_machines_and_comparison(folder):
    out = run("both.json", "both.json", "--link", "8mbit", "--frames", 2, "--frames", 1, "--json").stdout
    content = json.loads(out)["content"]
    assert [frame["job"] for frame in content["frames"]] == [0, 1, 2]
    assert content["result"]["status"] == "optimal"
    assert content["result"]["gap"] == 0
    end = max(burst["end"] for burst in content["machines"])
    assert end == content["result"]["metrics"]["makespan"]
    losses = {row["method"]: row["loss"] for row in content["comparison"]}
    assert losses["extended-johnson"] >= 0
    assert {"no-overlap", "list", "fcfs", "partition"} <= set(losses)


def test_saves_result_problem_and_pictures(folder):
    pytest.importorskip("matplotlib")
    run(
        "both.json",
        "--link",
        "8mbit",
        "-o",
        "r.json",
        "--save-problem",
        "s.json.gz",
        "--plot",
        "g.png",
        "--plot",
        "g.svg",
    )
    problem, result = Schedule.load("s.json.gz"), Result.load("r.json")
    assert problem.evaluate(result.plan).objective == result.objective
    assert (folder / "g.png").stat().st_size > 1000
    assert "<svg" in (folder / "g.svg").read_text()


def test_given_cut_and_other_objectives(folder):
    text = run("both.json", "--link", "8mbit", "--frames", 2, "--cut", "min", "--objective", "total_completion").stdout
    assert "total_completion" in text
    run("both.json", "--link", "8mbit", "--objective", "lateness", "--due", 0.01)
    run("both.json", "--link", "8mbit", "--frames", 2, "--objective", "period")


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("unknown link '9g'", ["both.json", "--link", "9g"]),
        ("frames is 0", ["both.json", "--link", "8mbit", "--frames", 0]),
        ("--frames stands 2 times for 1 networks", ["both.json", "--link", "8mbit", "--frames", 1, "--frames", 2]),
        ("give due", ["both.json", "--link", "8mbit", "--objective", "lateness"]),
        ("has the one place 'phone'", ["phone.json", "--link", "8mbit"]),
        ("unknown place 'sever'", ["both.json", "--link", "8mbit", "--load", "sever=2"]),
    ],
)
def test_refuses(folder, message, arguments):
    result = run(*arguments, status=2)
    assert result.stdout == ""
    assert message in result.stderr
