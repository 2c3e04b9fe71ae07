"""The name of the processor that a measurement ran on."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from optsplit.errors import InvalidInput

MOST_THREADS = 1024
"""With very many more, OpenMP ends the process or eats its memory."""


def check_threads(place: str, count: int) -> None:
    """Refuse a number of CPU threads that torch cannot run with.

    Raises
    ------
    InvalidInput
        Naming the place and the number.
    """
    if not 1 <= count <= MOST_THREADS:
        raise InvalidInput(f"threads at place {place!r} is {count}; give 1 or more, up to {MOST_THREADS}")


def check_device(what: str, device: str) -> None:
    """Raise `InvalidInput` where torch cannot run on `device`; the message begins with `what`."""
    import torch

    try:
        kind = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InvalidInput(
            f"{what}: unknown device {device!r}; give a torch device such as 'cpu', 'cuda' or 'cuda:1'"
        ) from error
    if kind.type == "cpu":
        return
    backend = getattr(torch, kind.type, None)
    count = backend.device_count() if backend is not None and backend.is_available() else 0
    if (kind.index or 0) >= count:
        raise InvalidInput(
            f"{what}: device {device!r} is not available here ({count} of its kind found); "
            "give 'cpu', or install a torch build for it on a machine that has it"
        )


def processor_name(device: str) -> str:
    """The processor behind a torch device, as it calls itself."""
    import torch

    kind = torch.device(device)
    if kind.type == "cuda":
        return str(torch.cuda.get_device_name(kind))
    if kind.type != "cpu":
        return kind.type
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = dict(line.split(":", 1) for line in info.read_text(errors="replace").splitlines() if ":" in line)
        names = {key.strip(): value.strip() for key, value in fields.items()}
        # Single-board computers name the board under "Model" and have no "model name".
        for key in ("model name", "Model", "Hardware"):
            if names.get(key):
                return names[key]
    if platform.system() == "Darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        if asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine() or "unknown"
