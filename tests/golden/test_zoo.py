"""The zoo against published figures: numbers of layers, MiB of weights, and IONN's layer tables.

Layers are counted as Caffe counts them, from the graph that torch.export traces:

- the operations that one leaf module runs in one call are one layer (torch writes LRN with ten operations);
- each input is a layer;
- batch normalisation is two layers, BatchNorm and Scale;
- a tensor that several layers read has one Split layer.
"""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from optsplit import zoo
from optsplit.errors import InvalidInput, MissingDependency

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
INSTANCES = Path(os.environ.get("OPTSPLIT_INSTANCES", ROOT.parent / "shared" / "instances"))


@dataclass(frozen=True)
class Golden:
    """Expected figures: layers with inputs but without Scale and Split; parameters without statistics."""

    layers: int
    batch_norms: int
    splits: int
    parameters: int


# Numbers of layers: by hand, as derived beside each line. Parameters: printed by torchvision's model pages
# (tv), or summed from the layers of the source that the table of the zoo names.
GOLDEN = {
    # data, 5 conv, 7 relu, 2 lrn, 3 pool, 3 fc, 2 dropout, softmax
    "alexnet": Golden(24, 0, 0, 60_965_224),
    # data, 13 conv, 13 relu, 5 pool, 3 fc, 2 relu, 2 dropout, softmax; tv 138357544
    "vgg16": Golden(40, 0, 0, 138_357_544),
    # data, 16 conv, 16 relu, 5 pool, 3 fc, 2 relu, 2 dropout, softmax; tv 143667240
    "vgg19": Golden(46, 0, 0, 143_667_240),
    # data, 57 conv, 57 relu, 14 pool, 2 lrn, 9 concat, dropout, fc, softmax; a Split before each of 9 modules
    "googlenet": Golden(143, 0, 9, 6_998_552),
    # data, 94 x (conv, bn, relu), 14 pool, 15 concat, dropout, fc
    # tv 27161264 less 3326696, its auxiliary head.
    # A Split before each of 11 modules and each of the 4 spread-out 3x3 inside the last two
    "inception_v3": Golden(1 + 94 * 3 + 14 + 15 + 2, 94, 15, 23_834_568),
    # data, 69 x (conv, bn, relu), 13 pool, 10 concat, fc, softmax; a Split before each of 10 modules
    "inception_21k": Golden(1 + 69 * 3 + 13 + 10 + 2, 69, 10, 33_619_969),
    # data, 20 x (conv, bn), 17 relu, 8 eltwise, 2 pool, fc, softmax; a Split for each block; tv 11689512
    "resnet18": Golden(1 + 20 * 2 + 17 + 8 + 4, 20, 8, 11_689_512),
    # data, 53 x (conv, bn), 49 relu, 16 eltwise, 2 pool, fc, softmax; a Split for each block; tv 25557032
    "resnet34": Golden(1 + 36 * 2 + 33 + 16 + 4, 36, 16, 21_797_672),
    "resnet50": Golden(1 + 53 * 2 + 49 + 16 + 4, 53, 16, 25_557_032),
    # data, 27 x (conv, bn, relu), pool, fc7, softmax
    "mobilenet_v1": Golden(1 + 27 * 3 + 3, 27, 0, 4_231_976),
    # data, 52 x (conv, bn), 35 relu6, 10 add, pool, dropout, fc; a Split before each identity; tv 3504872
    "mobilenet_v2": Golden(1 + 52 * 2 + 35 + 10 + 3, 52, 10, 3_504_872),
    # data, 200 conv, 201 bn, 201 relu, 98 concat, 5 pool, fc; a Split before each dense layer; tv 20013928
    "densenet201": Golden(1 + 200 + 201 + 201 + 98 + 5 + 1, 201, 98, 20_013_928),
    # data, conv1, pool1, conv2, pool2, ip1, relu1, ip2, prob; Caffe's example prints 431K
    "lenet": Golden(9, 0, 0, 431_080),
    # data, conv1, pool2, conv3, local4, local5, local6, fc7, fc8, prob
    "deepface": Golden(10, 0, 0, 109_418_734),
    # data, 7 fully connected, 6 sigmoid
    "kaldi": Golden(14, 0, 0, 440 * 2048 + 5 * 2048 * 2048 + 2048 * 1706 + 6 * 2048 + 1706),
    # data, fully connected, hard tanh, fully connected
    "senna_pos": Golden(4, 0, 0, 300 * 300 + 300 + 300 * 45 + 45),
    "senna_ner": Golden(4, 0, 0, 375 * 300 + 300 + 300 * 17 + 17),
    "senna_chk": Golden(4, 0, 0, 300 * 300 + 300 + 300 * 42 + 42),
    # 2 x (data, 13 conv, 13 relu, 6 pool), difference, fc, relu, fc, sigmoid; shared weights held once
    "siamese": Golden(2 * 33 + 5, 0, 0, 14_714_688 + 512 * 512 + 512 + 512 + 1),
    # 3 x (data, 5 conv, 5 relu, 3 pool), concat, fc, relu, dropout, fc
    "three_stream": Golden(3 * 14 + 5, 0, 0, 35_418_341),
    # data, 2 x (5 conv, 7 relu, 2 lrn, 3 pool, 2 fc, 2 dropout), 4 concat, fc, softmax. A Split each after
    # data and the first three concats. The weights are those of AlexNet: two groups are two towers
    "alexnet_p": Golden(1 + 2 * 21 + 4 + 2, 0, 4, 60_965_224),
    # data, main branch 22, side branches 9 and 7; a Split at each of the two side branches
    "branchy_alexnet_3": Golden(1 + 22 + 9 + 7, 0, 2, 605_886),
    # data, main branch 22, 4 side branches of 4 layers, each with a Split
    "branchy_alexnet_5": Golden(1 + 22 + 16, 0, 4, 663_026),
}

