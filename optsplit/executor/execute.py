"""execute: run a plan on real devices, and put what was measured beside what was predicted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from optsplit.errors import InvalidInput, unknown
from optsplit.executor import chosen
from optsplit.executor.frames import Answer, Line, stream
from optsplit.executor.measured import Execution
from optsplit.executor.predicted import Predicted, predicted
from optsplit.executor.stages import Stages
from optsplit.executor.worker import Places, Tensors
from optsplit.graph import LayerGraph
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.profiling.run import runnable
from optsplit.profiling.trace import trace

Example = torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor]

WARM_UP = 2


def execute(
    plan: PartitionPlan,
    module: torch.nn.Module | LayerGraph,
    example: Example | None = None,
    *,
    server: str | Mapping[str, str] | None = None,
    devices: Mapping[str, str] | None = None,
    threads: Mapping[str, int] | None = None,
    problem: Partition | None = None,
    frames: int = 10,
    window: int = 1,
    grain: str = "operations",
    exits: Mapping[str, float] | None = None,
    **connection: Any,
) -> Execution:
    """Run a plan and measure its stages.

    Parameters
    ----------
    plan
        Which layer runs where; the place of the first input is home.
    module, example
        The network and an example, or a traced graph.
    server
        "host:port" of the place that is not home, or place -> "host:port"; None runs every place in this process.
    devices
        Torch device of the places in this process; default "cpu".
    threads
        CPU threads of the places in this process.
    problem
        What the plan was solved for: adds predictions.
    frames
        How many, after two of warm-up.
    window
        Frames in flight: 1 for latency, more for a stream.
    grain
        Of the trace, as the plan's.
    exits
        Outputs with class scores -> confidence from which a frame ends there, see `Stages`.
    connection
        Of `optsplit.executor.remote.connect`: token, certificates, deadline, emulated link.

    Returns
    -------
    Execution
        Seconds of every stage and message beside the predicted ones. Ctrl-C returns the frames answered by then.

    Raises
    ------
    InvalidInput
        The plan is of another network, or a place has neither a device nor a server.
    """
    graph = module if isinstance(module, LayerGraph) else traced(module, example, grain)
    program = runnable(graph)
    stages = staged(graph, plan, exits)
    for given in (devices or {}, threads or {}):
        for place in given:
            if place not in stages.places and (problem is None or place not in problem.places):
                raise InvalidInput(f"execute: {unknown('place', place, stages.places)}")
    guess = None if problem is None else predicted(stages, problem)
    inputs = program.flatten(program.example if example is None else example)
    servers = servers_of(stages, server)
    places = Places(devices or {}, threads or {})
    if servers:
        from optsplit.executor.remote import Remote

        with Remote(stages, servers, places, **connection) as remote:
            return measured(stages, remote.run, inputs, frames, window, guess, remote.notes, remote.decisions)
    if connection:
        raise InvalidInput(f"execute: option {next(iter(connection))!r} needs a server; name it, or leave it out")
    local = {place: places.worker(stages, place) for place in stages.places}
    line = Line(stages, local)
    note = ("places in one process: messages take no time",) if len(stages.places) > 1 else ()
    return measured(stages, line.run, inputs, frames, window, guess, note)


def measured(
    stages: Stages,
    run: Callable[[int, Tensors], Answer],
    inputs: Tensors,
    frames: int,
    window: int = 1,
    guess: Predicted | None = None,
    notes: Sequence[str] = (),
    decisions: Sequence[tuple[float, str]] = (),
) -> Execution:
    """Warm up, then run `frames` frames on the same inputs."""
    if frames < 1:
        raise InvalidInput(f"{frames} frames; give 1 or more")
    for index in range(WARM_UP):
        run(-1 - index, inputs)
    answers: list[Answer] = []
    start = time.monotonic()
    try:
        for answer in stream(run, (inputs for _ in range(frames)), window):
            answers.append(answer)
    except KeyboardInterrupt:
        if not answers:
            raise
    seconds = time.monotonic() - start
    outputs = answers[-1].outputs
    last = next((a.frame.stages for a in reversed(answers) if a.frame.fallback is None), stages)
    return Execution(
        stages.graph.name, last, tuple(a.frame for a in answers), seconds, guess, tuple(notes), tuple(decisions),
        outputs,
    )  # fmt: skip


def traced(module: torch.nn.Module, example: Example | None, grain: str = "operations") -> LayerGraph:
    """The module's graph with its program."""
    if example is None:
        raise InvalidInput("execute: no example; give one, or a traced graph")
    return trace(module, example, grain=grain)  # type: ignore[arg-type]


def staged(graph: LayerGraph, plan: PartitionPlan, exits: Mapping[str, float] | None = None) -> Stages:
    """The stages of a plan, with its exits and bits; `exits` on top, by tensor."""
    found = {**chosen.exits_of(graph, plan), **(exits or {})}
    return Stages(graph, plan, home_of(graph, plan), chosen.bits_of(graph, plan), found)


def home_of(graph: LayerGraph, plan: PartitionPlan) -> str:
    """The place that holds the first input."""
    for layer in graph.layers:
        if layer.kind == "input" and layer.name in plan.assignment:
            return plan.assignment[layer.name]
    return next(iter(plan.assignment.values()))


def servers_of(stages: Stages, server: str | Mapping[str, str] | None, known: Sequence[str] = ()) -> dict[str, str]:
    """Address of each place that is not home; `known` are places that the plan may leave unused."""
    if server is None:
        return {}
    away = [place for place in dict.fromkeys([*stages.places, *known]) if place != stages.home]
    if isinstance(server, str):
        if len(away) > 1:
            raise InvalidInput(f"one server for the places {', '.join(away)}; give the host:port of each")
        return dict.fromkeys(away, server)
    missing = [place for place in stages.places if place not in (stages.home, *server)]
    if missing:
        raise InvalidInput(f"place {missing[0]!r} has no server; give its host:port")
    return {place: address for place, address in server.items() if place != stages.home}
