"""The figure of coin tosses counts what the text counts."""

import pytest
from drawing_cases import check_words

from backprop.book.figures import tosses


@pytest.mark.parametrize("split", [(7, 1), (1, 7)])
def test_the_uneven_splits_are_counted_on_both_sides(split):
    drawn = tosses.splits(*split, "Tosses")
    assert "filled: 18 of 256 ways" in drawn.markup
    assert drawn.markup.count(tosses.ABOVE) == 4
    check_words(drawn.markup, 0.62)


def test_an_even_split_is_never_unusual():
    assert "filled: 256 of 256 ways" in tosses.splits(4, 4, "Tosses").markup


def test_the_ends_of_an_interval_have_equal_tails():
    drawn = tosses.tails((0.049, 0.1762), 10, 100, "Errors")
    assert "4.9 %: 10 or more in 2.5 %" in drawn.markup
    assert "17.6 %: 10 or fewer in 2.5 %" in drawn.markup
    assert drawn.markup.count(tosses.ABOVE) == 21 + 11
    check_words(drawn.markup, 0.56)
