"""optsplit report: the page of a file, and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

import optsplit
from optsplit import Result, UploadOrder, files
from optsplit.cli import planning
from optsplit.cli.door import Door
from optsplit.cli.reporting import report
from optsplit.hardware import Connection
from tests.test_report import fork_problem, fork_profile

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = optsplit.solve(fork_problem())
    result.save("result.json")
    result.save("packed.json.gz")
    replace(result, problem=None).save("old.json")
    fork_problem().save("problem.json")
    fork_profile().save("profile.json")
    return tmp_path


def run(*arguments, status=0):
    door = Door("optsplit")
    door.add_command(report)
    result = CliRunner().invoke(door, ["report", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def refused(message, *arguments):
    result = run(*arguments, status=2)
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr


ANSWER = "Run the first 2 of 6 layers on the device, the rest on the server: latency 93.4 ms, proven optimal."


def test_the_page_has_the_name_of_the_file(folder):
    assert run("result.json").stdout == f"result.html: {ANSWER}\n"
    assert ANSWER in (folder / "result.html").read_text(encoding="utf-8")
    run("packed.json.gz")
    assert (folder / "packed.html").exists()


def test_the_page_has_the_name_given(folder):
    run("result.json", "-o", "other.htm")
    assert not (folder / "result.html").exists()
    assert "optsplit solve result.json --method" in (folder / "other.htm").read_text(encoding="utf-8")


def test_json_has_the_path_and_what_the_scripts_read(folder):
    document = json.loads(run("result.json", "--json").stdout)
    assert document["optsplit"] == "report"
    content = document["content"]
    assert (content["page"], content["answer"], content["status"]) == ("result.html", ANSWER, "optimal")
    envelope = optsplit.envelope(fork_problem())
    assert len(content["sliders"]["bandwidth"]["levels"][0]["lines"]) == len(envelope.segments)


def test_an_old_result_needs_its_problem(folder):
    refused("old.json: was saved without its problem; add --problem FILE", "old.json")
    assert not (folder / "old.html").exists()
    run("old.json", "--problem", "problem.json")
    page = (folder / "old.html").read_text(encoding="utf-8")
    assert ANSWER in page
    assert "optsplit solve problem.json --method mincut --seed 0 --workers 1" in page
    assert "python -c" not in page


def test_a_problem_that_is_not_the_results_is_refused(folder):
    fork_problem(load={"server": 2}).save("another.json")
    refused("old.json: the plan costs 93400000 there and", "old.json", "--problem", "another.json")
    refused("holds a 'profile'", "old.json", "--problem", "profile.json")


def test_other_kinds(folder):
    optsplit.front(fork_problem(), ["latency", "bytes"]).save("front.json")
    assert "trade-offs of latency, bytes" in run("front.json").stdout
    refused("front.json: is a front; --problem is for a result", "front.json", "--problem", "problem.json")
    found = optsplit.compare(fork_problem(), ["mincut", "device-only"])
    files.write("comparison.json", "comparison", planning.comparison_content(fork_problem(), found))
    assert "The best of 2 methods is 93.4 ms, proven optimal" in run("comparison.json").stdout
    optsplit.solve(UploadOrder.from_profile(fork_profile(), Connection.mbit(8), load={"device": 9})).save("upload.json")
    assert "Send 1 unit, first fc" in run("upload.json").stdout


def test_an_infeasible_result_has_a_page_and_is_no_error(folder):
    optsplit.solve(fork_problem(limits={"latency": 0.01})).save("none.json")
    assert "No plan exists: the limit is too tight" in run("none.json").stdout


def test_what_cannot_be_read_or_written(folder):
    refused("nothing.json: cannot be read", "nothing.json")
    refused("profile.json: holds a 'profile'; a report is of a result, a front or a comparison", "profile.json")
    (folder / "broken.json").write_text("{")
    refused("broken.json: not an optsplit file", "broken.json")
    files.write("empty.json", "comparison", {"problem": "x"})
    refused("empty.json: damaged comparison", "empty.json")
    # named before the result is read
    refused("there is no folder 'nowhere'", "nothing.json", "-o", "nowhere/page.html")
    refused("is a folder", "result.json", "-o", ".")
    refused("is the result itself", "result.json", "-o", "result.json")
    assert Result.load("result.json").objective == 93_400_000


def test_the_package_does_without_jinja2(folder):
    code = (
        "import sys; sys.modules['jinja2'] = None; sys.modules['matplotlib'] = None\n"
        "import optsplit.cli.reporting as r\n"
        "from optsplit.cli.door import Door\n"
        "door = Door('optsplit'); door.add_command(r.report); door(['report', 'result.json'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert 'jinja2 is not installed; pip install "optsplit[report]"' in done.stderr
    assert not (folder / "result.html").exists()


def test_the_command_loads_no_solver_before_it_needs_one():
    code = "import sys, optsplit.cli.reporting; print({'ortools', 'jinja2', 'matplotlib', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "set()\n"
