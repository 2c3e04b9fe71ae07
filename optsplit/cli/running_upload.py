"""run, of an upload: weights streamed in the plan's order while queries are answered."""

from __future__ import annotations

from typing import Any

from optsplit.cli import screen
from optsplit.errors import InvalidInput
from optsplit.problems.upload_order import UploadOrder, UploadPlan

HOW = "optsplit upload PROFILE --link LINK -o upload.json --save-problem problem.json"


def run(graph: Any, plan: UploadPlan, problem: Any, options: dict[str, Any], as_json: bool) -> None:
    """Upload the weights of a traced network, and show the latency of queries meanwhile."""
    from optsplit.executor.uploading import upload
    from optsplit.executor.worker import Places
    from optsplit.profiling.run import runnable

    if not isinstance(problem, UploadOrder):
        raise InvalidInput(f"an upload needs the problem that it was solved for; add --problem FILE, from: {HOW}")
    server = options["server"]
    if not isinstance(server, str):
        raise InvalidInput("an upload needs one server; add --server HOST:PORT, of: optsplit serve --architecture ...")
    home = problem.partition.places[0]
    threads = options["threads"]
    places = Places({home: options["device"]}, {} if threads is None else {home: threads}, {home: options["slowdown"]})
    program = runnable(graph)
    with screen.progress(f"uploading {graph.name}"):
        found = upload(
            graph, problem, plan, program.flatten(program.example), server, places=places, trust=options["trust"],
            link=options["link"], deadline=options["deadline"] or 60.0,
        )  # fmt: skip
    if as_json:
        screen.emit("uploaded", found.content())
    else:
        screen.show(str(found))
