"""Weights sent in a plan's order to a server that knows only the architecture, while queries are answered.

A query that starts takes the plan of least latency with the units that are there, as `UploadOrder` prices it. Weights
go in small parts, few of them on the way at a time, so that a query waits for no more than those.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

import torch

import optsplit
from optsplit.errors import InvalidInput
from optsplit.executor import identity
from optsplit.executor.connection import Connection, Pending
from optsplit.executor.frames import Line, Unreachable
from optsplit.executor.remote import Distant
from optsplit.executor.rpc import Trust
from optsplit.executor.stages import Stages
from optsplit.executor.uploaded import Asked, Uploaded
from optsplit.executor.wire import Open, Prepare
from optsplit.executor.worker import Places, Tensors, Worker
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection as Duplex
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.upload_order import UploadOrder, UploadPlan
from optsplit.profiling.run import Program, runnable

WINDOW = 2
SMALLEST, LARGEST = 1 << 13, 1 << 20
AIM = 0.05  # seconds that a part takes on the link as predicted: a query waits for no more than those on the way
LATE = 0.5  # seconds from a part to its answer beyond which the link is slower than predicted


def constants_of(program: Program, problem: UploadOrder) -> dict[str, list[str]]:
    """Unit -> the constants of the program that come with it; "" -> those that belong to no unit, sent first.

    A unit is what the same layers read, and so is a constant: a weight, or what was computed from weights alone.

    Raises
    ------
    InvalidInput
        A unit has no constant: the problem is of another network.
    """
    position = {name: v for v, name in enumerate(problem.partition.layers)}
    readers: dict[str, set[int]] = {}
    for call in program.calls:
        for name in call.constants:
            readers.setdefault(name, set()).add(position[call.layer])
    unit_of = {frozenset(layers): problem.names[k] for k, layers in enumerate(problem.holders)}
    found: dict[str, list[str]] = {name: [] for name in ("", *problem.names)}
    for name, layers in readers.items():
        if isinstance(program.constants[name], torch.Tensor):
            found[unit_of.get(frozenset(layers), "")].append(name)
    empty = [name for name in problem.names if not found[name]]
    if empty:
        raise InvalidInput(f"upload: unit {empty[0]!r} has no weight in this network; give the problem of the same one")
    return found


def upload(
    graph: LayerGraph,
    problem: UploadOrder,
    plan: UploadPlan,
    inputs: Tensors,
    server: str,
    *,
    network: str | None = None,
    places: Places | None = None,
    trust: Trust | None = None,
    link: Duplex | None = None,
    after: int = 3,
    deadline: float = 60.0,
) -> Uploaded:
    """Upload a network's weights in a plan's order, and ask queries back to back meanwhile.

    Parameters
    ----------
    graph
        Traced.
    problem, plan
        The order, and what it was solved for.
    inputs
        Of every query.
    server
        "host:port" of a server that knows the architecture.
    network
        What the server calls it; default the graph's name.
    places, trust, link
        As in `Remote`.
    after
        Queries asked after the last unit is there.
    deadline
        Seconds for a query or a part of a weight.

    Raises
    ------
    InvalidInput
        Problem, plan and network do not belong together.
    Unreachable
        The server is gone, or does not know the network without weights.
    """
    program = runnable(graph)
    problem.positions(plan)
    opening = Open(
        model=network or graph.name, structure=identity.structure(graph), weights=identity.weights(graph), upload=True
    )
    session = Connection(server, opening, trust=trust, link=link)
    try:
        constants = constants_of(program, problem)
        sender = _Sender(session, program, constants, plan, deadline, _rate(program, problem, constants))
        lines = _Lines(graph, problem, plan, session, places or Places(), deadline).lines
        queries: list[Asked] = []
        left = after
        sender.start([name for k, name in enumerate(problem.names) if problem.there >> k & 1])
        while left > 0:
            left -= not sender.running
            there = sender.there
            line = lines[sum(1 << problem.index[name] for name in there) | problem.there]
            begin = time.monotonic()
            answer = line.run(len(queries), inputs)
            queries.append(Asked(begin - sender.began, time.monotonic() - begin, len(there), answer.outputs))
        sender.finish()
    finally:
        session.close()
    curve = tuple((start / 1e9, latency / 1e9) for start, latency in problem.curve(plan))
    notes = () if link is None else (f"link {link.name} emulated in this process, no network was shaped",)
    return Uploaded(tuple(queries), tuple(sender.arrivals), curve, _expected(problem, plan), graph.name, notes)


def _expected(problem: UploadOrder, plan: UploadPlan) -> tuple[tuple[float, float], ...]:
    """For each number of units: (seconds until they are there, latency with them)."""
    steps = problem.steps(plan)
    ends = itertools.accumulate((time for time, _ in steps), initial=0)
    latencies = [latency for _, latency in steps] + [problem.curve(plan)[-1][1]]
    return tuple((end / 1e9, latency / 1e9) for end, latency in zip(ends, latencies, strict=True))


def _rate(program: Program, problem: UploadOrder, constants: Mapping[str, Sequence[str]]) -> float:
    """Bytes per second at which the problem sends weights; endless where none take any time."""
    weights = (program.constants[name] for unit in problem.names for name in constants[unit])
    size = sum(w.numel() * w.element_size() for w in weights)
    return size / (sum(problem.times) / 1e9) if any(problem.times) else math.inf


class _Sender:
    """A thread that sends units one after the other."""

    def __init__(
        self, session: Connection, program: Program, constants: Mapping[str, Sequence[str]], plan: UploadPlan,
        deadline: float, rate: float,
    ) -> None:  # fmt: skip
        self.session, self.program, self.constants, self.deadline = session, program, constants, deadline
        sizes = plan.batches or [1] * len(plan.order)
        units = iter(plan.order)
        self.batches = [[next(units) for _ in range(size)] for size in sizes]
        self.arrivals: list[tuple[float, str]] = []
        self.there: tuple[str, ...] = ()
        self.failure: BaseException | None = None
        self.part = int(min(max(AIM * rate, SMALLEST), LARGEST))
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self._run, name="upload", daemon=True)

    def start(self, present: Sequence[str]) -> None:
        """Send what takes no time by the problem, and begin."""
        self._send(["", *present])
        self.began = time.monotonic()
        self.thread.start()

    @property
    def running(self) -> bool:
        return self.thread.is_alive()

    def finish(self) -> None:
        self.thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            for batch in self.batches:
                self._send(batch)
                now = time.monotonic() - self.began
                self.arrivals += [(now, unit) for unit in batch]
                # as one value: a query sees a batch whole or not at all
                self.there = (*self.there, *batch)
        except Unreachable as error:
            self.failure = error

    def _send(self, units: Sequence[str]) -> None:
        flying: deque[Pending] = deque()
        for name in (name for unit in units for name in self.constants[unit]):
            values = self.program.constants[name].detach().cpu().contiguous().view(-1)
            start = 0
            while start < values.numel():
                if len(flying) == WINDOW:
                    self._await(flying.popleft())
                end = start + max(self.part // values.element_size(), 1)
                flying.append(self.session.store(name, start, values[start:end]))
                start = end
        while flying:
            self._await(flying.popleft())

    def _await(self, pending: Pending) -> None:
        """Wait for a part, and send the next ones smaller or larger, as the link is.

        A slow answer alone says little: a device at a share of its processor stops for a tenth of a second at a time.
        """
        reply = self.session.reply(pending, self.deadline)
        seconds = reply.arrived - reply.sent
        if seconds > LATE:
            self.part = max(self.part // 2, SMALLEST)
        elif seconds < AIM / 2:
            self.part = min(self.part * 2, LARGEST)


class _Lines:
    """The least plan for each set of units that the order reaches, prepared before the upload begins."""

    def __init__(
        self, graph: LayerGraph, problem: UploadOrder, plan: UploadPlan, session: Connection, places: Places,
        deadline: float,
    ) -> None:  # fmt: skip
        home, away = problem.partition.places
        self.lines: dict[int, Line] = {}
        known: dict[str, Line] = {}
        there = problem.there
        masks = [there]
        for name in plan.order:
            there |= 1 << problem.index[name]
            masks.append(there)
        for mask in masks:
            least = self._least(problem, mask)
            key = repr(least.assignment)
            if key not in known:
                stages = Stages(graph, least, home)
                number = len(known)
                at = tuple(int(least.assignment[layer.name] == away) for layer in graph.layers)
                session.prepare(Prepare(plan=number, places=(home, away), at=at, home=home, here=away), deadline)
                workers: dict[str, Worker] = {home: places.worker(stages, home)}
                workers[away] = Distant(session, number, deadline, {})
                known[key] = Line(stages, workers)
            self.lines[mask] = known[key]

    @staticmethod
    def _least(problem: UploadOrder, there: int) -> PartitionPlan:
        part = problem.partition
        home = part.places[0]
        lacking = {v for k, layers in enumerate(problem.holders) if not there >> k & 1 for v in layers}
        pins = {**part.pins, **{part.layers[v]: home for v in lacking}}
        plan = optsplit.solve(part.but(pins=pins)).plan
        assert isinstance(plan, PartitionPlan)
        return plan
