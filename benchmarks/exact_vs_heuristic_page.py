"""The page of `benchmarks.exact_vs_heuristic`: every number and sentence computed from its records."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import bks, problems
from benchmarks.ledger import page as ledger_page
from optsplit.evidence import page, record
from optsplit.evidence.best import Best, contradictions
from optsplit.evidence.gaps import Steps, mean_over_time
from optsplit.evidence.record import Failure, Record, options_text
from optsplit.evidence.statistics import SHIFT, by_instance, performance_profile, seconds_to_proof
from optsplit.evidence.summary import Losses, amount, duration, losses, summarise
from optsplit.plots.performance import gap_over_time, performance, save_sheet

EXACT = "auto"
HEADLINES = {
    paper: tuple(f"{name} {options_text(options)}".rstrip() for name, options in calls)
    for paper, calls in problems.HEURISTICS.items()
}
"""Paper -> label of its heuristic."""
GRID = (0.1, 1.0, 5.0, 10.0, 20.0)


def write(
    records: Sequence[Record], gaps: Mapping[tuple[str, str], Steps], chosen: Sequence[problems.Instance], *,
    workers: int, limit: float, other_limit: float,
) -> Path:  # fmt: skip
    """Write the page, its CSV and its pictures; returns the path of the page."""
    name = "exact-vs-heuristic"
    target = ledger_page(name, "Exact methods against heuristics", "")
    start = target.with_suffix("")
    record.save(start.with_suffix(".csv"), records)
    shown = compared(records)
    hard = [r for r in records if not {"trivial", "synthetic"} & set(r.tags)]
    first = {r.family: HEADLINES[r.family.split(":")[0]] for r in shown}
    save_sheet(f"{start}-costs.png", shown, first, EXACT, 2)
    parts = [
        about(records, chosen, workers, limit, other_limit, start.name),
        "\n## The papers' heuristics\n", headline_table(records, lambda r: r.family),
        *said(records),
        "\nThe same without instances that need no method (`trivial`) and without drawn ones (`synthetic`):\n",
        headline_table(hard, lambda r: r.family, dict.fromkeys(r.family for r in records)),
        *said(hard),
        "\n## By size\n", headline_table(records, lambda r: f"{r.family}, {r.size}"),
        "\n## By question\n", headline_table(records, lambda r: f"{r.family}, {r.tags[0]}"),
        "\n## Every method\n", page.methods_table(summarise(records)),
        "\n`optimal`: of the runs on instances with a proven optimum; `best known`: of the others; `proved`: runs that "
        "ended by their own proof. Losses are above the proven optimum, else above the best known plan; points (pt) of "
        f"accuracy where the objective is one. `mean time`: shifted geometric mean, shift {duration(SHIFT)}.\n",
        *profiles(records, start), *over_time(records, gaps, start, limit, other_limit),
        "\n## Shifted geometric means of the times\n", times(records),
        "\n## Seeds\n", page.seeds_table(records),
        "\n## Failures\n", page.failures_table(records),
        "\n## Against the best-known values\n", against_best(records, entries(chosen)),
    ]  # fmt: skip
    return ledger_page(name, "Exact methods against heuristics", "\n".join(parts))


def said(records: Sequence[Record]) -> list[str]:
    """The sentences, as a list."""
    return [f"- **{paper}**: {text}" for paper, text in page.sentences(records, HEADLINES, EXACT)]


def about(
    records: Sequence[Record], chosen: Sequence[problems.Instance], workers: int, limit: float, other: float, start: str
) -> str:
    """What was run, and how."""
    easy, drawn = (len({r.instance for r in records if tag in r.tags}) for tag in ("trivial", "synthetic"))
    open_ = sum(i.trivial is None for i in chosen)
    unlabelled = f", {open_} not yet known to be trivial or not" if open_ else ""
    order = (
        "All runs of an instance follow one another in one process that has its solvers loaded: ratios of times on one "
        "instance mean something, times of different instances less, since the machine is shared."
        if workers == 1
        else f"{workers} processes ran side by side: times cannot be compared."
    )
    return (
        f"{len(records)} runs on {len(chosen)} instances of `benchmarks/instances/problems` ({easy} trivial, {drawn} "
        f"synthetic{unlabelled}). Limits: {limit:g} s for `auto` and the heuristics, {other:g} s for other exact "
        "methods, which run on small and medium instances. Times are building and solving as each result has them; "
        f"reading the file, choosing the method and pricing the plan are outside. {order} Every run: "
        f"[{start}.csv]({start}.csv).\n"
    )


def headline_table(
    records: Sequence[Record], group: Callable[[Record], str], names: Iterable[str] | None = None
) -> str:
    """For each group: the paper's heuristic beside the exact method, on the instances that it takes.

    `names` are the groups to show, by default those that the records have.
    """
    rows = []
    for name in dict.fromkeys(map(group, records)) if names is None else names:
        mine = [r for r in records if group(r) == name]
        exact = {r.instance: r for r in mine if r.label == EXACT}
        runs = [r for r in mine if r.label in HEADLINES[r.family] and r.instance in exact]
        if not runs:
            rows.append([name, len(exact), 0, *"-" * 10])
            continue
        theirs = [exact[r.instance] for r in runs]
        (summary,) = summarise([*runs])[:1]
        found = losses(runs)
        ratio = statistics.median(e.seconds / max(r.seconds, 1e-6) for e, r in zip(theirs, runs, strict=True))
        rows.append([
            name, len(exact), len(runs), f"{summary.optimal}/{summary.proven}",
            f"{summary.matched}/{summary.runs - summary.proven}", _several(found, "mean"),
            _several(found, "mean_missed"), _several(found, "largest"), sum(summary.failures.values()),
            duration(summary.median_seconds), duration(statistics.median(e.seconds for e in theirs)), f"{ratio:.3g}",
            f"{sum(e.solved for e in theirs)}/{len(theirs)}",
        ])  # fmt: skip
    return page.markdown(
        ("", "instances", "takes", "optimal", "best known", "mean loss", "where it misses", "largest loss", "failed",
         "its time", "exact time", "exact / its", "exact proves"), rows,
    )  # fmt: skip


def _several(found: Sequence[Losses], field: str) -> str:
    texts = [amount(getattr(each, field), "%" if each.unit == record.PERCENT else "pt") for each in found]
    return ", ".join(texts) or "-"


def compared(records: Sequence[Record]) -> list[Record]:
    """The runs of auto, heuristics and baselines on the instances that their paper's heuristic takes.

    A paper with several kinds of problems becomes one family for each, since other baselines go with each.
    """
    taken = {r.instance for r in records if r.label in HEADLINES[r.family]}
    kept = [r for r in records if r.instance in taken and (not r.exact or r.label == EXACT)]
    kinds = {paper: {r.kind for r in kept if r.family == paper} for paper in HEADLINES}
    return [replace(r, family=f"{r.family}: {r.kind}") if len(kinds[r.family]) > 1 else r for r in kept]


def exact_labels(records: Sequence[Record]) -> list[str]:
    """The exact methods that were run."""
    return list(dict.fromkeys(r.label for r in records if r.exact))


def profiles(records: Sequence[Record], start: Path) -> list[str]:
    """Performance profiles: of costs by paper, and of the time to a proof."""
    parts = [
        "\n## Performance profiles\n",
        "Cost of the plan relative to the best of the methods (Dolan and Moré, 2002), on the instances that the "
        "paper's heuristic takes; a run without plan counts as infinite. Where accuracy is maximised, the cost is the "
        f"error.\n\n![costs]({start.name}-costs.png)\n",
    ]
    rows = compared(records)
    for family in dict.fromkeys(r.family for r in rows):
        parts += [f"\n### Costs: {family}\n", page.costs_table([r for r in rows if r.family == family])]
    parts += ["\n### Time to a proof, small and medium instances\n"]
    for kind in dict.fromkeys(r.kind for r in records):
        few = [r for r in records if r.kind == kind and r.size in ("small", "medium") and r.exact]
        labels = [label for label in exact_labels(few) if label in shared(few)]
        if len(labels) < 2:
            continue
        parts += [f"\n{kind}: ", page.proofs_table(few, labels)]
        picture = f"{start}-proofs-{kind.lower()}.png"
        figure(picture, lambda ax, few=few, labels=labels: performance(
            performance_profile(by_instance(few, seconds_to_proof, labels)), ax, largest=1e4, what="time to a proof"
        ))  # fmt: skip
        parts.append(f"\n![time to a proof, {kind}]({Path(picture).name})\n")
    return parts


def shared(records: Sequence[Record]) -> list[str]:
    """The labels that were run on at least half of the instances."""
    every = {r.instance for r in records}
    ran = {label: {r.instance for r in records if r.label == label} for label in exact_labels(records)}
    return [label for label, names in ran.items() if 2 * len(names) >= len(every)]


def figure(path: str, draw: Callable[..., object]) -> None:
    """Draw into a figure of one column, and write it."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(3.3, 2.9), layout="constrained")
    draw(drawn.subplots())
    drawn.savefig(path, dpi=200)