# Transformers have no Caffe layers: parameters (torchvision's 86567656, 28288354 and 49606258; transformers'
# BertModel 109482240) and the least number of traced operations.
TRANSFORMERS = {
    "vit_b16": (86_567_656, 200),
    "swin_t": (28_288_354, 700),
    "swin_s": (49_606_258, 1000),
    "bert_base": (109_482_240, 200),
}

# The networks that need more than a second or more than 200 MB.
HEAVY = {
    "alexnet",
    "vgg16",
    "vgg19",
    "inception_v3",
    "inception_21k",
    "densenet201",
    "deepface",
    "alexnet_p",
    "three_stream",
    *TRANSFORMERS,
}


def params(names):
    return [pytest.param(n, marks=pytest.mark.slow if n in HEAVY else ()) for n in names]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    gc.collect()


@dataclass(frozen=True)
class Traced:
    """A traced network: its layers (operations of one leaf module together) and what each one reads."""

    program: object
    layers: dict[str, list]
    splits: int
    batch_norms: int
    operations: int


def trace(module, inputs):
    program = torch.export.export(module, inputs)
    leaves = {name for name, child in module.named_modules() if not list(child.children())}
    users = set(program.graph_signature.user_inputs)
    layers: dict[str, list] = {}
    layer_of = {}
    operations = batch_norms = 0
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in users:
            key = f"input {node.name}"
        elif node.op == "call_function":
            operations += "getitem" not in str(node.target)
            batch_norms += "batch_norm" in str(node.target)
            stack = list((node.meta.get("nn_module_stack") or {}).items())
            # The key, unlike the path, tells the calls of a shared module apart.
            key = stack[-1][0] if stack and stack[-1][1][0] in leaves else node.name
        else:
            continue
        layers.setdefault(key, []).append(node)
        layer_of[node] = key
    splits = sum(
        len({layer_of[reader] for reader in node.users if reader in layer_of} - {key}) > 1
        for node, key in layer_of.items()
    )
    return Traced(program, layers, splits, batch_norms, operations)


