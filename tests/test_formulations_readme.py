"""The tables of formulations/README.md say what the models are.

`python -m tests.test_formulations_readme --write` writes the tables anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from optsplit import formulation
from tests.model_sizes import Root, Row, roots, rows

README = Path(__file__).parents[1] / "formulations" / "README.md"
ROWS, ROOTS = rows(), roots()
HEADS = {
    "sizes": ["model", "instance", "columns", "of them whole", "rows"],
    "roots": ["model", "instance", "relaxation, of the optimum", "without", "then"],
}


def _marked(given: list[Row] | list[Root]) -> list[object]:
    return [pytest.param(one, id=f"{one.file}, {one.instance}", marks=[pytest.mark.slow] if one.slow else [])
            for one in given]  # fmt: skip


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("one", [*_marked(ROWS), *_marked(ROOTS)])
def test_the_tables_are_true(one: Row | Root) -> None:
    assert _line(one.cells()) in README.read_text().splitlines()


@pytest.mark.parametrize("row", _marked([row for row in ROWS if row.at_most is not None]))
def test_the_formulas_bound_the_sizes(row: Row) -> None:
    assert row.at_most is not None
    columns, count = (int(row.cells()[i].replace(",", "")) for i in (2, 4))
    most = row.at_most()
    assert columns <= most[0]
    assert count <= most[1]


def test_every_file_has_its_place() -> None:
    text = README.read_text()
    folder = Path(str(formulation.load("rows").__file__)).parent
    assert [file.name for file in sorted(folder.glob("[a-z]*.py")) if file.name not in text] == []


def test_every_row_of_the_tables_is_tested() -> None:
    names = {f"`{one.file}` | {one.instance}" for one in [*ROWS, *ROOTS]}
    written = re.findall(r"^\| (`\w+` \| [^|]+?) \|", README.read_text(), flags=re.MULTILINE)
    assert {*written} == names


def _table(name: str) -> str:
    lines = [_line(HEADS[name]), _line(["---", "---", *["---:" if name == "sizes" else "---"] * 3])]
    lines += [_line(one.cells()) for one in (ROWS if name == "sizes" else ROOTS)]
    return "\n".join([f"<!-- {name} -->", *lines, f"<!-- end of {name} -->"])


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.test_formulations_readme --write")
    text = README.read_text()
    for name in HEADS:
        text = re.sub(rf"<!-- {name} -->.*<!-- end of {name} -->", lambda _, n=name: _table(n), text, flags=re.DOTALL)
    README.write_text(text)
