"""Claims of Wang, Duan and Wu, and of Duan and Wu, on networks: device, link and server as three machines."""

from __future__ import annotations

import functools
import itertools
import statistics
from itertools import pairwise

import optsplit as osp
from benchmarks.claims.networks import above, ms, names, objective, partition, profile
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, unchecked, witness
from benchmarks.schedule import LINKS, PUBLISHED, frames
from optsplit import Partition
from optsplit.problems.schedule import Schedule


@claim(
    "wang",
    "wang-remote",
    "Remote only takes 4422, 877 and 337 ms (3G, 4G, Wi-Fi) on AlexNet-P, and so on.",
    "table of latencies",
)
def remote() -> Finding:
    """Printed times less float32 inputs of 3x224x224 at DADS's rates (Wi-Fi: 17 Mbit/s): the server's part is left."""
    inputs = {"alexnet_p": 1, "googlenet": 1, "resnet18": 1, "siamese": 2, "three_stream": 3}
    rates = {"3g": 1.1, "4g": 5.85, "wifi": 17.0}
    left = {
        (name, link): row[1 + i][0] - inputs[name] * 3 * 224 * 224 * 32 / rates[link] / 1e3
        for name, row in PUBLISHED.items()
        for i, link in enumerate(LINKS)
    }
    spans = []
    for link in LINKS:
        mine = [value for (_, other), value in left.items() if other == link]
        spans.append(f"{link} {min(mine):.0f} to {max(mine):.0f} ms")
    text = f"left: {', '.join(spans)}"
    if all(0 < value < 150 for value in left.values()):
        return confirmed(text, "The table agrees with itself: one input size, one rate a link.")
    return in_shape(text, "not all of them between 0 and 150 ms")


@claim(
    "wang",
    "wang-never-worse",
    "Theirs is never slower than the better of local only and remote only.",
    "table of latencies",
)
def never() -> Finding:
    """The 15 printed rows."""
    rows = [(theirs, min(row[0], only)) for row in PUBLISHED.values() for only, theirs in row[1:]]
    worse = sum(theirs > better for theirs, better in rows)
    text = f"never above in {len(rows) - worse} of {len(rows)}, below in {sum(a < b for a, b in rows)}"
    return confirmed(text) if not worse else in_shape(text, "its own table says otherwise")


@functools.cache
def table() -> dict[tuple[str, str], tuple[int, int, int]]:
    """Of each row: the better of local and remote, Extended Johnson, and the optimum, on our profiles."""
    found = {}
    for name in PUBLISHED:
        for link in LINKS:
            asked = frames(name, link)
            trivial = min(objective(asked, "device-only"), objective(asked, "server-only"))
            found[name, link] = trivial, objective(asked, "extended-johnson"), objective(asked, "auto", time_limit=60)
    return found


@claim("wang", "wang-gains", "Over the better of local and remote it gains 1x to 2.8x, most with several inputs.",
       "table of latencies")  # fmt: skip
def gains() -> Finding:
    """Which of the 15 rows gain, printed and by the optimum on our profiles, and the largest gain of each."""
    printed = {
        (name, link): min(row[0], row[1 + i][0]) / row[1 + i][1]
        for name, row in PUBLISHED.items()
        for i, link in enumerate(LINKS)
    }
    ours = {key: trivial / best for key, (trivial, _, best) in table().items()}
    alike = sum((printed[key] > 1.001) == (ours[key] > 1.001) for key in printed)
    most = [max((value, " ".join(key)) for key, value in gain.items()) for gain in (printed, ours)]
    text = (
        f"same side in {alike} of {len(printed)}; largest printed {most[0][0]:.2f}x ({most[0][1]}), ours "
        f"{most[1][0]:.2f}x ({most[1][1]})"
    )
    note = "Its layers and layer times are not published; the networks are reconstructions, the device a factor of 12."
    return in_shape(text, note) if most[0][1] == most[1][1] else unchecked(note, text)


def parallel_towers() -> Schedule:
    """Four towers whose cut of least latency is given."""
    asked = frames("alexnet_p", "wifi")
    cut = osp.solve(asked.jobs[0].but(minimize="latency"), "mincut").plan
    return asked.but(cuts=[cut])


def _given(problem: Schedule) -> Measured:
    best, found = objective(problem), objective(problem, "extended-johnson")
    return Measured(best, found, f"Extended Johnson {ms(found)}, optimum of the same cut {ms(best)}")


GIVEN = witness(
    "johnson-paths", "AlexNet with parallel towers, phone, Wi-Fi, cut for its own least latency", parallel_towers,
    _given,
)  # fmt: skip


@claim("wang", "johnson-paths", "Given the cut, paths with replicated forks and joins, in the rule's order, are best.",
       "path conversion", Said.IMPLIED)  # fmt: skip
def given() -> Finding:
    """One frame of five networks with parallel branches over three links, cut given: the rule against the optimum."""
    found = []
    for name in PUBLISHED:
        for link in LINKS:
            asked = frames(name, link)
            cut = osp.solve(asked.jobs[0].but(minimize="latency"), "mincut").plan
            fixed = asked.but(cuts=[cut])
            found.append(
                (above(objective(fixed, "extended-johnson"), objective(fixed, "auto", time_limit=30)), f"{name} {link}")
            )
    missed = [x for x in found if x[0] > 0]
    text = (
        f"optimal on {len(found) - len(missed)} of {len(found)}; at most {max(found)[0]:.1f} % above ({max(found)[1]})"
    )
    return judged(not missed, text, GIVEN)


