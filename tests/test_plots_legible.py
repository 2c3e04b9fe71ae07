"""Every picture at the size of a paper's column: legible, nothing cut off or overlapping, clear in greyscale."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optsplit
from optsplit.errors import InvalidInput
from tests.choices import choices
from tests.instances import partitions
from tests.plot_cases import CASES, ENVELOPES, PROGRESS, drawn

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

pytestmark = pytest.mark.filterwarnings("error")

ALL = [*CASES, *PROGRESS, *ENVELOPES]


@pytest.fixture(scope="module")
def figures():
    """Draws each case once, 3.3 inches wide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = {}

    def figure(name):
        if name not in made:
            made[name] = Figure(figsize=(3.3, 2.4), layout="constrained")
            FigureCanvasAgg(made[name])
            ax = made[name].subplots()
            if name in PROGRESS:
                assert PROGRESS[name]().plot(ax=ax, kind="progress") is ax
            elif name in ENVELOPES:
                assert ENVELOPES[name]().plot(ax=ax, kind="envelope") is ax
            else:
                assert drawn(name).plot(ax=ax) is ax
            made[name].canvas.draw()
        return made[name]

    return figure


def texts(figure):
    """Those that are drawn; matplotlib keeps others, for ticks beyond an axis."""
    from matplotlib.text import Text

    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        draw = Text.draw
        patch.setattr(Text, "draw", lambda text, renderer: (seen.setdefault(id(text), text), draw(text, renderer))[1])
        figure.canvas.draw()
    return [text for text in seen.values() if text.get_text() and text.get_visible()]


@pytest.mark.parametrize("name", ALL)
def test_text_is_at_least_six_points_and_inside_the_figure(figures, name):
    figure = figures(name)
    width, height = figure.get_size_inches() * figure.dpi
    found = texts(figure)
    assert len(found) > 5
    for text in found:
        assert text.get_fontsize() >= 6, text
        box = text.get_window_extent()
        assert box.x0 >= -0.5, text
        assert box.y0 >= -0.5, text
        assert box.x1 <= width + 0.5, text
        assert box.y1 <= height + 0.5, text


@pytest.mark.parametrize("name", ALL)
def test_no_two_texts_overlap(figures, name):
    boxes = [(text, text.get_window_extent().padded(-0.5)) for text in texts(figures(name))]
    clashes = [(a.get_text(), b.get_text()) for (a, p), (b, q) in itertools.combinations(boxes, 2) if p.overlaps(q)]
    assert clashes == []


def luminance(colour):
    """Relative luminance as greyscale conversion weighs it (ITU-R BT.601), of a colour on white paper."""
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = to_rgba(colour)
    return alpha * (0.299 * red + 0.587 * green + 0.114 * blue) + 1 - alpha


def look(artist):
    """(lightness, everything else that tells it from others) of an artist in a legend."""
    from matplotlib.lines import Line2D

    if isinstance(artist, Line2D):
        marked = artist.get_marker() not in ("None", "", None)
        face = artist.get_markerfacecolor() if marked else artist.get_color()
        face = (1, 1, 1, 1) if isinstance(face, str) and face == "none" else face
        line = artist._unscaled_dash_pattern if artist.get_linestyle() != "None" else None
        return luminance(face), (artist.get_marker() if marked else None, str(line))
    return luminance(artist.get_facecolor()), (artist.get_hatch(),)


@pytest.mark.parametrize("name", ALL)
def test_what_a_legend_tells_apart_greyscale_does_too(figures, name):
    compared = 0
    for ax in figures(name).axes:
        legend = ax.get_legend()
        handles = legend.legend_handles if legend else []
        for a, b in itertools.combinations(handles, 2):
            compared += 1
            (light, shape), (other, form) = look(a), look(b)
            assert shape != form or abs(light - other) >= 0.25, (a, b)
    single = name.startswith(("envelope", "where")) or name == "front of three"
    assert compared or single


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith(("envelope", "where"))])
def test_neighbouring_plans_of_an_envelope_differ_in_dashes(figures, name):
    (ax,) = figures(name).axes
    lines = [line for line in ax.lines if line.get_marker() == "None"]
    assert len(lines) > 1
    assert all(look(a)[1] != look(b)[1] for a, b in itertools.pairwise(lines))


@pytest.mark.parametrize("name", ["four frames", "ten frames", "four jobs", "fifty jobs", "100 frames"])
def test_numbers_stand_out_from_their_bars(figures, name):
    from matplotlib.patches import Rectangle

    (ax,) = figures(name).axes
    bars = [bar for bar in ax.patches if isinstance(bar, Rectangle)]
    for text in ax.texts:
        x, y = text.get_position()
        under = next(bar for bar in bars if bar.get_x() <= x <= bar.get_x() + bar.get_width() and bar.get_y() < y + 0.1
                     and y < bar.get_y() + bar.get_height())  # fmt: skip
        assert text.get_text() == under.get_label().removeprefix("job ")
        assert abs(luminance(text.get_color()) - luminance(under.get_facecolor())) >= 0.4


def test_many_jobs_darken_in_the_order_in_which_they_begin(figures):
    (ax,) = figures("fifty jobs").axes
    first = [bar for bar in ax.patches if bar.get_y() > 3.5]
    assert len(first) == 50
    tones = [luminance(bar.get_facecolor()) for bar in sorted(first, key=lambda bar: bar.get_x())]
    assert tones == sorted(tones)
    assert tones[-1] - tones[0] > 0.5


def test_layers_are_larger_than_hairlines_in_a_deep_network(figures):
    (ax,) = figures("708 layers").axes
    assert min(line.get_markersize() for line in ax.lines) >= 2.2
    # no two layers of a row stand closer than a marker is wide
    device = ax.lines[0]
    points = ax.transData.transform(list(zip(*device.get_data())))
    step = min(b[0] - a[0] for a, b in itertools.pairwise(points) if b[0] > a[0]) * 72 / ax.figure.dpi
    assert step >= 0.9 * device.get_markersize()


def test_pictures_on_given_axes_leave_pyplot_alone():
    code = """
import sys
from matplotlib.figure import Figure
from tests.plot_cases import drawn, PROGRESS
for name in ("chain with bows", "upload of few", "four jobs", "envelope", "front"):
    drawn(name).plot(ax=Figure().subplots())
    drawn(name)._repr_html_()
PROGRESS["progress"]().plot(ax=Figure().subplots(), kind="progress")
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.one_of(partitions(), choices()))
def test_any_plan_is_drawn(problem):
    from matplotlib.figure import Figure

    result = optsplit.solve(problem)
    if result.plan is None:
        with pytest.raises(InvalidInput, match="there is no plan to draw"):
            result.plot(ax=Figure().subplots())
        return
    ax = Figure(figsize=(3.3, 2.4), layout="constrained").subplots()
    result.plot(ax=ax)
    shown = {text.get_text() for text in ax.get_legend().get_texts()}
    places = list(result.plan.assignment.values())
    assert shown >= {f"{place} ({places.count(place)})" for place in problem.places}
    left = len(problem.layers) - len(places)
    assert (f"left out ({left})" in shown) == (left > 0)
