"""A checker must tell right from wrong, and say something of use."""

import numpy as np
import pytest

from backprop.book.exercises import Case, Verdict, judge, judge_value

A = np.arange(6.0).reshape(2, 3)
TRANSPOSE = Case((A,), A.T, [(A, "these are the rows as they came")])


def test_right_answer_with_praise():
    verdict = judge(np.transpose, [TRANSPOSE], "Rows became columns.")
    assert verdict and repr(verdict) == "Right. Rows became columns."
    assert repr(Verdict(True, "")) == "Right."


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda a: a, "Not yet. these are the rows as they came"),
        (lambda a: None, "is a return missing?"),
        (lambda a: "no", "is a str, expected numbers of shape (3, 2)"),
        (lambda a: [[1], [2, 3]], "is a list, expected numbers"),
        (lambda a: np.ones(4), "has shape (4,), expected (3, 2)"),
        (lambda a: a.T + np.array([0, 1e-3]), "entry (0, 1) of the answer"),
        (lambda a: a.T + np.array([0, 1e-3]), "is 3.001, expected 3 (3 of 6 entries are off)"),
        (lambda a: a @ a, "raised ValueError"),
        (lambda a: np.full((3, 2), np.nan), "is nan, expected 0"),
        (3.0, "without calling it; this is a float"),
    ],
)
def test_hints(function, words):
    verdict = judge(function, [TRANSPOSE])
    assert not verdict
    assert words in repr(verdict)


def test_an_argument_changed_in_place_is_noticed_and_the_case_is_untouched():
    def halve(a):
        a /= 2
        return a

    case = Case((A.copy(),), A / 2)
    assert "in place" in repr(judge(halve, [case]))
    assert np.array_equal(case.args[0], A)


def test_plain_values_and_later_cases():
    assert judge_value(0.25, Case((), 0.25))
    assert repr(judge_value(0.5, Case((), 0.25))) == "Not yet. the answer is 0.5, expected 0.25."
    cases = [Case((0.0,), 0.0), Case((2.0,), 4.0)]
    assert judge(lambda x: x * x, cases)
    assert "for the input 2.0 is 2, expected 4" in repr(judge(lambda x: x, cases))
