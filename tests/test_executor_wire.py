"""Messages: what is written is read, and bytes that are no message are refused before memory is taken for them."""

import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from optsplit.executor.wire import _DTYPES, MAGIC, FromServer, Open, Ping, Ran, Run, ToServer, WireError, decode, encode


@pytest.mark.parametrize("dtype", _DTYPES.values(), ids=_DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 5)])
def test_tensors_arrive_as_they_left(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = (torch.rand(shape) * 100).to(dtype)
    message, found = decode(encode(Run(frame=3, plan=1, stage=2), {"a:0": tensor, "b": tensor}), ToServer)
    assert (message.frame, message.plan, message.stage) == (3, 1, 2)
    assert all(torch.equal(found[name], tensor) and found[name].dtype == dtype for name in ("a:0", "b"))


def test_a_tensor_that_is_a_view_arrives_whole() -> None:
    tensor = torch.arange(12.0).reshape(3, 4).t()[1:]
    assert torch.equal(decode(encode(Ping(number=0), {"x": tensor}), ToServer)[1]["x"], tensor)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        decode(data, ToServer)


@given(st.binary(max_size=200))
def test_random_headers_are_refused(header: bytes) -> None:
    with pytest.raises(WireError):
        decode(struct.pack("<4sI", MAGIC, len(header)) + header, ToServer)


def message(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<4sI", MAGIC, len(header)) + header + body


@pytest.mark.parametrize(
    ("header", "body", "match"),
    [
        (b'{"type":"ping","number":0,"tensors":[{"name":"a","dtype":"float32","shape":[2]}]}', b"1234567", "larger"),
        (b'{"type":"ping","number":0,"tensors":[{"name":"a","dtype":"float32","shape":[1]}]}', b"12345", "behind"),
        (b'{"type":"ping","number":0,"tensors":[{"name":"a","dtype":"object","shape":[1]}]}', b"", "dtype"),
        (b'{"type":"ping","number":0,"tensors":[{"name":"a","dtype":"int8","shape":[99999999999]}]}', b"", "larger"),
        (b'{"type":"ping","number":0,"tensors":[{"name":"a","dtype":"int8","shape":[-1]}]}', b"", "larger"),
        (b'{"type":"ran","frame":0,"stage":0,"received":0,"start":0,"end":0}', b"", "cannot be read"),
        (b'{"type":"ping","number":"0"}', b"", "cannot be read"),
        (b"[" * 100_000, b"", "cannot be read"),
    ],
)
def test_headers_that_break_a_rule(header: bytes, body: bytes, match: str) -> None:
    with pytest.raises(WireError, match=match):
        decode(message(header, body), ToServer)


def test_a_message_cut_anywhere_is_refused() -> None:
    whole = encode(Open(model="m", structure="s", weights="w"), {"x": torch.ones(4)})
    for length in range(len(whole)):
        with pytest.raises(WireError):
            decode(whole[:length], ToServer)


def test_a_large_message_is_refused_by_its_length() -> None:
    with pytest.raises(WireError, match="at most 100"):
        decode(encode(Ping(number=0), {"x": torch.ones(100)}), ToServer, limit=100)


def test_tensors_of_a_kind_that_nobody_knows_are_not_sent() -> None:
    with pytest.raises(WireError, match="complex64"):
        encode(Ping(number=0), {"x": torch.ones(2, dtype=torch.complex64)})


def test_a_client_takes_no_request() -> None:
    with pytest.raises(WireError):
        decode(encode(Ping(number=0)), FromServer)
    assert decode(encode(Ran(frame=1, stage=2, received=0.0, start=1.0, end=2.0)), FromServer)[0].stage == 2
