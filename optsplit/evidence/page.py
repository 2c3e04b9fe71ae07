"""A page of Markdown: what the runs say, every number computed from the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from optsplit.evidence.gaps import Steps
from optsplit.evidence.record import PERCENT, Failure, Record
from optsplit.evidence.statistics import (
    SHIFT,
    by_instance,
    cost_of_plan,
    everywhere,
    mean_seconds,
    performance_profile,
    positive,
    seconds_to_proof,
)
from optsplit.evidence.summary import Losses, Summary, amount, duration, seed_spread, sentence, summarise, trivial

SECONDS = (0.1, 1.0, 10.0)
FACTORS = (1.0, 1.01, 1.1, 2.0, 10.0)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; columns of numbers stand to the right, and a bar in a cell is escaped."""
    lines = [[str(cell).replace("|", r"\|") for cell in row] for row in rows]
    numeric = [all(_number(row[i]) for row in lines) for i in range(len(head))]
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in ([*head], rule, *lines)) + "\n"


def _number(cell: str) -> bool:
    text = cell.strip().split(" ")[0].rstrip("%").replace(",", "")
    try:
        float(text)
    except ValueError:
        return text in ("", "-")
    return True


def methods_table(summaries: Sequence[Summary]) -> str:
    """Every method of every family: optimal, losses, failures, times."""
    return markdown(METHODS_HEAD, methods_rows(summaries))


METHODS_HEAD = (
    "family", "method", "runs", "optimal", "best known", "proved", "misses", "mean loss", "where it misses", "largest",
    "no plan", "other failures", "mean time", "median",
)  # fmt: skip


def methods_rows(summaries: Sequence[Summary]) -> list[list[str]]:
    """The cells of `methods_table`, under `METHODS_HEAD`.

    "optimal" counts runs at a proven optimum of those whose optimum is proven, "best known" those at the best known
    cost of the others, "proved" the method's own proofs, "mean time" is the shifted geometric mean.
    """
    rows = []
    for each in summaries:
        without = each.failures.get(Failure.NO_PLAN, 0) + each.failures.get(Failure.TIME, 0)
        other = sum(each.failures.values()) - without
        misses = sum(loss.missed for loss in each.losses) + each.no_ratio
        open_ = each.runs - each.proven
        rows.append([
            each.family, each.method, str(each.runs), f"{each.optimal}/{each.proven}",
            f"{each.matched}/{open_}" if open_ else "-", str(each.solved) if each.exact else "-", str(misses),
            *(_joined(each.losses, value) for value in (_mean, _mean_missed, _largest)),
            str(without), str(other), duration(each.seconds), duration(each.median_seconds),
        ])  # fmt: skip
    return rows


def _mean(loss: Losses) -> float:
    return loss.mean


def _mean_missed(loss: Losses) -> float:
    return loss.mean_missed


def _largest(loss: Losses) -> float:
    return loss.largest


def _joined(given: Sequence[Losses], value: Callable[[Losses], float]) -> str:
    return ", ".join(amount(value(loss), "%" if loss.unit == PERCENT else "pt") for loss in given) or "-"


def sentences(records: Sequence[Record], headlines: Mapping[str, Sequence[str]], exact: str) -> list[tuple[str, str]]:
    """(family, sentence) for each method that a family's headline names, beside the exact one, on shared instances.

    Parameters
    ----------
    records
        `judged`.
    headlines
        Family -> labels of the methods to speak of; those without runs are passed over.
    exact
        Label of the exact method.
    """
    found = []
    for family, labels in headlines.items():
        rows = [r for r in records if r.family == family]
        proofs = {r.instance for r in rows if r.label == exact}
        for label in labels:
            mine = [r for r in rows if r.label == label and r.instance in proofs]
            names = {r.instance for r in mine}
            if mine:
                theirs = [r for r in rows if r.label == exact and r.instance in names]
                found.append((family, sentence(summarise(mine)[0], summarise(theirs)[0])))
    return found


def failures_table(records: Iterable[Record]) -> str:
    """Failures by family, method and kind; a sentence where there are none."""
    counts: dict[tuple[str, str, Failure], list[str]] = {}
    for r in records:
        if r.failure is not Failure.NONE:
            counts.setdefault((r.family, r.label, r.failure), []).append(r.instance)
    if not counts:
        return "No run failed.\n"
    return markdown(
        ("family", "method", "failure", "runs", "such as"),
        [[family, method, kind.value, len(names), names[0]] for (family, method, kind), names in counts.items()],
    )


