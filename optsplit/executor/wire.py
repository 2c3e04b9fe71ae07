"""Messages between device and server: a typed header and raw buffers. Nothing that arrives is evaluated.

    "OSP1" | length of the header, 4 bytes, little endian | header: JSON | the tensors' bytes, one after the other

The header is one of the structs below, decoded by type; its `tensors` say how the bytes behind it are cut.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import torch

from optsplit.errors import OptsplitError
from optsplit.executor.precision import RAW, packed, unpacked

MAGIC = b"OSP1"
LARGEST_MESSAGE = 512 << 20
LARGEST_HEADER = 4 << 20
MIB = 1 << 20

_PREFIX = struct.Struct("<4sI")
_DTYPES = {
    name: getattr(torch, name)
    for name in ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool")
}


class WireError(OptsplitError):
    """Bytes that are no message, or a message that breaks a rule."""


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tensor of a message; `packed` is its size in bytes where it is packed, 0 where its values lie raw."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    packed: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What every message has."""

    tensors: tuple[Shape, ...] = ()


class Open(Message, frozen=True, tag="open"):
    """First message of a session: which network; `upload` when its weights follow."""

    model: str
    structure: str
    weights: str
    upload: bool = False


class Opened(Message, frozen=True, tag="opened"):
    """The server has that network."""

    device: str
    versions: dict[str, str]


class Prepare(Message, frozen=True, tag="prepare"):
    """A plan: the place of each layer, as positions in `places`, -1 where it is off; the server is `here`.

    Stages end at `exits` (tensors). `exit` is the plan's, if it has one, and `early` are the layers with thresholds.
    `runs` are the layers of each stage, where they are not those of one frame alone.
    """

    plan: int
    places: tuple[str, ...]
    at: tuple[int, ...]
    home: str
    here: str
    bits: dict[str, int] = {}
    exits: tuple[str, ...] = ()
    exit: str = ""
    early: tuple[str, ...] = ()
    runs: tuple[tuple[int, ...], ...] = ()


class Prepared(Message, frozen=True, tag="prepared"):
    """The stages of a plan are ready."""

    plan: int


class Run(Message, frozen=True, tag="run"):
    """Run a stage of a frame on the tensors that it needs."""

    frame: int
    plan: int
    stage: int


class Give(Message, frozen=True, tag="give"):
    """A tensor that a later stage of a frame needs."""

    number: int
    frame: int
    plan: int


class Given(Message, frozen=True, tag="given"):
    """The tensor is there; seconds of the server's clock."""

    number: int
    received: float


class Ran(Message, frozen=True, tag="ran"):
    """What the stage gives; seconds of the server's clock."""

    frame: int
    stage: int
    received: float
    start: float
    end: float


class Drop(Message, frozen=True, tag="drop"):
    """Forget a frame that ended at an exit."""

    frame: int


class Ping(Message, frozen=True, tag="ping"):
    """Answer with as many bytes as asked for."""

    number: int
    reply: int = 0


class Pong(Message, frozen=True, tag="pong"):
    """Seconds of the server's clock."""

    number: int
    received: float
    replied: float


class Weights(Message, frozen=True, tag="weights"):
    """A part of a weight, as its one tensor: the values from position `start` on."""

    number: int
    weight: str
    start: int


class Stored(Message, frozen=True, tag="stored"):
    """The part is there."""

    number: int
    received: float


ToServer = Open | Prepare | Give | Run | Drop | Ping | Weights
FromServer = Opened | Prepared | Given | Ran | Pong | Stored


