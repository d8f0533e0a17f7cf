"""What the figures of "Convolution" draw is what Conv2d does, and their words can be read."""

import re

import numpy as np
import pytest
from drawing_cases import check_words

from backprop import Conv2d
from backprop.book.figures import convolving

RNG = np.random.default_rng(0)


def layer_passes(x, W, dz):
    layer = Conv2d(1, 1, W.shape, rng=np.random.default_rng(0))
    layer.parameters["W"][...] = W
    z = layer.forward(np.asarray(x, float)[None, None])
    dx = layer.backward(np.asarray(dz, float)[None, None])
    return z[0, 0], layer.gradients["W"][0, 0], dx[0, 0]


def test_the_frames_tell_what_the_layer_computes():
    passes = layer_passes(convolving.IMAGE, convolving.FILTER, convolving.ERROR)
    frames = convolving.by_hand()
    told = [float(f.caption.rsplit("= ", 1)[1].replace(convolving.MINUS, "-")) for f in frames]
    np.testing.assert_allclose(told, np.concatenate([part.ravel() for part in passes]))
    assert len(frames) == 9 + 4 + 16


def test_each_sum_of_a_caption_is_right():
    for frame in convolving.by_hand():
        worked = frame.caption.split(": ", 1)[1].replace(convolving.MINUS, "-").replace("·", "*")
        left, right = worked.split(" = ")
        assert eval(left) == int(right)


@pytest.mark.parametrize("frame", convolving.by_hand()[::4])
def test_the_words_of_the_frames_can_be_read(frame):
    check_words(frame.svg, 0.52)


def test_sliding_is_the_forward_pass_and_the_turned_filter_the_backward_pass():
    x, W, dz = RNG.normal(size=(5, 6)), RNG.normal(size=(3, 2)), RNG.normal(size=(3, 5))
    z, dW, dx = layer_passes(x, W, dz)
    np.testing.assert_allclose(convolving.slide(x, W), z)
    np.testing.assert_allclose(convolving.slide(x, dz), dW)
    ring = convolving.ringed(dz, W.shape)
    np.testing.assert_allclose(convolving.slide(ring, W[::-1, ::-1]), dx)


def test_the_matrix_is_that_of_the_layer():
    markup = convolving.toeplitz("title").markup
    large = np.array([
        layer_passes(unit.reshape(4, 4), convolving.FILTER, np.zeros((3, 3)))[0].ravel()
        for unit in np.eye(16)
    ])  # fmt: skip
    found = np.zeros((16, 9))
    words = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*font-weight="600">([−\d]+)<', markup)
    for x, y, word in words:
        row, column = (float(y) - 5 - 40) / 20 - 0.5, (float(x) - 118) / 20 - 0.5
        found[round(row), round(column)] = float(word.replace("−", "-"))
    np.testing.assert_array_equal(found, large)
    check_words(markup, 0.5)


def test_the_pictures_of_digits_can_be_read():
    image, W, dz = RNG.random((8, 8)), RNG.normal(size=(3, 3)), RNG.normal(size=(6, 6))
    drawn = convolving.hero(image, W, dz, (2, 3), "title").markup
    z, _, dx = layer_passes(image, W, dz)
    assert f"gives {z[2, 3]:.2f}" in drawn and f"gives {dx[3, 4]:.3f}" in drawn
    check_words(drawn, 0.55)
    maps = RNG.random((2, 4, 14, 14))
    followed = convolving.followed(
        RNG.random((2, 14, 14)), RNG.normal(size=(4, 5, 5)), maps, ("filters", "a 3", "moved"), "t"
    ).markup
    assert followed.count("<circle") == 8 and f"{maps[1, 2].max():.2f}" in followed
    check_words(followed, 0.55)


def test_drops_write_both_medians():
    rows = {"one": ([0.91, 0.95, 0.97], [0.4, 0.42, 0.47]), "two": ([0.98] * 3, [0.95] * 3)}
    markup = convolving.drops(rows, "title").markup
    assert all(f">{number}<" in markup for number in (95, 42, 98))
