"""methods, presets and version: what there is."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

import click

import optsplit
from optsplit import zoo
from optsplit.cli import screen, sources, tables
from optsplit.cli.door import common
from optsplit.data import names as bundled_names
from optsplit.hardware import MBIT
from optsplit.table import known

PACKAGES = ("ortools", "pulp", "highspy", "numpy", "networkx", "msgspec", "torch", "matplotlib")


@click.command()
@click.argument("problem", required=False)
@common
def methods(problem: str | None, as_json: bool) -> None:
    """Every method; with the file PROBLEM, which of them can solve it and why the others cannot."""
    loaded = None if problem is None else sources.from_problem(problem)
    rows: list[dict[str, Any]] = []
    for method in known().values():
        if loaded is not None and method.problem != type(loaded).__name__:
            continue
        row = {
            "name": method.name, "exact": method.exact, "problem": method.problem, "takes": sorted(method.takes),
            "source": method.source,
        }  # fmt: skip
        if loaded is not None:
            row |= {"mismatch": method.mismatch(loaded)}
        rows.append(row)
    if as_json:
        screen.emit("methods", rows)
        return
    screen.show(
        tables.table(
            "Methods" if problem is None else f"Methods for {problem}",
            ("method", "problem", "kind", "takes" if loaded is None else "can solve it", "source"),
            rows=(
                (
                    row["name"],
                    row["problem"],
                    "exact" if row["exact"] else "baseline",
                    ", ".join(row["takes"]) if loaded is None else _answer(row["mismatch"]),
                    row["source"],
                )
                for row in rows
            ),
        )
    )


@click.command()
@common
def presets(as_json: bool) -> None:
    """Links, devices, regressions, networks and profiles that come with the package, with their sources."""
    if as_json:
        screen.emit(
            "presets",
            {
                "links": {name: asdict(link) for name, link in optsplit.links.items()},
                "devices": {name: asdict(device) for name, device in optsplit.devices.items()},
                "regressions": {
                    name: {"source": table.source, "kinds": list(table.models)}
                    for name, table in optsplit.regressions.items()
                },
                "networks": {name: _without_builder(name) for name in zoo.names()},
                "profiles": {name: _bundled(name) for name in bundled_names()},
            },
        )
        return
    screen.show(
        tables.table(
            "Links (--link)",
            ("link", "source"),
            ("up, Mbit/s", "down, Mbit/s", "transmit, W", "receive, W"),
            (
                (
                    name,
                    _sources((link.up.source, link.down.source)),
                    f"{link.up.rate / MBIT:.5g}",
                    f"{link.down.rate / MBIT:.5g}",
                    _watts(link.up.transmit_watts),
                    _watts(link.down.receive_watts),
                )
                for name, link in optsplit.links.items()
            ),
        ),
        tables.table(
            "Device power (--device-power)",
            ("device", "source"),
            ("compute, W", "idle, W"),
            ((name, d.source, f"{d.compute_watts:g}", f"{d.idle_watts:g}") for name, d in optsplit.devices.items()),
        ),
        tables.table(
            "Regressions (optsplit profile --predict)",
            ("regressions", "layer kinds", "source"),
            rows=((name, ", ".join(t.models), t.source) for name, t in optsplit.regressions.items()),
        ),
        tables.table(
            "Networks (optsplit profile NETWORK)",
            ("network", "inputs", "source"),
            rows=((name, _inputs(name), zoo.entry(name).source) for name in zoo.names()),
        ),
        tables.table(
            "Profiles (optsplit plan bundled:NAME)",
            ("profile", "places", "measured on"),
            ("layers",),
            (
                (name, ", ".join(found["places"]), "; ".join(found["places"].values()), str(found["layers"]))
                for name, found in ((name, _bundled(name)) for name in bundled_names())
            ),
        ),
    )


def _answer(mismatch: str | None) -> str:
    return f"no: {mismatch}" if mismatch else "yes"


def _watts(value: float) -> str:
    return f"{value:.3f}" if value else "-"


def _sources(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _inputs(name: str) -> str:
    return ", ".join("x".join(map(str, shape)) for shape, _ in zoo.entry(name).inputs)


def _without_builder(name: str) -> dict[str, Any]:
    found = asdict(zoo.entry(name))
    return {key: found[key] for key in ("inputs", "source", "notes")}


def _bundled(name: str) -> dict[str, Any]:
    profile = optsplit.bundled(name)
    return {
        "layers": len(profile.graph.layers),
        "places": {place: tables.origin(dict(timing.source)) for place, timing in profile.timings.items()},
    }


@click.command()
@common
def version(as_json: bool) -> None:
    """The versions that matter for a result or a bug report."""
    found: dict[str, str | None] = {"optsplit": optsplit.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = installed(package)
        except PackageNotFoundError:
            found[package] = None
    found["platform"] = platform.platform()
    if as_json:
        screen.emit("version", found)
        return
    width = max(map(len, found))
    screen.show("\n".join(f"{name:<{width}}  {value or 'not installed'}" for name, value in found.items()))
