"""Claims of DynO. Its formulas, widths and codec could not be had: packings are measured, or made from such."""

from __future__ import annotations

import functools
import statistics

import optsplit as osp
from benchmarks.claims.edgent import trained
from benchmarks.claims.networks import PHONE, above, ms, objective, profile
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, unchecked, witness
from benchmarks.exits import LINKS, WIDTHS, packed
from optsplit import Partition
from optsplit.cli import places
from optsplit.problems.precision import written

ABSTRACT = "abstract"
NETWORKS = ("alexnet", "googlenet", "mobilenet_v1", "resnet18", "resnet50", "vgg16")
STAND_IN = "Packings of the reference networks are made from those of the trained one, and the device is a factor."


@functools.cache
def problem(name: str, link: str) -> Partition:
    """Split and precisions of a network, packings made from the trained network's; least latency."""
    one = packed(profile(name, "modules"), trained(), NETWORKS.index(name))
    return Partition.from_profile(one, osp.links[link], exits="none", precisions=WIDTHS, load=PHONE)


@functools.cache
def within(name: str, link: str, drop: float) -> Partition:
    """The same with an accuracy budget."""
    return problem(name, link).but(at_least={"accuracy": 1 - drop})


@functools.cache
def solved(name: str, link: str, drop: float, method: str) -> int:
    """What a method's plan costs there."""
    return objective(within(name, link, drop), method)


def uniform(asked: Partition) -> int:
    """The best cut of any shape whose tensors all have the same number of bits."""
    found, precisions = [], written(asked)
    for bits in WIDTHS:
        only = {t: [p for p in mine if p.bits == bits] for t, mine in precisions.items()}
        # a tensor without these bits is sent as it is
        alike = asked.but(precisions={t: mine for t, mine in only.items() if mine} or None)
        result = osp.solve(alike)
        if result.objective is not None:
            found.append(int(result.require_optimal().objective))
    return min(found)


def _one_precision(asked: Partition) -> Measured:
    best, found = objective(asked), uniform(asked)
    return Measured(best, found, f"one precision {ms(found)}, one for each tensor {ms(best)}")


PRECISION = witness(
    "dyno-one-precision", "ResNet-50 on a phone over 4G, packings made from measured ones, accuracy budget 0.01",
    lambda: within("resnet50", "4g", 0.01), _one_precision,
)  # fmt: skip


@claim("dyno", "dyno-one-precision", "One precision for all that crosses is enough.",
       "one split point, one precision, as the method is understood", Said.IMPLIED)  # fmt: skip
def one_precision() -> Finding:
    """Best cut with the same bits for all its tensors against a width for each; three links, accuracy budget 0.01."""
    losses, whole = [], []
    for name in NETWORKS:
        for link in LINKS[1:]:
            best = solved(name, link, 0.01, "auto")
            losses.append((above(uniform(within(name, link, 0.01)), best), f"{name} over {link}"))
            whole.append(above(solved(name, link, 0.01, "dyno"), best))
    missed = [loss for loss in losses if loss[0] > 0]
    text = (
        f"optimal on {len(losses) - len(missed)} of {len(losses)}, at most {max(losses)[0]:.0f} % above "
        f"({max(losses)[1]}); `dyno`, which knows prefixes only, {statistics.mean(whole):.1f} % on average, "
        f"{max(whole):.0f} % at most"
    )
    return judged(not missed, text, PRECISION, STAND_IN)


@claim("dyno", "dyno-joint", "Tuning split and precision jointly beats tuning the split alone.", ABSTRACT)
def joint() -> Finding:
    """DynO's decision space against the best partition of float32 tensors, on the same problems."""
    gains = []
    for name in NETWORKS:
        for link in LINKS:
            gains.append(solved(name, link, 0.01, "float32") / solved(name, link, 0.01, "dyno"))
    span = f"{min(gains):.2f}x to {max(gains):.2f}x on {len(gains)} (budget 0.01)"
    text = f"{statistics.mean(gains):.2f}x on average, {span}"
    note = "It knows prefixes only, so it can lose where the best float32 cut is none." if min(gains) < 1 else STAND_IN
    return confirmed(text, note) if min(gains) >= 1 else in_shape(text, note)


