"""Profiles that come with the package, measured by it; each says where and how in `Timing.source`."""

from __future__ import annotations

from importlib import resources

from optsplit import files
from optsplit.errors import InvalidInput, unknown
from optsplit.profiling.profile import Profile


def names() -> list[str]:
    """The networks whose profile is bundled."""
    return sorted(entry.name[:-5] for entry in resources.files(__name__).iterdir() if entry.name.endswith(".json"))


def bundled(name: str) -> Profile:
    """A bundled profile: place "device" is one thread of a server CPU, "server" two threads of it.

    Raises
    ------
    InvalidInput
        No such profile; the message names those there are.
    """
    if name not in names():
        raise InvalidInput(unknown("bundled profile", name, names()))
    data = resources.files(__name__).joinpath(f"{name}.json").read_bytes()
    return files.loads(data, "profile", Profile, name)
