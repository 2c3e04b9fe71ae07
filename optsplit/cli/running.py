"""run: a plan on the real devices, predicted beside measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from optsplit import files
from optsplit.cli import networks, screen, sources, words
from optsplit.cli.door import common
from optsplit.errors import InvalidInput
from optsplit.problems import stored
from optsplit.problems.partition import Partition, PartitionPlan
from optsplit.problems.schedule_plan import SchedulePlan
from optsplit.problems.upload_order import UploadPlan
from optsplit.result import Result


@dataclass(frozen=True)
class Setting:
    """Options of how a plan runs, as they were written."""

    server: tuple[str, ...]
    token_file: str | None
    tls_ca: str | None
    device: str
    threads: int | None
    device_cpu: float | None
    emulate: str | None
    deadline: float | None
    window: int


settings = sources.gathered(
    Setting,
    "setting",
    [
        click.option("--server", multiple=True, metavar="[PLACE=]HOST:PORT",
                     help="Who runs the other places' layers; without it they run in this process."),
        click.option("--token-file", metavar="FILE", help="Shared secret of the server."),
        click.option("--tls-ca", metavar="FILE", help="Who signed the server's certificate (PEM)."),
        click.option("--device", default="cpu", metavar="DEVICE", help="Torch device here: cpu (default), cuda."),
        click.option("--threads", type=int, metavar="N", help="CPU threads here (default: torch's own number)."),
        click.option("--device-cpu", type=float, metavar="SHARE",
                     help="Play a device of this share of the CPU, such as 0.2, by waiting after each stage."),
        click.option("--emulate", metavar="LINK", help="Slow messages to a link (4g, 10mbit, ...) in this process."),
        click.option("--deadline", type=float, metavar="SECONDS",
                     help="Then a frame falls back to the device (default: 3 times the prediction and 1 s, or 10 s)."),
        click.option("--window", type=int, default=1, metavar="N", help="Frames in flight (default 1)."),
    ],
)  # fmt: skip


@click.command()
@click.argument("plan")
@click.argument("network", nargs=-1, required=True)
@settings
@click.option("--frames", type=int, default=10, metavar="N", help="After warm-up (default 10); of a schedule: rounds.")
@click.option("--grain", default="operations", metavar="GRAIN", help="As the plan's: operations (default) or modules.")
@click.option(
    "--problem", metavar="FILE", help="What to predict by; default: the problem in PLAN, that it was solved for."
)
@click.option("--adapt", is_flag=True, help="Measure the link and change the plan between frames.")
@click.option("--profile", metavar="FILE", help="What the problem was made from, to correct it by --calibrate.")
@click.option("--calibrate", metavar="FILE", help="Write the profile corrected by what was measured.")
@common
def run(
    plan: str, network: tuple[str, ...], setting: Setting, frames: int, grain: str, problem: str | None, adapt: bool,
    profile: str | None, calibrate: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Run the plan in the file PLAN (optsplit plan -o) on NETWORK, and show predicted and measured side by side.

    An order of uploads (optsplit upload -o) sends the weights to a server that has only the architecture, and asks
    queries meanwhile. A schedule (optsplit schedule -o) runs all its jobs at once, of one NETWORK
    or of several.

    NETWORK is a name of the zoo, or FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION. Frames that the server does not
    answer are run on the device alone, and so are those behind them until it is back.
    """
    screen.refuse_unwritable(calibrate)
    if (calibrate is None) != (profile is None):
        raise InvalidInput("--profile and --calibrate belong together; give both")
    decided, solved = plan_of(plan)
    if problem is not None:
        solved = sources.from_problem(problem)
    if adapt and (solved is None or not setting.server):
        raise InvalidInput("--adapt needs --server HOST:PORT, and --problem FILE where PLAN holds no problem")
    if not isinstance(decided, PartitionPlan):
        if adapt or profile is not None or setting.window != 1:
            raise InvalidInput("--adapt, --calibrate and --window go with a plan of what runs where; leave them out")
        _others(decided, [traced(text, grain) for text in network], solved, frames, keywords(setting), as_json)
        return
    if len(network) > 1:
        raise InvalidInput(f"one plan, but the networks {', '.join(network)}; several go with a schedule")
    if not (solved is None or isinstance(solved, Partition)):
        raise InvalidInput(
            f"{problem or plan}: holds no problem of what runs where; give the one that the plan was solved for"
        )
    before = None if profile is None else sources.profile(profile)
    graph = traced(network[0], grain)
    from optsplit.executor.calibration import calibrated
    from optsplit.executor.running import run as run_frames

    with screen.progress(f"running {graph.name}"):
        execution = run_frames(
            graph, decided, problem=solved, frames=frames, window=setting.window, adapt=adapt, **keywords(setting)
        )
    correction = None if before is None else calibrated(before, [execution])
    if correction is not None and calibrate is not None:
        correction.profile.save(calibrate)
    if as_json:
        content = execution.content()
        screen.emit("execution", content if correction is None else {**content, "calibration": correction.content()})
        return
    screen.show(str(execution), "", execution.gantt())
    if setting.window > 1:
        period = execution.period
        said = "" if period.predicted is None else f", predicted {period.predicted * 1e3:.4g} ms"
        screen.show(f"a frame every {period.median * 1e3:.4g} ms{said}")
    for when, what in execution.decisions:
        screen.show(f"{when:8.2f} s  {what}")
    if correction is not None:
        screen.show(str(correction), f"written to {calibrate}")