def encode(
    message: Message, tensors: Mapping[str, torch.Tensor] | None = None, bits: Mapping[str, int] | None = None
) -> bytes:
    """The bytes of a message with its tensors, those in `bits` packed."""
    shapes: list[Shape] = []
    bodies: list[Any] = []
    for name, tensor in (tensors or {}).items():
        held = tensor.detach().to("cpu").contiguous()
        few = (bits or {}).get(name, RAW)
        small = packed(held, few) if few != RAW and held.dtype == torch.float32 else b""
        shapes.append(Shape(name, _name(held.dtype), tuple(held.shape), len(small)))
        bodies.append(small or _bytes(held))
    header = msgspec.json.encode(msgspec.structs.replace(message, tensors=tuple(shapes)))
    return b"".join([_PREFIX.pack(MAGIC, len(header)), header, *bodies])


def decode(data: bytes, kinds: Any, limit: int = LARGEST_MESSAGE) -> tuple[Any, dict[str, torch.Tensor]]:
    """A message of one of `kinds` and its tensors.

    Raises
    ------
    WireError
        Anything else; no memory is taken for more than the bytes that are there.
    """
    if len(data) > limit:
        raise WireError(f"message of {len(data)} bytes; at most {limit} are taken")
    if len(data) < _PREFIX.size:
        raise WireError(f"message of {len(data)} bytes is cut short")
    magic, length = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise WireError("not a message of optsplit's executor")
    if length > min(LARGEST_HEADER, len(data) - _PREFIX.size):
        raise WireError(f"header of {length} bytes in a message of {len(data)}")
    body = memoryview(data)[_PREFIX.size + length :]
    try:
        message = msgspec.json.decode(memoryview(data)[_PREFIX.size : _PREFIX.size + length], type=kinds)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"header cannot be read: {error}") from error
    return message, _tensors(message.tensors, body, limit)


def body_size(data: bytes) -> int:
    """Bytes of a message's tensors."""
    return len(data) - _PREFIX.size - int(_PREFIX.unpack_from(data)[1])


def _tensors(shapes: tuple[Shape, ...], body: memoryview, limit: int) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    begin = 0
    for entry in shapes:
        what = f"tensor {entry.name!r}"
        if entry.dtype not in _DTYPES:
            raise WireError(f"{what} has dtype {entry.dtype!r}")
        if entry.name in found or len(entry.shape) > 16 or any(not 0 <= n <= limit for n in entry.shape):
            raise WireError(f"{what} of shape {entry.shape[:16]} stands twice or is larger than its message")
        dtype = _DTYPES[entry.dtype]
        size = math.prod(entry.shape) * dtype.itemsize
        end = begin + (entry.packed or size)
        if not begin <= end <= len(body) or size > limit:
            raise WireError(f"{what} of shape {entry.shape} is larger than its message")
        if entry.packed:
            found[entry.name] = _unpacked(what, entry, body[begin:end], size)
            begin = end
            continue
        tensor = torch.empty(entry.shape, dtype=dtype)
        if tensor.numel():
            # copied: buffers of torch are aligned, those of a message are not
            memoryview(_flat(tensor))[:] = body[begin:end]
        found[entry.name] = tensor
        begin = end
    if begin != len(body):
        raise WireError(f"{len(body) - begin} bytes behind the last tensor")
    return found


def _unpacked(what: str, entry: Shape, body: memoryview, size: int) -> torch.Tensor:
    try:
        tensor = unpacked(body, entry.shape, size)
    except (OptsplitError, ValueError, MemoryError) as error:
        raise WireError(f"{what} cannot be unpacked: {error}") from error
    if tensor is None or entry.dtype != "float32":
        raise WireError(f"{what} is packed with another shape than {entry.shape}")
    return tensor


def _flat(tensor: torch.Tensor) -> Any:
    return tensor.reshape(-1).view(torch.uint8).numpy()


def _bytes(tensor: torch.Tensor) -> Any:
    return memoryview(_flat(tensor)) if tensor.numel() else b""


def _name(dtype: torch.dtype) -> str:
    name = str(dtype).removeprefix("torch.")
    if name not in _DTYPES:
        raise WireError(f"tensors of {name} cannot be sent; known: {', '.join(_DTYPES)}")
    return name
