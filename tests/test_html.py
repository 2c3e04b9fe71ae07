"""What notebooks show: plain tables, escaped, with a small picture; never an error."""

import re
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import pytest

import optsplit as osp
from optsplit import Metric, Partition, Result, Status
from optsplit.algorithms.front import Front
from tests.plot_cases import CASES, drawn
from tests.test_plots import chain_problem
from tests.test_report import fork_problem

EVIL = "<script>alert(1)</script>&\"'"


class Outline(HTMLParser):
    """Tags that are opened and closed in order, cells of tables, and the words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.cells, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


@pytest.mark.parametrize("name", [name for name in CASES if name != "decisions"])
def test_every_kind_has_a_table(name):
    text = drawn(name)._repr_html_()
    outline = Outline(text)
    assert "table" in outline.tags
    assert "script" not in outline.tags
    if isinstance(drawn(name), Result):
        assert list(zip(outline.cells[::2], outline.cells[1::2], strict=True)) == drawn(name).rows()


@pytest.mark.parametrize("name", ["chain with bows", "upload of few", "returning", "four jobs", "envelope", "front"])
def test_small_ones_have_a_picture(name):
    pytest.importorskip("matplotlib")
    text = drawn(name)._repr_html_()
    assert text.count("<svg") == 1
    assert text == drawn(name)._repr_html_()


@pytest.mark.parametrize("name", ["708 layers", "100 frames", "fifty jobs"])
def test_large_ones_have_none(name):
    assert "<svg" not in drawn(name)._repr_html_()


def test_no_colours_but_the_ground_of_the_picture():
    text = drawn("chain with bows")._repr_html_()
    outside = re.sub(r"<svg.*</svg>", "", text, flags=re.DOTALL)
    assert re.findall(r"(?:background|color)[^;\"]*", outside) == ["background:#fff", "color:#000"]


def test_an_infeasible_result_has_its_conflicts():
    result = osp.solve(chain_problem(limits={"latency": 3}))
    cells = Outline(result._repr_html_()).cells
    assert cells[cells.index("limit latency") + 1] == "3 ns conflicts (least 8 ns)"


def test_names_are_text_and_no_markup():
    problem = Partition(
        [EVIL, "b"], [(0, 1)], places=("device", EVIL), pins={EVIL: "device"}, name=EVIL,
        metrics={"latency": Metric([[0, 0], [9, 1]], {("device", EVIL): [1, 1], (EVIL, "device"): [1, 1]})},
    )  # fmt: skip
    result = replace(osp.solve(problem), method=EVIL, raw_status=EVIL)
    front = osp.front(problem.but(metrics={**problem.metrics, EVIL: Metric([[0, 0], [1, 3]])}), ("latency", EVIL))
    for shown in (result, osp.envelope(problem), front):
        outline = Outline(shown._repr_html_())
        assert "script" not in outline.tags
        assert any(EVIL in words for words in outline.words)


def test_a_long_front_is_cut_in_the_middle():
    outline = Outline(drawn("front of many")._repr_html_())
    assert outline.tags.count("tr") == 1 + 10 + 1 + 10
    assert "… 571 more …" in outline.cells


def test_without_matplotlib_there_is_a_table(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = osp.solve(fork_problem())._repr_html_()
    assert "<svg" not in text
    assert "optimal" in text


@pytest.mark.parametrize(
    "result",
    [
        Result("a", Status.ERROR, raw_status="\ud800 \x00"),
        Result("a", Status.NO_SOLUTION),
        replace(osp.solve(chain_problem()), problem=None),
        replace(osp.solve(chain_problem()), problem=object()),
        replace(osp.solve(chain_problem()), problem=fork_problem()),
    ],
)
def test_what_cannot_be_drawn_is_left_out(result):
    text = result._repr_html_()
    assert "<table>" in text
    assert "<svg" not in text


def test_an_envelope_without_end_says_so():
    found = osp.envelope(chain_problem())
    last = replace(found.segments[0], low=Fraction(0))
    assert "infinite bandwidth" in replace(found, segments=(last, *found.segments[1:]))._repr_html_()


def test_an_empty_front_says_that_there_is_no_plan():
    assert "no plan obeys the rules" in Front((), ("latency", "energy"), {})._repr_html_()