def _others(
    plan: UploadPlan | SchedulePlan,
    graphs: list[Any],
    problem: Any,
    frames: int,
    options: dict[str, Any],
    as_json: bool,
) -> None:
    """Run what is no plan of one network's layers."""
    from optsplit.cli import running_schedule, running_upload

    if isinstance(plan, UploadPlan):
        if len(graphs) > 1:
            raise InvalidInput(f"one upload, but {len(graphs)} networks; give the one that it is of")
        running_upload.run(graphs[0], plan, problem, options, as_json)
        return
    running_schedule.run(graphs, plan, problem, frames, options, as_json)


def traced(text: str, grain: str) -> Any:
    """A network, traced."""
    from optsplit.profiling.trace import trace

    name, module, example = networks.build(text)
    with screen.progress(f"tracing {name}"):
        return trace(module, example, grain=grain, name=name)  # type: ignore[arg-type]


def plan_of(path: str) -> tuple[PartitionPlan | UploadPlan | SchedulePlan, Any]:
    """The plan in a file of `optsplit plan -o`, `optsplit upload -o` or `optsplit schedule -o`, and its problem."""
    if (kind := files.kind_of(path)) != "result":
        how = f"optsplit solve {path} -o plan.json" if kind in stored.KINDS else "optsplit plan PROFILE -o plan.json"
        raise InvalidInput(f"{path}: holds a {kind!r}, not a result; write one by: {how}")
    found = Result.load(path)
    plan: Any = found.plan
    if not isinstance(plan, PartitionPlan | UploadPlan | SchedulePlan):
        raise InvalidInput(f"{path}: holds no plan that runs; write one by: optsplit plan PROFILE -o plan.json")
    return plan, found.problem


def keywords(setting: Setting) -> dict[str, Any]:
    """The options as keywords of `optsplit.executor.running.run`."""
    from optsplit.executor.rpc import Trust

    share = setting.device_cpu
    if share is not None and not 0 < share <= 1:
        raise InvalidInput(f"--device-cpu {share:g}; give a share of the CPU, above 0 and at most 1")
    if setting.deadline is not None and not setting.deadline > 0:
        raise InvalidInput(f"--deadline {setting.deadline:g}; give a positive number of seconds")
    server: str | dict[str, str] | None = None
    if setting.server:
        named = all("=" in text for text in setting.server)
        server = words.pairs("--server", setting.server, "edge=host:7443") if named else setting.server[0]
        if not named and len(setting.server) > 1:
            raise InvalidInput("several --server; name the place of each: --server edge=host:7443")
    return {
        "server": server,
        "device": setting.device,
        "threads": setting.threads,
        "slowdown": 1.0 if share is None else 1 / share,
        "link": None if setting.emulate is None else words.connection(setting.emulate),
        "deadline": setting.deadline,
        "trust": Trust.read(authority=setting.tls_ca, token=setting.token_file),
    }
