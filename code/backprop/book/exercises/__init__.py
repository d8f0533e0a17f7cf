"""Checkers of the book's exercises: they tell a reader's answer right, or hint at what is wrong.

One module a chapter, named after it: ``from backprop.book.exercises.losses import check_...``.
"""

from backprop.book.exercises.verdict import Case, Verdict, checker, judge, judge_value

__all__ = ["Case", "Verdict", "checker", "judge", "judge_value"]
