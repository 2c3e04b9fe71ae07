"""Device, edge and cloud under a limit: `tiers-lagrangian` against CP-SAT, on problems as in benchmarks/places.py.

    python -m benchmarks.tiers [--limit SECONDS] [NETWORK ...]

For each network the plan of least latency is found first; then half of what it sends, half of the time it takes at its
busiest server, or half of the weights it needs there, is allowed.
"""

from __future__ import annotations

import argparse
import statistics
import sys

import optsplit as osp
from benchmarks.ledger import markdown, page
from benchmarks.places import instances, spread, three_tiers, timed
from optsplit.result import percent

METHODS = ("tiers-lagrangian", "cpsat")


def limited(problem: osp.Partition) -> dict[str, osp.Partition]:
    """The problems of one network, by what is limited; those whose plan needs nothing of it are left out."""
    best = osp.solve(problem).require_optimal().metrics
    server = max(("edge", "cloud"), key=lambda place: best[f"{place}_seconds"])
    asked = ("bytes", f"{server}_seconds", f"{server}_memory")
    return {name: problem.but(limits={name: best[name] // 2}) for name in asked if best[name]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for each solve")
    asked = parser.parse_args()
    rows: list[list[object]] = []
    ratios: list[float] = []
    proven = dict.fromkeys(METHODS, 0)
    for name in asked.networks or instances():
        for what, problem in limited(three_tiers(name)).items():
            found = {method: timed(problem, method, asked.limit) for method in METHODS}
            done = [method for method, (result, _) in found.items() if result.status is osp.Status.OPTIMAL]
            for method in done:
                proven[method] += 1
            if len(done) == len(METHODS):
                assert len({result.objective for result, _ in found.values()}) == 1, (name, what)
                ratios.append(found["cpsat"][1] / found["tiers-lagrangian"][1])
            row: list[object] = [name, len(problem.layers), what]
            for method in METHODS:
                result, seconds = found[method]
                objective = "-" if result.objective is None else f"{result.objective / 1e6:.3f}"
                row += [objective, percent(result.gap), f"{seconds:.2f}"]
            rows.append([*row, spread(found["tiers-lagrangian"][0], problem)])
            print(*rows[-1], file=sys.stderr, flush=True)
    said = ", ".join(f"{method} proves {count}" for method, count in proven.items())
    lines = [
        f"{len(rows)} problems, {asked.limit:g} s each, one thread: {said}.",
        f"Where both do, CP-SAT takes {statistics.geometric_mean(ratios):.1f} times as long (geometric mean of "
        f"{len(ratios)}; {min(ratios):.1f} to {max(ratios):.1f}).\n",
        markdown(
            ["network", "layers", "limited", "ms", "gap", "s", "CP-SAT: ms", "gap", "s", "layers device/edge/cloud"],
            rows,
        ),
    ]
    print(page("tiers", "Device, edge and cloud under a limit", "\n".join(lines)))


if __name__ == "__main__":
    main()
