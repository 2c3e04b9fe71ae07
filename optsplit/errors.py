"""Errors: each message names the object, the offending value and the repair."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OptsplitError(Exception):
    """Base class of every error that this package raises on purpose."""


class InvalidInput(OptsplitError, ValueError):
    """The data given break a rule; nothing was solved, written or changed."""


class FileFormatError(InvalidInput):
    """A file is not what it claims to be, or not of a version that can be read."""


class MethodMismatch(InvalidInput):
    """The method cannot take this problem; the message names those that can."""


class TraceError(OptsplitError):
    """A module cannot be turned into a layer graph."""


class MissingDependency(OptsplitError, ImportError):
    """An optional package is needed; the message says which extra installs it."""


class SolverDisagreement(OptsplitError):
    """A method's claim does not survive the problem's own evaluation."""


class SolverError(OptsplitError):
    """A solver ended in a way that is neither a plan, a proof nor a limit."""


class NotOptimal(OptsplitError):
    """`Result.require_optimal` was called on a result that is not proven optimal."""


def unknown(what: str, value: object, known: Iterable[str]) -> str:
    """Message for a name that is not in a table: the value, the nearest names, then all of them.

    Lists longer than twelve names are cut, since a network has hundreds of layers.
    """
    names = [str(name) for name in known]
    folded = {name.casefold(): name for name in names}
    near = [folded[n] for n in difflib.get_close_matches(str(value).casefold(), folded, n=3)]
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    listed = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"unknown {what} {value!r}; {hint}known: {listed or 'none'}"