def over_time(
    records: Sequence[Record], gaps: Mapping[tuple[str, str], Steps], start: Path, horizon: float, other_limit: float
) -> list[str]:
    """Gap over time of the exact runs that took longer than a second."""
    slow = [r for r in records if r.exact and (r.instance, r.label) in gaps]
    if not slow:
        return ["\n## Gap over time\n", "Every exact run ended within a second.\n"]
    mine = [r for r in slow if r.label == EXACT]
    curves = {
        f"{paper} ({len(each)})": average(each, horizon)
        for paper in dict.fromkeys(r.family for r in mine)
        if (each := [gaps[r.instance, r.label] for r in mine if r.family == paper])
    }
    parts = ["\n## Gap over time\n"]
    if curves:
        picture = f"{start}-gaps.png"
        figure(picture, lambda ax: gap_over_time(curves, ax))
        parts.append(f"`auto`, mean over the slow instances of each paper:\n\n![gap over time]({Path(picture).name})\n")
    grid = [t for t in GRID if t <= horizon]
    parts.append(page.gaps_table(mine, gaps, grid) if mine else "Every run of `auto` ended within a second.\n")
    rest = [r for r in slow if r.label != EXACT]
    for kind, label in dict.fromkeys((r.kind, r.label) for r in rest):
        steps = [gaps[r.instance, r.label] for r in rest if (r.kind, r.label) == (kind, label)]
        early = [t for t in grid if t <= other_limit]
        gap = mean_over_time(steps, early)
        means = ", ".join(f"{100 * g:.3g} % at {t:g} s" for t, g in zip(early, gap, strict=True))
        parts.append(f"- {label} ({kind}), {len(steps)} slow runs, mean gap: {means}")
    return [*parts, ""]


