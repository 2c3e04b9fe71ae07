"""What every page of results says of itself: date, command, commit, versions, machine."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from optsplit.evidence.page import markdown
from optsplit.profiling.processor import processor_name

__all__ = ["INSTANCES", "RESULTS", "markdown", "page"]

HERE = Path(__file__).parent
INSTANCES = HERE / "instances"
RESULTS = HERE / "results"

_PACKAGES = (
    "numpy", "networkx", "ortools", "pulp", "highspy", "torch", "transformers", "blosc2", "scikit-learn", "grpcio",
)  # fmt: skip


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=HERE.parent).stdout.strip()
    except OSError:
        return ""


def _commit() -> str:
    # pages that were just written do not make the code another one
    changed = _git("status", "--porcelain", "--", ".", ":!benchmarks/results")
    return (_git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def _versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return f"benchmarks.{Path(sys.argv[0]).stem}" if spec is None else spec.name.removesuffix(".__main__")


def page(name: str, title: str, body: str) -> Path:
    """Write a page of results under its date; returns its path."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    target = RESULTS / f"{today}-{name}.md"
    target.parent.mkdir(exist_ok=True)
    command = " ".join(["python -m", _module(), *sys.argv[1:]])
    target.write_text(
        f"# {title}\n\n"
        f"- date: {today}\n"
        f"- command: `{command}`\n"
        f"- commit: {_commit()}\n"
        f"- versions: {_versions()}\n"
        f"- machine: {processor_name('cpu')}, {os.cpu_count()} cores, shared and noisy: read the ratios\n\n"
        f"{body.rstrip()}\n"
    )
    return target
