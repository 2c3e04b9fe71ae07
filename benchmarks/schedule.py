"""Schedules of one frame: how fast they are proven, the shape of the published table, what deciding jointly gains."""

from __future__ import annotations

import statistics
import sys
import time

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from benchmarks.places import instances
from optsplit.problems.schedule import Schedule
from optsplit.problems.series import points
from optsplit.result import percent

LINKS = ("3g", "4g", "wifi")
LOAD = {"device": 12.0}
WORKERS = 2
ASKED = ("googlenet", "inception_v3", "resnet50", "mobilenet_v1", "siamese", "three_stream", "densenet201", "hf_bert")
"""Networks whose plain model is timed beside the blocks, over 4G."""

# Wang, Duan and Wu: ms of (local only; remote only, theirs) on each link
PUBLISHED = {
    "alexnet_p": (406, (4422, 406), (877, 255), (337, 187)),
    "googlenet": (848, (4475, 848), (879, 728), (352, 352)),
    "resnet18": (871, (4463, 871), (946, 810), (341, 341)),
    "siamese": (3919, (8783, 1998), (1702, 1087), (613, 469)),
    "three_stream": (1198, (13146, 931), (2513, 692), (891, 317)),
}


def frames(name: str, link: str, count: int = 1, cut: str | None = None) -> Schedule:
    """Frames of a measured network, the device twelve times slower than measured."""
    profile = osp.Profile.load(INSTANCES / f"{name}.operations.json.gz")
    return Schedule.from_profile(profile, osp.links[link], count, load=LOAD, cut=cut)


def timed(problem: Schedule, method: str, limit: float) -> tuple[osp.Result, float]:
    """A result and its wall seconds, building included."""
    start = time.perf_counter()
    result = osp.solve(problem, method, time_limit=limit, workers=WORKERS)
    return result, time.perf_counter() - start


def ms(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.3f}"


def one_frame(names: list[str], limit: float) -> str:
    """Cut free: the optimum by blocks, and the plain model for the networks asked for."""
    rows = []
    for name in names:
        for link in LINKS:
            problem = frames(name, link)
            result, seconds = timed(problem, "series", limit)
            asked = name in ASKED and link == "4g"
            plain = timed(problem, "cpsat", min(limit, 60.0)) if asked else None
            rows.append([
                name, link, len(problem.jobs[0].layers), len(points(problem.jobs[0])), result.status.value,
                ms(result.objective), percent(result.gap), f"{seconds:.2f}",
                "-" if plain is None else percent(plain[0].gap), "-" if plain is None else f"{plain[1]:.2f}",
            ])  # fmt: skip
            print(*rows[-1], file=sys.stderr, flush=True)
    proven = sum(row[4] == "optimal" for row in rows)
    line = f"{proven} of {len(rows)} proven, the slowest in {max(float(str(row[7])) for row in rows):.1f} s.\n\n"
    return line + markdown(
        ["network", "link", "layers", "series points", "status", "makespan ms", "gap", "s", "plain CP-SAT gap",
         "plain CP-SAT s"], rows,
    )  # fmt: skip


def published(limit: float) -> str:
    """Local only, remote only, Extended Johnson and the optimum, beside the published times."""
    rows = []
    for name, (local, *remote) in PUBLISHED.items():
        for link, (only, theirs) in zip(LINKS, remote, strict=True):
            problem = frames(name, link)
            best = osp.solve(problem, "series", time_limit=limit, workers=WORKERS)
            found = {m: osp.solve(problem, m).objective for m in ("device-only", "server-only", "extended-johnson")}
            rows.append([
                name, link, *(ms(found[m]) for m in found), ms(best.objective), percent(best.gap),
                f"{best.objective / min(found['device-only'], found['server-only']):.3f}", local, only, theirs,
                f"{theirs / min(local, only):.3f}",
            ])  # fmt: skip
    return markdown(
        ["network", "link", "local ms", "remote ms", "Extended Johnson ms", "optimum ms", "gap",
         "optimum / better of two", "published local", "remote", "theirs", "theirs / better of two"], rows,
    )  # fmt: skip


def gain(names: list[str], count: int, limit: float) -> str:
    """Cut and schedule at once, against the best schedule of the cut of least latency, against Extended Johnson."""
    rows = []
    losses: dict[str, list[tuple[float, str]]] = {"cut first": [], "Extended Johnson": []}
    for name in names:
        for link in LINKS:
            joint = osp.solve(frames(name, link, count), time_limit=limit, workers=WORKERS)
            first = osp.solve(frames(name, link, count, "min cut"), time_limit=limit, workers=WORKERS)
            johnson = osp.solve(frames(name, link, count), "extended-johnson")
            for way, found in (("cut first", first), ("Extended Johnson", johnson)):
                if found.objective is not None:
                    losses[way].append((found.objective / joint.objective - 1, f"{name} {link}"))
            rows.append([
                name, link, ms(joint.objective), percent(joint.gap), ms(first.objective), percent(first.gap),
                ms(johnson.objective), f"{first.objective / joint.objective:.4f}",
                "-" if johnson.objective is None else f"{johnson.objective / joint.objective:.4f}",
            ])  # fmt: skip
    table = markdown(
        ["network", "link", "joint ms", "gap", "cut first ms", "its gap", "Extended Johnson ms", "cut first / joint",
         "Extended Johnson / joint"], rows,
    )  # fmt: skip
    lines = [
        f"- {way}: {100 * statistics.mean(x for x, _ in found):.2f} % above joint on average, at most "
        f"{100 * max(found)[0]:.1f} % ({max(found)[1]}), above it at all on {sum(x > 0 for x, _ in found)} of "
        f"{len(found)}"
        for way, found in losses.items()
    ]
    return "\n".join([*lines, "", table])


def main() -> None:
    limit = 20.0 if "--quick" in sys.argv else 120.0
    names = [arg for arg in sys.argv[1:] if not arg.startswith("-")] or instances()
    body = [
        f"Device {LOAD['device']:g} times slower than measured (one thread), server as measured (two threads); input "
        f"and result at the device; {WORKERS} workers. Times are whole ns, and proven is proven to the last one.\n",
        f"## One frame, cut free, by blocks between series points, {limit:g} s\n", one_frame(names, limit),
        "\n## The shape of Wang, Duan and Wu's table\n",
        "Their layer definitions are not published, so the networks are reconstructions, and neither their devices nor "
        "their layer times are: only the last column of each half can be compared.\n", published(limit),
        "\n## One frame: what deciding cut and schedule together gains\n", gain(names, 1, limit),
    ]  # fmt: skip
    print(page("schedule", "Schedules of one frame", "\n".join(body)))


if __name__ == "__main__":
    main()
