"""Sweeps over processes: workers that die, Ctrl-C, a parent that is killed; nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from optsplit import FlowShop, Status
from optsplit.sweep import sweep
from tests import sweep_methods as given

SHOP = FlowShop([[3, 2], [1, 4], [2, 2]])
PATIENCE = 120.0  # seconds: the machine may be busy


def until(condition: Callable[[], bool], what: str, process: subprocess.Popen | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # a process that ended and waits for whoever adopted it
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def test_what_kills_its_process_costs_itself_alone(tmp_path: Path) -> None:
    once = (given.DYING, {"marker": str(tmp_path / "died")})
    runs = sweep({"a": SHOP, "b": SHOP}, [given.DYING, given.LEAVING, once, "neh"], workers=2)
    [dead, left, risen, other], second = runs[:4], runs[4:]
    assert dead.result.raw_status == "3 worker processes died over it (killed, crashed or out of memory)"
    assert left.result.raw_status == "SystemExit: 3"
    assert risen.result.objective == 11
    assert other.result.objective == 9
    assert [run.result.status for run in second] == [run.result.status for run in runs[:4]]
    assert (tmp_path / "died").exists()


def test_a_task_that_cannot_be_sent_is_an_error() -> None:
    hidden = given._method(lambda problem, options: None)
    runs = sweep({"a": SHOP}, [hidden, "neh"], workers=1)
    assert [run.result.status for run in runs] == [Status.ERROR, Status.HEURISTIC]
    assert "ickl" in runs[0].result.raw_status


SCRIPT = """
import json, sys
from optsplit import FlowShop
from optsplit.sweep import sweep
from tests import sweep_methods as given

def main():
    at, folder, method = sys.argv[1:]
    shop = FlowShop([[3, 2], [1, 4], [2, 2]])
    waiting = (getattr(given, method), {"at": at})
    try:
        other = FlowShop(shop.times, unit="us")
        runs = sweep({"a": shop, "b": other}, ["neh", waiting, "auto"], workers=2, folder=folder, seeds=(0, 1))
    except KeyboardInterrupt:
        print(json.dumps("stopped"))
        return
    print(json.dumps([[r.name, r.method, r.seed, r.result.status, r.result.limit, r.result.objective] for r in runs]))
"""

GUARD = """
if __name__ == "__main__":
    main()
"""


class Scene:
    """A script that sweeps, and whose workers wait in the folder `at`."""

    def __init__(self, tmp_path: Path, method: str, before: str) -> None:
        self.at, self.runs, self.script = tmp_path / "at", tmp_path / "runs", tmp_path / "script.py"
        self.method = method
        self.at.mkdir()
        self.script.write_text(SCRIPT + before + GUARD, encoding="utf-8")
        self.process = self.start()
        self.until(lambda: len(self.pids()) == 2, "both workers")

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(self.script), str(self.at), str(self.runs), self.method],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip

    def until(self, condition: Callable[[], bool], what: str) -> None:
        until(condition, what, self.process)

    def pids(self) -> list[int]:
        return [int(path.name) for path in self.at.iterdir() if path.name.isdigit()]

    def result(self) -> list | str:
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        assert err == ""
        until(lambda: all(map(gone, self.pids())), "the end of the workers")
        return json.loads(out)

    def resumed(self) -> list | str:
        """What the same script gives after the workers were let go."""
        (self.at / "go").touch()
        self.process = self.start()
        return self.result()


@pytest.fixture
def scene(tmp_path: Path):
    made: list[Scene] = []

    def make(method: str, before: str = "") -> Scene:
        made.append(Scene(tmp_path, method, before))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


FULL = [
    [name, method, seed, status, "none", objective]
    for name in "ab"
    for method, status, objective in (("neh", "heuristic", 9), ("patient", "heuristic", 11), ("auto", "optimal", 9))
    for seed in (0, 1)
]


@pytest.mark.parametrize("terminal", [False, True], ids=["process", "terminal"])
def test_ctrl_c_keeps_what_there_is(scene, terminal: bool) -> None:
    # the workers stand at the two seeds of "patient" on a; "neh" on a is done, all else has not begun
    stage = scene("PATIENT")
    if terminal:
        os.killpg(stage.process.pid, signal.SIGINT)
    else:
        os.kill(stage.process.pid, signal.SIGINT)
    runs = stage.result()
    assert runs[:2] == FULL[:2]
    assert runs[2:4] == [["a", "patient", seed, "feasible", "interrupt", 11] for seed in (0, 1)]
    assert runs[4:] == [[*run[:3], "no solution", "interrupt", None] for run in FULL[4:]]
    assert len(list(stage.runs.glob("*.json"))) == 4
    assert stage.resumed() == FULL


def test_ctrl_c_ends_what_does_not_listen(scene) -> None:
    stage = scene("DEAF", before="from optsplit.sweep import workers as w\nw.GRACE = 0.5\n")
    os.kill(stage.process.pid, signal.SIGINT)
    runs = stage.result()
    assert [run[3] for run in runs] == ["heuristic"] * 2 + ["no solution"] * 10
    assert [run[4] for run in runs] == ["none"] * 2 + ["interrupt"] * 10


def test_a_second_ctrl_c_ends_it_at_once(scene) -> None:
    stage = scene("DEAF")
    os.kill(stage.process.pid, signal.SIGINT)
    stage.until((stage.at / "heard").exists, "Ctrl-C at a worker")
    os.kill(stage.process.pid, signal.SIGINT)
    assert stage.result() == "stopped"


def test_a_parent_that_is_killed_leaves_nobody(scene) -> None:
    stage = scene("PATIENT")
    stage.process.kill()
    stage.process.communicate()
    until(lambda: all(map(gone, stage.pids())), "the end of the workers")
    assert len(list(stage.runs.glob("*.json"))) == 2
    assert stage.resumed() == FULL


def test_a_worker_that_is_killed_is_replaced(scene) -> None:
    stage = scene("PATIENT")
    os.kill(stage.pids()[0], signal.SIGKILL)
    stage.until(lambda: len(stage.pids()) == 3, "another worker")
    (stage.at / "go").touch()
    assert stage.result() == FULL


OWN = """
from optsplit import Answer, Method
def own(problem, options):
    return Answer(problem.plan(range(problem.jobs)))
OWN = Method("own", "FlowShop", False, frozenset(), own)
"""

SWEEP = """
from optsplit import FlowShop
from optsplit.sweep import sweep
def main():
    [run] = sweep([FlowShop([[3, 2], [1, 4]])], METHOD, workers=1)
    print(run.method, run.result.status.value, run.result.objective)
"""


def execute(script: str, tmp_path: Path) -> subprocess.CompletedProcess:
    path = tmp_path / "script.py"
    path.write_text(script, encoding="utf-8")
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    done = execute(SWEEP.replace("METHOD", '"neh"') + "main()\n", tmp_path)
    assert (done.stdout, done.stderr) == ("neh heuristic 7\n", "")


def test_a_script_with_its_own_method_needs_one(tmp_path: Path) -> None:
    script = OWN + SWEEP.replace("METHOD", "OWN")
    done = execute(script + GUARD, tmp_path)
    assert (done.stdout, done.stderr) == ("own heuristic 9\n", "")
    done = execute(script + "main()\n", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("must call sweep under `if __name__ == '__main__':`") == 1
