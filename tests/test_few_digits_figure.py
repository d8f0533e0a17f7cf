"""The figures of the chapter on precision: their numbers, and that they can be drawn."""

import numpy as np
import pytest

from backprop.book.figures import few_digits as figures


@pytest.mark.parametrize(
    ("x", "found"), [(1.1, 1), (0.04, 1 / 16), (0.03, 0), (3.2, 3), (4.0, np.inf)]
)
def test_the_small_format(x, found):
    assert figures.nearest(x) == found


def test_the_small_format_has_twenty_numbers():
    numbers = figures.toy_numbers()
    assert len(set(numbers.tolist())) == 20 and numbers.max() == 3.5
    assert (np.diff(np.sort(numbers[numbers <= 0.5])) == 1 / 16).all()


def test_shares_count_the_entries_that_are_there():
    exact = np.array([0.0, 1, 1, 1, 1])
    assert figures.shares(exact, np.array([0.0, 0, 1, np.inf, np.nan])) == (0.25, 0.5)


def test_frames_say_how_much_is_lost():
    values = np.array([[2.0**-30, 2.0**-10, 0.0], [2.0**-10, 2.0**-10, 0.0]])
    half, wild = values.copy(), values.copy()
    half[0, 0], wild[1, 1] = 0, np.inf
    frames = figures.window(values, [0, 10, 20], [half, values, wild])
    assert "Ten networks: under 60 % are 0, 0 % ∞" in frames[0].caption
    assert "0 % are 0, 0 %" in frames[1].caption
    assert "0 % are 0, under 60 % ∞" in frames[2].caption
    few = np.ones((1, 5000))
    few[0, 0] = 0
    assert "under 0.1 %" in figures.window(np.ones((1, 5000)), [0], [few])[0].caption


def test_a_weight_of_few_digits_stops_and_its_master_does_not():
    kept, master, copies = zip(*figures.kept_weights(10), strict=True)
    assert kept == (1, 1.25, 1.5, 1.75, 2, 2, 2, 2, 2, 2, 2)
    assert master[-1] == 3 and copies[5:] == (2, 2, 2.5, 2.5, 3, 3)
    frames = figures.updates()
    assert len(frames) == 10
    assert "2 + 0.2 = 2.2 is rounded to 2, so the update is lost" in frames[4].caption
    assert [">lost<" in frame.svg for frame in frames] == [False] * 4 + [True] * 6
    assert "master weight is 2.4 and its copy 2.5" in frames[6].caption


def test_all_can_be_drawn():
    values = 2.0 ** np.linspace(-50, 25, 200)
    runs = {name: np.ones((3, 4)) for name in "abcd"}
    line = np.arange(5.0)
    for drawing in (
        figures.hero("a", {"one": values, "two": values}),
        figures.ruler("b"),
        figures.courses("c", runs, 10, [np.eye(3, 10)] * 2, np.ones((3, 4))),
        figures.descent("e", 4.0 ** -np.arange(5, 15), np.full((3, 10), 1e-4), np.eye(3, 10), "f"),
        figures.sums("d", {"x": (line, 0), "": (line, 0), "y": (line, 1)}),
    ):
        assert "<svg" in drawing.markup
