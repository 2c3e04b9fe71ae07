"""The server: sessions of clients over gRPC, for the networks that it was given and no others."""

from __future__ import annotations

import hmac
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from optsplit.errors import InvalidInput, OptsplitError
from optsplit.executor import rpc
from optsplit.executor.rpc import Trust, need_grpc
from optsplit.executor.session import Model, Session
from optsplit.executor.wire import LARGEST_MESSAGE, ToServer, WireError, decode, encode
from optsplit.profiling.processor import check_device
from optsplit.profiling.run import Runner, runnable

MESSAGES_WAITING = 8
_END = (b"", -1.0)
_LINGER = 60.0


class Server:
    """Serve networks until stopped.

    Parameters
    ----------
    models
        Name -> network, see `Model.of`.
    listen
        "host:port"; port 0 takes a free one, see `port`.
    trust
        Certificate, key and token; needed unless `listen` is this machine's loopback.
    device, threads
        Where the stages run.
    sessions
        Clients at a time.
    limit
        Largest message, in bytes.

    Raises
    ------
    InvalidInput
        No TLS or token on an address that others can reach, or the address is taken.
    """

    def __init__(
        self, models: Mapping[str, Model], listen: str = "127.0.0.1:7443", *, trust: Trust | None = None,
        device: str = "cpu", threads: int | None = None, sessions: int = 16, limit: int = LARGEST_MESSAGE,
    ) -> None:  # fmt: skip
        grpc = need_grpc()
        trust = trust or Trust()
        check_device("server", device)
        if not models:
            raise InvalidInput("server has no network; give at least one")
        if not rpc.is_loopback(listen) and (trust.certificate is None or trust.token is None):
            raise InvalidInput(
                f"listening on {listen} without {'TLS' if trust.certificate is None else 'a token'}; give a "
                "certificate, its key and a token file, or listen on 127.0.0.1"
            )
        self.models, self.device, self.threads, self.trust, self.limit = models, device, threads, trust, limit
        self.bases = {name: Runner(runnable(model.graph), device) for name, model in models.items() if not model.known}
        self.grpc = grpc
        self.stopping = threading.Event()
        self.pool = ThreadPoolExecutor(sessions, thread_name_prefix="session")
        self.server = grpc.server(self.pool, options=rpc.options(limit), maximum_concurrent_rpcs=sessions)
        method = grpc.stream_stream_rpc_method_handler(self._session)
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(rpc.SERVICE, {rpc.SESSION: method}),)
        )
        try:
            if trust.certificate is None:
                self.port = self.server.add_insecure_port(listen)
            else:
                pair = grpc.ssl_server_credentials([(trust.key, trust.certificate)])
                self.port = self.server.add_secure_port(listen, pair)
        except RuntimeError as error:
            raise InvalidInput(f"cannot listen on {listen}; another program has it, or no such address here") from error
        self.address = f"{listen.rpartition(':')[0]}:{self.port}"

    def start(self) -> Server:
        """Accept clients, in threads of their own."""
        self.server.start()
        return self

    def stop(self, grace: float = 0.5) -> None:
        """End every session, after `grace` seconds by force."""
        self.stopping.set()
        self.server.stop(grace).wait()
        self.pool.shutdown(wait=True, cancel_futures=True)

    def wait(self) -> None:
        """Until stopped."""
        self.server.wait_for_termination()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- one client -------------------------------------------------------------------------------------------

    def _session(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        status = self.grpc.StatusCode
        if not self._may_enter(context):
            context.abort(status.UNAUTHENTICATED, "the token is missing or wrong")
        session = Session(self.models, self.bases, self.device, self.threads)
        inbox: queue.Queue[tuple[bytes, float]] = queue.Queue(MESSAGES_WAITING)
        # a thread of its own, so that the next frame arrives while this one is computed
        reader = threading.Thread(target=self._read, args=(requests, context, inbox), name="reader", daemon=True)
        reader.start()
        problem: tuple[Any, str] | None = None
        while context.is_active() and not self.stopping.is_set():
            try:
                data, received = inbox.get(timeout=0.5)
            except queue.Empty:
                continue
            if received == _END[1]:
                break
            try:
                message, tensors = decode(data, ToServer, self.limit)
                for reply, given, bits in session.handle(message, tensors, received):
                    yield encode(reply, given, bits)
            except WireError as error:
                problem = status.INVALID_ARGUMENT, str(error)
                break
            except (OptsplitError, RuntimeError, MemoryError) as error:
                problem = status.INTERNAL, f"the stage failed: {type(error).__name__}: {error}"[:500]
                break
        if problem is not None:
            context.abort(*problem)

    def _read(self, requests: Iterator[bytes], context: Any, inbox: queue.Queue[tuple[bytes, float]]) -> None:
        try:
            for data in requests:
                if not _put(inbox, (data, time.monotonic()), context):
                    return
        except Exception:  # grpc raises a bare Exception when the client is gone
            pass
        with suppress(queue.Full):
            inbox.put(_END, timeout=_LINGER)

    def _may_enter(self, context: Any) -> bool:
        if self.trust.token is None:
            return True
        given = dict(context.invocation_metadata()).get(rpc.TOKEN, "")
        return hmac.compare_digest(str(given).encode(), f"Bearer {self.trust.token}".encode())


def _put(inbox: queue.Queue[tuple[bytes, float]], entry: tuple[bytes, float], context: Any) -> bool:
    while context.is_active():
        try:
            inbox.put(entry, timeout=0.5)
        except queue.Full:
            continue
        return True
    return False
