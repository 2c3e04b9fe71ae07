"""trace and profile: from a network to a graph, and to seconds for each layer."""

from __future__ import annotations

from pathlib import Path

import click

import optsplit
from optsplit import files, report
from optsplit.cli import networks, screen, tables
from optsplit.cli.door import common
from optsplit.errors import InvalidInput
from optsplit.graph import LayerGraph

network = click.argument("network")
grain = click.option(
    "--grain", default="operations", metavar="GRAIN", help="A layer is an operation (default) or a module: modules."
)
output = click.option("-o", "--output", metavar="FILE", help="Where to write it; needed unless --json is given.")


def _refuse_nowhere(output: str | None, as_json: bool, example: str) -> None:
    if output is None and not as_json:
        raise InvalidInput(f"nowhere to write; add -o {example}, or --json to print it")
    screen.refuse_unwritable(output)


def _traced(network: str, grain: str) -> LayerGraph:
    name, module, example = networks.build(network)
    with screen.progress(f"tracing {name}"):
        return optsplit.trace(module, example, grain=grain, name=name)  # type: ignore[arg-type]


@click.command()
@network
@grain
@output
@common
def trace(network: str, grain: str, output: str | None, as_json: bool) -> None:
    """Write the layer graph of NETWORK: a name of the zoo, or FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION.

    The function takes nothing and returns (module, example inputs).
    """
    _refuse_nowhere(output, as_json, "graph.json")
    graph = _traced(network, grain)
    graph = getattr(graph, "structure", graph)
    if output is not None:
        graph.save(output)
    if as_json:
        screen.emit("graph", graph)
        return
    screen.show(
        f"{graph.name}: {len(graph.layers)} layers, {len(graph.tensors)} tensors, {graph.flops / 1e9:.3g} GFLOP, "
        f"{graph.weight_bytes / report.MIB:.4g} MiB of weights; written to {output}"
    )


@click.command()
@network
@click.option("--device", default="cpu", metavar="DEVICE", help="A torch device: cpu (default), cuda, cuda:1.")
@click.option("--threads", type=int, metavar="N", help="CPU threads (default: torch's own number).")
@grain
@click.option("--place", default="device", metavar="NAME", help="What to call the place (default: device).")
@click.option("--max-seconds", type=float, default=30.0, metavar="SECONDS", help="Longest measurement (default 30).")
@click.option("--predict", metavar="NAME", help="Predict by regressions instead: a preset or a file.")
@output
@common
def profile(
    network: str, device: str, threads: int | None, grain: str, place: str, max_seconds: float, predict: str | None,
    output: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure the seconds of each layer of NETWORK, here and now.

    NETWORK is a name of the zoo, or FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION; the function takes nothing and
    returns (module, example inputs). With --predict it may also be the file of a graph or a profile, without torch.
    """
    _refuse_nowhere(output, as_json, "phone.json")
    if predict is not None:
        table = optsplit.Regressions.load(predict) if _is_file(predict) else optsplit.regressions[predict]
        found = optsplit.predict(_graph(network, grain), {place: table})
    elif _is_file(network):
        raise InvalidInput(f"{network}: a file has no network to run; give the network itself, or add --predict NAME")
    else:
        graph = _traced(network, grain)
        with screen.progress(f"measuring {graph.name}") as line:
            found = optsplit.measure(
                graph, {place: device}, threads={} if threads is None else {place: threads}, max_seconds=max_seconds,
                progress=line.measuring,
            )  # fmt: skip
    if output is not None:
        found.save(output)
    if as_json:
        screen.emit("profile", found)
        return
    screen.show(tables.network(report.network_summary(found)))
    for timing in found.timings.values():
        for what in ("assumed", "clamped", "source"):
            if what in timing.source:
                screen.show(f"{what}: {timing.source[what]}")
    screen.show(f"written to {output}")


def _is_file(text: str) -> bool:
    return text.endswith((".json", ".json.gz"))


def _graph(network: str, grain: str) -> LayerGraph:
    if not _is_file(network):
        return _traced(network, grain)
    if not Path(network).exists() or files.kind_of(network) != "profile":
        return LayerGraph.load(network)
    return optsplit.Profile.load(network).graph
