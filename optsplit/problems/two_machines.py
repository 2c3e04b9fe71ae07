"""Two machines and a lag between them: Johnson's rule, and what it gives.

Sources: Johnson, "Optimal two- and three-stage production schedules with setup times included", Naval Research
Logistics Quarterly 1, 1954; with lags Mitten, "Sequencing n jobs on two machines with arbitrary time lags", Management
Science 5, 1959.
"""

from __future__ import annotations

from collections.abc import Sequence

from optsplit.problems.metric import IntArray


def order(first: Sequence[int], second: Sequence[int], lags: Sequence[int] | None = None) -> list[int]:
    """Positions of the jobs in the best order; ties keep the order given.

    Parameters
    ----------
    first, second
        Shape (jobs,): times on the two machines.
    lags
        Shape (jobs,): what lies between the end on the first and the start on the second machine at least.
    """
    a, b = list(first), list(second)
    lag = [0] * len(a) if lags is None else list(lags)
    early = sorted((j for j in range(len(a)) if a[j] <= b[j]), key=lambda j: a[j] + lag[j])
    late = sorted((j for j in range(len(a)) if a[j] > b[j]), key=lambda j: -(b[j] + lag[j]))
    return early + late


def makespan(
    sequence: Sequence[int], first: Sequence[int], second: Sequence[int], lags: Sequence[int] | None = None
) -> int:
    """When the second machine ends its last job."""
    one = two = 0
    for j in sequence:
        one += first[j]
        two = max(two, one + (lags[j] if lags is not None else 0)) + second[j]
    return two


def aggregated(times: IntArray, count: int) -> list[int]:
    """The order in which the first `count` machines together are one machine, and the last `count` the other.

    Parameters
    ----------
    times
        Shape (jobs, machines).
    """
    return order(times[:, :count].sum(axis=1).tolist(), times[:, -count:].sum(axis=1).tolist())
