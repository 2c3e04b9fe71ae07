"""From a file and the options of a command to a problem."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import click

from optsplit import files
from optsplit.cli import screen, words
from optsplit.errors import InvalidInput
from optsplit.hardware import Connection, Link, devices, links
from optsplit.problems import stored
from optsplit.problems.metric import Arc
from optsplit.problems.partition import Partition
from optsplit.profiling.profile import Profile
from optsplit.result import Result

BUNDLED = "bundled:"
ANYWHERE = "anywhere"

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def gathered(into: type[Any], argument: str, options: Sequence[Decorator]) -> Decorator:
    """A decorator that adds options to a command and hands them over as one object."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(**values: Any) -> Any:
            taken = into(**{field.name: values.pop(field.name) for field in fields(into)})
            return command(**{argument: taken}, **values)

        for option in reversed(options):
            option(call)
        return call

    return decorate


@dataclass(frozen=True)
class Asked:
    """The options that turn a profile into a problem, as they were written."""

    server: str | None = None
    place: tuple[str, ...] = ()
    equal: int | None = None
    memory: float | None = None
    link: tuple[str, ...] = ()
    route: bool = False
    link_latency: float | None = None
    minimize: tuple[str, ...] = ()
    maximize: str | None = None
    limit: tuple[str, ...] = ()
    deadline: float | None = None
    min_accuracy: float | None = None
    exits: str | None = None
    precisions: str | None = None
    pin: tuple[str, ...] = ()
    one_way: bool = False
    contiguous: bool = False
    result_at: str | None = None
    device_power: str | None = None
    load: tuple[str, ...] = ()


asks = gathered(
    Asked,
    "asked",
    [
        click.option("--server", metavar="FILE", help="Profile whose first place is the server."),
        click.option("--place", multiple=True, metavar="NAME=FILE",
                     help="A place more, and the profile whose first place it is (repeat for more)."),
        click.option("--equal", type=int, metavar="N", help="N places equal to the profile's last one."),
        click.option("--memory", type=float, metavar="BYTES", help="Room for weights at each of the equal places."),
        click.option("--link", multiple=True, metavar="[A:B=]LINK",
                     help=f"{', '.join(links)}, or UP[:DOWN]mbit: 10mbit, 6:13mbit. Between two places of several: "
                          "A:B=LINK."),
        click.option("--route", is_flag=True, help="Where two places have no link, send over those that there are."),
        click.option("--link-latency", type=float, metavar="SECONDS", help="Seconds per message, both ways."),
        click.option("--minimize", multiple=True, metavar="METRIC",
                     help="latency (default), energy, bytes, server_seconds, ...; several: the largest of them."),
        click.option("--maximize", metavar="accuracy|throughput",
                     help="accuracy; or throughput, the least period of a stream: the largest busy time of any place "
                          "or link."),
        click.option("--limit", multiple=True, metavar="METRIC=VALUE", help="Largest value: seconds, joules or bytes."),
        click.option("--deadline", type=float, metavar="SECONDS", help="The same as --limit latency=SECONDS."),
        click.option("--min-accuracy", type=float, metavar="SHARE", help="Least accuracy, such as 0.9."),
        click.option("--exits", type=click.Choice(["one", "confidence", "none"]),
                     help="One exit for every request, or each sample where it is confident enough. Default: one, "
                          "where the profile has exits."),
        click.option("--precisions", metavar="BITS",
                     help="Bits to choose from for each tensor that crosses, such as 32,16,8 (32: as it is)."),
        click.option("--pin", multiple=True, metavar="LAYER=PLACE", help="Where a layer must run."),
        click.option("--one-way", is_flag=True, help="No layer may read from a later place."),
        click.option("--contiguous", is_flag=True, help="No path of layers comes back to a place that it has left."),
        click.option("--result-at", metavar="PLACE",
                     help=f"Where the outputs must end: a place (default: the device), or {ANYWHERE}."),
        click.option("--device-power", metavar="POWER",
                     help=f"For energy: {', '.join(devices)}, or COMPUTE:IDLE in watts such as 7.2:4.0."),
        click.option("--load", multiple=True, metavar="PLACE=FACTOR", help="Times slower than profiled."),
    ],
)  # fmt: skip
"""Adds the options of `Asked` to a command."""


