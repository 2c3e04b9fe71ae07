"""The command line with more than two places: links by name, routes, throughput, equal places."""

import pytest

import optsplit as osp
from optsplit import Partition
from tests.test_cli import content, refused, run
from tests.test_report import fork_profile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fork_profile("device").renamed("phone").save("phone.json")
    fork_profile("server").renamed("box").save("edge.json")
    fork_profile("server").renamed("rack").save("cloud.json")
    return tmp_path


THREE = (
    "phone.json", "--place", "edge=edge.json", "--place", "cloud=cloud.json",
    "--link", "device:edge=8mbit", "--link", "edge:cloud=100mbit", "--load", "edge=3",
)  # fmt: skip


def saved(*options):
    run("plan", *options, "--save-problem", "problem.json")
    return Partition.load("problem.json")


def test_a_missing_link_is_missing(folder):
    problem = saved(*THREE)
    assert problem.places == ("device", "edge", "cloud")
    assert sorted(problem.links) == [("cloud", "edge"), ("device", "edge"), ("edge", "cloud"), ("edge", "device")]
    assert osp.solve(problem, "brute").objective == osp.solve(problem).objective


def test_a_route_costs_the_sum_of_its_hops(folder):
    problem = saved(*THREE, "--route")
    assert len(problem.links) == 6
    latency = problem.costs("latency").transfer
    assert (latency[0, 2] == latency[0, 1] + latency[1, 2]).all()
    # what goes from the device to the cloud keeps both links busy
    assert (problem.costs("device_edge_seconds").transfer[0, 2] == latency[0, 1]).all()
    assert (problem.costs("edge_cloud_seconds").transfer[0, 2] == latency[1, 2]).all()
    assert osp.solve(problem).method == "tiers"
    assert osp.solve(problem, "brute").objective == osp.solve(problem).objective


def test_limits_on_a_place(folder):
    found = content("plan", *THREE, "--route", "--limit", "cloud_seconds=0.0001")
    assert found["status"] == "optimal"
    assert found["metrics"]["cloud_seconds"] <= 100_000


def test_throughput_is_the_largest_busy_time(folder):
    problem = saved(*THREE, "--maximize", "throughput")
    assert set(problem.objectives) == {
        "device_seconds", "edge_seconds", "cloud_seconds", "device_edge_seconds", "edge_device_seconds",
        "edge_cloud_seconds", "cloud_edge_seconds",
    }  # fmt: skip
    assert osp.solve(problem).objective == osp.solve(problem, "brute").objective


def test_contiguous_and_one_way_are_asked_for(folder):
    problem = saved(*THREE, "--contiguous", "--one-way")
    assert problem.contiguous
    assert problem.one_way


def test_equal_places(folder):
    problem = saved(
        "phone.json", "--equal", "3", "--link", "100mbit", "--maximize", "throughput", "--memory", "9000000"
    )
    assert problem.places == ("phone1", "phone2", "phone3")
    assert problem.pins == {}
    assert problem.result_at is None
    assert problem.limits == {f"phone{i}_memory": 9_000_000 for i in (1, 2, 3)}
    assert set(problem.objectives) == {f"phone{i}_{what}" for i in (1, 2, 3) for what in ("seconds", "port_seconds")}
    assert osp.solve(problem).objective == osp.solve(problem, "brute").objective


def test_two_places_by_name_are_what_server_makes(folder):
    by_name = content("plan", "phone.json", "--place", "server=edge.json", "--link", "device:server=8mbit")
    by_server = content("plan", "phone.json", "--server", "edge.json", "--link", "8mbit")
    assert by_name["objective"] == by_server["objective"]


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("write it as --link device:edge=wifi", ("--place", "edge=edge.json", "--link", "wifi")),
        ("unknown place 'moon'", ("--place", "edge=edge.json", "--link", "device:moon=wifi")),
        ("need one link", (*THREE[1:], "--link", "edge:device=wifi")),
        ("take another name", ("--place", "device=edge.json", "--link", "device:edge=wifi")),
        ("--server and --place", ("--place", "edge=edge.json", "--server", "edge.json", "--link", "device:edge=wifi")),
        ("no link between the places", ("--place", "edge=edge.json")),
        ("only accuracy and throughput", (*THREE[1:], "--maximize", "latency")),
        ("exclude each other", (*THREE[1:], "--maximize", "throughput", "--minimize", "latency")),
        ("--equal 1", ("--equal", "1", "--link", "wifi")),
        ("--equal and --place", ("--equal", "2", "--link", "wifi", "--place", "edge=edge.json")),
        ("--memory is the room", (*THREE[1:], "--memory", "5")),
        ("--memory is -5 bytes", ("--equal", "2", "--link", "wifi", "--memory", "-5")),
        ("--route needs links by name", ("--server", "edge.json", "--link", "wifi", "--route")),
        ("--link stands 2 times", ("--server", "edge.json", "--link", "wifi", "--link", "4g")),
    ],
)
def test_wrong_options_are_refused_with_their_repair(folder, message, options):
    refused(message, "plan", "phone.json", *options)
