"""Frames over servers: a session with each, plans prepared there, and the device alone while one of them is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from optsplit.executor import identity
from optsplit.executor.connection import Connection
from optsplit.executor.frames import Answer, Line, Refused, Safe, Unreachable, alone
from optsplit.executor.rpc import Trust
from optsplit.executor.stages import Stages
from optsplit.executor.wire import Open, Prepare, Run
from optsplit.executor.worker import Done, Places, Tensors, Worker
from optsplit.hardware import Connection as Duplex

DEADLINE = 10.0


class Distant:
    """A worker behind a session.

    Parameters
    ----------
    session
        With the place's server.
    plan
        Its number there.
    deadline
        Seconds for a stage, both ways included.
    bits
        Tensors that are packed on their way.
    """

    def __init__(self, session: Connection, plan: int, deadline: float, bits: Mapping[str, int]) -> None:
        self.session, self.plan, self.deadline, self.bits = session, plan, deadline, bits

    def run(self, frame: int, stage: int, given: Tensors) -> Done:
        """Run a stage there; `Unreachable` after the deadline."""
        reply = self.session.run(Run(frame=frame, plan=self.plan, stage=stage), given, self.deadline, self.bits)
        here, ran = self.session.here, reply.message
        # the two clocks agree to half the shortest way there and back: order must hold all the same
        received = min(max(here(ran.received), reply.sent), reply.arrived)
        start = min(max(here(ran.start), received), reply.arrived)
        end = min(max(here(ran.end), start), reply.arrived)
        return Done(reply.tensors, reply.sent, received, start, end, reply.arrived, reply.up, reply.down)

    def drop(self, frame: int) -> None:
        """Have the server forget a frame that ended early; one that failed ends its session, which forgets all."""
        self.session.drop(frame)


def preparation(stages: Stages, places: tuple[str, ...], number: int, here: str) -> Prepare:
    """The message that makes a server ready for a plan."""
    at = [stages.plan.assignment.get(layer.name) for layer in stages.graph.layers]
    return Prepare(
        plan=number, places=places, at=tuple(-1 if place is None else places.index(place) for place in at),
        home=stages.home, here=here, bits=dict(stages.bits), exits=tuple(stages.exits), exit=stages.plan.exit or "",
        early=tuple(stages.plan.thresholds), runs=stages.runs,
    )  # fmt: skip


class Remote:
    """Runs frames by a plan whose places are servers, except for those in this process.

    A frame that a server does not answer is run on the device alone, and so are those that follow, until the server is
    back: it is asked again every `retry` seconds, off the frames' way.

    Parameters
    ----------
    stages
        The plan.
    servers
        Place -> "host:port".
    places
        What the places in this process are.
    network
        What the servers call it; default the graph's name.
    trust
        Token and authority.
    link
        Slows the sessions to this link, in this process.
    deadline
        Seconds for one stage at a server, with its messages.
    retry
        Seconds between two attempts to reach a server that is gone.
    required
        Whether to raise when a server is not there at the start, or to begin on the device alone.

    Raises
    ------
    Refused
        A server refuses the token, the network or the plan.
    Unreachable
        A required server is not there.
    """

    def __init__(
        self, stages: Stages, servers: Mapping[str, str], places: Places | None = None, *, network: str | None = None,
        trust: Trust | None = None, link: Duplex | None = None, deadline: float = DEADLINE, retry: float = 0.5,
        required: bool = True,
    ) -> None:  # fmt: skip
        self.servers, self.places, self.trust, self.link = dict(servers), places or Places(), trust, link
        self.deadline, self.retry = deadline, retry
        graph = stages.graph
        self.opening = Open(
            model=network or graph.name, structure=identity.structure(graph), weights=identity.weights(graph)
        )
        self.stages, self.name = stages, "plan"
        self.started = time.monotonic()
        self.decisions: list[tuple[float, str]] = []
        self.notes = [] if link is None else [f"link {link.name} emulated in this process, no network was shaped"]
        self.sessions: dict[str, Connection] = {}
        # by identity: a line holds its stages, and two plans may have one name
        self.lines: dict[int, Line] = {}
        self.plans = 0
        self.lock = threading.RLock()
        self.stop = threading.Event()
        self.searching: threading.Thread | None = None
        self.safe = Safe(self._now, alone(stages, self.places), self._failed)
        try:
            self._reach()
        except Refused:
            self.close()
            raise
        except Unreachable as error:
            if required:
                self.close()
                raise
            self._failed(str(error))

    def run(self, index: int, inputs: Tensors) -> Answer:
        """One frame, answered once."""
        return self.safe.run(index, inputs)

    def switch(self, stages: Stages, name: str) -> None:
        """Take another plan from the next frame on; `Unreachable` where a server does not take it."""
        with self.lock:
            self.stages, self.name = stages, name
            if self.sessions:
                self._line()

    @property
    def connected(self) -> bool:
        """Whether frames go by the plan now."""
        return bool(self.sessions) or not self.servers

    def decide(self, text: str) -> None:
        """Add to the trace of decisions."""
        self.decisions.append((time.monotonic() - self.started, text))

    def close(self) -> None:
        """End every session."""
        self.stop.set()
        searching = self.searching
        if searching is not None:
            searching.join()
        with self.lock:
            sessions, self.sessions, self.lines = self.sessions, {}, {}
        for session in sessions.values():
            session.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- sessions ---------------------------------------------------------------------------------------------

    def _now(self) -> tuple[Line, str] | None:
        with self.lock:
            return (self._line(), self.name) if self.connected else None

    def _line(self) -> Line:
        """The current plan's line, made ready where it is new."""
        key = id(self.stages)
        if key not in self.lines:
            self.plans += 1
            self.lines[key] = self._prepared(self.stages, self.sessions, self.plans)
        return self.lines[key]

    def _prepared(self, stages: Stages, sessions: Mapping[str, Connection], number: int) -> Line:
        workers: dict[str, Worker] = {}
        everywhere = tuple(dict.fromkeys([*stages.places, *self.servers]))
        for place in stages.places:
            if place not in sessions:
                workers[place] = self.places.worker(stages, place)
                continue
            message = preparation(stages, everywhere, number, place)
            sessions[place].prepare(message, max(self.deadline, DEADLINE))
            workers[place] = Distant(sessions[place], number, self.deadline, stages.bits)
        return Line(stages, workers)

    def _reach(self) -> None:
        """Open a session with every server and prepare the current plan."""
        sessions: dict[str, Connection] = {}
        try:
            for place, address in self.servers.items():
                sessions[place] = Connection(address, self.opening, trust=self.trust, link=self.link)
            with self.lock:
                stages = self.stages
                self.plans += 1
                number = self.plans
            line = self._prepared(stages, sessions, number)
        except BaseException:
            for session in sessions.values():
                session.close()
            raise
        with self.lock:
            self.sessions, self.lines = sessions, {id(stages): line}

    def _failed(self, reason: str) -> None:
        """Leave the sessions and look for the servers in the background."""
        with self.lock:
            # frames in flight fail together: the first one acts
            if self.searching is not None or self.stop.is_set():
                return
            sessions, self.sessions, self.lines = self.sessions, {}, {}
            self.decide(f"device alone: {reason}")
            self.searching = threading.Thread(target=self._search, args=(sessions,), name="search", daemon=True)
            self.searching.start()

    def _search(self, gone: Mapping[str, Connection]) -> None:
        for session in gone.values():
            session.close()
        last = ""
        while not self.stop.wait(self.retry):
            try:
                self._reach()
            except Unreachable as error:
                if str(error) != last:
                    last = str(error)
                    self.decide(f"still alone: {last}")
                continue
            with self.lock:
                self.searching = None
                self.decide(f"back to {self.name}")
            return
