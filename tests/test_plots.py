"""Pictures: they draw on the axes given, name what they show, and refuse what cannot be drawn."""

import sys

import pytest

import optsplit
from optsplit import plots
from optsplit.algorithms.front import Front
from optsplit.errors import InvalidInput, MissingDependency
from optsplit.plots import flow_shop, network, schedule
from optsplit.plots.axes import columns, logarithmic
from optsplit.result import Limit, Result, Status, TracePoint
from tests.plot_cases import confident, drawn
from tests.test_report import fork_problem

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def ax():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    return FigureCanvasAgg(Figure(figsize=(3.3, 2.4), layout="constrained")).figure.subplots()


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


def chain_problem(**options):
    ways = {("device", "server"): [5, 2, 1], ("server", "device"): [5, 2, 1]}
    return optsplit.Partition(
        layers=["input", "conv", "fc"], edges=[(0, 1), (1, 2)], pins={"input": "device"},
        metrics={"latency": optsplit.Metric([[0, 0], [9, 1], [9, 1]], ways)}, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "kinds"),
    [
        (fork_problem(), ("plan", "network", "envelope", "progress")),
        (optsplit.UploadOrder(chain_problem(), [0, 4, 3]), ("plan", "upload", "progress")),
        (optsplit.Schedule([chain_problem()] * 2), ("plan", "gantt", "progress")),
        (optsplit.FlowShop([[1, 2], [2, 1]]), ("plan", "gantt", "progress")),
    ],
)
def test_each_problem_has_its_pictures(problem, kinds):
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    result = optsplit.solve(problem)
    assert plots.kinds(problem) == kinds
    for kind in kinds:
        axes = Figure(layout="constrained").subplots()
        assert result.plot(ax=axes, kind=kind) is axes
        assert axes.has_data()
    with pytest.raises(InvalidInput, match=rf"unknown kind of picture 'front'.* known: {', '.join(kinds)}"):
        result.plot(kind="front")
    assert plt.get_fignums() == []


def test_a_result_without_its_problem_has_only_its_progress(ax):
    result = Result("device-only", Status.HEURISTIC, objective=5, minimize=("latency",))
    with pytest.raises(InvalidInput, match="needs a plan and its problem"):
        result.plot()
    assert result.plot(ax=ax, kind="progress") is ax
    with pytest.raises(InvalidInput, match="object has no picture"):
        plots.draw(object(), result)


def test_an_infeasible_result_says_why_there_is_nothing_to_draw():
    import matplotlib.pyplot as plt

    result = optsplit.solve(chain_problem(limits={"latency": 3}))
    with pytest.raises(InvalidInput, match=r"no plan to draw; .*latency <= 3 ns \(at least 8 ns"):
        result.plot()
    lacking = Result("cpsat", Status.NO_SOLUTION, problem=optsplit.FlowShop([[1, 2]]))
    with pytest.raises(InvalidInput, match=r"'cpsat' found no plan \(no solution\)"):
        lacking.plot()
    for drawing, problem in ((network, chain_problem()), (flow_shop, lacking.problem), (schedule, None)):
        with pytest.raises(InvalidInput, match="nothing to draw"):
            drawing.draw(problem, lacking)
    assert plt.get_fignums() == []


def test_the_envelope_of_limits_is_refused():
    result = optsplit.solve(chain_problem(limits={"latency": 30}))
    with pytest.raises(InvalidInput, match="envelope does not take limits"):
        result.plot(kind="envelope")


