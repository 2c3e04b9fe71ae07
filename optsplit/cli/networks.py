"""From a word on the command line to a network: the zoo's, or a function of the user's own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from optsplit.errors import InvalidInput, OptsplitError, unknown

_HOW = "give a network of the zoo (see: optsplit presets), or FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION"


def build(text: str) -> tuple[str, Any, Any]:
    """A network by its name in the zoo, or by a function that returns (module, example inputs).

    Returns
    -------
    tuple
        A name for it, the module and the example.

    Raises
    ------
    InvalidInput
        No such network, file, module or function, or a function that returns something else.
    MissingDependency
        torch is not installed.
    """
    from optsplit import zoo
    from optsplit.profiling.capture import need_torch

    where, colon, function = text.rpartition(":")
    if not colon:
        if text not in zoo.names():
            raise InvalidInput(f"{unknown('network', text, zoo.names())}; {_HOW}")
        need_torch()
        module, inputs = zoo.build(text)
        return text, module, inputs
    need_torch()
    return function, *_call(text, _import(where, text), function)


def _import(where: str, text: str) -> ModuleType:
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            raise InvalidInput(f"network {text!r}: there is no file {where!r}; {_HOW}")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(path.stem, module)
        # a script may import its neighbours
        sys.path.insert(0, str(path.resolve().parent))
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise _failure(text, "cannot be loaded", error) from error
        return module
    sys.path.insert(0, "")
    try:
        return importlib.import_module(where)
    except Exception as error:
        raise _failure(text, "cannot be imported", error) from error


def _call(text: str, module: ModuleType, name: str) -> tuple[Any, Any]:
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InvalidInput(f"network {text!r}: {unknown('function', name, known)}")
    try:
        made = function()
    except Exception as error:
        raise _failure(text, "its function failed", error) from error
    if not (isinstance(made, (tuple, list)) and len(made) == 2):
        raise InvalidInput(
            f"network {text!r}: {name}() returned a {type(made).__name__}; return the pair (module, example inputs)"
        )
    return made[0], made[1]


def _failure(text: str, what: str, error: Exception) -> OptsplitError:
    return InvalidInput(f"network {text!r}: {what}: {type(error).__name__}: {error}; --debug shows where")
