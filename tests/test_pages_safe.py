"""Pages of HTML: nothing on them is fetched or run but their own scripts, names stay names, and what is refused."""

import base64
import hashlib
import random
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import optsplit
from optsplit import FlowShop, Metric, Partition, UploadOrder, pages
from optsplit.errors import InvalidInput, MissingDependency
from optsplit.hardware import Connection
from optsplit.pages.content import Content, Picture
from optsplit.plots.svg import svg
from optsplit.result import Conflict, Result, Status
from tests.choices import random_exits
from tests.instances import random_partition
from tests.schedule_instances import random_schedule
from tests.test_pages import Read, read
from tests.test_report import fork_problem, fork_profile
from tests.upload_instances import random_upload

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

HOSTILE = (
    "</script><script>document.title='run'</script>", '"><img src=x onerror=alert(1)>', "$\\frac{", "{{ 7 * 7 }}",
    "<!--<script>", "a\u2028b\x01c", "&lt;&amp;", "日本語 ☃",
)  # fmt: skip


def hostile_problem():
    """A chain of layers whose names are code in some language."""
    n = len(HOSTILE)
    way = {("device <b>", "server"): [9] * n, ("server", "device <b>"): [9] * n}
    return Partition(
        layers=HOSTILE, edges=[(i, i + 1) for i in range(n - 1)], places=("device <b>", "server"),
        metrics={"cost <i>": Metric([[30, 1]] * n, way, unit="")}, pins={HOSTILE[0]: "device <b>"}, minimize="cost <i>",
        name="<u>net</u>",
    )  # fmt: skip


def test_hostile_names_stay_names():
    problem = hostile_problem()
    found = optsplit.solve(problem)
    page = read(found)
    assert page.data("bandwidth")["layers"] == list(HOSTILE)
    assert [dict(found).get("type") for found, _ in page.scripts] == ["application/json", None, None]
    assert not {"img", "b", "i", "u"} & {tag for tag, _ in page.tags}
    for text in ("<u>net</u>", "{{ 7 * 7 }}", "device <b>", "cost <i>"):
        assert text in page.words
    assert "\x01" not in pages.page(found)


def test_only_its_own_scripts_may_run():
    page = read(optsplit.solve(fork_problem()))
    policy = next(found["content"] for tag, found in page.tags if found.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    allowed = re.findall("'(sha256-[^']+)'", policy)
    own = ["".join(text) for found, text in page.scripts if "type" not in found]
    assert allowed == ["sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in own]
    assert len(own) == 2
    assert not any(word in text for text in own for word in ("eval(", "innerHTML", "Function(", "fetch(", "XMLHttp"))


@pytest.mark.parametrize("kind", ["partition", "upload", "exits"])
def test_nothing_is_fetched_and_no_identifier_stands_twice(kind):
    problem = {
        "partition": fork_problem,
        "upload": lambda: UploadOrder.from_profile(fork_profile(), Connection.mbit(8), load={"device": 9}),
        "exits": lambda: fork_problem(exits={"conv1": 0.5, "fc": 0.9}, maximize="accuracy", limits={"latency": 0.1}),
    }[kind]()
    page = read(optsplit.solve(problem))
    assert len(page.ids) == len(set(page.ids))
    for tag, found in page.tags:
        assert tag not in ("iframe", "object", "embed", "base", "img")
        assert "src" not in found
        for name, value in found.items():
            assert not name.startswith("on")
            if name in ("href", "xlink:href"):
                assert value == "data:," or value.removeprefix("#") in page.ids
            for reference in re.findall(r"url\(([^)]*)\)", value or ""):
                assert reference.removeprefix("#") in page.ids
            if name in ("for", "aria-labelledby"):
                assert value in page.ids


def test_the_same_result_gives_the_same_page():
    found = optsplit.solve(fork_problem())
    assert pages.page(found) == pages.page(found)


def test_pictures_do_not_share_identifiers_and_keep_their_texts():
    def draw(ax):
        ax.plot([1, 10], [1, 10], "o")
        ax.set_xscale("log")
        ax.set_title("$no{formula & <b>\x02")

    first, second = (ElementTree.fromstring(svg(draw, prefix, "two\x00points", 3, 2)) for prefix in ("a-", "b-"))
    ids = [{e.get("id") for e in root.iter() if e.get("id")} for root in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    texts = {text for root in (first, second) for text in root.itertext()}
    assert "$no{formula & <b>\ufffd" in texts
    assert not any("mathdefault" in text for text in texts)
    assert first.get("aria-label") == "two\ufffdpoints"
    assert "width" not in first.attrib
    assert not [e for e in first.iter() if e.tag.endswith(("style", "metadata"))]


def test_pages_of_random_problems():
    rng = random.Random(8)
    made = 0
    for k in range(8):
        problem = (random_partition, random_upload, random_schedule, _with_exits)[k % 4](rng)
        found = optsplit.solve(problem, time_limit=2)
        page = read(found)
        assert len(page.ids) == len(set(page.ids))
        assert any(tag == "h1" for tag, _ in page.tags)
        made += found.plan is not None
    assert made > 4


def _with_exits(rng):
    problem = random_partition(rng)
    return problem.but(exits=random_exits(rng, problem, confidence=rng.random() < 0.4))


def test_a_deep_network_stays_small():
    profile = optsplit.bundled("densenet201")
    problem = Partition.from_profile(profile, optsplit.links["wifi"])
    assert len(pages.page(optsplit.solve(problem)).encode()) < 1_000_000


# --- what it refuses ----------------------------------------------------------------------------------------------


def test_a_result_needs_its_problem():
    found = optsplit.solve(fork_problem())
    with pytest.raises(InvalidInput, match=r"old\.json: the result has no problem inside"):
        pages.page(replace(found, problem=None), "old.json")
    with pytest.raises(InvalidInput, match="the plan costs 93400000 there and"):
        pages.page(replace(found, problem=fork_problem(load={"server": 2})), "old.json")
    with pytest.raises(InvalidInput, match="the result minimises latency, the problem bytes"):
        pages.page(replace(found, problem=fork_problem(minimize="bytes")), "old.json")
    with pytest.raises(InvalidInput, match="the plan is not one of problem"):
        pages.page(replace(found, problem=hostile_problem(), minimize=("cost <i>",)), "old.json")
    with pytest.raises(InvalidInput, match="the plan is not one of problem"):
        pages.page(replace(found, problem=FlowShop([[1]]), minimize=("makespan",)), "old.json")


def test_a_picture_that_cannot_be_drawn_says_why():
    def draw(ax):
        raise InvalidInput("three <metrics> have no picture")

    assert "three <metrics> have no picture" in Read(pages.html(Content("a", "b", pictures=[Picture("c", draw)]))).words


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_missing_packages_are_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=rf'{name} is not installed; pip install "optsplit\[report\]"'):
        pages.need_jinja2()


def test_conflicts_that_were_not_settled():
    problem = fork_problem(limits={"latency": 0.01})
    found = Result(
        "milp", Status.INFEASIBLE, minimize=("latency",), problem=problem,
        conflicts=(Conflict("latency", 10**7, None, "ns"),),
    )  # fmt: skip
    assert "not settled" in read(found).words
