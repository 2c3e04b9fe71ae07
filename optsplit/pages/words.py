"""A problem in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optsplit.hardware import MBIT
from optsplit.pages.content import Facts
from optsplit.problems.exits import MILLION
from optsplit.problems.partition import Partition
from optsplit.problems.precision import ERROR
from optsplit.result import quantity

_FEW = 6


def listed(names: Iterable[str], few: int = _FEW) -> str:
    """Names with commas; many are cut."""
    names = list(names)
    more = f" and {len(names) - few} more" if len(names) > few else ""
    return ", ".join(names[:few]) + more


def count(n: int, one: str, many: str = "") -> str:
    """A number of things: 1 layer, 2 layers."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def aim(problem: Partition) -> str:
    """What is minimised."""
    if problem.objectives == (ERROR,):
        return "greatest accuracy"
    if len(problem.objectives) > 1:
        return f"least of the largest of {listed(problem.objectives)}"
    return f"least {problem.objectives[0]}"


def limit(name: str, value: int, unit: str) -> str:
    """A limit as a reader says it."""
    if name == ERROR:
        return f"accuracy at least {100 * (1 - value / MILLION):.6g} %"
    return f"{name} at most {quantity(value, unit)}"


def question(problem: Partition) -> Facts:
    """What is asked of a partition problem."""
    shape = "a chain" if problem.is_chain else "with branches"
    first, *others = problem.places
    end = "anywhere" if problem.result_at is None else f"at {problem.result_at}"
    rows = [
        (
            "network",
            f"{problem.name}: {count(len(problem.layers), 'layer')}, {count(len(problem.tensors), 'tensor')}, {shape}",
        ),
        ("places", f"{first}, which holds the input; {', '.join(others)}"),
        ("links", "; ".join(links(problem)) or "none"),
        ("asked for", aim(problem)),
        ("limits", "; ".join(limit(n, v, problem.units[n]) for n, v in problem.limits.items())),
        ("fixed", listed(f"{layer} at {place}" for layer, place in problem.pins.items())),
        ("result", f"ends {end}"),
        ("rules", "; ".join(_rules(problem))),
        ("exits", "" if problem.exits is None else _exits(problem)),
        ("precisions", _precisions(problem)),
    ]
    return [row for row in rows if row[1]]  # fmt: skip


def links(problem: Partition) -> list[str]:
    """Each link, with its rate and latency where the problem's own metrics tell them."""
    return [f"{a} to {b}{_speed(problem, a, b)}" for a, b in sorted(problem.links)]


def rate(problem: Partition, start: str, end: str) -> float | None:
    """Bytes per second of a link, from what its largest tensor takes; None where the metrics do not tell."""
    if not {"latency", "fixed_latency", "bytes"} <= set(problem.metrics):
        return None
    p, q = problem.places.index(start), problem.places.index(end)
    sizes = problem.costs("bytes").transfer[p, q]
    if not sizes.size or not sizes.max():
        return None
    t = int(sizes.argmax())
    taken = int(problem.costs("latency").transfer[p, q, t]) - int(problem.costs("fixed_latency").transfer[p, q, t])
    return int(sizes[t]) / taken * 1e9 if taken > 0 else None


def _speed(problem: Partition, start: str, end: str) -> str:
    found = rate(problem, start, end)
    if found is None:
        return ""
    p, q = problem.places.index(start), problem.places.index(end)
    wait = int(problem.costs("fixed_latency").transfer[p, q].max(initial=0))
    return f" {found / MBIT:.4g} Mbit/s" + (f" and {quantity(wait, 'ns')} per message" if wait else "")


def _rules(problem: Partition) -> list[str]:
    rules = ["no layer reads from a later place"] if problem.one_way else []
    rules += ["no path of layers comes back to a place that it has left"] if problem.contiguous else []
    rules += [f"{listed(group)} at one place" for group in problem.together[:_FEW]]
    more = len(problem.together) - _FEW
    return rules + ([f"{more} more groups that share a place"] if more > 0 else [])


def _exits(problem: Partition) -> str:
    assert problem.exits is not None
    how = "each sample leaves where it is confident enough" if problem.exits.by_confidence else "one for every request"
    return f"{len(problem.exits.layers)}, {how}"


def _precisions(problem: Partition) -> str:
    if problem.variants is None:
        return ""
    offered: Sequence[Sequence[int]] = [bits for bits in problem.variants.bits if bits]
    choices = sorted({b for bits in offered for b in bits}, reverse=True)
    return f"{', '.join(map(str, choices))} bits for {count(len(offered), 'tensor')}"
