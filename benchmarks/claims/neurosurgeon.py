"""Claims of Neurosurgeon, and of those who use it on networks with branches."""

from __future__ import annotations

import functools
import statistics
from dataclasses import dataclass

import optsplit as osp
from benchmarks.claims.networks import above, least, ms, names, objective, partition, partitions, profile
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, unchecked, witness
from benchmarks.zoo import CLASSES, LINKS, PUBLISHED, PUBLISHED_LOAD, PUBLISHED_NETWORKS, best_prefix, cut

LAYERS = dict(zip(PUBLISHED_NETWORKS, (24, 46, 10, 9, 13, 3, 3, 3), strict=True))
NO_INPUT = {"kaldi", "senna_pos", "senna_ner", "senna_chk"}
"""Networks of its table in whose count the input is no layer."""
STAND_IN = (
    "Jetson TK1 and K40 are stood in for by factors on CPU times (20 and 3; 0.25), their layer times and the "
    "bandwidths are not published."
)
ABSTRACT = "abstract"


@dataclass(frozen=True)
class Cell:
    """A cell of the published table of cuts, and ours."""

    metric: str
    device: str
    link: str
    network: str
    published: str
    ours: str
    neurosurgeon: int
    remote: int


@functools.cache
def cells() -> tuple[Cell, ...]:
    """The 96 cells, solved on our profiles."""
    found = []
    for (metric, device, link), text in PUBLISHED.items():
        for name, expected in zip(PUBLISHED_NETWORKS, [*text.split(), *["argmax"] * 3], strict=True):
            problem = osp.Partition.from_profile(
                profile(name, "modules"), osp.links[link], minimize=metric, load=PUBLISHED_LOAD[device],
                device=osp.devices["odroid-xu4"],
            )  # fmt: skip
            best = osp.solve(problem).require_optimal()
            found.append(Cell(
                metric, device, link, name, expected, cut(problem, best.plan), objective(problem, "neurosurgeon"),
                objective(problem, "server-only"),
            ))  # fmt: skip
    return tuple(found)


@claim("neurosurgeon", "neurosurgeon-layers", "Its eight networks have 24, 46, 10, 9, 13, 3, 3 and 3 layers.",
       "table of benchmarks")  # fmt: skip
def layers() -> Finding:
    """Layers of our reference networks, module by module; the input counts only in those that end in a softmax."""
    ours = {name: len(profile(name, "modules").graph.layers) - (name in NO_INPUT) for name in LAYERS}
    text = ", ".join(f"{name} {count}" for name, count in ours.items())
    if ours == LAYERS:
        return confirmed(text)
    return in_shape(text, f"differs on {', '.join(n for n in LAYERS if ours[n] != LAYERS[n])}")


@claim("neurosurgeon", "neurosurgeon-latency", "Latency falls 3.1x on average and 40.7x at most against cloud only.",
       ABSTRACT)  # fmt: skip
def latency() -> Finding:
    """Everything remote over Neurosurgeon's plan, on the eight networks, two devices and three links of its table."""
    found = [
        (c.remote / c.neurosurgeon, f"{c.network}, {c.device}, {c.link}") for c in cells() if c.metric == "latency"
    ]
    vision = [c.remote / c.neurosurgeon for c in cells() if c.metric == "latency" and not c.network.startswith("senna")]
    text = (
        f"{len(found)} cells: {statistics.mean(x for x, _ in found):.1f}x on average, {max(found)[0]:.0f}x at most "
        f"({max(found)[1]}); without SENNA {statistics.mean(vision):.1f}x and {max(vision):.1f}x; never below "
        f"{min(found)[0]:.2f}x"
    )
    near = abs(statistics.mean(x for x, _ in found) / 3.1 - 1) < 0.1 and abs(max(found)[0] / 40.7 - 1) < 0.1
    if near:
        return confirmed(text)
    if min(found)[0] >= 1 and statistics.mean(vision) > 1:
        return in_shape(text, f"never slower, faster on average; the factors are others. {STAND_IN}")
    return unchecked(f"{STAND_IN} With these it is slower somewhere.", text)


@claim("neurosurgeon", "neurosurgeon-energy", "Mobile energy falls 59.5 % on average and 94.7 % at most.", ABSTRACT)
def energy() -> Finding:
    """The same cells for energy, with the power of IONN's ODROID-XU4 and Huang et al.'s radios."""
    found = [100 * (1 - c.neurosurgeon / c.remote) for c in cells() if c.metric == "energy"]
    text = f"{len(found)} cells: {statistics.mean(found):.1f} % on average, {max(found):.1f} % at most"
    if abs(statistics.mean(found) - 59.5) < 1 and abs(max(found) - 94.7) < 1:
        return confirmed(text)
    if min(found) >= 0:
        return in_shape(text, f"never more energy than cloud only; other devices. {STAND_IN}")
    return unchecked(f"{STAND_IN} With these some cells cost more.", text)


