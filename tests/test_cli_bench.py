"""optsplit bench: what it runs, prints, writes and refuses."""

import json
import os
from dataclasses import replace

import pytest
from click.testing import CliRunner

import optsplit as osp
from optsplit.cli.benching import bench
from optsplit.cli.door import Door
from optsplit.errors import InvalidInput
from optsplit.evidence.decisions import CUT, EXITS, FLOW_SHOP, PRECISIONS, SCHEDULE, UPLOAD, decisions, family_of
from optsplit.evidence.record import load
from optsplit.profiling.quality import ExitTable
from tests.test_report import fork_profile

door = Door("optsplit", commands={"bench": bench})


def run(*arguments, status=0):
    result = CliRunner().invoke(door, ["bench", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def shop(*jobs):
    return osp.FlowShop(jobs or [[3, 2, 5], [3, 2, 2], [4, 3, 3], [4, 2, 3]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One run of everything, with all that it writes."""
    pytest.importorskip("matplotlib")
    there = tmp_path_factory.mktemp("bench")
    before = os.getcwd()
    os.chdir(there)
    fork_profile().save("fork.json")
    shop().save("shop.json.gz")
    try:
        out = run("fork.json", "shop.json.gz", "--link", "8mbit", "--link", "1mbit", "--frames", 2, "--seeds", "0,7",
                  "--folder", "runs", "-o", "runs.csv", "--page", "page.md", "--plot", "p.png")  # fmt: skip
        (there / "stdout").write_text(out.stdout)
        yield there
    finally:
        os.chdir(before)


def test_prints_a_table_and_a_sentence_for_each_family(folder):
    text = (folder / "stdout").read_text()
    for word in ("cut: 2 instances", "throughput: 2", "upload: 2", "schedule: 2", "flow shop: 1", "neurosurgeon",
                 "dads-heavy", "ionn", "extended-johnson", "neh"):  # fmt: skip
        assert word in text, word
    assert "cut: neurosurgeon is optimal on" in text
    # four jobs in the order of arrival would take longer: the optimum of this one is 18
    assert "proves its answer on 1 of 1" in text


def test_csv_holds_every_run_and_two_seeds_where_they_matter(folder):
    records = load(folder / "runs.csv")
    auto = {record.instance: record for record in records if record.method == "auto"}
    assert len(auto) == 2 * 4 + 1
    assert auto["shop"].objective == 18
    assert all(record.proven and record.solved for record in auto.values())
    seeds = {(r.kind, r.method): set() for r in records}
    for r in records:
        seeds[r.kind, r.method].add(r.seed)
    assert seeds["Partition", "local-search"] == {0, 7}
    assert seeds["UploadOrder", "local-search"] == {0}
    assert seeds["Partition", "auto"] == {0}
    assert not any(r.instance.startswith("warm-up") for r in records)
    # each is priced as the problem itself prices it
    problem = osp.Partition.from_profile(fork_profile(), osp.Connection.mbit(8))
    assert auto["fork/8 Mbit/s/latency"].objective == osp.solve(problem).objective


def test_page_and_picture(folder):
    text = (folder / "page.md").read_text()
    assert text.startswith("# Exact methods against heuristics\n")
    for part in ("## Methods", "## Failures", "## Seeds", "Performance profile of the costs: cut"):
        assert part in text, part
    assert (folder / "p.png").stat().st_size > 5000


def test_json_of_a_second_call_that_finds_its_runs_in_the_folder(folder):
    kept = {path.name: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    out = run("shop.json.gz", "--folder", "runs", "--methods", "auto,neh,brute", "--json").stdout
    content = json.loads(out)["content"]
    assert [r["method"] for r in content["runs"]] == ["auto", "neh", "brute"]
    assert [r["objective"] for r in content["runs"][::2]] == [18, 18]
    assert content["runs"][2]["exact"] is True
    assert content["sentences"][0]["family"] == FLOW_SHOP
    assert {s["method"] for s in content["summaries"]} == {"auto", "neh", "brute"}
    assert all((folder / "runs" / name).stat().st_mtime_ns == time for name, time in kept.items())


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("unknown link '9g'", ["fork.json", "--link", "9g"]),
        ("--seeds 'a'", ["fork.json", "--seeds", "a"]),
        ("a number stands twice", ["fork.json", "--seeds", "1,1"]),
        ("unknown method 'optimal'", ["fork.json", "--methods", "optimal"]),
        ("two instances are called 'shop'", ["shop.json.gz", "shop.json.gz"]),
        ("nothing to run", ["fork.json", "--only", "exits"]),
        ("there is no folder", ["fork.json", "-o", "no/such.csv"]),
        ("cannot draw a txt", ["fork.json", "--plot", "p.txt"]),
        ("time_limit is -1.0", ["fork.json", "--time-limit", "-1"]),
    ],
)
def test_refuses(folder, message, arguments):
    result = run(*arguments, status=2)
    assert result.stdout == ""
    assert message in result.stderr


def test_families_of_problems():
    problem = osp.Partition.from_profile(fork_profile(), osp.Connection.mbit(8))
    assert family_of(problem) == CUT
    assert family_of(problem.but(minimize=("device_seconds", "server_seconds"))) == "throughput"
    assert family_of(shop()) == FLOW_SHOP
    assert family_of(object()) == "object"
    found = [(i.name, i.family) for i in decisions(fork_profile(), osp.links["4g"], frames=(1, 3))]
    assert found == [
        ("fork/4g/latency", CUT), ("fork/4g/period", "throughput"), ("fork/4g/upload", UPLOAD),
        ("fork/4g/frames-1", SCHEDULE), ("fork/4g/frames-3", SCHEDULE),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="unknown family 'cuts'"):
        list(decisions(fork_profile(), osp.links["4g"], families=["cuts"]))


def test_exits_and_packings_of_a_profile_are_decisions_too():
    profile = osp.bundled("branchy_digits")
    assert isinstance(profile.exits, ExitTable)
    found = list(decisions(profile, osp.links["3g"], load={"device": 12.0}, families=[EXITS, PRECISIONS]))
    assert [i.family for i in found] == [EXITS, EXITS, PRECISIONS, PRECISIONS]
    assert all(family_of(i.problem) == i.family for i in found)
    every = decisions(profile, osp.links["3g"], frames=[2])
    assert [i.family for i in every] == [CUT, "throughput", EXITS, EXITS, PRECISIONS, PRECISIONS, UPLOAD, SCHEDULE]
    tight, loose = (osp.solve(i.problem).require_optimal().objective for i in found[:2])
    assert loose <= tight
    plain = replace(profile, exits=None, packings={})
    assert not list(decisions(plain, osp.links["3g"], families=[EXITS, PRECISIONS]))
