"""measure_packing: bytes, seconds and accuracy drop of every tensor at every number of bits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from optsplit.errors import InvalidInput, unknown
from optsplit.graph import LayerGraph
from optsplit.packing import BITS, pack, quantised, unpack
from optsplit.profiling.examples import Batch, Batched, batched, examples_of, right_answers
from optsplit.profiling.processor import processor_name
from optsplit.profiling.profile import Profile, refuse_other_network
from optsplit.profiling.quality import Packing
from optsplit.profiling.run import Program, Runner

if TYPE_CHECKING:
    import torch

REPEATS = 3
MOST_BYTES = 1 << 29
"""Of all tensors of one batch together."""

Progress = Callable[[int, int], None]


def measure_packing(
    graph: LayerGraph,
    profile: Profile,
    inputs: Any,
    labels: Any = None,
    *,
    bits: Sequence[int] = (16, 8, 4, 2),
    places: Sequence[str] | None = None,
    tensors: Sequence[str] | None = None,
    least_bytes: int = 256,
    codec: str = "zstd",
    timed: int = 8,
    batch: int = 32,
    progress: Progress | None = None,
) -> Profile:
    """Measure what sending each tensor with fewer bits costs and saves.

    The drop of a tensor is what the network loses when that tensor alone is packed, for all its readers: the layers
    behind it run again on the quantised values. With several outputs (exits) it is the largest loss of any of them.
    Bytes and seconds are of real activations, with the codec on one thread of this machine: the mean of bytes, and of
    seconds the median over samples of the best of three runs.

    Parameters
    ----------
    graph
        From `trace`, on one sample.
    profile
        Of the same network at the same grain.
    inputs, labels
        A calibration set, see `examples_of`. Without labels, a right answer is the float32 network's own.
    bits
        Of 32, 16, 8, 4, 2.
    places
        Places of the profile that pack and unpack as fast as this machine; None for all.
    tensors
        Which to measure; None for every float32 tensor of at least `least_bytes`.
    least_bytes
        Below this nothing is gained.
    codec
        See `optsplit.packing.pack`.
    timed
        Samples whose packed bytes and seconds are taken.
    batch
        Samples that run at once; fewer where their tensors would take more than half a gigabyte.
    progress
        Called with the samples done and their number.

    Returns
    -------
    Profile
        The profile with `packings`; tensors that hold NaN or infinite values have none. Ctrl-C returns what the
        samples so far say.

    Raises
    ------
    InvalidInput
        Another network, unknown places, tensors or bits, a data set that does not fit.
    MissingDependency
        blosc2 is not installed.
    """
    refuse_other_network(graph, profile.graph)
    examples = examples_of(graph, inputs, labels)
    for value in bits:
        if value not in BITS:
            raise InvalidInput(f"{value!r} bits per value; give some of {', '.join(map(str, BITS))}")
    for place in places or ():
        profile.timing(place)
    chosen = _chosen(graph, tensors, least_bytes)
    fitting = max(1, MOST_BYTES // max(1, sum(tensor.bytes for tensor in graph.tensors)))
    study = _Study(batched(graph, min(batch, fitting)), chosen, tuple(dict.fromkeys(bits)))
    codec_costs = _Costs(codec, timed)
    try:
        for part in study.network.batches(examples):
            study.add(part, codec_costs)
            if progress is not None:
                progress(study.samples, examples.count)
    except KeyboardInterrupt:
        if study.samples == 0:
            raise
    places = profile.places if places is None else places
    packings = {
        name: tuple(
            replace(
                packing,
                pack_seconds=dict.fromkeys(places, packing.pack_seconds["here"]),
                unpack_seconds=dict.fromkeys(places, packing.unpack_seconds["here"]),
            )
            for packing in codec_costs.packings(name, study)
        )
        for name in chosen
        if name not in study.without_range
    }
    source = (
        f"{study.samples} samples judged by {examples.judge}; {codec} on one thread of {processor_name('cpu')}, "
        f"{min(timed, study.samples)} samples timed"
    )
    return replace(profile, packings=packings, quality={**profile.quality, "packings": source})


def _chosen(graph: LayerGraph, tensors: Sequence[str] | None, least_bytes: int) -> list[str]:
    floats = {tensor.name: tensor.bytes for tensor in graph.tensors if tensor.dtype == "float32"}
    for name in tensors or ():
        if name not in floats:
            raise InvalidInput(f"graph {graph.name!r}: {unknown('float32 tensor', name, floats)}")
    return list(tensors) if tensors is not None else [name for name, size in floats.items() if size >= least_bytes]


def downstream(program: Program, tensor: str) -> list[str]:
    """Layers that depend on a tensor, in order."""
    touched, layers = {tensor}, []
    for call in program.calls:
        if not touched.isdisjoint(call.inputs):
            touched.update(call.outputs)
            layers.append(call.layer)
    return layers


def quantised_rows(tensor: torch.Tensor, bits: int, *, shared: bool = False) -> torch.Tensor:
    """Each sample of a batch quantised with its own range; a tensor without samples as one."""
    import torch

    values = tensor.detach().cpu().contiguous().numpy()
    if shared:
        return torch.from_numpy(quantised(values, bits)).to(tensor.device)
    return torch.from_numpy(np.stack([quantised(row, bits) for row in values])).to(tensor.device)


@dataclass
class _Study:
    """Right answers of a network, whole and with one tensor quantised, summed over batches."""

    network: Batched
    tensors: Sequence[str]
    bits: tuple[int, ...]
    samples: int = 0
    right: dict[str, float] = field(default_factory=dict)
    right_packed: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    without_range: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        program = self.network.program
        self.runner = Runner(program)
        self.behind = {name: downstream(program, name) for name in self.tensors}
        self.all_tensors = tuple(dict.fromkeys(name for call in program.calls for name in call.outputs))
        self.outputs = tuple(dict.fromkeys(program.outputs))
        written = {call.layer: call.outputs for call in program.calls}
        self.reached = {
            name: tuple(o for o in self.outputs if o == name or any(o in written[layer] for layer in behind))
            for name, behind in self.behind.items()
        }

    def add(self, part: Batch, costs: _Costs) -> None:
        """Count the right answers of one batch; nothing is counted until all of it is known."""
        plain = self.runner.run(part.given, self.all_tensors)
        expected = {o: plain[o].argmax(-1) if part.labels is None else part.labels for o in self.outputs}
        right = {o: self._right(plain[o], expected[o], part.count) for o in self.outputs}
        packed: dict[tuple[str, int], dict[str, float]] = {}
        for name in self.tensors:
            if name in self.without_range or not bool(plain[name].isfinite().all()):
                self.without_range.add(name)
                continue
            shared = name in self.network.shared
            costs.take(name, plain[name], self.bits, part.count, shared=shared)
            for bits in self.bits:
                packed[name, bits] = self._right_packed(plain, expected, name, bits, part.count)
        self.samples += part.count
        _increase(self.right, right)
        for key, found in packed.items():
            _increase(self.right_packed.setdefault(key, {}), found)

    def _right_packed(
        self,
        plain: Mapping[str, torch.Tensor],
        expected: Mapping[str, torch.Tensor],
        name: str,
        bits: int,
        count: int,
    ) -> dict[str, float]:
        outputs = self.reached[name]
        replaced = quantised_rows(plain[name], bits, shared=name in self.network.shared)
        found = self.runner.only(self.behind[name]).run({**plain, name: replaced}, outputs)
        return {o: self._right(found[o], expected[o], count) for o in outputs}

    @staticmethod
    def _right(output: torch.Tensor, expected: torch.Tensor, count: int) -> float:
        return float(right_answers(output, expected)[:count].sum())

    def drop(self, name: str, bits: int) -> float:
        """Largest loss of any output, 0 where nothing is lost."""
        found = self.right_packed[name, bits]
        return max((max(0.0, self.right[o] - value) / self.samples for o, value in found.items()), default=0.0)


@dataclass
class _Costs:
    """Bytes and seconds of packing on this machine."""

    codec: str
    timed: int
    sizes: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    packing: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    unpacking: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def take(self, name: str, values: torch.Tensor, bits: Collection[int], count: int, *, shared: bool) -> None:
        """Pack and unpack the first rows of a batch, as long as fewer than `timed` samples are known."""
        rows = values.detach().cpu().contiguous().numpy()
        for row in rows[None] if shared else rows[:count, None]:
            for value in bits:
                sizes = self.sizes.setdefault((name, value), [])
                if len(sizes) >= max(self.timed, 1):
                    continue
                packing, unpacking = math.inf, math.inf
                for _ in range(REPEATS):
                    start = time.perf_counter()
                    data = pack(row, value, codec=self.codec)
                    middle = time.perf_counter()
                    unpack(data)
                    packing, unpacking = min(packing, middle - start), min(unpacking, time.perf_counter() - middle)
                self.packing.setdefault((name, value), []).append(packing)
                self.unpacking.setdefault((name, value), []).append(unpacking)
                sizes.append(len(data))

    def packings(self, name: str, study: _Study) -> list[Packing]:
        """What was measured of one tensor, with its seconds "here"."""
        return [
            Packing(
                value,
                math.ceil(sum(self.sizes[name, value]) / len(self.sizes[name, value])),
                {"here": median(self.packing[name, value])},
                {"here": median(self.unpacking[name, value])},
                study.drop(name, value),
            )
            for value in study.bits
        ]


def _increase(sums: dict[str, float], by: Mapping[str, float]) -> None:
    for key, value in by.items():
        sums[key] = sums.get(key, 0.0) + value
