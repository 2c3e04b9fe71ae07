"""Sweeps: what is asked, what comes back, what a folder keeps; in this process, where nothing else is said."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest

import optsplit as osp
from optsplit import FlowShop, Limit, Result, Status
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.sweep import Run, sweep
from tests import sweep_methods as given
from tests.schedule_instances import random_schedule
from tests.upload_instances import random_upload

SHOP = FlowShop([[3, 2], [1, 4], [2, 2]])  # in the order of arrival 3+2+4+2 = 11; job 1 first: 1+4+2+2 = 9


class Inline(Executor):
    """Runs at once, in the thread that submits."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, fn, /, *args, **kwargs):
        self.submitted += 1
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        raise AssertionError("an executor that was given is shut down by who gave it")


def timeless(result: Result) -> Result:
    return replace(result, build_seconds=0.0, solve_seconds=0.0, trace=())


def bundled() -> dict[str, osp.Partition]:
    return {
        name: osp.Partition.from_profile(osp.bundled(name), osp.links["4g"], load={"device": 12.0})
        for name in ("alexnet", "resnet18", "googlenet")
    }


def test_two_processes_give_the_runs_of_a_loop(tmp_path: Path) -> None:
    rng = random.Random(8)
    problems = {
        **bundled(),
        **{f"upload {i}": random_upload(rng, 5) for i in range(3)},
        **{f"schedule {i}": random_schedule(rng, 4, 2) for i in range(3)},
        **{f"shop {i}": FlowShop([[rng.randint(1, 9) for _ in range(3)] for _ in range(6)]) for i in range(3)},
    }
    asked: dict[str, object] = dict(problems)
    for name in list(problems)[::2]:
        problems[name].save(tmp_path / f"{name}.json.gz")
        asked[name] = tmp_path / f"{name}.json.gz"
    runs = sweep(asked, ("auto", "cpsat", "local-search"), seeds=(3,), workers=2)
    cells = [(n, m, s) for n in problems for m in ("auto", "cpsat", "local-search") for s in (3,)]
    assert [(run.name, run.method, run.seed) for run in runs] == cells
    for run in runs:
        problem = problems[run.name]
        if run.method in {method.name for method in osp.methods(problem)} | {"auto"}:
            assert timeless(run.result) == timeless(osp.solve(problem, run.method, seed=run.seed)), run.name
        else:
            assert run.result.status is Status.ERROR
            assert run.result.raw_status.startswith("MethodMismatch: ")
        if not isinstance(asked[run.name], Path):
            assert run.result.problem is problem
        elif run.result.plan is not None:
            assert run.result.problem.evaluate(run.result.plan).objective == run.result.objective


def test_every_method_that_applies() -> None:
    for methods in (None, "all"):
        runs = sweep([SHOP], methods, executor=Inline())
        assert [run.method for run in runs] == [method.name for method in osp.methods(SHOP)]
        assert [timeless(run.result) for run in runs] == [timeless(result) for result in osp.compare(SHOP)]


def test_names_of_problems(tmp_path: Path) -> None:
    SHOP.save(tmp_path / "a.b.json")
    (tmp_path / "x").mkdir()
    SHOP.save(tmp_path / "x" / "a.b.json.gz")
    runs = sweep([SHOP, str(tmp_path / "a.b.json")], executor=Inline())
    assert [run.name for run in runs] == ["0 flow shop", "a.b"]
    assert [run.name for run in sweep({"mine": tmp_path / "a.b.json"}, executor=Inline())] == ["mine"]
    assert [run.name for run in sweep(SHOP, "neh", executor=Inline())] == ["0 flow shop"]
    assert sweep([], executor=Inline()) == []
    with pytest.raises(InvalidInput, match=r"two problems are called 'a\.b'; give a mapping"):
        sweep([tmp_path / "a.b.json", tmp_path / "x" / "a.b.json.gz"], executor=Inline())


