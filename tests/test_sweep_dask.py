"""Sweeps over a Dask cluster on this machine: two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import optsplit as osp
from optsplit import FlowShop, Status
from optsplit.sweep import Run, sweep
from tests import sweep_methods as given
from tests.schedule_instances import random_schedule
from tests.upload_instances import random_upload

distributed = pytest.importorskip("distributed")

PATIENCE = 120.0  # seconds: the machine may be busy


@pytest.fixture(scope="module")
def client():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def timeless(runs: list[Run]) -> list[Run]:
    return [replace(run, result=replace(run.result, build_seconds=0.0, solve_seconds=0.0, trace=())) for run in runs]


def test_a_worker_that_is_killed_costs_nothing(client, tmp_path: Path) -> None:
    rng = random.Random(5)
    shops = {f"shop {i}": FlowShop([[rng.randint(1, 9) for _ in range(3)] for _ in range(6)]) for i in range(4)}
    problems = {
        **shops,
        "alexnet": osp.Partition.from_profile(osp.bundled("alexnet"), osp.links["4g"], load={"device": 12.0}),
        "upload": random_upload(rng, 5),
        "schedule": random_schedule(rng, 4, 2),
    }
    at, folder = tmp_path / "at", tmp_path / "runs"
    at.mkdir()
    methods = ["auto", (given.PATIENT, {"at": str(at)}), "cpsat"]
    killed: list[int] = []

    def kill() -> None:
        """Kill a worker while it works and when runs are on disk; then let the others go."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if list(folder.glob("*.json")) and (waiting := [path.name for path in at.iterdir()]):
                killed.append(int(waiting[0]))
                os.kill(killed[0], signal.SIGKILL)
                break
            time.sleep(0.02)
        (at / "go").touch()

    assassin = threading.Thread(target=kill)
    assassin.start()
    runs = sweep(problems, methods, executor=client.get_executor(), folder=folder)
    assassin.join()
    assert killed
    assert killed[0] not in client.run(os.getpid)
    serial = [
        osp.solve(problem, method, **own)
        for problem in problems.values()
        for method, own in [("auto", {}), (given.PATIENT, {"at": str(at)}), ("cpsat", {})]
        if method != given.PATIENT or isinstance(problem, FlowShop)
    ]
    solved = [run for run in runs if run.result.status is not Status.ERROR]
    assert [run.result for run in timeless(solved)] == [
        replace(result, build_seconds=0.0, solve_seconds=0.0, trace=()) for result in serial
    ]
    wrong = [(run.name, run.method, run.result.raw_status[:14]) for run in runs if run not in solved]
    assert wrong == [(name, "patient", "MethodMismatch") for name in ("alexnet", "upload", "schedule")]

    told: list[Run] = []
    tell = lambda done, total, run: told.append(run)  # noqa: E731
    again = sweep(problems, methods, executor=client.get_executor(), folder=folder, progress=tell)
    assert timeless(again) == timeless(runs)
    assert len(told) == len(runs)
    # only what failed was run again
    assert [run for run in again if run in solved] == solved


def test_what_kills_every_worker_is_an_error(client) -> None:
    runs = sweep({"a": FlowShop([[1, 2]])}, [given.DYING, "neh"], executor=client.get_executor())
    assert [run.result.status for run in runs] == [Status.ERROR, Status.HEURISTIC]
    assert runs[0].result.raw_status.startswith("KilledWorker: ")
