"""Profiles that come with the package, measured by it; each says where and how in `Timing.source`."""

from __future__ import annotations

from importlib import resources

from optsplit import files
from optsplit.errors import InvalidInput, unknown
from optsplit.profiling.profile import Profile

_END = ".json.gz"


def names() -> list[str]:
    """The networks whose profile is bundled."""
    return sorted(
        entry.name[: -len(_END)] for entry in resources.files(__name__).iterdir() if entry.name.endswith(_END)
    )


def bundled(name: str) -> Profile:
    """A bundled profile: place "device" is one thread of a server CPU, "server" two threads of it.

    Raises
    ------
    InvalidInput
        No such profile; the message names those there are.
    """
    if name not in names():
        raise InvalidInput(unknown("bundled profile", name, names()))
    data = resources.files(__name__).joinpath(name + _END).read_bytes()
    return files.loads(files.unpacked(data, name), "profile", Profile, name)
