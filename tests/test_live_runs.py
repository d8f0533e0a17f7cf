"""What a page shows of a reader's code: its output, its own lines of a traceback, the verdict."""

import base64

import numpy as np
import pytest

from backprop.book.exercises import matrix_form
from backprop.book.live import prepare, run

CELLS = ["import numpy as np\nprint('quiet')", "x = np.arange(3)\ndef twice(t):\n    return 2 * t"]
RIGHT = "def error_back(delta, W, slope):\n    return (delta @ W.T) * slope"
CHECK = "exercises.check_error_back(error_back)"


@pytest.fixture
def names():
    return {**prepare(CELLS), "exercises": matrix_form}


def test_the_cells_names_are_there_and_each_run_starts_afresh(names):
    outcome = run("print('x is', x)\nx = 5\ntwice(x)", names)
    assert outcome.text == "x is [0 1 2]\n10\n" and not outcome.error and not outcome.verdict
    assert (names["x"] == np.arange(3)).all()
    assert run("y = x", names).text == ""
    assert "NameError: name 'y' is not defined" in run("y", names).error


def test_a_checker_praises_and_hints_and_hints_more(names):
    outcome = run(RIGHT, names, CHECK)
    assert outcome.right and outcome.verdict.startswith("Right.")
    wrong = RIGHT.replace("W.T", "W")
    first, second = (run(wrong, names, CHECK) for _ in range(2))
    assert not first.right and first.verdict.startswith("Not yet.") and not first.error
    assert len(second.verdict) >= len(first.verdict)
    run(RIGHT, names, CHECK)


def test_three_dots_are_no_answer_but_an_index_may_have_them(names):
    starter = "def error_back(delta, W, slope):\n    ..."
    expected = "Write your answer in place of the three dots in line 2."
    assert run(starter, names, CHECK).verdict == expected
    assert run("number = ...", names, CHECK).verdict.endswith("line 1.")
    assert run(RIGHT.replace("delta @", "delta[..., :] @"), names, CHECK).right
    assert run(starter, names).error == ""


def test_a_traceback_has_the_readers_lines_alone(names):
    error = run("def f(t):\n    return np.linalg.inv(t)\n\n\nf(np.zeros((2, 2)))", names).error
    assert error.splitlines()[0] == "Traceback (most recent call last):"
    assert error.count("File") == 2 and "linalg.py" not in error
    assert "return np.linalg.inv(t)" in error
    assert error.splitlines()[-1].endswith("LinAlgError: Singular matrix")


def test_a_slip_of_syntax_is_shown_at_its_place(names):
    error = run("x = (1,\ny = 2", names).error
    assert 'File "<your code>", line 1' in error and "SyntaxError" in error


def test_leaving_is_an_error_like_others(names):
    assert run("raise SystemExit", names).error.endswith("SystemExit")
    assert run("raise ValueError('a') from KeyError('b')", names).error.endswith("ValueError: a")


def test_a_missing_module_is_the_pages_business(names):
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        run("import no_such_module", names)


def test_long_output_is_cut(names):
    text = run("print('a' * 30_000)", names).text
    assert len(text) < 21_000 and text.endswith("more characters]")


def test_plots_are_handed_over_and_closed(names):
    source = (
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nplt.plot(x)"
    )
    first = run(f"{source}\nplt.show()", names)
    assert len(first.pictures) == 1
    assert base64.b64decode(first.pictures[0]).startswith(b"\x89PNG")
    assert run("1", names).pictures == []
