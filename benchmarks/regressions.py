"""How well layer times are predicted for a network that was not measured.

Leave one out: the regressions are fitted on all other networks of the instances and predict the one that is left.
Beside them Edgent's published tables, which were made for other devices and so can only be right in shape.
"""

from __future__ import annotations

import math
import statistics

import optsplit as osp
from benchmarks.ledger import INSTANCES, markdown, page
from optsplit.profiling.predict import prediction_error

PLACE = "device"


def main() -> None:
    profiles = {
        path.name.removesuffix(".operations.json.gz"): osp.Profile.load(path)
        for path in sorted(INSTANCES.glob("*.operations.json.gz"))
    }
    rows, errors = [], []
    for name, measured in profiles.items():
        fitted = osp.fit([p for other, p in profiles.items() if other != name], PLACE)
        try:
            predicted = osp.predict(measured.graph, {PLACE: fitted})
        except osp.errors.InvalidInput as refused:
            rows.append([name, len(measured.graph.layers), "-", "-", "-", "-", str(refused).split(";")[0][:60]])
            continue
        error = prediction_error(predicted, measured, PLACE)
        ratio = error.total.predicted / error.total.measured
        errors.append(abs(math.log(ratio)))
        rows.append([
            name, len(measured.graph.layers), f"{error.total.measured * 1e3:.2f}", f"{error.total.predicted * 1e3:.2f}",
            f"{ratio:.2f}", f"{error.total.rmse * 1e3:.3f}", "",
        ])  # fmt: skip
    everything = osp.fit(list(profiles.values()), PLACE, name="all networks")
    body = [
        f"Mean |ln(predicted / measured)| of a network's total: {statistics.mean(errors):.3f}, median "
        f"{statistics.median(errors):.3f}, over {len(errors)} networks left out one at a time.\n",
        markdown(["network left out", "layers", "measured ms", "predicted ms", "ratio", "RMSE ms", "note"], rows),
        "\nFitted on all of them, in the form of IONN's table 3:\n",
        f"```\n{everything}\n```\n",
    ]
    print(page("regressions", "Error of predicted layer times on networks that were not measured", "\n".join(body)))


if __name__ == "__main__":
    main()
