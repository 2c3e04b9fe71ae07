"""lab: a phone and a server on one machine, to run a command between."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from optsplit.cli import screen, words
from optsplit.cli.door import common
from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import UploadPlan

_PORT = 7443


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--link", metavar="LINK", help="4g, wifi, ..., or UP[:DOWN]mbit; default: as fast as the kernel.")
@click.option("--link-latency", type=float, metavar="SECONDS", help="Seconds per packet, both ways (needs netem).")
@click.option("--device-cpu", type=float, metavar="SHARE", help="The device's share of one CPU, such as 0.2.")
@click.option("--emulate", is_flag=True, help="No namespaces and no root: the program slows itself, and says so.")
@click.option("--server-threads", type=int, default=1, metavar="N", help="CPU threads of the server (default 1).")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
@common
def lab(
    link: str | None, link_latency: float | None, device_cpu: float | None, emulate: bool, server_threads: int,
    command: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Run `optsplit run PLAN NETWORK ...` between two network namespaces of this machine, the server in the other one.

    Write it as: optsplit lab --link 4g --device-cpu 0.2 -- optsplit run plan.json googlenet --problem problem.json

    The link is shaped by tc (token bucket) and the device's CPU by a control group; needs root, ip, tc and openssl. The
    options --server, --tls-ca and --token-file of the run are filled in.
    """
    rest = list(command[1:] if command[0] == "optsplit" else command)
    if not rest or rest[0] != "run":
        raise InvalidInput(f"lab runs `optsplit run ...`, not {' '.join(command)!r}")
    shaped = None if link is None else words.connection(link, link_latency)
    served_as = "--architecture" if _uploads(rest) else "--model"
    grain = rest[rest.index("--grain") + 1] if "--grain" in rest[:-1] else "operations"
    served = [
        "serve",
        *(word for text in _networks(rest) for word in (served_as, text)),
        "--threads",
        str(server_threads),
        "--grain",
        grain,
    ]
    if as_json:
        rest.append("--json")
    if emulate:
        more = [] if link is None else ["--emulate", link]
        more += [] if device_cpu is None else ["--device-cpu", str(device_cpu)]
        server = subprocess.Popen(_optsplit([*served, "--listen", "127.0.0.1:0"]), stdout=subprocess.PIPE)
        try:
            address = _address(server)
            done = subprocess.run(_optsplit([*rest, "--server", address, *more])).returncode
        finally:
            server.terminate()
            server.wait()
        click.get_current_context().exit(done)
    from optsplit.executor.lab import SERVER, Lab

    with Lab(shaped, device_cpu) as made:
        certificate, key, token = map(str, made.trust())
        secure = ["--listen", f"{SERVER}:{_PORT}", "--tls-cert", certificate, "--tls-key", key, "--token-file", token]
        running = made.on_server(_optsplit([*served, *secure]), stdout=subprocess.PIPE)
        address = _address(running)
        screen.note(f"link {link or 'unshaped'}, device at {device_cpu or 'all'} CPU, server at {address}")
        client = ["--server", address, "--tls-ca", certificate, "--token-file", token]
        done = made.on_device(_optsplit([*rest, *client])).wait()
    click.get_current_context().exit(done)


def _optsplit(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "optsplit.cli", *words]


def _arguments(rest: list[str]) -> dict[str, Any]:
    """What `optsplit run` takes these words for."""
    from optsplit.cli.running import run

    values: dict[str, Any] = run.make_parser(click.Context(run)).parse_args(rest[1:])[0]
    return values


def _networks(rest: list[str]) -> list[str]:
    """The networks of a run, their files by whole paths."""
    found = _arguments(rest).get("network")
    if not (isinstance(found, (tuple, list)) and found):  # click has a mark of its own for what was not given
        raise InvalidInput(f"optsplit run needs a plan and a network; got {rest[1:]}")
    names = []
    for text in found:
        where, _, function = text.rpartition(":")
        names.append(f"{Path(where).resolve()}:{function}" if where.endswith(".py") else text)
    return names


def _uploads(rest: list[str]) -> bool:
    """Whether the plan of a run is an order of uploads, for which the server must not have the weights."""
    from optsplit.cli.running import plan_of

    plan = _arguments(rest).get("plan")
    # a plan that is not there is for the run to refuse
    return isinstance(plan, str) and Path(plan).is_file() and isinstance(plan_of(plan), UploadPlan)


def _address(server: subprocess.Popen[bytes]) -> str:
    """Where the server listens, from its first line."""
    assert server.stdout is not None
    begin = time.monotonic()
    line = server.stdout.readline().decode()
    if " on " not in line:
        raise InvalidInput(f"the server did not start in {time.monotonic() - begin:.0f} s; see its message above")
    return line.split(" on ")[1].split()[0]
