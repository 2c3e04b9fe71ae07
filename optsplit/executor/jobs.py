"""A schedule as what each machine does in turn: stages of its jobs at places, tensors on links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optsplit.errors import InvalidInput
from optsplit.executor import chosen
from optsplit.executor.execute import home_of
from optsplit.executor.stages import Stages
from optsplit.graph import LayerGraph
from optsplit.problems.partition import PartitionPlan
from optsplit.problems.schedule_operations import ARROW
from optsplit.problems.schedule_plan import Operation, SchedulePlan

Key = tuple[int, int, int, float]


@dataclass(frozen=True)
class Turn:
    """What a machine does in one go: a stage of a job at a place, or a tensor of it on a link; planned seconds."""

    job: int
    machine: str
    stage: int
    tensor: str
    start: float
    end: float


@dataclass(frozen=True)
class Jobs:
    """A schedule ready to run.

    Parameters
    ----------
    stages
        Of each job: its stages are runs of operations that the plan puts one behind the other on one place, cut where
        a tensor must have come first and where one leaves.
    turns
        Machine -> what it does, in the plan's order.
    release
        Seconds before which nothing of a job starts.
    makespan
        Planned.
    """

    stages: tuple[Stages, ...]
    turns: dict[str, tuple[Turn, ...]]
    release: tuple[float, ...]
    makespan: float


def graph_of(job: int, plan: SchedulePlan, graphs: Sequence[LayerGraph], name: str | None = None) -> LayerGraph:
    """The network of a job: that with its layers; of several the one that is called `name`."""
    layers = set(plan.assignments[job])
    fits = [graph for graph in graphs if {layer.name for layer in graph.layers} == layers]
    if not fits:
        raise InvalidInput(
            f"schedule: no network given has the layers of job {job}{f' ({name})' if name else ''}; give each network "
            "of the schedule, at the grain of its profile"
        )
    return next((graph for graph in fits if graph.name == name), fits[0])


def jobs(plan: SchedulePlan, graphs: Sequence[LayerGraph], release: Sequence[int] | None = None) -> Jobs:
    """The stages and turns of a schedule whose job j is a frame of graphs[j].

    Raises
    ------
    InvalidInput
        The plan is of other networks, or a tensor is needed where it is not sent.
    """
    if len(graphs) != len(plan.assignments):
        raise InvalidInput(f"schedule has {len(plan.assignments)} jobs; {len(graphs)} networks are given for them")
    tensors = [chosen.tensors_by_layer(graph) for graph in graphs]
    source = [{t.name: t.source for t in graph.tensors} for graph in graphs]

    def key(operation: Operation) -> Key:
        # a linear extension: what has no length stands behind what it waits for and before what waits for it
        j, link = operation.job, ARROW in operation.machine
        at = source[j][tensors[j][operation.item]] + 0.5 if link else float(graphs[j].index[operation.item])
        return operation.start, operation.end, j, at

    for operation in plan.operations:
        j = operation.job
        if not 0 <= j < len(graphs):
            raise InvalidInput(f"schedule: an operation of job {j}; jobs are 0..{len(graphs) - 1}")
        known = tensors[j] if ARROW in operation.machine else graphs[j].index
        if operation.item not in known:
            raise InvalidInput(f"schedule: job {j} has no {operation.item!r}; it was made for another network or grain")
    machines = dict.fromkeys(operation.machine for operation in plan.operations)
    ordered = {m: sorted(plan.on(m), key=key) for m in machines}
    bursts = {m: _bursts(ordered[m], graphs, plan) for m in machines if ARROW not in m}
    runs: list[list[tuple[Key, tuple[int, ...]]]] = [[] for _ in graphs]
    for burst in (burst for own in bursts.values() for burst in own):
        j = burst[0].job
        runs[j].append((key(burst[0]), tuple(graphs[j].index[o.item] for o in burst)))
    stages, position = [], []
    for j, graph in enumerate(graphs):
        cut = PartitionPlan(plan.assignments[j])
        order = tuple(run for _, run in sorted(runs[j]))
        stages.append(Stages(graph, cut, home_of(graph, cut), runs=order))
        position.append({run: s for s, run in enumerate(order)})
    turns: dict[str, tuple[Turn, ...]] = {}
    for m in machines:
        if ARROW in m:
            turns[m] = tuple(Turn(o.job, m, -1, tensors[o.job][o.item], o.start / 1e9, o.end / 1e9) for o in ordered[m])
            continue
        turns[m] = tuple(
            Turn(
                b[0].job, m, position[b[0].job][tuple(graphs[b[0].job].index[o.item] for o in b)], "",
                b[0].start / 1e9, b[-1].end / 1e9,
            )
            for b in bursts[m]
        )  # fmt: skip
    _refuse_unsent(stages, turns)
    starts = tuple(ns / 1e9 for ns in release or (0,) * len(graphs))
    return Jobs(tuple(stages), turns, starts, max((o.end for o in plan.operations), default=0) / 1e9)


def _bursts(operations: Sequence[Operation], graphs: Sequence[LayerGraph], plan: SchedulePlan) -> list[list[Operation]]:
    """Runs of one job's operations on a place, cut before what waits for another place and behind what one reads."""
    waits: list[dict[str, set[str]]] = []
    leaves: list[set[str]] = []
    for j, graph in enumerate(graphs):
        place = [plan.assignments[j][layer.name] for layer in graph.layers]
        far = [(t, r) for t in graph.tensors for r in t.readers if place[t.source] != place[r]]
        waits.append({})
        for tensor, reader in far:
            waits[j].setdefault(graph.layers[reader].name, set()).add(tensor.name)
        leaves.append({graph.layers[tensor.source].name for tensor, _ in far})
    found: list[list[Operation]] = []
    came: set[tuple[int, str]] = set()
    for operation in operations:
        j = operation.job
        last = found[-1][-1] if found else None
        new = {(j, name) for name in waits[j].get(operation.item, ())} - came
        came |= new
        if last is None or last.job != j or new or last.item in leaves[j]:
            found.append([])
        found[-1].append(operation)
    return found


def _refuse_unsent(stages: Sequence[Stages], turns: dict[str, tuple[Turn, ...]]) -> None:
    sent = {(turn.job, m.split(ARROW)[1], turn.tensor) for m, own in turns.items() if ARROW in m for turn in own}
    for j, own in enumerate(stages):
        for stage in own.order:
            for name in stage.needs:
                if stage.place != own.home and (j, stage.place, name) not in sent:
                    raise InvalidInput(f"schedule: job {j} needs tensor {name!r} at {stage.place!r}; nothing sends it")
