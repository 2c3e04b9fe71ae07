"""Devices and links, and presets with their published sources.

A figure that no source prints is left out (None or 0) and said so, never invented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import TypeVar

from optsplit.errors import InvalidInput, unknown

MBIT = 1e6 / 8  # bytes per second in one Mbit/s

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link:
    """Directed capacity between two places.

    Parameters
    ----------
    rate
        Bytes per second.
    latency
        Seconds per message, paid once for each tensor sent.
    transmit_watts, receive_watts
        Radio power while a tensor is sent or received, on top of the device's idle power.
    source
        Where the figures come from.
    """

    rate: float
    latency: float = 0.0
    transmit_watts: float = 0.0
    receive_watts: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if not (isinstance(self.rate, Real) and math.isfinite(self.rate) and self.rate > 0):
            raise InvalidInput(f"link rate is {self.rate!r} bytes/s; give a positive finite number")
        for name in ("latency", "transmit_watts", "receive_watts"):
            _non_negative("link", name, getattr(self, name))

    def seconds(self, size: float) -> float:
        """Seconds to send one tensor of `size` bytes."""
        return self.latency + size / self.rate


@dataclass(frozen=True, slots=True)
class Connection:
    """Both directions between the device and the server: `up` from the device, `down` to it."""

    name: str
    up: Link
    down: Link

    def scaled(self, factor: float) -> Connection:
        """The same connection with `factor` times the rate, both ways."""
        if not (math.isfinite(factor) and factor > 0):
            raise InvalidInput(f"connection {self.name!r} scaled by {factor!r}; give a positive finite number")
        return Connection(
            f"{self.name} x {factor:g}",
            replace(self.up, rate=self.up.rate * factor),
            replace(self.down, rate=self.down.rate * factor),
        )

    @staticmethod
    def mbit(up: float, down: float | None = None, *, latency: float = 0.0, name: str | None = None) -> Connection:
        """A connection of `up` and `down` Mbit/s (`down` = `up` if left out), without radio power."""
        down = up if down is None else down
        for rate in (up, down):
            if not isinstance(rate, Real):
                raise InvalidInput(f"connection of {rate!r} Mbit/s; give a number, or a preset: optsplit.links")
        return Connection(
            name or f"{up:g} Mbit/s",
            Link(up * MBIT, latency, source="given"),
            Link(down * MBIT, latency, source="given"),
        )


@dataclass(frozen=True, slots=True)
class Device:
    """Power of a device, in watts, and its memory in bytes (None where no source prints it).

    `idle_watts` is drawn while it waits for the server; while it sends, the radio's power comes on top.
    """

    name: str
    compute_watts: float
    idle_watts: float = 0.0
    memory: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("compute_watts", "idle_watts"):
            _non_negative(f"device {self.name!r}", name, getattr(self, name))
        if self.memory is not None:
            _non_negative(f"device {self.name!r}", "memory", self.memory)


def _non_negative(what: str, name: str, value: float) -> None:
    if not (isinstance(value, Real) and math.isfinite(value) and value >= 0):
        raise InvalidInput(f"{what} {name} is {value!r}; give a finite number, 0 or more")


class Presets(dict[str, T]):
    """A table of presets; an unknown name is refused with the nearest ones."""

    def __init__(self, what: str, entries: dict[str, T]) -> None:
        super().__init__(entries)
        self._what = what

    def __missing__(self, name: str) -> T:
        raise InvalidInput(unknown(self._what, name, self))


# mW per Mbit/s up, mW per Mbit/s down, mW: P = a_up * up + a_down * down + b (Huang et al., MobiSys 2012)
_LTE = (438.39, 51.97, 1288.04)
_3G = (868.98, 122.12, 817.88)
_WIFI = (283.17, 137.01, 132.86)
_DADS = "rate up: DADS (INFOCOM 2019) table I; down: not printed, taken equal; latency: not printed, 0"
_IONN = "IONN-client README: 80 Mbit/s both ways; power: IONN (SoCC 2018), 6.611 W transfer - 3.977 W idle"
_FIBER = "nominal rate of gigabit Ethernet over fibre (IEEE 802.3z, 1000BASE-X); latency: none given, 0"
_HUANG = "; radio power: Huang et al. (MobiSys 2012)"


def _radio(name: str, up: float, down: float, power: tuple[float, float, float], source: str) -> Connection:
    a_up, a_down, base = power
    return Connection(
        name,
        Link(up * MBIT, transmit_watts=(a_up * up + base) / 1000, source=source),
        Link(down * MBIT, receive_watts=(a_down * down + base) / 1000, source=source),
    )


links: Presets[Connection] = Presets(
    "link preset",
    {
        "cat1": Connection("cat1", Link(0.13 * MBIT, source=_DADS), Link(0.13 * MBIT, source=_DADS)),
        "3g": _radio("3g", 1.1, 1.1, _3G, _DADS + _HUANG),
        "4g": _radio("4g", 5.85, 5.85, _LTE, _DADS + _HUANG + ", its LTE"),
        "wifi": _radio("wifi", 18.88, 18.88, _WIFI, _DADS + _HUANG),
        "lte": _radio("lte", 6.0, 13.0, _LTE, "rates: median of Huang et al. (MobiSys 2012), abstract" + _HUANG),
        "fiber": Connection("fiber", Link(1000 * MBIT, source=_FIBER), Link(1000 * MBIT, source=_FIBER)),
        # the authors count 80 Mbit/s as 10485.76 bytes per millisecond
        "ionn-wifi": Connection(
            "ionn-wifi",
            Link(10_485_760.0, transmit_watts=6.611 - 3.977, source=_IONN),
            Link(10_485_760.0, receive_watts=6.611 - 3.977, source=_IONN),
        ),
    },
)
"""Link presets. CAT1 has no radio power: no source prints one, so energy cannot be planned on it."""

devices: Presets[Device] = Presets(
    "device preset",
    {
        "odroid-xu4": Device("odroid-xu4", 7.239, 3.977, source="IONN (SoCC 2018): idle 3.977 W, compute 7.239 W"),
    },
)
"""Device power presets."""
