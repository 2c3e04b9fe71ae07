"""Frames through the stages of a plan: one after the other, or several in flight; on failure on the device alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from optsplit.errors import InvalidInput, OptsplitError
from optsplit.executor.measured import COMPUTE, SEND, WAIT, Frame, Span
from optsplit.executor.stages import Stages, alone_at
from optsplit.executor.worker import Done, Places, Tensors, Worker


class Unreachable(OptsplitError):
    """A place did not answer: it is gone, late, or said something that it must not."""


class Refused(Unreachable, InvalidInput):
    """A place answered that it will not: a wrong token, another network, a message too large."""


@dataclass(frozen=True)
class Answer:
    """A frame's outputs, in the network's order, and how it went; only the exit's where it ended at one."""

    outputs: tuple[torch.Tensor, ...]
    frame: Frame
    exit: str | None = None


class Line:
    """The stages of one plan, each with the worker of its place.

    Parameters
    ----------
    stages
        The plan.
    workers
        Place -> worker.
    """

    def __init__(self, stages: Stages, workers: Mapping[str, Worker]) -> None:
        self.stages, self.workers = stages, workers
        self.bytes = {tensor.name: tensor.bytes for tensor in stages.graph.tensors}
        for place in stages.places:
            if place not in workers:
                raise InvalidInput(f"plan uses place {place!r}, where nothing runs; name its device or its server")

    def run(self, index: int, inputs: Tensors, plan: str = "") -> Answer:
        """One frame, stage by stage. `Unreachable` where a place does not answer."""
        begin = time.monotonic()
        have = dict(inputs)
        spans: list[Span] = []
        left: str | None = None
        reached = 0
        try:
            for s, stage in enumerate(self.stages.order):
                names = stage.needs if stage.place != self.stages.home else stage.reads
                given = {name: have[name] for name in names if name in have}
                done = self.workers[stage.place].run(index, s, given)
                have.update(done.tensors)
                spans += self._spans(s, done, begin)
                reached = s + 1
                if (left := self._left(done.tensors)) is not None:
                    break
        finally:
            self._forget(index, reached)
        outputs = tuple(have[name].cpu() for name in ([left] if left else self.stages.answers))
        seconds = time.monotonic() - begin
        return Answer(outputs, Frame(index, seconds, tuple(spans), self.stages, plan, None, begin, left), left)

    def _left(self, tensors: Tensors) -> str | None:
        """The exit among some tensors at which the frame ends."""
        for name, threshold in self.stages.exits.items():
            if name in tensors and confidence(tensors[name]) >= threshold:
                return name
        return None

    def _forget(self, index: int, reached: int) -> None:
        """Drop what places keep of a frame that ended before its last stage."""
        kept = {stage.place for stage in self.stages.order[:reached] if stage.keeps}
        if reached < len(self.stages.order):
            for place in kept | {self.stages.home}:
                self.workers[place].drop(index)

    def _spans(self, s: int, done: Done, begin: float) -> Iterator[Span]:
        stage, home = self.stages.order[s], self.stages.home
        if stage.place != home:
            if stage.needs:
                size = sum(self.bytes[name] for name in stage.needs) if done.up is None else done.up
                yield Span(SEND, s, f"{home} -> {stage.place}", done.sent - begin, done.received - begin, size)
            yield Span(WAIT, s, stage.place, done.received - begin, done.start - begin)
        yield Span(COMPUTE, s, stage.place, done.start - begin, done.end - begin)
        if stage.place != home and stage.gives:
            size = sum(self.bytes[name] for name in stage.gives) if done.down is None else done.down
            ends = {*self.stages.answers, *self.stages.exits}
            reader = None if set(stage.gives) <= ends else self._reader(s)
            yield Span(SEND, reader, f"{stage.place} -> {home}", done.end - begin, done.arrived - begin, size)

    def _reader(self, s: int) -> int | None:
        gives = set(self.stages.order[s].gives)
        later = range(s + 1, len(self.stages.order))
        return next((r for r in later if gives & set(self.stages.order[r].needs)), None)


def confidence(scores: torch.Tensor) -> float:
    """The largest class probability of class scores of shape (samples, classes); of several samples the least."""
    return float(scores.float().flatten(1).softmax(1).amax(1).min())


class Safe:
    """A line that answers every frame once: by its plan, or on the device alone while a place is gone.

    Parameters
    ----------
    line
        Called before each frame: the line to take now with its name, or None while there is none.
    alone
        The whole network at home.
    failed
        Called with the reason when a frame had to fall back.
    """

    def __init__(self, line: Callable[[], tuple[Line, str] | None], alone: Line, failed: Callable[[str], None]) -> None:
        self.line, self.alone, self.failed = line, alone, failed

    def run(self, index: int, inputs: Tensors) -> Answer:
        """One frame."""
        begin = time.monotonic()
        reason = "no connection"
        try:
            # a plan that is new is made ready at the servers here, which can fail as a frame can
            now = self.line()
            if now is not None:
                return now[0].run(index, inputs, now[1])
        except Unreachable as error:
            reason = str(error)
            self.failed(reason)
        answer = self.alone.run(index, inputs)
        late = time.monotonic() - begin
        frame = replace(answer.frame, seconds=late, plan="device alone", fallback=reason, start=begin)
        return Answer(answer.outputs, frame, answer.exit)


def alone(stages: Stages, places: Places) -> Line:
    """All that the plan runs, at home."""
    whole = Stages(stages.graph, alone_at(stages, stages.home), stages.home, {}, stages.exits)
    return Line(whole, {stages.home: places.worker(whole, stages.home)})


def stream(run: Callable[[int, Tensors], Answer], inputs: Iterable[Tensors], window: int = 1) -> Iterator[Answer]:
    """Answers in the order of the frames, with up to `window` of them in flight.

    Every frame is answered once; an error of one ends the stream when its turn comes.
    """
    if window < 1:
        raise InvalidInput(f"{window} frames in flight; give 1 or more")
    if window == 1:
        for index, given in enumerate(inputs):
            yield run(index, given)
        return
    with ThreadPoolExecutor(window, thread_name_prefix="frame") as pool:
        flying: deque[Future[Answer]] = deque()
        try:
            for index, given in enumerate(inputs):
                flying.append(pool.submit(run, index, given))
                if len(flying) >= window:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()
