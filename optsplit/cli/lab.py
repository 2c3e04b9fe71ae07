"""lab: a phone and a server on one machine, to run a command between."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click

from optsplit.cli import screen, words
from optsplit.cli.door import common
from optsplit.errors import InvalidInput

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
    network = _network(rest)
    grain = rest[rest.index("--grain") + 1] if "--grain" in rest[:-1] else "operations"
    served = ["serve", "--model", network, "--threads", str(server_threads), "--grain", grain]
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


def _network(rest: list[str]) -> str:
    """The second argument of a run that is neither an option nor an option's value."""
    from optsplit.cli.running import run

    values, others, _ = run.make_parser(click.Context(run)).parse_args(rest[1:])
    found = values.get("network")
    if not isinstance(found, str):
        raise InvalidInput(f"optsplit run needs a plan and a network; got {others}")
    if ":" in found:
        where, _, function = found.rpartition(":")
        return f"{Path(where).resolve()}:{function}" if where.endswith(".py") else found
    return found


def _address(server: subprocess.Popen[bytes]) -> str:
    """Where the server listens, from its first line."""
    assert server.stdout is not None
    begin = time.monotonic()
    line = server.stdout.readline().decode()
    if " on " not in line:
        raise InvalidInput(f"the server did not start in {time.monotonic() - begin:.0f} s; see its message above")
    return line.split(" on ")[1].split()[0]
