"""Statements that the exact methods rest on, checked on random instances, and values of the literature."""

from __future__ import annotations

import functools
import itertools
import json
import random
from fractions import Fraction
from itertools import pairwise

import optsplit as osp
from benchmarks import flow_shop
from benchmarks.claims.flow_shop import shop
from benchmarks.claims.ionn import OUTSIDE
from benchmarks.claims.networks import above, ms, names, objective, partition
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, unchecked, witness
from benchmarks.places import three_tiers
from optsplit import Metric, Partition, UploadOrder
from optsplit.algorithms import upload_sidney

COUNT = 200
"""Random uploads of each check, seeds 0, 1, 2, ..."""


@functools.cache
def upload(seed: int) -> UploadOrder:
    """A network of 4 to 7 layers, a chain now and then, fast at the server; 3 to 6 units to send."""
    rng = random.Random(seed)
    n = rng.randint(4, 7)
    edges = [(i if rng.random() < 0.3 else rng.randint(0, i), i + 1) for i in range(n - 1)]
    more = [tuple(sorted(rng.sample(range(n), 2))) for _ in range(rng.randint(0, 3))]
    compute = [[rng.randint(0, 100), rng.randint(0, 20)] for _ in range(n)]
    ways = {arc: [rng.randint(0, 40) for _ in range(n)] for arc in (("device", "server"), ("server", "device"))}
    network = Partition(
        [f"l{i}" for i in range(n)], sorted({*edges, *more}), metrics={"latency": Metric(compute, ways)},
        pins={"l0": "device"},
    )  # fmt: skip
    return UploadOrder(network, [0, *(rng.randint(1, 9) for _ in range(n - 1))])


@claim("structure", "supermodular", "The gain L(0) - L(S) of uploaded layers S is monotone and supermodular.",
       "theory of cut functions; what blocks and bounds of upload orders rest on", Said.OTHERS)  # fmt: skip
def supermodular() -> Finding:
    """Every set and every two more units of random uploads, in exact integers."""
    checked = broken = 0
    for seed in range(COUNT):
        problem = upload(seed)
        units = [k for k in range(len(problem.names)) if problem.times[k]]
        for size in range(len(units) - 1):
            for base in itertools.combinations(units, size):
                s = sum(1 << k for k in base)
                for u, v in itertools.combinations([k for k in units if k not in base], 2):
                    none, one, other, both = (problem.latency(s | x) for x in (0, 1 << u, 1 << v, 1 << u | 1 << v))
                    checked += 1
                    broken += not (none >= one >= both and none - one <= other - both)
    text = f"{checked} inequalities on {COUNT} uploads, {broken} broken"
    return confirmed(text) if not broken else in_shape(text, "A theorem: a defect here.")


@claim("structure", "self-supporting", "Some optimal order has everything uploaded in use each time the latency drops.",
       "lattice of minimum cuts", Said.OTHERS)  # fmt: skip
def self_supporting() -> Finding:
    """The programme over such sets alone against enumeration of all orders, random uploads."""
    equal = sum(objective(upload(seed), "subset-dp") == objective(upload(seed), "brute") for seed in range(COUNT))
    return (
        confirmed(f"equal on {equal} of {COUNT}")
        if equal == COUNT
        else in_shape(f"equal on {equal}", "A theorem: a defect here.")
    )


@claim("structure", "sidney", "Any order inside the blocks of the lower hull costs at most twice the optimum.",
       "Sidney, 1975, carried over from precedences to cuts", Said.OTHERS)  # fmt: skip
def sidney() -> Finding:
    """The worst order inside the blocks over the optimum, what no order avoids (L(all) H) taken off; random uploads."""
    worst, blocked = (Fraction(0), -1), 0
    for seed in range(COUNT):
        problem = upload(seed)
        blocks = upload_sidney.Blocks(problem).blocks
        inside = [[k for k in range(len(problem.names)) if block.units >> k & 1] for block in blocks]
        floor = problem.least * problem.horizon
        best = objective(problem) - floor
        if not best:
            continue
        blocked += 1
        orders = itertools.product(*(itertools.permutations(block) for block in inside))
        most = max(problem.evaluate(problem.plan([k for block in order for k in block])).objective for order in orders)
        worst = max(worst, (Fraction(most - floor, best), seed))
    text = f"largest ratio {float(worst[0]):.3f} (seed {worst[1]}) on {blocked} uploads"
    return confirmed(text) if worst[0] <= 2 else in_shape(text, "A theorem: a defect here.")


@claim("structure", "envelope", "The least latency is concave and piecewise linear in 1 / bandwidth, with few pieces.",
       "Eisner and Severance, 1976")  # fmt: skip
def concave() -> Finding:
    """All networks: bytes fall from piece to piece, and the table equals a minimum cut at five bandwidths."""
    pieces, falling, equal, count = 0, 0, 0, 0
    for name in names():
        asked = partition(name, "4g")
        envelope = osp.envelope(asked)
        pieces = max(pieces, len(envelope.segments))
        slopes = [segment.slope for segment in envelope.segments]
        falling += all(a >= b for a, b in pairwise(slopes))
        for link in ("cat1", "3g", "4g", "wifi", "fiber"):
            rate = osp.links[link].up.rate
            segment = envelope.at(rate)
            best = objective(partition(name, link))
            count += 1
            # the table is exact, a problem over a link rounds each transfer to a nanosecond
            equal += abs(float(segment.value(1e9 / (rate * envelope.weight))) - best) <= len(asked.tensors)
    text = (
        f"{falling} of {len(names())} concave, {equal} of {count} values equal up to rounding, at most {pieces} pieces"
    )
    return confirmed(text) if falling == len(names()) and equal == count else in_shape(text, "not everywhere")


