"""What a sweep finished, on disk: one file for each run, under a digest of everything that was asked."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from optsplit import files
from optsplit.errors import FileFormatError, InvalidInput
from optsplit.method import Method, Problem
from optsplit.problems import stored
from optsplit.result import Limit, Result, Status
from optsplit.sweep.task import Task


class RunDocument(msgspec.Struct, forbid_unknown_fields=True):
    """One run: what was asked, and the result without its problem."""

    key: str
    name: str
    method: str
    options: dict[str, Any]
    seed: int
    optsplit: str
    result: Result


def fingerprint(problem: Problem) -> str:
    """Digest of a problem's content, whatever its name.

    Raises
    ------
    InvalidInput
        Problems of this kind have no file, or this one has names that no file can hold.
    """
    embedded = stored.embedded(problem)
    if embedded is None:
        kind = type(problem).__name__
        raise InvalidInput(
            f"{kind} {problem.name!r}: no file can hold it (its kind, or a name with '>' in it); sweep without a folder"
        )
    content = msgspec.to_builtins(embedded["content"])
    for part in (content, content.get("partition", {}), *content.get("networks", [])):
        part.pop("name", None)
    # in the order given: that of layers and metrics may decide between plans of the same price
    return _digest(msgspec.json.encode({**embedded, "content": content}))


def key(problem: str, method: str | Method, options: Mapping[str, Any], seed: int, version: str) -> str:
    """Digest of one run: a problem's fingerprint, and all that is asked of it.

    Raises
    ------
    InvalidInput
        An option that JSON cannot hold.
    """
    function = "" if isinstance(method, str) else method.run
    if callable(function):
        function = f"{function.__module__}:{getattr(function, '__qualname__', type(function).__qualname__)}"
    name = method if isinstance(method, str) else method.name
    try:
        asked = msgspec.json.encode([problem, name, function, options, seed, version], order="deterministic")
    except (TypeError, msgspec.MsgspecError) as error:
        raise InvalidInput(
            f"method {name!r}: an option cannot be written as JSON ({error}); give plain data, or no folder"
        ) from error
    return _digest(asked)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


class Store:
    """A folder of finished runs.

    Parameters
    ----------
    folder
        Created where it does not exist; sweeps of other problems may share it.
    version
        Of optsplit: runs of another release are not taken for this one's.
    """

    def __init__(self, folder: str | Path, version: str) -> None:
        self.folder = Path(folder)
        self.version = version
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"{folder}: cannot be a folder ({error.strerror}); choose another") from error

    def path(self, key: str) -> Path:
        """Where a run stands."""
        return self.folder / f"{key}.json"

    def write(self, key: str, name: str, task: Task, result: Result) -> None:
        """Write a finished run of the problem called `name`, at once and whole."""
        target = self.path(key)
        # a name of this process: another sweep may be writing the same run
        part = target.with_suffix(f".{os.getpid()}")
        document = RunDocument(key, name, task.name, dict(task.options), task.seed, self.version, result)
        files.write(part, "run", document)
        part.replace(target)

    def read(self, key: str, problem: Problem) -> Result | None:
        """The result of a run that need not be run again.

        None where there is none, or one that ended by an error or an interrupt. A file that is damaged, or whose plan
        does not cost what it says, is moved aside with a warning.
        """
        path = self.path(key)
        if not path.exists():
            return None
        try:
            document = files.read(path, "run", RunDocument)
            damage = _damage(document, key, problem)
        except FileFormatError as error:
            damage = str(error)
        if damage is not None:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            warnings.warn(f"{path}: {damage}; kept as {aside.name}, and run again", stacklevel=3)
            return None
        again = document.result.status is Status.ERROR or document.result.limit is Limit.INTERRUPT
        return None if again else replace(document.result, problem=problem)


def _damage(document: RunDocument, key: str, problem: Problem) -> str | None:
    """How a file contradicts itself or its problem, or None."""
    result = document.result
    if document.key != key:
        return f"holds the run {document.key}"
    if result.objective is not None and result.bound is not None and result.bound > result.objective:
        return f"bound {result.bound} is above objective {result.objective}"
    if (result.status is Status.OPTIMAL) != (result.objective is not None and result.bound == result.objective):
        return f"status {result.status.value!r} with objective {result.objective} and bound {result.bound}"
    if result.plan is None:
        return None if result.objective is None else f"objective {result.objective} without a plan"
    try:
        evaluation = problem.evaluate(result.plan)
    except (InvalidInput, AttributeError) as error:  # a plan of another kind of problem lacks what this one reads
        return f"its plan is none of this problem's ({error})"
    if evaluation.violations:
        return f"its plan breaks a rule: {evaluation.violations[0]}"
    if evaluation.objective != result.objective:
        return f"its plan costs {evaluation.objective}, not {result.objective}"
    return None
