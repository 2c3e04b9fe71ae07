"""Solvers in one process: import orders, small models that some HiGHS versions get wrong, and lazy loading."""

from __future__ import annotations

import subprocess
import sys

import pytest

# HiGHS 1.14.0 says 15, 76 and 11 (presolve, fixed in 1.15: HiGHS issues 2957 and 3002, linopy issue 651)
WRONG_IN_1_14 = """
def check_highs():
    import pulp
    def solve(build):
        model = pulp.LpProblem("wrong", pulp.LpMinimize)
        build(model)
        model.solve(pulp.HiGHS(msg=False))
        return pulp.value(model.objective)
    def first(model):
        x, z = model.add_variable("x", 0, 10), model.add_variable("z", 0, 10, pulp.LpInteger)
        model += 2 * x + 3 * z
        model += x + z >= 4.5
    def second(model):
        x, y = model.add_variable("x", 0, 4), model.add_variable("y", -1, 1)
        z = model.add_variable("z", 0, None, pulp.LpInteger)
        model += x + 4 * y + 9 * z
        model += x + y <= 5
        model += x + z >= 10
        model += -y + z == 7.5
    def third(model):
        x, y = model.add_variable("x", 0, 1, pulp.LpInteger), model.add_variable("y", 9)
        model += 2 * x + y
        model += 2 * x + y >= 10
    found = [solve(first), solve(second), solve(third)]
    assert [round(value, 6) for value in found] == [9, 64, 10], found

def check_cpsat():
    from ortools.sat.python import cp_model
    model = cp_model.CpModel()
    x = model.new_int_var(3, 9, "x")
    model.minimize(x)
    solver = cp_model.CpSolver()
    assert solver.solve(model) == cp_model.OPTIMAL and solver.value(x) == 3
"""


def python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "imports",
    [
        "import highspy, pulp; from ortools.sat.python import cp_model",
        "from ortools.sat.python import cp_model; import highspy, pulp",
        "from ortools.graph.python import max_flow; import pulp",
        "import optsplit.backends.cpsat, optsplit.backends.pulp",
        "import optsplit.backends.pulp, optsplit.backends.cpsat",
    ],
)
@pytest.mark.parametrize("calls", ["check_highs(); check_cpsat()", "check_cpsat(); check_highs()"])
def test_both_solvers_in_one_process(imports: str, calls: str) -> None:
    python(f"{imports}\n{WRONG_IN_1_14}\n{calls}")


@pytest.mark.parametrize("module", ["optsplit", "optsplit.solve", "optsplit.formulation", "optsplit.result"])
def test_importing_optsplit_imports_no_solver(module: str) -> None:
    python(
        f"import sys, {module}\n"
        "heavy = {'pulp', 'highspy', 'ortools', 'torch', 'formulations'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


def test_the_door_loads_the_formulations_of_the_checkout() -> None:
    python(
        "from optsplit import formulation\n"
        "import sys\n"
        "milp = formulation.load('partition_milp')\n"
        "assert 'ortools' not in sys.modules and 'pulp' in sys.modules\n"
        "assert formulation.load('partition_cpsat').solve is not milp.solve"
    )
