"""Mutation testing: which small changes of `optsplit/problems` and `optsplit/algorithms` does no test notice?

First the tests under coverage, which says what each test runs and how long it takes:

    python -m pytest --cov --cov-context=test --cov-report= --junitxml=times.xml
    python -m benchmarks.mutation [MODULE ...] [--sample 12] [--seed 0] [--out mutants.jsonl]

A mutant meets the tests that run its statement, the quick ones first, up to `--budget` seconds of them. A process that
has collected the tests is forked for each mutant and the code of the changed function replaced, so that nothing is
imported twice. What survives although it runs at import meets them again in a process that imports the changed module.
Hypothesis does not shrink. Tests that start another interpreter see no mutant. Mutants that stand in `--out` already
are not done again.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import json
import multiprocessing
import os
import random
import resource
import signal
import time
import types
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from coverage import CoverageData
from hypothesis import Phase, settings

from benchmarks.mutants import Mutant, mutants, sample

Say = Callable[[Mutant, str, str, int, float], None]

ROOT = Path(__file__).parents[1]
FOLDERS = ("optsplit/problems", "optsplit/algorithms")
KILLED, TIMEOUT, SURVIVED, UNTESTED, ERROR = "killed", "timeout", "survived", "untested", "error"
_PYTEST = ["-p", "no:cacheprovider", "-x", "--rootdir", str(ROOT)]


class Known:
    """What each test runs and how long it takes, from a run under coverage."""

    def __init__(self, data: Path, times: Path, paths: Iterable[Path]) -> None:
        self.seconds: dict[str, float] = {}
        for case in ET.parse(times).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
            self.seconds[name] = float(case.get("time", 0))
        # all of it now: a fork that asks erases the file
        measured = CoverageData(str(data))
        measured.read()
        self.by_line = {str(path): measured.contexts_by_lineno(str(path)) for path in paths}
        measured.close()

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that run a mutant's statement, the quick ones first.

        For a statement that runs at import, those of the module.
        """
        by_line = self.by_line[mutant.path]
        contexts = set[str]().union(*(by_line.get(line, ()) for line in mutant.lines))
        if not mutant.function or contexts == {""}:
            contexts = set[str]().union(*by_line.values())
        tests = {context.split("|")[0] for context in contexts} & self.seconds.keys()
        return sorted(tests, key=lambda test: (self.seconds[test], test))

    def at_import(self, mutant: Mutant) -> bool:
        """Whether its statement runs before any test, say for a problem that a test module holds."""
        return any("" in self.by_line[mutant.path].get(line, ()) for line in mutant.lines)

    def within(self, tests: list[str], budget: float) -> list[str]:
        """The quick tests that fit into a budget of seconds, and one at least."""
        spent, found = 0.0, list[str]()
        for test in tests:
            spent += self.seconds[test]
            if found and spent > budget:
                break
            found.append(test)
        return found


