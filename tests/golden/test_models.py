"""Every group of constraints of every MILP on a small instance, as text: a change of algebra is seen as a diff.

`python -m tests.golden.test_models --write` writes the files of tests/golden/models anew.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import highspy
import pytest

from optsplit import formulation
from tests.golden.lp_text import joined, texts
from tests.golden.small_models import Case, cases

MODELS = Path(__file__).parent / "models"
WRITE = "python -m tests.golden.test_models --write"
CASES = cases()


def _files(case: Case) -> dict[Path, str]:
    return {MODELS / case.name / f"{group}.lp": text for group, text in texts(case).items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_group_is_as_its_file_says(case: Case) -> None:
    differences = []
    for path, text in _files(case).items():
        stored = path.read_text() if path.exists() else ""
        name = f"{path.parent.name}/{path.name}"
        pair = stored.splitlines(), text.splitlines()
        differences += difflib.unified_diff(*pair, name, f"{name}, as built", lineterm="")
    assert not differences, "\n".join([*differences, f"if this is meant: {WRITE}"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_group_has_rows_on_its_instance(case: Case) -> None:
    assert {*case.model.rows} == case.groups
    assert {path.stem for path in (MODELS / case.name).glob("*.lp")} == {"objective", *case.groups}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_group_stands_in_the_algebra(case: Case) -> None:
    file = case.name.split("-")[0]
    algebra = formulation.load(file).__doc__ + (formulation.load("upload_copies").__doc__ if "upload" in file else "")
    lines = [line.split("  ")[0].split(", ") for line in re.findall(r"^    (\w.*)$", algebra, flags=re.MULTILINE)]
    assert case.groups <= {name for names in lines for name in names}


def test_no_file_without_a_model() -> None:
    assert {path.name for path in MODELS.iterdir()} == {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_files_joined_have_the_optimum_derived_by_hand(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "model.lp"
    file.write_text(joined({path.stem: path.read_text() for path in sorted((MODELS / case.name).glob("*.lp"))}))
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(file)) == highspy.HighsStatus.kOk
    # every row and column was understood
    assert highs.getNumRow() == sum(case.model.rows.values())
    assert highs.getNumCol() == len(case.model.milp.variables())
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    found = highs.getObjectiveValue() * case.model.scale + case.model.offset
    assert found == pytest.approx(case.optimum, abs=1e-6)


def _written() -> Iterator[str]:
    for case in CASES:
        files = _files(case)
        (MODELS / case.name).mkdir(parents=True, exist_ok=True)
        for path in {*(MODELS / case.name).glob("*.lp")} - {*files}:
            path.unlink()
        for path, text in files.items():
            path.write_text(text)
            yield f"{path.parent.name}/{path.name}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {WRITE}")
    print(f"{len(list(_written()))} files written to {MODELS}")