def profile(name: str) -> Profile:
    """A profile file, or `bundled:NAME`."""
    if name.startswith(BUNDLED):
        from optsplit.data import bundled

        return bundled(name.removeprefix(BUNDLED))
    if (kind := files.kind_of(name)) != "profile":
        raise InvalidInput(f"{name}: holds a {kind!r}, not a profile; {_REPAIRS.get(kind, _MEASURE)}")
    return Profile.load(name)


_MEASURE = "write one by: optsplit profile NETWORK -o phone.json"
_REPAIRS = {
    **dict.fromkeys(stored.KINDS, "a problem is solved by: optsplit solve FILE"),
    "graph": f"a graph has no times; {_MEASURE}",
    "result": "solve its problem again by: optsplit solve FILE",
}


def two_places(name: str, server: str | None) -> Profile:
    """The profile of the device, with the server's place behind it."""
    phone = profile(name)
    if server is not None:
        box = profile(server)
        device, other = first_place(phone), first_place(box)
        return device.renamed("device").merged(other.renamed("server"))
    if len(phone.places) == 1:
        raise InvalidInput(f"{name}: has the one place {phone.places[0]!r}; add the server's by --server FILE")
    if len(phone.places) > 2:
        raise InvalidInput(
            f"{name}: has the places {', '.join(phone.places)}; this command plans for two, so add --server FILE to "
            "take its first place alone, or name each link: --link A:B=LINK"
        )
    return phone


def first_place(profile: Profile) -> Profile:
    """The same profile at its first place alone."""
    here = profile.places[0]

    def at(seconds: Mapping[str, float]) -> dict[str, float]:
        return {place: s for place, s in seconds.items() if place == here}

    packings = {
        tensor: tuple(replace(p, pack_seconds=at(p.pack_seconds), unpack_seconds=at(p.unpack_seconds)) for p in choice)
        for tensor, choice in profile.packings.items()
    }
    return replace(profile, timings={here: profile.timings[here]}, packings=packings)


def of_profile(profile: Profile, asked: Asked, link: Connection | Mapping[Arc, Link]) -> Partition:
    """The problem of a profile, over one connection or over named links."""
    from optsplit.cli import places

    limits = words.numbers("--limit", asked.limit, "energy=0.8")
    if asked.deadline is not None:
        if "latency" in limits:
            raise InvalidInput("--deadline and --limit latency= are the same; leave one out")
        limits["latency"] = asked.deadline
    if asked.maximize is not None:
        words.maximised(asked.maximize, asked.minimize)
    if asked.route and asked.precisions is not None:
        raise InvalidInput(
            "--route and --precisions exclude each other: packing on the way is not priced; leave one out"
        )
    accurate = asked.maximize == "accuracy"
    minimize = asked.minimize or ("latency",)
    power = None if asked.device_power is None else words.power(asked.device_power)
    if power is None and "energy" in {*minimize, *limits}:
        raise InvalidInput(
            "energy needs the power of the device; add --device-power "
            f"{next(iter(devices))}, or --device-power COMPUTE:IDLE in watts"
        )
    radio = [link.up, link.down] if isinstance(link, Connection) else list(link.values())
    if power is not None and not any(arc.transmit_watts or arc.receive_watts for arc in radio):
        name = repr(link.name) if isinstance(link, Connection) else "of every pair"
        screen.note(f"link {name} has no radio power: energy counts computing and waiting alone")
    problem = Partition.from_profile(
        profile, link, minimize=None if accurate else minimize, limits=limits,
        pins=words.pairs("--pin", asked.pin, "conv1=device"),
        result_at={None: "", ANYWHERE: None}.get(asked.result_at, asked.result_at), one_way=asked.one_way,
        device=power, load=words.numbers("--load", asked.load, "server=2"), exits=asked.exits,
        precisions=None if asked.precisions is None else words.bits(asked.precisions),
        maximize="accuracy" if accurate else None,
        at_least=None if asked.min_accuracy is None else {"accuracy": asked.min_accuracy},
    )  # fmt: skip
    if asked.route and not isinstance(link, Connection):
        problem = places.routed(problem, link)
    if len(units := {problem.units[name] for name in problem.objectives}) > 1:
        raise InvalidInput(
            f"--minimize {' --minimize '.join(problem.objectives)}: the largest of {' and '.join(sorted(units))} means "
            "nothing; name metrics of one unit, or use --limit, or optsplit front for every trade-off"
        )
    if asked.contiguous:
        problem = problem.but(contiguous=True)
    return problem.but(minimize=places.busy(problem)) if asked.maximize == "throughput" else problem


