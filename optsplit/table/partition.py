"""The methods of the partition problem; exact ones stand in the order in which "auto" tries them."""

from __future__ import annotations

import importlib
from typing import Any

from optsplit.method import Answer, Method, Options
from optsplit.problems.partition import (
    BRANCHES,
    CONFIDENCE,
    CONTIGUOUS,
    EXITS,
    LARGEST,
    LIMITS,
    PLACES,
    PRECISIONS,
    TOGETHER,
    Partition,
)
from optsplit.table.entry import formulation

_ALL = frozenset({BRANCHES, LIMITS, LARGEST, PLACES, TOGETHER, CONTIGUOUS})
_TWO_PLACES = _ALL - {PLACES}
_CHOICES = frozenset({EXITS, CONFIDENCE, PRECISIONS})


def _refuses(algorithm: str, room: str = "algorithms") -> Any:
    return lambda problem: importlib.import_module(f"optsplit.{room}.{algorithm}").refuses(problem)


def _one_metric(problem: Partition) -> str | None:
    return None if len(problem.objectives) > 1 else "it balances the largest of several metrics, here there is one"


def _no_exits(problem: Partition) -> str | None:
    return None if problem.exits is not None else "it chooses among exits, and this problem has none"


def _each_routing(problem: Partition, options: Options) -> Answer:
    """Each routing by the first exact method that takes what is left of the problem."""
    from optsplit.algorithms import exits

    def inner(plain: Partition, asked: Options) -> Answer:
        method = next(m for m in METHODS if m.exact and m.mismatch(plain) is None)
        answer: Answer = method.load()(plain, asked)
        return answer

    return exits.solve(problem, options, inner)


_EDGENT, _DYNO = _refuses("edgent", "baselines"), _refuses("dyno", "baselines")

METHODS = (
    Method("chain", "Partition", True, frozenset({PLACES}), "optsplit.algorithms.chain:solve",
           "shortest path in the layered graph (layer, place)"),
    Method("mincut", "Partition", True, frozenset({BRANCHES}), "optsplit.algorithms.mincut:solve",
           "minimum s-t cut, each tensor paid once each way"),
    Method("segments", "Partition", True, frozenset({LIMITS, LARGEST, PLACES}), "optsplit.algorithms.segments:solve",
           "dynamic programme over runs of a one-way chain", _refuses("segments")),
    Method("tiers", "Partition", True, frozenset({BRANCHES, PLACES, TOGETHER}), "optsplit.algorithms.tiers:solve",
           "minimum cut with thresholds, branch and bound on shared tensors", _refuses("intervals")),
    Method("lagrangian", "Partition", True, frozenset({BRANCHES, LIMITS, LARGEST, PRECISIONS}),
           "optsplit.algorithms.lagrangian:solve",
           "column generation over minimum cuts, then branch and bound"),
    Method("ideals", "Partition", True, _ALL - {TOGETHER}, "optsplit.algorithms.ideals:solve",
           "dynamic programme over ideals of a narrow network, one way", _refuses("ideals")),
    Method("tiers-lagrangian", "Partition", True, frozenset({BRANCHES, LIMITS, LARGEST, PLACES, TOGETHER}),
           "optsplit.algorithms.tiers_limits:solve",
           "column generation over cuts with thresholds, then branch and bound", _refuses("intervals")),
    Method("exits", "Partition", True, _ALL | _CHOICES, _each_routing,
           "one partition for each exit, or setting of the thresholds", _no_exits),
    Method("cpsat", "Partition", True, _ALL | _CHOICES, formulation("partition_cpsat"),
           "CP-SAT, formulations/partition_cpsat.py"),
    Method("milp", "Partition", True, _ALL | _CHOICES, formulation("partition_milp"),
           "MILP by HiGHS, formulations/partition_milp.py"),
    Method("labels", "Partition", True, frozenset({LIMITS, LARGEST, PLACES}), "optsplit.algorithms.labels:solve",
           "paths with labels in the layered graph of a chain"),
    Method("brute", "Partition", True, _ALL | _CHOICES, "optsplit.algorithms.brute:solve",
           "every plan, one by one", _refuses("brute")),
    Method("neurosurgeon", "Partition", False, frozenset({BRANCHES, LIMITS}), "optsplit.baselines.neurosurgeon:solve",
           "Kang et al., ASPLOS 2017", options=frozenset({"load"})),
    Method("dads-light", "Partition", False, frozenset({BRANCHES, LIMITS}), "optsplit.baselines.dads:light",
           "Hu et al., INFOCOM 2019, light workload, as printed"),
    Method("dads-heavy", "Partition", False, frozenset({BRANCHES, LIMITS, LARGEST}), "optsplit.baselines.dads:heavy",
           "Hu et al., INFOCOM 2019, heavy workload, on a grid of weights", _one_metric),
    Method("edgent", "Partition", False, frozenset({BRANCHES, LIMITS, EXITS}), "optsplit.baselines.edgent:as_printed",
           "Li, Zhou, Chen, MECOMM 2018, as printed", _EDGENT),
    Method("edgent-repaired", "Partition", False, frozenset({BRANCHES, LIMITS, EXITS}),
           "optsplit.baselines.edgent:repaired", "Edgent at true prices, both ends among its points", _EDGENT),
    Method("dyno", "Partition", False, frozenset({BRANCHES, LIMITS, LARGEST, PRECISIONS}),
           "optsplit.baselines.dyno:solve", "Almeida et al., ACM TECS 2022: one split, one precision", _DYNO),
    Method("float32", "Partition", False, frozenset({BRANCHES, LIMITS, LARGEST, PRECISIONS}),
           "optsplit.baselines.dyno:as_they_are", "the best partition that packs nothing", _DYNO),
    Method("pipedream", "Partition", False, _ALL, "optsplit.baselines.linearised:solve",
           "Narayanan et al., SOSP 2019, on the topological order"),
    Method("greedy-balance", "Partition", False, _ALL, "optsplit.baselines.greedy:balance",
           "list scheduling, Graham 1966"),
    Method("local-search", "Partition", False, _ALL, "optsplit.baselines.local_search:solve",
           "moves of single layers, from the best trivial plan"),
    Method("best-single-place", "Partition", False, _ALL, "optsplit.baselines.trivial:best_single_place",
           "every layer that is not pinned at one place, the best one"),
    Method("device-only", "Partition", False, _ALL, "optsplit.baselines.trivial:device_only",
           "every layer at the first place"),
    Method("server-only", "Partition", False, _TWO_PLACES, "optsplit.baselines.trivial:server_only",
           "every layer that is not pinned at the last place"),
)  # fmt: skip
