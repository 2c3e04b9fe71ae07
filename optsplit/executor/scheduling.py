"""Run a schedule: every machine takes its turns in the plan's order, as soon as what each waits for is there.

Tensors go to a server in the order of the link's turns, ahead of the stages that need them, and a server computes
what one network's session asks in the order of its turns. Networks have sessions of their own: before a turn of
another network the one before it must be answered, which costs a way there and back. What comes back goes in the
order in which it was computed.

Where a server is lost, jobs that it has not answered are run again on the device alone, one after the other.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch

from optsplit.errors import InvalidInput
from optsplit.executor import identity
from optsplit.executor.connection import Connection, Pending
from optsplit.executor.execute import servers_of
from optsplit.executor.frames import Line, Refused, Unreachable, alone
from optsplit.executor.jobs import Jobs, Turn, jobs
from optsplit.executor.remote import preparation
from optsplit.executor.rpc import Trust
from optsplit.executor.scheduled import Round, Scheduled
from optsplit.executor.shaping import Shaper, wait_until
from optsplit.executor.stages import Stages
from optsplit.executor.wire import Open, Run
from optsplit.executor.worker import Compute, Places
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection as Duplex
from optsplit.problems.schedule_operations import ARROW
from optsplit.problems.schedule_plan import SchedulePlan
from optsplit.profiling.run import runnable

WARM_UP = 1


def run_schedule(
    plan: SchedulePlan,
    graphs: Sequence[LayerGraph],
    *,
    release: Sequence[int] | None = None,
    server: str | Mapping[str, str] | None = None,
    rounds: int = 3,
    places: Places | None = None,
    link: Duplex | None = None,
    trust: Trust | None = None,
    deadline: float | None = None,
) -> Scheduled:
    """Run a schedule on its networks' own examples, and measure its makespan.

    Parameters
    ----------
    plan
        The schedule.
    graphs
        The traced network of each job.
    release
        ns before which nothing of a job starts.
    server, places, link, trust
        As in `optsplit.executor.running.run`.
    rounds
        How often, after one of warm-up.
    deadline
        Seconds for a turn, all that it waits for included; default from the plan.

    Raises
    ------
    InvalidInput
        The plan is of other networks.
    Unreachable
        A server is not there at the beginning, or refuses. Lost later, it is done without.
    """
    if rounds < 1:
        raise InvalidInput(f"{rounds} rounds; give 1 or more")
    ready = jobs(plan, graphs, release)
    homes = {stages.home for stages in ready.stages}
    if len(homes) != 1:
        raise InvalidInput(f"schedule: jobs begin at {', '.join(sorted(homes))}; the executor has one home")
    servers: dict[str, str] = {}
    for stages in ready.stages:
        servers |= servers_of(stages, server)
    late = deadline or 10.0 + 5.0 * ready.makespan
    notes = [] if link is None else [f"link {link.name} emulated in this process, no network was shaped"]
    if not servers and any(len(stages.places) > 1 for stages in ready.stages):
        notes.append("places in one process: messages take no time, and one place computes at a time")
    with ExitStack() as stack:
        far = {place: _Far(stack, ready, place, address, trust, link, late) for place, address in servers.items()}
        own = places or Places()
        near = [
            {place: own.worker(stages, place).compute for place in stages.places if place not in servers}
            for stages in ready.stages
        ]
        safe = [alone(stages, own) for stages in ready.stages]
        found = [_Once(ready, near, far, safe, late, number).run() for number in range(WARM_UP + rounds)]
    name = "+".join(dict.fromkeys(graph.name for graph in graphs))
    return Scheduled(name, ready, tuple(found[WARM_UP:]), tuple(notes))


class _Far:
    """A place behind a server: a session for each network, all over one link, and each job's plan prepared there."""

    def __init__(
        self, stack: ExitStack, ready: Jobs, place: str, address: str, trust: Trust | None, link: Duplex | None,
        late: float,
    ) -> None:  # fmt: skip
        up, down = Shaper(None if link is None else link.up), Shaper(None if link is None else link.down)
        sessions: dict[int, Connection] = {}
        self.sessions: list[Connection] = []
        for j, stages in enumerate(ready.stages):
            graph = stages.graph
            if id(graph) not in sessions:
                opening = Open(model=graph.name, structure=identity.structure(graph), weights=identity.weights(graph))
                session = Connection(address, opening, trust=trust, link=link)
                stack.callback(session.close)
                session.up, session.down = up, down
                sessions[id(graph)] = session
            self.sessions.append(sessions[id(graph)])
            if place in stages.places:
                everywhere = tuple(dict.fromkeys([*stages.places, place]))
                self.sessions[j].prepare(preparation(stages, everywhere, j, place), late)