@claim("dyno", "dyno-data", "Up to 60x less data are sent.", ABSTRACT)
def data() -> Finding:
    """Bytes of the best plan of float32 tensors over those of DynO's plan (budget 0.05), where both send something."""
    ratios = []
    for name in NETWORKS:
        for link in LINKS:
            asked = within(name, link, 0.05)
            sent = [osp.solve(asked, method).metrics["bytes"] for method in ("float32", "dyno")]
            if min(sent) > 0:
                ratios.append((sent[0] / sent[1], f"{name} over {link}"))
    table = trained()
    size = {tensor.name: tensor.bytes for tensor in table.graph.tensors}
    alone = max(size[name] / p.bytes for name, mine in table.packings.items() for p in mine)
    most = f"at most {max(ratios)[0]:.0f}x ({max(ratios)[1]})"
    text = f"plans: {most}; one measured tensor of the digits network: {alone:.0f}x"
    note = "Its codec and widths are not published. " + STAND_IN
    return in_shape(text, note) if max(ratios)[0] > 10 or alone > 10 else unchecked(note, text)


@functools.cache
def periods() -> tuple[tuple[float, float, str], ...]:
    """Device only, and the best float32 split of a chain's prefixes, over DynO's period (budget 0.01)."""
    found = []
    for name in NETWORKS:
        for link in LINKS:
            asked = within(name, link, 0.01)
            asked = asked.but(minimize=places.busy(asked))
            mine = objective(asked, "dyno")
            plain = asked.but(precisions=None, limits={})
            found.append((objective(plain, "device-only") / mine, objective(plain) / mine, f"{name} over {link}"))
    return tuple(found)


@claim("dyno", "dyno-throughput", "Throughput grows by more than 10x over device only.", ABSTRACT)
def throughput() -> Finding:
    """Period of the device alone over DynO's."""
    best = max((local, where) for local, _, where in periods())
    text = f"at most {best[0]:.1f}x ({best[1]}), median {statistics.median(x for x, _, _ in periods()):.1f}x"
    return in_shape(text, STAND_IN) if best[0] > 10 else in_shape(text, f"More, but not tenfold. {STAND_IN}")


@claim("dyno", "dyno-others", "Up to 7.9x the throughput of other offloading systems.", ABSTRACT)
def others() -> Finding:
    """The best period of any partition of float32 tensors, so of any system that packs nothing, over DynO's."""
    best = max((other, where) for _, other, where in periods())
    text = f"at most {best[0]:.1f}x ({best[1]}), median {statistics.median(x for _, x, _ in periods()):.2f}x"
    if abs(best[0] / 7.9 - 1) < 0.1:
        return confirmed(text, STAND_IN)
    return (
        in_shape(text, f"The systems compared with are others. {STAND_IN}")
        if best[0] > 1
        else unchecked(STAND_IN, text)
    )


@claim("dyno", "dyno-variability", "Different parts of a network need different precision.", ABSTRACT)
def variability() -> Finding:
    """Fewest bits with a measured drop of at most half a point, tensor by tensor, on the trained network."""
    table = trained().packings
    fewest = [min((p.bits for p in mine if p.drop <= 0.005), default=32) for mine in table.values()]
    counts = {bits: fewest.count(bits) for bits in sorted(set(fewest))}
    text = ", ".join(f"{bits} bits {count}" for bits, count in counts.items())
    return confirmed(text) if len(counts) > 1 else in_shape(text, "one width does for all")


@claim("dyno", "dyno-sum", "The accuracy lost by several packed tensors is the sum of their losses.",
       "what any plan with more than one packed tensor needs", Said.OTHERS)  # fmt: skip
def drops() -> Finding:
    """Nothing is run: needs the trained network at work; `python -m benchmarks.branchy` did it on 33 plans."""
    return unchecked("Measured by `python -m benchmarks.branchy`: off by 12.4 points too high and 4.5 too low at most.")


@claim("dyno", "dyno-widths", "Its bit widths, codec, models and formulas.", "not reachable")
def widths() -> Finding:
    """Nothing is run."""
    return unchecked("The text with them could not be reached; `dyno` is its decision space on our costs.")
