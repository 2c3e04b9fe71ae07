"""Packing: the error bound, what is kept exactly, sizes, and damaged input."""

import math
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from optsplit.errors import FileFormatError, InvalidInput
from optsplit.packing import BITS, CODECS, pack, quantised, unpack

LOSSY = (16, 8, 4, 2)


def refused(message, error=InvalidInput):
    return pytest.raises(error, match=re.escape(message))


finite = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9), elements=st.floats(width=32)
).filter(lambda x: bool(np.isfinite(x).all()))
anything = arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, min_side=0), elements=st.floats(width=32))


@settings(max_examples=150, deadline=None)
@given(finite, st.sampled_from(LOSSY), st.sampled_from(CODECS))
def test_the_error_is_at_most_half_a_step(values, bits, codec):
    back = unpack(pack(values, bits, codec=codec))
    assert back.shape == values.shape
    assert back.dtype == np.float32
    if values.size:
        low, high = float(values.min()), float(values.max())
        step = (high - low) / (2**bits - 1)
        # half a unit in the last place of the result: float32 cannot hold every grid point
        rounding = max(abs(low), abs(high)) * 2.0**-24 + 2.0**-150
        error = np.abs(back.astype(np.float64) - values.astype(np.float64)).max()
        assert error <= step / 2 * (1 + 1e-9) + rounding
        assert back.min() == values.min()
        assert back.max() == values.max()


@settings(max_examples=150, deadline=None)
@given(finite, st.sampled_from(LOSSY))
def test_packing_again_changes_nothing(values, bits):
    once = unpack(pack(values, bits))
    assert np.array_equal(unpack(pack(once, bits)), once)


@settings(max_examples=60, deadline=None)
@given(finite, st.sampled_from(BITS))
def test_quantised_is_what_comes_back(values, bits):
    assert np.array_equal(quantised(values, bits), unpack(pack(values, bits)))


@settings(max_examples=60, deadline=None)
@given(anything)
def test_thirty_two_bits_lose_nothing(values):
    back = unpack(pack(values, 32))
    assert back.shape == values.shape
    # as integers, so that every NaN and the sign of zero count
    assert np.array_equal(back.view(np.uint32), values.view(np.uint32))


@pytest.mark.parametrize("codec", CODECS)
def test_noise_takes_its_bits_and_a_header(codec):
    values = np.random.default_rng(0).random((3, 1000), dtype=np.float32)
    for bits in LOSSY:
        # 3000 values; the header has 20 bytes, the shape 16; noise does not shrink
        assert len(pack(values, bits, codec=codec)) == 20 + 16 + 3000 * bits // 8


def test_structure_shrinks():
    values = np.zeros(100_000, dtype=np.float32)
    values[::1000] = 1.0
    for bits in BITS:
        assert len(pack(values, bits)) < 100_000 * bits / 8 / 4


@pytest.mark.parametrize("bits", LOSSY)
def test_constant_and_empty_tensors_are_all_header(bits):
    constant = np.full((7, 5), 3.25, dtype=np.float32)
    assert len(pack(constant, bits)) == 20 + 16
    assert np.array_equal(unpack(pack(constant, bits)), constant)
    empty = np.empty((0, 3), dtype=np.float32)
    assert unpack(pack(empty, bits)).shape == (0, 3)


def test_four_grid_points_by_hand():
    # 0..3 in steps of 1: 0.4 is nearest to 0, 1.5 rounds up
    values = np.array([0.0, 0.4, 1.5, 3.0], dtype=np.float32)
    assert quantised(values, 2).tolist() == [0.0, 0.0, 2.0, 3.0]
    # codes 0, 0, 2, 3 are the bits 00 00 10 11
    assert pack(values, 2)[-1] == 0b00001011


def test_views_are_packed_in_their_own_order():
    values = np.arange(24, dtype=np.float32).reshape(4, 6).T[::2]
    assert np.array_equal(unpack(pack(values, 32)), values)
    assert np.array_equal(quantised(values, 16), unpack(pack(values, 16)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_tensor_without_a_range_is_refused(bad):
    values = np.array([1.0, bad], dtype=np.float32)
    with refused("tensor holds NaN or infinite values, which have no range; send it with 32 bits"):
        pack(values, 8)
    with refused("tensor holds NaN or infinite values"):
        quantised(values, 8)


def test_what_pack_refuses():
    with refused("tensor of float64 cannot be packed; give a numpy array of float32"):
        pack(np.zeros(3), 8)
    with refused("tensor of list cannot be packed"):
        pack([1.0], 8)
    with refused("3 bits per value; give one of 32, 16, 8, 4, 2"):
        pack(np.zeros(3, dtype=np.float32), 3)
    with refused("unknown codec 'zip'"):
        pack(np.zeros(3, dtype=np.float32), 8, codec="zip")


DATA = pack(np.linspace(0, 1, 4000, dtype=np.float32), 8)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_damaged_byte_is_refused(where, change):
    damaged = bytearray(DATA)
    damaged[where] ^= change
    with pytest.raises(FileFormatError):
        unpack(damaged)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_any_cut_is_refused(length):
    with pytest.raises(FileFormatError):
        unpack(DATA[:length])


def forged(**changes):
    """Packed bytes with fields changed and the checksum made right again."""
    values = list(struct.unpack_from("<4sBBBBffI", DATA))
    shape, payload = DATA[20:28], DATA[28:]
    for place, value in changes.items():
        if place == "shape":
            shape = struct.pack("<Q", value)
        elif place == "payload":
            payload = value
        else:
            values[["magic", "version", "bits", "dimensions", "coding", "low", "high"].index(place)] = value
    values[7] = 0
    values[7] = zlib.crc32(payload, zlib.crc32(struct.pack("<4sBBBBffI", *values) + shape))
    return struct.pack("<4sBBBBffI", *values) + shape + payload


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": b"ZZZZ"}, "not a packed tensor (starts with b'ZZZZ')"),
        ({"version": 9}, "packed tensor of version 9; this release reads version 1"),
        ({"bits": 7}, "damaged header"),
        ({"coding": 3}, "damaged header"),
        ({"dimensions": 200}, "damaged header"),
        ({"low": math.nan}, "has the range nan to 1.0"),
        ({"low": 2.0}, "has the range 2.0 to 1.0"),
        ({"shape": 5000}, "expected 5000 from"),
        ({"shape": 2**60}, "at most 1073741824 are taken here"),
        ({"coding": 1}, "its shape (4000,) needs 4000"),
        ({"coding": 0, "bits": 32}, "has no values"),
        ({"payload": b"short"}, "cut off"),
        ({"payload": DATA[28:44] + bytes(len(DATA) - 44)}, "packed tensor"),
    ],
)
def test_forged_input_with_a_right_checksum_is_refused(changes, message):
    assert unpack(forged()).shape == (4000,)
    with refused(message, FileFormatError):
        unpack(forged(**changes))


def test_a_tensor_larger_than_allowed_is_refused():
    with refused("has 16000 bytes; at most 15999 are taken here", FileFormatError):
        unpack(DATA, largest=15_999)


def test_importing_the_codec_is_put_off():
    code = "import sys, optsplit.packing; sys.exit('blosc2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
