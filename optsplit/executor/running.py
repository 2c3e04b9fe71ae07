"""run: a plan over its places with deadlines from its prediction, and plans that follow the link."""

from __future__ import annotations

from collections.abc import Mapping

from optsplit.errors import InvalidInput
from optsplit.executor.execute import measured, servers_of, staged
from optsplit.executor.frames import Line
from optsplit.executor.measured import Execution
from optsplit.executor.predicted import Predicted, predicted
from optsplit.executor.remote import DEADLINE, Remote
from optsplit.executor.rpc import Trust
from optsplit.executor.worker import Places
from optsplit.graph import LayerGraph
from optsplit.hardware import Connection as Duplex
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.profiling.run import runnable


def run(
    graph: LayerGraph,
    plan: PartitionPlan,
    *,
    problem: Partition | None = None,
    server: str | Mapping[str, str] | None = None,
    frames: int = 10,
    window: int = 1,
    device: str = "cpu",
    threads: int | None = None,
    slowdown: float = 1.0,
    link: Duplex | None = None,
    deadline: float | None = None,
    trust: Trust | None = None,
    adapt: bool = False,
) -> Execution:
    """Run frames of a traced network's own example.

    Parameters
    ----------
    graph, plan, problem, server, frames, window
        As in `optsplit.execute`.
    device, threads, slowdown
        Of home.
    link
        Emulated.
    deadline
        Seconds; default from the prediction.
    trust
        Token and authority.
    adapt
        Follow the link's measured rate along the problem's envelope.
    """
    program = runnable(graph)
    stages = staged(graph, plan)
    guess = None if problem is None else predicted(stages, problem)
    inputs = program.flatten(program.example)
    home = stages.home
    places = Places({home: device}, {} if threads is None else {home: threads}, {home: slowdown})
    notes = [] if slowdown == 1 else [f"{home} played {slowdown:g} times slower by waiting after each stage"]
    if server is None:
        if link is not None or adapt:
            raise InvalidInput("a link to emulate or to follow needs a server; name it")
        line = Line(stages, {place: places.worker(stages, place) for place in stages.places})
        if len(stages.places) > 1:
            notes.append("places in one process: messages take no time")
        return measured(stages, line.run, inputs, frames, window, guess, notes)
    servers = servers_of(stages, server, problem.places if problem is not None else ())
    if not servers:
        raise InvalidInput("the plan runs everything on the device, and no problem names a server's place; give one")
    late = deadline_of(deadline, guess, window)
    with Remote(stages, servers, places, trust=trust, link=link, deadline=late, required=False) as remote:
        remote.notes += notes
        if not adapt:
            return measured(stages, remote.run, inputs, frames, window, guess, remote.notes, remote.decisions)
        from optsplit.executor.adapting import Adaptive

        assert problem is not None
        follow = Adaptive(remote, problem)
        return measured(stages, follow.run, inputs, frames, window, None, remote.notes, remote.decisions)


def deadline_of(given: float | None, guess: Predicted | None, window: int) -> float:
    """Seconds that one stage at a server may take, messages included."""
    if given is not None:
        if not given > 0:
            raise InvalidInput(f"deadline is {given:g} s; give a positive number")
        return given
    return DEADLINE if guess is None else 1.0 + 3.0 * guess.total * window