def _link(asked: Asked, default: str | None) -> Connection:
    if len(asked.link) > 1:
        raise InvalidInput(f"--link stands {len(asked.link)} times for one pair of places; give it once")
    text = next(iter(asked.link), default)
    if text is None:
        raise InvalidInput("no link; add --link with a preset (4g, wifi, ...; see optsplit presets) or such as 10mbit")
    return words.connection(text, asked.link_latency)


def from_profile(name: str, asked: Asked, default_link: str | None = None) -> Partition:
    """The problem that the options ask for, on a profile."""
    from optsplit.cli import places

    if asked.equal is not None:
        return places.equal(profile(name), asked, _link(asked, default_link))
    if asked.memory is not None:
        raise InvalidInput("--memory is the room of each of --equal N places; use --limit NAME_memory=BYTES for one")
    if asked.place or any("=" in text for text in asked.link):
        joined = places.joined(name, asked)
        return of_profile(joined, asked, places.links(asked, joined.places))
    if asked.route:
        raise InvalidInput("--route needs links by name: --link A:B=LINK")
    return of_profile(two_places(name, asked.server), asked, _link(asked, default_link))


def from_problem(name: str) -> Any:
    """The problem in a file, of any kind, also in that of a result."""
    kind = files.kind_of(name)
    if kind == "result":
        problem = Result.load(name).problem
        if problem is None:
            raise InvalidInput(f"{name}: is a result without its problem; give the file of the problem")
        return problem
    if kind == "profile":
        raise InvalidInput(f"{name}: holds a profile, not a problem; use: optsplit plan {name} --link ...")
    if kind not in stored.KINDS:
        how = "write one by: optsplit plan ... --save-problem FILE"
        raise InvalidInput(f"{name}: holds a {kind!r}, not a problem; {how}")
    return stored.load(name)


def partition(name: str, asked: Asked, what: str, default_link: str | None = None) -> Partition:
    """As `from_either`, for what only a problem of what runs where has."""
    problem = from_either(name, asked, default_link)
    if not isinstance(problem, Partition):
        raise InvalidInput(
            f"{name}: holds a {type(problem).__name__}, and {what} is of a Partition; use: optsplit solve {name}"
        )
    return problem


def from_either(name: str, asked: Asked, default_link: str | None = None) -> Any:
    """A profile with options, or a problem (its file, or that of a result), which has them inside."""
    if name.startswith(BUNDLED) or files.kind_of(name) not in {*stored.KINDS, "result"}:
        return from_profile(name, asked, default_link)
    for field in fields(asked):
        if getattr(asked, field.name) != field.default:
            option = "--" + field.name.replace("_", "-")
            raise InvalidInput(f"{name}: is a problem and has its own {option} inside; leave {option} out")
    return from_problem(name)
