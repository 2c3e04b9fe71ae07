"""quality: packed sizes, accuracy drops and exits of a network on the user's own data, into its profile."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

import optsplit
from optsplit.cli import networks, screen, tables
from optsplit.cli.door import common
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.profiling.profile import Profile
from optsplit.profiling.quality import ExitTable, Packing
from optsplit.result import percent

T = TypeVar("T")

_HOW_DATA = "save inputs as x (or by the names of the network's arguments) and labels as y, with numpy.savez"


@click.command()
@click.argument("network")
@click.argument("profile")
@click.argument("data")
@click.option("-o", "--output", metavar="FILE", help="Where to write the profile; needed unless --json is given.")
@click.option("--bits", default="16,8,4,2", metavar="LIST", help="Bits per value (default 16,8,4,2; empty for none).")
@click.option("--thresholds", default="0.5,0.6,0.7,0.8,0.9,0.95,0.99", metavar="LIST",
              help="Grid of confidences (default 0.5,0.6,0.7,0.8,0.9,0.95,0.99).")  # fmt: skip
@click.option("--exit", "exits", multiple=True, metavar="LAYER",
              help="A layer that writes an exit's scores, earliest first (default: of all outputs).")  # fmt: skip
@click.option("--place", "places", multiple=True, metavar="NAME",
              help="A place that packs as fast as this machine (repeat; default: all of the profile).")  # fmt: skip
@click.option("--codec", default="zstd", metavar="NAME", help="zstd (default, small) or lz4 (fast).")
@common
def quality(
    network: str, profile: str, data: str, output: str | None, bits: str, thresholds: str, exits: tuple[str, ...],
    places: tuple[str, ...], codec: str, as_json: bool,
) -> None:  # fmt: skip
    """Measure what packing and early exits do to the answers of NETWORK, and add it to its PROFILE.

    NETWORK is a name of the zoo, or FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION; the function takes nothing and returns
    (module, example inputs of one sample). DATA is an .npz file: x of shape (N, ...) and labels y of shape (N,).
    Without y, a right answer is the network's own in float32. Exits are measured where there are several outputs.
    """
    if output is None and not as_json:
        raise InvalidInput("nowhere to write; add -o quality.json, or --json to print it")
    screen.refuse_unwritable(output)
    widths, grid = _list("--bits", bits, int), _list("--thresholds", thresholds, float)
    found = Profile.load(profile)
    inputs, labels = _data(data)
    _, module, example = networks.build(network)
    from optsplit.profiling.confidence import measure_exits
    from optsplit.profiling.packings import measure_packing

    with screen.progress(f"tracing {found.graph.name}"):
        graph = optsplit.trace(module, example, grain=found.graph.grain, name=found.graph.name)  # type: ignore[arg-type]
    if exits or len(graph.outputs) > 1:
        with screen.progress(f"exits of {graph.name}"):
            found = measure_exits(graph, found, inputs, labels, exits=exits or None, thresholds=grid)
    if widths:
        with screen.progress(f"packing the tensors of {graph.name}") as line:

            def report(done: int, count: int) -> None:
                line.text = f"{done} of {count} samples"

            found = measure_packing(
                graph, found, inputs, labels, bits=widths, places=places or None, codec=codec, progress=report
            )
    if output is not None:
        found.save(output)
    if as_json:
        screen.emit("profile", found)
        return
    if found.exits is not None:
        screen.show(_exit_table(found.exits))
    if found.packings:
        screen.show(_packing_table(found, widths))
    screen.show(*(f"{what}: {source}" for what, source in found.quality.items()), f"written to {output}")


def _list(option: str, text: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InvalidInput(f"{option} {text!r}: write numbers with commas between them, such as 16,8") from None


def _data(path: str) -> tuple[Any, Any]:
    """Inputs and labels of an .npz file; nothing in it is executed."""
    if not Path(path).is_file():
        raise FileFormatError(f"{path}: there is no such file; {_HOW_DATA}")
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise FileFormatError(f"{path}: holds one array; {_HOW_DATA}")
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except FileFormatError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FileFormatError(f"{path}: not an .npz file of plain arrays ({error}); {_HOW_DATA}") from error
    labels = arrays.pop("y", None)
    if not arrays:
        raise FileFormatError(f"{path}: holds no inputs; {_HOW_DATA}")
    return (arrays["x"] if list(arrays) == ["x"] else arrays), labels


def _exit_table(exits: ExitTable) -> Any:
    rows = [
        [name, percent(accuracy), *(percent(_reach(exits, i, level)) for level in range(1, len(exits.thresholds) + 1))]
        for i, (name, accuracy) in enumerate(zip(exits.layers, exits.accuracy, strict=True))
    ]
    return tables.table(
        "exits: accuracy, and share of samples at least so sure",
        ("exit",),
        ("accuracy", *(f"{value:g}" for value in exits.thresholds)),
        rows,
    )


def _reach(exits: ExitTable, i: int, level: int) -> float:
    return sum(pattern.count for pattern in exits.patterns if pattern.levels[i] >= level) / exits.samples


def _packing_table(found: Profile, widths: Sequence[int]) -> Any:
    raw = {tensor.name: tensor.bytes for tensor in found.graph.tensors}
    largest = sorted(found.packings, key=lambda name: -raw[name])[: tables.LONGEST]
    rows = []
    for name in (name for name in found.packings if name in largest):
        by_bits = {packing.bits: packing for packing in found.packings[name]}
        rows.append([name, f"{raw[name]}", *(_cell(by_bits[b]) for b in widths)])
    many = len(found.packings)
    title = "packed bytes, and accuracy lost" + (
        f" (the {len(rows)} largest of {many} tensors)" if many > len(rows) else ""
    )
    return tables.table(title, ("tensor",), ("float32", *(f"{b} bits" for b in widths)), rows)


def _cell(packing: Packing) -> str:
    return f"{packing.bytes} ({percent(packing.drop)})"
