"""Claims of Edgent, and of BranchyNet, whose exits it takes."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import optsplit as osp
from benchmarks import fronts
from benchmarks.claims.networks import ms, objective, profile
from benchmarks.claims.verdict import (
    Finding,
    Measured,
    Said,
    claim,
    confirmed,
    in_shape,
    judged,
    refuted,
    unchecked,
    witness,
)
from benchmarks.exits import LINKS, LOADS, TRAINED, branchy, deadlines
from optsplit import Exits, Metric, Partition
from optsplit.algorithms.decision_table import Choice
from optsplit.baselines import edgent, edgent_dynamic

ALGORITHM = "algorithm 1"
UP, DOWN = ("device", "server"), ("server", "device")
SPREAD = 2.0
"""Standard errors beyond which a difference of two accuracies counts."""


@functools.cache
def trained() -> osp.Profile:
    """Edgent's five exits, trained on scikit-learn's digits: accuracies are measured."""
    return osp.Profile.load(TRAINED)


@functools.cache
def digits(link: str, load: str, exits: str = "one") -> Partition:
    """The trained network over a link, one exit for all requests or each sample where it is sure."""
    return Partition.from_profile(trained(), osp.links[link], exits=exits, load=LOADS[load])


@functools.cache
def asked() -> tuple[Partition, ...]:
    """Most accuracy under deadlines, on the trained network and on the two reference ones with exits."""

    def problems() -> Iterator[Partition]:
        for one in branchy(trained()).values():
            for link in LINKS:
                for load in LOADS.values():
                    problem = Partition.from_profile(one, osp.links[link], exits="one", load=load)
                    for deadline in deadlines(problem)[::3]:
                        yield problem.but(maximize="accuracy", limits={"latency": deadline})

    return tuple(problems())


@claim("edgent", "edgent-accuracy", "Accuracy grows with the exit.", "algorithm 1", Said.IMPLIED)
def accuracy() -> Finding:
    """The five measured accuracies (calibration set) of the trained network, with their standard error."""
    table = trained().exits
    assert table is not None
    steps = [b - a for a, b in zip(table.accuracy, table.accuracy[1:])]
    error = math.sqrt(2 * table.accuracy[-1] * (1 - table.accuracy[-1]) / table.samples)
    text = (
        ", ".join(f"{100 * share:.2f}" for share in table.accuracy) + f" %; standard error of a step {100 * error:.2f}"
    )
    down = [step for step in steps if step < 0]
    if not down:
        return confirmed(text)
    if min(down) < -SPREAD * error:
        return refuted(text, FIRST_EXIT)
    return in_shape(text, "Not at the last step, within the error; the table that a planner is given is not monotone.")


def _less_accurate(problem: Partition) -> Measured:
    best, found = osp.solve(problem).require_optimal(), osp.solve(problem, "edgent")
    assert found.objective is not None
    return Measured(
        best.objective, found.objective,
        f"Edgent takes {found.plan.exit}, {found.objective / 1e4:.2f} % wrong; {best.plan.exit} is in time, too, with "
        f"{best.objective / 1e4:.2f} %",
    )  # fmt: skip


def _deadline(seconds: float) -> Partition:
    return digits("wifi", "phone").but(maximize="accuracy", limits={"latency": round(seconds * 1e9)})


FIRST_EXIT = witness(
    "edgent-first-exit", "the trained network on a phone over Wi-Fi, 20 ms",
    lambda: _deadline(0.02), _less_accurate,
)  # fmt: skip


@claim(
    "edgent",
    "edgent-first-exit",
    "The largest exit in time is the most accurate one.",
    ALGORITHM,
    Said.IMPLIED,
)
def first_exit() -> Finding:
    """Where the printed search finds a plan: its accuracy against the best; five profiles, four links."""
    found = [(osp.solve(problem, "edgent").objective, objective(problem)) for problem in asked()]
    plans = [(mine, best) for mine, best in found if mine is not None]
    lost = [(mine - best) / 1e4 for mine, best in plans if mine > best]
    text = (
        f"{len(plans)} plans in {len(found)} problems, {len(lost)} less accurate, by {max(lost, default=0):.2f} points"
    )
    note = "Small, and within the error of the measured accuracies; but the table given says which exit is better."
    return judged(not lost, text, FIRST_EXIT, note)


def _no_plan(problem: Partition) -> Measured:
    plain = problem.routed(problem.exits.alone(problem.exits.layers[-1])).problem  # type: ignore[union-attr]
    limit, formula = problem.limits["latency"], min(edgent.printed(plain))
    true = objective(plain.but(minimize="latency", limits={}))
    none = osp.solve(problem, "edgent").plan is None and true <= limit
    words = f"by the formula {ms(formula)} at the last exit, in truth {ms(true)}, deadline {ms(limit)}"
    return Measured(limit, formula if none else 0, words)


LEFT_END = witness(
    "edgent-left-end", "the trained network on a phone over CAT1: all of it runs on the device in time",
    lambda: digits("cat1", "phone").but(maximize="accuracy", limits={"latency": 25_000_000}), _no_plan,
)  # fmt: skip


@claim("edgent", "edgent-left-end", "The formula A(i, p) is the latency of a plan; at p = 1 all runs on the device.",
       ALGORITHM)  # fmt: skip
def left_end() -> Finding:
    """In how many problems that have a plan the printed search finds none."""
    none = sum(osp.solve(problem, "edgent").plan is None for problem in asked())
    text = f"no plan in {none} of {len(asked())} problems, all of which have one"
    return judged(
        not none,
        text,
        LEFT_END,
        "As printed Input / B is paid at p = 1 too, where nothing is sent; and no p puts all at the edge.",
    )


def all_at_the_edge() -> Partition:
    """Edge only is best, and in time: input 1, edge 1 + 1, result 1."""
    metrics = {"latency": Metric([[0, 0], [9, 1], [9, 1]], {UP: [1, 5, 1], DOWN: [1, 5, 1]})}
    return Partition(
        ["input", "body", "exit"], [(0, 1), (1, 2)], metrics=metrics, pins={"input": "device"},
        exits={"exit": 0.9}, maximize="accuracy", limits={"latency": 4}, name="all at the edge",
    )  # fmt: skip


def _right_end(problem: Partition) -> Measured:
    limit, found = problem.limits["latency"], osp.solve(problem, "edgent")
    best = objective(problem.but(minimize="latency", limits={}))
    plain = problem.routed(problem.exits.alone(problem.exits.layers[-1])).problem  # type: ignore[union-attr]
    formula = min(edgent.printed(plain))
    words = f"least A(i, p) {formula}, deadline {limit}, all at the edge takes {best}"
    return Measured(limit, formula if found.plan is None and best <= limit else 0, words)


RIGHT_END = witness("edgent-right-end", "two layers that the edge runs in 1 ns each, the device in 9", all_at_the_edge,
                    _right_end)  # fmt: skip


@claim("edgent", "edgent-right-end", "The partition points 1..N are all that there are.", ALGORITHM)
def right_end() -> Finding:
    """A network that is best run at the edge as a whole: no p says so, the last layer always stays on the device."""
    measured = _right_end(RIGHT_END.build())
    return judged(not measured.refutes, measured.words, RIGHT_END)


@claim("edgent", "edgent-search", "Apart from its ends, the search over exits and partition points loses nothing.",
       "algorithm 1, repaired", Said.OTHERS)  # fmt: skip
def search() -> Finding:
    """`edgent-repaired`: true prices, both ends, exits by accuracy; against the proven optimum on the same problems."""
    equal = sum(osp.solve(problem, "edgent-repaired").objective == objective(problem) for problem in asked())
    text = f"optimal on {equal} of {len(asked())}"
    note = "The networks are chains with side branches; on chains one cut, edge first, is enough."
    return confirmed(text, note) if equal == len(asked()) else in_shape(text, "not everywhere")


@claim(
    "edgent", "edgent-device-only", "Device only takes more than 2 s (AlexNet, CIFAR-10, Raspberry Pi).", "motivation"
)
def device_only() -> Finding:
    """The published regressions summed over the five-exit AlexNet (reconstruction), main branch; and model loading."""
    graph = profile("branchy_alexnet_5", "modules").graph
    table = osp.regressions["raspberry-pi-3"]
    made = osp.predict(graph, {"device": table, "server": osp.regressions["desktop"]})
    last = graph.layers[next(t.source for t in graph.tensors if t.name == graph.outputs[-1])].name
    plain = Partition.from_profile(made, osp.links["wifi"], exits=Exits({last: 0.9})).at_exit(last)
    layers = objective(plain, "device-only") / 1e9
    loading = (4.49e-6 * sum(graph.weights.values()) + 842.136) / 1e3
    text = f"{layers:.2f} s of layers and {loading:.2f} s of loading the model"
    if layers > 2:
        return confirmed(text)
    why = "Where the five exits are is not published, nor what else the 2 s hold: our reconstruction is faster."
    return unchecked(why, text)


@claim("edgent", "edgent-edge-only", "Edge only takes 0.123 s at 1 Mbit/s and 2.317 s at 50 kbit/s.", "motivation")
def edge_only() -> Finding:
    """What payload the two figures say together, beside a CIFAR-10 image of float32 and one of bytes."""
    slow, fast = 1 / 50e3, 1 / 1e6
    payload = (2.317 - 0.123) / (slow - fast) / 8
    rest = 0.123 - payload * 8 * fast
    text = (
        f"together {payload:.0f} bytes sent and {1e3 * rest:.1f} ms of edge; an image is 12288 (float32) or 3072 bytes"
    )
    if abs(payload / 12288 - 1) < 0.02:
        return confirmed(text)
    if rest > 0 and payload > 12288:
        more = 100 * (payload / 12288 - 1)
        return in_shape(text, f"A float32 image and {more:.0f} % more: what else is sent is not published.")
    return unchecked("The two figures do not belong to one payload.", text)


@claim("edgent", "edgent-regressions", "Latency per kind of layer is a linear regression, its table as printed.",
       "table of regressions")  # fmt: skip
def regressions() -> Finding:
    """The printed convolutions on the five-exit AlexNet (reconstruction): how many predictions are negative."""
    graph = profile("branchy_alexnet_5", "modules").graph
    terms = {"device": (6.13e-3, 2.67e-2, -9.909), "edge server": (6.03e-5, 1.24e-4, 1.89e-1)}
    convolutions = [layer.features for layer in graph.layers if layer.kind == "conv"]
    below = {
        place: sum(a * f["input_maps"] + b * f["filter_term"] + c < 0 for f in convolutions)
        for place, (a, b, c) in terms.items()
    }
    text = ", ".join(f"{place}: {count} of {len(convolutions)} convolutions below 0" for place, count in below.items())
    if not any(below.values()):
        return confirmed(text)
    return in_shape(text, "Times below 0 have to be clamped; the slide's two columns are swapped.")


@claim("edgent", "edgent-dynamic", "A map of bandwidth states and detected changes keep up with a changing link.",
       "abstract of the 2020 paper")  # fmt: skip
def dynamic() -> Finding:
    """Five states on a synthetic 3G trace, 400 frames of 400 ms, against a lookup at the last sample's bandwidth."""
    table = osp.decision_table(fronts.five_exits())
    deadline, rates = 0.4, fronts.trace("3G", 1, 400)
    states = edgent_dynamic.StateMap(table, deadline, edgent_dynamic.states(fronts.trace("3G", 0, 400), 5))

    def best(rate: float) -> Choice:
        return table.at(rate, deadline) or table.fastest(rate)

    last = fronts.drive(table, deadline, rates, lambda k: best(rates[k - 1]))
    own = fronts.drive(table, deadline, rates, lambda k: best(rates[k]))
    mapped = fronts.drive(table, deadline, rates, lambda k: states.choose(rates[k - 1]))
    text = (
        f"accuracy, late frames wrong: {mapped[2]:.3f} by states, {last[2]:.3f} by the last sample, {own[2]:.3f} with "
        "each frame's own bandwidth"
    )
    note = "Its traces are not at hand. An exact table needs no states: more in `python -m benchmarks.fronts`."
    return in_shape(text, note) if mapped[2] > 0.9 * own[2] else unchecked(note, text)


@claim("edgent", "edgent-exits", "Where its five exits are, and how accurate each is.", "not printed")
def exits() -> Finding:
    """Nothing is run: ours are a reconstruction, trained on another data set."""
    return unchecked("The five exits' layers and accuracies are not published.")
