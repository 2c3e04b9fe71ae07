"""serve, run and lab on the command line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import optsplit
from optsplit import zoo
from optsplit.cli.door import Door
from optsplit.cli.lab import lab
from optsplit.cli.running import run
from optsplit.cli.serving import serve
from optsplit.executor.lab import Lab, missing
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.hardware import Connection
from optsplit.problems.schedule import Schedule
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.profiling.profile import Profile, Timing
from optsplit.profiling.trace import trace
from tests.executor_networks import behind, diamond, one_thread, problem, served  # noqa: F401

NETWORK = """
import torch
from tests.executor_networks import Diamond

def diamond():
    torch.manual_seed(0)
    return Diamond(4).eval(), torch.rand(1, 3, 16, 16)
"""
ROOT = Path(__file__).parents[1]
# by its whole name: in the package that is the command
LABORATORY = "optsplit.cli.lab"
PROGRAM = """
import sys
from optsplit.cli import screen
from optsplit.cli.door import Door
from optsplit.cli.running import run
from optsplit.cli.serving import serve
screen.keep_stdout()
Door(commands={"run": run, "serve": serve})()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network, a plan and its problem."""
    graph = diamond()
    (tmp_path / "net.py").write_text(NETWORK)
    problem(graph).save(tmp_path / "problem.json")
    plan = behind(graph, 3)
    optsplit.Result("given", optsplit.Status.HEURISTIC, plan=plan).save(tmp_path / "plan.json")
    n = len(graph.layers)
    Profile(graph.structure, {p: Timing((0.001,) * n) for p in ("device", "server")}).save(tmp_path / "profile.json")  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server({"diamond": served()}, "127.0.0.1:0", threads=1) as running:
        yield running


def call(*words: object) -> Result:
    door = Door(commands={"run": run, "serve": serve, "lab": lab})
    return CliRunner().invoke(door, [str(word) for word in words])


def asked(folder: Path, *words: object) -> Result:
    return call("run", folder / "plan.json", f"{folder / 'net.py'}:diamond", *words)


def content(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["content"]
    return found


def test_run_over_a_server_shows_predicted_and_measured(folder: Path, server: Server) -> None:
    result = asked(folder, "--server", server.address, "--frames", 3, "--problem", folder / "problem.json")
    assert result.exit_code == 0, result.stderr
    assert "device -> server" in result.stdout
    assert "predicted:" in result.stdout
    assert "measured:" in result.stdout


def test_json_has_every_part(folder: Path, server: Server) -> None:
    words = ("--server", server.address, "--frames", 3, "--problem", folder / "problem.json", "--json")
    found = content(asked(folder, *words))
    assert found["frames"] == 3
    assert found["fallbacks"] == 0
    assert [part["kind"] for part in found["parts"]] == ["compute", "send", "wait", "compute", "send"]
    assert found["latency"]["predicted"] == pytest.approx(
        problem(diamond()).evaluate(behind(diamond(), 3)).objective / 1e9
    )


def test_emulation_says_so(folder: Path, server: Server) -> None:
    words = ("--emulate", "10mbit", "--device-cpu", 0.5, "--window", 2)
    result = asked(folder, "--server", server.address, "--frames", 4, *words)
    assert result.exit_code == 0, result.stderr
    assert "link 10 Mbit/s emulated in this process" in result.stdout
    assert "device played 2 times slower" in result.stdout
    assert "a frame every" in result.stdout


def test_calibration_writes_a_profile(folder: Path, server: Server) -> None:
    out = folder / "corrected.json"
    words = ("--profile", folder / "profile.json", "--calibrate", out, "--json")
    found = content(asked(folder, "--server", server.address, "--frames", 3, *words))
    assert set(found["calibration"]["factors"]) == {"device", "server"}
    before, after = Profile.load(folder / "profile.json"), Profile.load(out)
    assert after.timings["server"].seconds != before.timings["server"].seconds


def test_a_server_that_is_not_there_is_a_fallback_and_said(folder: Path) -> None:
    found = content(asked(folder, "--server", "127.0.0.1:1", "--frames", 2, "--json"))
    assert found["fallbacks"] == 2
    assert found["decisions"][0]["what"].startswith("device alone")


def test_adapting_needs_what_it_follows(folder: Path, server: Server) -> None:
    assert "--adapt needs --server" in asked(folder, "--adapt").stderr
    words = ("--adapt", "--problem", folder / "problem.json", "--emulate", "50mbit", "--frames", 6, "--json")
    found = content(asked(folder, "--server", server.address, *words))
    assert "Mbit/s" in found["decisions"][0]["what"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--server", "nowhere"), "write it as host:port"),
        (("--server", "192.0.2.1:7443"), "without TLS"),
        (("--device-cpu", "2"), "above 0 and at most 1"),
        (("--emulate", "10mbit"), "needs a server"),
        (("--calibrate", "x.json"), "belong together"),
        (("--deadline", "0", "--server", "127.0.0.1:1"), "positive"),
        (("--deadline", "nan"), "--deadline nan; give a positive number of seconds"),
        (("--threads", "99999"), "threads at place 'device' is 99999; give 1 or more, up to 1024"),
        (("--token-file", "/nowhere/token"), "cannot be read"),
    ],
)
def test_errors_of_run(folder: Path, words: tuple[str, ...], said: str) -> None:
    result = asked(folder, *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_run_wants_a_result(folder: Path) -> None:
    result = call("run", folder / "problem.json", "alexnet")
    assert result.exit_code == 2
    assert "holds a 'partition', not a result" in result.stderr


def test_serve_refuses_an_open_door(folder: Path) -> None:
    network = f"{folder / 'net.py'}:diamond"
    assert "nothing to serve" in call("serve").stderr
    result = call("serve", "--model", network, "--listen", "0.0.0.0:0")
    assert result.exit_code == 2
    assert "without TLS" in result.stderr
    for words in (("--sessions", "0"), ("--threads", "0"), ("--limit", "nan"), ("--limit", "-1")):
        result = call("serve", "--model", network, *words)
        assert result.exit_code == 2
        assert f"{words[0]} {words[1]}; give" in result.stderr
    assert "given twice" in call("serve", "--model", network, "--architecture", network).stderr


def test_serve_as_a_program_until_it_is_ended(folder: Path) -> None:
    words = [
        sys.executable,
        "-c",
        PROGRAM,
        "serve",
        "--model",
        f"{folder / 'net.py'}:diamond",
        "--listen",
        "127.0.0.1:0",
    ]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=alone) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split(" on ")[1].split()[0]
        found = content(asked(folder, "--server", address, "--frames", 2, "--json"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert found["fallbacks"] == 0


# --- other plans --------------------------------------------------------------------------------------------------


def saved(folder: Path, name: str, plan: Any) -> Path:
    path = folder / f"{name}.json"
    optsplit.Result("given", optsplit.Status.HEURISTIC, plan=plan).save(path)
    return path


def test_an_upload_on_the_command_line(folder: Path) -> None:
    graph = diamond()
    order = UploadOrder(problem(graph), [1_000_000 * bool(layer.weights) for layer in graph.layers])
    order.save(folder / "order.json")
    names = [name for k, name in enumerate(order.names) if not order.there >> k & 1]
    plan, network = saved(folder, "upload", UploadPlan(names)), f"{folder / 'net.py'}:diamond"
    with Server({"diamond": Model.of(diamond(seed=3), known=True)}, "127.0.0.1:0", threads=1) as empty:
        words = ("run", plan, network, "--server", empty.address, "--problem", folder / "order.json")
        result = call(*words, "--emulate", "50mbit")
        found = content(call(*words, "--json"))
    assert result.exit_code == 0, result.stderr
    assert "mean latency  predicted" in result.stdout
    assert "link 50 Mbit/s emulated" in result.stdout
    assert [entry["unit"] for entry in found["arrivals"]] == names
    assert found["finish"]["predicted"] == pytest.approx(0.001 * len(names))
    assert "add --problem FILE" in call("run", plan, network, "--server", "127.0.0.1:1").stderr
    assert "--architecture" in call("run", plan, network, "--problem", folder / "order.json").stderr
    assert "leave them out" in call("run", plan, network, "--window", 2).stderr


def test_a_schedule_on_the_command_line(folder: Path, server: Server) -> None:
    graph = diamond()
    asked_for = Schedule([problem(graph)] * 3, cuts=[behind(graph, cut) for cut in (3, 2, 5)])
    asked_for.save(folder / "schedule-problem.json")
    schedule = optsplit.solve(asked_for, time_limit=1.0).plan
    plan, network = saved(folder, "schedule", schedule), f"{folder / 'net.py'}:diamond"
    words = ("run", plan, network, "--server", server.address, "--frames", 2)
    found = content(call(*words, "--problem", folder / "schedule-problem.json", "--json"))
    assert found["rounds"] == 2
    assert found["makespan"]["predicted"] == asked_for.evaluate(schedule).metrics["makespan"] / 1e9
    assert {entry["machine"] for entry in found["machines"]} >= {"device", "device>server", "server"}
    result = call(*words)
    assert result.exit_code == 0, result.stderr
    assert "makespan  predicted" in result.stdout
    assert "is no schedule" in call(*words, "--problem", folder / "problem.json").stderr
    assert "several go with a schedule" in call("run", folder / "plan.json", network, network).stderr


def test_an_exit_on_the_command_line(folder: Path) -> None:
    module, example = zoo.build("branchy_alexnet_5")
    graph = trace(module, example, grain="modules", name="branchy_alexnet_5")
    n = len(graph.layers)
    times = Profile(graph.structure, {p: Timing((0.001,) * n) for p in ("device", "server")})  # type: ignore[attr-defined]
    asked_for = optsplit.Partition.from_profile(
        times, Connection.mbit(10), exits={"exit2.fc": 0.8, "fc8": 0.9}, at_least={"accuracy": 0.7}
    )
    asked_for.save(folder / "exits.json")
    plan = optsplit.solve(asked_for).require_optimal().plan
    words = ("run", saved(folder, "exit", plan), "branchy_alexnet_5", "--grain", "modules")
    found = content(call(*words, "--problem", folder / "exits.json", "--frames", 1, "--json"))
    # the earlier exit is right often enough
    assert plan.exit == "exit2.fc"
    assert "exit2.fc" in found["parts"][-1]["what"]
    assert found["latency"]["predicted"] == pytest.approx(asked_for.evaluate(plan).objective / 1e9)


# --- the laboratory -----------------------------------------------------------------------------------------------


def test_lab_runs_run_and_nothing_else(folder: Path) -> None:
    result = call("lab", "--link", "4g", "--", "rm", "-r", folder)
    assert result.exit_code == 2
    assert "lab runs `optsplit run ...`" in result.stderr
    result = call("lab", "--emulate", "--", "run", folder / "plan.json")
    assert result.exit_code == 2
    assert "needs a plan and a network" in result.stderr


def _program(words: list[str]) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *words]


@pytest.mark.slow
def test_lab_emulated(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.modules[LABORATORY], "_optsplit", _program)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    network = f"{folder / 'net.py'}:diamond"
    words = ("--emulate", "--link", "20mbit", "--", "optsplit", "run", folder / "plan.json", network, "--frames", 2)
    assert call("lab", *words).exit_code == 0
    assert "link 20 Mbit/s emulated in this process" in capfd.readouterr().out


needs_lab = pytest.mark.skipif(missing() is not None, reason=f"the laboratory needs {missing()}")


@pytest.mark.slow
@needs_lab
def test_lab_between_namespaces(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules[LABORATORY], "_optsplit", _program)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    network = f"{folder / 'net.py'}:diamond"
    words = ("--link", "20mbit", "--", "optsplit", "run", folder / "plan.json", network, "--frames", 2, "--json")
    assert call("lab", *words).exit_code == 0
    found = json.loads(capfd.readouterr().out)["content"]
    assert found["fallbacks"] == 0
    assert found["notes"] == []


@needs_lab
def test_lab_shapes_its_link_and_leaves_nothing() -> None:
    link = Connection.mbit(8)
    before = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    with Lab(link) as made:
        send = "import socket,sys; s=socket.create_connection(('10.203.77.1',9)); s.sendall(b'x'*1000000); s.close()"
        take = (
            "import socket,time; l=socket.create_server(('10.203.77.1',9)); print('up',flush=True); c,_=l.accept(); "
            "n=len(c.recv(1)); t=time.monotonic()\n"
            "while b:=c.recv(65536): n+=len(b)\nprint(n/(time.monotonic()-t))"
        )
        receiver = made.on_server([sys.executable, "-c", take], stdout=subprocess.PIPE)
        assert receiver.stdout is not None
        receiver.stdout.readline()
        assert made.on_device([sys.executable, "-c", send]).wait(30) == 0
        rate = float(receiver.stdout.read())
    # 1 MB/s less the headers of packets, more the bucket at the start
    assert 0.85e6 < rate < 1.1e6
    assert subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout == before


def test_lab_without_root_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = call("lab", "--link", "4g", "--", "optsplit", "run", "plan.json", "alexnet")
    assert result.exit_code == 2
    assert "needs root" in result.stderr