def weight_bytes(module):
    """float32 weights and statistics; a shared weight once. Step counters and index tables do not count."""
    tensors = [*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())]
    return sum(t.numel() * t.element_size() for t in tensors)


def check_outputs(module, inputs):
    with torch.no_grad():
        outputs = module(*inputs)
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        assert output.isfinite().all()
        tiny = torch.finfo(output.dtype).tiny
        assert not ((output != 0) & (output.abs() < tiny)).any(), "denormal numbers slow a CPU down"
        assert output.numel() == 1 or output.std() > 0
    return outputs


def test_every_network_has_golden_figures():
    assert set(zoo.names()) == {*GOLDEN, *TRANSFORMERS}


@pytest.mark.parametrize("name", params(GOLDEN))
def test_layers_and_parameters(name):
    module, inputs = zoo.build(name)
    traced = trace(module, inputs)
    parameters = sum(p.numel() for p in module.parameters())
    assert Golden(len(traced.layers), traced.batch_norms, traced.splits, parameters) == GOLDEN[name]
    shapes = tuple((tuple(x.shape), str(x.dtype).removeprefix("torch.")) for x in inputs)
    assert shapes == zoo.entry(name).inputs
    check_outputs(module, inputs)


@pytest.mark.parametrize("name", params(TRANSFORMERS))
def test_transformers(name):
    parameters, operations = TRANSFORMERS[name]
    module, inputs = zoo.build(name)
    assert sum(p.numel() for p in module.parameters()) == parameters
    assert trace(module, inputs).operations >= operations
    check_outputs(module, inputs)


# IONN (Jeong et al., SoCC 2018), table 1: layers with Split, and MB, which are MiB. The decimals of the sizes
# are recomputed from the model files; the table itself prints 233, 129, 98, 27 and 16.
@pytest.mark.parametrize(
    ("name", "layers", "mebibytes"),
    [
        pytest.param("alexnet", 24, 232.6, marks=pytest.mark.slow),
        # "Inception": the network of 21841 classes; convolutions with bias, statistics included.
        pytest.param("inception_21k", 312, 128.3, marks=pytest.mark.slow),
        ("resnet50", 245, 97.7),
        ("googlenet", 152, 26.7),
        # The table's 110 are 27 x (conv, bn, scale, relu), pool and fc7: data and softmax are not counted.
        ("mobilenet_v1", 110 + 2, 16.2),
    ],
)
def test_ionn_table_1(name, layers, mebibytes):
    golden = GOLDEN[name]
    assert golden.layers + golden.batch_norms + golden.splits == layers
    module, _ = zoo.build(name)
    assert round(weight_bytes(module) / 2**20, 1) == mebibytes


# Neurosurgeon (Kang et al., ASPLOS 2017), its table of benchmarks. The input counts in the networks that end
# in a softmax, not in the others. (The model files of DjiNN, the suite of its networks, give the same numbers
# in another way: the input never counts and an argmax follows each softmax.)
@pytest.mark.parametrize(
    ("name", "layers", "with_input"),
    [
        ("alexnet", 24, True),
        ("vgg19", 46, True),
        ("deepface", 10, True),
        ("lenet", 9, True),
        ("kaldi", 13, False),
        ("senna_pos", 3, False),
        ("senna_ner", 3, False),
        ("senna_chk", 3, False),
    ],
)
def test_neurosurgeon_benchmarks(name, layers, with_input):
    # `test_layers_and_parameters` holds GOLDEN against the modules themselves.
    assert GOLDEN[name].layers - (not with_input) == layers


CAFFE_TYPES = {
    "conv2d": "Convolution",
    "relu": "ReLU",
    "pow": "LRN",
    "max_pool2d": "Pooling",
    "avg_pool2d": "Pooling",
    "cat": "Concat",
    "dropout": "Dropout",
    "linear": "InnerProduct",
    "softmax": "Softmax",
}


