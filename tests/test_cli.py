"""The command line: exit statuses, JSON on stdout, and messages that name object, value and repair."""

import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

import optsplit
from optsplit import Profile, Result
from optsplit.cli import main
from optsplit.method import Answer, Method
from optsplit.result import Limit, Status
from tests.test_report import fork, fork_problem, fork_profile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fork_profile().save("both.json")
    fork_profile("device").renamed("phone").save("phone.json")
    fork_profile("server").renamed("box").save("server.json")
    fork_problem().save("problem.json")
    fork().save("graph.json")
    return tmp_path


@pytest.fixture
def bundle(monkeypatch):
    monkeypatch.setattr("optsplit.data.bundled", lambda name: fork_profile())
    monkeypatch.setitem(optsplit.__dict__, "bundled", lambda name: fork_profile())


def run(*arguments, status=0, **options):
    result = CliRunner().invoke(main, [str(a) for a in arguments], **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def content(*arguments, status=0):
    """The content of a command's JSON, which must be all that stands on stdout."""
    document = json.loads(run(*arguments, "--json", status=status).stdout)
    assert set(document) == {"optsplit", "version", "content"}
    return document["content"]


def refused(message, *arguments):
    result = run(*arguments, status=2)
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith(("optsplit: ", "Usage: "))
    assert "Traceback" not in result.stderr


PLAN = ("plan", "both.json", "--link", "8mbit")


# --- plan, solve, compare, envelope -------------------------------------------------------------------------------


def test_plan_prints_the_proof_the_runs_and_the_crossings(folder):
    out = run(*PLAN).stdout
    for text in ("optimal", "93.4 ms", "from layer", "conv1", "40,000", "device to server"):
        assert text in out


def test_plan_from_two_files_renames_the_places(folder):
    found = content("plan", "phone.json", "--server", "server.json", "--link", "8mbit", "--pin", "left=device")
    assert found["plan"]["assignment"]["left"] == "device"
    assert set(found["plan"]["assignment"].values()) <= {"device", "server"}
    assert found["status"] == "optimal"
    assert found["gap"] == 0


def test_server_takes_the_first_place_of_each_file(folder):
    found = content("plan", "both.json", "--server", "server.json", "--link", "8mbit")
    assert found["objective"] == content(*PLAN)["objective"]


def test_saved_results_and_problems_load_again(folder):
    found = content(*PLAN, "-o", "result.json", "--save-problem", "saved.json", "--limit", "bytes=30000")
    assert Result.load("result.json").objective == found["objective"]
    assert content("solve", "saved.json", "-o", "again.json")["objective"] == found["objective"]
    assert Result.load("again.json").objective == found["objective"]
    for method in ("brute", "milp", "cpsat"):
        assert content("solve", "saved.json", "--method", method)["objective"] == found["objective"]


def test_json_of_a_result_is_a_result_file(folder):
    (folder / "piped.json").write_text(run(*PLAN, "--json").stdout)
    assert Result.load("piped.json").status is Status.OPTIMAL


def test_every_option_of_plan(folder):
    arguments = (
        "--minimize", "device_seconds", "--minimize", "server_seconds", "--limit", "energy=10", "--pin", "right=device",
        "--one-way", "--result-at", "anywhere", "--device-power", "odroid-xu4", "--load", "server=2", "--link-latency",
        "0.001", "--method", "brute", "--time-limit", "10", "--gap", "0", "--workers", "1", "--seed", "3",
    )  # fmt: skip
    found = content("plan", "both.json", "--link", "wifi", *arguments)
    assert found["minimize"] == ["device_seconds", "server_seconds"]
    assert "energy" in found["metrics"]
    assert found["seed"] == 3


def test_link_latency_and_directions(folder):
    base = content("plan", "both.json", "--link", "8:80mbit", "--pin", "fc=server")
    late = content("plan", "both.json", "--link", "8:80mbit", "--pin", "fc=server", "--link-latency", "0.5")
    assert base["metrics"]["server_device_seconds"] == 40_000
    assert late["metrics"]["server_device_seconds"] == 500_040_000


def test_energy_over_a_link_without_radio_power_is_noted(folder):
    result = run("plan", "both.json", "--link", "cat1", "--minimize", "energy", "--device-power", "7.2:4", "--json")
    assert "no radio power" in result.stderr
    json.loads(result.stdout)


def test_compare_lists_exact_methods_and_baselines(folder):
    found = content("compare", "both.json", "--link", "8mbit")
    rows = {row["method"]: row for row in found["results"]}
    assert {"mincut", "milp", "cpsat", "brute", "neurosurgeon", "device-only"} <= set(rows)
    assert found["bound"] == 93_400_000
    assert rows["device-only"]["loss"] == pytest.approx(162 / 93.4 - 1)
    assert rows["device-only"]["gap"] is None
    assert rows["milp"]["loss"] == 0
    out = run("compare", "problem.json", "--method", "mincut", "--method", "device-only").stdout
    assert "above optimum" in out
    assert "73.4 %" in out


def test_a_result_is_as_good_as_its_problem(folder):
    first = content(*PLAN, "-o", "result.json")
    assert content("solve", "result.json")["objective"] == first["objective"]
    assert content("compare", "result.json")["bound"] == first["objective"]
    assert content("envelope", "result.json")["plans"]
    Result("mincut", Status.OPTIMAL).save("bare.json")
    refused("is a result without its problem; give the file of the problem", "solve", "bare.json")


def test_envelope_is_a_table_over_mbit(folder):
    plans = content("envelope", "both.json", "-o", "envelope.json")["plans"]
    assert len(optsplit.Envelope.load("envelope.json").segments) == len(plans)
    assert plans[0]["layers"] == {"device": 6}
    assert plans[0]["slowest"] == pytest.approx(0.001)
    assert plans[-1]["fastest"] == pytest.approx(100_000)
    assert set(plans[-1]["assignment"]) == set(fork().index)
    short = content("envelope", "problem.json", "--slowest", 1, "--fastest", 2)["plans"]
    assert (short[0]["slowest"], short[-1]["fastest"]) == (pytest.approx(1), pytest.approx(2))
    assert "layers at server" in run("envelope", "both.json", "--link", "4g").stdout


def test_pictures_are_written(folder):
    pytest.importorskip("matplotlib")
    run(*PLAN, "--plot", "plan.png")
    run("envelope", "both.json", "--plot", "envelope.svg")
    assert (folder / "plan.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "envelope.svg").read_text()


def test_energy_over_bandwidth_has_its_unit(folder):
    options = ("--device-power", "odroid-xu4", "--link", "wifi", "--minimize", "energy")
    out = run("envelope", "both.json", *options).stdout
    # 162 ms at 7.239 W: the whole network on the device
    assert "value, J, from" in out
    assert "1.173" in out


class _Closed(Exception):
    """The reader of a pipe has gone."""


@pytest.mark.parametrize(
    "arguments",
    [PLAN, ("solve", "problem.json"), ("envelope", "both.json"),
     ("front", "problem.json", "--metrics", "latency,bytes"),
     ("front", "problem.json", "--metrics", "latency,bytes", "--choose", "0")],
)  # fmt: skip
def test_a_reader_that_leaves_loses_no_file(folder, monkeypatch, arguments):
    def leave(*what):
        raise _Closed

    monkeypatch.setattr("optsplit.cli.screen.show", leave)
    with pytest.raises(_Closed):
        run(*arguments, "-o", "kept.json")
    assert (folder / "kept.json").is_file()


def test_a_file_that_cannot_be_written_loses_no_answer(folder):
    pytest.importorskip("matplotlib")
    (folder / "taken.json.part").mkdir()
    found = run(*PLAN, "-o", "taken.json", "--plot", "plan.svg", status=2)
    assert "taken.json: cannot be written" in found.stderr
    assert "Tensors that cross" in found.stdout
    assert (folder / "plan.svg").is_file()


def test_names_that_look_like_markup_are_printed_as_they_are(tmp_path):
    problem = optsplit.Partition(
        layers=["[red]", "blocks[0]:smile:"], edges=[(0, 1)], metrics={"latency": optsplit.Metric([[1, 0], [1, 0]])}
    )
    problem.save(tmp_path / "odd.json")
    out = run("solve", tmp_path / "odd.json").stdout
    assert "[red]" in out
    assert "blocks[0]:smile:" in out


# --- no plan ------------------------------------------------------------------------------------------------------


def test_infeasible_is_status_3_and_says_why(folder):
    result = run(*PLAN, "--limit", "latency=0.12", "--limit", "bytes=1000", status=3)
    assert "latency <= 120 ms (at least 162 ms" in result.stderr
    assert "bytes <= 1000 B" in result.stderr
    found = content(*PLAN, "--limit", "latency=0.01", status=3)
    assert found["status"] == "infeasible"
    assert found["conflicts"][0]["metric"] == "latency"
    assert "latency <= 10 ms" in run("compare", *PLAN[1:], "--limit", "latency=0.01", status=3).stderr


@pytest.mark.parametrize(("limit", "status"), [(Limit.TIME, 4), (Limit.INTERRUPT, 130)])
def test_no_plan_in_time_has_a_status_of_its_own(folder, monkeypatch, limit, status):
    method = Method("none", "Partition", True, fork_problem().features, lambda problem, options: Answer(limit=limit))
    # optsplit.solve is the function; its module is reached by name
    monkeypatch.setattr(sys.modules["optsplit.solve"], "known", lambda: {("Partition", "none"): method})
    assert "has no plan" in run(*PLAN, "--method", "none", status=status).stderr
    run("compare", "problem.json", status=status)


def test_compare_keeps_what_was_found_before_an_interrupt(folder, monkeypatch):
    real = optsplit.compare

    def compare(problem, names, **options):
        if names == ["milp"]:
            raise KeyboardInterrupt
        return real(problem, names, **options)

    monkeypatch.setattr(optsplit, "compare", compare)
    result = run("compare", "problem.json", "--json")
    assert [row["method"] for row in json.loads(result.stdout)["content"]["results"]][-1] == "cpsat"
    assert "interrupted in method 'milp'" in result.stderr
    assert run("compare", "problem.json", "--method", "milp", status=130).stderr == "optsplit: interrupted\n"


# --- messages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("unknown link '5g'; known: cat1, 3g, 4g", ["--link", "5g"]),
        ("link '-5mbit': rate is -5 Mbit/s; it must be positive", ["--link", "-5mbit"]),
        ("link '6:0mbit': rate is 0 Mbit/s", ["--link", "6:0mbit"]),
        ("rate is nan Mbit/s", ["--link", "nanmbit"]),
        ("rate is inf Mbit/s", ["--link", "infmbit"]),
        ("rate 'x' is not a number", ["--link", "x:2mbit"]),
        ("too fast", ["--link", "1e308mbit"]),
        ("link latency is nan", ["--link-latency", "nan"]),
        ("link latency is -1.0", ["--link-latency", "-1"]),
        ("unknown metric 'latncy'; did you mean 'latency'", ["--minimize", "latncy"]),
        ("unknown metric 'power'", ["--limit", "power=1"]),
        ("limit on 'latency' is nan; give a finite number", ["--limit", "latency=nan"]),
        ("--limit latency: 'fast' is not a number", ["--limit", "latency=fast"]),
        ("write it as --limit energy=0.8", ["--limit", "latency"]),
        ("stands twice, as '1' and '2'", ["--limit", "latency=1", "--limit", "latency=2"]),
        ("energy needs the power of the device; add --device-power odroid-xu4", ["--limit", "energy=0.8"]),
        ("energy needs the power of the device", ["--minimize", "energy"]),
        ("unknown device preset 'pixel'; known: odroid-xu4", ["--device-power", "pixel"]),
        ("'x' is not a number; give COMPUTE:IDLE in watts", ["--device-power", "3:x"]),
        ("compute_watts is nan", ["--device-power", "nan:1"]),
        ("pin of unknown layer 'conv9'; did you mean 'conv1'", ["--pin", "conv9=device"]),
        ("pin of layer 'conv1': unknown place 'cloud'", ["--pin", "conv1=cloud"]),
        ("pin of layer 'input' to 'server'", ["--pin", "input=server"]),
        ("load: unknown place 'cloud'", ["--load", "cloud=2"]),
        ("load of place 'server' is -2.0", ["--load", "server=-2"]),
        ("result_at: unknown place 'moon'", ["--result-at", "moon"]),
        ("unknown method 'magic'; known: chain, mincut", ["--method", "magic"]),
        ("method 'chain' cannot solve this Partition", ["--method", "chain"]),
        ("time_limit is nan", ["--time-limit", "nan"]),
        ("gap is 2.0", ["--gap", "2"]),
        ("workers is 0", ["--workers", "0"]),
        ("seed is -1", ["--seed", "-1"]),
        ("the largest of B and ns means nothing", ["--minimize", "latency", "--minimize", "bytes"]),
        ("an output file has an empty name", ["-o", ""]),
        ("No such option", ["--sever", "x"]),
        ("there is no folder 'nowhere'", ["-o", "nowhere/result.json"]),
        ("is a folder; name a file in it", ["--save-problem", "."]),
        ("cannot draw a xyz; give one of .png", ["--plot", "plan.xyz"]),
    ],
)
def test_wrong_options_of_plan(folder, message, options):
    link = [] if "--link" in options else ["--link", "8mbit"]
    refused(message, "plan", "both.json", *link, *options)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("nothing.json: cannot be read (No such file or directory)", ["plan", "nothing.json", "--link", "4g"]),
        ("damaged.json: not an optsplit file", ["plan", "damaged.json", "--link", "4g"]),
        ("text.json: not an optsplit file", ["solve", "text.json"]),
        ("wrong.json: damaged profile file", ["plan", "wrong.json", "--link", "4g"]),
        ("phone.json: has the one place 'phone'; add the server's by --server", ["plan", "phone.json", "--link", "4g"]),
        ("no link; add --link", ["plan", "both.json"]),
        ("holds a 'partition', not a profile; a problem is solved by: optsplit solve", ["plan", "problem.json"]),
        ("a graph has no times", ["plan", "graph.json", "--link", "4g"]),
        ("holds a profile, not a problem; use: optsplit plan", ["solve", "both.json"]),
        ("holds a 'graph', not a problem", ["methods", "graph.json"]),
        ("has its own --link inside; leave --link out", ["compare", "problem.json", "--link", "4g"]),
        ("has its own --limit inside", ["envelope", "problem.json", "--limit", "bytes=1"]),
        ("envelope does not take limits", ["envelope", "both.json", "--limit", "bytes=1"]),
        ("--slowest is nan Mbit/s", ["envelope", "both.json", "--slowest", "nan"]),
        ("--fastest is inf Mbit/s", ["envelope", "both.json", "--fastest", "inf"]),
        ("--slowest 9 is not below --fastest 1 Mbit/s", ["envelope", "both.json", "--slowest", "9", "--fastest", "1"]),
        ("unknown bundled profile 'nonet'", ["plan", "bundled:nonet", "--link", "4g"]),
        ("unknown bundled profile 'nonet'", ["demo", "--network", "nonet"]),
        ("nowhere to write; add -o phone.json", ["profile", "lenet"]),
        ("unknown network 'lanet'; did you mean 'lenet'", ["profile", "lanet", "-o", "x.json"]),
        ("graph.json: a file has no network to run", ["profile", "graph.json", "-o", "x.json"]),
        ("unknown regressions preset 'pi'", ["profile", "graph.json", "--predict", "pi", "-o", "x.json"]),
        ("Missing argument", ["plan"]),
    ],
)
def test_wrong_files_and_arguments(folder, message, arguments):
    text = (folder / "both.json").read_text()
    (folder / "damaged.json").write_text(text[: len(text) // 2])
    (folder / "wrong.json").write_text(text.replace('"timings"', '"timing"'))
    (folder / "text.json").write_text("hello")
    refused(message, *arguments)


@pytest.mark.parametrize("command", ["envelope", "table", "front"])
def test_what_only_a_partition_has_is_refused_for_the_rest(folder, command):
    optsplit.FlowShop([[3, 2], [1, 2]]).save("shop.json")
    refused("shop.json: holds a FlowShop, and a", command, "shop.json")
    refused("a problem is solved by: optsplit solve", "plan", "shop.json", "--link", "4g")


def test_running_a_problem_never_tells_to_write_over_it(folder):
    pytest.importorskip("torch")
    refused("write one by: optsplit solve problem.json -o plan.json", "run", "problem.json", "lenet")


def test_three_places_are_refused_with_the_way_out(folder):
    profile = fork_profile()
    Profile(profile.graph, {**profile.timings, "cloud": profile.timings["server"]}).save("three.json")
    refused("has the places device, server, cloud", "plan", "three.json", "--link", "4g")


def test_profiles_of_two_networks_are_refused(folder):
    graph = fork()
    other = optsplit.LayerGraph("chain", graph.layers[:1], (optsplit.Tensor("input", 0, (), 4),), ("input",))
    Profile(other, {"server": optsplit.Timing((0.0,))}).save("other.json")
    refused("profiles of 'fork' and 'chain' differ", "plan", "phone.json", "--server", "other.json", "--link", "4g")


def test_a_failed_run_leaves_the_old_file(folder):
    run(*PLAN, "-o", "result.json")
    before = (folder / "result.json").read_bytes()
    refused("pin of unknown layer", *PLAN, "-o", "result.json", "--pin", "x=device")
    assert (folder / "result.json").read_bytes() == before


@pytest.mark.parametrize(("options", "env"), [(["--debug"], {}), ([], {"OPTSPLIT_DEBUG": "1"})])
def test_debug_shows_the_traceback(folder, options, env):
    result = run("plan", "both.json", *options, env=env, status=2)
    assert "Traceback" in result.stderr
    assert "optsplit: no link" in result.stderr


# --- listing and demo ---------------------------------------------------------------------------------------------


def test_listing_commands(folder):
    assert {"mincut", "milp", "neurosurgeon"} <= {row["name"] for row in content("methods")}
    mismatch = {row["name"]: row["mismatch"] for row in content("methods", "problem.json")}
    assert mismatch["mincut"] is None
    assert "branches" in mismatch["chain"]
    found = content("presets")
    assert set(found) == {"links", "devices", "regressions", "networks", "profiles"}
    assert found["links"]["4g"]["up"]["rate"] == pytest.approx(5.85e6 / 8)
    assert content("version")["optsplit"] == optsplit.__version__
    for command, text in (("methods", "Kang et al."), ("presets", "Huang et al."), ("version", "ortools")):
        assert text in run(command).stdout
    assert "no: it does not take branches" in run("methods", "problem.json").stdout


def test_demo_shows_the_network_the_table_the_plan_and_what_comes_next(bundle):
    out = run("demo").stdout
    for text in (
        "6 layers", "GFLOP", "MiB of weights", "ratio", "12 times slower", "5.85 Mbit/s", "above optimum", "mincut",
        "milp", "neurosurgeon", "from layer", "Tensors that cross", "What to type next", "optsplit envelope",
    ):  # fmt: skip
        assert text in out
    found = content("demo", "--link", "10mbit")
    assert found["load"] == {"device": 12.0}
    assert set(found) == {"network", "link", "load", "comparison", "plan"}


def test_what_demo_says_to_type_next_works(folder, bundle):
    out = run("demo").stdout
    lines = [line.split()[1:] for line in out.splitlines() if line.startswith("  optsplit ")]
    assert len(lines) == 2
    for arguments in lines:
        assert CliRunner().invoke(main, arguments).exit_code in (0, 3)


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)])
def test_help(command):
    out = run(*command, "--help").stdout
    assert out.startswith("Usage: ")
    if command:
        assert "--json" in out
        assert "--debug" in out