def test_options_go_to_the_methods_that_have_them(tmp_path: Path) -> None:
    upload = random_upload(random.Random(3), 5)
    asked = ["ionn", ("ionn", {"k": 0.9}), "all-at-once", ("in-order", {"time_limit": 2.5, "workers": 2})]
    runs = sweep([upload], asked, executor=Inline(), k=0.1, time_limit=7)
    assert [run.options for run in runs] == [{"k": 0.1}, {"k": 0.9}, {}, {"time_limit": 2.5, "workers": 2}]
    assert [timeless(run.result) for run in runs[:2]] == [
        timeless(osp.solve(upload, "ionn", k=k, time_limit=7)) for k in (0.1, 0.9)
    ]
    assert [run.result.time_limit for run in runs] == [7, 7, 7, 2.5]
    assert [run.result.workers for run in runs] == [1, 1, 1, 2]
    own = sweep([SHOP], [(given.COUNTED, {"log": str(tmp_path / "log")})], executor=Inline())
    assert (own[0].method, own[0].result.objective) == ("counted", 11)


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        (["nehh"], {}, "unknown method 'nehh'; did you mean 'neh'"),
        (["neh", 3], {}, "method 3; give a name, a Method, or a pair of one and its options"),
        (("ionn", {"k": 0.5}), {}, "method {'k': 0.5}; give a name"),
        ([("ionn", {"kk": 0.5})], {}, "method 'ionn': unknown option 'kk'; did you mean 'k'"),
        (["neh"], {"k": 0.5}, "no method asked for takes it: unknown option 'k'"),
        (["neh"], {"time_limit": 0}, "time_limit is 0; give a positive"),
        (["neh"], {"gap": 2}, "gap is 2; give a number"),
        ([("neh", {"workers": 0})], {}, "workers is 0; give 1 or more"),
        (["neh"], {"workers": 0}, "workers is 0; give 1 or more"),
        (["neh"], {"executor": 3}, "executor is a int; give one that can submit"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_runs(methods, options, message) -> None:
    executor = Inline()
    with pytest.raises(InvalidInput) as error:
        sweep([SHOP], methods, **{"executor": executor, **options})
    assert str(error.value).startswith(message)
    assert executor.submitted == 0


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read"):
        sweep([tmp_path / "none.json"], executor=Inline())


def test_what_raises_is_a_run_with_an_error() -> None:
    runs = sweep([SHOP], [given.FAILING, given.HUNGRY, given.LEAVING, "neh"], executor=Inline())
    assert [run.result.status for run in runs] == [Status.ERROR] * 3 + [Status.HEURISTIC]
    assert [run.result.raw_status for run in runs[:3]] == ["SolverError: it broke", "MemoryError: ", "SystemExit: 3"]
    assert [run.result.method for run in runs[:3]] == ["failing", "hungry", "leaving"]
    assert runs[0].result.minimize == SHOP.objectives
    assert runs[0].result.problem is SHOP


def test_an_executor_that_breaks_costs_its_runs_alone() -> None:
    class Breaking(Inline):
        def submit(self, fn, /, *args, **kwargs):
            if self.submitted == 1:
                raise BrokenProcessPool("a process is gone")
            return super().submit(fn, *args, **kwargs)

    runs = sweep({"a": SHOP, "b": SHOP}, "neh", executor=Breaking())
    assert [run.result.status for run in runs] == [Status.HEURISTIC, Status.ERROR]
    assert runs[1].result.raw_status == "BrokenProcessPool: a process is gone"


def test_threads_that_were_given_go_on() -> None:
    with ThreadPoolExecutor(2) as threads:
        runs = sweep(bundled(), ("auto", "neurosurgeon"), executor=threads)
        assert threads.submit(int, "3").result() == 3
    for run in runs:
        assert timeless(run.result) == timeless(osp.solve(run.result.problem, run.method))


def test_progress_hears_of_every_run_once(tmp_path: Path) -> None:
    heard: list[tuple[int, int, Run]] = []
    for _ in range(2):
        heard.clear()
        tell = lambda *told: heard.append(told)  # noqa: E731
        runs = sweep({"a": SHOP, "b": SHOP}, ("neh", "auto"), executor=Inline(), folder=tmp_path, progress=tell)
        assert [(done, total) for done, total, _ in heard] == [(1, 4), (2, 4), (3, 4), (4, 4)]
        key = lambda run: (run.name, run.method)  # noqa: E731
        assert sorted((run for _, _, run in heard), key=key) == sorted(runs, key=key)


def test_the_line_is_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    sweep({"a[b]": SHOP}, ("neh", given.FAILING), executor=Inline(), progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "2/2" in err
    assert "1 failed" in err
    assert "a[b] failing: error" in err


def test_a_folder_keeps_what_is_finished(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "new" / "runs"

    def run(problems, seeds=(0,), **options) -> list[Run]:
        return sweep(
            problems, [(given.COUNTED, {"log": str(log)})], seeds=seeds, folder=folder, executor=Inline(), **options
        )

    def count() -> int:
        return len(log.read_text(encoding="utf-8").splitlines())

    first = run({"a": SHOP}, seeds=(0, 1))
    assert count() == 2
    assert run({"a": SHOP}, seeds=(0, 1)) == first
    assert count() == 2
    renamed = FlowShop(SHOP.times, name="another name")
    again = run({"b": renamed})
    assert count() == 2
    assert (again[0].name, again[0].result.problem) == ("b", renamed)
    run({"a": FlowShop([[3, 2], [1, 4], [2, 3]])})
    assert count() == 3
    run({"a": SHOP}, time_limit=9)
    assert count() == 4
    run({"a": SHOP}, gap=0.1)
    assert count() == 5
    run({"x": FlowShop([[1, 1]]), "y": FlowShop([[1, 1]])})  # one run for both
    assert count() == 6
    assert len(list(folder.iterdir())) == 6


@pytest.mark.parametrize("kind", ["partition", "upload", "schedule"])
def test_names_within_a_problem_do_not_matter_and_costs_do(tmp_path: Path, kind: str) -> None:
    times = {"latency": osp.Metric([[0, 0], [9, 1], [9, 1]], {("device", "server"): [5, 2, 1]})}
    part = osp.Partition(["input", "a", "b"], [(0, 1), (1, 2)], metrics=times, pins={"input": "device"}, result_at=None)

    def problem(part: osp.Partition) -> object:
        if kind == "upload":
            return osp.UploadOrder(part, [3] * len(part.layers), name=part.name)
        return osp.Schedule([part], name=part.name) if kind == "schedule" else part

    def ran(part: osp.Partition) -> int:
        executor = Inline()
        sweep([problem(part)], executor=executor, folder=tmp_path)
        return executor.submitted

    dearer = {
        name: replace(metric, compute=[[c + 1 for c in row] for row in metric.compute])
        for name, metric in part.metrics.items()
    }
    assert [ran(part), ran(part.but(name="other")), ran(part.but(metrics=dearer)), ran(part)] == [1, 0, 1, 0]


def test_errors_and_interrupted_runs_are_run_again(tmp_path: Path) -> None:
    executor = Inline()
    for _ in range(2):
        sweep([SHOP], given.FAILING, executor=executor, folder=tmp_path)
    assert executor.submitted == 2
    sweep([SHOP], "neh", executor=executor, folder=tmp_path)
    [path] = [p for p in tmp_path.iterdir() if '"neh"' in p.read_text(encoding="utf-8")]
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["content"]["result"]["limit"] = "interrupt"
    path.write_text(json.dumps(stored), encoding="utf-8")
    [run] = sweep([SHOP], "neh", executor=executor, folder=tmp_path)
    assert executor.submitted == 4
    assert run.result.limit is Limit.NONE


def damaged(path: Path, **change: object) -> None:
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["content"].update({k: v for k, v in change.items() if k in stored["content"]})
    stored["content"]["result"].update({k: v for k, v in change.items() if k not in stored["content"]})
    path.write_text(json.dumps(stored), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "not an optsplit file"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not an optsplit file"),
        (lambda path: damaged(path, key="0" * 32), "holds the run 000"),
        (lambda path: damaged(path, objective=8, bound=8), "its plan costs 9, not 8"),
        (lambda path: damaged(path, bound=10), "bound 10 is above objective 9"),
        (lambda path: damaged(path, bound=8), "status 'optimal' with objective 9 and bound 8"),
        (lambda path: damaged(path, plan=None), "objective 9 without a plan"),
        (lambda path: damaged(path, plan={"type": "flow_shop", "sequence": [1, 2]}), "its plan is none of this"),
        (lambda path: damaged(path, plan={"type": "flow_shop", "sequence": ["x"]}), "damaged run file"),
        (lambda path: damaged(path, plan={"type": "partition", "assignment": {}}), "its plan is none of this"),
    ],
)
def test_a_damaged_file_is_kept_aside_and_not_believed(tmp_path: Path, damage, message: str) -> None:
    [before] = sweep([SHOP], executor=Inline(), folder=tmp_path)
    assert before.result.objective == 9
    [path] = tmp_path.iterdir()
    damage(path)
    spoilt = path.read_bytes()
    with pytest.warns(UserWarning, match=message) as caught:
        [after] = sweep([SHOP], executor=Inline(), folder=tmp_path)
    assert Path(caught[0].filename) == Path(__file__)
    assert timeless(after.result) == timeless(before.result)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".damaged"}
    assert path.with_suffix(".damaged").read_bytes() == spoilt


def test_what_a_folder_cannot_keep_is_refused(tmp_path: Path) -> None:
    class Mine(FlowShop):
        """A kind of problem that has no file."""

    with pytest.raises(InvalidInput, match=r"Mine .*: no file can hold it .*; sweep without a folder"):
        sweep([Mine([[1]])], "neh", executor=Inline(), folder=tmp_path)
    with pytest.raises(InvalidInput, match="method 'neh': an option cannot be written as JSON"):
        sweep([SHOP], [("neh", {"hint": object()})], executor=Inline(), folder=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="file: cannot be a folder"):
        sweep([SHOP], executor=Inline(), folder=tmp_path / "file")


def test_importing_it_imports_nothing_heavy() -> None:
    code = (
        "import sys\nbefore = set(sys.modules)\nimport optsplit.sweep\n"
        "heavy = {'ortools', 'pulp', 'highspy', 'torch', 'distributed', 'dask', 'rich', 'multiprocessing'}\n"
        "new = heavy & (set(sys.modules) - before)\nassert not new, new"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_leaves_to_threads_what_they_cannot_stop(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    at, folder = tmp_path / "at", tmp_path / "runs"
    at.mkdir()

    def press() -> None:
        while not list(at.iterdir()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as threads, ThreadPoolExecutor(1) as other:
        pressed = other.submit(press)
        asked = ["neh", (given.PATIENT, {"at": str(at)}), "auto"]
        runs = sweep([SHOP], asked, executor=threads, folder=folder)
        pressed.result()
        assert [(run.result.status, run.result.limit) for run in runs] == [
            (Status.HEURISTIC, Limit.NONE),
            (Status.NO_SOLUTION, Limit.INTERRUPT),
            (Status.NO_SOLUTION, Limit.INTERRUPT),
        ]
        assert runs[1].result.problem is SHOP
        (at / "go").touch()
    assert signal.getsignal(signal.SIGINT) is before
    assert len(list(folder.iterdir())) == 1
