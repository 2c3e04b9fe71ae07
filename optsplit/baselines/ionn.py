"""IONN (Jeong, Lee, Shin and Moon, SoCC 2018) and the efficiency rule of its authors' later work.

IONN as its authors' code has it. Cut points are the dominators of the output; what lies between two is one macro layer
i. Three nodes for each: A_i (at the client, before i), B_i (at the server, input there), C_i (at the server, output
there), and edges

    A_i -> B_i      the input's time up                 B_i -> C_i      server time + f * time of upload
    A_i -> A_i+1    client time                         C_i -> A_i+1    the output's time down
                                                        C_i -> B_i+1    0

For f = K^n, n = 0, 1, ... while K^n >= threshold, and once more for f = 0, the shortest path is taken, and the layers
on its server side that were not sent before are partition n. At run time a partition counts only when it is complete:
method "ionn" prices its plan so, by batches. "ionn-layerwise" prices the same order layer by layer.

f = K^n samples the parametric cut whose sets are the corners of the hull of (time of upload, latency), at a few
multipliers and between dominators only: it finds some of them. What the least latency needs inside macro layers and
no path takes goes last, as a batch of its own.

"ionn-efficiency": candidates are intervals of the server run of the last path, the steady state; that of the largest
(gain in latency) / (time of upload) goes first. Within it the best strictly smaller interval goes before the rest, and
so on down to single macro layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from optsplit.baselines.ionn_layers import MacroChain
from optsplit.errors import InvalidInput
from optsplit.method import Answer, Options
from optsplit.problems.upload_order import UploadOrder
from optsplit.problems.upload_units import needed

K = 0.5
THRESHOLD = 0.01
_FEWEST = 1e-9
_NEVER = math.inf
Cost = int | Fraction | float
"""A number of nanoseconds, exact, or infinity."""


def solve(problem: UploadOrder, options: Options) -> Answer:
    """The published plan: a partition counts when it is complete."""
    batches = partitions(problem, *_read(options))
    return Answer(
        problem.plan([k for batch in batches for k in batch], [len(batch) for batch in batches] or None),
        raw_status=f"{len(batches)} partitions",
    )


def layerwise(problem: UploadOrder, options: Options) -> Answer:
    """The same order; each layer counts as soon as it is there."""
    answer = solve(problem, options)
    return replace(answer, plan=problem.plan(problem.positions(answer.plan)))


def _read(options: Options) -> tuple[Fraction, Fraction]:
    k, threshold = options.extra.get("k", K), options.extra.get("threshold", THRESHOLD)
    if not (isinstance(k, (int, float)) and 0 < k < 1):
        raise InvalidInput(f"ionn: k is {k!r}; give a number above 0 and below 1, such as 0.1, 0.5 or 0.8")
    if not (isinstance(threshold, (int, float)) and _FEWEST <= threshold <= 1):
        raise InvalidInput(f"ionn: threshold is {threshold!r}; give a number from {_FEWEST:g} to 1")
    if math.log(threshold) / math.log(k) > 1000:
        raise InvalidInput(f"ionn: k {k!r} takes more than 1000 steps to threshold {threshold!r}; give a smaller k")
    return Fraction(str(k)), Fraction(str(threshold))


def partitions(problem: UploadOrder, k: Fraction, threshold: Fraction) -> list[list[int]]:
    """The units of each partition, in the order sent; empty ones are left out."""
    chain = MacroChain(problem)
    factors, f = [], Fraction(1)
    while f >= threshold:
        factors.append(f)
        f *= k
    found: list[list[int]] = []
    sent: set[int] = set()

    def send(units: list[int]) -> None:
        fresh = [unit for unit in dict.fromkeys(units) if unit not in sent]
        sent.update(fresh)
        if fresh:
            found.append(fresh)

    for f in [*factors, Fraction(0)]:
        send([unit for i in server_side(chain, f) for unit in chain.macros[i].units])
    send(list(needed(problem)))
    return found


def server_side(chain: MacroChain, factor: Fraction) -> list[int]:
    """The macro layers at the server on the shortest path, uploads weighed by `factor`; ties stay at the client."""
    times = chain.problem.times
    weights = [factor * sum(times[k] for k in macro.units) for macro in chain.macros]
    client: tuple[Cost, list[int]] = (0, [])
    server: tuple[Cost, list[int]] = (_NEVER, [])
    for i, macro in enumerate(chain.macros):
        entered = min(server, (_plus(client[0], macro.into), client[1]), key=lambda path: (path[0], len(path[1])))
        done = _plus(_plus(entered[0], macro.server), weights[i])
        out = done, [*entered[1], i]
        client = min(
            (_plus(client[0], macro.client), client[1]), (_plus(done, macro.back), out[1]),
            key=lambda path: (path[0], len(path[1])),
        )  # fmt: skip
        server = out
    # where the result may end at the server, it has no way back to pay
    return min(client, server, key=lambda path: (path[0], len(path[1])))[1] if _ends_anywhere(chain) else client[1]


def _ends_anywhere(chain: MacroChain) -> bool:
    return chain.partition.result_place != 0


def _plus(a: Cost, b: Cost | int | None) -> Cost:
    return _NEVER if b is None or a == _NEVER else a + b


# --- by efficiency ----------------------------------------------------------------------------------------------------


def efficiency(problem: UploadOrder, options: Options) -> Answer:
    """The interval of the largest gain per time of upload first, down to single macro layers."""
    chain = MacroChain(problem)
    sent: set[int] = set()
    order: list[int] = []

    def send(units: Sequence[int]) -> None:
        order.extend(k for k in dict.fromkeys(units) if k not in sent)
        sent.update(units)

    def refine(first: int, last: int) -> None:
        while any(k not in sent for i in range(first, last + 1) for k in chain.macros[i].units):
            inner = None if first == last else _best(chain, sent, [(first, last)], whole=False)
            if inner is None:
                send([k for i in range(first, last + 1) for k in chain.macros[i].units])
            else:
                refine(*inner)

    runs = _runs(server_side(chain, Fraction(0)))
    while (best := _best(chain, sent, runs, whole=True)) is not None:
        refine(*best)
    send(needed(problem))
    return Answer(problem.plan(order))


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for i in positions:
        if runs and runs[-1][1] == i - 1:
            runs[-1] = runs[-1][0], i
        else:
            runs.append((i, i))
    return runs


def _best(chain: MacroChain, sent: set[int], runs: Sequence[tuple[int, int]], *, whole: bool) -> tuple[int, int] | None:
    """The interval inside the runs of the largest efficiency above 0, the shortest of equals; `whole`: a run, too."""
    macros, times = chain.macros, chain.problem.times
    able = [all(k in sent for k in macro.units) for macro in macros]
    before_client, before_server = _forward(chain, able)
    after_client, after_server = _backward(chain, able)
    now = before_client[-1] if not _ends_anywhere(chain) else min(before_client[-1], before_server[-1])
    best: tuple[Cost, int, tuple[int, int]] | None = None
    for first, last in runs:
        for i in range(first, last + 1):
            cost = min(before_server[i], _plus(before_client[i], macros[i].into))
            lacking: set[int] = set()
            for j in range(i, last + 1):
                cost = _plus(cost, macros[j].server)
                lacking.update(k for k in macros[j].units if k not in sent)
                through = min(cost + after_server[j + 1], _plus(cost, macros[j].back) + after_client[j + 1])
                size = sum(times[k] for k in lacking)
                if through >= now or not size or ((i, j) == (first, last) and not whole):
                    continue
                # pins may leave a chain of macro layers without a path before something is sent
                density = _NEVER if now == _NEVER else Fraction(now - through) / size
                if best is None or (density, i - j) > best[:2]:
                    best = density, i - j, (i, j)
    return None if best is None else best[2]


def _forward(chain: MacroChain, able: Sequence[bool]) -> tuple[list[Cost], list[Cost]]:
    """Least cost to stand before macro layer i at the client, and at the server with its input there."""
    client: list[Cost] = [0]
    server: list[Cost] = [_NEVER]
    for i, macro in enumerate(chain.macros):
        entered = min(server[i], _plus(client[i], macro.into))
        done = _plus(entered, macro.server) if able[i] else _NEVER
        client.append(min(_plus(client[i], macro.client), _plus(done, macro.back)))
        server.append(done)
    return client, server


def _backward(chain: MacroChain, able: Sequence[bool]) -> tuple[list[Cost], list[Cost]]:
    """Least cost from before macro layer i at the client, or at the server, to the end."""
    end: Cost = 0 if _ends_anywhere(chain) else _NEVER
    client: list[Cost] = [0]
    server: list[Cost] = [end]
    for i in range(len(chain.macros) - 1, -1, -1):
        macro = chain.macros[i]
        back = _plus(client[-1], macro.back)
        inside = _plus(min(server[-1], back), macro.server) if able[i] else _NEVER
        home = min(_plus(client[-1], macro.client), _plus(inside, macro.into))
        client.append(home)
        server.append(inside)
    return client[::-1], server[::-1]
