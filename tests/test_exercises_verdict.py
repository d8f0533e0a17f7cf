"""A checker must tell right from wrong, and say something of use."""

import importlib
import inspect
import pkgutil
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from backprop.book import exercises
from backprop.book.exercises import Case, Verdict, checker, judge, judge_value
from backprop.book.exercises.verdict import Told, limited

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
        (lambda a: a.T + np.array([0, 1e-3]), "first row and the second column of the answer"),
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
        (np.float32(2.303), np.log(10)),
        (np.array([0.923, 2.3], np.float32), [0.92312, np.log(10)]),
        ([0.923, 1], [0.92312, 1.0]),
        (-0.0123, -0.012345),
        (np.array([0.25]), 0.25),
        (np.full((1, 1), 2.303), np.log(10)),
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


def test_so_is_an_array_in_a_list():
    arrays = [np.ones(2), np.ones(3)]

    def doubled(a):
        a[1] *= 2
        return 5.0

    case = Case((arrays,), 5.0)
    assert "in place" in repr(judge(doubled, [case]))
    assert "in place" in repr(judge(lambda a: len(a.pop()) + 2.0, [case]))
    assert judge(lambda a: sum(map(len, a)) + 0.0, [case])


def test_a_mistake_that_does_not_explain_the_other_answers_is_not_named():
    def case(x):
        return Case((x,), x * x, [(2 * x, "Doubled."), (x, "As it came.")])

    cases = [case(3.0), case(5.0)]
    assert judge(lambda x: 2 * x, cases).message == "Doubled."
    assert "is 6, which is not right" in judge(lambda x: 6.0, cases).message
    assert judge(lambda x: 2 * x, cases[:1]).message == "Doubled."
    assert judge(lambda x: {3.0: 6.0}[x], cases).message == "Doubled."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([1.0, 3.0, 4.0], "The second entry of the answer is 3, which is not right (1 of 3"),
        ([1.0, "2", 4.0], "expected numbers of shape (3,), but the second entry is a str."),
        (
            (None, 2.0, 4.0),
            "is a tuple, expected numbers of shape (3,), but the first entry is None",
        ),
        ([[1.0], 2.0, 4.0], "but the first entry is a list"),
        ("1, 2, 4", "is a str, expected numbers of shape (3,)."),
        ({1.0, 2.0, 4.0}, "is a set, expected numbers of shape (3,)."),
    ],
)
def test_parts_are_counted_as_a_reader_counts(answer, words):
    assert words in judge_value(answer, Case((), [1.0, 2.0, 4.0])).message


def test_parts_that_have_a_name_are_called_by_it():
    case = Case((), [1.0, 2.0], names=("p", "q"), where="the graph")
    assert judge_value([1, 3], case).message == "q = 3 is not right."
    assert judge_value([1, 3], case).unforeseen
    assert not judge_value([1, 2], case).unforeseen and not judge_value(None, case).unforeseen
    assert judge_value([1, None], case).message == "q is None, expected numbers."
    assert judge(lambda x: [0, x], [Case((2,), [1, 2], names="pq", where="the graph")]).message == (
        "p = 0 is not right for the graph."
    )
    large = judge_value(np.zeros((12, 12)), Case((), np.eye(12)[::-1])).message
    assert large.startswith("The entry at index (0, 11) of the answer is 0")


def test_a_number_close_to_the_right_one_is_no_mistake_of_another_kind():
    case = Case((), [12.0, 0.0], near="Close.")
    assert judge_value([12.002, 1e-3], case).message == "Close."
    assert "first entry" in judge_value([12.2, 0], case).message
    assert "first entry" in judge_value([12.002, 0], Case((), [12.0, 0.0])).message
    assert judge(lambda: [12.002, 0], [case]).message != "Close."


def test_a_checker_says_how_many_answers_it_takes():
    @checker
    def check_pair(a, b):
        return judge_value((a, b), Case((), [1.0, 2.0]))

    @checker
    def check_one(a):
        return judge_value(a, Case((), 1.0))

    assert check_pair(1, 2) and check_pair(1, b=2) and check_one(1)
    assert check_pair(1).message == "check_pair takes 2 answers: (a, b). You gave 1."
    assert check_one(1, 2).message == "check_one takes one answer: (a). You gave 2."
    assert check_one().message == "check_one takes one answer: (a). You gave 0."


def test_a_function_of_other_arguments_is_told_which():
    case = Case((1.0, 2.0), 3.0)
    assert judge(lambda x, y: x + y, [case]) and judge(lambda *xs: sum(xs), [case])
    assert judge(max, [Case((1.0, 2.0), 2.0)])
    said = judge(lambda x: x, [case], arguments="x, y").message
    assert said == "Write a function that can be called with 2 arguments: (x, y)."
    assert judge(lambda x, y: x, [Case((1.0,), 1.0)]).message.endswith("one argument.")
    # The reader's own mistake inside is another matter.
    assert "raised TypeError" in judge(lambda x, y: x + None, [case]).message


def test_what_runs_for_too_long_is_stopped_and_told():
    def slow(n):
        while True:
            n += 1

    assert judge(limited(slow, 1000, "Too slow."), [Case((1,), 2)]).message == "Too slow."
    assert judge(limited(lambda n: n + 1, 1000, "Too slow."), [Case((1,), 2)])
    assert "2 arguments" in judge(limited(slow, 1000, ""), [Case((1, 2), 2)]).message
    with pytest.raises(Told):
        limited(slow, 1000, "Too slow.")(1)


def test_a_long_input_is_not_quoted():
    said = judge(lambda x: 0, [Case((list(range(100)),), 1)]).message
    assert said == "The answer for the input a list of 100 is 0, which is not right."


def test_a_rightly_rounded_entry_is_not_blamed():
    case = Case((), [0.46875, -0.46875, 1.0])
    told = judge_value([0.469, -0.469, 1.875], case)
    assert not told and told.message.startswith("The third entry")
    assert "1 of 3 entries" in told.message
    returned = judge_value([0.469, -0.469, 1.875], case, typed=False)
    assert returned.message.startswith("The first entry") and "3 of 3" in returned.message


CHECKERS = [
    check
    for found in pkgutil.iter_modules(exercises.__path__)
    for module in [importlib.import_module(f"{exercises.__name__}.{found.name}")]
    for name, check in inspect.getmembers(module, inspect.isfunction)
    if name.startswith("check_") and check.__module__ == module.__name__
]


def test_help_tells_how_to_call_a_checker_and_never_what_it_expects():
    assert len(CHECKERS) > 200
    for check in CHECKERS:
        names = list(inspect.signature(check).parameters)
        said = check.__doc__
        assert said.startswith(f"Say whether ({', '.join(names)}), your answer"), check
        assert said.endswith(" right, or what is wrong.") and "\n" not in said
