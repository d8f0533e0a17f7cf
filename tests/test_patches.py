"""A diff changes the lines that it names, once, or says that it cannot."""

import pytest

from backprop.book.patches import patched

TEXT = """\
def f(x):
    y = 2 * x
    z = y + 1
    return z


def g(x):
    return x
"""


def test_a_line_is_replaced_and_keeps_its_indentation():
    new = patched(TEXT, "\n- y = 2 * x\n+ y = 3 * x\n")
    assert new == TEXT.replace("2 * x", "3 * x")


def test_a_line_that_stays_says_where_lines_are_added():
    new = patched(TEXT, "  z = y + 1\n+ z = z**2\n+ z = -z\n")
    assert new == TEXT.replace("    return z", "    z = z**2\n    z = -z\n    return z")


def test_several_hunks_and_lines_that_only_go():
    new = patched(TEXT, "- y = 2 * x\n- z = y + 1\n+ z = x\n- return x\n+ return 1\n")
    assert new.count("    ") == 3 and "    z = x\n    return z" in new and "return 1" in new
    assert patched(TEXT, "- z = y + 1\n") == TEXT.replace("    z = y + 1\n", "")
    assert patched(TEXT, "") == TEXT


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("- y = 4 * x\n+ y = 5 * x\n", "stands in the text 0 times"),
        ("- y = 2 * x\n- return z\n+ y = 5 * x\n", "stands in the text 0 times"),
        ("+ y = 5 * x\n", "stands in the text 0 times"),
        ("y = 2 * x\n", "begins with none of"),
    ],
)
def test_what_does_not_fit_is_refused(diff, words):
    with pytest.raises(ValueError, match=words):
        patched(TEXT, diff)


def test_a_line_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="2 times"):
        patched(TEXT + "\n\ndef h(x):\n    return x\n", "- return x\n+ return 0\n")
