"""The door to the formulations in a checkout, where a user's own package may have the same name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOAD = "from optsplit import formulation\nprint(formulation.load('partition_cpsat').__name__)"


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # -P would keep the folder off the path; a user's script has it there, first
    start = f"import sys; sys.path.insert(0, ''); sys.path.append({str(ROOT)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", start + code], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def foreign(folder: Path, package: bool = True) -> Path:
    (folder / "formulations").mkdir()
    if package:
        (folder / "formulations" / "__init__.py").write_text("")
    return folder


def test_without_another_package_the_sibling_folder_is_found(tmp_path: Path) -> None:
    done = python(LOAD, tmp_path)
    assert (done.stdout.strip(), done.returncode) == ("formulations.partition_cpsat", 0), done.stderr


@pytest.mark.parametrize("before", ["", "import formulations\n"])
def test_another_package_is_named(tmp_path: Path, before: str) -> None:
    done = python(before + LOAD, foreign(tmp_path))
    assert done.returncode == 1
    assert "optsplit.errors.OptsplitError: another package called 'formulations' is in the way: " in done.stderr
    assert str(tmp_path / "formulations" / "__init__.py") in done.stderr
    assert "rename it, remove it from sys.path, or install optsplit from a wheel" in done.stderr


def test_a_plain_folder_of_that_name_does_no_harm(tmp_path: Path) -> None:
    done = python(LOAD, foreign(tmp_path, package=False))
    assert done.stdout.strip() == "formulations.partition_cpsat", done.stderr


def test_a_module_without_a_file_that_is_already_imported_is_named(tmp_path: Path) -> None:
    done = python("import types; sys.modules['formulations'] = types.ModuleType('formulations')\n" + LOAD, tmp_path)
    assert "another package called 'formulations' is in the way: <module 'formulations'>" in done.stderr


def test_methods_that_need_no_formulation_do_not_mind(tmp_path: Path) -> None:
    code = (
        "import optsplit as osp\n"
        "problem = osp.Partition(['a'], metrics={'latency': osp.Metric([[3, 1]])})\n"
        "print(osp.solve(problem).objective, osp.solve(problem, 'mincut').objective)\n"
    )
    done = python(code, foreign(tmp_path))
    assert done.stdout.strip() == "1 1", done.stderr
