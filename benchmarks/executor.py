"""The executor on two machines made of one: predicted against measured latency, overhead, streams and uploads.

A server and a device in network namespaces of their own, the link between them shaped by tc, the device in a control
group with a fifth of one CPU (`optsplit.executor.lab`); with --emulate, or where the machine lacks root or tools, the
link and the slow device are played inside the programs, and the page says so.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from benchmarks.executor_sides import Setting
from benchmarks.ledger import markdown, page
from optsplit.cli import words
from optsplit.executor.lab import SERVER, Lab, missing

NETWORKS = ("alexnet", "googlenet", "resnet18", "mobilenet_v1")
LINKS = ("3g", "4g", "wifi", "100mbit")
SHARE = 0.2
FRAMES = 7
NOISE = 0.05
UPLOAD_LINK = "100mbit"
UPLOADS = ("googlenet", "mobilenet_v1")
ORDERS = ("sidney", "in-order", "ionn")


class Sides:
    """The two programs, and the link between them."""

    def __init__(self, lab: Lab | None, device: subprocess.Popen[bytes]) -> None:
        self.lab, self.device = lab, device

    def ask(self, link: str, **task: Any) -> dict[str, Any]:
        """One task over one link."""
        if self.lab is not None:
            self.lab.shape(words.connection(link))
        assert self.device.stdin is not None
        assert self.device.stdout is not None
        self.device.stdin.write(json.dumps({**task, "link": link}).encode() + b"\n")
        self.device.stdin.flush()
        answer: dict[str, Any] = json.loads(self.device.stdout.readline())
        print(link, task, answer, file=sys.stderr, flush=True)
        return answer


@contextmanager
def sides(networks: tuple[str, ...], emulate: bool) -> Iterator[Sides]:
    """Start both programs, traced and ready."""
    if emulate:
        setting = Setting(networks, ("127.0.0.1:7451", "127.0.0.1:7452"), None, None, None, 1 / SHARE, True)
        pair = [_start(role, setting, subprocess.Popen) for role in ("server", "device")]
        try:
            _ready(*pair)
            yield Sides(None, pair[1])
        finally:
            for program in pair:
                program.terminate()
                program.wait()
        return
    with Lab(None, SHARE) as lab:
        certificate, key, token = map(str, lab.trust())
        listen = (f"{SERVER}:7451", f"{SERVER}:7452")
        setting = Setting(networks, listen, certificate, key, token, 1.0, False)
        server = _start("server", setting, lab.on_server)
        # into the control group only once its networks are traced
        quota, lab.quota = lab.quota, None
        device = _start("device", setting, lab.on_device)
        lab.quota = quota
        _ready(server, device)
        if quota is not None:
            quota.enter(device.pid)
        yield Sides(lab, device)


def _start(role: str, setting: Setting, start: Any) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ, "OPTSPLIT_SIDE": json.dumps(asdict(setting)), "OPTSPLIT_SHARE": str(SHARE), "OMP_NUM_THREADS": "1"
    }  # fmt: skip
    started: subprocess.Popen[bytes] = start(
        [sys.executable, "-m", "benchmarks.executor_sides", role], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=environment,
    )  # fmt: skip
    return started


def _ready(*programs: subprocess.Popen[bytes]) -> None:
    for program in programs:
        assert program.stdout is not None
        if program.stdout.readline() != b"ready\n":
            raise SystemExit("a side did not start; its error is above")


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %"


def latencies(both: Sides, networks: tuple[str, ...]) -> str:
    """The table of latencies, and what it says of the aims."""
    rows, over, errors, first, kept, lost = [], [], [], [], 0, []
    for name in networks:
        for link in LINKS:
            answer = both.ask(link, do="latency", name=name, frames=FRAMES)
            if "error" in answer:
                rows.append([name, link, "-", "-", "-", "-", answer["error"], "-", "-"])
                continue
            table: Mapping[str, dict[str, Any]] = answer["rows"]
            for kind, row in table.items():
                error = row["after"] / row["measured"] - 1
                errors.append(abs(error))
                first.append(abs(row["before"] / row["measured"] - 1))
                overhead = row["measured"] / row["bare"] - 1
                if link == "4g" and row["sends"]:
                    over.append(overhead)
                rows.append(
                    [name, link, kind, _ms(row["before"]), _ms(row["after"]), _ms(row["measured"]), _percent(error),
                     f"{_ms(row['low'])} to {_ms(row['high'])}", _percent(overhead)]
                )  # fmt: skip
            told = min(table, key=lambda kind: table[kind]["after"])
            best = min(row["measured"] for row in table.values())
            # one plan under two names was measured twice: its better half counts
            behind = min(table[kind]["measured"] for kind in table[told]["equal"]) / best - 1
            kept += behind <= NOISE
            if behind > NOISE:
                lost.append(f"{name} at {link}: the plan predicted best measured {_percent(behind)} behind the best")
    head = ["network", "link", "plan", "predicted, ms", "calibrated", "measured", "error", "10 to 90 %", "overhead"]
    cases = len(networks) * len(LINKS)
    lines = [
        f"Median error {100 * statistics.median(first):.1f} % before and {100 * statistics.median(errors):.1f} % after "
        f"one calibration (aim: below 10 %).",
        f"The plan predicted best measured best, or within {100 * NOISE:.0f} % of it, in {kept} of {cases} cases "
        "(aim: 9 of 10).",
        "Overhead at 4G of plans that send, over device time + bytes / rate + server time: median "
        f"{100 * statistics.median(over):.1f} %, largest {100 * max(over):.1f} % (aim: below 5 %)."
        if over
        else "Overhead at 4G: no plan ran there.",
        *lost,
    ]
    return "## Latency\n\n" + markdown(head, rows) + "\n" + "\n".join(f"- {line}" for line in lines) + "\n"


def streams(both: Sides, networks: tuple[str, ...]) -> str:
    """Throughput with four frames in flight."""
    rows = []
    for name in networks:
        for link in ("wifi", "100mbit"):
            answer = both.ask(link, do="stream", name=name, frames=16, window=4)
            if "error" in answer:
                rows.append([name, link, answer["error"], "-", "-", "-"])
                continue
            error = answer["predicted"] / answer["period"] - 1
            rows.append(
                [name, link, _ms(answer["predicted"]), _ms(answer["period"]), _percent(error), _ms(answer["latency"])]
            )
    head = ["network", "link", "period predicted, ms", "measured", "error", "one frame alone"]
    return "## Streams of the least period (one way), four frames in flight\n\n" + markdown(head, rows)


def uploads(both: Sides, networks: tuple[str, ...]) -> str:
    """Latency while the weights travel."""
    rows = []
    for name in networks:
        for method in ORDERS:
            answer = both.ask(UPLOAD_LINK, do="uploads", name=name, method=method)
            if not answer.get("mean"):
                answer.setdefault("error", "nothing to upload: the device alone is best")
            if "error" in answer:
                rows.append([name, method, answer["error"], "-", "-", "-", "-", "-"])
                continue
            rows.append(
                [name, method, f"{answer['predicted_finish']:.2f}", f"{answer['finish']:.2f}",
                 _ms(answer["predicted_mean"]), _ms(answer["mean"]),
                 _percent(answer["predicted_mean"] / answer["mean"] - 1), answer["queries"]]
            )  # fmt: skip
    head = [
        "network",
        "order",
        "upload predicted, s",
        "measured",
        "latency predicted, ms",
        "measured",
        "error",
        "queries",
    ]
    return "## Mean latency of queries while the weights are uploaded, 100 Mbit/s\n\n" + markdown(head, rows)


def main() -> None:
    """`python -m benchmarks.executor [--emulate] [--latencies] [--streams] [--uploads] [NETWORK ...]`."""
    arguments = sys.argv[1:]
    networks = tuple(word for word in arguments if not word.startswith("--")) or NETWORKS
    emulate = "--emulate" in arguments or missing() is not None
    how = (
        "link and slow device played inside the programs (--emulate): no network was shaped"
        if emulate
        else f"two network namespaces, tc token bucket, device with a quota of {SHARE:g} CPU, TLS and token"
    )
    with sides(networks, emulate) as both:
        tables = {
            "latencies": lambda: latencies(both, networks),
            "streams": lambda: streams(both, networks),
            "uploads": lambda: uploads(both, tuple(name for name in UPLOADS if name in networks)),
        }
        asked = [name for name in tables if f"--{name}" in arguments] or list(tables)
        parts = [tables[name]() for name in asked]
    print(
        page(
            "executor" if asked == list(tables) else f"executor-{'-'.join(asked)}",
            "The executor: predicted against measured",
            f"{how}; GPU: none was used.\n\n" + "\n".join(parts),
        )
    )


if __name__ == "__main__":
    main()
