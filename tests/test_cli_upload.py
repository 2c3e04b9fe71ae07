"""The command upload: the order, the curve, the proven mean, and the usual orders beside it."""

import pytest

from optsplit import Result
from optsplit.cli import uploading
from optsplit.problems.upload_order import UploadOrder
from tests.test_cli import content, refused, run
from tests.test_upload_from_profile import profile

USUAL = ["in-order", "ionn, k = 0.1", "ionn, k = 0.5", "ionn, k = 0.8", "all-at-once"]
ASKED = ("upload", "both.json", "--link", "8mbit")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    profile().save("both.json")
    return tmp_path


def test_the_order_and_its_price(folder):
    found = content(*ASKED, "--save-problem", "problem.json")
    problem = UploadOrder.load("problem.json")
    assert found["result"]["status"] == "optimal"
    assert [row["label"] for row in found["orders"]] == [found["result"]["method"], *USUAL]
    assert all(row["above"] >= 0 for row in found["orders"])
    assert found["orders"][0]["above"] == 0
    assert found["horizon"] == problem.horizon == 1_530_000
    assert found["proven_mean_latency"] == found["result"]["objective"] / problem.horizon
    assert [row["end"] for row in found["sent"]][-1] == problem.horizon
    assert found["curve"][0] == [0, 3_000_000]
    assert found["curve"][-1][1] == problem.least


def test_an_interrupt_while_others_are_compared_keeps_the_order(folder, monkeypatch):
    def stop(problem):
        raise KeyboardInterrupt

    monkeypatch.setattr("optsplit.report_upload.usual", stop)
    found = run(*ASKED, "-o", "order.json")
    assert "Order of upload: 3 units" in found.stdout
    assert "interrupted; what else" in found.stderr
    assert Result.load("order.json").plan is not None


def test_a_reader_sees_the_order_and_the_comparison(folder):
    shown = run(*ASKED, "--method", "linear-ordering").stdout
    assert "mean latency while uploading" in shown
    assert "no order below" in shown
    assert "Order of upload: 3 units" in shown
    assert "above optimum" in shown
    assert all(label in shown for label in USUAL)


def test_compare_adds_every_method_that_applies(folder):
    labels = [row["label"] for row in content(*ASKED, "--compare")["orders"]]
    assert {"linear-ordering", "cpsat", "time-indexed", "density", "largest-first", *USUAL} <= set(labels)
    assert len(set(labels)) == len(labels)


def test_a_problem_from_a_file_has_its_options_inside(folder):
    first = content(*ASKED, "--save-problem", "problem.json")
    again = content("upload", "problem.json")
    assert again["result"]["objective"] == first["result"]["objective"]
    refused("has its own --share inside", "upload", "problem.json", "--share", "0.5")


def test_options_reach_the_problem(folder):
    run(*ASKED, "--share", "0.5", "--present", "tied", "--load", "device=2", "--pin", "b=device",
        "--load-seconds", "0.001", "--link-latency", "0.002", "--save-problem", "problem.json")  # fmt: skip
    problem = UploadOrder.load("problem.json")
    assert problem.present == {"tied"}
    assert dict(zip(problem.names, problem.times))["a"] == 1_020_000
    assert problem.partition.pins["b"] == "device"
    assert problem.latency(0) >= 2_000_000


def test_queries_are_the_objective_on_request(folder):
    found = content(*ASKED, "--queries", "--method", "brute")
    assert found["result"]["minimize"] == ["lost_queries"]
    assert found["proven_mean_latency"] is None
    assert "queries finished meanwhile" in run(*ASKED, "--queries", "--method", "brute").stdout


def test_result_and_picture(folder):
    pytest.importorskip("matplotlib")
    run(*ASKED, "-o", "result.json", "--plot", "upload.pdf")
    assert (folder / "upload.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(Result.load("result.json").plan.order) == ["a", "b", "tied"]


def test_refusals(folder):
    refused("no link; add --link", "upload", "both.json")
    refused("share is 2.0", *ASKED, "--share", "2")
    refused("present: ", *ASKED, "--present", "nothing")
    refused("layer 'zz'", *ASKED, "--pin", "zz=device")
    refused("methods that can", *ASKED, "--queries", "--method", "cpsat")


def test_a_time_limit_is_set_where_none_is_given(folder):
    assert content(*ASKED)["result"]["time_limit"] == uploading.SECONDS
    assert content(*ASKED, "--time-limit", "3")["result"]["time_limit"] == 3


def test_nothing_to_send(folder):
    found = content(*ASKED, "--present", "tied", "--present", "a", "--present", "b")
    assert (found["sent"], found["horizon"]) == ([], 0)
    assert "nothing to send" in run(*ASKED, "--present", "tied", "--present", "a", "--present", "b").stdout