# --- networks -----------------------------------------------------------------------------------------------------

NETWORK = """
import torch
def small():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()), torch.zeros(1, 3, 8, 8)
def alone():
    return torch.nn.ReLU()
def broken():
    raise ValueError("no weights")
"""


def test_trace_and_profile_of_a_users_own_network(folder):
    pytest.importorskip("torch")
    (folder / "mine.py").write_text(NETWORK)
    assert "small: 3 layers" in run("trace", "mine.py:small", "-o", "traced.json").stdout
    out = run("profile", "mine.py:small", "--threads", 1, "--max-seconds", 1, "--place", "pi", "-o", "pi.json").stdout
    assert "1 thread" in out
    assert "ratio" in out
    profile = Profile.load("pi.json")
    assert profile.places == ("pi",)
    assert content("trace", "mine:small", "--grain", "modules")["name"] == "small"
    refused("unknown function 'smal'; did you mean 'small'", "trace", "mine.py:smal", "-o", "x.json")
    refused("returned a ReLU; return the pair", "trace", "mine.py:alone", "-o", "x.json")
    refused("its function failed: ValueError: no weights", "trace", "mine.py:broken", "-o", "x.json")
    refused("there is no file 'none.py'", "trace", "none.py:small", "-o", "x.json")
    refused("cannot be imported: ModuleNotFoundError", "trace", "no.such:small", "-o", "x.json")
    refused("unknown grain 'layers'", "trace", "mine.py:small", "--grain", "layers", "-o", "x.json")
    refused("threads at place 'device' is 0", "profile", "mine.py:small", "--threads", 0, "-o", "x.json")


