"""Pictures: they draw on the axes given, name what they show, and refuse what cannot be drawn."""

import sys

import pytest

import optsplit
from optsplit import plots
from optsplit.errors import InvalidInput, MissingDependency
from optsplit.plots import network
from optsplit.result import Limit, Result, Status, TracePoint
from tests.test_report import fork_problem

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure(figsize=(3.3, 2.4), layout="constrained").subplots()


def words(ax):
    legend = ax.get_legend()
    return [text.get_text() for text in [*(legend.get_texts() if legend else ()), *ax.texts]]


def test_depths_are_longest_ways_and_lanes_spread_the_branches():
    problem = fork_problem()
    assert network.depths(problem) == [0, 1, 2, 2, 3, 4]
    assert network.lanes(problem) == [0, 0, -0.5, 0.5, 0, 0]


def test_partition_marks_places_by_colour_and_marker(ax):
    problem = fork_problem()
    plan = problem.plan([0, 0, 1, 0, 1, 1])
    assert plots.partition(problem, plan, ax=ax) is ax
    assert words(ax)[:3] == ["device (3)", "server (3)", "sent: 59 KiB"]
    device, server, _ = ax.lines
    assert device.get_marker() != server.get_marker()
    assert device.get_color() != server.get_color()
    ax.figure.canvas.draw()


def test_result_plot_draws_its_own_plan(ax):
    assert optsplit.solve(fork_problem()).plot(ax=ax) is ax


def test_partition_draws_several_inputs_and_a_plan_that_sends_nothing(ax):
    problem = optsplit.Partition(
        layers=["a", "b", "c"], edges=[(0, 2), (1, 2)], metrics={"latency": optsplit.Metric([[1, 0]] * 3)}
    )
    plots.partition(problem, problem.plan([0, 0, 0]), ax=ax)
    assert words(ax) == ["device (3)", "server (0)"]
    assert len(set(network.lanes(problem)[:2])) == 2


def test_envelope_marks_breakpoints_and_counts_layers(ax):
    envelope = optsplit.envelope(fork_problem())
    assert envelope.plot(ax=ax) is ax
    assert ax.get_xlabel() == "bandwidth, Mbit/s"
    assert {"6", "1"} <= set(words(ax))
    assert len(ax.lines) == len(envelope.segments) + len(envelope.breakpoints)
    ax.figure.canvas.draw()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("minimize", ["bytes", "server_seconds"])
def test_envelope_of_one_plan_that_costs_nothing(ax, minimize):
    plots.envelope(optsplit.envelope(fork_problem(minimize=minimize)), ax=ax)
    ax.figure.canvas.draw()


def test_trace_draws_incumbent_and_bound(ax):
    points = (TracePoint(0.1, None, 10**6), TracePoint(0.2, 5 * 10**6, 10**6), TracePoint(0.4, 3 * 10**6, 2 * 10**6))
    result = Result(
        "milp", Status.FEASIBLE, Limit.TIME, objective=3 * 10**6, bound=2 * 10**6, trace=points, solve_seconds=1.0,
        minimize=("latency",), units={"latency": "ns"},
    )  # fmt: skip
    assert plots.trace(result, ax=ax) is ax
    incumbent, bound = ax.lines
    assert list(incumbent.get_ydata()) == [5, 3, 3]
    assert list(bound.get_xdata()) == [0.1, 0.2, 0.4, 1.0]
    assert ax.get_ylabel() == "latency, ms"


def test_trace_of_a_heuristic_has_one_line(ax):
    plots.trace(Result("device-only", Status.HEURISTIC, objective=5, minimize=("latency",)), ax=ax)
    assert words(ax) == ["incumbent"]


def test_trace_refuses_a_result_without_numbers(ax):
    with pytest.raises(InvalidInput, match="neither a plan nor a bound"):
        plots.trace(Result("milp", Status.INFEASIBLE), ax=ax)


def test_new_axes_when_none_are_given():
    import matplotlib.pyplot as plt

    ax = plots.trace(Result("device-only", Status.HEURISTIC, objective=5, minimize=("latency",)))
    assert ax.figure.get_size_inches()[0] == pytest.approx(3.3)
    plt.close(ax.figure)


def test_without_matplotlib_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependency, match=r'pip install "optsplit\[plot\]"'):
        plots.trace(Result("device-only", Status.HEURISTIC, objective=5))
