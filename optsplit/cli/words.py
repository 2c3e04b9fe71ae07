"""The words of the command line: links, limits, pins and factors as a user writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from optsplit.errors import InvalidInput, unknown
from optsplit.hardware import MBIT, Connection, Device, devices, links

_RATE = re.compile(r"(?P<up>[^:]+?)(:(?P<down>[^:]+?))?\s*mbit(/s)?", re.IGNORECASE)
_HOW = "give a preset, or UP[:DOWN]mbit such as 10mbit or 6:13mbit"


def connection(text: str, latency: float | None = None) -> Connection:
    """A preset's name, or `UP[:DOWN]mbit`; `latency` in seconds for each message, both ways."""
    found = _connection(text)
    if latency is None:
        return found
    return replace(found, up=replace(found.up, latency=latency), down=replace(found.down, latency=latency))


def _connection(text: str) -> Connection:
    if text.lower() in links:
        return links[text.lower()]
    rate = _RATE.fullmatch(text.strip())
    if rate is None:
        raise InvalidInput(f"{unknown('link', text, links)}; {_HOW}")
    up = _positive(f"link {text!r}: rate", rate["up"], "Mbit/s", _HOW)
    down = up if rate["down"] is None else _positive(f"link {text!r}: rate", rate["down"], "Mbit/s", _HOW)
    if not math.isfinite(max(up, down) * MBIT):
        raise InvalidInput(f"link {text!r}: too fast for a number; {_HOW}")
    return Connection.mbit(up, down)


def _number(what: str, text: str, how: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{what} {text!r} is not a number; {how}") from None


def _positive(what: str, text: str, unit: str, how: str) -> float:
    value = _number(what, text, how)
    if not (math.isfinite(value) and value > 0):
        raise InvalidInput(f"{what} is {value:g} {unit}; it must be positive and finite: {how}")
    return value


def power(text: str) -> Device:
    """A device preset, or `COMPUTE:IDLE` in watts."""
    if text in devices or ":" not in text:
        return devices[text]
    compute, _, idle = text.partition(":")
    how = "give COMPUTE:IDLE in watts, such as 7.2:4.0"
    what = f"device power {text!r}:"
    return Device(text, _number(what, compute, how), _number(what, idle, how), source="given")


def pairs(option: str, texts: Sequence[str], example: str) -> dict[str, str]:
    """`NAME=VALUE` texts as a dictionary; a name that stands twice is refused."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not (equals and name and value):
            raise InvalidInput(f"{option} {text!r}; write it as {option} {example}")
        if name in found:
            raise InvalidInput(f"{option} {name}= stands twice, as {found[name]!r} and {value!r}; give it once")
        found[name] = value
    return found


def numbers(option: str, texts: Sequence[str], example: str) -> dict[str, float]:
    """`NAME=NUMBER` texts as a dictionary."""
    return {
        name: _number(f"{option} {name}:", value, f"write it as {option} {example}")
        for name, value in pairs(option, texts, example).items()
    }


def ticks(what: str, value: float, unit: str) -> int:
    """Seconds, joules or bytes as the integers of a problem whose metric has this unit.

    Raises
    ------
    InvalidInput
        Not a number, or without end.
    """
    if not math.isfinite(value):
        raise InvalidInput(f"{what}{value:g}; give a finite number of seconds, joules or bytes")
    return round(value * (10**9 if unit in ("ns", "nJ") else 1))


LARGE = ("accuracy", "throughput")


def maximised(text: str, minimize: Sequence[str]) -> None:
    """Refuse what else `--maximize` could say."""
    if text not in LARGE:
        raise InvalidInput(
            f"--maximize {text!r}: only {' and '.join(LARGE)} can be maximised; use --minimize METRIC for a cost"
        )
    if minimize:
        raise InvalidInput(f"--maximize {text} and --minimize {minimize[0]} exclude each other; leave one out")


def bits(text: str) -> tuple[int, ...]:
    """`32,16,8` as numbers."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise InvalidInput(f"--precisions {text!r}; give bits such as 32,16,8,4,2 (32: as it is)")
    return found


def arc(text: str) -> tuple[str, str, str]:
    """`A:B=LINK` as (A, B, LINK)."""
    pair, equals, link = text.partition("=")
    first, colon, second = pair.partition(":")
    if not (equals and colon and first and second and link):
        raise InvalidInput(f"--link {text!r}; between two of several places write it as --link device:edge=wifi")
    return first, second, link
