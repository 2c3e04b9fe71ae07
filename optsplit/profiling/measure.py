"""measure: seconds of every layer on a real device, and of the whole module beside them."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.profiling.capture import need_torch
from optsplit.profiling.processor import check_device, check_threads, processor_name
from optsplit.profiling.profile import Profile, Timing
from optsplit.profiling.run import Program, Runner, runnable
from optsplit.profiling.trace import Traced

if TYPE_CHECKING:
    pass

WARM_UP = 2
QUANTILES = (0.1, 0.25, 0.75, 0.9)

Progress = Callable[[str, int, float | None], None]


def measure(
    graph: LayerGraph,
    places: Mapping[str, str],
    *,
    threads: Mapping[str, int] | None = None,
    min_rounds: int = 5,
    max_rounds: int = 50,
    max_seconds: float = 30.0,
    tolerance: float = 0.02,
    progress: Progress | None = None,
) -> Profile:
    """Measure the layers of a traced network where they will run.

    A round runs the whole network layer by layer on the example, each layer timed, and the module itself once,
    so that drift of the machine hits both. After two rounds of warm-up, rounds repeat until the measurement is stable:
    the sum over layers of the medians, and the median of the whole module, agree within `tolerance` between the
    first and the second half of the rounds. Nothing is subtracted: a clock reading costs less than 0.1 microseconds.
    The module runs as it is, with whatever fused kernels it picks (`nn.MultiheadAttention` has one), so that
    `Timing.ratio` also shows what a network loses by running layer by layer.

    Parameters
    ----------
    graph
        From `trace`, at either grain.
    places
        Torch device of each place; the first place holds the input.
    threads
        CPU threads at some places; elsewhere torch's own number.
    min_rounds, max_rounds
        Bounds on the rounds that count.
    max_seconds
        Per place, warm-up included; at least one round is always measured.
    tolerance
        Relative difference that counts as stable.
    progress
        Called after each round with the place, the rounds so far and the difference between the halves
        (None while there are too few rounds).

    Returns
    -------
    Profile
        Medians, quantiles 0.1, 0.25, 0.75 and 0.9, and the whole module's median. Inputs and free layers take
        0 seconds. Ctrl-C returns what is measured by then.

    Raises
    ------
    InvalidInput
        A graph without a program, an unknown or missing device, a thread count or limit that makes no sense.
    """
    need_torch()
    program = runnable(graph)
    _check(places, threads or {}, min_rounds, max_rounds, max_seconds, tolerance)
    structure = graph.structure if isinstance(graph, Traced) else graph
    timings: dict[str, Timing] = {}
    for place, device in places.items():
        rounds = _Rounds(program, device)
        stop = _Stop(min_rounds, max_rounds, max_seconds, tolerance)
        interrupted = False
        with _threads((threads or {}).get(place)) as count:
            try:
                _repeat(rounds, stop, place, progress)
            except KeyboardInterrupt:
                interrupted = True
                if not rounds.layers and not timings:
                    raise
        if rounds.layers:
            source = {
                "method": "measured",
                "device": device,
                "processor": processor_name(device),
                "threads": str(count),
                "torch": _torch_version(),
                "rounds": str(len(rounds.layers)),
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "grain": graph.grain,
                "stable": "yes" if stop.stable(rounds) else "no",
            }
            timings[place] = _timing(structure, rounds, source | ({"interrupted": "yes"} if interrupted else {}))
        if interrupted:
            break
    return Profile(structure, timings)


class _Rounds:
    """Repeated runs of one program on one device: nanoseconds of each layer, and of the module."""

    def __init__(self, program: Program, device: str) -> None:
        import torch

        self.cuda = torch.device(device).type == "cuda"
        self.program, self.runner = program, Runner(program, device)
        self.inputs = {name: tensor.to(device) for name, tensor in program.flatten(program.example).items()}
        self.index = {call.layer: i for i, call in enumerate(program.calls)}
        # Copies, so that a module that writes into its input leaves the user's example alone.
        self.args = tuple(tensor.to(device, copy=True) for tensor in program.args)
        self.kwargs = {name: tensor.to(device, copy=True) for name, tensor in program.kwargs.items()}
        there = torch.device(device) == program.device
        self.module = program.module if there else copy.deepcopy(program.module).to(device)
        self.layers: list[list[float]] = []
        self.whole: list[float] = []

    def once(self) -> tuple[list[float], float]:
        """One round: nanoseconds of each layer and of the whole module."""
        return self._layers(), self._whole()

    def _layers(self) -> list[float]:
        # From the start of one layer to the start of the next: letting go of the tensors that nobody reads any more is
        # part of a layer's time, since returning memory takes up to a tenth of a small convolution.
        marks: list[tuple[str, Any]] = []

        def marking(layer: str, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
            marks.append((layer, self._mark()))
            return function(*arguments)

        self.runner.run(self.inputs, self.program.outputs, marking)
        marks.append(("", self._mark()))
        self._finish()
        spent = [0.0] * len(self.index)
        for (layer, start), (_, end) in pairwise(marks):
            spent[self.index[layer]] = start.elapsed_time(end) * 1e6 if self.cuda else end - start
        return spent

    def _mark(self) -> Any:
        if not self.cuda:
            return time.perf_counter_ns()
        import torch

        make: Any = torch.cuda.Event
        event = make(enable_timing=True)
        event.record(torch.cuda.current_stream(self.runner.device))
        return event

    def _finish(self) -> None:
        if self.cuda:
            import torch

            torch.cuda.synchronize(self.runner.device)

    def _whole(self) -> float:
        import torch

        with torch.no_grad():
            start = time.perf_counter_ns()
            self.module(*self.args, **self.kwargs)
            self._finish()
            return time.perf_counter_ns() - start


@dataclass
class _Stop:
    """When to stop repeating rounds."""

    min_rounds: int
    max_rounds: int
    max_seconds: float
    tolerance: float
    started: float = field(default_factory=time.monotonic)

    def difference(self, rounds: _Rounds) -> float | None:
        """Relative difference between the two halves of the rounds; None below four rounds."""
        import torch

        half = len(rounds.layers) // 2
        if half < 2:
            return None
        layers = torch.tensor(rounds.layers, dtype=torch.float64)
        whole = torch.tensor(rounds.whole, dtype=torch.float64)
        worst = 0.0
        for table in (layers, whole.unsqueeze(1)):
            first = table[:half].quantile(0.5, dim=0).sum().item()
            second = table[-half:].quantile(0.5, dim=0).sum().item()
            worst = max(worst, abs(first - second) / max(first, second, 1.0))
        return worst

    def stable(self, rounds: _Rounds) -> bool:
        difference = self.difference(rounds)
        return difference is not None and difference <= self.tolerance

    def late(self) -> bool:
        return time.monotonic() - self.started > self.max_seconds


def _repeat(rounds: _Rounds, stop: _Stop, place: str, progress: Progress | None) -> None:
    for _ in range(WARM_UP):
        rounds.once()
    while True:
        layers, whole = rounds.once()
        rounds.layers.append(layers)
        rounds.whole.append(whole)
        count = len(rounds.layers)
        if progress is not None:
            progress(place, count, stop.difference(rounds))
        if count >= stop.max_rounds or stop.late() or (count >= stop.min_rounds and stop.stable(rounds)):
            return


def _timing(graph: LayerGraph, rounds: _Rounds, source: Mapping[str, str]) -> Timing:
    import torch

    table = torch.tensor(rounds.layers, dtype=torch.float64) / 1e9
    for i, layer in enumerate(graph.layers):
        if layer.free or layer.kind in ("input", "constant"):
            table[:, i] = 0
    return Timing(
        seconds=tuple(table.quantile(0.5, dim=0).tolist()),
        quantiles={str(q): tuple(table.quantile(q, dim=0).tolist()) for q in QUANTILES},
        whole=torch.tensor(rounds.whole, dtype=torch.float64).quantile(0.5).item() / 1e9,
        source=source,
    )


@contextmanager
def _threads(count: int | None) -> Iterator[int]:
    """Torch's CPU threads set to `count`, and back afterwards."""
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def _torch_version() -> str:
    import torch

    return str(torch.__version__)


def _check(
    places: Mapping[str, str],
    threads: Mapping[str, int],
    min_rounds: int,
    max_rounds: int,
    max_seconds: float,
    tolerance: float,
) -> None:
    if not places:
        raise InvalidInput('measure has no place; give at least one, such as {"device": "cpu"}')
    for place, device in places.items():
        if not place:
            raise InvalidInput("a place has an empty name; give one such as 'device'")
        check_device(f"place {place!r}", device)
    for place, count in threads.items():
        if place not in places:
            raise InvalidInput(f"threads: {unknown('place', place, places)}")
        check_threads(place, count)
    if not 1 <= min_rounds <= max_rounds:
        raise InvalidInput(f"min_rounds {min_rounds}, max_rounds {max_rounds}; give 1 <= min_rounds <= max_rounds")
    for what, value in (("max_seconds", max_seconds), ("tolerance", tolerance)):
        if not value >= 0:
            raise InvalidInput(f"{what} is {value}; give 0 or more")
