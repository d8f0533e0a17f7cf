"""The figures of the chapter on normalization: their numbers, and that they draw."""

import numpy as np

from backprop.book.figures import normalizing


def test_the_terms_add_up_to_the_gradient_of_the_layer():
    for last in normalizing.LAST:
        x = np.array([*normalizing.COLUMN[:3], last])
        d, shift, stretch, s = normalizing.terms(x, normalizing.SLOPES)
        np.testing.assert_allclose(
            (d + shift + stretch) / s, normalizing.gradient(x, normalizing.SLOPES), atol=1e-12
        )


def test_the_column_by_hand():
    found = normalizing.gradient(normalizing.COLUMN, normalizing.SLOPES)
    np.testing.assert_allclose(found, [0.22, -0.34, -0.06, 0.18])


def test_the_plane_is_seen_along_the_shift():
    np.testing.assert_allclose(normalizing.PLANE @ normalizing.PLANE.T, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(normalizing.PLANE @ np.ones(3), 0, atol=1e-15)


def test_they_draw():
    assert "not normalized" in normalizing.fan("t").markup
    assert "examples" in normalizing.shared("t").markup
    frames = normalizing.three_terms()
    assert len(frames) == len(normalizing.LAST)
    assert "the shift takes 16.0 and the stretch 9.0, so 5.0 remains" in frames[0].caption
    curve = normalizing.Curve("one", np.array([[1.0, np.nan], [2.0, 0.1]]), (0.1, 1), "-o")
    assert "one" in normalizing.rates("t", [("both", [0.1, 1], [curve])]).markup
    rows = [("in use", np.array([0.9, 1.0])), ("other", np.array([0.1, 0.2]))]
    assert "15 %" in normalizing.ranges("t", rows, "correct").markup
