"""trace and run_layers on small modules: the graph, the names, and outputs equal to the module's own."""

from __future__ import annotations

import copy
import dataclasses
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from optsplit.errors import InvalidInput, TraceError
from optsplit.graph import LayerGraph
from optsplit.profiling.profile import Profile, Timing

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from optsplit.profiling.run import Runner, run_layers, runnable  # noqa: E402
from optsplit.profiling.trace import trace  # noqa: E402

GRAINS = ("operations", "modules")


class Small(nn.Module):
    """A module around a function, so that each test shows its network in one place."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        # A submodule, so that the network itself is not a leaf.
        self.own = nn.Identity()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                setattr(self, name, part)
            else:
                self.register_buffer(name, part)

    def forward(self, x: Any) -> Any:
        return self.function(self, x)


@pytest.fixture
def x() -> Any:
    torch.manual_seed(0)
    return torch.randn(2, 4, 6)


def check(module: Any, example: Any, grain: str = "operations") -> Any:
    """Trace, run layer by layer, compare bit for bit; the graph."""
    module.eval()
    traced = trace(module, example, grain=grain)
    args, kwargs = copy.deepcopy(runnable(traced).args), copy.deepcopy(runnable(traced).kwargs)
    with torch.no_grad():
        expected = [t for t in torch.utils._pytree.tree_leaves(module(*args, **kwargs)) if isinstance(t, torch.Tensor)]
    found = run_layers(traced, example)
    assert len(found) == len(expected) == len(traced.outputs)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
    return traced


def names(traced: LayerGraph) -> list[str]:
    return [layer.name for layer in traced.layers]


def layer(traced: LayerGraph, name: str) -> Any:
    return traced.layers[traced.index[name]]


def tensor(traced: LayerGraph, name: str) -> Any:
    return next(t for t in traced.tensors if t.name == name)


def readers(traced: LayerGraph, name: str) -> list[str]:
    return [traced.layers[i].name for i in tensor(traced, name).readers]


@pytest.mark.parametrize("grain", GRAINS)
def test_sequential_has_one_layer_per_module(grain: str) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    traced = check(module, torch.randn(1, 3, 11, 11), grain)
    assert names(traced) == ["input", "0", "1", "2", "3", "4"]
    assert [part.kind for part in traced.layers] == ["input", "conv", "batchnorm", "relu", "pool", "reshape"]
    # The convolution: 8 maps of 5 x 5, each 3 * 3 * 3 multiply-adds, and no count for the bias.
    assert layer(traced, "0").flops == 8 * 25 * 27 * 2
    # A pool of 2 x 2 touches four elements for each of its 8 * 2 * 2 outputs.
    assert [part.flops for part in traced.layers[2:]] == [400, 200, 128, 0]
    assert layer(traced, "0").features == {
        "input_size": 363.0,
        "output_size": 200.0,
        "flops": 10800.0,
        "input_maps": 3.0,
        "filter_term": 18.0,  # (3 / 2)^2 * 8
    }
    assert [part.free for part in traced.layers] == [False, False, False, False, False, True]
    assert tensor(traced, "input").bytes == 4 * 363
    assert tensor(traced, "0").shape == (1, 8, 5, 5)
    assert traced.grain == grain
    assert traced.name == "Sequential"


def test_weights_include_statistics_but_not_their_counter() -> None:
    traced = check(nn.Sequential(nn.BatchNorm1d(4)), torch.ones(2, 4))
    assert layer(traced, "0").weights == ("0.weight", "0.bias", "0.running_mean", "0.running_var")
    assert dict(traced.weights) == {f"0.{n}": 16 for n in ("weight", "bias", "running_mean", "running_var")}


@pytest.mark.parametrize("grain", GRAINS)
def test_tied_weights_count_once(grain: str, x: Any) -> None:
    module = nn.Sequential(nn.Linear(6, 6, bias=False), nn.ReLU(), nn.Linear(6, 6, bias=False))
    module[2].weight = module[0].weight
    traced = check(module, x, grain)
    assert traced.weight_bytes == 4 * 36
    assert layer(traced, "0").weights == layer(traced, "2").weights
    assert sum(traced.layer_weight_bytes) == 2 * 4 * 36


@pytest.mark.parametrize("grain", GRAINS)
def test_residual_and_branch(grain: str, x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        y = m.a(x)
        return torch.cat([m.b(y), y + x], -1)

    traced = check(Small(forward, a=nn.Linear(6, 6), b=nn.Linear(6, 2)), x, grain)
    assert names(traced) == ["input", "a", "b", "add", "cat"]
    assert readers(traced, "input") == ["a", "add"]
    assert readers(traced, "a") == ["b", "add"]
    assert layer(traced, "cat").kind == "concat"
    assert traced.outputs == ("cat",)


@pytest.mark.parametrize("grain", GRAINS)
def test_chunk_gives_a_tensor_per_part(grain: str, x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        a, b = torch.chunk(x, 2, 1)
        return m.f(a) + b.exp()

    traced = check(Small(forward, f=nn.ReLU()), x, grain)
    assert names(traced) == ["input", "chunk", "f", "exp", "add"]
    assert layer(traced, "chunk").free
    assert readers(traced, "chunk:0") == ["f"]
    assert readers(traced, "chunk:1") == ["exp"]
    assert tensor(traced, "chunk:0").bytes == 4 * 24


def test_unread_outputs_are_no_tensors(x: Any) -> None:
    traced = check(Small(lambda m, x: torch.max(x, 1)[0] + 1), x)
    assert [t.name for t in traced.tensors] == ["input", "max", "add"]
    assert layer(traced, "max").flops == 48


@pytest.mark.parametrize("grain", GRAINS)
def test_a_recurrent_layer_is_one_layer(grain: str, x: Any) -> None:
    module = nn.Sequential(nn.LSTM(6, 5, batch_first=True))
    traced = check(module, x, grain)
    assert names(traced) == ["input", "0"]
    assert layer(traced, "0").kind == "rnn"
    # Four gates of 5 units, each from 6 inputs and 5 states, at 2 * 4 steps.
    assert layer(traced, "0").flops == 2 * 8 * 4 * 5 * (6 + 5)
    assert traced.outputs == ("0:0", "0:1", "0:2")


class Two(nn.Module):
    def forward(self, image: Any, audio: Any, *, scale: Any = None) -> Any:
        y = image + audio
        return {"sum": y if scale is None else y * scale, "input": image, "nothing": None, "count": 3}


def test_several_inputs_and_dict_outputs(x: Any) -> None:
    traced = check(Two(), (x, x + 1))
    assert names(traced) == ["image", "audio", "add"]
    assert traced.outputs == ("add", "image")


def test_keyword_inputs_in_any_order(x: Any) -> None:
    example = {"scale": x + 2, "audio": x + 1, "image": x}
    traced = check(Two(), example)
    assert set(names(traced)[:3]) == set(example)
    swapped = {name: example[name] for name in ("image", "scale", "audio")}
    assert torch.equal(run_layers(traced, swapped)[0], run_layers(traced, example)[0])


def test_unused_input_is_a_layer(x: Any) -> None:
    class Unused(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return a + 1

    traced = check(Unused(), (x, x))
    assert names(traced) == ["a", "b", "add"]
    assert readers(traced, "b") == []


@pytest.mark.parametrize("grain", GRAINS)
def test_module_called_twice_is_two_layers(grain: str, x: Any) -> None:
    traced = check(Small(lambda m, x: m.f(F.relu(m.f(x))), f=nn.Linear(6, 6)), x, grain)
    assert names(traced) == ["input", "f", "relu", "f_1"]
    assert layer(traced, "f").weights == layer(traced, "f_1").weights


def test_leaf_module_of_several_operations(x: Any) -> None:
    class Pad(nn.Module):
        def forward(self, x: Any) -> Any:
            return F.relu(x).transpose(1, 2) * x.transpose(1, 2), x.sum()

    fine = check(nn.Sequential(Pad()), x)
    assert names(fine) == ["input", "0.relu", "0.transpose", "0.transpose_1", "0.mul", "0.sum"]
    coarse = check(nn.Sequential(Pad()), x, "modules")
    assert names(coarse) == ["input", "0"]
    assert coarse.outputs == ("0:0", "0:1")
    assert coarse.flops == fine.flops


def test_local_response_norm() -> None:
    module = nn.Sequential(nn.LocalResponseNorm(3))
    torch.manual_seed(0)
    example = torch.randn(1, 4, 5, 5)
    assert layer(check(module, example, "modules"), "0").kind == "lrn"
    assert check(module, example).flops == layer(check(module, example, "modules"), "0").flops > 3 * 100


@pytest.mark.parametrize("grain", GRAINS)
def test_free_layers(grain: str, x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        y = m.drop(x * 2).view(2, 24)
        return y.reshape(4, 12) + 1, x.transpose(1, 2).reshape(2, 24) + 1

    traced = check(Small(forward, drop=nn.Dropout()), x, grain)
    assert {part.name: part.free for part in traced.layers if part.kind in ("dropout", "reshape", "transpose")} == {
        "drop": True,
        "view": True,
        "reshape": True,
        "transpose": True,
        "reshape_1": False,  # it must copy
    }


def test_constants_are_no_layers(x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        mask = torch.arange(6)[None] < 3
        mask[:, 1] = False
        return torch.where(mask, x, m.table.exp()[:6])

    traced = check(Small(forward, table=torch.arange(8.0)), x)
    assert names(traced) == ["input", "where"]
    assert layer(traced, "where").weights[-1] == "table"
    assert traced.weights["table"] == 32


def test_constant_that_changes_between_reads(x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        c = torch.zeros(6)
        y = x + c
        c.add_(1)
        return y + c

    check(Small(forward), x)


@pytest.mark.parametrize("grain", GRAINS)
def test_in_place_operations_are_replaced(grain: str, x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        y = m.f(x * 2)
        y += 1
        return y, y.mul_(3) + x

    traced = check(Small(forward, f=nn.ReLU(inplace=True)), x, grain)
    assert names(traced) == ["input", "mul", "f", "add", "mul_1", "add_1"]
    # The module returns one tensor that it changed afterwards.
    assert traced.outputs == ("mul_1", "add_1")


@pytest.mark.parametrize("grain", GRAINS)
def test_first_layer_in_place_leaves_the_example_alone(grain: str, x: Any) -> None:
    before = x.clone()
    traced = trace(nn.Sequential(nn.ReLU(inplace=True)).eval(), x, grain=grain)
    run_layers(traced, x)
    assert torch.equal(x, before)


def _write_into_view(m: Any, x: Any) -> Any:
    y = x * 2
    y[:, 0] = 0
    return y + 1


def _write_past_view(m: Any, x: Any) -> Any:
    y = x * 2
    view = y.view(-1)
    y.add_(1)
    return view + 1, y


def _write_into_constant(m: Any, x: Any) -> Any:
    out = torch.zeros(2, 4, 6)
    out[:, 1:] = x[:, 1:]
    return out


def _promotion(m: Any, x: Any) -> Any:
    return (x * 1).add_(torch.ones(6, dtype=torch.float64))


@pytest.mark.parametrize("forward", [_write_into_view, _write_past_view, _write_into_constant, _promotion])
@pytest.mark.parametrize("grain", GRAINS)
def test_writes_that_views_see(forward: Any, grain: str, x: Any) -> None:
    check(Small(forward), x, grain)


@pytest.mark.parametrize("grain", GRAINS)
def test_outputs_that_are_inputs_constants_or_the_same(grain: str, x: Any) -> None:
    traced = check(Small(lambda m, x: (x, m.table, x + m.table, x), table=torch.ones(6)), x, grain)
    assert traced.outputs == ("input", "constant", "add", "input")
    assert layer(traced, "constant").kind == "constant"


def test_wrappers_are_inlined(x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        with torch.autocast("cpu", enabled=False), torch.enable_grad():
            y = m.f(x)
        with torch.no_grad():
            return y * 2

    assert names(check(Small(forward, f=nn.Linear(6, 6)), x)) == ["input", "f", "mul"]


def test_kinds(x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        y = m.norm(F.gelu(x)) @ x.transpose(1, 2)
        return F.scaled_dot_product_attention(y, y, y).softmax(-1), m.table(torch.argmax(x, -1))

    traced = check(Small(forward, norm=nn.LayerNorm(6), table=nn.Embedding(6, 3)), x)
    kinds = ["input", "gelu", "layernorm", "transpose", "matmul", "attention", "softmax", "argmax", "embedding"]
    assert [part.kind for part in traced.layers] == kinds
    assert layer(traced, "matmul").flops == 2 * 2 * 4 * 6 * 4
    assert layer(traced, "scaled_dot_product_attention").flops == 2 * (2 * 2 * 4 * 4 * 4)


@pytest.mark.parametrize("grain", GRAINS)
def test_save_and_load(grain: str, x: Any, tmp_path: Any) -> None:
    traced = trace(nn.Sequential(nn.Linear(6, 3), nn.ReLU()), x, grain=grain)
    traced.save(tmp_path / "graph.json")
    loaded = LayerGraph.load(tmp_path / "graph.json")
    assert loaded == traced.structure
    assert (loaded.layers, loaded.tensors) == (traced.layers, traced.tensors)
    with pytest.raises(InvalidInput, match="trace the module again"):
        run_layers(loaded, x)
    Profile(traced, {"device": Timing((0.0, 1.0, 1.0))}).save(tmp_path / "profile.json")
    assert Profile.load(tmp_path / "profile.json").graph == traced.structure


def test_structure_is_a_plain_graph(x: Any) -> None:
    traced = trace(nn.Sequential(nn.Linear(6, 3)), x, name="mine")
    assert type(traced.structure) is LayerGraph
    assert traced.name == "mine"
    with pytest.raises(dataclasses.FrozenInstanceError):
        traced.program = None


def test_a_part_of_the_layers_runs_alone(x: Any) -> None:
    traced = trace(nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 2)), x)
    program = runnable(traced)
    first = Runner(program, layers={"input", "0"}).run({"input": x}, ["0"])
    rest = Runner(program, layers={"1", "2"}).run(first, ["2"])
    assert torch.equal(rest["2"], run_layers(traced, x)[0])
    with pytest.raises(InvalidInput, match="reads tensor '1'"):
        Runner(program, layers={"2"}).run({}, ["2"])
    with pytest.raises(InvalidInput, match="wanted unknown tensor '0'"):
        Runner(program, layers={"2"}).run({"1": torch.ones(2, 4, 3)}, ["2", "0"])
    with pytest.raises(InvalidInput, match="unknown layer 'nine'"):
        Runner(program, layers={"nine"})


def test_tensors_are_let_go_after_their_last_reader(x: Any) -> None:
    import weakref

    traced = trace(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU()), x)
    alive: list[weakref.ref[Any]] = []
    most = 0

    def observe(layer: str, function: Any, arguments: Any) -> Any:
        nonlocal most
        results = function(*arguments)
        alive.extend(weakref.ref(result) for result in results)
        most = max(most, sum(reference() is not None for reference in alive))
        return results

    run_layers(traced, x, observe=observe)
    assert most == 2


def _control_flow(m: Any, x: Any) -> Any:
    return x + 1 if x.sum() > 0 else x


def _write_buffer(m: Any, x: Any) -> Any:
    m.cache[:, 0] = x[0, 0, 0]
    return m.cache + x


def _assign_buffer(m: Any, x: Any) -> Any:
    m.cache = x
    return m.cache + x


def _autocast(m: Any, x: Any) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return m.f(x)


def _cond(m: Any, x: Any) -> Any:
    return torch.cond(x.sum() > 0, lambda a: a + 1, lambda a: a - 1, (x,))


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (_control_flow, "Small: torch.export refuses it: Could not guard on data-dependent.*torch.where"),
        (_write_buffer, r"changes its buffer 'cache'.*\.eval\(\)"),
        (_assign_buffer, r"changes its buffer 'cache'.*\.eval\(\)"),
        (lambda m, x: x * x.max().item(), "depends on the data"),
        (lambda m, x: x[x > 0], "depends on the data"),
        (lambda m, x: x + torch.rand(6), "draws random numbers"),
        (lambda m, x: F.dropout(x, training=True), r"draws random numbers.*\.eval\(\)"),
        (_autocast, "autocast"),
        (_cond, "without control flow"),
        (lambda m, x: None, "returns no tensor"),
        (lambda m, x: m.f(x[..., :5]), r"does not run on the example of shape \(2, 4, 6\)"),
    ],
)
def test_refused(forward: Any, message: str, x: Any) -> None:
    module = Small(forward, f=nn.Linear(6, 6), cache=torch.zeros(2, 4, 6)).eval()
    with pytest.raises(TraceError, match=message):
        trace(module, x)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_norm_in_training_is_refused(momentum: float | None, x: Any) -> None:
    module = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(4, momentum=momentum))
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(TraceError, match=r"buffer '1\..*\.eval\(\)"):
        trace(module, x)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_functional_batch_norm_in_training_is_refused(x: Any) -> None:
    def forward(m: Any, x: Any) -> Any:
        return F.batch_norm(x, m.mean, m.var, training=True)

    with pytest.raises(TraceError, match="buffer 'mean'"):
        trace(Small(forward, mean=torch.zeros(4), var=torch.ones(4)), x)


def test_training_mode_without_state_is_taken(x: Any) -> None:
    assert names(trace(nn.Sequential(nn.Linear(6, 6)).train(), x)) == ["input", "0"]


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (3, "example is a int"),
        ([1, 2], r"example\[0\] is a int"),
        ({"x": "y"}, r"example\['x'\] is a str"),
        ((), "example is empty"),
    ],
)
def test_bad_examples(example: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        trace(nn.ReLU(), example)


def test_bad_grain_and_module(x: Any) -> None:
    with pytest.raises(InvalidInput, match=r"unknown grain 'module'.*did you mean 'modules'"):
        trace(nn.ReLU(), x, grain="module")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"give a torch\.nn\.Module"):
        trace(F.relu, x)  # type: ignore[arg-type]


def test_bad_inputs(x: Any) -> None:
    traced = trace(Two(), (x, x))
    with pytest.raises(InvalidInput, match="1 inputs given; the network takes 2"):
        run_layers(traced, x)
    with pytest.raises(InvalidInput, match=r"'audio' has shape \(3,\); .* \(2, 4, 6\)"):
        run_layers(traced, (x, torch.ones(3)))
    with pytest.raises(InvalidInput, match="argument 'audio' is missing"):
        run_layers(traced, {"image": x})
    with pytest.raises(InvalidInput, match="unknown argument 'imag'"):
        run_layers(traced, {"imag": x, "audio": x})


class Random(nn.Module):
    """A random program of views and writes: everything that makes a graph hard to turn into a functional one."""

    WORDS = "add scale add_ relu_ drop_ linear view twice fill copy chunk chunk_ constant count_"

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = random.Random(seed)
        self.steps = [(draw.choice(self.WORDS.split()), draw.random(), draw.random()) for _ in range(1 + seed % 9)]
        self.returned = [draw.random() for _ in range(3)]
        self.linear, self.relu, self.drop = nn.Linear(6, 6), nn.ReLU(inplace=True), nn.Dropout(inplace=True)

    def forward(self, x: Any, z: Any) -> Any:
        tensors = [x, z, torch.ones(2, 4, 6)]

        def pick(share: float) -> Any:
            return tensors[int(share * len(tensors))]

        for word, i, j in self.steps:
            a, b = pick(i), pick(j)
            match word:
                case "add":
                    tensors.append(a + b)
                case "scale":
                    tensors.append(a * 1.5)
                case "add_":
                    tensors.append(a.add_(b))
                case "relu_":
                    tensors.append(self.relu(a))
                case "drop_":
                    tensors.append(self.drop(a))
                case "linear":
                    tensors.append(self.linear(a))
                case "view":
                    tensors.append(a.view(2, 2, 2, 6).view(2, 4, 6))
                case "twice":
                    tensors.append(a.transpose(0, 1).transpose(0, 1))
                case "fill":
                    a[:, 1] = 0.5
                case "copy":
                    a[:, :2] = b[:, 2:]
                case "chunk" | "chunk_":
                    first, second = a.chunk(2, 1)
                    if word == "chunk_":
                        first.mul_(2)
                    tensors.append(torch.cat([second, first], 1))
                case "constant":
                    tensors.append(torch.zeros(2, 4, 6))
                case "count_":
                    tensors[2].add_(1)
        return tuple(pick(share) for share in self.returned)


@pytest.mark.parametrize("seed", range(24))
def test_random_programs(seed: int, x: Any) -> None:
    for grain in GRAINS:
        check(Random(seed), (x, x + 1), grain)


def test_the_same_module_gives_the_same_graph(x: Any) -> None:
    module = Random(8)
    assert trace(module, (x, x)).structure == trace(module, (x, x)).structure


def test_devices_written_into_the_graph_move(x: Any) -> None:
    traced = trace(Small(lambda m, x: x + torch.zeros_like(x).to("cpu") + m.f(x), f=nn.Linear(6, 6)), x)
    result = Runner(runnable(traced), "meta").run({"input": x.to("meta")}, traced.outputs)
    assert result[traced.outputs[0]].device.type == "meta"
    with pytest.raises(InvalidInput, match="run_layers: device 'cuda:99' is not available"):
        run_layers(traced, x, device="cuda:99")


def test_torch_is_imported_late_and_missed_clearly() -> None:
    code = """
import sys
sys.modules["torch"] = None
from optsplit.errors import MissingDependency
from optsplit.profiling import measure, run, trace
try:
    trace.trace(None, None)
except MissingDependency as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "optsplit[torch]"' in done.stdout