@pytest.mark.parametrize("name", [pytest.param("alexnet", marks=pytest.mark.slow), "googlenet"])
def test_ionn_layer_tables(name):
    """Type, parents, bytes read and written and bytes of weights, layer by layer, in the table's order."""
    path = INSTANCES / "ionn" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not there; set OPTSPLIT_INSTANCES to the folder of outside instances")
    expected = json.loads(path.read_text())["layers"]
    module, inputs = zoo.build(name)
    traced = trace(module, inputs)
    signature = traced.program.graph_signature
    weights = dict(traced.program.state_dict)
    position = {}
    found = []
    for i, nodes in enumerate(traced.layers.values()):
        position |= dict.fromkeys(nodes, i)
        read = [arg for node in nodes for arg in node.all_input_nodes if arg not in nodes]
        sources = list(dict.fromkeys(arg for arg in read if arg in position))
        held = {signature.inputs_to_parameters[arg.name] for arg in read if arg not in position}
        kinds = {CAFFE_TYPES.get(str(n.target).split(".")[1]) for n in nodes if n.op == "call_function"}
        found.append(
            {
                "type": (kinds - {None}).pop() if kinds else "Input",
                "parents": [position[s] for s in sources],
                "in_bytes": sum(4 * math.prod(s.meta["val"].shape) for s in sources),
                "out_bytes": 4 * math.prod(nodes[-1].meta["val"].shape),
                "weight_bytes": sum(4 * weights[w].numel() for w in held),
            }
        )
    keys = ("type", "parents", "in_bytes", "out_bytes", "weight_bytes")
    assert found == [{key: layer[key] for key in keys} for layer in expected]


@pytest.mark.parametrize(("name", "count"), [("branchy_alexnet_3", 3), ("branchy_alexnet_5", 5)])
def test_exits(name, count):
    module, inputs = zoo.build(name)
    seen = []
    for path in module.exits:
        module.get_submodule(path).register_forward_hook(lambda _m, _i, output: seen.append(output))
    outputs = check_outputs(module, inputs)
    assert len(module.exits) == len(outputs) == count
    assert all(output.shape == (1, 10) for output in outputs)
    assert all(a is b for a, b in zip(outputs, seen, strict=True))


def test_layer_names_are_the_papers():
    conv1 = zoo.build("googlenet")[0].get_submodule("conv1")
    assert isinstance(conv1, torch.nn.Conv2d)
    assert isinstance(zoo.build("resnet18")[0].get_submodule("layer1.0.conv1"), torch.nn.Conv2d)


def test_locally_connected_layer_shares_no_weights():
    from optsplit.zoo.classic import LocallyConnected2d

    torch.manual_seed(0)
    layer = LocallyConnected2d(2, 3, size=7, kernel=3, stride=2)
    x = torch.randn(2, 2, 7, 7)
    expected = torch.empty(2, 3, 3, 3)
    for i in range(3):
        for j in range(3):
            window = x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].reshape(2, -1)
            expected[:, :, i, j] = window @ layer.weight[3 * i + j] + layer.bias[:, 3 * i + j]
    torch.testing.assert_close(layer(x), expected)


def test_seed_decides_and_global_state_stays():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, (x,) = zoo.build("lenet", seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    again, (y,) = zoo.build("lenet", seed=3)
    other, (z,) = zoo.build("lenet", seed=4)
    assert not first.training
    assert torch.equal(x, y)
    assert not torch.equal(x, z)
    assert torch.equal(first(x), again(x))
    assert not torch.equal(first(x), other(x))


def test_unknown_name_gives_the_closest():
    with pytest.raises(InvalidInput, match=r"'alexnt'.*'alexnet'"):
        zoo.entry("alexnt")
    with pytest.raises(InvalidInput, match="resnet50"):
        zoo.build("resnet5")


def test_missing_torch_names_the_repair(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match=r"pip install optsplit\[torch\]"):
        zoo.build("lenet")


def test_table_needs_no_torch():
    code = "import sys, optsplit.zoo as z; z.names(); z.entry('lenet'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