def test_a_result_stands_on_its_envelope_where_its_own_bandwidth_is(ax):
    # the server computes both layers: 5 to send the input, 1 for the result, 2 for computing; 18 at the device
    optsplit.solve(chain_problem()).plot(ax=ax, kind="envelope")
    assert words(ax)[0] == "chain: 8 at 1"
    (diamond,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert (diamond.get_xdata()[0], diamond.get_ydata()[0]) == (1.0, 8)
    assert ax.get_xlim()[0] < 1 < ax.get_xlim()[1]


def test_a_result_that_sends_nothing_stands_nowhere_in_particular(ax):
    result = optsplit.solve(chain_problem(), "device-only")
    result.plot(ax=ax, kind="envelope")
    assert all(line.get_marker() != "D" for line in ax.lines)


def test_bytes_of_exits_by_confidence_are_means_and_exits_are_labelled(ax):
    problem = confident()
    result = optsplit.solve(problem)
    result.plot(ax=ax)
    sent = next(text for text in words(ax) if text.startswith("sent"))
    assert sent == "sent: 12 KiB"
    assert result.metrics["bytes"] == pytest.approx(12 * 1024, rel=0.005)
    thresholds = [f"≥ {share:g}" for share in result.plan.thresholds.values()]
    assert thresholds
    assert set(words(ax)) >= {*thresholds, "rest"}


def test_layers_behind_the_exit_are_left_out(ax):
    problem = optsplit.Partition(
        layers=["input", "conv", "exit1", "fc", "exit2"], edges=[(0, 1), (1, 2), (1, 3), (3, 4)],
        metrics={"latency": optsplit.Metric([[0, 0], [9, 1], [2, 1], [9, 1], [2, 1]])},
        exits={"exit1": 0.81, "exit2": 0.93},
    )  # fmt: skip
    result = optsplit.solve(problem)
    assert result.plan.exit == "exit1"
    result.plot(ax=ax)
    assert "left out (2)" in words(ax)
    assert "exit" in words(ax)


def test_bits_of_what_is_sent_are_named(ax):
    drawn("bits").plot(ax=ax)
    (sent,) = [text for text in words(ax) if text.startswith("sent")]
    assert sent.endswith("(2, 32 bit)")
    assert {8, 4, 2, 16, 32} >= set(drawn("bits").plan.bits.values())


def test_an_upload_marks_where_units_arrive_and_its_mean(ax):
    result = optsplit.solve(optsplit.UploadOrder(chain_problem(), [0, 4, 3]))
    result.plot(ax=ax)
    mean, points = ax.collections
    # 3 ns of 18, 4 ns of one layer on the server, then both
    assert [round(float(x), 9) for x, _ in points.get_offsets()] == [3, 7]
    assert mean.get_segments()[0][0][1] == result.metrics["mean_latency"]


def test_an_upload_of_nothing_says_so(ax):
    problem = optsplit.UploadOrder(chain_problem(), [0, 4, 3], present=["conv", "fc"])
    optsplit.solve(problem).plot(ax=ax)
    assert [text.get_text() for text in ax.texts] == ["nothing is uploaded"]
    ax.figure.canvas.draw()


@pytest.mark.filterwarnings("error")
def test_names_are_drawn_as_they_are(ax):
    names = ["$x^$", "_hidden", "<script>"]
    ways = {(p, q): [5, 2, 1] for p in names for q in names if p != q}
    problem = optsplit.Partition(
        layers=["a", "b", "c"], edges=[(0, 1), (1, 2)], places=names,
        metrics={"latency": optsplit.Metric([[0] * 3] * 3, ways)},
    )  # fmt: skip
    plots.partition(problem, problem.plan([0, 1, 2]), ax=ax)
    shown = [text.replace("\u200b", "").replace("\\$", "$") for text in words(ax)]
    assert shown[:3] == ["$x^$ (1)", "_hidden (1)", "<script> (1)"]
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (90, 130, "90 100 110 120 130"),
        (1.5, 90, "2 5 10 20 50"),
        (0.5, 300, "1 3 10 30 100 300"),
        (1e-3, 1e3, "0.001 0.01 0.1 1 10 100 1000"),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_plain_numbers(ax, low, high, shown):
    logarithmic(ax.xaxis, low, high)
    ax.figure.canvas.draw()
    inside = [t for t in ax.get_xticks() if low <= t <= high * (1 + 1e-9)]
    assert [ax.xaxis.get_major_formatter()(t) for t in inside] == shown.split()
    assert not any(label.get_text() for label in ax.get_xticklabels(minor=True))


def test_a_legend_takes_the_columns_that_fit():
    assert columns(["device (1)", "server (2)"], 230) == 2
    assert columns(["a very long name of a place (1)", "another very long name (2)"], 230) == 1
    assert columns(["job"] * 10, 230) == 6


def test_a_front_without_points_is_refused():
    import matplotlib.pyplot as plt

    empty = Front((), ("latency", "energy"), {}, name="x")
    with pytest.raises(InvalidInput, match="has no points: the problem has no plan"):
        empty.plot()
    assert plt.get_fignums() == []


@pytest.mark.filterwarnings("error")
def test_an_envelope_that_is_level_and_a_progress_of_several_metrics(ax):
    problem = fork_problem(pins=dict.fromkeys(fork_problem().layers, "device"))
    plots.envelope(optsplit.envelope(problem), ax=ax)
    bottom, top = ax.get_ylim()
    assert bottom < top
    ax.clear()
    optsplit.solve(fork_problem(minimize=("device_seconds", "server_seconds")), "cpsat").plot(ax=ax, kind="progress")
    assert ax.get_ylabel().startswith("largest of 2 metrics")
