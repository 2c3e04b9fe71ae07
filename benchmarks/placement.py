"""Device placement: the public instances of Tarnawski et al. (NeurIPS 2020), against what is known of them.

k equal accelerators with a memory each and l CPUs; the largest load is least. With contiguous machines the optimum is
known (the authors' dynamic programme); without, a best plan and a bound. Costs are rounded to nanoseconds one by one,
so an objective may differ from the published one by a few of them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import optsplit as osp
from benchmarks.ledger import HERE, markdown, page
from optsplit.result import percent

FOLDER = Path(os.environ.get("OPTSPLIT_INSTANCES", HERE.parent / ".." / "shared" / "instances")) / "msr"
NAMES = ("bert24", "gnmt", "resnet50", "bert_l-3")
WORKERS = 2


def milliseconds(nanoseconds: int | None) -> str:
    """Six digits, or a dash."""
    return "-" if nanoseconds is None else f"{nanoseconds / 1e6:.6f}"


def row(name: str, method: str, contiguous: bool, time_limit: float) -> list[object]:
    """One solve beside what is published."""
    known = json.loads((FOLDER / "reference.json").read_text())[f"{name}_inference"]
    problem = osp.io.read_placement(FOLDER / f"{name}_inference.json", contiguous=contiguous)
    result = osp.solve(problem, method, time_limit=time_limit, workers=WORKERS)
    best = known["contiguous"] if contiguous else known["free_best"]
    bound = known["contiguous"] if contiguous else known["free_bound"]
    print(name, method, contiguous, result.status.value, result.objective, result.bound, flush=True)
    return [
        name, len(problem.layers), len(problem.places), method, result.status.value, milliseconds(result.objective),
        milliseconds(result.bound), percent(result.gap), f"{result.build_seconds + result.solve_seconds:.2f}",
        f"{best:.6f}", f"{bound:.6f}", f"{known['authors_dp_seconds']:.2f}" if contiguous else "-",
    ]  # fmt: skip


def main() -> None:
    if not FOLDER.exists():
        raise SystemExit(f"{FOLDER} is absent; set OPTSPLIT_INSTANCES to the folder of outside instances")
    time_limit = 10.0 if "--quick" in sys.argv else 60.0
    head = ["instance", "nodes", "machines", "method", "status", "objective ms", "bound ms", "gap", "s",
            "published best ms", "published bound ms", "authors' DP s"]  # fmt: skip
    body = [f"{WORKERS} workers, at most {time_limit:.0f} s each.\n", "## Contiguous machines\n"]
    body.append(markdown(head, [row(name, method, True, time_limit) for method in ("cpsat", "milp") for name in NAMES]))
    body.append("\n## Without contiguity\n")
    body.append(markdown(head, [row(name, "cpsat", False, time_limit) for name in NAMES]))
    print(page("placement", "Device placement: the largest load over equal accelerators and CPUs", "\n".join(body)))


if __name__ == "__main__":
    main()
