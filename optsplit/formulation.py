"""The door to the formulations: inside the package in a wheel, the sibling folder in a checkout."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from optsplit.errors import OptsplitError


def load(file: str) -> ModuleType:
    """The module of one formulation.

    Raises
    ------
    OptsplitError
        Another package called `formulations` is in the way.
    """
    if importlib.util.find_spec("optsplit._formulations") is not None:
        return importlib.import_module(f"optsplit._formulations.{file}")
    checkout = Path(__file__).resolve().parents[1]
    package = checkout / "formulations" / "__init__.py"
    loaded = sys.modules.get("formulations")
    origin = getattr(loaded, "__file__", None)
    found = Path(origin).resolve() if origin else None
    if loaded is None:
        spec = importlib.util.find_spec("formulations")
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
    if loaded is None and found is None and package.exists():
        sys.path.append(str(checkout))
        importlib.invalidate_caches()
    elif found != package:
        raise OptsplitError(
            f"another package called 'formulations' is in the way: {found or loaded}; rename it, remove it from "
            "sys.path, or install optsplit from a wheel, which carries its formulations inside"
        )
    return importlib.import_module(f"formulations.{file}")