class _Once:
    """One round."""

    def __init__(
        self, ready: Jobs, near: Sequence[Mapping[str, Compute]], far: Mapping[str, _Far], safe: Sequence[Line],
        late: float, number: int,
    ) -> None:  # fmt: skip
        self.ready, self.near, self.far, self.safe, self.late = ready, near, far, safe, late
        self.frame = number * len(ready.stages)
        self.changed = threading.Condition()
        self.have: list[dict[str, torch.Tensor]] = [dict(_inputs(stages)) for stages in ready.stages]
        self.sent: set[tuple[int, str, str]] = set()
        self.ran: set[Turn] = set()
        self.spans: dict[Turn, tuple[float, float]] = {}
        self.ends = [0.0] * len(ready.stages)
        self.failure: BaseException | None = None
        self.begin = 0.0

    def run(self) -> Round:
        """All machines until their last turn."""
        work: list[tuple[str, Callable[[], None]]] = []
        for machine, turns in self.ready.turns.items():
            if ARROW in machine:
                to = machine.split(ARROW)[1]
                if to in self.far:
                    work.append((machine, lambda turns=turns, to=to: self._link(turns, to)))  # type: ignore[misc]
            elif machine in self.far:
                answers: queue.SimpleQueue[tuple[Turn, Pending] | None] = queue.SimpleQueue()
                work.append((machine, lambda t=turns, m=machine, a=answers: self._ask(t, m, a)))  # type: ignore[misc]
                work.append((machine, lambda m=machine, a=answers: self._collect(m, a)))  # type: ignore[misc]
            else:
                work.append((machine, lambda turns=turns, machine=machine: self._compute(turns, machine)))  # type: ignore[misc]
        threads = [threading.Thread(target=self._guarded, args=(each,), name=name, daemon=True) for name, each in work]
        self.begin = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
        except KeyboardInterrupt as stop:
            self._fail(stop)
            raise
        lost = isinstance(self.failure, Unreachable) and not isinstance(self.failure, Refused)
        if self.failure is not None and not lost:
            raise self.failure
        outputs = [
            tuple(have[name].cpu() for name in stages.answers) if set(stages.answers) <= have.keys() else None
            for have, stages in zip(self.have, self.ready.stages, strict=True)
        ]
        fallback = {j: str(self.failure) for j, known in enumerate(outputs) if known is None}
        whole = tuple(self._alone(j) if known is None else known for j, known in enumerate(outputs))
        return Round(self.spans, tuple(self.ends), whole, fallback)

    def _alone(self, job: int) -> tuple[torch.Tensor, ...]:
        """A whole job on the device."""
        wait_until(self.begin + self.ready.release[job])
        answer = self.safe[job].run(self.frame + job, _inputs(self.ready.stages[job]))
        self.ends[job] = time.monotonic() - self.begin
        return answer.outputs

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self.changed:
            self.failure = self.failure or error
            self.changed.notify_all()

    def _await(self, there: Callable[[], bool]) -> None:
        """Until something holds; another machine's failure ends this one's wait."""
        with self.changed:
            self.changed.wait_for(lambda: self.failure is not None or there())
            if self.failure is not None:
                raise self.failure

    def _done(self, turn: Turn, start: float, end: float, tensors: Mapping[str, torch.Tensor]) -> None:
        with self.changed:
            self.spans[turn] = start - self.begin, end - self.begin
            self.ran.add(turn)
            self.have[turn.job].update(tensors)
            self.ends[turn.job] = max(self.ends[turn.job], time.monotonic() - self.begin)
            self.changed.notify_all()

    # --- machines ---------------------------------------------------------------------------------------------

    def _compute(self, turns: Sequence[Turn], place: str) -> None:
        """The turns of a place in this process."""
        for turn in turns:
            stage, have = self.ready.stages[turn.job].order[turn.stage], self.have[turn.job]
            wait_until(self.begin + self.ready.release[turn.job])
            self._await(lambda stage=stage, have=have: all(name in have for name in stage.reads))  # type: ignore[misc]
            with self.changed:
                given = {name: have[name] for name in stage.reads}
            found, start, end = self.near[turn.job][place].run(turn.stage, given)
            self._done(turn, start, end, found)

    def _link(self, turns: Sequence[Turn], to: str) -> None:
        """Tensors to a server, one after the other."""
        flying: list[tuple[Turn, Pending, Connection]] = []
        for turn in turns:
            have, session = self.have[turn.job], self.far[to].sessions[turn.job]
            wait_until(self.begin + self.ready.release[turn.job])
            self._await(lambda have=have, name=turn.tensor: name in have)  # type: ignore[misc]
            if flying and flying[-1][2] is not session:
                # another session's bytes would share the link with those on their way
                self._arrived(*flying.pop())
            pending = session.give(turn.job, self.frame + turn.job, turn.tensor, have[turn.tensor])
            flying.append((turn, pending, session))
            with self.changed:
                self.sent.add((turn.job, to, turn.tensor))
                self.changed.notify_all()
        for entry in flying:
            self._arrived(*entry)

    def _arrived(self, turn: Turn, pending: Pending, session: Connection) -> None:
        reply = session.reply(pending, self.late)
        end = max(session.here(reply.message.received), reply.sent)
        with self.changed:
            self.spans[turn] = reply.sent - self.begin, end - self.begin

    def _ask(self, turns: Sequence[Turn], place: str, answers: queue.SimpleQueue[tuple[Turn, Pending] | None]) -> None:
        """Ask a server for its turns, each once its tensors have been sent."""
        last: Turn | None = None
        try:
            for turn in turns:
                stage, sessions = self.ready.stages[turn.job].order[turn.stage], self.far[place].sessions
                wait_until(self.begin + self.ready.release[turn.job])
                needs = {(turn.job, place, name) for name in stage.needs}
                self._await(lambda needs=needs: needs <= self.sent)  # type: ignore[misc]
                if last is not None and sessions[last.job] is not sessions[turn.job]:
                    self._await(lambda last=last: last in self.ran)  # type: ignore[misc]
                message = Run(frame=self.frame + turn.job, plan=turn.job, stage=turn.stage)
                pending = sessions[turn.job].post(message, ("ran", message.frame, message.stage))
                answers.put((turn, pending))
                last = turn
        finally:
            answers.put(None)

    def _collect(self, place: str, answers: queue.SimpleQueue[tuple[Turn, Pending] | None]) -> None:
        """What a server answers."""
        while (entry := answers.get()) is not None:
            turn, pending = entry
            session = self.far[place].sessions[turn.job]
            reply = session.reply(pending, self.late)
            start, end = session.here(reply.message.start), session.here(reply.message.end)
            self._done(turn, start, min(max(end, start), reply.arrived), reply.tensors)


def _inputs(stages: Stages) -> Mapping[str, Any]:
    program = runnable(stages.graph)
    return program.flatten(program.example)
