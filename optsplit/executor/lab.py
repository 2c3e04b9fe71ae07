"""Two network namespaces, a shaped link between them and a share of the CPU: a phone and a server on one machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from optsplit.errors import InvalidInput, OptsplitError
from optsplit.hardware import Connection, Link

SUBNET = "10.203.77"
SERVER, DEVICE = f"{SUBNET}.1", f"{SUBNET}.2"
BURST = 1600
PERIOD = 10_000  # microseconds in which a CPU quota is counted
QUEUE = 0.2  # seconds of the rate that may wait in a queue


class LabError(OptsplitError):
    """This machine cannot make the laboratory; the message says what is missing."""


def missing() -> str | None:
    """What this machine lacks, or None."""
    if os.geteuid() != 0:
        return "root"
    lacking = [tool for tool in ("ip", "tc") if shutil.which(tool) is None]
    return f"the program {lacking[0]} (Debian: iproute2)" if lacking else None


def _sh(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}; use --emulate instead")


def shape(namespace: str, device: str, link: Link) -> None:
    """A token bucket on what leaves a namespace, with netem for the latency where the kernel has it."""
    bits = round(link.rate * 8)
    queue = max(round(link.rate * QUEUE), 30_000)
    words = ["tc", "-n", namespace, "qdisc", "replace", "dev", device, "root", "handle", "1:"]
    # a bucket of a millisecond: a larger one would let the start of every message through for nothing
    _sh(*words, "tbf", "rate", f"{bits}bit", "burst", str(max(BURST, bits // 8 // 1000)), "limit", str(queue))
    if link.latency > 0:
        delay = f"{round(link.latency * 1e6)}us"
        _sh("tc", "-n", namespace, "qdisc", "replace", "dev", device, "parent", "1:1", "netem", "delay", delay)


@dataclass
class Quota:
    """A control group whose processes share a part of one CPU.

    Parameters
    ----------
    share
        CPUs, such as 0.2.
    """

    share: float
    path: Path = field(init=False)
    tasks: Path = field(init=False)

    def __post_init__(self) -> None:
        quota = str(max(round(self.share * PERIOD), 1000))
        second = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        root = Path("/sys/fs/cgroup" if second else "/sys/fs/cgroup/cpu")
        self.path = root / f"optsplit-lab-{os.getpid()}"
        self.tasks = self.path / "cgroup.procs"
        try:
            self.path.mkdir()
            if second:
                (self.path / "cpu.max").write_text(f"{quota} {PERIOD}")
            else:
                (self.path / "cpu.cfs_period_us").write_text(str(PERIOD))
                (self.path / "cpu.cfs_quota_us").write_text(quota)
        except OSError as error:
            self.remove()
            raise LabError(
                f"no CPU quota here ({error.strerror}: {error.filename}); the program itself can play a slow device: "
                "optsplit run --device-cpu"
            ) from error

    def enter(self, process: int | None = None) -> None:
        """Put a process in, with all its threads; default the calling one."""
        self.tasks.write_text(str(os.getpid() if process is None else process))

    def remove(self) -> None:
        """Take the group away, empty."""
        if self.path.exists():
            self.path.rmdir()


class Lab:
    """A server's and a device's namespace, joined by a link.

    Parameters
    ----------
    link
        Shapes both directions; None: as fast as the kernel.
    device_cpu
        Share of one CPU for what runs on the device; None: all.
    """

    def __init__(self, link: Connection | None, device_cpu: float | None = None) -> None:
        if (lack := missing()) is not None:
            raise LabError(f"the laboratory needs {lack}; use --emulate to slow messages in the program itself")
        if device_cpu is not None and not 0 < device_cpu <= 64:
            raise InvalidInput(f"device CPU is {device_cpu:g}; give a positive share of one CPU, such as 0.2")
        self.stack = ExitStack()
        tag = str(os.getpid())
        self.server, self.device = f"osp-server-{tag}", f"osp-device-{tag}"
        self.running: list[subprocess.Popen[bytes]] = []
        try:
            for name in (self.server, self.device):
                _sh("ip", "netns", "add", name)
                self.stack.callback(subprocess.run, ["ip", "netns", "del", name], capture_output=True)
                _sh("ip", "-n", name, "link", "set", "lo", "up")
            ends = ["osp0", "netns", self.server, "type", "veth", "peer", "name", "osp0", "netns", self.device]
            _sh("ip", "link", "add", *ends)
            for name, address in ((self.server, SERVER), (self.device, DEVICE)):
                _sh("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "osp0")
                _sh("ip", "-n", name, "link", "set", "osp0", "up")
            self.shape(link)
            self.quota = None if device_cpu is None else Quota(device_cpu)
            if self.quota is not None:
                self.stack.callback(self.quota.remove)
            self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="optsplit-lab-")))
        except BaseException:
            self.close()
            raise

    def shape(self, link: Connection | None) -> None:
        """Another link from now on."""
        if link is not None:
            shape(self.device, "osp0", link.up)
            shape(self.server, "osp0", link.down)

    def cut(self, down: bool = True) -> None:
        """Take the link down, or up again."""
        _sh("ip", "-n", self.device, "link", "set", "osp0", "down" if down else "up")

    def trust(self) -> tuple[Path, Path, Path]:
        """Files of a certificate for the server's address, its key, and a token."""
        certificate, key, token = (self.folder / name for name in ("server.pem", "server.key", "token"))
        if not certificate.exists():
            if shutil.which("openssl") is None:
                raise LabError("the laboratory needs openssl for a certificate; use --emulate instead")
            _sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=optsplit",
                "-addext", f"subjectAltName=IP:{SERVER}", "-keyout", str(key), "-out", str(certificate))  # fmt: skip
            key.chmod(0o600)
            token.write_text(os.urandom(24).hex())
        return certificate, key, token

    def on_server(self, words: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        """Start a program on the server."""
        return self._start(["ip", "netns", "exec", self.server, *words], options)

    def on_device(self, words: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        """Start a program on the device, within its share of the CPU."""
        if self.quota is not None:
            options["preexec_fn"] = self.quota.enter
        return self._start(["ip", "netns", "exec", self.device, *words], options)

    def _start(self, words: list[str], options: dict[str, object]) -> subprocess.Popen[bytes]:
        started: subprocess.Popen[bytes] = subprocess.Popen(words, **options)  # type: ignore[call-overload]
        self.running.append(started)
        return started

    def close(self) -> None:
        """Stop what still runs, and take everything down."""
        for program in self.running:
            if program.poll() is None:
                program.terminate()
                try:
                    program.wait(10)
                except subprocess.TimeoutExpired:
                    program.kill()
                    program.wait()
        self.stack.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
