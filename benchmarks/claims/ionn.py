"""Claims of IONN: uploading a network partition by partition while queries are answered."""

from __future__ import annotations

import functools
import json
import os
import statistics
from fractions import Fraction
from pathlib import Path

import optsplit as osp
from benchmarks import upload
from benchmarks.claims.networks import above, ms, objective, profile
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, unchecked, witness
from optsplit.algorithms import upload_frontier
from optsplit.baselines import ionn
from optsplit.baselines.ionn_layers import MacroChain
from optsplit.problems.upload_order import UploadOrder

OUTSIDE = Path(os.environ.get("OPTSPLIT_INSTANCES", Path(__file__).parents[1] / ".." / "shared" / "instances"))
TABLE = {  # MiB, layers, seconds all at once, K = 0.1, K = 0.5
    "alexnet": (233, 24, 28.7, 30.3, 30.7),
    "inception_21k": (129, 312, 16.4, 16.7, 16.8),
    "resnet50": (98, 245, 12.1, 12.6, 13.0),
    "googlenet": (27, 152, 3.9, 3.9, 4.4),
    "mobilenet_v1": (16, 110, 2.3, 2.5, 2.8),
}
RATE = 10485.76  # bytes per millisecond: 80 Mbit/s as the authors' code counts it
NETWORKS, MBITS = ("alexnet", "vgg16", "googlenet", "resnet18", "mobilenet_v1"), (20.0, 50.0, 100.0, 200.0)


@functools.cache
def problem(name: str, mbit: float, asked: str = "integral") -> UploadOrder:
    """Uploading a measured network, the device twelve times as slow as measured."""
    return upload.problem(name, mbit, objective=asked)


@functools.cache
def best(name: str, mbit: float) -> int:
    """The least integral of latency."""
    return objective(problem(name, mbit))


def _weights(name: str) -> int:
    return sum(profile(name, "modules").graph.weights.values())


@claim("ionn", "ionn-sizes", "The five networks have 233, 129, 98, 27 and 16 MB of weights.", "table 1")
def sizes() -> Finding:
    """Bytes of weights and statistics of our reference networks, in MiB."""
    ours = {name: _weights(name) / 2**20 for name in TABLE}
    text = ", ".join(f"{name} {size:.1f}" for name, size in ours.items())
    if all(abs(size - TABLE[name][0]) < 1 for name, size in ours.items()):
        off = [name for name, size in ours.items() if round(size) != TABLE[name][0]]
        return confirmed(text, "Its MB are MiB." + (f" {', '.join(off)} rounds otherwise." if off else ""))
    return in_shape(text, "differs by a MiB and more")


@claim("ionn", "ionn-layers", "They have 24, 312, 245, 152 and 110 layers.", "table 1")
def layers() -> Finding:
    """Modules, one more for each normalisation (Caffe's Scale) and for each tensor with several readers (Split)."""
    ours = {}
    for name in TABLE:
        graph = profile(name, "modules").graph
        normed = sum(layer.kind == "batchnorm" for layer in graph.layers)
        shared = sum(len(set(tensor.readers)) > 1 for tensor in graph.tensors)
        ours[name] = len(graph.layers) + normed + shared
    text = ", ".join(f"{name} {count}" for name, count in ours.items())
    off = [name for name, count in ours.items() if count != TABLE[name][1]]
    if not off:
        return confirmed(text)
    if all(0 <= ours[name] - TABLE[name][1] <= 2 for name in off):
        return confirmed(text, f"{', '.join(off)}: two more, the table leaves out data and softmax there.")
    return in_shape(text, f"{', '.join(off)} counted otherwise")


@claim("ionn", "ionn-upload-time", "Uploading AlexNet takes about 24 seconds.", "motivation")
def upload_time() -> Finding:
    """Its weights at 80 Mbit/s as the authors' code counts them."""
    seconds = _weights("alexnet") / RATE / 1e3
    near = abs(seconds / 24 - 1) < 0.05
    return confirmed(f"{seconds:.1f} s") if near else in_shape(f"{seconds:.1f} s", "another link than that of its code")


@claim(
    "ionn",
    "ionn-link",
    "All at once the five uploads take 28.7, 16.4, 12.1, 3.9 and 2.3 s.",
    "figure of completion times",
)
def link() -> Finding:
    """The rate that each size and time say: one link must say the same."""
    rates = {name: 8e-6 * _weights(name) / row[2] for name, row in TABLE.items()}
    text = ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items()) + " Mbit/s"
    spread = max(rates.values()) / min(rates.values()) - 1
    if spread < 0.05:
        return confirmed(text)
    note = f"They differ by {100 * spread:.0f} %: a cost per upload comes on top. None is 80 Mbit/s, its code's link."
    return in_shape(text, note)


@claim("ionn", "ionn-overhead", "Incremental upload ends little later than all at once (K = 0.1 and 0.5).",
       "figure of completion times")  # fmt: skip
