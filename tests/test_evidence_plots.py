"""Pictures of many runs: what is drawn, that it can be told apart without colour, what is refused."""

import pytest

from optsplit.errors import InvalidInput
from optsplit.evidence.gaps import Steps
from optsplit.evidence.record import judged
from optsplit.evidence.statistics import performance_profile
from tests.test_evidence import proof, run

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from optsplit.plots.performance import LOOKS, gap_over_time, performance, save_sheet

INF = float("inf")


@pytest.fixture
def ax():
    return Figure(figsize=(3.3, 2.9), layout="constrained").subplots()


def test_performance_profile_is_a_step_function_from_the_factor_one(ax):
    profile = performance_profile({"a": [1, 6, INF, 5], "b": [2, 3, INF, INF]})
    assert performance(profile, ax) is ax
    first, second = ax.get_lines()
    assert first.get_drawstyle() == "steps-post"
    assert list(zip(*first.get_data(), strict=True))[:-1] == [(1, 0.5), (1, 0.5), (2, 0.75)]
    assert list(second.get_ydata()) == [0.25, 0.25, 0.5, 0.5]
    assert ax.get_xlim()[0] == 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_ylabel() == "share of 4 instances"


def test_what_lies_beyond_the_largest_factor_is_cut(ax):
    performance(performance_profile({"a": [1, 1], "b": [2, 1e9]}), ax, largest=50)
    assert ax.get_xlim() == (1, 50)
    assert list(ax.get_lines()[1].get_ydata()) == [0, 0.5, 0.5]


def test_methods_can_be_chosen_and_put_in_order(ax):
    performance(performance_profile({"a": [1], "b": [2]}), ax, methods=("b",))
    assert [line.get_label() for line in ax.get_lines()] == ["b"]


def test_lines_differ_by_dash_or_marker_and_not_by_colour_alone(ax):
    assert len({(line, marker) for _, line, marker in LOOKS}) == len(LOOKS)
    performance(performance_profile({str(k): [k + 1.0] for k in range(len(LOOKS))}), ax)
    assert len({line.get_marker() for line in ax.get_lines()}) == len(LOOKS)


def test_refuses_what_cannot_be_drawn(ax):
    many = performance_profile({str(k): [1.0] for k in range(len(LOOKS) + 1)})
    with pytest.raises(InvalidInput, match="9 methods in one picture"):
        performance(many, ax)
    with pytest.raises(InvalidInput, match="'x' is not in the profile"):
        performance(many, ax, methods=("x",))
    with pytest.raises(InvalidInput, match="no solves"):
        gap_over_time({}, ax)


def test_gap_over_time_marks_what_is_closed(ax):
    closed, open_ = Steps((0.0, 2.0, 5.0), (1.0, 0.1, 0.0), 5.0), Steps((0.0, 1.0), (1.0, 0.02), 10.0)
    gap_over_time({"closed": closed, "open": open_}, ax, least=1e-3)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines["closed"].get_ydata()) == [100, 10, pytest.approx(0.1), pytest.approx(0.1)]
    assert list(lines["open"].get_xdata())[-1] == 10
    crosses = [line for line in ax.get_lines() if line.get_marker() == "x"]
    assert [list(cross.get_xdata()) for cross in crosses] == [[5]]
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_sheet_has_a_picture_for_each_family_with_positive_costs(tmp_path):
    rows = judged([
        proof(5, "a", family="f"), run("a", "h", 7, family="f"), proof(0, "b", family="zero"),
        proof(5, "c", family="g"), run("c", "h", 5, family="g"),
    ])  # fmt: skip
    save_sheet(tmp_path / "s.svg", rows, {"f": ("h",)}, columns=2)
    text = (tmp_path / "s.svg").read_text()
    assert text.count("<!-- share of 1 instances -->") == 2
    with pytest.raises(InvalidInput, match="nothing to draw"):
        save_sheet(tmp_path / "z.svg", [row for row in rows if row.family == "zero"], {})
    with pytest.raises(InvalidInput, match="cannot be written"):
        save_sheet(tmp_path / "no" / "s.svg", rows, {})