class Judge:
    """A plugin for pytest in a mutant's process: the first failure ends it, as does a test that takes far too long."""

    def __init__(self, known: Known, said: int) -> None:
        self.known, self.said = known, said

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = used.ru_utime + used.ru_stime + 5 * self.known.seconds.get(item.nodeid, 1.0) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (int(allowed) + 1, resource.RLIM_INFINITY))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._killed(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._killed(f"import of {report.nodeid}")

    def _killed(self, test: str) -> None:
        os.write(self.said, test.encode())
        os._exit(1)


def forked(child: Callable[[int], object], seconds: float) -> tuple[str, str]:
    """Run `child` in a fork: killed with the test that did it, timed out, or survived."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_AS, (_memory(), resource.RLIM_INFINITY))
        try:
            child(write)
        except BaseException as error:
            os.write(write, repr(error).encode()[:500])
            os._exit(2)
        os._exit(0)
    os.close(write)
    end, status = time.monotonic() + seconds, None
    while status is None:
        done, found = os.waitpid(pid, os.WNOHANG)
        if done:
            status = found
        elif time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
        else:
            time.sleep(0.005)
    said = os.read(read, 4096).decode(errors="replace")
    os.close(read)
    if os.WIFSIGNALED(status):
        slow = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
        return (TIMEOUT, "") if slow else (KILLED, f"signal {os.WTERMSIG(status)}")
    return {0: SURVIVED, 1: KILLED}.get(os.WEXITSTATUS(status), ERROR), said


def _memory() -> int:
    """Address space of a mutant: what this process has, and four gigabytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + 4 * 2**30


def functions() -> dict[tuple[str, str, int], list[types.FunctionType]]:
    """Every live function by file, qualified name and first line."""
    found = defaultdict[tuple[str, str, int], list[types.FunctionType]](list)
    for each in gc.get_objects():
        if isinstance(each, types.FunctionType):
            code = each.__code__
            found[code.co_filename, code.co_qualname, code.co_firstlineno].append(each)
    return found


def replace_function(mutant: Mutant, live: dict[tuple[str, str, int], list[types.FunctionType]]) -> None:
    """Give the functions around a mutant the changed code."""
    changed = compile(mutant.source(), mutant.path, "exec", dont_inherit=True)
    mine = [code for code in _codes(changed) if code.co_qualname == mutant.function]
    found = [
        (each, code) for code in mine for each in live.get((mutant.path, mutant.function, code.co_firstlineno), ())
    ]
    if not found:
        raise LookupError(f"no function {mutant.function} of {mutant.path} is loaded")
    for each, code in found:
        each.__code__ = code


def _codes(code: types.CodeType) -> Iterable[types.CodeType]:
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield each
            yield from _codes(each)


def import_changed(mutant: Mutant) -> None:
    """Let the module be imported with the change."""
    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> types.CodeType | None:
        if self.path == mutant.path:
            return compile(mutant.source(), mutant.path, "exec", dont_inherit=True)
        return original(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


class Loop:
    """A plugin for pytest: instead of running the collected tests, judge mutants by them."""

    def __init__(self, known: Known, todo: list[Mutant], budget: float, say: Say) -> None:
        self.known, self.todo, self.budget, self.say = known, todo, budget, say

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        for path in sorted({mutant.path for mutant in self.todo}):
            importlib.import_module(".".join(Path(path).relative_to(ROOT).with_suffix("").parts))
        self.live = functions()
        for mutant in self.todo:
            tests = [test for test in self.known.within(self.known.of(mutant), self.budget) if test in items]
            begun = time.monotonic()
            verdict, by = forked(functools.partial(self.judge, mutant, [items[test] for test in tests]), 90)
            if verdict != SURVIVED or not self.known.at_import(mutant):
                self.say(mutant, verdict, by, len(tests), time.monotonic() - begun)
        return True

    def judge(self, mutant: Mutant, items: list[pytest.Item], said: int) -> None:
        replace_function(mutant, self.live)
        if items:
            items[0].config.pluginmanager.register(Judge(self.known, said))
        for item, after in zip(items, [*items[1:], None]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)


def imported(known: Known, mutant: Mutant, tests: list[str]) -> tuple[str, str]:
    """A mutant that is there from the first import on."""

    def child(said: int) -> None:
        import_changed(mutant)
        code = pytest.main([*_PYTEST, *tests], plugins=[Judge(known, said)])
        if code != pytest.ExitCode.OK:
            raise RuntimeError(f"pytest ended with {code!r}")

    return forked(child, 60 + 5 * sum(known.seconds[test] for test in tests))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("modules", nargs="*", help="files; all of problems and algorithms by default")
    parser.add_argument("--sample", type=int, default=12, help="mutants of each module; 0 takes all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=8.0, help="seconds of tests that a mutant meets")
    parser.add_argument("--coverage", type=Path, default=ROOT / ".coverage")
    parser.add_argument("--times", type=Path, default=ROOT / "times.xml")
    parser.add_argument("--out", type=Path, default=ROOT / "mutants.jsonl")
    asked = parser.parse_args()
    settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    settings.load_profile("mutants")
    os.chdir(ROOT)
    given = (
        map(Path, asked.modules)
        if asked.modules
        else (path for folder in FOLDERS for path in Path(folder).glob("*.py"))
    )
    paths = sorted(path.resolve() for path in given)
    known = Known(asked.coverage, asked.times, paths)
    drawn = []
    for path in paths:
        found = mutants(path)
        drawn += sample(found, asked.sample, asked.seed) if asked.sample else found

    def say(mutant: Mutant, verdict: str, by: str, tests: int, seconds: float) -> None:
        before, after = mutant.shown()
        line = {**asdict(mutant), "path": str(Path(mutant.path).relative_to(ROOT)), "before": before, "after": after,
                "verdict": verdict, "by": by, "tests": tests, "seconds": round(seconds, 2)}  # fmt: skip
        with asked.out.open("a") as out:
            out.write(json.dumps(line) + "\n")

    def left() -> list[Mutant]:
        done = {key(json.loads(line)) for line in asked.out.read_text().splitlines()} if asked.out.exists() else set()
        return [mutant for mutant in drawn if key(asdict(mutant)) not in done]

    random.Random(asked.seed).shuffle(drawn)  # stopped early, it has still seen all modules
    for mutant in left():
        if not known.of(mutant):
            say(mutant, UNTESTED, "", 0, 0.0)
    if inside := [mutant for mutant in left() if mutant.function]:
        files = {test.split("::")[0] for mutant in inside for test in known.within(known.of(mutant), asked.budget)}
        loop = Loop(known, inside, asked.budget, say)
        warm = multiprocessing.get_context("fork").Process(
            target=pytest.main, args=([*_PYTEST, *sorted(files)], [loop])
        )
        warm.start()
        warm.join()
    for mutant in left():
        tests, begun = known.within(known.of(mutant), asked.budget), time.monotonic()
        say(mutant, *imported(known, mutant, tests), len(tests), time.monotonic() - begun)


def key(mutant: dict[str, object]) -> tuple[object, ...]:
    return Path(str(mutant["path"])).name, mutant["start"], mutant["end"], mutant["text"]


if __name__ == "__main__":
    main()
