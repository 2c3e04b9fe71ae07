"""Upload orders between two sets, searched backwards from the larger one, with bounds.

A set S is closed when all its units are in use on the server once it is there. X(S), the largest closed subset, has
the latency of S. Some optimal order has only closed sets whenever the latency drops (mathematics, section 4), so it is
a chain of closed sets, and between two of them the order does not matter.

**Backwards.** The closed sets below a closed set U are subsets of X(U - u) for some u in U: one cut for each u gives
every set that an order may have just before U. What X(U - u) drops besides u *needs* u, in U and in every subset of
U, since X grows with its argument. So units that need each other are one class, for good, and only classes that
nothing else needs can be sent last.

**Blocks** (Sidney 1975; for supermodular gains: mathematics, section 4). A segment is a pair of closed sets B < U; its
cost is the area under the latency while U - B is sent. Where the lower convex hull of (time, latency) of the closed
sets between has a vertex, some optimal order goes through it, so the segment falls into two that are independent.

**Bound.** Let a line c - s * t support the hull of a segment without vertices inside. Whatever the order, a class of
time p_k that starts at t_k costs at least p_k * (c - s * t_k), and these sum up to P * c - s * (P**2 - sum p_k**2) / 2,
the same for all orders: the area under the line, and above it a step for each class.

So a segment is an alternative of the classes that may come last, and each alternative is the sum of the segments of
its hull: an and-or graph, in which the same segments return. `Search` refines it where the bound is decided.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from optsplit.algorithms.upload_cut import Network, Side

_FITS = 2**61


def bits(units: int) -> Iterator[int]:
    """The positions of a set of units."""
    while units:
        least = units & -units
        yield least.bit_length() - 1
        units ^= least


@dataclass(eq=False)
class Segment:
    """The orders that lead from one closed set to another, with what is known of the least cost.

    Parameters
    ----------
    before, units
        The units on the server at the start, and those to send.
    time, start
        Nanoseconds for all of them; the latency at the start.
    classes
        Groups of units that only count together, as bits, with their time.
    line
        (value, price, scale): scale * latency + price * time >= value for every closed set between.
    lower, upper
        Bounds on the least cost; `upper` is that of an order.
    network, low, high
        A network that holds these units, and the sides of its nodes at the start and the end.
    choices
        A heap of what may come last, once expanded: (lower bound when it was pushed, number, choice).
    best
        The choice behind `upper`; None: everything at once.
    """

    before: int
    units: int
    time: int
    start: int
    classes: dict[int, int]
    line: tuple[int, int, int]
    lower: int
    upper: int
    network: Network
    low: Side | None
    high: Side | None
    choices: list[Alternative] | None = None
    best: Choice | None = None

    @property
    def closed(self) -> bool:
        """Whether the least cost is known."""
        return self.lower >= self.upper


@dataclass(eq=False)
class Choice:
    """A class that is sent last in a segment: its cost, and the segments before it once they are known."""

    last: int
    cost: int
    latency: int
    side: Side
    lower: int
    parts: list[Segment] | None = None


Alternative = tuple[int, int, Choice]


@dataclass
class Search:
    """The and-or graph of one problem.

    Parameters
    ----------
    times
        Nanoseconds of all units of the problem.
    segments
        By (units before, units to send).
    cuts
        How many minimum cuts it took.
    guide, light
        A search of the same problem with the units `light` present: its segments bound those of the same other units.
    """

    times: tuple[int, ...]
    segments: dict[tuple[int, int], Segment] = field(default_factory=dict)
    cuts: int = 0
    guide: Search | None = None
    light: int = 0

    def length(self, units: int) -> int:
        """Nanoseconds to send a set of units."""
        return sum(self.times[k] for k in bits(units))

    def between(
        self,
        network: Network,
        low: tuple[int, int, Side | None],
        high: tuple[int, int, Side | None],
        classes: dict[int, int],
    ) -> list[Segment]:
        """The segments between the vertices of the hull from one closed set to another.

        Each set comes as (units, latency, its side in `network`); None for the ends of the network itself.
        """
        before, start, _ = low
        units, end = high[0] & ~before, high[1]
        if (known := self.segments.get((before, units))) is not None:
            return [known]
        time = sum(classes.values())
        # a vertex is a vertex whatever line finds it, and a line at any slope is a bound: the slope may be rounded
        room = _FITS // (network.endless + start - end + 1) - 1
        slope = Fraction(start - end, time).limit_denominator(max(room, 1000))
        price, scale = slope.numerator, slope.denominator
        self.cuts += 1
        found = network.least(units, price, scale, there=before)
        used = found.used & units
        if used and used != units and found.value < min(scale * start, scale * end + price * time):
            early = {c: p for c, p in classes.items() if c & used}
            late = {c: p for c, p in classes.items() if not c & used}
            latency = (found.value - price * sum(early.values())) // scale
            middle = (before | used, latency, found.device)
            return self.between(network, low, middle, early) + self.between(network, middle, high, late)
        lower = time * start if len(classes) == 1 else 0
        segment = Segment(
            before, units, time, start, classes, (found.value, price, scale), lower, time * start,
            network, low[2], high[2],
        )  # fmt: skip
        segment.lower = max(lower, self.bound(segment))
        self.segments[before, units] = segment
        return [segment]

    def bound(self, segment: Segment) -> int:
        """The area under the line with a step for each class."""
        value, price, scale = segment.line
        whole, squares = segment.time, sum(p * p for p in segment.classes.values())
        return -((price * (whole * whole - squares) - 2 * whole * value) // (2 * scale))

    def expand(self, segment: Segment) -> list[Alternative]:
        """Find the classes of a segment and those that may come last: the heap of `segment.choices`."""
        units = segment.units
        network = segment.network = segment.network.between(segment.low, segment.high)
        segment.low = segment.high = None
        lost: dict[int, int] = {}
        found = {}
        for group in segment.classes:
            self.cuts += 1
            cut = network.least(units & ~group)
            drop = units & ~cut.used
            lost[drop] = lost.get(drop, 0) | group
            found[drop] = cut
        segment.classes = {group: self.length(group) for group in lost.values()}
        bound = self.bound(segment)
        value, price, scale = segment.line
        heap: list[Alternative] = []
        for drop, group in lost.items():
            if drop != group:
                continue  # something else needs it: that goes first when sets shrink
            cut, p = found[drop], segment.classes[group]
            above = scale * cut.value + price * (segment.time - p) - value
            choice = Choice(group, p * cut.value, cut.value, cut.device, bound + p * above // scale)
            if group == units:
                choice.parts = []
            heap.append((choice.lower, len(heap), choice))
        heapq.heapify(heap)
        segment.choices = heap
        segment.lower = max(segment.lower, bound)
        self.update(segment)
        return heap

    def open(self, segment: Segment, choice: Choice) -> None:
        """Find the segments before a choice."""
        classes = {c: p for c, p in segment.classes.items() if c != choice.last}
        low = segment.before, segment.start, None
        high = segment.before | (segment.units & ~choice.last), choice.latency, choice.side
        choice.parts = self.between(segment.network, low, high, classes) if classes else []

    def ask(self, guide: Search, segment: Segment) -> None:
        """Take the lower bound of the guide's segment of the same units, but the light ones, where it has one."""
        easier = guide.segments.get((segment.before & ~self.light, segment.units & ~self.light))
        if easier is not None and easier.lower > segment.lower:
            segment.lower = min(easier.lower, segment.upper)

    def update(self, segment: Segment) -> None:
        """Draw what is known of the choices together, as far as the least lower bound asks for it."""
        heap = segment.choices
        while heap:
            before, number, choice = heap[0]
            if choice.parts is None:
                break
            lower, upper = choice.cost, choice.cost
            for part in choice.parts:
                if self.guide is not None:
                    self.ask(self.guide, part)
                lower += part.lower
                upper += part.upper
            if upper < segment.upper:
                segment.upper, segment.best = upper, choice
            choice.lower = max(choice.lower, lower)
            if choice.lower == before:
                break
            heapq.heapreplace(heap, (choice.lower, number, choice))
        if heap is not None:
            segment.lower = max(segment.lower, min(heap[0][0], segment.upper))

    def refine(self, segment: Segment) -> None:
        """One step where the lower bound of a segment is decided: an expansion or an opening."""
        path = [segment]
        while True:
            segment = path[-1]
            if segment.choices is None:
                self.expand(segment)
                break
            choice = segment.choices[0][2]
            if choice.parts is None:
                self.open(segment, choice)
                break
            unsure = [part for part in choice.parts if not part.closed]
            if not unsure:
                break
            path.append(max(unsure, key=lambda part: part.upper - part.lower))
        for segment in reversed(path):
            self.update(segment)

    def dive(self, segment: Segment, left: Callable[[], float | None] = lambda: None) -> None:
        """An order through the choices that look best, all the way down, unless no seconds are `left`."""
        pending, seen = [segment], list[tuple[Segment, Choice]]()
        while pending and left() != 0:
            segment = pending.pop()
            if segment.closed:
                continue
            heap = self.expand(segment) if segment.choices is None else segment.choices
            # what looks best before it is opened may not do so afterwards
            while not segment.closed and heap[0][2].parts is None and left() != 0:
                self.open(segment, heap[0][2])
                self.update(segment)
            if not segment.closed and heap[0][2].parts is not None:
                seen.append((segment, heap[0][2]))
                pending += heap[0][2].parts
        for segment, choice in reversed(seen):
            upper = choice.cost + sum(part.upper for part in choice.parts or ())
            if upper < segment.upper:
                segment.upper, segment.best = upper, choice
            self.update(segment)

    def order(self, segment: Segment) -> list[int]:
        """The units of a segment in the order behind `upper`."""
        order, left = list[int](), [segment]
        while left:
            segment = left.pop()
            best = segment.best
            order += reversed(list(bits(segment.units if best is None else best.last)))  # the stack is backwards too
            left += best.parts or () if best is not None else ()
        return order[::-1]
