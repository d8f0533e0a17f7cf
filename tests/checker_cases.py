"""How the answers to an exercise are tried: the right ones, and the wrong ones twice in a row."""

import pytest


def both_hints(check, *answer):
    """Return what two wrong tries in a row are told."""
    first, second = check(*answer), check(*answer)
    assert not first and not second
    return first.message, second.message


def each_right(answers):
    """Run a test with each ``check`` and ``answer`` of a dictionary from checkers to answers."""
    cases = [(check, answer) for check, some in answers.items() for answer in some]
    return pytest.mark.parametrize(("check", "answer"), cases)


def each_wrong(answers):
    """Run a test with each ``check``, ``answer`` and ``hint`` of a dictionary likewise."""
    cases = [(check, answer, hint) for check, some in answers.items() for answer, hint in some]
    return pytest.mark.parametrize(("check", "answer", "hint"), cases)
