"""Predicted against measured accuracy of joint plans (exits, thresholds, bits) of a network trained for real."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import torch

import optsplit as osp
from benchmarks import digits, ledger
from optsplit.graph import LayerGraph
from optsplit.profiling.accuracy import Accuracy, measure_accuracy
from optsplit.profiling.confidence import measure_exits
from optsplit.profiling.profile import Profile
from optsplit.profiling.quality import ExitTable
from optsplit.profiling.trace import Traced

BITS = (32, 16, 8, 4, 2)
SEED = 0
RANDOM_PLANS = 40
CHANGE = 0.12
"""Probability that a layer runs elsewhere than the layer before it, in the random plans."""
LINKS = {"50 kbit/s": osp.Connection.mbit(0.05, 0.05), **{name: osp.links[name] for name in ("cat1", "3g", "4g")}}
ACCURACIES = (0.90, 0.94, 0.955)
PHONE = 12.0


def points(value: float) -> str:
    """A share in percentage points."""
    return f"{100 * value:.2f}"


def needed(graph: LayerGraph, layer: str) -> list[str]:
    """The layers that an exit needs, in order."""
    writers: dict[int, list[int]] = {}
    for tensor in graph.tensors:
        for reader in tensor.readers:
            writers.setdefault(reader, []).append(tensor.source)
    found, left = set(), [graph.index[layer]]
    while left:
        i = left.pop()
        if i not in found:
            found.add(i)
            left += writers.get(i, [])
    return [graph.layers[i].name for i in sorted(found)]


def drops(profile: Profile) -> dict[tuple[str, int], float]:
    return {(name, p.bits): p.drop for name, packings in profile.packings.items() for p in packings}


def leaving(exits: ExitTable, thresholds: dict[str, float]) -> tuple[float, list[float]]:
    """Predicted accuracy, and share of samples that leave at each exit."""
    shares, right = [0] * len(exits.layers), 0
    for pattern in exits.patterns:
        sure = [
            pattern.levels[i] > exits.thresholds.index(thresholds[layer]) if layer in thresholds else False
            for i, layer in enumerate(exits.layers)
        ]
        i = sure.index(True) if True in sure else len(shares) - 1
        shares[i] += pattern.count
        right += pattern.count * pattern.correct[i]
    return right / exits.samples, [share / exits.samples for share in shares]


def crossing(graph: LayerGraph, assignment: dict[str, str]) -> list[str]:
    """Tensors that a layer at another place reads."""
    names = [layer.name for layer in graph.layers]
    return [
        tensor.name
        for tensor in graph.tensors
        if names[tensor.source] in assignment
        and any(assignment.get(names[r], assignment[names[tensor.source]]) != assignment[names[tensor.source]]
                for r in tensor.readers)
    ]  # fmt: skip


def random_plans(graph: LayerGraph, profile: Profile) -> Iterator[osp.PartitionPlan]:
    """One exit, any two-way cut, any bits: harder than an optimum, which cuts once or twice."""
    draw = random.Random(SEED)
    assert profile.exits is not None
    known = drops(profile)
    before = {r: t.source for t in graph.tensors for r in t.readers}
    for _ in range(RANDOM_PLANS):
        layer = draw.choice(profile.exits.layers)
        assignment: dict[str, str] = {}
        for name in needed(graph, layer):
            source = before.get(graph.index[name])
            place = "device" if source is None else assignment[graph.layers[source].name]
            other = "server" if place == "device" else "device"
            assignment[name] = other if source is not None and draw.random() < CHANGE else place
        bits = {t: draw.choice((8, 4, 2)) for t in crossing(graph, assignment) if (t, 8) in known}
        if bits:
            yield osp.PartitionPlan(assignment, exit=layer, bits=bits)


def exit_table(graph: Traced, profile: Profile, test: digits.Part) -> tuple[str, str]:
    """Accuracy of each exit, and of thresholds, on both sets."""
    mine = profile.exits
    theirs = measure_exits(graph, profile, test.images, test.labels).exits
    assert mine is not None
    assert theirs is not None
    both = zip(mine.layers, mine.accuracy, theirs.accuracy, strict=True)
    first = ledger.markdown(
        ["exit", "calibration, %", "test, %"], [[layer, points(a), points(b)] for layer, a, b in both]
    )
    rows = []
    for value in mine.thresholds:
        thresholds = dict.fromkeys(mine.layers[:-1], value)
        (a, shares), (b, test_shares) = leaving(mine, thresholds), leaving(theirs, thresholds)
        rows.append(
            [f"{value:g}", points(a), points(b), *(f"{100 * x:.0f} / {100 * y:.0f}" for x, y in
                                                   zip(shares, test_shares, strict=True))]
        )  # fmt: skip
    heads = [f"exit {i}" for i in range(1, len(mine.layers) + 1)]
    second = ledger.markdown(["threshold of all exits", "predicted, %", "test, %", *heads], rows)
    return first, second


def additivity(graph: Traced, profile: Profile, part: digits.Part) -> str:
    """Sum of the drops against the measured drop of random plans, on the calibration set itself."""
    assert profile.exits is not None
    known, accuracy = drops(profile), dict(zip(profile.exits.layers, profile.exits.accuracy, strict=True))
    rows: list[tuple[int, float, float, float]] = []
    for plan in random_plans(graph, profile):
        assert plan.exit is not None
        found = measure_accuracy(graph, plan, part.images, part.labels)
        single = [known[key] for key in plan.bits.items()]
        rows.append((len(plan.bits), sum(single), max(single), accuracy[plan.exit] - found.accuracy))
        print(len(rows), plan.exit, plan.bits, points(sum(single)), points(rows[-1][3]), flush=True)
    groups = [("1", 1, 1), ("2", 2, 2), ("3", 3, 3), ("4 and more", 4, 10**6)]
    table = []
    for name, least, most in groups:
        chosen = [row for row in rows if least <= row[0] <= most]
        if chosen:
            error = [total - measured for _, total, _, measured in chosen]
            table.append(
                [name, len(chosen), points(mean([total for _, total, _, _ in chosen])),
                 points(mean([largest for _, _, largest, _ in chosen])),
                 points(mean([measured for *_, measured in chosen])), points(mean([abs(e) for e in error])),
                 points(max(error)), points(max(0.0, -min(error)))]
            )  # fmt: skip
    return ledger.markdown(
        ["tensors packed", "plans", "sum of drops", "largest drop", "measured drop", "mean error", "most too high",
         "most too low"], table,
    )  # fmt: skip


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def optima(graph: Traced, profile: Profile, part: digits.Part, test: digits.Part) -> str:
    """Proven optima of latency under an accuracy limit: what the model says, and what both sets say."""
    rows = []
    for link, connection in LINKS.items():
        for way in ("one", "confidence"):
            for least in ACCURACIES:
                problem = osp.Partition.from_profile(
                    profile, connection, minimize="latency", at_least={"accuracy": least}, exits=way,
                    precisions=BITS, load={"device": PHONE},
                )  # fmt: skip
                result = osp.solve(problem, time_limit=60)
                if result.plan is None:
                    rows.append([link, way, points(least), str(result.status), *[""] * 6])
                    continue
                error = problem.evaluate(result.plan).metrics["error"] / 1e6
                mine: Accuracy = measure_accuracy(graph, result.plan, part.images, part.labels)
                theirs: Accuracy = measure_accuracy(graph, result.plan, test.images, test.labels)
                bits = ", ".join(f"{name} {b}" for name, b in result.plan.bits.items() if b < 32) or "none packed"
                leave = result.plan.exit or ", ".join(f"{e} {t:g}" for e, t in result.plan.thresholds.items()) or "last"
                rows.append(
                    [link, way, points(least), str(result.status), f"{(result.objective or 0) / 1e6:.2f}", leave, bits,
                     points(1 - error), points(mine.accuracy), points(theirs.accuracy)]
                )  # fmt: skip
                print(rows[-1], flush=True)
    return ledger.markdown(
        ["link", "exits", "at least, %", "status", "latency, ms", "leaves at", "bits", "predicted, %",
         "calibration, %", "test, %"], rows,
    )  # fmt: skip


def main() -> None:
    torch.set_num_threads(1)
    profile = Profile.load(digits.PROFILE)
    part, test = digits.calibration(), digits.test()
    graph = osp.trace(digits.trained(), part.images[:1], grain=digits.GRAIN, name="branchy-digits")
    accuracies, thresholds = exit_table(graph, profile, test)
    body = [
        __doc__ or "",
        SETTING.format(len(part.labels), len(test.labels)),
        "## Exits", accuracies,
        "## Thresholds", THRESHOLDS, thresholds,
        "## Where adding up drops fails", ADDING, additivity(graph, profile, part),
        "## Optimal plans", OPTIMA, optima(graph, profile, part, test),
    ]  # fmt: skip
    print(ledger.page("branchy", "Predicted against measured accuracy", "\n\n".join(body)))


SETTING = f"""Network: Edgent's AlexNet with five exits (a reconstruction), trained on scikit-learn's digits by
`python -m benchmarks.digits`. Calibration {{}} samples, test {{}}: each {digits.COPIES} disturbed copies of 20 % of the
digits, disjoint from each other and from what it was trained on. The standard error of an accuracy of 95 % on 360
independent images is 1.1 points: differences between the two sets below that mean nothing."""

THRESHOLDS = """Predicted from the calibration set, measured on the test set; all exits switched on with one threshold.
Columns of exits: share of samples that leave there, predicted / test."""

ADDING = """Random plans with one exit each: two-way cuts, 8, 4 or 2 bits for each tensor that crosses.
All on the calibration set itself, so that the only errors are that of adding up and that of taking the worst exit's
drop. In percentage points; too high: the sum promises a greater loss than there is."""

OPTIMA = f"""Least latency with an accuracy limit, proven by the default method; the device {PHONE:.0f} times slower
than measured. "one": one exit for all requests; "confidence": exits by thresholds. The last three columns are
accuracies: what the model says, and what running the plan on both sets gives."""


if __name__ == "__main__":
    main()
