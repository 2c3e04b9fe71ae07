"""Packing, exits and accuracy of plans, measured on small networks whose answers are known by hand."""

import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optsplit import zoo
from optsplit.errors import InvalidInput
from optsplit.profiling.profile import Profile, Timing

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from optsplit.profiling.accuracy import measure_accuracy  # noqa: E402
from optsplit.profiling.confidence import GRID, confidences, measure_exits  # noqa: E402
from optsplit.profiling.examples import batched, examples_of, right_answers  # noqa: E402
from optsplit.profiling.packings import downstream, measure_packing, quantised_rows  # noqa: E402
from optsplit.profiling.run import Runner, runnable  # noqa: E402
from optsplit.profiling.trace import trace  # noqa: E402


def refused(message):
    return pytest.raises(InvalidInput, match=re.escape(message))


def empty_profile(graph: Any, *places: str) -> Profile:
    zero = (0.0,) * len(graph.layers)
    return Profile(graph.structure, {place: Timing(zero) for place in places or ("device", "server")})


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Small tensors: threads cost more than they give."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Two(nn.Module):
    """Two exits that hand their input on: the first sees x, the second 3 x."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Identity(), Times(3.0), Times(1.0)
        self.early = Times(1.0)

    def forward(self, x: Any) -> Any:
        return self.early(x), self.last(self.middle(x))


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Any) -> Any:
        return x * self.factor


@pytest.fixture
def two() -> Any:
    return trace(Two(), torch.zeros(1, 3), grain="modules", name="two")


# At 2 bits the grid of a row from 0 to 3 is 0, 1, 2, 3: entries that differ by less than a step become equal, and
# argmax takes the first of equals.
CLOSE = [[0.0, 2.85, 3.0], [0.0, 3.0, 2.0]]


def test_drop_is_the_share_of_answers_that_quantisation_turns(two):
    # 2.85 becomes 3: the first row's answer turns from 2 to 1, the second row's stays; 1 of 2 right answers is lost.
    found = measure_packing(two, empty_profile(two), torch.tensor(CLOSE), torch.tensor([2, 1]), least_bytes=0)
    drops = {p.bits: p.drop for p in found.packings["input"]}
    assert drops == {16: 0.0, 8: 0.0, 4: 0.0, 2: 0.5}
    # The label of the first row being 1, quantisation helps; a gain counts as none.
    helped = measure_packing(two, empty_profile(two), torch.tensor(CLOSE), torch.tensor([1, 1]), least_bytes=0)
    assert {p.drop for p in helped.packings["input"]} == {0.0}
    assert "labels" in found.quality["packings"]


def test_without_labels_the_float_network_is_right(two):
    found = measure_packing(two, empty_profile(two), torch.tensor(CLOSE), least_bytes=0, bits=(2,))
    assert [p.drop for p in found.packings["input"]] == [0.5]
    assert "agreement with the float32 network's own answers" in found.quality["packings"]


class Halves(nn.Module):
    """The first exit answers from the first three numbers, the second from the others."""

    def __init__(self) -> None:
        super().__init__()
        self.early, self.middle, self.last = Half(0), Half(3), Times(1.0)

    def forward(self, x: Any) -> Any:
        return self.early(x), self.last(self.middle(x))


class Half(nn.Module):
    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start

    def forward(self, x: Any) -> Any:
        return x[:, self.start : self.start + 3] * 1.0


def test_the_drop_of_a_network_with_exits_is_that_of_the_worst():
    graph = trace(Halves(), torch.zeros(1, 6), grain="modules")
    # 2.85 becomes 3: the early exit's answer turns from 2 to 1, the last one's stays 2
    x, y = torch.tensor([[0.0, 2.85, 3.0, 0.0, 2.0, 3.0]]), torch.tensor([2])
    found = measure_packing(graph, empty_profile(graph), x, y, bits=(2,), least_bytes=0)
    assert found.packings["input"][0].drop == 1.0
    # behind `middle` only the last exit sees it
    assert found.packings["middle"][0].drop == 0.0
    assert downstream(runnable(graph), "middle") == ["last"]
    assert downstream(runnable(graph), "input") == ["early", "middle", "last"]


def test_places_bits_and_tensors_can_be_chosen(two):
    found = measure_packing(
        two, empty_profile(two), torch.tensor(CLOSE), bits=(8, 8, 32), places=["server"], tensors=["middle"]
    )
    assert list(found.packings) == ["middle"]
    assert [p.bits for p in found.packings["middle"]] == [8, 32]
    for packing in found.packings["middle"]:
        assert list(packing.pack_seconds) == list(packing.unpack_seconds) == ["server"]
        assert packing.pack_seconds["server"] > 0
        assert packing.bytes > 3


def test_small_tensors_are_left_alone(two):
    assert measure_packing(two, empty_profile(two), torch.tensor(CLOSE)).packings == {}


class WithMask(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mask = Mask()
        self.out = Times(1.0)

    def forward(self, x: Any) -> Any:
        return self.out(self.mask(x)).softmax(-1)


class Mask(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.masked_fill(x < 0, -math.inf)


def test_a_tensor_without_a_range_has_no_packing():
    graph = trace(WithMask(), torch.zeros(1, 3), grain="modules")
    found = measure_packing(graph, empty_profile(graph), torch.tensor([[-1.0, 1.0, 2.0]]), least_bytes=0, bits=(8,))
    assert "input" in found.packings
    assert "mask" not in found.packings


def interrupting(after: int) -> Callable[[int, int], None]:
    def progress(done: int, count: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_keeps_the_samples_so_far(two):
    found = measure_packing(
        two, empty_profile(two), torch.tensor(CLOSE), bits=(2,), least_bytes=0, batch=1, progress=interrupting(1)
    )
    # one sample, whose answer turns
    assert [p.drop for p in found.packings["input"]] == [1.0]
    assert found.quality["packings"].startswith("1 samples")


def test_another_network_and_unknown_names_are_refused(two):
    profile, x = empty_profile(two), torch.tensor(CLOSE)
    with refused("3 bits per value; give some of 32, 16, 8, 4, 2"):
        measure_packing(two, profile, x, bits=(3,))
    with refused("unknown place 'cloud'"):
        measure_packing(two, profile, x, places=["cloud"])
    with refused("unknown float32 tensor 'y'"):
        measure_packing(two, profile, x, tensors=["y"])
    with refused("profiles of 'two' and"):
        measure_packing(two, empty_profile(trace(WithMask(), torch.zeros(1, 3))), x)
    with refused("has no program to run"):
        measure_packing(profile.graph, profile, x)


def test_data_that_do_not_fit_are_refused(two):
    x = torch.tensor(CLOSE)
    with refused("examples 'x' have shape (2, 4); expected (N, 3)"):
        examples_of(two, torch.zeros(2, 4))
    with refused("examples 'x' are torch.float64; the network was traced on torch.float32"):
        examples_of(two, x.double())
    with refused("examples for 2 inputs given; the network takes 1"):
        examples_of(two, [x, x])
    with refused("examples: unknown argument 'z'"):
        examples_of(two, {"z": x})
    with refused("examples: argument 'x' is missing"):
        examples_of(two, {})
    with refused("give as many of each, one or more"):
        examples_of(two, torch.zeros(0, 3))
    with refused("give 2 integers, one per sample"):
        examples_of(two, x, [0.5, 1.0])
    with refused("give 2 integers, one per sample"):
        examples_of(two, x, [1])
    with refused("trace it on one sample"):
        examples_of(trace(Two(), torch.zeros(4, 3)), x)
    assert examples_of(two, np.asarray(CLOSE, dtype=np.float32), np.array([0, 1])).count == 2


def test_an_output_of_another_shape_than_the_labels_is_refused():
    with refused("leave the labels out"):
        right_answers(torch.zeros(2, 5, 3), torch.zeros(2, dtype=torch.long))
    assert right_answers(torch.eye(2)[None], torch.tensor([[0, 0]])).tolist() == [0.5]


def test_batches_are_filled_up_and_count_their_real_rows(two):
    examples = examples_of(two, torch.arange(15.0).reshape(5, 3), torch.arange(5))
    found = list(batched(two, 4).batches(examples))
    assert [part.count for part in found] == [4, 1]
    assert found[1].labels.tolist() == [4, 4, 4, 4]
    assert all(part.given["input"].shape == (4, 3) for part in found)


class SamplesLast(nn.Module):
    """A batch that wanders to the second dimension: it cannot be split by rows."""

    def __init__(self) -> None:
        super().__init__()
        self.turn, self.back = Turn(), Turn()

    def forward(self, x: Any) -> Any:
        return self.back(self.turn(x))


class Turn(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.transpose(0, 1) * 1.0


def test_a_network_that_moves_its_samples_runs_one_by_one():
    graph = trace(SamplesLast(), torch.zeros(1, 3), grain="modules")
    assert batched(graph, 4).size == 1


class Sum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = Times(2.0), Times(3.0)

    def forward(self, a: Any, b: Any) -> Any:
        return self.left(a) + self.right(b)


@pytest.mark.parametrize("name", ["lenet", "branchy_alexnet_3", "sum"])
def test_a_larger_batch_gives_the_same_answers(name):
    module, example = (Sum(), (torch.rand(1, 3), torch.rand(1, 3))) if name == "sum" else zoo.build(name)
    graph = trace(module, example, grain="modules")
    network = batched(graph, 3)
    assert network.size == 3
    inputs = [torch.cat([tensor, tensor * 0.5, tensor * 2, -tensor]) for tensor in example]
    runner = Runner(network.program)
    for i, part in enumerate(network.batches(examples_of(graph, inputs))):
        found = runner.run(part.given, network.program.outputs)
        for row in range(part.count):
            alone = module(*[tensor[3 * i + row : 3 * i + row + 1] for tensor in inputs])
            for output, own in zip(found.values(), alone if isinstance(alone, tuple) else [alone], strict=True):
                torch.testing.assert_close(output[row : row + 1], own, rtol=1e-4, atol=1e-5)


def test_each_sample_is_quantised_with_its_own_range():
    rows = torch.tensor([[0.0, 1.4, 3.0], [0.0, 140.0, 300.0]])
    assert quantised_rows(rows, 2).tolist() == [[0, 1, 3], [0, 100, 300]]
    assert quantised_rows(rows, 2, shared=True).tolist() == [[0, 0, 0], [0, 100, 300]]


# --- exits --------------------------------------------------------------------------------------------------------

# Of two equal scores and one larger by d the largest probability is e^d / (e^d + 2).
# First exit sees d, the last 3 d: d = 1: 0.576 and 0.909; d = 2: 0.787 and 0.995.
SURE = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 2.0, 0.0]]


def test_exits_by_hand(two):
    found = measure_exits(two, empty_profile(two), torch.tensor(SURE), torch.tensor([0, 1, 2]), thresholds=(0.6, 0.9))
    assert found.exits is not None
    assert found.exits.layers == ("early", "last")
    assert found.exits.accuracy == (2 / 3, 2 / 3)
    seen = {(p.levels, p.correct): p.count for p in found.exits.patterns}
    # 0.576 reaches no threshold, 0.909 both; 0.787 reaches 0.6 only, 0.995 both
    assert seen == {((0, 2), (True, True)): 1, ((1, 2), (True, True)): 1, ((1, 2), (False, False)): 1}
    assert "labels" in found.quality["exits"]


def test_exits_without_labels_agree_with_the_last(two):
    found = measure_exits(two, empty_profile(two), torch.tensor(SURE))
    assert found.exits.accuracy == (1.0, 1.0)
    assert found.exits.thresholds == GRID
    assert "agreement with the last exit" in found.quality["exits"]


def test_exits_can_be_chosen_and_must_be_outputs(two):
    found = measure_exits(two, empty_profile(two), torch.tensor(SURE), exits=["last"], thresholds=())
    assert (found.exits.layers, found.exits.patterns) == (("last",), ())
    with refused("exit is unknown layer of an output 'middle'; known: early, last"):
        measure_exits(two, empty_profile(two), torch.tensor(SURE), exits=["middle"])


def test_probabilities_are_taken_as_they_are():
    rows = torch.tensor([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]])
    assert confidences(rows).tolist() == pytest.approx([0.7, 0.4])
    # the same rows as scores: e^0.7 / (e^0.7 + e^0.2 + e^-0.1)
    scores = torch.tensor([[0.7, 0.2, -0.1]])
    expected = math.exp(0.7) / (math.exp(0.7) + math.exp(0.2) + math.exp(-0.1))
    assert confidences(scores).tolist() == pytest.approx([expected])


# --- accuracy of plans --------------------------------------------------------------------------------------------

ALL = {"input": "device", "early": "device", "middle": "device", "last": "device"}


def test_a_plan_without_packing_is_the_network(two):
    x, y = torch.tensor(CLOSE), torch.tensor([2, 1])
    found = measure_accuracy(two, Plan(ALL), x, y)
    assert (found.accuracy, found.samples, found.leaving, found.packed) == (1.0, 2, {"last": 1.0}, ())


def test_only_what_crosses_is_packed(two):
    x, y = torch.tensor(CLOSE), torch.tensor([2, 1])
    # x crosses to `middle` with 2 bits; `early` reads it where it was made
    split = {**ALL, "middle": "server", "last": "server"}
    for exit, expected in (("early", 1.0), ("last", 0.5)):
        found = measure_accuracy(two, Plan(split, exit, {"input": 2}), x, y)
        assert found.accuracy == expected
        assert found.packed == ("input",)
    # at home nothing is packed, whatever the plan says of bits
    assert measure_accuracy(two, Plan(ALL, "last", {"input": 2}), x, y).packed == ()


def test_a_packed_result_on_its_way_back_counts(two):
    x, y = torch.tensor(CLOSE), torch.tensor([2, 1])
    split = {**ALL, "middle": "server", "last": "server"}
    back = measure_accuracy(two, Plan(split, "last", {"last": 2}), x, y)
    assert (back.accuracy, back.packed) == (0.5, ("last",))
    stays = measure_accuracy(two, Plan(split, "last", {"last": 2}), x, y, result_at="server")
    assert (stays.accuracy, stays.packed) == (1.0, ())


def test_samples_leave_at_the_first_exit_that_is_sure(two):
    x = torch.tensor(SURE)
    found = measure_accuracy(two, Plan(ALL, None, {}, {"early": 0.6}), x, torch.tensor([0, 1, 2]))
    assert found.leaving == {"early": pytest.approx(2 / 3), "last": pytest.approx(1 / 3)}
    assert found.accuracy == pytest.approx(2 / 3)


def test_measured_exits_predict_what_their_own_samples_do():
    """On the calibration set itself, with float32, patterns say exactly how right any thresholds are."""
    module, example = zoo.build("branchy_alexnet_3")
    graph = trace(module, example, grain="modules")
    x = torch.randn(20, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    y = torch.arange(20) % 10
    table = measure_exits(graph, empty_profile(graph), x, y, thresholds=(0.3, 0.5, 0.7)).exits
    place = {layer.name: "device" for layer in graph.layers}
    for first, second in ((0, 2), (1, 1), (2, None)):
        on = {table.layers[0]: first} | ({} if second is None else {table.layers[1]: second})
        right = 0
        for pattern in table.patterns:
            leaves = next((i for i, e in enumerate(table.layers) if e in on and pattern.levels[i] > on[e]), 2)
            right += pattern.count * pattern.correct[leaves]
        plan = Plan(place, None, {}, {layer: table.thresholds[level] for layer, level in on.items()})
        assert measure_accuracy(graph, plan, x, y).accuracy == pytest.approx(right / 20)


def test_plans_that_do_not_fit_are_refused(two):
    x = torch.tensor(CLOSE)
    with refused("plan: unknown layer 'z'"):
        measure_accuracy(two, Plan({**ALL, "z": "device"}, "last"), x)
    with refused("plan: bits of unknown tensor 'z'"):
        measure_accuracy(two, Plan(ALL, "last", {"z": 8}), x)
    with refused("plan: unknown exit 'middle'"):
        measure_accuracy(two, Plan(ALL, "middle"), x)
    with refused("plan places no layer of the exits"):
        measure_accuracy(two, Plan({"input": "device"}, "last"), x)
    with refused("layer 'last' reads tensor 'middle'"):
        measure_accuracy(two, Plan({"input": "device", "last": "device"}, "last"), x)


class Plan:
    """What `measure_accuracy` reads of a plan."""

    def __init__(self, assignment: Any, exit: Any = None, bits: Any = None, thresholds: Any = None) -> None:
        self.assignment, self.exit, self.bits, self.thresholds = assignment, exit, bits or {}, thresholds or {}


def test_importing_the_measurements_imports_no_torch():
    import subprocess

    code = (
        "import sys, optsplit.profiling.accuracy, optsplit.profiling.packings, optsplit.profiling.confidence;"
        "sys.exit('torch' in sys.modules or 'blosc2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