def _jointly(problem: Schedule) -> Measured:
    cut = osp.solve(problem.jobs[0].but(minimize="latency"), "mincut").plan
    best, found = objective(problem), objective(problem.but(cuts=[cut]))
    return Measured(best, found, f"best schedule of the best cut {ms(found)}, cut and schedule together {ms(best)}")


JOINTLY = witness("cut-first", "three streams on a phone over Wi-Fi", lambda: frames("three_stream", "wifi"), _jointly)


@claim("wang", "cut-first", "To cut for least latency and then to schedule loses nothing.",
       "the published problem has the cut given; Duan and Wu (TMC 2024) claim the contrary", Said.IMPLIED)  # fmt: skip
def cut_first() -> Finding:
    """The same rows: the optimum of cut and schedule together against the best schedule of the best cut."""
    found = []
    for (name, link), (_, _, best) in table().items():
        asked = frames(name, link)
        cut = osp.solve(asked.jobs[0].but(minimize="latency"), "mincut").plan
        found.append((above(objective(asked.but(cuts=[cut]), "auto", time_limit=30), best), f"{name} {link}"))
    missed = [x for x in found if x[0] > 0]
    text = (
        f"nothing lost on {len(found) - len(missed)} of {len(found)}; at most {max(found)[0]:.1f} % ({max(found)[1]})"
    )
    return judged(not missed, text, JOINTLY, "So joint optimisation pays, as Duan and Wu say.")


def _falling(problem: Partition) -> Measured:
    up = problem.costs("latency").crossing(0, 1)
    order = {v: k for k, v in enumerate(problem.order)}
    sent = [int(up[t]) for t in sorted(range(len(up)), key=lambda t: order[problem.tensors[t][0]])]
    rise, t = max((b - a, t) for t, (a, b) in enumerate(pairwise(sent)))
    return Measured(
        0,
        rise,
        f"from {ms(sent[t])} to {ms(sent[t + 1])} behind the next layer, {problem.layers[problem.order[t + 1]]}",
    )


FALLING = witness(
    "offloading-time", "VGG-16 over 4G: the first convolution makes twenty times the data of the image",
    lambda: partition("vgg16", "4g"), _falling,
)  # fmt: skip


@claim("wang", "offloading-time", "The offloading time falls as more layers run on the device, and is convex.",
       "Wu, \"On optimal partitioning and scheduling of DNNs\", talk, abstract (ICAICE 2021)")  # fmt: skip
def falling() -> Finding:
    """Time up of each cut of every network that is a chain: whether it ever rises from one layer to the next."""
    chains = [name for name in names() if partition(name, "4g").is_chain]
    rising = [name for name in chains if _falling(partition(name, "4g")).refutes]
    text = f"rises somewhere on {len(rising)} of {len(chains)} chains: {', '.join(rising)}"
    return judged(
        not rising, text, FALLING, "Some cuts can be left out until it falls; then no cut is lost, but fewer remain."
    )


@claim("wang", "local-time", "The local time rises linearly with the layers that run on the device.",
       "the same talk's abstract")  # fmt: skip
def linear() -> Finding:
    """R^2 of a straight line through cumulated device time by layer, every network."""
    found = []
    for name in names():
        seconds = list(itertools.accumulate(profile(name).timings["device"].seconds))
        found.append((statistics.correlation(range(len(seconds)), seconds) ** 2, name))
    middle = statistics.median(r for r, _ in found)
    text = f"R^2 from {min(found)[0]:.2f} ({min(found)[1]}) to {max(found)[0]:.2f}, median {middle:.2f}"
    return (
        confirmed(text)
        if min(found)[0] > 0.9
        else in_shape(text, "It rises by construction; how straight depends on the network.")
    )


@claim("wang", "tree-optimal", "A layer-level algorithm is optimal when the computation graphs are trees.",
       "abstract of Duan and Wu, TMC 2024")  # fmt: skip
def trees() -> Finding:
    """Nothing is run."""
    return unchecked("The algorithm could not be reached.")


@claim("wang", "path-count", "Replicating forks and joins makes a network into paths.", "path conversion")
def count() -> Finding:
    """Paths of GoogLeNet and Inception-v3 before anything at one place is merged, by counting; and after, over 4G."""
    counts = []
    for name in ("googlenet", "inception_v3", "densenet201"):
        job = frames(name, "4g").jobs[0]
        ways = [0] * len(job.layers)
        fed = {v for _, readers in job.tensors for v in readers}
        for v in job.order:
            ways[v] = ways[v] or int(v not in fed)
            for u, readers in job.tensors:
                if u == v:
                    for reader in set(readers):
                        ways[reader] += ways[v]
        ends = {job.tensors[t][0] for t in job.outputs}
        counts.append(f"{name} {sum(ways[v] for v in ends):.1e}")
    text = ", ".join(counts) + " paths"
    return in_shape(
        text, "Exponentially many: it needs merging what runs at one place, which the paper does not print."
    )