def average(solves: Sequence[Steps], horizon: float) -> Steps:
    """The mean of several gaps as steps of its own."""
    times = sorted({t for steps in solves for t in steps.seconds})
    return Steps(tuple(times), tuple(mean_over_time(solves, times)), min(horizon, max(s.end for s in solves)))


def times(records: Sequence[Record]) -> str:
    """Shifted geometric means of auto and the heuristics, and of the exact methods where all were run."""
    fast = [EXACT, *(label for labels in HEADLINES.values() for label in labels)]
    few = [r for r in records if r.exact and r.size in ("small", "medium")]
    by_kind = [replace(r, family=r.kind) for r in few]
    return (
        "auto and each paper's heuristic, on the instances that the heuristic takes. "
        + page.times_table(records, fast)
        + "\nExact methods, small and medium instances that all of a kind were run on. "
        + page.times_table(by_kind, exact_labels(few))
    )


def entries(chosen: Sequence[problems.Instance]) -> dict[str, bks.Entry]:
    """The best-known values of instances, without those of an earlier problem of the same name."""
    digests = {i.name: i.digest for i in chosen}
    return {name: entry for name, entry in bks.read().items() if digests.get(name) == entry.digest}


def against_best(records: Sequence[Record], known: Mapping[str, bks.Entry]) -> str:
    """Where the runs beat or contradict the best-known values."""
    beaten, tight, wrong = [], 0, []
    for name in dict.fromkeys(r.instance for r in records):
        mine = [r for r in records if r.instance == name]
        claims = [(f"{r.label} (seed {r.seed})", Best(r.objective, r.bound)) for r in mine]
        if (entry := known.get(name)) is not None:
            claims.append(("bks.json", Best(entry.objective, entry.bound)))
            least = min((r.objective for r in mine if r.objective is not None), default=None)
            if least is not None and entry.objective is not None:
                tight += least == entry.objective
                if least < entry.objective:
                    label = next(r.label for r in mine if r.objective == least)
                    beaten.append([name, entry.objective, least, label])
        wrong += [f"- {name}: {text}" for text in contradictions(claims)]
        wrong += [
            f"- {name}: {r.label} says infeasible" for r in mine if r.failure is Failure.REFUTED and r.bound is None
        ]
    count = len({r.instance for r in records} & set(known))
    parts = [f"{count} of the instances have a best-known value; these runs reach it on {tight}.\n"]
    parts.append(page.markdown(("instance", "best known", "here", "by"), beaten) if beaten else "None is beaten.\n")
    parts.append("\n".join(["Contradictions:", "", *wrong, ""]) if wrong else "No claims contradict one another.\n")
    return "\n".join(parts)