@claim("structure", "johnson-two-machines", "Johnson's rule is optimal on two machines.", "Johnson, 1954")
def johnson() -> Finding:
    """Random shops of two machines against enumeration."""
    equal = sum(objective(shop(seed, 2), "johnson") == objective(shop(seed, 2), "brute") for seed in range(300))
    return (
        confirmed(f"optimal on {equal} of 300")
        if equal == 300
        else in_shape(f"optimal on {equal}", "A theorem: a defect here.")
    )


@claim(
    "structure",
    "taillard",
    "Optimal makespans of Taillard's 20x5 and 50x5 flow shops.",
    "Taillard, EJOR 64, 1993, and his list",
)
def taillard() -> Finding:
    """Generated anew from the printed seeds, each solved to a proof."""
    equal = 0
    for problem, optimum in flow_shop.instances():
        result = osp.solve(problem, time_limit=30)
        equal += result.status is osp.Status.OPTIMAL and result.objective == optimum
    text = f"{equal} of 20 proven at the printed value"
    return confirmed(text) if equal == 20 else in_shape(text, "the others not proven within 30 s each")


def _stages(problem: Partition) -> Measured:
    best, found = objective(problem), objective(problem, "pipedream")
    return Measured(best, found, f"PipeDream {ms(found)}, optimum {ms(best)}")


PIPEDREAM = witness(
    "pipedream-dag", "AlexNet with parallel towers on a phone, an edge server and a cloud: least latency",
    lambda: three_tiers("alexnet_p"), _stages,
)  # fmt: skip


@claim("structure", "pipedream-chain", "PipeDream's dynamic programme is optimal on a chain of layers.",
       "Narayanan et al., SOSP 2019, section 3.1")  # fmt: skip
def pipedream_chain() -> Finding:
    """Random one-way chains over three places in their order, largest stage, without replicas; against enumeration."""
    equal = count = 0
    for seed in range(200):
        rng = random.Random(seed)
        n, at = rng.randint(3, 7), ("a", "b", "c")
        metrics = {
            place: Metric([[rng.randint(0, 20) * (p == q) for q in range(3)] for _ in range(n)])
            for p, place in enumerate(at)
        }
        for p, q in ((0, 1), (1, 2), (0, 2)):
            metrics[f"{p}{q}"] = Metric([[0] * 3] * n, {(at[p], at[q]): [rng.randint(0, 20) for _ in range(n)]})
        problem = Partition(
            [f"l{i}" for i in range(n)], [(i, i + 1) for i in range(n - 1)], at, metrics, minimize=tuple(metrics),
            pins={"l0": "a"}, result_at=None, one_way=True,
        )  # fmt: skip
        count += 1
        equal += objective(problem, "pipedream") == objective(problem, "brute")
    text = f"optimal on {equal} of {count}"
    return confirmed(text) if equal == count else in_shape(text, "not everywhere: a defect or another model")


@claim("structure", "pipedream-dag", "Put in a line, networks with branches can be treated as chains.",
       "comparisons with PipeDream on operator graphs", Said.OTHERS)  # fmt: skip
def pipedream_dag() -> Finding:
    """Least latency over phone, edge and cloud: runs of the topological order against the optimum, seven networks."""
    losses = []
    for name in ("alexnet_p", "googlenet", "resnet18", "resnet50", "densenet201", "hf_bert", "siamese"):
        measured = _stages(three_tiers(name))
        losses.append((above(measured.found, measured.promised), name))
    missed = [loss for loss in losses if loss[0] > 0]
    worst = max(losses)
    text = f"optimal on {len(losses) - len(missed)} of {len(losses)}, at most {worst[0]:.1f} % above ({worst[1]})"
    return judged(not missed, text, PIPEDREAM)


@claim("structure", "placement", "Optimal contiguous placements of BERT-24 (17.79 ms) and BERT-L-3 (27.92 ms).",
       "Tarnawski et al., NeurIPS 2020, their instances and dynamic programme")  # fmt: skip
def placement() -> Finding:
    """Their files, solved by CP-SAT to a proof."""
    folder = OUTSIDE / "msr"
    if not folder.exists():
        return unchecked("The instances are not at hand: set OPTSPLIT_INSTANCES.")
    reference = json.loads((folder / "reference.json").read_text())
    found = {}
    for name in ("bert24", "bert_l-3"):
        problem = osp.io.read_placement(folder / f"{name}_inference.json", contiguous=True)
        best = osp.solve(problem, "cpsat", time_limit=20).require_optimal().objective
        found[name] = best / 1e6, reference[f"{name}_inference"]["contiguous"]
    text = ", ".join(f"{name} {ours:.6f} ms (printed {theirs:.6f})" for name, (ours, theirs) in found.items())
    same = all(abs(ours - theirs) < 1e-3 for ours, theirs in found.values())
    return confirmed(text) if same else in_shape(text, "differs by a microsecond and more")