def test_predict_needs_no_network(folder):
    for layer in fork().layers:
        assert layer.name
    features = {"input_maps": 3.0, "filter_term": 9.0, "input_size": 10.0, "output_size": 10.0}
    graph = fork()
    layers = tuple(optsplit.Layer(x.name, x.kind, x.flops, x.weights, x.free, features) for x in graph.layers)
    optsplit.LayerGraph("fork", layers, graph.tensors, graph.outputs, graph.weights).save("features.json")
    out = run("profile", "features.json", "--predict", "raspberry-pi-3", "-o", "pi.json").stdout
    assert "Edgent" in out
    assert "1 add as relu" in out
    run("profile", "pi.json", "--predict", "desktop", "-o", "desktop.json")
    run("plan", "pi.json", "--server", "desktop.json", "--link", "4g")


# --- real processes -----------------------------------------------------------------------------------------------


def process(*arguments, without=(), **options):
    block = "".join(f"sys.modules[{name!r}] = None; " for name in without)
    code = f"import sys; {block}from optsplit.cli import main; main(prog_name='optsplit')"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False, **options
    )


def test_module_runs_as_a_program(folder):
    done = subprocess.run(
        [sys.executable, "-m", "optsplit.cli", *PLAN, "--json"], capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout)["content"]["status"] == "optimal"
    assert done.stderr == ""


