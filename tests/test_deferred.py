"""SciPy is loaded by the first function that needs it, and by nothing else."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import special

from backprop import grad
from backprop.deferred import Deferred

FIRST_USE = """
import sys
import numpy as np
import backprop
from backprop.autodiff.tape import sigmoid
assert "scipy" not in sys.modules, "import backprop loads SciPy"
print(sigmoid(0.0))
assert "scipy.special" in sys.modules
"""


def test_importing_the_library_does_not_load_scipy_and_the_first_call_does():
    run = subprocess.run(
        [sys.executable, "-c", FIRST_USE], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "0.5\n"


def test_a_deferred_function_is_the_modules_own_in_value_and_name():
    deferred = Deferred("scipy.special")
    x = np.linspace(-3, 3, 7)
    out = np.empty(7)
    assert deferred.expit(x, out=out) is out
    assert (out == special.expit(x)).all()
    assert deferred.expit.__name__ == "expit" and deferred.expit is deferred.expit


def test_scipys_function_on_a_variable_finds_the_line_of_the_deferred_one():
    assert grad(special.expit)(0.0) == 0.25
    assert np.isclose(grad(special.erf)(0.0), 2 / np.sqrt(np.pi))
    with pytest.raises(TypeError, match="gammaln has no line in the table of derivatives"):
        grad(special.gammaln)(1.0)


def test_an_absent_module_is_named_at_the_call():
    absent = Deferred("scipy.nowhere").function
    with pytest.raises(ModuleNotFoundError, match=r"scipy\.nowhere"):
        absent()
