"""A place in this process: the stages that run there, with torch, one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch

from optsplit.errors import InvalidInput
from optsplit.executor.precision import quantised
from optsplit.executor.stages import Stages
from optsplit.profiling.processor import check_device, check_threads
from optsplit.profiling.run import Runner, runnable

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Done:
    """What a stage gave, and when: seconds of `time.monotonic` in this process.

    Parameters
    ----------
    tensors
        Those that the stage gives.
    sent, received
        When its tensors were handed to the link, and when they were whole at the other end.
    start, end
        Of computing.
    arrived
        When what it gives was here.
    up, down
        Bytes that were sent there and back, packed tensors as they were packed; None where nothing was.
    """

    tensors: Tensors
    sent: float
    received: float
    start: float
    end: float
    arrived: float
    up: int | None = None
    down: int | None = None


class Worker(Protocol):
    """A place that runs its stages of a frame."""

    def run(self, frame: int, stage: int, given: Tensors) -> Done:
        """Run a stage of a frame on the tensors that it needs."""

    def drop(self, frame: int) -> None:
        """Forget what is kept of a frame."""


_cpu = threading.Lock()


class Compute:
    """The stages of one place made ready on one device; no state of any frame.

    Parameters
    ----------
    base
        The network made ready on the device, whole.
    stages
        The plan.
    place
        Which of its stages.
    threads
        CPU threads of torch while a stage runs; None leaves them.
    slowdown
        The device is played this many times slower, by waiting after each stage.
    """

    def __init__(
        self, base: Runner, stages: Stages, place: str, threads: int | None = None, slowdown: float = 1.0
    ) -> None:
        if threads is not None:
            check_threads(place, threads)
        if not slowdown >= 1:
            raise InvalidInput(f"slowdown at place {place!r} is {slowdown:g}; give 1 or more")
        self.device, self.threads, self.slowdown = base.device, threads, slowdown
        # one pool of threads for all stages on the CPU: two at a time would time each other
        self.turn = _cpu if self.device.type == "cpu" else threading.Lock()
        self.stages = {s: stage for s, stage in enumerate(stages.order) if stage.place == place}
        self.runners = {s: base.only(set(stage.layers)) for s, stage in self.stages.items()}
        self.writes = {s: {name for call in run.calls for name in call.outputs} for s, run in self.runners.items()}

    def run(self, stage: int, held: Tensors) -> tuple[dict[str, torch.Tensor], float, float]:
        """What the stage gives and keeps, and the start and end of computing."""
        plan, runner = self.stages[stage], self.runners[stage]
        # what a stage neither reads nor writes only waits here for a later one
        wanted = tuple(name for name in dict.fromkeys([*plan.gives, *plan.keeps]) if name in self.writes[stage])
        given = {name: held[name] for name in plan.reads}
        with self.turn:
            if self.threads is not None and torch.get_num_threads() != self.threads:
                torch.set_num_threads(self.threads)
            start = time.monotonic()
            there = {name: tensor.to(self.device) for name, tensor in given.items()}
            own = tuple(name for name in wanted if name not in there)
            found = runner.run(there, own)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            end = time.monotonic()
        if self.slowdown > 1:
            time.sleep((end - start) * (self.slowdown - 1))
            end = time.monotonic()
        return {**{name: there[name] for name in wanted if name in there}, **found}, start, end


@dataclass(frozen=True)
class Places:
    """What the places in this process are.

    Parameters
    ----------
    devices
        Place -> torch device; "cpu" where none is named.
    threads, slowdowns
        As in `Compute`.
    bases
        Networks that were made ready, for the next plan.
    """

    devices: Mapping[str, str] = field(default_factory=dict)
    threads: Mapping[str, int] = field(default_factory=dict)
    slowdowns: Mapping[str, float] = field(default_factory=dict)
    bases: dict[tuple[int, str], Runner] = field(default_factory=dict, repr=False, compare=False)

    def worker(self, stages: Stages, place: str) -> Local:
        """The worker of a place for a plan."""
        device = self.devices.get(place, "cpu")
        program = runnable(stages.graph)
        # the runner holds its program, so that no other one can get this number
        key = id(program), device
        if key not in self.bases:
            check_device(f"place {place!r}", device)
            self.bases[key] = Runner(program, device)
        compute = Compute(self.bases[key], stages, place, self.threads.get(place), self.slowdowns.get(place, 1.0))
        return Local(compute, stages.bits if place != stages.home else {})


class Local:
    """A worker in this process.

    Parameters
    ----------
    compute
        Its stages.
    bits
        Tensors that lose precision on their way, as if they were sent: name -> bits.
    """

    def __init__(self, compute: Compute, bits: Mapping[str, int]) -> None:
        self.compute, self.bits = compute, bits
        self.held: dict[int, dict[str, torch.Tensor]] = {}

    def run(self, frame: int, stage: int, given: Tensors) -> Done:
        """Run a stage; the tensors that later stages of this place need stay here."""
        sent = time.monotonic()
        held = self.held.setdefault(frame, {})
        held.update(self._sent(given))
        found, start, end = self.compute.run(stage, held)
        plan = self.compute.stages[stage]
        kept = {**held, **found}
        if plan.keeps:
            self.held[frame] = {name: kept[name] for name in plan.keeps}
        else:
            del self.held[frame]
        gives = self._sent({name: found[name] for name in plan.gives})
        return Done(gives, sent, sent, start, end, end)

    def _sent(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        return {
            name: quantised(tensor, self.bits[name]) if name in self.bits else tensor
            for name, tensor in tensors.items()
        }

    def drop(self, frame: int) -> None:
        """Forget what is kept of a frame."""
        self.held.pop(frame, None)
