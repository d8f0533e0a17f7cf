"""What the figures of "Gradients" draw is the loss that the page computes."""

import re

import numpy as np
import pytest

from backprop.autodiff import tape
from backprop.book.figures import landscape


def loss(theta):
    return (theta[0] * theta[1] - landscape.TARGET) ** 2


def test_the_walk_is_that_of_the_loss():
    start, down = np.array(landscape.START), np.array(landscape.DOWN)
    gradient = tape.grad(loss)
    assert gradient(start) == pytest.approx(landscape.GRADIENT)
    assert down == pytest.approx(-gradient(start) / np.linalg.norm(gradient(start)))
    for h in (0.0, 0.1, 0.4):
        place = start + h * down
        assert landscape.cut(h) == pytest.approx(loss(place))
        assert landscape.curvature(h) == pytest.approx(down @ tape.jacobian(gradient)(place) @ down)
        line, bound = 1 - 5 * h, h**2 / 2 * landscape.curvature(h)
        assert abs(landscape.cut(h) - line) <= bound + 1e-12
    promised = 5 * landscape.TRUSTED
    assert landscape.TRUSTED**2 / 2 * landscape.curvature(landscape.TRUSTED) <= 0.1 * promised


def test_the_frames_tell_the_slopes():
    assert np.linalg.norm(landscape.CIRCLE, axis=1) == pytest.approx(np.ones(12))
    frames = landscape.turning()
    assert len(frames) == len(landscape.looks()) == 12
    told = []
    for frame in frames:
        words = frame.caption.replace("\N{MINUS SIGN}", "-")
        told.append(float(re.search(r"= (-?[\d.]+):", words)[1]))
    assert told == pytest.approx(np.array(landscape.CIRCLE) @ landscape.GRADIENT)
    assert [told[k] for k, frame in enumerate(frames) if "lowest" in frame.caption] == [-5]
    assert [told[k] for k, frame in enumerate(frames) if "highest" in frame.caption] == [5]
    assert sum("level" in frame.caption for frame in frames) == 2


@pytest.mark.parametrize("draw", ["forecasts", "unit_steps", "landscape"])
def test_drawings_are_vector_and_stay_small(draw):
    markup = getattr(landscape, draw)("title").markup
    assert markup.startswith("<svg") and len(markup) < 100_000


def test_the_curve_of_slopes_grows_while_the_reader_turns():
    sizes = [len(frame.svg) for frame in landscape.turning()]
    assert sizes[0] < sizes[5] < sizes[-1], "the first frame must not give the answer away"


def test_lengths_and_curvatures_takes_any_number_of_seeds():
    rng = np.random.default_rng(0)
    for seeds in (1, 12):
        ratios = [rng.uniform(0.5, 300, (3, seeds)) for _ in range(2)]
        curves = [rng.normal(size=(seeds, 4)) for _ in range(2)]
        steps, moments = [0, 1, 10, 100], [0, 10, 100]
        drawn = landscape.lengths_and_curvatures(ratios, moments, steps, curves, "title")
        assert drawn.markup.startswith("<svg") and len(drawn.markup) < 100_000


def test_the_estimated_walk_is_drawn_in_full():
    near, far = np.linspace(0, 3, 30), np.linspace(0, 40, 40)
    losses = 2 - 0.4 * far + 0.01 * far**2
    drawn = landscape.estimated_walk(near, near / 30 - 0.002, far, losses, -0.4, 1.5, "title")
    assert drawn.markup.startswith("<svg") and len(drawn.markup) < 100_000


def test_the_table_of_slopes_says_what_it_shows():
    drawn = landscape.table_of_slopes([[2, 1], [3, 4]], ["x = 1", "y = 2"], ["a", "b"], "title")
    assert re.findall(r'font-size="18">(\d)<', drawn.markup) == ["2", "1", "3", "4"]
    assert "x = 1: 2, 1; y = 2: 3, 4" in drawn.markup


@pytest.mark.parametrize(("name", "signs", "eigenvalues"), landscape.KINDS)
def test_contours_are_level_and_gradients_start_on_them(name, signs, eigenvalues):
    axes = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)
    H = axes.T @ np.diag(eigenvalues) @ axes
    levels = set()
    for curve in landscape.contours(eigenvalues):
        values = np.einsum("pi,ij,pj->p", curve, H, curve) / 2
        assert values == pytest.approx(np.full(len(curve), values[0]), abs=1e-9)
        assert abs(curve).max() <= landscape.REACH + 1
        levels.add(round(values[0], 6))
    lengths = set()
    for start, end in landscape.slopes(eigenvalues):
        assert round(start @ H @ start / 2, 6) in levels
        gradient = H @ start
        assert (end - start) / np.linalg.norm(end - start) == pytest.approx(
            gradient / np.linalg.norm(gradient)
        )
        lengths.add(round(np.linalg.norm(end - start) / np.linalg.norm(gradient), 6))
    assert lengths == {0.28}
    positive, negative = sum(e > 0 for e in eigenvalues), sum(e < 0 for e in eigenvalues)
    found = "both signs" if positive and negative else "otherwise"
    assert signs == {(2, 0): "all positive", (0, 2): "all negative"}.get(
        (positive, negative), found
    )
    assert name in landscape.kinds_of_points("title").markup
