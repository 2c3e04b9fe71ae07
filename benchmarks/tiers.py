"""Device, edge and cloud under a limit: `tiers-lagrangian` against both models, on problems as in benchmarks/places.py.

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

METHODS = ("tiers-lagrangian", "milp", "cpsat")


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
    proven = dict.fromkeys(METHODS, 0)
    ratios: dict[str, list[float]] = {method: [] for method in METHODS[1:]}
    for name in asked.networks or instances():
        for what, problem in limited(three_tiers(name)).items():
            found = {method: timed(problem, method, asked.limit) for method in METHODS}
            done = [method for method, (result, _) in found.items() if result.status is osp.Status.OPTIMAL]
            assert len({found[method][0].objective for method in done}) < 2, (name, what)
            for method in done:
                proven[method] += 1
                if method != METHODS[0] and METHODS[0] in done:
                    ratios[method].append(found[method][1] / found[METHODS[0]][1])
            row: list[object] = [name, len(problem.layers), what]
            for method in METHODS:
                result, seconds = found[method]
                objective = "-" if result.objective is None else f"{result.objective / 1e6:.3f}"
                row += [objective, percent(result.gap), f"{seconds:.2f}"]
            rows.append([*row, spread(found[METHODS[0]][0], problem)])
            print(*rows[-1], file=sys.stderr, flush=True)
    lines = [
        f"{len(rows)} problems, {asked.limit:g} s each, one thread. Proven: "
        f"{', '.join(f'{method} {count}' for method, count in proven.items())}.\n",
        *(
            f"- `{method}` takes {statistics.geometric_mean(times):.1f} times as long as `{METHODS[0]}` where both "
            f"prove (geometric mean of {len(times)}; {min(times):.2f} to {max(times):.1f})"
            for method, times in ratios.items()
            if times
        ),
        "",
        markdown(
            ["network", "layers", "limited", *(f"{m}{unit}" for m in METHODS for unit in (": ms", " gap", " s")),
             "layers device/edge/cloud"], rows,
        ),
    ]  # fmt: skip
    print(page("tiers", "Device, edge and cloud under a limit", "\n".join(lines)))


if __name__ == "__main__":
    main()