def overhead() -> Finding:
    """The printed times; our model sends the same bytes in any order, so it predicts no difference at all."""
    more = [100 * (later / row[2] - 1) for row in TABLE.values() for later in row[3:]]
    text = f"printed: {statistics.mean(more):.1f} % later on average, {max(more):.0f} % at most"
    return in_shape(text, "Order costs nothing in the model: the overhead is the implementation's, not the order's.")


def _rule(asked: UploadOrder) -> Measured:
    """The latency after the passes K^n >= 0.01 at K = 0.5, and after one more at f = 0."""
    chain, ends, sent = MacroChain(asked), [], 0
    for factor in [*(Fraction(1, 2**n) for n in range(7)), Fraction(0)]:
        for i in ionn.server_side(chain, factor):
            sent |= sum(1 << unit for unit in chain.macros[i].units)
        ends.append(asked.latency(sent))
    found, promised = ends[-2], ends[-1]
    return Measured(promised, found, f"ends at {ms(found)} a query, {ms(promised)} with one more pass at f = 0")


RULE = witness("ionn-rule", "AlexNet on a phone, 50 Mbit/s", lambda: problem("alexnet", 50.0), _rule)


@claim(
    "ionn",
    "ionn-rule",
    "At K = 0.5 the loop over K^n >= 0.01 uploads what the best plan needs.",
    "slides, rule K^n >= 0.01",
)
def rule() -> Finding:
    """The loop as the slide has it, without a pass at f = 0, on five networks and two links."""
    missed, count = [], 0
    for name in NETWORKS:
        for mbit in (50.0, 200.0):
            asked = problem(name, mbit)
            if asked.horizon:
                count += 1
                measured = _rule(asked)
                missed += [(measured.found / measured.promised, f"{name} at {mbit:g} Mbit/s")] * measured.refutes
    text = f"{len(missed)} of {count} end above what one more pass at f = 0 reaches"
    if missed:
        text += f", by {max(missed)[0]:.2f} times ({max(missed)[1]})"
    note = "Its own completion time of AlexNet at K = 0.5 includes the fully connected layers: its code sends them."
    return judged(not missed, text, RULE, note)


def _order(asked: UploadOrder) -> Measured:
    found, least = objective(asked, "ionn", k=0.5), objective(asked)
    means = [ms(value / asked.horizon) for value in (found, least)]
    return Measured(least, found, f"mean latency while uploading: IONN (K = 0.5) {means[0]}, optimum {means[1]}")


ORDER = witness("ionn-order", "GoogLeNet on a phone, 50 Mbit/s", lambda: problem("googlenet", 50.0), _order)


@claim("ionn", "ionn-order", "Its algorithm decides the best partitions and the best order of upload.", "abstract")
def order() -> Finding:
    """Integral of latency, as published (a partition counts when complete) and layer by layer, against the optimum."""
    losses: dict[str, list[tuple[float, str]]] = {"ionn": [], "ionn-layerwise": []}
    for name in NETWORKS:
        for mbit in MBITS:
            if problem(name, mbit).horizon:
                for method, mine in losses.items():
                    loss = above(objective(problem(name, mbit), method, k=0.5), best(name, mbit))
                    mine.append((loss, f"{name} at {mbit:g} Mbit/s"))
    parts = [
        f"{method}: optimal on {sum(x == 0 for x, _ in mine)} of {len(mine)}, above by "
        f"{statistics.mean(x for x, _ in mine):.1f} % on average, {max(mine)[0]:.0f} % at most ({max(mine)[1]})"
        for method, mine in losses.items()
    ]
    return judged(
        not max(losses["ionn"])[0],
        "; ".join(parts),
        ORDER,
        "In mean latency while uploading; most is lost by whole partitions, not by order.",
    )


@claim("ionn", "ionn-queries", "Meanwhile more queries are answered than all at once (AlexNet 31 against 20, ...).",
       "figure of queries")  # fmt: skip
def queries() -> Finding:
    """Queries asked back to back while uploading: IONN (K = 0.5) against all at once, five networks, four links."""
    more = fewer = count = 0
    for name in NETWORKS:
        for mbit in MBITS:
            asked = problem(name, mbit, "lost_queries")
            if asked.horizon:
                mine, theirs = objective(asked, "ionn", k=0.5), objective(asked, "all-at-once")
                count += 1
                more += mine < theirs
                fewer += mine > theirs
    text = f"more on {more}, as many on {count - more - fewer}, fewer on {fewer} of {count}"
    note = "The period of the queries is not published, so the numbers themselves cannot be met."
    return unchecked(note, text) if fewer else in_shape(text, note)


def _ends(asked: UploadOrder, k: float) -> list[tuple[int, int]]:
    """(time of upload, latency) when each partition is complete."""
    plan = osp.solve(asked, "ionn", k=k).plan
    left, sent, ends = iter(asked.positions(plan)), 0, []
    for size in plan.batches or ():
        sent |= sum(1 << next(left) for _ in range(size))
        ends.append((sum(p for u, p in enumerate(asked.times) if sent >> u & 1), asked.latency(sent)))
    return ends


