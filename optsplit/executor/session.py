"""The server's side of one client: what each message does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from optsplit.errors import InvalidInput, unknown
from optsplit.executor import identity
from optsplit.executor.stages import Stages
from optsplit.executor.store import Store
from optsplit.executor.wire import (
    Drop,
    FromServer,
    Give,
    Given,
    Open,
    Opened,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Ran,
    Run,
    Stored,
    Weights,
    WireError,
)
from optsplit.executor.worker import Compute
from optsplit.graph import LayerGraph
from optsplit.packing import BITS
from optsplit.problems.partition import PartitionPlan
from optsplit.profiling.run import Runner, runnable

MOST_FRAMES = 64
MOST_PLANS = 1024
LARGEST_REPLY = 64 << 20

Reply = tuple[FromServer, Mapping[str, torch.Tensor], Mapping[str, int]]


@dataclass(frozen=True)
class Model:
    """A network that the server was given.

    Parameters
    ----------
    graph
        Traced.
    structure, weights
        Digests.
    known
        Only its architecture is known: each client uploads the weights.
    """

    graph: LayerGraph
    structure: str
    weights: str
    known: bool = False

    @staticmethod
    def of(graph: LayerGraph, known: bool = False) -> Model:
        """With its digests."""
        return Model(graph, identity.structure(graph), identity.weights(graph), known)


class Session:
    """One client: a network, plans, and the frames in flight.

    Parameters
    ----------
    models
        Name -> network.
    bases
        Name -> the network made ready on the device, for those that have their weights.
    device, threads
        Where stages run.
    """

    def __init__(
        self, models: Mapping[str, Model], bases: Mapping[str, Runner], device: str = "cpu", threads: int | None = None
    ) -> None:
        self.models, self.bases, self.device, self.threads = models, bases, device, threads
        self.model: Model | None = None
        self.base: Runner | None = None
        self.store: Store | None = None
        self.bits: dict[int, Mapping[str, int]] = {}
        self.plans: dict[int, Compute] = {}
        self.held: dict[int, dict[str, torch.Tensor]] = {}
        self.given: dict[int, dict[str, torch.Tensor]] = {}

    def handle(self, message: Any, tensors: dict[str, torch.Tensor], received: float) -> Iterator[Reply]:
        """The replies to a message.

        Raises
        ------
        WireError
            The message breaks a rule; the session ends.
        """
        if isinstance(message, Ping):
            yield self._pong(message, received)
        elif isinstance(message, Open):
            yield self._open(message), {}, {}
        elif self.model is None:
            raise WireError("the session has no network; open it first")
        elif isinstance(message, Prepare):
            yield self._prepare(message, self.model.graph), {}, {}
        elif isinstance(message, Run):
            ran, gives = self._run(message, tensors, received, self.model.graph)
            yield ran, gives, self.bits[message.plan]
        elif isinstance(message, Give):
            yield self._give(message, tensors, received, self.model.graph), {}, {}
        elif isinstance(message, Drop):
            self.held.pop(message.frame, None)
            self.given.pop(message.frame, None)
        elif isinstance(message, Weights):
            yield self._store(message, tensors, received), {}, {}

    def _pong(self, message: Ping, received: float) -> Reply:
        if not 0 <= message.reply <= LARGEST_REPLY:
            raise WireError(f"ping asks for {message.reply} bytes; at most {LARGEST_REPLY} are sent")
        load = {"load": torch.zeros(message.reply, dtype=torch.uint8)} if message.reply else {}
        return Pong(number=message.number, received=received, replied=time.monotonic()), load, {}

    def _open(self, message: Open) -> Opened:
        if self.model is not None:
            raise WireError("the session is open already")
        if message.model not in self.models:
            raise WireError(f"server: {unknown('network', message.model, self.models)}")
        model = self.models[message.model]
        if message.structure != model.structure:
            raise WireError(f"network {message.model!r} here has other layers or shapes; serve the same one")
        if message.upload != model.known:
            how = "is served with its weights" if message.upload else "is known without weights, upload them"
            raise WireError(f"network {message.model!r} {how}")
        if not message.upload and message.weights != model.weights:
            raise WireError(f"network {message.model!r} here has other weights; serve the same ones")
        self.model = model
        if message.upload:
            self.store = Store(runnable(model.graph), self.device)
            self.base = self.store.base
        else:
            self.base = self.bases[message.model]
        return Opened(device=self.device, versions={"torch": str(torch.__version__)})

    def _prepare(self, message: Prepare, graph: LayerGraph) -> Prepared:
        if len(self.plans) >= MOST_PLANS:
            raise WireError(f"{MOST_PLANS} plans are prepared; no more are taken")
        if len(message.at) != len(graph.layers) or not all(-1 <= p < len(message.places) for p in message.at):
            raise WireError(f"plan {message.plan} does not give one place to each of {len(graph.layers)} layers")
        if any(bits not in BITS for bits in message.bits.values()):
            raise WireError(f"plan {message.plan} sends tensors with other than {', '.join(map(str, BITS))} bits")
        if message.home == message.here or message.home not in message.places or message.here not in message.places:
            raise WireError(f"plan {message.plan} with home {message.home!r} and {message.here!r} here")
        pairs = zip(graph.layers, message.at, strict=True)
        assignment = {layer.name: message.places[p] for layer, p in pairs if p >= 0}
        try:
            exits = dict.fromkeys(message.exits, 0.0)
            # thresholds are the client's: here they only say where stages end and what is sent home
            plan = PartitionPlan(assignment, message.exit or None, {}, dict.fromkeys(message.early, 0.0))
            stages = Stages(graph, plan, message.home, message.bits, exits, message.runs)
        except InvalidInput as error:
            raise WireError(str(error)) from error
        assert self.base is not None
        self.plans[message.plan] = Compute(self.base, stages, message.here, self.threads)
        self.bits[message.plan] = message.bits
        return Prepared(plan=message.plan)

    def _give(self, message: Give, tensors: dict[str, torch.Tensor], received: float, graph: LayerGraph) -> Given:
        compute = self.plans.get(message.plan)
        if compute is None:
            raise WireError(f"plan {message.plan} is not prepared here")
        self._check(tensors, tuple(name for stage in compute.stages.values() for name in stage.needs), graph)
        self.given.setdefault(message.frame, {}).update(tensors)
        if len(self.given) > MOST_FRAMES:
            raise WireError(f"more than {MOST_FRAMES} frames in flight")
        return Given(number=message.number, received=received)

    def _run(
        self, message: Run, tensors: dict[str, torch.Tensor], received: float, graph: LayerGraph
    ) -> tuple[Ran, Mapping[str, torch.Tensor]]:
        compute = self.plans.get(message.plan)
        if compute is None or message.stage not in compute.stages:
            raise WireError(f"plan {message.plan} has no stage {message.stage} here")
        stage = compute.stages[message.stage]
        if self.store is not None and (missing := self.store.missing(stage.layers)) is not None:
            raise WireError(f"stage {message.stage} reads weight {missing!r}, which is not uploaded")
        self._check(tensors, stage.needs, graph)
        held = self.held.setdefault(message.frame, {})
        if len(self.held) > MOST_FRAMES:
            raise WireError(f"more than {MOST_FRAMES} frames in flight")
        early = self.given.get(message.frame, {})
        held.update({name: early.pop(name) for name in stage.needs if name in early})
        if not early:
            self.given.pop(message.frame, None)
        held.update(tensors)
        if lacking := [name for name in stage.reads if name not in held]:
            raise WireError(f"stage {message.stage} of frame {message.frame} lacks tensor {lacking[0]!r}")
        found, start, end = compute.run(message.stage, held)
        kept = {**held, **found}
        if stage.keeps:
            self.held[message.frame] = {name: kept[name] for name in stage.keeps}
        else:
            del self.held[message.frame]
        ran = Ran(frame=message.frame, stage=message.stage, received=received, start=start, end=end)
        return ran, {name: kept[name] for name in stage.gives}

    def _check(self, tensors: Mapping[str, torch.Tensor], needs: tuple[str, ...], graph: LayerGraph) -> None:
        known = {tensor.name: tensor for tensor in graph.tensors if tensor.name in tensors}
        for name, tensor in tensors.items():
            if name not in needs:
                raise WireError(f"tensor {name!r} is not needed here")
            expected = known[name]
            _same(f"tensor {name!r}", tensor, expected.shape, expected.dtype)

    def _store(self, message: Weights, tensors: Mapping[str, torch.Tensor], received: float) -> Stored:
        if self.store is None:
            raise WireError("this network is served with its weights; upload none")
        self.store.put(message.weight, message.start, tensors)
        return Stored(number=message.number, received=received)


def _same(what: str, tensor: torch.Tensor, shape: tuple[int, ...], dtype: str) -> None:
    got = str(tensor.dtype).removeprefix("torch.")
    if tuple(tensor.shape) != tuple(shape) or got != dtype.removeprefix("torch."):
        raise WireError(f"{what} is {got} of shape {tuple(tensor.shape)}; expected {dtype} of shape {tuple(shape)}")