@claim("neurosurgeon", "neurosurgeon-throughput", "Datacentre throughput grows 1.5x on average and 6.7x at most.",
       ABSTRACT)  # fmt: skip
def throughput() -> Finding:
    """Nothing is run: the mix of queries and the share of layers at the server behind the figure are not published."""
    return unchecked("The mix of queries and the server's times behind the figure are not published.")


@claim("neurosurgeon", "neurosurgeon-cuts", "Its table of chosen cuts: 96 cells of input, a layer, or argmax.",
       "table of chosen cuts")  # fmt: skip
def cuts() -> Finding:
    """The optimal cut of each cell on our profiles beside the printed one."""
    same = sum(c.ours == c.published for c in cells())
    kinds = {"input", "argmax"}
    inner = sorted({c.ours for c in cells()} - kinds)
    text = f"{same} of {len(cells())} cells equal; cuts inside a network: {', '.join(inner)}"
    if same == len(cells()):
        return confirmed(text)
    return (
        in_shape(text, f"The pattern is there (all remote, all local, or behind a pooling layer). {STAND_IN}")
        if (2 * same > len(cells()) and all("pool" in layer for layer in inner))
        else unchecked(STAND_IN, text)
    )


@claim("neurosurgeon", "neurosurgeon-senna", "POS, NER and CHK always run on the device as a whole (last layer).",
       "table of chosen cuts")  # fmt: skip
def senna() -> Finding:
    """The 36 cells of the three SENNA networks."""
    mine = [c for c in cells() if c.network.startswith("senna")]
    local = sum(c.ours == "argmax" for c in mine)
    text = f"all local in {local} of {len(mine)} cells"
    return confirmed(text) if local == len(mine) else in_shape(text, STAND_IN)


@claim("neurosurgeon", "neurosurgeon-pool5", "On the GPU over Wi-Fi, AlexNet is best cut behind pool5.",
       "table of chosen cuts")  # fmt: skip
def pool5() -> Finding:
    """That cell."""
    key = ("latency", "GPU", "wifi", "alexnet")
    cell = next(c for c in cells() if (c.metric, c.device, c.link, c.network) == key)
    return confirmed(f"cut behind {cell.ours}") if cell.ours == "pool5" else in_shape(f"behind {cell.ours}", STAND_IN)


@claim("neurosurgeon", "neurosurgeon-data", "Data vary from layer to layer: a later tensor is smaller than the input.",
       ABSTRACT + ", as \"data and computation variations\"")  # fmt: skip
def data() -> Finding:
    """Smallest tensor with at least a tenth of the device's time behind it over the input, its four vision networks."""
    shares = {}
    for name in ("alexnet", "vgg19", "deepface", "lenet"):
        one = profile(name, "modules")
        seconds = one.timings["device"].seconds
        whole = sum(seconds)
        inner = [t for t in one.graph.tensors[1:] if sum(seconds[t.source + 1 :]) >= whole / 10]
        shares[name] = min(t.bytes for t in inner) / one.graph.tensors[0].bytes
    text = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
    small = [name for name, share in shares.items() if share < 1]
    if len(small) == len(shares):
        return confirmed(text)
    return in_shape(text, f"Smaller on {', '.join(small)} only.")


def _front_only(problem: osp.Partition) -> osp.Partition:
    """The question that its algorithm asks: one way, and the result stays where it is."""
    return problem.but(one_way=True, result_at=None)


@claim("neurosurgeon", "neurosurgeon-chain", "Algorithm 1, all prefixes of a chain, finds the best cut.", "algorithm 1")
def chain() -> Finding:
    """Against the optimum of one-way cuts with no way back, on every network that is a chain, three device classes."""
    equal = count = 0
    for device in CLASSES:
        for _, _, problem in partitions(device):
            if problem.is_chain:
                asked = _front_only(problem)
                count += 1
                equal += objective(asked, "neurosurgeon") == objective(asked)
    text = f"optimal on {equal} of {count} problems"
    return confirmed(text) if equal == count else in_shape(text, "A theorem: a defect here.")


