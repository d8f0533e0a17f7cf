"""What a page's live exercises start from: the starter code, the call, the cells that they need."""

import os
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import nbformat
import pytest

from backprop.book import live

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book/_ext"))
import live_cells  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("part*/*.ipynb"))
QUICK = {"chain-rule", "matrix-form", "momentum-to-adam", "attention"}
"""One of each part; the others take minutes, and have their turn in ``make test-live``."""
TRIED = [path for path in CHAPTERS if os.environ.get("BACKPROP_LIVE") or path.stem in QUICK]
# Their solutions need a function that an earlier one has defined, or what the page has trained or
# drawn before; a reader answers them in the page like the others.
ELSEWHERE = {"ex-conv-transpose", "ex-grad-zero", "ex-networks-twins", "ex-networks-depth"}


def test_names_are_read_in_the_order_of_the_statements():
    found = live_cells.uses("import numpy as np\ny = x + 1\nx = y\nfor i in z:\n    print(i)")
    assert found.taken == {"x", "z"}
    assert found.defined == {"np", "y", "x", "i"} and found.imported == {"np"}
    inside = live_cells.uses("def f(t):\n    s = g(t)\n    return lambda u: h(u, s)")
    assert inside.taken == {"g", "h"} and inside.functions == {"f": {"g", "h"}}


def test_what_changes_a_name_counts_and_what_shows_it_does_not():
    assert live_cells.uses("a[0] = 1\nb.c = 2\nfit(d)").changed == {"a", "b", "fit", "d"}
    assert live_cells.uses("print(a)\nplt.plot(b)\nc = fit(d)").changed == set()


def test_a_figure_of_the_book_only_shows():
    assert live_cells.uses("bug_curves.caught(a, [*b])").changed == set()
    assert live_cells.uses("peaks.append(depth)").changed == {"peaks", "depth"}


MENTIONING = """{ref}`elsewhere` has `trained`, and {bdg-secondary-line}`20 min` is no name.
Put a right piece in, as in `made = patient | {"forward": fixed["forward"]}` or `stages["8"]`, and
ask `honest(*run(program, seed))`, `lesson.patient("A").start` or `np.exp(-x)`, but not `a b`.
```python
def careless(f, x):
    kept = x[0] - other
    return f(kept)
```
"""


def test_an_exercise_names_what_its_code_takes_from_outside():
    found = live_cells.mentioned(MENTIONING)
    assert found == {"trained", "patient", "fixed", "stages", "honest", "lesson", "np", "other"}


def test_the_cells_are_there_for_an_exercises_own_lines():
    page = ["import exercises", "stages = {}", "stages['8'] = 1", "fixed = stages['8']", "x = 2"]
    text = "Try `stages['8']` and `patient | fixed['a']`, then `exercises.check_it(number)`."
    made = live_cells.exercise("ex", "exercises.check_it(number)", text, "number = 3", page)
    assert made.cells == page[:4]


PAGE = [
    "import numpy as np",
    "x = np.arange(3)",
    "unused = x.sum()",
    "steps = []\ndef add(t):\n    steps.append(t)",
    "x = x + 1",
    "add(2)",
    "print(x)",
]


def test_the_cells_are_those_that_the_names_need_in_order():
    assert live_cells.needed(PAGE, {"x"}) == [PAGE[0], PAGE[1], PAGE[4]]
    assert live_cells.needed(PAGE, {"steps"}) == [PAGE[3], PAGE[5]]
    assert live_cells.needed(PAGE, {"nowhere", "print"}) == []


def test_the_starter_has_three_dots_for_each_answer():
    solution = "def f(x, *, axis=0):\n    return x\n\n\nnumber = 2"
    call = "exercises.check_both(f, [number, other])"
    expected = "def f(x, *, axis=0):\n    ...\n\nnumber = ...\nother = ..."
    assert live_cells.start(call, solution) == expected
    assert live_cells.with_names("exercises.check_it([...])") == "exercises.check_it(answer)"
    assert live_cells.with_names(call) == call


def test_every_exercise_that_names_its_checker_says_how_to_call_it():
    named = []
    for path in CHAPTERS:
        for cell in nbformat.read(path, as_version=4).cells:
            for match in live_cells.EXERCISE.finditer(cell.source):
                if "exercises.check_" in match["text"]:
                    named.append(match["label"])
                    assert live_cells.CALL.search(match["text"]), f"{path.stem}: {named[-1]}"
    assert len(named) > 200


@pytest.mark.parametrize("path", TRIED, ids=lambda path: path.stem)
def test_every_exercise_can_be_answered_from_its_cells(path):
    mpl.use("agg")
    for exercise in live_cells.exercises(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = live.prepare(exercise.cells)
            left_open = live.run(exercise.starter, names, exercise.check)
            answered = live.run(exercise.solution, names)
        assert "three dots" in left_open.verdict, exercise.label
        if exercise.label not in ELSEWHERE:
            assert not answered.error, f"{exercise.label}: {answered.error}"


def test_the_list_of_exceptions_holds_nothing_else():
    labels = {one.label for path in CHAPTERS for one in live_cells.exercises(path)}
    assert labels >= ELSEWHERE and len(labels) > 150