def _off_hull(asked: UploadOrder) -> Measured:
    corners = upload_frontier.hull(asked)
    ends = [end for k in (0.1, 0.5, 0.8) for end in _ends(asked, k)]
    worst = max(ends, key=lambda end: end[1] - upload_frontier.hull_at(corners, end[0]))
    least = upload_frontier.hull_at(corners, worst[0])
    words = f"a partition ends at {worst[0] / 1e9:.3f} s with {ms(worst[1])}, the hull there is {ms(least)}"
    return Measured(least, worst[1], words)


HULL = witness("ionn-hull", "GoogLeNet on a phone, 50 Mbit/s", lambda: problem("googlenet", 50.0), _off_hull)


@claim("ionn", "ionn-hull", "Its loop finds points of the lower hull of (time of upload, latency) only, and not all.",
       "what its loop does, seen as a parametric cut", Said.OTHERS)  # fmt: skip
def hull() -> Finding:
    """Ends of its partitions (K = 0.1, 0.5, 0.8) against the hull: chains, and networks with branches."""
    on, ends, corners = [0, 0], [0, 0], [0, 0]
    for name in NETWORKS:
        for mbit in MBITS:
            asked = problem(name, mbit)
            kind = int(not asked.partition.is_chain)
            found = upload_frontier.hull(asked)
            for k in (0.1, 0.5, 0.8):
                mine = _ends(asked, k)
                ends[kind] += len(mine)
                on[kind] += sum(latency <= upload_frontier.hull_at(found, time) for time, latency in mine)
                corners[kind] += len(found) - 1
    text = (
        f"chains: {on[0]} of {ends[0]} ends on the hull, which has {corners[0]} corners; with branches: {on[1]} of "
        f"{ends[1]}, {corners[1]} corners"
    )
    note = "True of chains. With branches it sees the hull over whole macro layers, which lies above."
    return judged(on == ends, text, HULL, "" if on == ends else note)


@claim("ionn", "ionn-front", "Front to back, layer by layer, is within 1 % of the best order.",
       "the paper leaves this order out; what one would try first", Said.OTHERS)  # fmt: skip
def front() -> Finding:
    """`in-order` against the optimum, five networks over four links."""
    losses = [
        (above(objective(problem(name, mbit), "in-order"), best(name, mbit)), f"{name} at {mbit:g} Mbit/s")
        for name in NETWORKS
        for mbit in MBITS
        if problem(name, mbit).horizon
    ]
    close = sum(loss <= 1 for loss, _ in losses)
    text = f"{close} of {len(losses)}; at most {max(losses)[0]:.1f} % above ({max(losses)[1]})"
    return judged(close == len(losses), text, FRONT, "On a transformer 46 %: `python -m benchmarks.upload`.")


def _in_order(asked: UploadOrder) -> Measured:
    least, found = objective(asked), objective(asked, "in-order")
    means = [ms(value / asked.horizon) for value in (found, least)]
    return Measured(1.01 * least, found, f"mean latency while uploading: front to back {means[0]}, optimum {means[1]}")


FRONT = witness("ionn-front", "GoogLeNet on a phone, 200 Mbit/s", lambda: problem("googlenet", 200.0), _in_order)


@claim("ionn", "ionn-local", "GoogLeNet takes 1.3 s on the client alone (ODROID-XU4).", "evaluation")
def local() -> Finding:
    """Sum of the client's times in the authors' own profile."""
    path = OUTSIDE / "ionn" / "googlenet.json"
    if not path.exists():
        return unchecked("The authors' profile is not at hand: set OPTSPLIT_INSTANCES.")
    seconds = sum(block["client_ms"] for block in json.loads(path.read_text())["blocks"]) / 1e3
    same = round(seconds, 1) == 1.3
    return confirmed(f"{seconds:.2f} s") if same else in_shape(f"{seconds:.2f} s", "other than printed")


@claim("ionn", "ionn-completion", "Completion of AlexNet at K = 0.5 (30.7 s) includes the fully connected layers.",
       "figure of completion times, against the slides' rule", Said.OTHERS)  # fmt: skip
def completion() -> Finding:
    """What its own all-at-once rate needs for all weights, and for those of the convolutions alone."""
    graph = profile("alexnet", "modules").graph
    dense = sum(graph.weights[w] for layer in graph.layers if layer.kind == "linear" for w in layer.weights)
    without = (1 - dense / _weights("alexnet")) * TABLE["alexnet"][2]
    text = f"all weights 28.7 s, without the fully connected ones {without:.1f} s"
    return confirmed(text) if without < 30.7 / 2 else in_shape(text, "cannot be told apart")


@claim("ionn", "ionn-regressions", "Layer times are predicted with R^2 from .428 (convolution) to 1.", "table 3")
def regressions() -> Finding:
    """Nothing is run. Ours, in the table's form: `python -m benchmarks.regressions`."""
    return unchecked("They are of a GTX 1080 Ti, which is not at hand.")


@claim("ionn", "ionn-power", "The client draws 3.977 W idle, 6.611 W sending, 7.239 W computing.", "evaluation")
def power() -> Finding:
    """Nothing is run."""
    return unchecked("No ODROID-XU4 is at hand; the three figures are the preset `odroid-xu4`.")