def times_table(records: Sequence[Record], methods: Sequence[str], shift: float = SHIFT) -> str:
    """Shifted geometric means of the times by family, each on the instances that all of its methods were run on."""
    rows = []
    for family in dict.fromkeys(r.family for r in records):
        mine = [r for r in records if r.family == family and r.label in methods]
        present = list(dict.fromkeys(r.label for r in mine))
        names = set.intersection(*({r.instance for r in mine if r.label == m} for m in present)) if present else set()
        for method in present:
            runs = [r for r in mine if r.label == method and r.instance in names]
            if (mean := mean_seconds(runs, shift)) is not None:
                rows.append([family, method, len(names), duration(mean), f"{sum(r.solved for r in runs)}/{len(runs)}"])
    return f"Shift {duration(shift)}.\n\n" + markdown(
        ("family", "method", "instances", "shifted geometric mean", "proved"), rows
    )


def profile_table(costs: Mapping[str, Sequence[float]], factors: Sequence[float] = FACTORS) -> str:
    """A performance profile in numbers: the share of instances within each factor of the best method."""
    kept, dropped = positive(costs)
    if not next(iter(kept.values()), []):
        return "No instance on which every cost is positive.\n"
    profile = performance_profile(kept)
    head = ("method", *(f"within {factor:g}x" for factor in factors))
    rows = [[m, *(f"{100 * profile.share(m, f):.0f} %" for f in factors)] for m in profile.ratios]
    left = f" {dropped} more are left out: a cost is 0 or less." if dropped else ""
    return f"{profile.instances} instances.{left}\n\n" + markdown(head, rows)


def costs_table(records: Sequence[Record]) -> str:
    """Performance profile of the costs of the plans; methods that were not run on every instance are named."""
    shown = everywhere(records)
    left = [label for label in dict.fromkeys(r.label for r in records) if label not in shown]
    said = f"\nNot on every instance, so left out: {', '.join(left)}.\n" if left else ""
    return profile_table(by_instance(records, cost_of_plan, shown)) + said


def proofs_table(records: Sequence[Record], methods: Sequence[str] | None = None) -> str:
    """Performance profile of the times to a proof."""
    return profile_table(by_instance(records, seconds_to_proof, methods), (1.0, 2.0, 10.0, 100.0, 1e6))


def seeds_table(records: Sequence[Record]) -> str:
    """Where the seed changes the cost of the plan; a sentence where there was one seed."""
    rows = seed_spread(records)
    if not rows:
        return "One seed each.\n"
    return markdown(("family", "method", "instances", "costs differ", "some seeds without plan"), rows)


def gaps_table(
    records: Sequence[Record], gaps: Mapping[tuple[str, str], Steps], grid: Sequence[float] = SECONDS
) -> str:
    """Gap over time of the exact runs that were not closed at once; a sentence where there are none.

    Parameters
    ----------
    records
        Runs; those that have no entry in `gaps` are passed over.
    gaps
        As in `optsplit.evidence.runs.Outcome`.
    grid
        Seconds at which to give the gap.
    """
    rows = [
        [r.family, r.instance, r.label, r.used, r.status.value, *(f"{100 * steps.at(t):.3g} %" for t in grid),
         f"{steps.integral():.2f}"]
        for r in records
        if r.exact and (steps := gaps.get((r.instance, r.label))) is not None
    ]  # fmt: skip
    if not rows:
        return "Every exact run ended at once.\n"
    said = (
        "Of the exact runs that did not end at once: (incumbent - bound) / the larger of the two, 100 % until there "
        "are both. Integral: of the gap over the seconds up to the end (Berthold, 2013).\n\n"
    )
    head = ("family", "instance", "method", "by", "status", *(f"at {t:g} s" for t in grid), "integral, s")
    return said + markdown(head, rows)


def body(
    records: Sequence[Record], gaps: Mapping[tuple[str, str], Steps], headlines: Mapping[str, Sequence[str]],
    exact: str = "auto",
) -> str:  # fmt: skip
    """The page of `optsplit bench`: sentences, methods, failures, times, profiles.

    Parameters
    ----------
    records, headlines, exact
        As in `sentences`.
    gaps
        As in `gaps_table`.
    """
    easy = trivial(records)
    count = len({r.instance for r in records})
    parts = [
        f"{len(records)} runs on {count} instances; on {len(easy)} of them running everything at one place is "
        "optimal, and that a heuristic is optimal there says little.\n",
        *(f"- **{family}**: {text}" for family, text in sentences(records, headlines, exact)),
        "\n## Methods\n", methods_table(summarise(records)),
        "\nLosses are above the optimum where it is proven, else above the best known plan; points (pt) of accuracy "
        f"where the objective is one. Mean time: shifted geometric mean, shift {duration(SHIFT)}.\n",
        "\n## Failures\n", failures_table(records),
        "\n## Seeds\n", seeds_table(records),
    ]  # fmt: skip
    parts += ["\n## Gap over time\n", gaps_table(records, gaps)]
    for family in dict.fromkeys(r.family for r in records):
        rows = [r for r in records if r.family == family]
        parts += [f"\n## Performance profile of the costs: {family}\n", costs_table(rows)]
    return "\n".join(parts)
