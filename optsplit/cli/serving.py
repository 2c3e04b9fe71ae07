"""serve: run stages for clients, of the networks named here and no others."""

from __future__ import annotations

import signal
from typing import Any

import click

from optsplit.cli import networks, screen
from optsplit.cli.door import common
from optsplit.errors import InvalidInput


@click.command()
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NETWORK",
    help="A network to serve with its weights: a name of the zoo, or FILE.py:FUNCTION (repeat for more).",
)
@click.option(
    "--architecture",
    "architectures",
    multiple=True,
    metavar="NETWORK",
    help="A network whose weights each client uploads (repeat for more).",
)
@click.option("--listen", default="127.0.0.1:7443", metavar="HOST:PORT", help="Default 127.0.0.1:7443.")
@click.option("--tls-cert", metavar="FILE", help="Certificate (PEM); needed unless only this machine can connect.")
@click.option("--tls-key", metavar="FILE", help="Its key (PEM).")
@click.option("--token-file", metavar="FILE", help="Shared secret; needed unless only this machine can connect.")
@click.option("--device", default="cpu", metavar="DEVICE", help="A torch device: cpu (default), cuda, cuda:1.")
@click.option("--threads", type=int, metavar="N", help="CPU threads (default: torch's own number).")
@click.option("--grain", default="operations", metavar="GRAIN", help="As the plans': operations (default) or modules.")
@click.option("--sessions", type=int, default=16, metavar="N", help="Clients at a time (default 16).")
@click.option("--limit", type=float, default=512.0, metavar="MIB", help="Largest message (default 512 MiB).")
@common
def serve(
    models: tuple[str, ...], architectures: tuple[str, ...], listen: str, tls_cert: str | None, tls_key: str | None,
    token_file: str | None, device: str, threads: int | None, grain: str, sessions: int, limit: float, as_json: bool,
) -> None:  # fmt: skip
    """Serve networks to `optsplit run`, until Ctrl-C."""
    if not models and not architectures:
        raise InvalidInput("nothing to serve; add --model NETWORK")
    if sessions < 1:
        raise InvalidInput(f"--sessions {sessions}; give 1 or more")
    if threads is not None and threads < 1:
        raise InvalidInput(f"--threads {threads}; give 1 or more")
    if not 0 < limit < 2048:
        raise InvalidInput(f"--limit {limit:g}; give MiB above 0 and below 2048")
    from optsplit.executor.rpc import Trust
    from optsplit.executor.server import Server
    from optsplit.executor.session import Model
    from optsplit.profiling.trace import trace

    trust = Trust.read(tls_cert, tls_key, token=token_file)
    given: dict[str, Any] = {}
    for text in (*models, *architectures):
        name, module, example = networks.build(text)
        if name in given:
            raise InvalidInput(f"network {name!r} is given twice; give it once")
        with screen.progress(f"tracing {name}"):
            graph = trace(module, example, grain=grain, name=name)  # type: ignore[arg-type]
            given[name] = Model.of(graph, known=text in architectures)
    server = Server(
        given, listen, trust=trust, device=device, threads=threads, sessions=sessions, limit=round(limit * 2**20)
    )
    # a supervisor's SIGTERM ends the sessions as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server:
        if as_json:
            screen.emit("serving", {"address": server.address, "networks": list(given), "device": device})
        else:
            screen.show(f"serving {', '.join(given)} on {server.address} ({device}); Ctrl-C stops")
        try:
            server.wait()
        except KeyboardInterrupt:
            screen.note("stopped")
