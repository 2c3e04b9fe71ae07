"""The client's side of one server: a session whose requests are answered, refused, or late, never forever."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from typing import Any

import torch

from optsplit.errors import InvalidInput
from optsplit.executor import rpc
from optsplit.executor.frames import Refused, Unreachable
from optsplit.executor.rpc import Trust, need_grpc
from optsplit.executor.shaping import Shaper, wait_until
from optsplit.executor.wire import (
    LARGEST_MESSAGE,
    Drop,
    FromServer,
    Give,
    Given,
    Message,
    Open,
    Opened,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Ran,
    Run,
    Stored,
    Weights,
    WireError,
    body_size,
    decode,
    encode,
)
from optsplit.hardware import Connection as Duplex

Key = tuple[Any, ...]
# message, tensors, when it is whole here, bytes of the tensors
Arrived = tuple[Any, dict[str, torch.Tensor], float, int]
PINGS = 8
CLOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Reply:
    """A reply, its tensors, when its request left, and when it was here; bytes of the tensors of both."""

    message: Any
    tensors: Mapping[str, torch.Tensor]
    sent: float
    arrived: float
    up: int = 0
    down: int = 0


@dataclass(frozen=True)
class Pending:
    """A message that was sent: the key of its reply, when it left, and the bytes of its tensors."""

    key: Key
    sent: float
    size: int
    future: Future[Arrived]


class Connection:
    """A session with a server.

    Parameters
    ----------
    address
        "host:port".
    trust
        Authority and token; needed unless the address is this machine's loopback.
    link
        Slows the session to this link, in this process; None leaves it.
    patience
        Seconds to wait for the server to open.

    Raises
    ------
    InvalidInput
        No TLS or token to another machine.
    Refused
        The server refuses the token or the network.
    Unreachable
        Nothing answers there.
    """

    def __init__(
        self, address: str, opening: Open, *, trust: Trust | None = None, link: Duplex | None = None,
        patience: float = 5.0, limit: int = LARGEST_MESSAGE,
    ) -> None:  # fmt: skip
        self.grpc = grpc = need_grpc()
        trust = trust or Trust()
        if not rpc.is_loopback(address) and (trust.authority is None or trust.token is None):
            raise InvalidInput(
                f"server {address} without {'TLS' if trust.authority is None else 'a token'}; give the authority of "
                "its certificate and the token file: only this machine's loopback goes without"
            )
        self.address, self.limit = address, limit
        self.up = Shaper(None if link is None else link.up)
        self.down = Shaper(None if link is None else link.down)
        self.outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.pending: dict[Key, Future[Arrived]] = {}
        self.lock = threading.Lock()
        self.failure: str | None = None
        self.refused: str | None = None
        self.numbers = itertools.count()
        if trust.authority is None:
            self.channel = grpc.insecure_channel(address, options=rpc.options(limit))
        else:
            secure = grpc.ssl_channel_credentials(root_certificates=trust.authority)
            self.channel = grpc.secure_channel(address, secure, options=rpc.options(limit))
        metadata = [] if trust.token is None else [(rpc.TOKEN, f"Bearer {trust.token}")]
        call = self.channel.stream_stream(f"/{rpc.SERVICE}/{rpc.SESSION}")
        self.call = call(iter(self.outbox.get, None), metadata=metadata)
        self.reader = threading.Thread(target=self._read, name=f"replies of {address}", daemon=True)
        self.reader.start()
        try:
            opened: Opened = self.ask(opening, ("opened",), patience).message
            self.device = opened.device
            self.offset, self.delay = self._clock(patience)
        except BaseException:
            self.close()
            raise

    # --- requests ---------------------------------------------------------------------------------------------

    def ask(
        self, message: Message, key: Key, patience: float, tensors: Mapping[str, torch.Tensor] | None = None,
        bits: Mapping[str, int] | None = None,
    ) -> Reply:  # fmt: skip
        """Send a message and wait for the reply that has this key."""
        return self.reply(self.post(message, key, tensors, bits), patience)

    def post(
        self, message: Message, key: Key, tensors: Mapping[str, torch.Tensor] | None = None,
        bits: Mapping[str, int] | None = None,
    ) -> Pending:  # fmt: skip
        """Send a message; `reply` waits for what comes."""
        begin = time.monotonic()
        data = encode(message, tensors, bits)
        pending = Pending(key, begin, body_size(data), Future())
        self._send(data, key, pending.future)
        return pending

    def reply(self, pending: Pending, patience: float) -> Reply:
        """The reply to a message, at the latest `patience` seconds after it was sent."""
        left = pending.sent + patience - time.monotonic()
        try:
            message, found, due, size = pending.future.result(max(left, 0.0))
        except Late:
            raise Unreachable(f"server {self.address} did not answer in {patience:g} s") from None
        finally:
            with self.lock:
                self.pending.pop(pending.key, None)
        wait_until(due)
        return Reply(message, found, pending.sent, time.monotonic(), pending.size, size)

    def _send(self, data: bytes, key: Key, future: Future[Any]) -> None:
        if len(data) > self.limit:
            raise Refused(f"message of {len(data)} bytes for {self.address}; at most {self.limit} are sent")
        wait_until(self.up.due(len(data)))
        with self.lock:
            if self.failure is not None:
                self._raise()
            self.pending[key] = future
            self.outbox.put(data)

    def _raise(self) -> None:
        if self.refused is not None:
            raise Refused(f"server {self.address} refuses: {self.refused}")
        raise Unreachable(f"server {self.address}: {self.failure}")

    def prepare(self, message: Prepare, patience: float) -> None:
        """Make the server ready for a plan."""
        self.ask(message, ("prepared", message.plan), patience)

    def run(
        self, message: Run, tensors: Mapping[str, torch.Tensor], patience: float, bits: Mapping[str, int] | None = None
    ) -> Reply:
        """Run a stage there."""
        return self.ask(message, ("ran", message.frame, message.stage), patience, tensors, bits)

    def give(self, plan: int, frame: int, name: str, tensor: torch.Tensor) -> Pending:
        """Send a tensor ahead of the stage that needs it."""
        number = next(self.numbers)
        return self.post(Give(number=number, frame=frame, plan=plan), ("given", number), {name: tensor})

    def drop(self, frame: int) -> None:
        """Have the server forget a frame; nothing is answered."""
        with self.lock:
            if self.failure is None:
                self.outbox.put(encode(Drop(frame=frame)))

    def ping(self, size: int = 0, reply: int = 0, patience: float = 10.0) -> Reply:
        """Bytes there and back."""
        number = next(self.numbers)
        load = {"load": torch.zeros(size, dtype=torch.uint8)} if size else None
        return self.ask(Ping(number=number, reply=reply), ("pong", number), patience, load)

    def store(self, weight: str, start: int, part: torch.Tensor) -> Pending:
        """Upload the values of a weight from position `start` on."""
        number = next(self.numbers)
        return self.post(Weights(number=number, weight=weight, start=start), ("stored", number), {"part": part})

    def here(self, there: float) -> float:
        """A moment of the server's clock on this one's."""
        return there - self.offset

    def close(self) -> None:
        """End the session."""
        self.outbox.put(None)
        self.call.cancel()
        self.channel.close()
        self.reader.join(5.0)

    def _clock(self, patience: float) -> tuple[float, float]:
        """How far the server's clock is ahead, and seconds of the shortest way there and back."""
        best: tuple[float, float] | None = None
        enough = time.monotonic() + CLOCK_SECONDS
        for number in range(PINGS):
            if number >= 2 and time.monotonic() > enough:
                break
            reply = self.ping(patience=patience)
            away = reply.message.replied - reply.message.received
            there_and_back = reply.arrived - reply.sent - away
            ahead = (reply.message.received - reply.sent + reply.message.replied - reply.arrived) / 2
            best = min(best or (there_and_back, ahead), (there_and_back, ahead))
        assert best is not None
        return best[1], best[0]

    # --- replies ----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            for data in self.call:
                message, tensors = decode(data, FromServer, self.limit)
                key = _key(message)
                due = self.down.due(len(data))
                with self.lock:
                    future = self.pending.pop(key, None)
                # a reply that nobody waits for any more was late: its frame has been answered
                if future is not None:
                    future.set_result((message, tensors, due, body_size(data)))
            self._fail("it closed the session")
        except WireError as error:
            self._fail(f"it sent nonsense: {error}")
        except self.grpc.RpcError as error:
            code = error.code() if hasattr(error, "code") else None
            text = (error.details() if hasattr(error, "details") else None) or str(code)
            status = self.grpc.StatusCode
            final = code in (status.UNAUTHENTICATED, status.INVALID_ARGUMENT, status.UNIMPLEMENTED)
            # gRPC has one status for a message too large and for too many clients, which pass
            final |= code is status.RESOURCE_EXHAUSTED and "RPC limit" not in text
            self._fail(text.splitlines()[0], text if final else None)

    def _fail(self, text: str, refused: str | None = None) -> None:
        with self.lock:
            self.failure, self.refused = text, refused
            waiting = list(self.pending.values())
            self.pending.clear()
        self.outbox.put(None)
        for future in waiting:
            try:
                self._raise()
            except Unreachable as error:
                future.set_exception(error)


def _key(message: Any) -> Key:
    if isinstance(message, Ran):
        return "ran", message.frame, message.stage
    if isinstance(message, Prepared):
        return "prepared", message.plan
    if isinstance(message, Pong):
        return "pong", message.number
    if isinstance(message, Given):
        return "given", message.number
    if isinstance(message, Stored):
        return "stored", message.number
    return ("opened",)
