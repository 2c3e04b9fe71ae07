"""Claims of BranchyNet: samples leave early where an exit is sure enough."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import optsplit as osp
from benchmarks.claims.edgent import DOWN, UP, digits
from benchmarks.claims.networks import ms, objective
from benchmarks.claims.verdict import Finding, Measured, Said, claim, confirmed, in_shape, judged, witness
from optsplit import Exits, Metric, Partition
from optsplit.problems.exits import ExitPattern


@claim("branchynet", "branchynet-early", "A large portion of samples can leave early.", "abstract")
def early() -> Finding:
    """Share of the calibration set that leaves before the last exit with the most accurate thresholds."""
    problem = digits("wifi", "phone", "confidence")
    best = osp.solve(problem.but(maximize="accuracy", limits={})).require_optimal()
    routing = problem.exits.by_thresholds(best.plan.thresholds)  # type: ignore[union-attr]
    share = 1 - routing.leaving[-1] / routing.samples
    text = f"{100 * share:.0f} % of {routing.samples}, {100 - best.objective / 1e4:.2f} % right"
    return confirmed(text) if share > 0.5 else in_shape(text, "less than half")


@functools.cache
def _both() -> tuple[float, float, float, float]:
    """Accuracy and latency on the device of the last exit alone, and of the fastest exits by confidence as accurate."""
    problem = digits("wifi", "phone", "confidence")
    last = digits("wifi", "phone").at_exit(problem.exits.layers[-1])  # type: ignore[union-attr]
    right = 1 - problem.exits.accuracy[problem.exits.layers[-1]]  # type: ignore[union-attr]
    local = dict.fromkeys(problem.layers, "device")
    sure = osp.solve(problem.but(minimize="latency", limits={"error": math.floor(1e6 * right)}, pins=local))
    sure.require_optimal()
    alone = objective(last.but(minimize="latency", limits={}), "device-only")
    return 1 - right, alone, 1 - sure.metrics["error"] / 1e6, sure.metrics["latency"]


@claim("branchynet", "branchynet-both", "Exits can both improve accuracy and reduce inference time.", "abstract")
def both() -> Finding:
    """All on the device: the last exit alone, against the fastest thresholds that are at least as accurate."""
    before, slow, after, fast = _both()
    text = (
        f"{100 * before:.2f} % in {ms(slow)} alone, {100 * after:.2f} % in {ms(fast)} by confidence (calibration set)"
    )
    note = "Thresholds are chosen on the set they are measured on; on other samples: `python -m benchmarks.branchy`."
    return confirmed(text, note) if after >= before and fast < slow else in_shape(text, "not both")


@claim("branchynet", "branchynet-speed", "2 to 6 times as fast (LeNet, AlexNet, ResNet).", "evaluation, CPU and GPU")
def speed() -> Finding:
    """The same two plans: ratio of latencies on the device."""
    _, slow, _, fast = _both()
    ratio = slow / fast
    text = f"{ratio:.2f}x on the digits"
    if 2 <= ratio <= 6:
        return confirmed(text, "Another data set and another AlexNet: inside the range all the same.")
    return in_shape(text, "Faster, outside the range: another data set and another AlexNet.")


def two_reaches() -> Partition:
    """`body` is read by an exit that every sample needs and by a tail that one in ten needs."""
    metrics = {"latency": Metric([[0, 90], [1, 90], [20, 1], [200, 1]], {UP: [300, 30, 0, 0], DOWN: [300, 30, 0, 0]})}
    patterns = (ExitPattern((1, 1), (True, True), 9), ExitPattern((0, 1), (False, True), 1))
    return Partition(
        ["input", "body", "exit", "tail"], [(0, 1), (1, 2), (1, 3)], metrics=metrics, pins={"input": "device"},
        exits=Exits({"exit": 0.9, "tail": 1.0}, (0.5,), patterns), minimize="latency", limits={"error": 0},
        name="two reaches",
    )  # fmt: skip


def weighed(problem: Partition, thresholds: Mapping[str, float]) -> Partition:
    """One weight for each layer and each tensor: the samples that reach the layer, or the tensor's source."""
    assert problem.exits is not None
    costs = problem.costs("latency")
    routing = problem.exits.by_thresholds(thresholds)
    reach = [0] * len(problem.layers)
    for place, exit in reversed(list(enumerate(routing.exits))):
        for v in range(len(problem.layers)):
            if problem.needs[exit][v]:
                reach[v] = routing.reaching[place]
    compute = [[int(c) * reach[v] for c in costs.compute[v]] for v in range(len(problem.layers))]
    sent = {
        arc: [int(f[t]) * reach[u] for t, (u, _) in enumerate(problem.tensors)]
        for arc, f in ((UP, costs.crossing(0, 1)), (DOWN, costs.crossing(1, 0)))
    }
    edges = [(u, v) for u, readers in problem.tensors for v in readers]
    return Partition(problem.layers, edges, metrics={"latency": Metric(compute, sent)}, pins=dict(problem.pins))


def _unchanged(problem: Partition) -> Measured:
    best = osp.solve(problem).require_optimal()
    plan = osp.solve(weighed(problem, best.plan.thresholds), "mincut").plan
    found = problem.evaluate(osp.PartitionPlan(plan.assignment, None, {}, dict(best.plan.thresholds))).objective
    return Measured(best.objective, found, f"the weighed cut costs {found} a sample, the optimum {best.objective}")


REACH = witness("confidence-cut", "a tensor read by an exit that all samples reach and by a tail that a tenth reach",
                two_reaches, _unchanged)  # fmt: skip


@claim("branchynet", "confidence-cut", "With exits by confidence the minimum cut applies, costs weighed by reach.",
       "how exits by confidence are usually folded into a cut (expected latency is linear)", Said.OTHERS)  # fmt: skip
def unchanged() -> Finding:
    """One weight a tensor against the exact model: a tensor is sent to a place for the samples that need it there."""
    measured = _unchanged(two_reaches())
    note = "Holds with a copy of the tensor for every exit behind it, which is still a minimum cut."
    return judged(not measured.refutes, measured.words, REACH, note)
