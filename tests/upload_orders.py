"""Random upload problems, and a slow count of lost queries."""

from __future__ import annotations

from hypothesis import strategies as st

import optsplit as osp
from optsplit.problems.upload_order import UploadOrder, UploadPlan


@st.composite
def uploads(draw: st.DrawFn, chain: bool = False, shared: bool = False, most: int = 7) -> UploadOrder:
    """A network of 3..`most` layers; `shared`: units of several layers, some present already."""
    n = draw(st.integers(3, most))
    if chain:
        edges = [(i, i + 1) for i in range(n - 1)]
    else:
        spine = [(draw(st.integers(0, i - 1)), i) for i in range(1, n)]
        more = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=n))
        edges = sorted({*spine, *((min(e), max(e)) for e in more if e[0] != e[1])})
    cost, far = st.integers(0, 100), st.integers(0, draw(st.sampled_from([5, 100])))
    compute = [[draw(cost), draw(st.integers(0, 30))] for _ in range(n)]
    way = {arc: [draw(far) for _ in range(n)] for arc in (("device", "server"), ("server", "device"))}
    partition = osp.Partition(
        [f"l{i}" for i in range(n)], edges, metrics={"latency": osp.Metric(compute, way)}, pins={"l0": "device"},
        one_way=draw(st.sampled_from([False, False, False, True])),
    )  # fmt: skip
    if not shared:
        return UploadOrder(partition, [0, *(draw(st.integers(0, 9)) for _ in range(n - 1))])
    layers = st.lists(st.integers(1, n - 1), min_size=1, max_size=3, unique=True)
    units = {f"u{k}": (draw(st.integers(0, 9)), draw(layers)) for k in range(draw(st.integers(1, 6)))}
    return UploadOrder(partition, units, draw(st.lists(st.sampled_from(sorted(units)), max_size=2, unique=True)))


def simulated_losses(problem: UploadOrder, plan: UploadPlan) -> int:
    """Lost queries of an order without batches, one query after the other."""
    clock = finished = 0
    while clock < problem.horizon:
        uploaded, sent = 0, 0
        for name in plan.order:
            sent += problem.times[problem.index[name]]
            if sent <= clock:
                uploaded |= 1 << problem.index[name]
        clock += problem.latency(uploaded)
        finished += clock <= problem.horizon
    return problem.horizon // problem.least - finished
