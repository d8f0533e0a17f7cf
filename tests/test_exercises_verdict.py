"""A checker must tell right from wrong, and say something of use."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from backprop.book.exercises import Case, Verdict, checker, judge, judge_value

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
        (lambda a: a.T + np.array([0, 1e-3]), "Entry (0, 1) of the answer"),
        (
            lambda a: a.T + np.array([0, 1e-3]),
            "is 3.001, which is not right (3 of 6 entries are off)",
        ),
        (lambda a: a @ a, "raised ValueError"),
        (lambda a: np.full((3, 2), np.nan), "is nan, which is not right"),
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
    assert (
        repr(judge_value(0.5, Case((), 0.25))) == "Not yet. The answer is 0.5, which is not right."
    )
    cases = [Case((0.0,), 0.0), Case((2.0,), 4.0)]
    assert judge(lambda x: x * x, cases)
    assert "for the input 2.0 is 2, which is not right" in repr(judge(lambda x: x, cases))


def test_an_unforeseen_answer_never_tells_what_is_expected():
    for expected in (60.0, 0.0123, -7.0, [15.0, 6.5], [[1.5, 2.5], [3.5, 4.5]]):
        shape = np.shape(expected)
        for guess in (np.full(shape, 50.0), np.zeros(shape)):
            verdict = judge_value(guess, Case((), expected))
            said = verdict.message + verdict.more
            assert not verdict
            for value in np.ravel(expected):
                assert f"{value:g}" not in said, said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Fraction(1, 4), 0.25),
        ([Fraction(3), 2], [3.0, 2.0]),
        (Decimal("0.25"), 0.25),
        (sp.Rational(1, 4), 0.25),
        (sp.log(10), np.log(10)),
        (sp.Matrix([[1, 2]]), [[1.0, 2.0]]),
        (np.array(0.25), 0.25),
        (np.float32(0.25), 0.25),
        (2.303, np.log(10)),  # as a page prints it
        (2.30, np.log(10)),
        ([0.923, 1], [0.92312, 1.0]),
        (-0.0123, -0.012345),
    ],
)
def test_numbers_of_every_kind_are_accepted_when_typed(answer, expected):
    assert judge_value(answer, Case((), expected))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (2.3, 2.36),  # two digits
        (2.302, np.log(10)),  # cut off, not rounded
        (2780, 2778),  # a count is not rounded
        (np.inf, np.log(10)),  # nothing rounds to infinity
        (0.0, 1e-5),
        (sp.Symbol("x"), 1.0),
        ("0.25", 0.25),
        ([0.25], 0.25),
        ({"a": 1}, 0.25),
    ],
)
def test_and_what_is_none_of_them_is_not(answer, expected):
    assert not judge_value(answer, Case((), expected))


def test_a_function_may_not_round():
    assert judge_value(2.303, Case((), np.log(10)))
    assert not judge(lambda: 2.303, [Case((), np.log(10))])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([1.0, 2.0, -3.0], "not right"),
        ([-1.0, -2.0, -4.0], "Only the sign is wrong"),
        ([2.0, 4.0, 8.0], "Every entry is off by the same factor"),
        ([4.0, 2.0, 1.0], "their order is not"),
        ([[1.0], [2.0], [4.0]], "The numbers themselves are right"),
        ([np.nan, 2.0, 4.0], "division by zero"),
    ],
)
def test_the_kind_of_wrong(answer, words):
    verdict = judge_value(answer, Case((), [1.0, 2.0, 4.0]))
    assert words in verdict.message + verdict.more


def test_a_transpose_is_called_one():
    square = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert "transpose" in judge_value(square.T, Case((), square)).more
    assert "transpose" in judge_value(A.T, Case((), A)).message


def test_the_second_wrong_answer_gets_the_stronger_hint():
    @checker
    def check_one(answer):
        return judge_value(answer, Case((), 1.0, [(2.0, "Too much.", "By one.")], "Count."))

    assert check_one(2).message == "Too much."
    assert check_one(2).message == "Too much. By one."
    assert check_one(5).message.endswith("not right. Count.")
    assert check_one(1)
    assert check_one(2).message == "Too much."


def test_a_list_changed_in_place_is_noticed():
    assert "in place" in repr(judge(lambda a: a.pop(), [Case(([1.0, 2.0],), 2.0)]))


def test_a_mistake_that_does_not_explain_the_other_answers_is_not_named():
    def case(x):
        return Case((x,), x * x, [(2 * x, "Doubled."), (x, "As it came.")])

    cases = [case(3.0), case(5.0)]
    assert judge(lambda x: 2 * x, cases).message == "Doubled."
    assert "is 6, which is not right" in judge(lambda x: 6.0, cases).message
    assert judge(lambda x: 2 * x, cases[:1]).message == "Doubled."
    assert judge(lambda x: {3.0: 6.0}[x], cases).message == "Doubled."
