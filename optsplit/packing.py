"""Packing: a float32 tensor as few bytes, and back.

Uniform quantisation with the tensor's own minimum and maximum, the codes packed to bits, then bit shuffle and a
lossless codec (blosc2). 16 bits are uniform too, not float16: the error is bounded by the tensor's own range, and
activations beyond 65504 stay finite. 32 bits is lossless. A packed tensor describes itself; unpacking reads numbers
and nothing else.

Source: the scheme of Almeida, Laskaridis, Venieris, Leontiadis, Lane, "DynO: dynamic onloading of deep neural networks
from cloud to device" (2022); its codec could not be obtained, so the bytes here are this module's own.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optsplit.errors import FileFormatError, InvalidInput, MissingDependency, unknown

if TYPE_CHECKING:
    from types import ModuleType

BITS = (32, 16, 8, 4, 2)
CODECS = ("zstd", "lz4")

_MAGIC = b"OSPK"
_VERSION = 1
# magic, version, bits, dimensions, coding, minimum, maximum, checksum; then the shape
_HEADER = struct.Struct("<4sBBBBffI")
_CONSTANT, _STORED, _BLOSC = range(3)
_CHUNK = 1 << 15
_MOST_DIMENSIONS = 32

Floats = NDArray[np.float32]
Codes = NDArray[np.unsignedinteger[Any]]


def pack(values: Floats, bits: int, *, codec: str = "zstd", threads: int = 1) -> bytes:
    """A tensor as bytes.

    Parameters
    ----------
    values
        float32, any shape, also empty.
    bits
        Per value: 16, 8, 4 or 2, or 32 for no loss.
    codec
        "zstd" (small) or "lz4" (faster, a fifth larger behind a ReLU), both at their fastest level: higher ones gain
        little on activations.
    threads
        Of the codec.

    Returns
    -------
    bytes
        A header of 20 bytes and 8 per dimension, and the values; a constant tensor is all header.

    Raises
    ------
    InvalidInput
        Not float32, unknown bits or codec, NaN or infinite values with fewer than 32 bits, 2 GiB or more.
    MissingDependency
        blosc2 is not installed.
    """
    values = _checked(values, bits)
    if codec not in CODECS:
        raise InvalidInput(unknown("codec", codec, CODECS))
    if values.nbytes >= 2**31 - 64:
        raise InvalidInput(f"tensor of {values.nbytes} bytes; pack takes less than 2 GiB, split it")
    if bits == 32:
        low = high = 0.0
        codes: NDArray[Any] = values.view(np.uint32)
    else:
        low, high = _range(values)
        codes = _bit_packed(_codes(values, low, high, bits), bits)
    if values.size == 0 or (bits != 32 and low == high):
        coding, payload = _CONSTANT, b""
    else:
        coding, payload = _squeezed(codes, codec, threads)
    shape = struct.pack(f"<{values.ndim}Q", *values.shape)
    head = (_MAGIC, _VERSION, bits, values.ndim, coding, low, high)
    checksum = zlib.crc32(payload, zlib.crc32(_HEADER.pack(*head, 0) + shape))
    return _HEADER.pack(*head, checksum) + shape + payload


def unpack(data: bytes | bytearray | memoryview, *, largest: int = 1 << 30, threads: int = 1) -> Floats:
    """The tensor in packed bytes.

    Parameters
    ----------
    data
        From `pack`.
    largest
        Bytes of float32 beyond which a tensor is refused, whatever its header says.
    threads
        Of the codec.

    Raises
    ------
    FileFormatError
        Not a packed tensor, another version, cut off, damaged, or larger than `largest`.
    MissingDependency
        blosc2 is not installed.
    """
    data = bytes(data)
    bits, coding, low, high, shape, start = _header(data)
    size = math.prod(shape)
    if size * 4 > largest:
        raise FileFormatError(f"packed tensor of shape {shape} has {size * 4} bytes; at most {largest} are taken here")
    if coding == _CONSTANT:
        return np.full(shape, low, dtype=np.float32)
    width = _expected(size, bits)
    payload = data[start:]
    body = payload if coding == _STORED else _unsqueezed(payload, width, threads)
    if len(body) != width:
        raise FileFormatError(f"packed tensor holds {len(body)} bytes of values; its shape {shape} needs {width}")
    if bits == 32:
        return np.frombuffer(body, dtype="<f4").reshape(shape).copy()
    raw = np.frombuffer(body, dtype="<u2" if bits == 16 else np.uint8)
    return _values(_bit_unpacked(raw, bits, size), low, high, bits).reshape(shape)


def quantised(values: Floats, bits: int) -> Floats:
    """What `unpack(pack(values, bits))` returns, without the codec.

    The error is at most half a step, (max - min) / (2^bits - 1) / 2, and the rounding of float32.

    Raises
    ------
    InvalidInput
        As `pack`.
    """
    values = _checked(values, bits)
    if bits == 32 or values.size == 0:
        return values.copy()
    low, high = _range(values)
    if low == high:
        return np.full(values.shape, low, dtype=np.float32)
    return _values(_codes(values, low, high, bits), low, high, bits).reshape(values.shape)


def _checked(values: Floats, bits: int) -> Floats:
    if bits not in BITS:
        raise InvalidInput(f"{bits!r} bits per value; give one of {', '.join(map(str, BITS))}")
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        what = getattr(values, "dtype", type(values).__name__)
        raise InvalidInput(f"tensor of {what} cannot be packed; give a numpy array of float32")
    if values.ndim > _MOST_DIMENSIONS:
        raise InvalidInput(f"tensor with {values.ndim} dimensions; pack takes {_MOST_DIMENSIONS}")
    # ascontiguousarray makes a scalar one-dimensional
    return np.ascontiguousarray(values).reshape(values.shape)


def _range(values: Floats) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 0.0
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidInput("tensor holds NaN or infinite values, which have no range; send it with 32 bits")
    return low, high


def _codes(values: Floats, low: float, high: float, bits: int) -> Codes:
    """Index of the nearest grid point of each value, flat."""
    dtype = np.uint16 if bits == 16 else np.uint8
    flat = values.reshape(-1)
    codes = np.zeros(flat.shape, dtype=dtype)
    if low == high:
        return codes
    factor = ((1 << bits) - 1) / (high - low)
    # in float64, so that neither a wide range overflows nor 16 bits lose a step; in pieces that stay in the cache
    piece = np.empty(_CHUNK, dtype=np.float64)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        scaled = piece[: part.size]
        np.subtract(part, low, out=scaled, dtype=np.float64)
        scaled *= factor
        scaled += 0.5
        codes[start : start + _CHUNK] = scaled
    return codes


def _grid(codes: NDArray[Any], low: float, high: float, bits: int) -> Floats:
    """Values of grid points; the last one is the maximum itself, however wide the range."""
    last = (1 << bits) - 1
    points = (low + codes.astype(np.float64) * ((high - low) / last)).astype(np.float32)
    points[codes == last] = high
    return points


def _values(codes: Codes, low: float, high: float, bits: int) -> Floats:
    table = 1 << bits
    if codes.size < table:
        return _grid(codes, low, high, bits)
    found: Floats = _grid(np.arange(table), low, high, bits).take(codes)
    return found


def _bit_packed(codes: Codes, bits: int) -> Codes:
    """Several codes in a byte, the first in the highest bits; the last byte is filled with zeros."""
    if bits >= 8:
        return codes
    per = 8 // bits
    if missing := -codes.size % per:
        codes = np.concatenate([codes, np.zeros(missing, dtype=np.uint8)])
    packed = np.zeros(codes.size // per, dtype=np.uint8)
    for i in range(per):
        packed |= codes[i::per] << np.uint8(8 - bits * (i + 1))
    return packed


def _bit_unpacked(packed: Codes, bits: int, size: int) -> Codes:
    if bits >= 8:
        return packed
    per = 8 // bits
    codes = np.empty(packed.size * per, dtype=np.uint8)
    for i in range(per):
        codes[i::per] = (packed >> np.uint8(8 - bits * (i + 1))) & np.uint8((1 << bits) - 1)
    return codes[:size]


def _expected(size: int, bits: int) -> int:
    return -(-size * bits // 8)


def _blosc2() -> ModuleType:
    try:
        import blosc2  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependency(
            'packing tensors needs blosc2, which is not installed; pip install "optsplit[packing]"'
        ) from error
    module: ModuleType = blosc2
    return module


def _squeezed(codes: NDArray[Any], codec: str, threads: int) -> tuple[int, bytes]:
    blosc2 = _blosc2()
    little = codes.astype(codes.dtype.newbyteorder("<"), copy=False)
    squeezed = blosc2.compress2(
        little,
        codec=blosc2.Codec.LZ4 if codec == "lz4" else blosc2.Codec.ZSTD,
        clevel=1,
        typesize=codes.itemsize,
        filters=[blosc2.Filter.BITSHUFFLE],
        filters_meta=[0],
        nthreads=threads,
    )
    return (_BLOSC, bytes(squeezed)) if len(squeezed) < codes.nbytes else (_STORED, little.tobytes())


def _unsqueezed(payload: bytes, width: int, threads: int) -> bytes:
    # a chunk of blosc2 holds its unpacked and packed sizes at bytes 4 and 12; believed only where they agree with ours
    if len(payload) < 32:
        raise FileFormatError("packed tensor is cut off; send it again")
    promised, _, length = struct.unpack_from("<III", payload, 4)
    if promised != width or length != len(payload):
        raise FileFormatError(
            f"packed tensor: {promised} bytes from {length}; expected {width} from {len(payload)}: send it again"
        )
    try:
        return bytes(_blosc2().decompress2(payload, nthreads=threads))
    except (RuntimeError, ValueError) as error:
        raise FileFormatError(f"packed tensor cannot be unpacked ({error}); send it again") from error


def _header(data: bytes) -> tuple[int, int, float, float, tuple[int, ...], int]:
    """Bits, coding, minimum, maximum, shape, and where the payload starts."""
    if len(data) < _HEADER.size:
        raise FileFormatError(f"packed tensor of {len(data)} bytes is cut off; its header alone has {_HEADER.size}")
    magic, version, bits, dimensions, coding, low, high, checksum = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise FileFormatError(f"not a packed tensor (starts with {magic!r}); expected {_MAGIC!r}")
    if version != _VERSION:
        raise FileFormatError(f"packed tensor of version {version}; this release reads version {_VERSION}")
    start = _HEADER.size + 8 * dimensions
    if bits not in BITS or coding > _BLOSC or dimensions > _MOST_DIMENSIONS or len(data) < start:
        raise FileFormatError("packed tensor has a damaged header; send it again")
    blank = _HEADER.pack(magic, version, bits, dimensions, coding, low, high, 0)
    found = zlib.crc32(data[start:], zlib.crc32(blank + data[_HEADER.size : start]))
    if found != checksum:
        raise FileFormatError("packed tensor is damaged (its checksum does not match); send it again")
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise FileFormatError(f"packed tensor has the range {low!r} to {high!r}; send it again")
    shape = struct.unpack_from(f"<{dimensions}Q", data, _HEADER.size)
    if coding == _CONSTANT and bits == 32 and math.prod(shape):
        raise FileFormatError("packed tensor has no values; send it again")
    return bits, coding, low, high, shape, start
