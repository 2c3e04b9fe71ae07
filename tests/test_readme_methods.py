"""README's table of problems and methods is the table that `solve` looks into."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optsplit.table import known

README = (Path(__file__).parents[1] / "README.md").read_text()


def listed(problem: str) -> dict[str, bool]:
    """Method -> whether it is called exact, in the table that a problem heads."""
    found: dict[str, bool] = {}
    table = README.split(f"\n| `{problem}` |")[1].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        names, kind, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        assert kind in ("exact", "baseline"), row
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", names), kind == "exact")
    return found


@pytest.mark.parametrize("problem", ["Partition", "UploadOrder", "Schedule", "FlowShop"])
def test_every_method_stands_in_its_table(problem: str) -> None:
    assert listed(problem) == {name: m.exact for (kind, name), m in known().items() if kind == problem}
