"""Every reference network and models of transformers give, layer by layer, the module's own output bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from optsplit import zoo

torch = pytest.importorskip("torch")

from optsplit.profiling.run import run_layers  # noqa: E402
from optsplit.profiling.trace import Traced, trace  # noqa: E402

QUICK = {"lenet", "alexnet", "resnet18", "mobilenet_v2", "googlenet", "branchy_alexnet_3", "three_stream", "senna_pos"}

# Layers at the grain of operations, the inputs included: a change of torch.export or of the networks shows here.
OPERATIONS = {"resnet18": 71, "googlenet": 162, "densenet201": 708, "bert_base": 248}


@pytest.fixture(autouse=True)
def plain_attention() -> Iterator[None]:
    """One thread, and attention by its operations.

    `nn.MultiheadAttention` and `nn.TransformerEncoderLayer` switch to a fused kernel in eager inference, which adds
    in another order than the operations that torch.export sees.
    """
    fast, threads = torch.backends.mha.get_fastpath_enabled(), torch.get_num_threads()
    torch.backends.mha.set_fastpath_enabled(False)
    torch.set_num_threads(1)
    yield
    torch.backends.mha.set_fastpath_enabled(fast)
    torch.set_num_threads(threads)


def check(module: Any, inputs: Any, grain: str) -> Traced:
    args, kwargs = ((), inputs) if isinstance(inputs, dict) else (inputs, {})
    with torch.no_grad():
        tree = module(*args, **kwargs)
    expected = [leaf for leaf in torch.utils._pytree.tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    traced = trace(module, inputs, grain=grain)
    found = run_layers(traced, inputs)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
    # What a layer reads is the module's own, each once.
    own = [*module.parameters(), *module.buffers()]
    storages = {tensor.untyped_storage().data_ptr(): tensor.nbytes for tensor in own}
    assert traced.weight_bytes <= sum(storages.values()) + 1024
    return traced


@pytest.mark.parametrize("grain", ["operations", "modules"])
@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in zoo.names()])
def test_zoo(name: str, grain: str) -> None:
    module, inputs = zoo.build(name)
    traced = check(module, inputs, grain)
    if grain == "operations" and name in OPERATIONS:
        assert len(traced.layers) == OPERATIONS[name]


def test_alexnet_by_hand() -> None:
    module, inputs = zoo.build("alexnet")
    traced = trace(module, inputs, grain="modules")
    kinds = [layer.kind for layer in traced.layers]
    assert kinds.count("conv") == 5
    assert kinds.count("linear") == 3
    assert kinds.count("lrn") == 2
    # 60,965,224 parameters of four bytes (Krizhevsky et al. 2012: "60 million").
    assert traced.weight_bytes == 4 * 60_965_224


def _bert(config: dict[str, int]) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    ids = torch.randint(0, 90, (1, 16))
    module = transformers.BertModel(transformers.BertConfig(**config))
    return module, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _gpt2(config: dict[str, int]) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    special = {"bos_token_id": None, "eos_token_id": None, "use_cache": False}
    module = transformers.GPT2LMHeadModel(transformers.GPT2Config(**special, **config))
    return module, {"input_ids": torch.randint(0, 90, (1, 16))}


def _vit(config: dict[str, int]) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    module = transformers.ViTModel(transformers.ViTConfig(image_size=32, patch_size=8, **config))
    return module, {"pixel_values": torch.randn(1, 3, 32, 32)}


def _swin(config: dict[str, int]) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    config = {"embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4} if config else {}
    size = 64 if config else 224
    module = transformers.SwinModel(transformers.SwinConfig(image_size=size, **config))
    return module, {"pixel_values": torch.randn(1, 3, size, size)}


def _llama(config: dict[str, int]) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    module = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=100, use_cache=False, **small))
    return module, {"input_ids": torch.randint(0, 90, (1, 16))}


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


@pytest.mark.parametrize("grain", ["operations", "modules"])
@pytest.mark.parametrize(
    ("build", "config"),
    [
        pytest.param(_bert, {"vocab_size": 100, **SMALL}, id="bert-small"),
        pytest.param(_gpt2, {"vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 4}, id="gpt2-small"),
        pytest.param(_vit, SMALL, id="vit-small"),
        pytest.param(_swin, {"small": 1}, id="swin-small"),
        pytest.param(_llama, SMALL, id="llama-small"),
        pytest.param(_bert, {}, id="bert-base", marks=pytest.mark.slow),
        pytest.param(_gpt2, {}, id="gpt2", marks=pytest.mark.slow),
        pytest.param(_swin, {}, id="swin-tiny", marks=pytest.mark.slow),
    ],
)
def test_transformers(build: Any, config: dict[str, int], grain: str) -> None:
    torch.manual_seed(0)
    module, inputs = build(config)
    check(module.eval(), inputs, grain)


def test_tied_embedding_of_gpt2_counts_once() -> None:
    module, inputs = _gpt2({"vocab_size": 100, "n_embd": 32, "n_layer": 1, "n_head": 4})
    traced = trace(module.eval(), inputs)
    assert traced.weight_bytes == 4 * sum(p.numel() for p in module.parameters())