def _against_optimum(problem: osp.Partition) -> Measured:
    best, found = objective(problem), objective(problem, "neurosurgeon")
    return Measured(best, found, f"Neurosurgeon {ms(found)}, optimum {ms(best)}")


WAY_BACK = witness(
    "neurosurgeon-way-back",
    "Kaldi, the paper's own speech network, on a phone over 4G: 3.7 MB of posteriors come back",
    lambda: partition("kaldi", "4g"), _against_optimum,
)  # fmt: skip


@claim("neurosurgeon", "neurosurgeon-way-back", "The way of the result back need not be priced.",
       "algorithm 1, which has no such term", Said.IMPLIED)  # fmt: skip
def way_back() -> Finding:
    """Its choice at full prices, on every network that is a chain, over four links and three device classes."""
    losses = [
        (above(objective(problem, "neurosurgeon"), least(name, link, device)), f"{name} over {link}")
        for device in CLASSES
        for name, link, problem in partitions(device)
        if problem.is_chain
    ]
    missed = [loss for loss in losses if loss[0] > 0]
    worst = max(losses)
    text = f"optimal on {len(losses) - len(missed)} of {len(losses)}; at most {worst[0]:.1f} % above ({worst[1]})"
    return judged(not missed, text, WAY_BACK, "Harmless where the output is a thousand classes, not where it is large.")


def _prefix(problem: osp.Partition) -> Measured:
    asked = problem.but(one_way=True)
    best, found = objective(asked), best_prefix(asked)
    return Measured(best, found, f"best prefix {ms(found)}, best one-way cut {ms(best)}")


PREFIX = witness(
    "dag-prefix", "AlexNet with parallel towers (a reconstruction) on a phone over Wi-Fi",
    lambda: partition("alexnet_p", "wifi"), _prefix,
)  # fmt: skip


@claim("neurosurgeon", "dag-prefix", "On a DAG it is enough to try the prefixes of the topological order.",
       "the paper knows chains only; what reproductions do", Said.OTHERS)  # fmt: skip
def prefixes() -> Finding:
    """Best prefix at true prices against the best one-way cut, so that branches alone make the difference."""
    losses = [
        (_prefix(problem), name, link)
        for device in CLASSES
        for name, link, problem in partitions(device)
        if not problem.is_chain
    ]
    missed = [(above(m.found, m.promised), f"{name} over {link}") for m, name, link in losses if m.refutes]
    worst = max(missed, default=(0.0, "nowhere"))
    text = f"optimal on {len(losses) - len(missed)} of {len(losses)}; at most {worst[0]:.1f} % above ({worst[1]})"
    return judged(not missed, text, PREFIX)


def _one_way(problem: osp.Partition) -> Measured:
    best, found = objective(problem), objective(problem.but(one_way=True))
    return Measured(best, found, f"best one-way cut {ms(found)}, best cut {ms(best)}")


ONE_WAY = witness(
    "one-way", "Inception with 21841 classes on a phone over 4G: its last layer, 87 kB of scores, is best run at home",
    lambda: partition("inception_21k", "4g"), _one_way,
)  # fmt: skip


@claim("neurosurgeon", "one-way-suffices", "One cut is enough: what is at the server stays there.",
       "algorithm 1; DADS and QDMP alike", Said.IMPLIED)  # fmt: skip
def one_way() -> Finding:
    """Best one-way cut against the best cut, over all networks, links and device classes; the result comes back."""
    losses = [(_one_way(p), name, link) for device in CLASSES for name, link, p in partitions(device)]
    missed = [(above(m.found, m.promised), f"{name} over {link}") for m, name, link in losses if m.refutes]
    worst = max(missed, default=(0.0, "nowhere"))
    text = f"optimal on {len(losses) - len(missed)} of {len(losses)}; at most {worst[0]:.1f} % above ({worst[1]})"
    return judged(not missed, text, ONE_WAY)


@claim("neurosurgeon", "neurosurgeon-load", "As the server's load K rises, the cut moves towards the device.",
       "algorithm 1, K")  # fmt: skip
def load() -> Finding:
    """Layers at the device for K = 1, 2, 4, ..., 256, on every chain over every link."""
    rising = count = 0
    for name in names():
        for link in LINKS:
            problem = partition(name, link)
            if not problem.is_chain:
                continue
            plans = [osp.solve(problem, "neurosurgeon", load=2.0**k).plan for k in range(9)]
            at = [len(plan.at("device")) for plan in plans]
            count += 1
            rising += at == sorted(at)
    text = f"{rising} of {count} chains never move back"
    return confirmed(text) if rising == count else in_shape(text, "ties apart")
