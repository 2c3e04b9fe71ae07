"""gRPC as both sides use it: one streaming call, its options, TLS, the token, and who may do without them."""

from __future__ import annotations

import importlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optsplit.errors import InvalidInput, MissingDependency
from optsplit.executor.wire import LARGEST_MESSAGE

SERVICE = "optsplit.Executor"
SESSION = "Session"
TOKEN = "authorization"


def need_grpc() -> Any:
    """The package grpc, or `MissingDependency`."""
    try:
        return importlib.import_module("grpc")
    except ImportError as error:
        raise MissingDependency('grpcio is not installed; pip install "optsplit[run]"') from error


@dataclass(frozen=True)
class Trust:
    """What a side needs to be trusted, read from files.

    Parameters
    ----------
    certificate, key
        PEM, of the server.
    authority
        PEM of who signed the server's certificate, for the client; the certificate itself when it signed itself.
    token
        Shared secret.
    """

    certificate: bytes | None = None
    key: bytes | None = None
    authority: bytes | None = None
    token: str | None = None

    @staticmethod
    def read(
        certificate: str | None = None, key: str | None = None, authority: str | None = None, token: str | None = None
    ) -> Trust:
        """From the paths of files."""
        secret = None if token is None else _read(token).decode("utf-8", "replace").strip()
        if secret is not None and len(secret) < 16:
            raise InvalidInput(f"{token}: the token has {len(secret)} characters; write one of at least 16")
        if (certificate is None) != (key is None):
            raise InvalidInput("TLS needs both a certificate and its key; give both")
        pair = None if certificate is None else _read(certificate), None if key is None else _read(key)
        return Trust(*pair, None if authority is None else _read(authority), secret)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror}); check the path") from error


def host_of(address: str) -> str:
    """The host of "host:port" or "[host]:port".

    Raises
    ------
    InvalidInput
        Anything else.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise InvalidInput(f"address {address!r}; write it as host:port, such as 127.0.0.1:7443")
    return host.strip("[]")


def is_loopback(address: str) -> bool:
    """Whether only this machine can be at the other end."""
    host = host_of(address)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def options(limit: int = LARGEST_MESSAGE) -> list[tuple[str, int]]:
    """Channel options of both sides: sizes, keep-alive, and no sharing of ports."""
    return [
        ("grpc.max_send_message_length", limit),
        ("grpc.max_receive_message_length", limit),
        # long enough that a large tensor on a slow link is no dead connection
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.so_reuseport", 0),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
