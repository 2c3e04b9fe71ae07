"""What an operation is called, how much it computes and what the regressions want to know about it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optsplit.profiling.nodes import argument

if TYPE_CHECKING:
    import torch
    from torch.fx import Node

_WORDS = {
    "conv": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution _convolution",
    "linear": "linear addmm bilinear",
    "matmul": "matmul mm bmm baddbmm einsum mv dot",
    "attention": "scaled_dot_product_attention _native_multi_head_attention",
    "rnn": "lstm gru rnn_tanh rnn_relu",
    "pool": "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices avg_pool1d avg_pool2d avg_pool3d "
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
    "_adaptive_avg_pool2d",
    "batchnorm": "batch_norm _native_batch_norm_legit_no_training",
    "layernorm": "layer_norm native_layer_norm",
    "groupnorm": "group_norm native_group_norm",
    "instancenorm": "instance_norm",
    "rmsnorm": "rms_norm _fused_rms_norm",
    "activation": "sigmoid tanh silu hardtanh relu6 hardswish hardsigmoid elu leaky_relu prelu mish softplus selu celu "
    "log_sigmoid softsign hardshrink softshrink threshold glu",
    "softmax": "_softmax log_softmax _log_softmax _safe_softmax",
    "dropout": "feature_dropout alpha_dropout feature_alpha_dropout",
    "concat": "cat concat concatenate stack hstack vstack",
    "embedding": "embedding_bag",
    "reshape": "view flatten unflatten squeeze unsqueeze _unsafe_view view_as reshape_as",
    "transpose": "permute t movedim swapaxes numpy_T mT",
    "split": "chunk split split_with_sizes unbind tensor_split",
    "slice": "select narrow unfold",
    "expand": "expand_as broadcast_to",
    "copy": "contiguous clone alias detach to _to_copy lift_fresh_copy type_as",
    "gather": "index index_select take_along_dim",
    "pad": "constant_pad_nd reflection_pad1d reflection_pad2d replication_pad2d",
    "roll": "flip rot90",
    "resize": "upsample_nearest2d upsample_bilinear2d upsample_bicubic2d",
}
_KIND = {word: kind for kind, words in _WORDS.items() for word in words.split()}

_CONTRACTIONS = {"conv", "linear", "matmul"}
_MOVES = {"concat", "embedding", "reshape", "transpose", "split", "slice", "expand", "copy", "gather", "pad", "roll"}
_MOVES |= {"dropout", "repeat", "repeat_interleave", "tile", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"}
_REDUCTIONS = {"mean", "sum", "max", "min", "amax", "amin", "prod", "argmax", "argmin", "all", "any", "var", "std"}
_REDUCTIONS |= {"topk", "sort", "argsort", "cumsum", "norm", "linalg_vector_norm", "logsumexp"}

# Per element: normalisations with stored statistics scale and shift; the others also find mean and variance.
_PER_ELEMENT = {
    "batchnorm": 2,
    "layernorm": 7,
    "groupnorm": 7,
    "instancenorm": 7,
    "rmsnorm": 4,
    "softmax": 3,
    "resize": 4,
}


def base_name(node: Node) -> str:
    """Name of the operation without namespace and overload: "conv2d"."""
    target: Any = node.target
    return str(target._schema.name.split("::")[-1]).strip("_") or "operation"


def kind(node: Node) -> str:
    """The operation in one standard word; its own name where there is none."""
    target: Any = node.target
    name = str(target._schema.name.split("::")[-1])
    return _KIND.get(name, base_name(node))


def flops(node: Node) -> int:
    """Floating-point operations of one call, a multiply-add counted as two; 0 where data only move.

    Contractions are counted by `torch.utils.flop_counter`, attention as its two matrix products, pools by their
    kernel elements per output, normalisations and softmax by a fixed number per element, everything else by one
    per output element.
    """
    word = kind(node)
    outputs = _elements(node)
    if word in _CONTRACTIONS:
        return _counted(node) or outputs
    if word == "attention":
        return _attention(node) or outputs
    if word in _MOVES:
        return 0
    if word == "pool":
        return _pool(node, outputs)
    if word == "rnn":
        return _recurrent(node)
    if word in _REDUCTIONS:
        return max((_elements(source) for source in node.all_input_nodes), default=outputs)
    return outputs * _PER_ELEMENT.get(word, 1)


def convolution_features(node: Node) -> dict[str, float]:
    """Edgent's regression variables of a convolution: input maps and (filter / stride)^2 * filters."""
    weight = _value(argument(node, "weight"))
    strides = argument(node, "stride", [1])
    strides = [strides] if isinstance(strides, int) else list(strides) or [1]
    kernel = list(weight.shape[2:])
    strides = strides * len(kernel) if len(strides) == 1 else strides
    source = _value(node.all_input_nodes[0])
    filters = weight.shape[1] if "transpose" in base_name(node) else weight.shape[0]
    ratio = math.prod(size / stride for size, stride in zip(kernel, strides, strict=True))
    return {"input_maps": float(source.shape[-len(kernel) - 1]), "filter_term": float(ratio * filters)}


def _value(node: Any) -> torch.Tensor:
    value: torch.Tensor = node.meta["val"]
    return value


def _elements(node: Node) -> int:
    """Elements of a node's tensors; of its first, where it has several."""
    import torch

    value = node.meta.get("val")
    if isinstance(value, (tuple, list)) and value:
        value = value[0]
    return value.numel() if isinstance(value, torch.Tensor) else 0


def _counted(node: Node) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: n.meta["val"])
    fakes = [n.meta["val"] for n in node.all_input_nodes if hasattr(n.meta.get("val"), "fake_mode")]
    counter = FlopCounterMode(display=False)
    function: Any = node.target
    with torch.no_grad(), fakes[0].fake_mode, counter:
        function(*args, **kwargs)
    return int(counter.get_total_flops())


def _attention(node: Node) -> int:
    # By hand: the counter knows the fused kernels of GPUs, not the CPU's.
    query, key, value = (argument(node, name) for name in ("query", "key", "value"))
    if key is None or value is None:
        return 0
    rows = _elements(query) // _value(query).shape[-1]
    return int(2 * rows * _value(key).shape[-2] * (_value(query).shape[-1] + _value(value).shape[-1]))


def _pool(node: Node, outputs: int) -> int:
    kernel = argument(node, "kernel_size")
    if kernel is None:
        # Adaptive: every input element is read about once.
        return _elements(node.all_input_nodes[0])
    dimensions = next((d for d in (1, 2, 3) if f"{d}d" in base_name(node)), 2)
    sizes = [kernel] * dimensions if isinstance(kernel, int) else list(kernel)
    return outputs * math.prod(sizes * dimensions if len(sizes) == 1 else sizes)


def _recurrent(node: Node) -> int:
    """Two operations per weight of the matrices, at every step of every sequence."""
    weights = [_value(source) for source in node.all_input_nodes[1:]]
    steps = math.prod(_value(node.all_input_nodes[0]).shape[:-1])
    parameters = argument(node, "params", ())
    own = [_value(p) for p in parameters] or weights
    return int(2 * steps * sum(w.numel() for w in own if w.dim() == 2))
