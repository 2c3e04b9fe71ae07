"""validate: predict, run, correct, predict again, run again: the error of every predicted number, twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from optsplit.errors import InvalidInput
from optsplit.executor.calibration import Calibration, Point, calibrated, probe
from optsplit.executor.execute import Example, measured, servers_of, staged, traced
from optsplit.executor.measured import Execution
from optsplit.executor.messaging import MessageCost, message_cost
from optsplit.executor.predicted import predicted
from optsplit.executor.remote import Remote
from optsplit.executor.server import Server
from optsplit.executor.session import Model
from optsplit.executor.stages import Stages, all_at, rest_at
from optsplit.executor.worker import Places
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.profiling.profile import Profile
from optsplit.profiling.run import runnable


@dataclass(frozen=True)
class Validation:
    """A plan predicted and run, before and after its profile and link were corrected by runs of the two extremes.

    Parameters
    ----------
    before, after
        The same plan's frames; the predictions differ.
    calibration
        Profile and link as measured on the device alone and on the server alone.
    """

    before: Execution
    after: Execution
    calibration: Calibration

    @property
    def errors(self) -> Mapping[str, tuple[float, float]]:
        """Relative error of every predicted number, before and after."""
        later = self.after.errors
        return {name: (error, later[name]) for name, error in self.before.errors.items() if name in later}

    def content(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "before": self.before.content(),
            "after": self.after.content(),
            "calibration": self.calibration.content(),
        }

    def __str__(self) -> str:
        rows = [(name, f"{100 * first:+.1f} %", f"{100 * then:+.1f} %") for name, (first, then) in self.errors.items()]
        width = max([len("error of"), *(len(row[0]) for row in rows)])
        table = [f"{'error of':<{width}}  {'before':>10}  {'after':>10}"]
        table += [f"{name:<{width}}  {first:>10}  {then:>10}" for name, first, then in rows]
        return "\n".join([*table, str(self.calibration), *self.after.notes])


def validate(
    plan: PartitionPlan,
    module: torch.nn.Module | LayerGraph,
    example: Example | None = None,
    *,
    profile: Profile,
    links: Connection,
    server: str | None = None,
    devices: Mapping[str, str] | None = None,
    threads: Mapping[str, int] | None = None,
    frames: int = 10,
    grain: str = "operations",
    **connection: Any,
) -> Validation:
    """The error of every number that was predicted of a plan, before and after one calibration.

    The calibration runs the network on the device alone and on the server alone and sends probes; the plan that is
    validated takes no part in it, unless it is one of the two.

    Parameters
    ----------
    plan, module, example, devices, threads, frames, grain
        As in `execute`.
    profile
        Of two places; what the plan was predicted from.
    links
        Between them.
    server
        "host:port"; None: a server in this process, with messages slowed to `links`.
    connection
        As in `execute`.

    Raises
    ------
    InvalidInput
        The profile has not two places, or is of another network than the module.
    """
    if len(profile.places) != 2:
        raise InvalidInput(f"validate: profile has the places {', '.join(profile.places)}; give two")
    graph = module if isinstance(module, LayerGraph) else traced(module, example, grain)
    home, away = profile.places
    stages = staged(graph, plan)
    if stages.home != home:
        raise InvalidInput(f"validate: the plan's inputs are at {stages.home!r}, the profile's first place is {home!r}")
    extremes = [Stages(graph, all_at(graph, home), home), Stages(graph, rest_at(graph, home, away), home)]
    program = runnable(graph)
    inputs = program.flatten(program.example if example is None else example)
    given, thread = dict(devices or {}), dict(threads or {})
    first = predicted(stages, Partition.from_profile(profile, links))
    with _served(graph, server, given.get(away, "cpu"), thread.get(away)) as address:
        if server is None:
            connection = {"link": links, **connection}
        places = Places(given, thread)
        with Remote(extremes[1], servers_of(extremes[1], address), places, **connection) as remote:
            runs = []
            points: dict[tuple[str, str], list[Point]] = {}
            costs: dict[str, MessageCost] = {}
            for stage, name in ((extremes[1], "server alone"), (extremes[0], "device alone")):
                remote.switch(stage, name)
                runs.append(measured(stage, remote.run, inputs, frames))
            for session in remote.sessions.values():
                points = probe(session, home, away)
                costs = {home: message_cost(session)}
            calibration = calibrated(profile, runs, points, costs)
            remote.switch(stages, "plan")
            before = measured(stages, remote.run, inputs, frames, guess=first, notes=remote.notes)
            second = calibration.partition()
            guess = predicted(stages, second)
            after = measured(stages, remote.run, inputs, frames, guess=guess, notes=remote.notes)
    return Validation(before, after, calibration)


@contextmanager
def _served(graph: LayerGraph, server: str | None, device: str, threads: int | None) -> Iterator[str]:
    if server is not None:
        yield server
        return
    with Server({graph.name: Model.of(graph)}, "127.0.0.1:0", device=device, threads=threads) as own:
        yield own.address
