"""The two programs of benchmarks/executor.py: a server, and a device that does what it is told line by line."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch

import optsplit as osp
from optsplit import zoo
from optsplit.cli import words
from optsplit.executor.calibration import Calibration, calibrated, probe
from optsplit.executor.execute import measured
from optsplit.executor.measured import COMPUTE, SEND, Execution
from optsplit.executor.messaging import message_cost
from optsplit.executor.predicted import predicted
from optsplit.executor.remote import Remote
from optsplit.executor.rpc import Trust
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.executor.stages import Stages, all_at, rest_at
from optsplit.executor.uploading import upload
from optsplit.executor.worker import Places
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection
from optsplit.problems.upload_order import UploadOrder
from optsplit.profiling.profile import Profile
from optsplit.profiling.run import runnable

DEADLINE = 120.0


@dataclass(frozen=True)
class Setting:
    """What both programs are told when they start."""

    networks: tuple[str, ...]
    listen: tuple[str, str]
    certificate: str | None
    key: str | None
    token: str | None
    slowdown: float
    emulate: bool


def traced(name: str) -> LayerGraph:
    """A network of the zoo."""
    module, example = zoo.build(name)
    return osp.trace(module, example, name=name)


def serve(setting: Setting) -> None:
    """A server of the networks with their weights, and one that knows their architectures only."""
    models = {name: Model.of(traced(name)) for name in setting.networks}
    known = {name: Model(m.graph, m.structure, m.weights, known=True) for name, m in models.items()}
    trust = Trust.read(setting.certificate, setting.key, token=setting.token)
    full, empty = setting.listen
    with Server(models, full, trust=trust, threads=1) as first, Server(known, empty, trust=trust, threads=1):
        print("ready", flush=True)
        first.wait()


class Device:
    """Networks traced and measured at full speed, before the device is slowed from outside."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.graphs = {name: traced(name) for name in setting.networks}
        self.profiles: dict[str, Profile] = {}
        for name, graph in self.graphs.items():
            once = osp.measure(graph, {"device": "cpu"}, threads={"device": 1}, max_seconds=6.0)
            timing = once.timings["device"]
            slow = 1.0 / float(os.environ.get("OPTSPLIT_SHARE", "1"))
            self.profiles[name] = Profile(graph, {"device": timing.scaled(slow), "server": timing})
        self.places = Places({}, {"device": 1}, {"device": setting.slowdown})
        self.trust = Trust.read(authority=setting.certificate, token=setting.token)

    def remote(self, stages: Stages, link: str) -> Remote:
        """Sessions over a link that is shaped outside, or here."""
        emulated = words.connection(link) if self.setting.emulate else None
        return Remote(
            stages, {"server": self.setting.listen[0]}, self.places, trust=self.trust, link=emulated, deadline=DEADLINE
        )

    def calibrate(self, name: str, remote: Remote, frames: int) -> Calibration:
        """Runs of the two extremes, and probes."""
        graph = self.graphs[name]
        runs = []
        for plan in (all_at(graph, "device"), rest_at(graph, "device", "server")):
            runs.append(self.run(remote, Stages(graph, plan, "device"), frames))
        session = remote.sessions["server"]
        points, costs = probe(session, "device", "server"), {"device": message_cost(session)}
        return calibrated(self.profiles[name], runs, points, costs)

    def run(self, remote: Remote, stages: Stages, frames: int, window: int = 1) -> Execution:
        """A plan's frames."""
        program = runnable(stages.graph)
        remote.switch(stages, repr(stages.plan.assignment))
        return measured(stages, remote.run, program.flatten(program.example), frames, window)

    def latency(self, name: str, link: str, frames: int) -> dict[str, Any]:
        """The optimal plan, the device alone and the server alone: predicted twice, and measured."""
        graph, nominal = self.graphs[name], words.connection(link)
        first = osp.Partition.from_profile(self.profiles[name], nominal)
        with self.remote(Stages(graph, rest_at(graph, "device", "server"), "device"), link) as remote:
            found = self.calibrate(name, remote, frames)
            second = osp.Partition.from_profile(found.profile, found.connection())
            plans = {
                "optimal": osp.solve(second).plan,
                "device": all_at(graph, "device"),
                "server": rest_at(graph, "device", "server"),
            }
            rows = {}
            for kind, plan in plans.items():
                stages = Stages(graph, plan, "device")
                execution = self.run(remote, stages, frames)
                rows[kind] = {
                    "before": predicted(stages, first).total,
                    "after": predicted(stages, second).total,
                    "measured": execution.total.median,
                    "low": execution.total.low,
                    "high": execution.total.high,
                    "fallen": execution.fallen,
                    "bare": bare(execution, nominal),
                    "equal": [other for other in plans if plans[other].assignment == plan.assignment],
                    "sends": len(stages.places) > 1,
                }
        return {"rows": rows, "calibration": found.content()}

    def stream(self, name: str, link: str, frames: int, window: int) -> dict[str, Any]:
        """The one-way plan of the least period: predicted, and measured with several frames in flight."""
        graph = self.graphs[name]
        with self.remote(Stages(graph, rest_at(graph, "device", "server"), "device"), link) as remote:
            found = self.calibrate(name, remote, 3)
            problem = found.partition()
            busy = tuple(metric for metric in problem.metrics if metric.endswith("_seconds"))
            plan = osp.solve(problem.but(minimize=busy, one_way=True), time_limit=20.0).plan
            stages = Stages(graph, plan, "device")
            execution = self.run(remote, stages, frames, window)
            alone = self.run(remote, stages, 4)
        return {
            "predicted": predicted(stages, problem).period,
            "period": execution.period.median,
            "latency": alone.total.median,
        }

    def uploads(self, name: str, link: str, method: str) -> dict[str, Any]:
        """One order: the curve predicted and measured."""
        graph, program = self.graphs[name], runnable(self.graphs[name])
        with self.remote(Stages(graph, rest_at(graph, "device", "server"), "device"), link) as remote:
            found = self.calibrate(name, remote, 3)
        problem = UploadOrder.from_profile(found.profile, found.connection())
        plan = osp.solve(problem, method).plan
        emulated = words.connection(link) if self.setting.emulate else None
        result = upload(
            graph, problem, plan, program.flatten(program.example), self.setting.listen[1], places=self.places,
            trust=self.trust, link=emulated, deadline=DEADLINE,
        )  # fmt: skip
        end = result.finish
        return {
            "finish": end, "predicted_finish": problem.evaluate(plan).metrics["upload"] / 1e9,
            "mean": result.mean_latency(end), "predicted_mean": result.predicted_mean(end),
            "queries": sum(query.start + query.seconds <= end for query in result.queries),
        }  # fmt: skip


def bare(execution: Execution, link: Connection) -> float:
    """Device time + bytes / rate + server time of the median frame: what an executor without overhead would take."""
    lines = execution.lines
    sent = {"device -> server": link.up.rate, "server -> device": link.down.rate}
    computed = sum(line.median for line in lines if line.kind == COMPUTE)
    return computed + sum(line.size / sent[line.what] for line in lines if line.kind == SEND)


def main() -> None:
    """Read the setting from the environment; the device then takes a task a line and answers a line."""
    torch.set_num_threads(1)
    setting = Setting(**json.loads(os.environ["OPTSPLIT_SIDE"]))
    if sys.argv[1] == "server":
        serve(setting)
        return
    device = Device(setting)
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        begin = time.monotonic()
        try:
            answer = getattr(device, task.pop("do"))(**task)
        except osp.errors.OptsplitError as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({**answer, "wall": time.monotonic() - begin}), flush=True)


if __name__ == "__main__":
    main()