def test_without_torch_plans_work_and_measuring_names_the_extra(folder):
    assert process(*PLAN, without=["torch"]).returncode == 0
    done = process("profile", "lenet", "-o", "x.json", without=["torch"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'optsplit: torch is not installed; pip install "optsplit[torch]"\n'
    assert 'pip install "optsplit[torch]"' in process("trace", "a.py:f", "--json", without=["torch"]).stderr


def test_without_matplotlib_the_picture_is_refused_before_solving(folder):
    done = process(*PLAN, "--plot", "x.png", without=["matplotlib"])
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "optsplit[plot]"' in done.stderr


def test_infeasible_and_errors_as_processes(folder):
    done = process(*PLAN, "--limit", "latency=0.01", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["content"]["status"] == "infeasible"
    done = process("plan", "both.json", "--link", "-5mbit", "--json")
    assert (done.returncode, done.stdout) == (2, "")


def test_importing_the_command_line_imports_neither_torch_nor_a_solver():
    heavy = ("torch", "ortools", "highspy", "matplotlib")
    code = f"import sys, optsplit.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


SLOW_METHOD = """
import sys, time
from optsplit.method import Method
from optsplit.table import known
def wait(problem, options):
    print("started", file=sys.stderr, flush=True)
    time.sleep(60)
every = known()
every["Partition", "wait"] = Method("wait", "Partition", False, every["Partition", "brute"].takes, wait)
from optsplit.cli import main
main(prog_name="optsplit")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_with_a_clean_message(folder):
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW_METHOD, "solve", "problem.json", "--method", "wait"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr.readline() == "started\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "optsplit: interrupted\n")


def test_chatter_of_libraries_never_reaches_stdout() -> None:
    code = "import os; from optsplit.cli.screen import keep_stdout; keep_stdout(); os.write(1, b'noise'); print('{}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{}\n", "noise")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_error(closed) -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m optsplit.cli version {closed}"], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
